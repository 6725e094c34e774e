/* sessions.c - see sessions.h. */
#include "tests/sim/checks/sessions.h"

#include "tests/sim/replica/client.h"
#include "tests/sim/replica/member.h"

#include <inttypes.h>

/* Nobody asked for it: the session has not been heard by this leader for as long as it may be silent. */
static void check_expiry(struct world *w, const struct server *m, int64_t id)
{
    const struct replica_body *body = m->replica;
    const struct session *session = sessions_get(replica_sessions(body->r), id);
    int64_t own_ms = m->shown_us / SIM_MILLISECOND;
    int64_t heard_ms = (int64_t)(uintptr_t)map64_get(&body->heard, (uint64_t)id) - 1;
    if (heard_ms < body->leading_ms)
        heard_ms = body->leading_ms;
    mark(w, MARK_SESSION_EXPIRED);
    if (session == NULL || own_ms - heard_ms < session->timeout_ms)
        world_fail(w, "sessions: member %" PRId64 " expires 0x%" PRIx64 ", which it heard %" PRId64 " ms ago", m->sid,
                   (uint64_t)id, own_ms - heard_ms);
}

void check_session_proposal(struct world *w, const struct server *m, const struct txn *txn)
{
    const struct txn_header *h = &txn->header;
    if (h->type == TXN_CLOSE_SESSION && !clients_closes(w, h->client_id, h->cxid))
        check_expiry(w, m, h->client_id);
    else if (h->type != TXN_CLOSE_SESSION && h->type != TXN_ERROR && m->epoch == w->newest_epoch &&
             clients_has_moved(w, h->client_id, h->cxid))
        world_fail(w, "sessions: member %" PRId64 " takes cxid %" PRId32 " of 0x%" PRIx64 " from where it was before",
                   m->sid, h->cxid, (uint64_t)h->client_id);
}

struct owners {
    struct world *w;
    const struct sessions *sessions;
    int64_t zxid;
};

static void check_owner(void *context, int64_t session, const uint32_t *numbers, size_t count)
{
    const struct owners *o = context;
    (void)numbers;
    if (count > 0 && sessions_get(o->sessions, session) == NULL)
        world_fail(o->w, "sessions: %zu ephemerals of 0x%" PRIx64 " are left behind at 0x%" PRIx64, count,
                   (uint64_t)session, (uint64_t)o->zxid);
}

void check_owners(struct world *w, const struct tree *tree, const struct sessions *sessions, int64_t zxid)
{
    tree_each_owner(tree, check_owner, &(struct owners){w, sessions, zxid});
}
