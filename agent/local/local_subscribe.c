/* local_subscribe.c - subscriptions of local clients: taken, told as much as their windows allow, ended. */
#include "agent/local/local_streams.h"
#include "core/tree/path.h"

enum { BYTES_PER_TURN = 128 * 1024 }; /* of one subscription */

static const struct changes *history_of(const struct local_subscription *s)
{
    return replica_changes(s->request->client->local->parts.replica);
}

/* -- taken and ended ---------------------------------------------------------------------------------------------- */

void local_subscription_free(struct local_subscription *s)
{
    if (s == NULL)
        return;
    struct local_client *c = s->request->client;
    c->subscription_count--;
    c->user->subscriptions--;
    local_flow_end(&s->flow);
    list_remove(&s->link);
    buffer_free(&s->backlog);
    buffer_free(&s->texts);
    path_set_free(&s->prefixes);
    mem_free(s);
}

/* All texts first: the buffer moves while it grows. */
static enum status keep_prefixes(struct local_subscription *s, const Zooid__Local__Subscribe *m)
{
    enum status st = buffer_append(&s->texts, m->prefix, strlen(m->prefix) + 1);
    for (size_t i = 0; st == ST_OK && i < m->n_also; i++)
        st = buffer_append(&s->texts, m->also[i], strlen(m->also[i]) + 1);
    if (st == ST_OK)
        st = path_set_begin(&s->prefixes, 1 + m->n_also);
    if (st != ST_OK)
        return st;
    for (size_t at = 0; at < s->texts.len;) {
        struct bytes prefix = bytes_of((const char *)s->texts.data + at);
        path_set_add(&s->prefixes, prefix);
        at += prefix.len + 1;
    }
    path_set_order(&s->prefixes);
    return ST_OK;
}

static struct local_subscription *subscription_new(struct local_client *c, const Zooid__Local__Subscribe *m)
{
    struct local_subscription *s = mem_calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    if (keep_prefixes(s, m) != ST_OK) {
        buffer_free(&s->texts);
        mem_free(s);
        return NULL;
    }
    s->without_data = m->without_data;
    s->without_snapshot = m->without_snapshot;
    s->has_cursor = m->from != NULL;
    if (s->has_cursor)
        s->cursor = (struct change_cursor){m->from->zxid, m->from->index};
    s->flow = local_flow_of(c, m->window_bytes);
    return s;
}

static void begin(struct local_client *c, struct local_request *request, struct local_subscription *s)
{
    local_set_apart(request);
    list_append(&c->local->subscriptions, &s->link);
    request->subscription = s;
    s->request = request;
    c->subscription_count++;
    c->user->subscriptions++;
}

/* Where it begins: behind its cursor, or with what changes next, or with a snapshot. What is there now may be taken
 * back unless the member serves: then it waits. */
static enum status find_place(struct local_subscription *s)
{
    const struct changes *h = history_of(s);
    if (s->is_placed || !replica_serves_all(s->request->client->local->parts.replica))
        return ST_OK;
    if (!s->has_cursor && s->without_snapshot)
        s->cursor = changes_end(h);
    s->is_placed = (s->has_cursor || s->without_snapshot) && changes_find(h, s->cursor, &s->place);
    return s->is_placed || !s->without_snapshot ? ST_OK : ST_NOT_FOUND;
}

static void end(struct local_subscription *s, enum status why)
{
    const struct local_client *c = s->request->client;
    if (why == ST_LIMIT)
        local_give_up(s->request, ZOOID__LOCAL__CODE__LIMIT_REACHED,
                      local_user_excess(c->local, c->user, LOCAL_BUDGET_BYTES));
    else if (why == ST_ANSWER_TOO_LONG)
        local_give_up(s->request, ZOOID__LOCAL__CODE__LIMIT_REACHED,
                      "the snapshot is longer than zooid.localAnswerMax, or a node than a frame of the client");
    else if (s->is_told)
        local_give_up(s->request, ZOOID__LOCAL__CODE__FELL_BEHIND, "the changes came faster than they were taken");
    else
        local_give_up(s->request, ZOOID__LOCAL__CODE__STALE, "the changes since then are no longer remembered");
}

static bool are_paths(const Zooid__Local__Subscribe *m)
{
    enum status st = path_validate(bytes_of(m->prefix));
    for (size_t i = 0; st == ST_OK && i < m->n_also; i++)
        st = path_validate(bytes_of(m->also[i]));
    return st == ST_OK;
}

enum status local_subscribe(struct local_client *c, struct local_request *request, const to_agent *m)
{
    struct local *l = c->local;
    if (replica_changes(l->parts.replica) == NULL)
        return local_refuse(request, ZOOID__LOCAL__CODE__UNIMPLEMENTED, NULL);
    if (!are_paths(m->subscribe))
        return local_refuse(request, ZOOID__LOCAL__CODE__BAD_ARGUMENTS, "the prefix is no path");
    if (m->subscribe->n_also >= (size_t)l->settings->local_prefixes_max)
        return local_refuse(request, ZOOID__LOCAL__CODE__LIMIT_REACHED,
                            "a subscription has at most zooid.localPrefixesMax prefixes");
    if (c->subscription_count >= (uint32_t)l->settings->local_subscriptions_max)
        return local_refuse(request, ZOOID__LOCAL__CODE__LIMIT_REACHED,
                            "the connection has zooid.localSubscriptionsMax subscriptions");
    struct local_subscription *s = subscription_new(c, m->subscribe);
    if (s == NULL)
        return ST_NO_MEMORY;
    begin(c, request, s);
    const char *excess = local_user_excess(l, c->user, LOCAL_BUDGET_SUBSCRIPTIONS);
    if (excess != NULL) {
        local_give_up(request, ZOOID__LOCAL__CODE__LIMIT_REACHED, excess);
        return ST_OK;
    }
    if (find_place(s) != ST_OK)
        end(s, ST_NOT_FOUND);
    l->followed_to = UINT64_MAX;
    pump_wake(l->parts.front.pump);
    return ST_OK;
}

/* -- told --------------------------------------------------------------------------------------------------------- */

static void account(struct local_subscription *s, size_t bytes)
{
    local_flow_sent(&s->flow, bytes, s->backlog.cap);
    if (bytes == 0)
        return;
    s->told_at = changes_written(history_of(s));
    s->is_told = true;
}

/* The next frame of the snapshot. */
static enum status send_backlog(struct local_subscription *s, struct buffer *say)
{
    const uint8_t *frame = s->backlog.data + s->backlog_at;
    enum status st = buffer_append(say, frame, 4 + (size_t)be32_get(frame));
    if (st != ST_OK)
        return st;
    s->backlog_at += 4 + (size_t)be32_get(frame);
    if (s->backlog_at == s->backlog.len) {
        buffer_free(&s->backlog);
        s->backlog_at = 0;
    }
    return ST_OK;
}

/* What was forgotten before it was told cannot be told any more. */
static enum status begin_anew(struct local_subscription *s)
{
    if (changes_find(history_of(s), s->cursor, &s->place))
        return ST_OK;
    s->is_placed = false;
    s->fell_behind = true;
    return s->without_snapshot ? ST_NOT_FOUND : ST_OK;
}

static enum status snapshot(struct local_subscription *s)
{
    const struct local_client *c = s->request->client;
    bool has_room = local_user_excess(c->local, c->user, LOCAL_BUDGET_BYTES) == NULL;
    return has_room ? local_write_snapshot(s) : ST_LIMIT;
}

/* One frame, or one step towards it. `*is_done`: there is no more for now. Errors but ST_NO_MEMORY end it. */
static enum status tell_some(struct local_subscription *s, struct buffer *say, bool *is_done)
{
    if (s->backlog.len > 0)
        return send_backlog(s, say);
    enum status st = s->is_told || s->fell_behind ? ST_OK : find_place(s);
    if (st != ST_OK || !s->is_placed)
        return st != ST_OK ? st : snapshot(s);
    st = local_write_changes(s, (size_t)(s->flow.window - s->flow.unacknowledged), say, is_done);
    return st == ST_NOT_FOUND ? begin_anew(s) : st;
}

/* False: the connection has failed. */
static bool tell(struct local_subscription *s)
{
    struct local_client *c = s->request->client;
    struct buffer *say = &c->connection->said;
    size_t start = say->len;
    bool is_done = false;
    enum status st = ST_OK;
    size_t told = 1;
    while (st == ST_OK && told > 0 && !is_done && local_flow_has_room(&s->flow) && say->len - start < BYTES_PER_TURN) {
        size_t before = say->len;
        st = tell_some(s, say, &is_done);
        told = say->len - before;
        account(s, told);
    }
    c->local->follows_on |= st == ST_OK && !is_done && local_flow_has_room(&s->flow);
    if (say->len > start)
        connection_say(c->connection);
    if (st != ST_OK && st != ST_NO_MEMORY)
        end(s, st);
    return st != ST_NO_MEMORY;
}

/* The replica has to know who it is for. One that it has sent away will be back in a moment. */
static enum status is_welcome(struct local_client *c)
{
    if (c->connection->was_sent_away)
        return ST_NOT_FOUND;
    enum status st = local_peer_introduce(c);
    return st == ST_OK ? replica_may_follow(c->local->parts.replica, c->connection->client) : st;
}

static void tell_or_fail(struct local_subscription *s)
{
    struct local_client *c = s->request->client;
    enum status st = is_welcome(c);
    if (st == ST_NOT_FOUND)
        c->local->follows_on = true;
    else if (st == ST_SESSION_CLOSED_REQUIRE_AUTH)
        local_give_up(s->request, ZOOID__LOCAL__CODE__SESSION_CLOSED_REQUIRE_AUTH, NULL);
    else if (st != ST_OK || !tell(s)) {
        c->connection->failed = true;
        connection_queue(c->connection);
    }
}

bool local_subscriptions_are_ripe(struct local *l)
{
    if (list_is_empty(&l->subscriptions))
        return false;
    if (!replica_serves_all(l->parts.replica)) {
        l->followed_to = UINT64_MAX; /* what was applied may be taken back */
        return false;
    }
    return l->follows_on || l->followed_to != changes_written(replica_changes(l->parts.replica));
}

void local_subscriptions_tell(struct local *l)
{
    if (!local_subscriptions_are_ripe(l))
        return;
    l->followed_to = changes_written(replica_changes(l->parts.replica));
    l->follows_on = false;
    LIST_FOR_EACH(at, &l->subscriptions)
    {
        struct local_subscription *s = LIST_ENTRY(at, struct local_subscription, link);
        const struct connection *connection = s->request->client->connection;
        if (!connection->failed && !connection->close_delivered)
            tell_or_fail(s);
    }
}
