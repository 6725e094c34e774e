/* owners.c - which nodes a session owns, and which nodes the container manager looks at: dense lists of numbers.
 *
 * Where a number stands in its list is kept beside, so that removing one of a hundred thousand costs nothing. */
#include "core/tree/tree_internal.h"

#include "core/base/array.h"
#include "core/base/mem.h"

struct owner {
    int64_t session;
    struct number_list numbers;
};

enum tree_kind tree_kind_of(const struct tree *t, int64_t owner)
{
    if (owner == 0)
        return TREE_PERSISTENT;
    if (owner == OWNER_CONTAINER)
        return TREE_CONTAINER;
    if (t->extended_types && ((uint64_t)owner & OWNER_TTL_MASK) == OWNER_TTL_MASK)
        return TREE_TTL;
    return TREE_EPHEMERAL;
}

enum tree_kind tree_kind(const struct tree *t, const struct tree_node *n)
{
    return tree_kind_of(t, n->owner);
}

int64_t tree_ttl_ms(const struct tree_node *n)
{
    return n->owner & TTL_MS_MAX;
}

static void *place_value(size_t index)
{
    return (void *)(uintptr_t)(index + 1);
}

static enum status list_add(struct owners *owners, struct number_list *list, uint32_t number)
{
    uint32_t *items = array_room(list->items, list->count, &list->cap, sizeof *items, 2);
    if (items == NULL)
        return ST_NO_MEMORY;
    list->items = items;
    enum status st = map64_put(&owners->places, number, place_value(list->count));
    if (st == ST_OK)
        list->items[list->count++] = number;
    return st;
}

/* The last one fills the gap. */
static void list_take_out(struct owners *owners, struct number_list *list, uint32_t number)
{
    size_t place = (size_t)(uintptr_t)map64_remove(&owners->places, number);
    CHECK(place != 0 && place <= list->count && list->items[place - 1] == number);
    uint32_t last = list->items[--list->count];
    if (last == number)
        return;
    list->items[place - 1] = last;
    /* It is there already: replacing takes no memory. */
    CHECK(map64_put(&owners->places, last, place_value(place - 1)) == ST_OK);
}

static struct owner *owner_of(struct owners *owners, int64_t session)
{
    struct owner *owner = map64_get(&owners->sessions, (uint64_t)session);
    if (owner != NULL)
        return owner;
    owner = mem_calloc(1, sizeof *owner);
    if (owner == NULL)
        return NULL;
    owner->session = session;
    if (map64_put(&owners->sessions, (uint64_t)session, owner) != ST_OK) {
        mem_free(owner);
        return NULL;
    }
    return owner;
}

static void drop_if_idle(struct owners *owners, struct owner *owner)
{
    if (owner->numbers.count > 0)
        return;
    map64_remove(&owners->sessions, (uint64_t)owner->session);
    mem_free(owner->numbers.items);
    mem_free(owner);
}

static enum status add_ephemeral(struct owners *owners, int64_t session, uint32_t number)
{
    struct owner *owner = owner_of(owners, session);
    if (owner == NULL)
        return ST_NO_MEMORY;
    enum status st = list_add(owners, &owner->numbers, number);
    if (st == ST_OK)
        owners->ephemeral_count++;
    else
        drop_if_idle(owners, owner);
    return st;
}

enum status owners_add(struct tree *t, int64_t owner, uint32_t number)
{
    switch (tree_kind_of(t, owner)) {
    case TREE_PERSISTENT: return ST_OK;
    case TREE_EPHEMERAL: return add_ephemeral(&t->owners, owner, number);
    default: return list_add(&t->owners, &t->owners.reapable, number);
    }
}

static void remove_ephemeral(struct owners *owners, int64_t session, uint32_t number)
{
    struct owner *owner = map64_get(&owners->sessions, (uint64_t)session);
    CHECK(owner != NULL);
    list_take_out(owners, &owner->numbers, number);
    owners->ephemeral_count--;
    drop_if_idle(owners, owner);
}

void owners_remove(struct tree *t, int64_t owner, uint32_t number)
{
    switch (tree_kind_of(t, owner)) {
    case TREE_PERSISTENT: return;
    case TREE_EPHEMERAL: remove_ephemeral(&t->owners, owner, number); return;
    default: list_take_out(&t->owners, &t->owners.reapable, number); return;
    }
}

void owners_free(struct owners *owners)
{
    MAP64_FOR_EACH(at, &owners->sessions)
    {
        struct owner *owner = at->value;
        mem_free(owner->numbers.items);
        mem_free(owner);
    }
    map64_free(&owners->sessions);
    map64_free(&owners->places);
    mem_free(owners->reapable.items);
    *owners = (struct owners){0};
}

uint64_t tree_ephemeral_count(const struct tree *t)
{
    return t->owners.ephemeral_count;
}

const uint32_t *tree_ephemerals(const struct tree *t, int64_t session, size_t *count)
{
    const struct owner *owner = map64_get(&t->owners.sessions, (uint64_t)session);
    *count = owner == NULL ? 0 : owner->numbers.count;
    return owner == NULL ? NULL : owner->numbers.items;
}

void tree_each_owner(const struct tree *t,
                     void (*fn)(void *context, int64_t session, const uint32_t *numbers, size_t count), void *context)
{
    MAP64_FOR_EACH(at, &t->owners.sessions)
    {
        const struct owner *owner = at->value;
        fn(context, owner->session, owner->numbers.items, owner->numbers.count);
    }
}

const uint32_t *tree_reapable(const struct tree *t, size_t *count)
{
    *count = t->owners.reapable.count;
    return t->owners.reapable.items;
}
