/* local_session.c - sessions that this member alone knows: created, closed and expired without a txn, and made the
 * ensemble's by the first ephemeral (client-protocol 5.8, quorum-protocol 3.8). They end with the member's role. */
#include "core/replica/member.h"

enum status local_session_create(struct replica *r, struct client *c, struct outbox *out)
{
    enum status st = sessions_put(r->local, c->session_id, c->timeout_ms, now_ms(r));
    return st == ST_OK ? client_established(r, c, out) : st;
}

/* Whoever waits for it is found by its id until the createSession is committed: what it has in flight is still its. */
static enum status upgrade(struct replica *r, struct client *c, int32_t timeout_ms, struct outbox *out)
{
    if (map64_put(&r->member->by_session, (uint64_t)c->session_id, c) != ST_OK)
        return ST_NO_MEMORY;
    sessions_remove(r->local, c->session_id);
    if (r->service == SERVICE_LEARNING)
        return member_announce_session(r, c->session_id, timeout_ms, out);
    const union op_body body = {.create_session = {timeout_ms}};
    const struct proposal proposal = {.op = op_find(TXN_CREATE_SESSION),
                                      .body = &body,
                                      .owner = OWNER_HERE,
                                      .session_id = c->session_id,
                                      .received_us = r->now_us};
    return propose(r, &proposal, out);
}

enum status local_session_own(struct replica *r, struct client *c, enum status *refused, struct outbox *out)
{
    const struct session *session = sessions_get(r->local, c->session_id);
    *refused = ST_OK;
    if (session == NULL)
        return ST_OK;
    if (r->options.local_sessions_upgrading)
        return upgrade(r, c, session->timeout_ms, out);
    *refused = ST_EPHEMERAL_ON_LOCAL_SESSION;
    return ST_OK;
}

enum status local_session_expire(struct replica *r, struct session *session, struct outbox *out)
{
    int64_t id = session->id;
    struct client *c = session->client == 0 ? NULL : client_find(r, session->client);
    enum status st = c == NULL ? ST_OK : client_close(r, c, out);
    sessions_remove(r->local, id);
    return st;
}
