/* history.c - see history.h. */
#include "tests/sim/history.h"

#include "core/base/array.h"
#include "core/base/check.h"
#include "core/base/mem.h"

#include <string.h>

int64_t history_last(const struct history *h)
{
    return h->count > 0 ? h->items[h->count - 1].zxid : 0;
}

void history_append(struct history *h, struct txn_ref txn)
{
    struct txn_ref *items = array_room(h->items, h->count, &h->capacity, sizeof *items, 64);
    CHECK(items != NULL);
    h->items = items;
    h->items[h->count++] = txn;
}

size_t history_find(const struct history *h, int64_t zxid)
{
    size_t low = 0, high = h->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (h->items[middle].zxid < zxid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool history_has(const struct history *h, struct txn_ref txn)
{
    size_t i = history_find(h, txn.zxid);
    return i < h->count && h->items[i].zxid == txn.zxid && h->items[i].id == txn.id;
}

bool history_apply(struct history *h, struct txn_ref txn)
{
    if (txn.zxid <= h->label)
        return false;
    if (txn.zxid > history_last(h))
        history_append(h, txn);
    else if (!history_has(h, txn))
        return false;
    h->label = txn.zxid;
    return true;
}

size_t history_common(const struct history *a, const struct history *b)
{
    size_t i = 0;
    while (i < a->count && i < b->count && a->items[i].zxid == b->items[i].zxid && a->items[i].id == b->items[i].id)
        i++;
    return i;
}

void history_copy(struct history *to, const struct history *from)
{
    if (to->capacity < from->count) {
        struct txn_ref *items = mem_realloc(to->items, from->capacity * sizeof *items);
        CHECK(items != NULL);
        to->items = items;
        to->capacity = from->capacity;
    }
    if (from->count > 0)
        memcpy(to->items, from->items, from->count * sizeof *from->items);
    to->count = from->count;
    to->label = from->label;
}

void history_free(struct history *h)
{
    mem_free(h->items);
    *h = (struct history){0};
}
