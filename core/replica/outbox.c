/* outbox.c - effects collected in order; bytes for one client in a row become one item. */
#include "core/replica/outbox.h"

#include "core/base/array.h"
#include "core/base/check.h"
#include "core/base/mem.h"

enum {
    /* What a turn of ordinary traffic needs is kept; what a burst needed is given back. */
    OUTBOX_BYTES_KEPT = 256 * 1024,
    OUTBOX_ITEMS_KEPT = 4096,
    OUTBOX_ITEM_BYTES_MAX = 1 << 30,
};

void outbox_init(struct outbox *o)
{
    *o = (struct outbox){.wake_us = INT64_MAX};
}

static void give_back(struct buffer *b)
{
    b->len = 0;
    if (b->cap > OUTBOX_BYTES_KEPT)
        buffer_free(b);
}

void outbox_reset(struct outbox *o)
{
    give_back(&o->bytes);
    give_back(&o->log);
    give_back(&o->audit);
    o->log_first_zxid = 0;
    o->log_last_zxid = 0;
    o->log_count = 0;
    o->log_start = 0;
    o->count = 0;
    o->peer_count = 0;
    o->job_count = 0;
    if (o->capacity > OUTBOX_ITEMS_KEPT) {
        mem_free(o->items);
        o->items = NULL;
        o->capacity = 0;
    }
}

void outbox_free(struct outbox *o)
{
    buffer_free(&o->bytes);
    buffer_free(&o->log);
    buffer_free(&o->audit);
    mem_free(o->items);
    mem_free(o->peers);
    mem_free(o->jobs);
    outbox_init(o);
}

static enum status add_item(struct outbox *o, const struct outbox_item *item)
{
    struct outbox_item *items = array_room(o->items, o->count, &o->capacity, sizeof *items, 64);
    if (items == NULL)
        return ST_NO_MEMORY;
    o->items = items;
    o->items[o->count++] = *item;
    return ST_OK;
}

enum status outbox_add(struct outbox *o, uint64_t client, enum outbox_kind kind)
{
    return add_item(o, &(struct outbox_item){.client = client, .kind = kind});
}

enum status outbox_share(struct outbox *o, uint64_t client, size_t offset, size_t len)
{
    CHECK(offset + len <= o->bytes.len);
    struct outbox_item *last = o->count > 0 ? &o->items[o->count - 1] : NULL;
    if (last != NULL && last->client == client && last->kind == OUTBOX_BYTES && last->offset + last->len == offset &&
        last->len + len <= OUTBOX_ITEM_BYTES_MAX) {
        last->len += (uint32_t)len;
        return ST_OK;
    }
    return add_item(
        o, &(struct outbox_item){.client = client, .kind = OUTBOX_BYTES, .len = (uint32_t)len, .offset = offset});
}

enum status outbox_send(struct outbox *o, uint64_t client, size_t start)
{
    enum status st = outbox_share(o, client, start, o->bytes.len - start);
    if (st != ST_OK)
        o->bytes.len = start;
    return st;
}

void outbox_logged(struct outbox *o, int64_t zxid)
{
    o->log_first_zxid = o->log_count == 0 ? zxid : o->log_first_zxid;
    o->log_last_zxid = zxid;
    o->log_count++;
}

enum status outbox_peer(struct outbox *o, const struct peer_item *item, struct bytes data)
{
    struct peer_item *peers = array_room(o->peers, o->peer_count, &o->peer_capacity, sizeof *peers, 16);
    if (peers == NULL)
        return ST_NO_MEMORY;
    o->peers = peers;
    size_t offset = o->bytes.len;
    if (buffer_append(&o->bytes, data.data, data.len) != ST_OK)
        return ST_NO_MEMORY;
    peers[o->peer_count] = *item;
    peers[o->peer_count].offset = offset;
    peers[o->peer_count++].len = data.len;
    return ST_OK;
}

enum status outbox_job(struct outbox *o, const struct disk_job *job, struct bytes data)
{
    struct disk_job *jobs = array_room(o->jobs, o->job_count, &o->job_capacity, sizeof *jobs, 8);
    if (jobs == NULL)
        return ST_NO_MEMORY;
    o->jobs = jobs;
    size_t offset = o->bytes.len;
    if (buffer_append(&o->bytes, data.data, data.len) != ST_OK)
        return ST_NO_MEMORY;
    struct disk_job *new = &jobs[o->job_count++];
    *new = *job;
    new->offset = offset;
    new->len = data.len;
    new->before = (struct log_run){o->log.len - o->log_start, o->log_first_zxid, o->log_last_zxid, o->log_count};
    o->log_start = o->log.len;
    o->log_first_zxid = o->log_last_zxid = 0;
    o->log_count = 0;
    return ST_OK;
}
