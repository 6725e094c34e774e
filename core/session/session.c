/* session.c - the table of sessions by id; when they expire is expiry.c's affair. */
#include "core/session/session_internal.h"

#include "core/base/mem.h"

struct sessions *sessions_new(int32_t tick_ms)
{
    CHECK(tick_ms >= 1);
    struct sessions *s = mem_calloc(1, sizeof *s);
    if (s != NULL)
        expiry_init(&s->expiry, tick_ms);
    return s;
}

void sessions_clear(struct sessions *s)
{
    MAP64_FOR_EACH(at, &s->by_id)
    mem_free(at->value);
    map64_free(&s->by_id);
    s->by_id = (struct map64){0};
    expiry_free(&s->expiry);
}

void sessions_free(struct sessions *s)
{
    if (s == NULL)
        return;
    sessions_clear(s);
    mem_free(s);
}

struct session *sessions_get(const struct sessions *s, int64_t id)
{
    return map64_get(&s->by_id, (uint64_t)id);
}

static struct session *add_session(struct sessions *s, int64_t id)
{
    struct session *session = mem_calloc(1, sizeof *session);
    if (session == NULL || expiry_grow(&s->expiry) != ST_OK) {
        mem_free(session);
        return NULL;
    }
    if (map64_put(&s->by_id, (uint64_t)id, session) != ST_OK) {
        expiry_shrink(&s->expiry);
        mem_free(session);
        return NULL;
    }
    session->id = id;
    list_init(&session->link);
    return session;
}

enum status sessions_put(struct sessions *s, int64_t id, int32_t timeout_ms, int64_t now_ms)
{
    struct session *session = sessions_get(s, id);
    if (session == NULL)
        session = add_session(s, id);
    if (session == NULL)
        return ST_NO_MEMORY;
    session->timeout_ms = timeout_ms;
    expiry_place(&s->expiry, session, now_ms);
    return ST_OK;
}

bool sessions_remove(struct sessions *s, int64_t id)
{
    struct session *session = map64_remove(&s->by_id, (uint64_t)id);
    if (session == NULL)
        return false;
    expiry_take_out(&s->expiry, session);
    expiry_shrink(&s->expiry);
    mem_free(session);
    return true;
}

void sessions_touch(struct sessions *s, struct session *session, int64_t now_ms)
{
    if (!session->closing && expiry_edge(&s->expiry, session, now_ms) > session->expires_ms)
        expiry_place(&s->expiry, session, now_ms);
}

void sessions_touch_all(struct sessions *s, int64_t now_ms)
{
    MAP64_FOR_EACH(at, &s->by_id)
    expiry_place(&s->expiry, at->value, now_ms);
}

size_t sessions_count(const struct sessions *s)
{
    return s->by_id.count;
}
