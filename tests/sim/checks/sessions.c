/* sessions.c - see sessions.h. */
#include "tests/sim/checks/sessions.h"

#include "core/base/check.h"
#include "core/zab/request.h"
#include "core/zab/zab.h"
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

/* Where sessions may be local, what the leader does not know may be one that is elsewhere; so a late request of one
 * that it has closed is taken, too, as by Apache's leader. */
static bool may_be_local(const struct world *w, const struct server *m, int64_t id)
{
    return w->plan.local_sessions && sessions_get(replica_sessions(m->replica->r), id) == NULL;
}

void check_session_proposal(struct world *w, const struct server *m, const struct txn *txn)
{
    const struct txn_header *h = &txn->header;
    if (h->type == TXN_CLOSE_SESSION && !clients_closes(w, h->client_id, h->cxid))
        check_expiry(w, m, h->client_id);
    else if (h->type != TXN_CLOSE_SESSION && h->type != TXN_ERROR && m->epoch == w->newest_epoch &&
             clients_has_moved(w, h->client_id, h->cxid) && !may_be_local(w, m, h->client_id))
        world_fail(w, "sessions: member %" PRId64 " takes cxid %" PRId32 " of 0x%" PRIx64 " from where it was before",
                   m->sid, h->cxid, (uint64_t)h->client_id);
}

void check_touches(struct world *w, const struct server *m, struct bytes data)
{
    const struct sessions *all = replica_sessions(m->replica->r);
    struct map64 told = {0};
    struct reader at;
    struct touch touch;
    CHECK(touches_begin(data, &at) == ST_OK);
    while (touches_next(&at, &touch))
        CHECK(map64_put(&told, (uint64_t)touch.session_id, w) == ST_OK);
    MAP64_FOR_EACH(slot, &m->replica->heard)
    {
        if (map64_get(&told, slot->key) == NULL && sessions_get(all, (int64_t)slot->key) != NULL)
            world_fail(w, "sessions: member %" PRId64 " has heard 0x%" PRIx64 " and does not tell its leader", m->sid,
                       slot->key);
    }
    map64_free(&told);
}

struct overdue {
    struct world *w;
    const struct server *m;
    int64_t own_ms;
};

static int64_t time_of(const struct map64 *times, int64_t session)
{
    return (int64_t)(uintptr_t)map64_get(times, (uint64_t)session) - 1;
}

/* Nobody reads what its client says: its silence counts for nothing. */
static bool is_unread(const struct world *w, const struct server *m, const struct session *session)
{
    return session->client != 0 && net_has(w, m->index, session->client) && net_holds(w, session->client);
}

/* Its bucket ends within a tick, the step comes within another. */
static void check_silence(void *context, const struct session *session)
{
    const struct overdue *o = context;
    struct replica_body *body = o->m->replica;
    if (is_unread(o->w, o->m, session) || map64_get(&body->seen, (uint64_t)session->id) == NULL)
        CHECK(map64_put(&body->seen, (uint64_t)session->id, (void *)(uintptr_t)(o->own_ms + 1)) == ST_OK);
    int64_t heard_ms = time_of(&body->heard, session->id), since_ms = time_of(&body->seen, session->id);
    since_ms = heard_ms > since_ms ? heard_ms : since_ms;
    since_ms = body->patient_ms > since_ms ? body->patient_ms : since_ms;
    if (!session->closing && o->own_ms - since_ms > session->timeout_ms + 3 * o->w->plan.tick_ms)
        world_fail(o->w,
                   "sessions: member %" PRId64 " keeps 0x%" PRIx64 " of %" PRId32 " ms, which it heard %" PRId64
                   " ms ago: since %" PRId64 ", bucket %" PRId64 ", now %" PRId64,
                   o->m->sid, (uint64_t)session->id, session->timeout_ms, o->own_ms - heard_ms, since_ms,
                   session->expires_ms, o->own_ms);
}

/* A step that was late gives all more time, since what clients sent meanwhile is read first; and nobody is expired by a
 * leader whose disk is full, or that waits for the one that it has named to lead, or for a new epoch. */
static void be_patient(const struct world *w, const struct server *m, int64_t own_ms)
{
    struct replica_body *body = m->replica;
    const int64_t gap_ms = body->stepped_ms == 0 ? 0 : own_ms - body->stepped_ms;
    const bool cannot = m->disk.full_until_us > w->now_us || m->disk.failed || zab_next_zxid(replica_zab(body->r)) == 0;
    const int64_t until_ms = gap_ms > w->plan.tick_ms / 2 ? own_ms + gap_ms : cannot ? own_ms : 0;
    body->stepped_ms = own_ms;
    body->patient_ms = until_ms > body->patient_ms ? until_ms : body->patient_ms;
}

void check_overdue(struct world *w, struct server *m)
{
    struct replica_body *body = m->replica;
    const int64_t own_ms = m->shown_us / SIM_MILLISECOND;
    be_patient(w, m, own_ms);
    if (m->role != ZAB_LEADING || m->phase != ZAB_BROADCAST || replica_service(body->r) != SERVICE_LEADING ||
        own_ms - body->looked_ms < w->plan.tick_ms)
        return;
    body->looked_ms = own_ms;
    sessions_each(replica_sessions(body->r), check_silence, &(struct overdue){w, m, own_ms});
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
