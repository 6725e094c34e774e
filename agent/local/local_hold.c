/* local_hold.c - requests that wait until the replica has come to a zxid, and those of the same client behind them.
 * They are kept as they came, and taken again in their order; what is no request goes past them. */
#include "agent/local/local_internal.h"

enum status local_hold(struct local_request *request, int64_t zxid, struct bytes frame, uint32_t deadline_ms)
{
    struct local_client *c = request->client;
    enum status st = buffer_append(&request->frame, frame.data, frame.len);
    if (st == ST_OK)
        st = local_set_deadline(request, deadline_ms);
    if (st != ST_OK)
        return st;
    list_remove(&request->link);
    list_append(&c->held, &request->link);
    request->state = LOCAL_HELD;
    request->wanted_zxid = zxid;
    c->held_bytes += frame.len;
    if (list_is_empty(&c->in_held))
        list_append(&c->local->held, &c->in_held);
    local_check_pressure(c);
    return ST_OK;
}

static struct local_request *first_of(const struct local_client *c)
{
    return LIST_ENTRY(c->held.next, struct local_request, link);
}

/* Nothing may be fed for a client that the replica has paused or sent away. */
static bool may_go_on(const struct local_client *c)
{
    const struct connection *connection = c->connection;
    bool is_held_back = connection->paused || connection->close_asked || connection->was_sent_away ||
                        connection->failed || connection->close_delivered;
    return !is_held_back && first_of(c)->wanted_zxid <= replica_last_zxid(c->local->parts.replica);
}

/* It goes back to the end of the requests that are under way. */
static void let_go(struct local_request *request)
{
    struct local_client *c = request->client;
    list_remove(&request->link);
    list_append(&c->requests, &request->link);
    c->held_bytes -= request->frame.len;
    request->state = LOCAL_WAITS;
}

static void take_again(struct local_request *request)
{
    struct local_client *c = request->client;
    struct buffer frame = request->frame;
    let_go(request);
    request->frame = (struct buffer){0};
    if (!local_take_again(request, buffer_bytes(&frame)))
        c->connection->failed = true;
    buffer_free(&frame);
}

void local_release(struct local_client *c)
{
    while (!list_is_empty(&c->held) && may_go_on(c))
        take_again(first_of(c));
    if (list_is_empty(&c->held))
        list_remove(&c->in_held);
    local_check_pressure(c);
    if (c->connection->failed)
        connection_queue(c->connection);
    connection_settle(c->connection);
}

void local_hold_is_late(struct local_request *request)
{
    struct local_client *c = request->client;
    if (request->wanted_zxid == 0 || request != first_of(c)) {
        local_give_up(request, ZOOID__LOCAL__CODE__DEADLINE_EXCEEDED, NULL);
    } else {
        let_go(request);
        buffer_free(&request->frame);
        if (local_refuse(request, ZOOID__LOCAL__CODE__STALE, NULL) != ST_OK)
            c->connection->failed = true;
    }
    local_release(c);
}

bool local_held_are_ripe(const struct local *l)
{
    LIST_FOR_EACH(at, &l->held)
    if (may_go_on(LIST_ENTRY(at, struct local_client, in_held)))
        return true;
    return false;
}

void local_look_at_held(struct local *l)
{
    LIST_FOR_EACH(at, &l->held)
    {
        struct local_client *c = LIST_ENTRY(at, struct local_client, in_held);
        if (may_go_on(c))
            local_release(c);
    }
}
