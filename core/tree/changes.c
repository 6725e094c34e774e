/* changes.c - a ring of records, each whole within it: offsets only grow, and their low bits say where a record lies.
 */
#include "core/tree/changes.h"

#include "core/base/mem.h"

enum { RING_MIN = 16 * 1024, ALIGNMENT = 8 };

struct record {
    uint32_t len;  /* of all of it, aligned */
    uint32_t kind; /* 0: filler up to the end of the ring */
    struct change_cursor at;
    struct node_stat stat;
    uint32_t acl, acl_before; /* numbers of our own table */
    uint32_t path_len, data_len;
    bool null_data;
    uint8_t bytes[]; /* path, data */
};

struct changes {
    uint8_t *ring;
    size_t cap, max; /* powers of two */
    uint64_t tail, head;
    uint64_t generation; /* another one: offsets of before mean nothing */
    uint64_t written;
    struct acl_table *acls;
    struct change_cursor floor; /* changes up to here are forgotten */
    struct change_cursor end;
    uint32_t acl_before;
    bool has_acl_before;
    bool lacks_acl_before; /* for want of memory */
    bool is_paused;
};

static size_t power_of_two(size_t at_most)
{
    size_t size = RING_MIN;
    while (size <= at_most / 2)
        size *= 2;
    return size;
}

struct changes *changes_new(const struct hash_key *hash_key, size_t bytes_max)
{
    struct changes *h = mem_calloc(1, sizeof *h);
    if (h == NULL)
        return NULL;
    h->max = power_of_two(bytes_max);
    h->is_paused = true;
    h->generation = 1;
    h->acls = acl_table_new(hash_key);
    if (h->acls == NULL) {
        mem_free(h);
        return NULL;
    }
    return h;
}

void changes_free(struct changes *h)
{
    if (h == NULL)
        return;
    acl_table_free(h->acls);
    mem_free(h->ring);
    mem_free(h);
}

/* -- cursors ------------------------------------------------------------------------------------------------------ */

static bool is_behind(struct change_cursor a, struct change_cursor b)
{
    return a.zxid > b.zxid || (a.zxid == b.zxid && a.index > b.index);
}

static struct change_cursor whole(int64_t zxid)
{
    return (struct change_cursor){zxid, CHANGES_WHOLE_TXN};
}

struct change_cursor changes_end(const struct changes *h)
{
    return h->end;
}

uint64_t changes_written(const struct changes *h)
{
    return h->written;
}

/* -- records ------------------------------------------------------------------------------------------------------ */

static struct record *record_at(const struct changes *h, uint64_t offset)
{
    return (struct record *)(void *)(h->ring + (offset & (h->cap - 1)));
}

static void forget_oldest(struct changes *h)
{
    const struct record *r = record_at(h, h->tail);
    h->tail += r->len;
    if (r->kind == 0)
        return;
    h->floor = r->at;
    acl_release(h->acls, r->acl);
    acl_release(h->acls, r->acl_before);
}

static void forget_all(struct changes *h)
{
    while (h->tail < h->head)
        forget_oldest(h);
    h->generation++;
}

/* Records move by whole multiples of the old size, so none comes to lie across the end. */
static bool grow(struct changes *h)
{
    size_t cap = h->cap == 0 ? RING_MIN : 2 * h->cap;
    uint8_t *ring = mem_alloc(cap);
    if (ring == NULL)
        return false;
    for (uint64_t at = h->tail; at < h->head;) {
        const struct record *r = record_at(h, at);
        uint32_t len = r->len;
        memcpy(ring + (at & (cap - 1)), r, len);
        at += len;
    }
    mem_free(h->ring);
    h->ring = ring;
    h->cap = cap;
    return true;
}

/* What is left to the end of the ring, when a record of `len` bytes would lie across it; else 0. */
static size_t filler_before(const struct changes *h, size_t len)
{
    size_t left = h->cap - (size_t)(h->head & (h->cap - 1));
    return left < len ? left : 0;
}

static bool has_room(const struct changes *h, size_t len)
{
    return h->cap > 0 && h->head - h->tail + filler_before(h, len) + len <= h->cap;
}

/* A filler needs no more than its first two fields, which the alignment leaves room for. */
static void fill_up(struct changes *h, size_t len)
{
    size_t filler = filler_before(h, len);
    if (filler == 0)
        return;
    const uint32_t head[2] = {(uint32_t)filler, 0};
    memcpy(h->ring + (h->head & (h->cap - 1)), head, sizeof head);
    h->head += filler;
}
static_assert(offsetof(struct record, kind) + sizeof(uint32_t) <= ALIGNMENT, "a filler has len and kind");

/* NULL: it does not fit at all, or memory ran out. */
static struct record *append(struct changes *h, size_t len)
{
    if (len > h->max / 2)
        return NULL;
    while (!has_room(h, len)) {
        if (h->cap < h->max && grow(h))
            continue;
        if (h->tail == h->head)
            return NULL;
        forget_oldest(h);
    }
    fill_up(h, len);
    struct record *r = record_at(h, h->head);
    h->head += len;
    h->written += len;
    return r;
}

/* -- what happens ------------------------------------------------------------------------------------------------- */

static void drop_acl_before(struct changes *h)
{
    if (h->has_acl_before)
        acl_release(h->acls, h->acl_before);
    h->has_acl_before = h->lacks_acl_before = false;
}

void changes_pause(struct changes *h)
{
    drop_acl_before(h);
    forget_all(h);
    h->is_paused = true;
}

void changes_begin(struct changes *h, int64_t zxid)
{
    changes_pause(h);
    h->is_paused = false;
    h->floor = h->end = whole(zxid);
}

void changes_resume(struct changes *h, int64_t zxid)
{
    if (h->is_paused)
        changes_begin(h, zxid);
}

void changes_cut(struct changes *h, int64_t zxid)
{
    struct change_cursor limit = whole(zxid);
    if (h->is_paused || is_behind(h->floor, limit) || is_behind(limit, h->end)) {
        changes_begin(h, zxid);
        return;
    }
    uint64_t at = h->tail;
    while (at < h->head && (record_at(h, at)->kind == 0 || !is_behind(record_at(h, at)->at, limit)))
        at += record_at(h, at)->len;
    for (uint64_t gone = at; gone < h->head; gone += record_at(h, gone)->len)
        if (record_at(h, gone)->kind != 0) {
            acl_release(h->acls, record_at(h, gone)->acl);
            acl_release(h->acls, record_at(h, gone)->acl_before);
        }
    h->head = at;
    h->end = limit;
    h->generation++;
}

static bool intern(struct changes *h, struct tree *t, uint32_t number, uint32_t *own)
{
    return acl_intern(h->acls, acl_get(tree_acls(t), number), own) == ST_OK;
}

void changes_before_acl(struct changes *h, struct tree *t, struct bytes path)
{
    const struct tree_node *node = tree_lookup(t, path);
    drop_acl_before(h);
    if (h->is_paused || node == NULL)
        return;
    h->has_acl_before = intern(h, t, node->acl, &h->acl_before);
    h->lacks_acl_before = !h->has_acl_before;
}

/* False: it is not kept. */
static bool keep(struct changes *h, struct tree *t, const struct tree_node *node, enum change_kind kind,
                 struct bytes path)
{
    struct bytes data = kind == CHANGE_DELETED ? BYTES_NULL : tree_data(node);
    uint32_t acl;
    if (h->lacks_acl_before || !intern(h, t, node->acl, &acl))
        return false;
    size_t len = (sizeof(struct record) + path.len + data.len + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct record *r = append(h, len);
    if (r == NULL) {
        acl_release(h->acls, acl);
        return false;
    }
    *r = (struct record){.len = (uint32_t)len,
                         .kind = kind,
                         .at = h->end,
                         .acl = acl,
                         .acl_before = h->has_acl_before ? h->acl_before : acl,
                         .path_len = (uint32_t)path.len,
                         .data_len = (uint32_t)data.len,
                         .null_data = bytes_is_null(data)};
    if (!h->has_acl_before)
        acl_hold(h->acls, acl);
    h->has_acl_before = false; /* it is the record's now */
    tree_stat_owned(node, &r->stat);
    memcpy(r->bytes, path.data, path.len);
    if (data.len > 0)
        memcpy(r->bytes + path.len, data.data, data.len);
    return true;
}

void changes_note(struct changes *h, struct tree *t, int64_t zxid, enum change_kind kind, struct bytes path)
{
    if (path.len == 0)
        path = BYTES("/");
    const struct tree_node *node = tree_lookup(t, path);
    if (h->is_paused || node == NULL)
        return;
    uint32_t index = h->end.zxid == zxid && h->end.index != CHANGES_WHOLE_TXN ? h->end.index + 1 : 1;
    h->end = (struct change_cursor){zxid, index};
    if (!keep(h, t, node, kind, path)) {
        forget_all(h);
        h->floor = h->end;
    }
    drop_acl_before(h);
}

void changes_applied(struct changes *h, int64_t zxid)
{
    if (!h->is_paused)
        h->end = whole(zxid);
}

/* -- following ---------------------------------------------------------------------------------------------------- */

bool changes_find(const struct changes *h, struct change_cursor behind, struct change_place *place)
{
    bool is_within = !is_behind(h->floor, behind) && behind.zxid <= h->end.zxid;
    if (h->is_paused || !is_within)
        return false;
    uint64_t at = h->tail;
    while (at < h->head && (record_at(h, at)->kind == 0 || !is_behind(record_at(h, at)->at, behind)))
        at += record_at(h, at)->len;
    *place = (struct change_place){h->generation, at};
    return true;
}

enum changes_step changes_next(const struct changes *h, struct change_place *place, struct tree_change *change)
{
    if (place->generation != h->generation || place->offset < h->tail)
        return CHANGES_GONE;
    const struct record *r = place->offset < h->head ? record_at(h, place->offset) : NULL;
    if (r != NULL && r->kind == 0) {
        place->offset += r->len;
        r = place->offset < h->head ? record_at(h, place->offset) : NULL;
    }
    if (r == NULL)
        return CHANGES_AT_END;
    place->offset += r->len;
    *change = (struct tree_change){
        .kind = (enum change_kind)r->kind,
        .at = r->at,
        .path = bytes_make(r->bytes, r->path_len),
        .data = r->null_data ? BYTES_NULL : bytes_make(r->bytes + r->path_len, r->data_len),
        .stat = r->stat,
        .acl = acl_get(h->acls, r->acl),
        .acl_before = acl_get(h->acls, r->acl_before),
    };
    return CHANGES_NEXT;
}
