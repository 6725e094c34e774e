/* entries.h - txns in order of zxid: proposed, pending or committed, each with its bytes.
 *
 * A queue of entries that own their bytes; an entry moves from queue to queue without being copied. Pure. */
#pragma once

#include "core/base/bytes.h"

struct entry {
    int64_t zxid;
    size_t len;
    bool ends_batch; /* of commits: something is to be said right behind it */
    uint8_t bytes[]; /* header, record and digest, as logged and as sent */
};

static inline struct bytes entry_bytes(const struct entry *e)
{
    return bytes_make(e->bytes, e->len);
}

/* NULL: out of memory. Free with mem_free. */
struct entry *entry_new(int64_t zxid, struct bytes bytes);

/* Zero-initialise. A ring: index 0 is the oldest. */
struct entries {
    struct entry **ring;
    size_t capacity, first, count;
    uint64_t bytes; /* of the entries, headers not counted */
};

/* At the end; takes the entry over. ST_NO_MEMORY: it was not taken. */
enum status entries_push(struct entries *q, struct entry *e);

/* Takes the oldest out; the caller owns it. NULL: empty. */
struct entry *entries_take(struct entries *q);

struct entry *entries_at(const struct entries *q, size_t index);

/* Index of the first entry whose zxid is at least `zxid`; `count` when there is none. */
size_t entries_find(const struct entries *q, int64_t zxid);

/* Frees every entry; the queue is empty and usable. */
void entries_clear(struct entries *q);

/* Clears it and frees the ring. */
void entries_free(struct entries *q);
