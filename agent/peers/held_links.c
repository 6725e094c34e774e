/* held_links.c - see held_links.h. */
#include "agent/peers/held_links.h"

#include "core/base/array.h"
#include "core/base/mem.h"

enum { ITEMS_FIRST = 16 };

bool held_links_add(struct held_links *h, struct peers *p, uint64_t link)
{
    uint64_t *items = array_room(h->items, h->count, &h->capacity, sizeof *items, ITEMS_FIRST);
    if (items == NULL)
        return false;
    h->items = items;
    h->items[h->count++] = link;
    peers_hold(p, link);
    return true;
}

void held_links_release(struct held_links *h, struct peers *p)
{
    for (size_t i = 0; i < h->count; i++)
        peers_go(p, h->items[i]);
    held_links_forget(h);
}

void held_links_forget(struct held_links *h)
{
    mem_free(h->items);
    *h = (struct held_links){0};
}
