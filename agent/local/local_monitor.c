/* local_monitor.c - the agent's log for local clients that follow it, each at its own level. What is produced for them
 * is what the most curious of them wants; lines that one of them is too slow for are left out, and counted. */
#include "agent/local/local_monitor.h"
#include "agent/base/log_tap.h"
#include "core/tree/path.h"

enum { ROWS_MAX = 256, FRAME_BYTES = 32 * 1024 /* a frame ends behind as many bytes of lines */ };

struct local_monitor {
    struct list link; /* local->monitors */
    struct local_request *request;
    enum log_level level;
    uint64_t missed; /* and not told yet */
};

/* -- told --------------------------------------------------------------------------------------------------------- */

/* Lines on their way to one of them. */
struct telling {
    struct local_monitor *monitor;
    struct connection *connection;
    size_t count, bytes;
    char *rows[ROWS_MAX];
};

static bool is_slow(const struct telling *t)
{
    const struct local *l = t->monitor->request->client->local;
    return stream_unsent(&t->connection->stream) + t->connection->said.len > (size_t)l->settings->local_monitor_max;
}

static void send_lines(struct telling *t)
{
    struct local_monitor *m = t->monitor;
    from_agent message = ZOOID__LOCAL__FROM_AGENT__INIT;
    Zooid__Local__LogLines body = ZOOID__LOCAL__LOG_LINES__INIT;
    body.line = t->rows;
    body.n_line = t->count;
    body.has_missed = m->missed > 0;
    body.missed = m->missed < UINT32_MAX ? (uint32_t)m->missed : UINT32_MAX;
    message.has_id = message.has_more = message.more = true;
    message.id = m->request->id;
    message.body_case = ZOOID__LOCAL__FROM_AGENT__BODY_LOG_LINES;
    message.log_lines = &body;
    if (local_write(&t->connection->said, &message) == ST_OK)
        m->missed = 0;
    else
        m->missed += t->count;
    t->count = t->bytes = 0;
    connection_say(t->connection);
}

/* What is no UTF-8 is no text of the protocol. */
static char *text_of(struct arena *arena, struct bytes line)
{
    char *text = arena_text(arena, line.data, line.len);
    if (text != NULL && !path_may_hold(line))
        for (char *at = text; *at != '\0'; at++)
            if ((unsigned char)*at >= 0x80)
                *at = '?';
    return text;
}

static void add_line(struct telling *t, struct bytes line)
{
    struct local *l = t->monitor->request->client->local;
    char *text = is_slow(t) ? NULL : text_of(&l->arena, line);
    if (text == NULL) {
        t->monitor->missed++;
        return;
    }
    t->rows[t->count++] = text;
    t->bytes += line.len;
    if (t->count == ROWS_MAX || t->bytes >= FRAME_BYTES)
        send_lines(t);
}

static void tell(struct local_monitor *m, const struct log_taken *taken)
{
    struct telling t = {.monitor = m, .connection = m->request->client->connection};
    struct bytes lines = buffer_bytes(&taken->lines), line;
    enum log_level level;
    if (t.connection->failed || t.connection->close_delivered)
        return;
    arena_reset(&m->request->client->local->arena);
    for (int i = 0; i <= (int)m->level; i++)
        m->missed += taken->missed[i];
    while (log_taken_next(&lines, &level, &line))
        if (level <= m->level)
            add_line(&t, line);
    if (t.count > 0 || (m->missed > 0 && !is_slow(&t)))
        send_lines(&t);
}

static void on_woken(void *context)
{
    struct local *l = context;
    struct log_taken taken = {.missed = {0}};
    l->parts.tap->take(l->parts.tap->context, &taken);
    LIST_FOR_EACH(at, &l->monitors)
    tell(LIST_ENTRY(at, struct local_monitor, link), &taken);
    buffer_free(&taken.lines);
}

/* -- coming and going --------------------------------------------------------------------------------------------- */

/* On any thread. */
static void wake(void *context)
{
    struct local *l = context;
    wakeup_call(&l->log_wakeup);
}

static void follow(struct local *l)
{
    int level = -1;
    LIST_FOR_EACH(at, &l->monitors)
    {
        const struct local_monitor *m = LIST_ENTRY(at, struct local_monitor, link);
        level = (int)m->level > level ? (int)m->level : level;
    }
    l->parts.tap->follow(l->parts.tap->context, level, (size_t)l->settings->local_monitor_max, wake, l);
}

void local_monitor_free(struct local_monitor *m)
{
    if (m == NULL)
        return;
    struct local_client *c = m->request->client;
    c->subscription_count--;
    c->user->subscriptions--;
    list_remove(&m->link);
    mem_free(m);
    follow(c->local);
}

static enum status begin(struct local_client *c, struct local_request *request, enum log_level level)
{
    struct local *l = c->local;
    struct local_monitor *m = mem_calloc(1, sizeof *m);
    if (m == NULL)
        return ST_NO_MEMORY;
    local_set_apart(request);
    m->request = request;
    m->level = level;
    request->monitor = m;
    list_append(&l->monitors, &m->link);
    c->subscription_count++;
    c->user->subscriptions++;
    const char *excess = local_user_excess(l, c->user, LOCAL_BUDGET_SUBSCRIPTIONS);
    if (excess != NULL) {
        local_give_up(request, ZOOID__LOCAL__CODE__LIMIT_REACHED, excess);
        return ST_OK;
    }
    follow(l);
    struct telling t = {.monitor = m, .connection = c->connection};
    send_lines(&t); /* that it stands */
    return ST_OK;
}

enum status local_monitor(struct local_client *c, struct local_request *request, const to_agent *m)
{
    struct local *l = c->local;
    enum log_level level;
    if (l->parts.tap == NULL)
        return local_refuse(request, ZOOID__LOCAL__CODE__UNIMPLEMENTED, NULL);
    if (!log_level_parse(m->monitor->level, &level))
        return local_refuse(request, ZOOID__LOCAL__CODE__BAD_ARGUMENTS,
                            "the level is none of error, warn, info, debug, trace");
    if (c->subscription_count >= (uint32_t)l->settings->local_subscriptions_max)
        return local_refuse(request, ZOOID__LOCAL__CODE__LIMIT_REACHED,
                            "the connection has zooid.localSubscriptionsMax subscriptions");
    if (!l->log_is_open && wakeup_open(&l->log_wakeup, l->parts.front.loop, on_woken, l) != ST_OK)
        return local_refuse(request, ZOOID__LOCAL__CODE__SYSTEM_ERROR, "there is no descriptor for it");
    l->log_is_open = true;
    return begin(c, request, level);
}

void local_monitors_close(struct local *l, void (*closed)(void *context))
{
    if (l->log_is_open)
        wakeup_close(&l->log_wakeup, closed);
    else
        closed(l);
}
