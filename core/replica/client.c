/* client.c - connections: who they are, and when they have to wait. */
#include "core/base/mem.h"
#include "core/ops/access.h"
#include "core/replica/member.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    /* Reads that wait for a write of their client are answered at once when it is done: the answers must not be more
     * than can be sent at a time. */
    ANSWER_BYTES_MAX = 4 * 1024 * 1024,
    /* And so are those that came before their session was there, of which not even that much is known. */
    DEFERRED_MAX = 4,
    REASON_MAX = 256,
    TURNED_AWAY_EVERY_MS = 10000, /* between two lines of the log */
};

struct client *client_find(const struct replica *r, uint64_t id)
{
    struct client *c = map64_get(&r->clients, id);
    return c != NULL && c->phase != CLIENT_CLOSED ? c : NULL;
}

bool client_listens(const struct client *c)
{
    return c->phase == CLIENT_ACTIVE && !c->ending;
}

/* Scheme and id lie in one block behind each other; the block is the scheme's. */
enum status client_add_identity(const struct replica *r, struct client *c, struct bytes scheme, struct bytes id)
{
    for (size_t i = 0; i < c->identity_count; i++)
        if (bytes_equal(c->identities[i].scheme, scheme) && bytes_equal(c->identities[i].id, id))
            return ST_OK;
    if (r->options.identities_max > 0 && c->identity_count >= r->options.identities_max)
        return ST_LIMIT;
    uint8_t *block = mem_alloc(scheme.len + id.len + 1);
    if (block == NULL)
        return ST_NO_MEMORY;
    struct identity *grown = mem_realloc(c->identities, (c->identity_count + 1) * sizeof *grown);
    if (grown == NULL) {
        mem_free(block);
        return ST_NO_MEMORY;
    }
    memcpy(block, scheme.data, scheme.len);
    if (id.len > 0)
        memcpy(block + scheme.len, id.data, id.len);
    c->identities = grown;
    grown[c->identity_count++] = (struct identity){bytes_make(block, scheme.len),
                                                   bytes_make(block + scheme.len, id.len)};
    return ST_OK;
}

static void drop_requests(struct replica *r, struct client *c)
{
    LIST_FOR_EACH(at, &c->requests)
    {
        struct request *request = LIST_ENTRY(at, struct request, link);
        const bool is_done = request->state == REQUEST_IN_FLIGHT || request->state == REQUEST_FORWARDED ||
                             request->state == REQUEST_ANSWERED;
        metrics_add(r->metrics, COUNTER_stale_replies, is_done);
        metrics_add(r->metrics, COUNTER_stale_requests, !is_done);
        metrics_add(r->metrics, COUNTER_stale_requests_dropped, !is_done);
        if (request->state == REQUEST_IN_FLIGHT)
            request_leave(r, request); /* its txn will be applied all the same; only nobody is told */
        else if (!audit_holds(r, request))
            request_free(r, request);
    }
}

/* What the replica has done for the client ends: watches, requests, the tie to its session. */
static void detach(struct replica *r, struct client *c)
{
    struct session *session = c->session_id != 0 ? session_find(r, c->session_id) : NULL;
    if (session != NULL && session->client == c->id)
        session->client = 0;
    if (c->ends_session)
        sessions_remove(r->local, c->session_id);
    if (r->member != NULL)
        member_forget(r, c);
    list_remove(&c->waiting);
    watches_drop(r->watches, c->id);
    drop_requests(r, c);
}

static void client_free(struct client *c)
{
    for (size_t i = 0; i < c->identity_count; i++)
        mem_free((void *)c->identities[i].scheme.data);
    mem_free(c->identities);
    mem_free(c);
}

enum status client_connected(struct replica *r, const struct replica_event *event)
{
    struct client *c = mem_calloc(1, sizeof *c);
    if (c == NULL)
        return ST_NO_MEMORY;
    c->id = event->client;
    c->is_local = event->is_local;
    c->is_of_host = event->is_of_host || event->is_local;
    c->phase = c->is_local ? CLIENT_ACTIVE : CLIENT_NEW;
    c->last_cxid = -1;
    c->established_ms = event->wall_ms;
    list_init(&c->requests);
    list_init(&c->waiting);
    enum status st = ST_OK;
    for (size_t i = 0; i < event->identities.count && st == ST_OK; i++) {
        const struct identity *identity = &event->identities.items[i];
        st = client_add_identity(r, c, identity->scheme, identity->id);
        bool is_super = bytes_equal(identity->scheme, BYTES("x509")) && r->rules.x509_super_user != NULL &&
                        bytes_equal(identity->id, bytes_of(r->rules.x509_super_user));
        if (st == ST_OK && is_super)
            st = client_add_identity(r, c, BYTES("super"), identity->id);
    }
    if (st == ST_OK)
        st = map64_put(&r->clients, c->id, c);
    if (st != ST_OK)
        client_free(c);
    return st;
}

void client_disconnected(struct replica *r, uint64_t id)
{
    struct client *c = map64_remove(&r->clients, id);
    if (c == NULL)
        return;
    detach(r, c);
    client_free(c);
}

void client_free_all(struct replica *r)
{
    MAP64_FOR_EACH(slot, &r->clients)
    {
        detach(r, slot->value);
        client_free(slot->value);
    }
    map64_free(&r->clients);
}

enum status client_close(struct replica *r, struct client *c, struct outbox *out)
{
    if (c->phase == CLIENT_CLOSED)
        return ST_OK;
    detach(r, c);
    c->phase = CLIENT_CLOSED;
    metrics_add(r->metrics, COUNTER_connection_drop_count, 1);
    return outbox_add(out, c->id, OUTBOX_CLOSE);
}

enum status client_turn_away(struct replica *r, struct client *c, struct outbox *out, const char *reason, ...)
{
    char text[REASON_MAX];
    va_list arguments;
    uint32_t held_back = 0;
    if (!log_limit_pass(&r->log_turned_away, (uint64_t)now_ms(r), TURNED_AWAY_EVERY_MS, &held_back))
        return client_close(r, c, out);
    const struct bytes from = c->identity_count > 0 ? c->identities[0].id : BYTES("the local door");
    va_start(arguments, reason);
    (void)vsnprintf(text, sizeof text, reason, arguments);
    va_end(arguments);
    LOG_WARN(r->log, "replica", "client at %.*s turned away: %s (%u more since the last line)", BYTES_PRINT(from), text,
             held_back);
    return client_close(r, c, out);
}

/* A client that has nothing outstanding is never paused, so that each pause ends with one of its own replies
 * (client-protocol 14, globalOutstandingLimit). One that is paused goes on when less than half of what is its own is
 * left. */
static bool is_over(const struct replica *r, const struct client *c)
{
    const struct replica_options *o = &r->options;
    uint32_t own_max = c->paused && o->outstanding_per_client_max > 1 ? o->outstanding_per_client_max / 2
                                                                      : o->outstanding_per_client_max;
    if (c->outstanding == 0)
        return false;
    return (own_max > 0 && c->outstanding >= own_max) ||
           (c->phase == CLIENT_CONNECTING && c->outstanding > DEFERRED_MAX) ||
           c->answer_bytes >= (c->paused ? ANSWER_BYTES_MAX / 2 : ANSWER_BYTES_MAX) ||
           (o->outstanding_max > 0 && r->outstanding >= o->outstanding_max) ||
           (o->log_bytes_max > 0 && r->held_bytes >= o->log_bytes_max) ||
           (o->forward_bytes_max > 0 && r->forwarded_bytes >= o->forward_bytes_max);
}

enum status client_heard(struct replica *r, const struct client *c)
{
    struct session *local = sessions_get(r->local, c->session_id);
    struct session *session = sessions_get(r->sessions, c->session_id);
    if (local != NULL) {
        sessions_touch(r->local, local, now_ms(r));
        return ST_OK;
    }
    if (session != NULL)
        sessions_touch(r->sessions, session, now_ms(r));
    bool tells_leader = r->service == SERVICE_LEARNING && c->session_id != 0;
    return tells_leader ? member_touch(r, c->session_id, c->timeout_ms) : ST_OK;
}

/* What it said while it was paused has not been read yet. */
static enum status go_on(struct replica *r, struct client *c)
{
    list_remove(&c->waiting);
    return c->phase == CLIENT_ACTIVE ? client_heard(r, c) : ST_OK;
}

enum status client_check_pressure(struct replica *r, struct client *c, struct outbox *out)
{
    bool over = is_over(r, c);
    if (over == c->paused)
        return ST_OK;
    c->paused = over;
    if (!over && go_on(r, c) != ST_OK)
        return ST_NO_MEMORY;
    if (over) {
        list_append(&r->paused, &c->waiting);
        metrics_add(r->metrics, COUNTER_request_throttle_wait_count, 1);
    }
    return outbox_add(out, c->id, over ? OUTBOX_PAUSE : OUTBOX_RESUME);
}

enum status client_close_all(struct replica *r, struct outbox *out)
{
    enum status st = ST_OK;
    MAP64_FOR_EACH(slot, &r->clients)
    if (st == ST_OK)
        st = client_close(r, slot->value, out);
    return st;
}

enum status client_close_unserved(struct replica *r, struct outbox *out)
{
    enum status st = ST_OK;
    if (!replica_serves_host_only(r))
        return ST_OK;
    MAP64_FOR_EACH(slot, &r->clients)
    {
        struct client *c = slot->value;
        if (st == ST_OK && !c->is_of_host)
            st = client_close(r, c, out);
    }
    return st;
}

enum status replica_may_follow(const struct replica *r, uint64_t client)
{
    const struct client *c = client_find(r, client);
    if (c == NULL)
        return ST_NOT_FOUND;
    return client_is_unauthenticated(r, c) ? ST_SESSION_CLOSED_REQUIRE_AUTH : ST_OK;
}

bool replica_may_read(const struct replica *r, uint64_t client, struct acls acl)
{
    const struct client *c = client_find(r, client);
    return c != NULL && access_may_read(&r->rules, acl, client_identities(c));
}
