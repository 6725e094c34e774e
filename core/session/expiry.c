/* expiry.c - sessions in buckets one tick wide, the buckets in order and found by their edge. */
#include "core/session/session_internal.h"

#include "core/base/mem.h"

enum { CHAINS_MIN = 16 };

void expiry_init(struct expiry *e, int32_t tick_ms)
{
    *e = (struct expiry){.tick_ms = tick_ms};
    list_init(&e->order);
    list_init(&e->loose);
}

static struct bucket *pop_spare(struct expiry *e)
{
    struct bucket *bucket = e->spare;
    CHECK(bucket != NULL);
    e->spare = bucket->hash_next;
    return bucket;
}

static void push_spare(struct expiry *e, struct bucket *bucket)
{
    bucket->hash_next = e->spare;
    e->spare = bucket;
}

void expiry_free(struct expiry *e)
{
    while (e->spare != NULL)
        mem_free(pop_spare(e));
    LIST_FOR_EACH(at, &e->order)
    mem_free(LIST_ENTRY(at, struct bucket, in_order));
    mem_free(e->by_edge);
    expiry_init(e, e->tick_ms);
}

static struct bucket **chain_of(const struct expiry *e, int64_t edge_ms)
{
    return &e->by_edge[hash_u64((uint64_t)edge_ms) & (e->chain_count - 1)];
}

static enum status grow_chains(struct expiry *e)
{
    size_t count = e->chain_count == 0 ? CHAINS_MIN : e->chain_count * 2;
    struct bucket **chains = mem_calloc(count, sizeof(struct bucket *));
    if (chains == NULL)
        return ST_NO_MEMORY;
    mem_free(e->by_edge);
    e->by_edge = chains;
    e->chain_count = count;
    LIST_FOR_EACH(at, &e->order)
    {
        struct bucket *bucket = LIST_ENTRY(at, struct bucket, in_order);
        struct bucket **chain = chain_of(e, bucket->edge_ms);
        bucket->hash_next = *chain;
        *chain = bucket;
    }
    return ST_OK;
}

enum status expiry_grow(struct expiry *e)
{
    if (e->bucket_count >= e->chain_count && grow_chains(e) != ST_OK)
        return ST_NO_MEMORY;
    struct bucket *bucket = mem_alloc(sizeof *bucket);
    if (bucket == NULL)
        return ST_NO_MEMORY;
    list_init(&bucket->sessions);
    list_init(&bucket->in_order);
    push_spare(e, bucket);
    e->bucket_count++;
    return ST_OK;
}

void expiry_shrink(struct expiry *e)
{
    mem_free(pop_spare(e));
    e->bucket_count--;
}

static struct bucket *bucket_find(const struct expiry *e, int64_t edge_ms)
{
    struct bucket *bucket = e->chain_count == 0 ? NULL : *chain_of(e, edge_ms);
    while (bucket != NULL && bucket->edge_ms != edge_ms)
        bucket = bucket->hash_next;
    return bucket;
}

/* A new edge is nearly always the latest one, so the place is looked for from the end. */
static struct bucket *bucket_get(struct expiry *e, int64_t edge_ms)
{
    struct bucket *bucket = bucket_find(e, edge_ms);
    if (bucket != NULL)
        return bucket;
    bucket = pop_spare(e);
    bucket->edge_ms = edge_ms;
    struct list *before = e->order.prev;
    while (before != &e->order && LIST_ENTRY(before, struct bucket, in_order)->edge_ms > edge_ms)
        before = before->prev;
    list_insert_after(before, &bucket->in_order);
    struct bucket **chain = chain_of(e, edge_ms);
    bucket->hash_next = *chain;
    *chain = bucket;
    return bucket;
}

static void bucket_drop_if_empty(struct expiry *e, struct bucket *bucket)
{
    if (!list_is_empty(&bucket->sessions))
        return;
    struct bucket **at = chain_of(e, bucket->edge_ms);
    while (*at != bucket)
        at = &(*at)->hash_next;
    *at = bucket->hash_next;
    list_remove(&bucket->in_order);
    push_spare(e, bucket);
}

void expiry_take_out(struct expiry *e, struct session *session)
{
    /* A loose session has an edge too, but a bucket of that edge has other sessions and stays. */
    struct bucket *bucket = bucket_find(e, session->expires_ms);
    list_remove(&session->link);
    if (bucket != NULL)
        bucket_drop_if_empty(e, bucket);
}

int64_t expiry_edge(const struct expiry *e, const struct session *session, int64_t now_ms)
{
    return ((now_ms + session->timeout_ms) / e->tick_ms + 1) * e->tick_ms;
}

void expiry_place(struct expiry *e, struct session *session, int64_t now_ms)
{
    expiry_take_out(e, session);
    session->expires_ms = expiry_edge(e, session, now_ms);
    list_append(&bucket_get(e, session->expires_ms)->sessions, &session->link);
}

int64_t sessions_next_expiry(const struct sessions *s)
{
    const struct expiry *e = &s->expiry;
    return list_is_empty(&e->order) ? INT64_MAX : LIST_ENTRY(e->order.next, struct bucket, in_order)->edge_ms;
}

/* One that is being closed needs no expiry: it leaves its bucket all the same, or the bucket would stay due. */
struct session *sessions_expired(struct sessions *s, int64_t now_ms)
{
    struct expiry *e = &s->expiry;
    while (sessions_next_expiry(s) <= now_ms) {
        struct bucket *bucket = LIST_ENTRY(e->order.next, struct bucket, in_order);
        struct session *session = LIST_ENTRY(bucket->sessions.next, struct session, link);
        expiry_take_out(e, session);
        list_append(&e->loose, &session->link);
        if (!session->closing)
            return session;
    }
    return NULL;
}

void sessions_each(const struct sessions *s, void (*fn)(void *context, const struct session *session), void *context)
{
    LIST_FOR_EACH(bucket, &s->expiry.order)
    {
        LIST_FOR_EACH(at, &LIST_ENTRY(bucket, struct bucket, in_order)->sessions)
        fn(context, LIST_ENTRY(at, struct session, link));
    }
    LIST_FOR_EACH(at, &s->expiry.loose)
    fn(context, LIST_ENTRY(at, struct session, link));
}
