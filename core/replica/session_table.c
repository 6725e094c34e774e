/* session_table.c - which sessions there are: those of the ensemble, those whose createSession is in flight, and those
 * that this member alone knows. */
#include "core/base/mem.h"
#include "core/replica/member.h"

struct session *session_find(const struct replica *r, int64_t id)
{
    struct session *session = sessions_get(r->sessions, id);
    return session != NULL ? session : sessions_get(r->local, id);
}

struct session *session_global(const struct replica *r, int64_t id)
{
    struct session *session = sessions_get(r->sessions, id);
    return session != NULL ? session : map64_get(&r->coming, (uint64_t)id);
}

bool session_is_local(const struct replica *r, int64_t id)
{
    return sessions_get(r->local, id) != NULL;
}

struct client *client_of_session(const struct replica *r, int64_t session_id)
{
    const struct session *session = session_find(r, session_id);
    if (session != NULL && session->client != 0)
        return client_find(r, session->client);
    return r->member == NULL ? NULL : map64_get(&r->member->by_session, (uint64_t)session_id);
}

bool session_has_room(const struct replica *r)
{
    uint32_t max = r->options.session_count_max;
    return max == 0 || sessions_count(r->sessions) + sessions_count(r->local) + r->coming.count < max;
}

/* -- those in flight ----------------------------------------------------------------------------------------------- */

enum status session_announce(struct replica *r, int64_t id, uint64_t owner, struct session **added)
{
    struct session *known = session_global(r, id);
    *added = NULL;
    if (known != NULL) {
        known->owner = owner;
        return ST_OK;
    }
    struct session *session = mem_calloc(1, sizeof *session);
    if (session == NULL || map64_put(&r->coming, (uint64_t)id, session) != ST_OK) {
        mem_free(session);
        return ST_NO_MEMORY;
    }
    session->id = id;
    session->owner = owner;
    *added = session;
    return ST_OK;
}

void session_withdraw(struct replica *r, struct session *added)
{
    if (added == NULL)
        return;
    (void)map64_remove(&r->coming, (uint64_t)added->id);
    mem_free(added);
}

/* Nobody waits for it any more, but one who has asked the leader for it. A client that has it already, since it was
 * local before, keeps it. */
static void tell_who_waits(struct replica *r, struct session *session)
{
    struct client *c = r->member == NULL ? NULL : map64_get(&r->member->by_session, (uint64_t)session->id);
    if (c == NULL || c->is_asked_for)
        return;
    (void)map64_remove(&r->member->by_session, (uint64_t)session->id);
    if (c->phase == CLIENT_ACTIVE)
        session->client = c->id;
}

void session_came(struct replica *r, int64_t id)
{
    struct session *session = sessions_get(r->sessions, id);
    struct session *announced = map64_get(&r->coming, (uint64_t)id);
    if (session != NULL && announced != NULL) {
        session->owner = announced->owner;
        session->closing = announced->closing;
    }
    session_withdraw(r, announced);
    if (session != NULL)
        tell_who_waits(r, session);
}

void session_forget_coming(struct replica *r)
{
    MAP64_FOR_EACH(slot, &r->coming)
    mem_free(slot->value);
    map64_free(&r->coming);
    r->coming = (struct map64){0};
}
