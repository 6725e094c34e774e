/* entries.c - a ring that doubles. */
#include "core/zab/entries.h"

#include "core/base/check.h"
#include "core/base/mem.h"

enum { CAPACITY_FIRST = 16 }; /* a power of two, and so are those after it */

struct entry *entry_new(int64_t zxid, struct bytes bytes)
{
    struct entry *e = mem_alloc(sizeof *e + bytes.len);
    if (e == NULL)
        return NULL;
    e->zxid = zxid;
    e->len = bytes.len;
    e->ends_batch = false;
    if (bytes.len > 0)
        memcpy(e->bytes, bytes.data, bytes.len);
    return e;
}

/* The slot that stands `index` places behind the oldest. */
static struct entry **slot(const struct entries *q, size_t index)
{
    return &q->ring[(q->first + index) & (q->capacity - 1)];
}

static bool grow(struct entries *q)
{
    const size_t capacity = q->capacity == 0 ? CAPACITY_FIRST : q->capacity * 2;
    struct entry **ring = mem_calloc(capacity, sizeof(struct entry *));
    if (ring == NULL)
        return false;
    for (size_t i = 0; i < q->count; i++)
        ring[i] = *slot(q, i);
    mem_free(q->ring);
    q->ring = ring;
    q->capacity = capacity;
    q->first = 0;
    return true;
}

enum status entries_push(struct entries *q, struct entry *e)
{
    CHECK(q->count == 0 || entries_at(q, q->count - 1)->zxid < e->zxid);
    if (q->count == q->capacity && !grow(q))
        return ST_NO_MEMORY;
    *slot(q, q->count) = e;
    q->count++;
    q->bytes += e->len;
    return ST_OK;
}

struct entry *entries_take(struct entries *q)
{
    if (q->count == 0)
        return NULL;
    struct entry *e = *slot(q, 0);
    q->first = (q->first + 1) & (q->capacity - 1);
    q->count--;
    q->bytes -= e->len;
    return e;
}

struct entry *entries_at(const struct entries *q, size_t index)
{
    CHECK(index < q->count);
    return *slot(q, index);
}

size_t entries_find(const struct entries *q, int64_t zxid)
{
    size_t from = 0, to = q->count;
    while (from < to) {
        const size_t middle = from + (to - from) / 2;
        if ((*slot(q, middle))->zxid < zxid)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

void entries_clear(struct entries *q)
{
    struct entry *e;
    while ((e = entries_take(q)) != NULL)
        mem_free(e);
}

void entries_free(struct entries *q)
{
    entries_clear(q);
    mem_free(q->ring);
    *q = (struct entries){0};
}
