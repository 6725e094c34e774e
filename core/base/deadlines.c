/* deadlines.c - a binary heap, the earliest on top. */
#include "core/base/deadlines.h"

#include "core/base/array.h"
#include "core/base/mem.h"

static void put(struct deadlines *d, size_t index, struct deadline *deadline)
{
    d->items[index] = deadline;
    deadline->place = index + 1;
}

static void rise(struct deadlines *d, size_t index)
{
    struct deadline *moved = d->items[index];
    while (index > 0 && moved->at < d->items[(index - 1) / 2]->at) {
        put(d, index, d->items[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    put(d, index, moved);
}

static void sink(struct deadlines *d, size_t index)
{
    struct deadline *moved = d->items[index];
    for (size_t child = 2 * index + 1; child < d->count; child = 2 * index + 1) {
        if (child + 1 < d->count && d->items[child + 1]->at < d->items[child]->at)
            child++;
        if (moved->at <= d->items[child]->at)
            break;
        put(d, index, d->items[child]);
        index = child;
    }
    put(d, index, moved);
}

enum status deadlines_set(struct deadlines *d, struct deadline *deadline, int64_t at)
{
    deadlines_remove(d, deadline);
    struct deadline **items = array_room(d->items, d->count, &d->capacity, sizeof(struct deadline *), 16);
    if (items == NULL)
        return ST_NO_MEMORY;
    d->items = items;
    deadline->at = at;
    put(d, d->count++, deadline);
    rise(d, d->count - 1);
    return ST_OK;
}

void deadlines_remove(struct deadlines *d, struct deadline *deadline)
{
    if (deadline->place == 0)
        return;
    size_t index = deadline->place - 1;
    struct deadline *last = d->items[--d->count];
    deadline->place = 0;
    if (last == deadline)
        return;
    put(d, index, last);
    rise(d, index);
    sink(d, last->place - 1);
}

void deadlines_free(struct deadlines *d)
{
    mem_free(d->items);
    *d = (struct deadlines){0};
}
