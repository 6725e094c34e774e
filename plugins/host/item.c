/* item.c - what a plugin has begun: a row of slots, so that a handle finds its item at once. A slot that is used again
 * gives other handles, so that one that is gone names nothing. */
#include "plugins/host/host.h"

#include <stdlib.h>

enum { SLOTS_FIRST = 16 };
#define NO_SLOT UINT32_MAX

static bool more_slots(struct items *items)
{
    uint32_t cap = items->slot_cap == 0 ? SLOTS_FIRST : 2 * items->slot_cap;
    if (cap < items->slot_cap)
        return false;
    struct item_slot *slots = realloc(items->slots, cap * sizeof *slots);
    if (slots == NULL)
        return false;
    items->slots = slots;
    items->slot_cap = cap;
    return true;
}

static bool take_slot(struct items *items, struct item *item)
{
    uint32_t at = items->free_slot;
    if (items->slot_count == 0)
        at = NO_SLOT; /* the first one: the list of free slots has not begun */
    if (at == NO_SLOT) {
        if (items->slot_count == items->slot_cap && !more_slots(items))
            return false;
        at = items->slot_count++;
        items->slots[at].uses = 0;
        items->free_slot = NO_SLOT;
    } else {
        items->free_slot = items->slots[at].next_free;
    }
    items->slots[at].item = item;
    item->handle = (zooid_handle)++items->slots[at].uses << 32 | at;
    return true;
}

void *item_new(zooid_host *host, const struct item_kind *kind, size_t size)
{
    struct items *items = &host->items;
    struct item *item = calloc(1, size);
    if (item == NULL || !take_slot(items, item)) {
        free(item);
        host_no_memory(host, "something was begun");
        return NULL;
    }
    item->host = host;
    item->kind = kind;
    item->next = items->first;
    if (item->next != NULL)
        item->next->prev = item;
    items->first = item;
    return item;
}

static struct item_slot *slot_of(struct items *items, zooid_handle handle)
{
    uint32_t at = (uint32_t)handle;
    bool is_there = handle != 0 && at < items->slot_count && items->slots[at].item != NULL &&
                    items->slots[at].item->handle == handle;
    return is_there ? &items->slots[at] : NULL;
}

void item_retire(struct item *item)
{
    struct items *items = &item->host->items;
    struct item_slot *slot = slot_of(items, item->handle);
    item->handle = 0;
    if (slot == NULL)
        return;
    slot->item = NULL;
    slot->next_free = items->free_slot;
    items->free_slot = (uint32_t)(slot - items->slots);
}

void item_free(struct item *item)
{
    item_retire(item);
    if (item->prev != NULL)
        item->prev->next = item->next;
    else
        item->host->items.first = item->next;
    if (item->next != NULL)
        item->next->prev = item->prev;
    if (item->kind->destroy != NULL)
        item->kind->destroy(item);
    free(item);
}

void *item_find(zooid_host *host, zooid_handle handle, const struct item_kind *kind)
{
    const struct item_slot *slot = slot_of(&host->items, handle);
    return slot != NULL && slot->item->kind == kind ? slot->item : NULL;
}

void *item_at(zooid_host *host, uint32_t slot, const struct item_kind *kind)
{
    struct item *item = host->items.slots[slot].item;
    return item != NULL && item->kind == kind ? item : NULL;
}

void item_cancel(zooid_host *host, zooid_handle handle)
{
    const struct item_slot *slot = slot_of(&host->items, handle);
    if (slot == NULL)
        return;
    struct item *item = slot->item;
    item_retire(item);
    item->kind->cancel(item);
}

void items_cancel_all(zooid_host *host)
{
    for (uint32_t i = 0; i < host->items.slot_count; i++)
        if (host->items.slots[i].item != NULL)
            item_cancel(host, host->items.slots[i].item->handle);
}

void items_free(zooid_host *host)
{
    for (struct item *item = host->items.first, *next; item != NULL; item = next) {
        next = item->next;
        item_free(item);
    }
    free(host->items.slots);
    host->items.slots = NULL;
    host->items.slot_count = host->items.slot_cap = 0;
}
