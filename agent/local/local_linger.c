/* local_linger.c - sessions that outlive their connection: kept alive for as long as their client has asked for, or as
 * the agent grants because it was itself that closed the connection, and then ended.
 *
 * The replica goes on to know a client for each, one that has no connection: it touches the session and closes it.
 * Whoever takes the session up makes the replica send that one away. */
#include "agent/local/local_internal.h"
#include "core/ops/op.h"

enum { TOUCHES_PER_TIMEOUT = 3, WHO_MAX = 32 };

struct local_lingerer {
    struct list link; /* local->lingerers */
    struct local *local;
    struct deadline due; /* for the next touch, or the end */
    int64_t until_ms;
    uint64_t client; /* 0: the replica does not know it */
    int64_t session_id;
    int32_t timeout_ms;
    uint8_t password[16];
    struct local_user *user;
    bool is_closing;
    bool is_gone;         /* the replica has sent its client away */
    bool ended_with_role; /* and all others, too */
};

static int64_t now_ms(const struct local *l)
{
    return (int64_t)uv_now(l->parts.front.loop);
}

/* The replica hears that the client is gone; a pump that has failed needs no news. */
static void forget_client(struct local_lingerer *s)
{
    struct replica_event event = {.kind = REPLICA_DISCONNECTED, .client = s->client};
    if (s->client != 0)
        (void)pump_feed(s->local->parts.front.pump, &event);
    s->client = 0;
}

static void lingerer_free(struct local_lingerer *s)
{
    forget_client(s);
    list_remove(&s->link);
    deadlines_remove(&s->local->lingers, &s->due);
    local_user_leave(s->local, s->user);
    s->local->lingerer_count--;
    mem_free(s);
}

/* At the end of the agent: the sessions are left to their time-outs, or to clients that come back. */
void local_lingerers_free(struct local *l)
{
    LIST_FOR_EACH(at, &l->lingerers)
    mem_free(LIST_ENTRY(at, struct local_lingerer, link));
    list_init(&l->lingerers);
}

/* -- what is said for it ------------------------------------------------------------------------------------------ */

static bool feed_header(const struct local_lingerer *s, int32_t xid, int32_t number)
{
    struct buffer frame = {0};
    struct writer w = writer_to(&frame);
    request_header_write(&w, &(struct request_header){xid, number});
    struct replica_event event = {.kind = REPLICA_FRAME, .client = s->client, .frame = buffer_bytes(&frame)};
    bool fed = w.status == ST_OK && pump_feed(s->local->parts.front.pump, &event);
    buffer_free(&frame);
    return fed;
}

static bool feed_open(const struct local_lingerer *s)
{
    const struct connect_request again = {.timeout_ms = s->timeout_ms,
                                          .session_id = s->session_id,
                                          .password = bytes_make(s->password, sizeof s->password)};
    struct buffer frame = {0};
    struct writer w = writer_to(&frame);
    connect_request_write(&w, &again);
    struct replica_event event = {.kind = REPLICA_OPEN_SESSION, .client = s->client, .frame = buffer_bytes(&frame)};
    bool fed = w.status == ST_OK && pump_feed(s->local->parts.front.pump, &event);
    buffer_free(&frame);
    return fed;
}

/* The replica has lost all clients with the member's role: it is told of this one again. */
static bool come_back(struct local_lingerer *s)
{
    char who[WHO_MAX];
    (void)snprintf(who, sizeof who, IDENTITY_LOCAL_USER "%u", (unsigned)s->user->uid);
    const struct identity identity = {BYTES("digest"), bytes_of(who)};
    struct replica_event event = {.kind = REPLICA_CONNECTED,
                                  .client = front_stray_client(s->local->front),
                                  .identities = {&identity, 1},
                                  .is_local = true};
    if (!pump_feed(s->local->parts.front.pump, &event))
        return false;
    s->client = event.client;
    return feed_open(s);
}

/* -- in time ------------------------------------------------------------------------------------------------------ */

/* The next touch, or the end. What cannot be had for lack of memory is that the session expires by itself. */
static void arm(struct local_lingerer *s)
{
    struct local *l = s->local;
    int64_t touch = now_ms(l) + s->timeout_ms / TOUCHES_PER_TIMEOUT;
    if (deadlines_set(&l->lingers, &s->due, touch < s->until_ms ? touch : s->until_ms) != ST_OK)
        lingerer_free(s);
    else
        local_arm(l);
}

static void go_on(struct local_lingerer *s)
{
    deadlines_remove(&s->local->lingers, &s->due);
    if (s->client == 0 || s->is_closing)
        return;
    s->is_closing = s->until_ms <= now_ms(s->local);
    if (!s->is_closing && feed_header(s, LOCAL_XID_TOUCH, OP_NUMBER_PING))
        arm(s);
    else if (!s->is_closing || !feed_header(s, 0, TXN_CLOSE_SESSION))
        lingerer_free(s);
}

void local_lingerers_go_on(struct local *l, int64_t now)
{
    struct deadline *first;
    while ((first = deadlines_first(&l->lingers)) != NULL && first->at <= now)
        go_on(CONTAINER_OF(first, struct local_lingerer, due));
}

/* -- coming and going --------------------------------------------------------------------------------------------- */

bool local_linger(struct local_client *c, int64_t ms)
{
    struct local *l = c->local;
    uint32_t max = (uint32_t)l->settings->local_connections_max;
    bool has_room = max == 0 || l->lingerer_count < max;
    struct local_lingerer *s = has_room ? mem_calloc(1, sizeof *s) : NULL;
    if (s == NULL)
        return false;
    s->local = l;
    s->until_ms = now_ms(l) + ms;
    s->session_id = c->session_id;
    s->timeout_ms = c->session_timeout_ms;
    memcpy(s->password, c->password, sizeof s->password);
    s->user = local_user_join(l, c->uid); /* which is there already */
    s->client = connection_release_client(c->connection);
    list_append(&l->lingerers, &s->link);
    l->lingerer_count++;
    l->lingerer_away |= s->client == 0;
    if (s->client != 0)
        go_on(s);
    return true;
}

/* Those of a role that has ended come back with the next one, if only to be ended then. All others have ended, or
 * somebody has taken the session up. */
static void look_at(struct local_lingerer *s)
{
    if (s->is_gone) {
        forget_client(s);
        if (!s->ended_with_role) {
            lingerer_free(s);
            return;
        }
        s->is_gone = s->is_closing = s->ended_with_role = false;
        deadlines_remove(&s->local->lingers, &s->due);
    }
    s->local->lingerer_away |= s->client == 0 && !replica_serves_all(s->local->parts.replica);
    if (s->client == 0 && replica_serves_all(s->local->parts.replica) && come_back(s))
        go_on(s);
}

void local_lingerers_look(struct local *l)
{
    if (!local_lingerers_are_ripe(l))
        return;
    l->lingerer_gone = l->lingerer_away = false;
    LIST_FOR_EACH(at, &l->lingerers)
    look_at(LIST_ENTRY(at, struct local_lingerer, link));
}

bool local_lingerers_are_ripe(const struct local *l)
{
    return l->lingerer_gone || (l->lingerer_away && replica_serves_all(l->parts.replica));
}

void local_lingerer_sent_away(struct local *l, uint64_t client)
{
    LIST_FOR_EACH(at, &l->lingerers)
    {
        struct local_lingerer *s = LIST_ENTRY(at, struct local_lingerer, link);
        if (s->client != client)
            continue;
        s->is_gone = l->lingerer_gone = true;
        s->ended_with_role = !replica_serves_all(l->parts.replica);
    }
}

/* Its client takes the session up itself. The replica sends away those that it knows. */
void local_linger_no_more(struct local *l, int64_t session_id)
{
    LIST_FOR_EACH(at, &l->lingerers)
    {
        struct local_lingerer *s = LIST_ENTRY(at, struct local_lingerer, link);
        if (s->session_id == session_id && s->client == 0)
            lingerer_free(s);
    }
}
