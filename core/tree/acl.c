/* acl.c - the table of interned lists: by content, and by number. */
#include "core/tree/acl.h"

#include "core/base/check.h"
#include "core/base/mem.h"

/* world:anyone:cdrwa as jute writes it. */
static const uint8_t open_entry[] = {0,   0, 0, 31, 0, 0,   0,   5,   'w', 'o', 'r', 'l',
                                     'd', 0, 0, 0,  6, 'a', 'n', 'y', 'o', 'n', 'e'};

static struct bytes open_list(void)
{
    return bytes_make(open_entry, sizeof open_entry);
}

enum {
    NUMBER_FIRST = 2 /* behind ACL_OPEN and ACL_NONE */
};

struct acl_item {
    uint32_t number, holders;
    int32_t count;
    size_t len;
    uint8_t raw[];
};

struct acl_table {
    struct map by_content;
    struct acl_slot {
        struct acl_item *item; /* NULL: a free number */
        uint32_t next_free;    /* slot index + 1; 0: the last */
    } * slots;
    uint32_t slot_count, slot_cap, first_free;
};

static struct bytes content_of(const void *item)
{
    const struct acl_item *acl = item;
    return bytes_make(acl->raw, acl->len);
}

struct acl_table *acl_table_new(const struct hash_key *hash_key)
{
    struct acl_table *t = mem_calloc(1, sizeof *t);
    if (t != NULL)
        map_init(&t->by_content, hash_key, content_of);
    return t;
}

void acl_table_free(struct acl_table *t)
{
    if (t == NULL)
        return;
    for (uint32_t i = 0; i < t->slot_count; i++)
        mem_free(t->slots[i].item);
    mem_free(t->slots);
    map_free(&t->by_content);
    mem_free(t);
}

static bool grow_slots(struct acl_table *t)
{
    uint32_t cap = t->slot_cap == 0 ? 8 : t->slot_cap * 2;
    struct acl_slot *slots = mem_realloc(t->slots, cap * sizeof *slots);
    if (slots == NULL)
        return false;
    t->slots = slots;
    t->slot_cap = cap;
    return true;
}

/* A free slot's index + 1, still in the chain of free ones; 0: out of memory. */
static uint32_t free_slot(struct acl_table *t)
{
    if (t->first_free != 0)
        return t->first_free;
    if (t->slot_count == t->slot_cap && !grow_slots(t))
        return 0;
    t->slots[t->slot_count++] = (struct acl_slot){NULL, 0};
    t->first_free = t->slot_count;
    return t->first_free;
}

static struct acl_item *item_new(struct acls list)
{
    struct acl_item *item = mem_alloc(sizeof *item + list.raw.len);
    if (item == NULL)
        return NULL;
    *item = (struct acl_item){.holders = 1, .count = list.count, .len = list.raw.len};
    memcpy(item->raw, list.raw.data, list.raw.len);
    return item;
}

static enum status add_item(struct acl_table *t, struct acls list, uint32_t *number)
{
    uint32_t slot = free_slot(t);
    struct acl_item *item = slot == 0 ? NULL : item_new(list);
    if (item == NULL)
        return ST_NO_MEMORY;
    if (map_add(&t->by_content, item) != ST_OK) {
        mem_free(item);
        return ST_NO_MEMORY;
    }
    item->number = slot - 1 + NUMBER_FIRST;
    t->first_free = t->slots[slot - 1].next_free;
    t->slots[slot - 1] = (struct acl_slot){item, 0};
    *number = item->number;
    return ST_OK;
}

enum status acl_intern(struct acl_table *t, struct acls list, uint32_t *number)
{
    if (list.count <= 0) {
        *number = ACL_NONE;
        return ST_OK;
    }
    if (bytes_equal(list.raw, open_list())) {
        *number = ACL_OPEN;
        return ST_OK;
    }
    struct acl_item *item = map_get(&t->by_content, list.raw);
    if (item == NULL)
        return add_item(t, list, number);
    item->holders++;
    *number = item->number;
    return ST_OK;
}

static struct acl_item *item_of(const struct acl_table *t, uint32_t number)
{
    CHECK(number >= NUMBER_FIRST && number - NUMBER_FIRST < t->slot_count);
    struct acl_item *item = t->slots[number - NUMBER_FIRST].item;
    CHECK(item != NULL);
    return item;
}

void acl_hold(struct acl_table *t, uint32_t number)
{
    if (number >= NUMBER_FIRST)
        item_of(t, number)->holders++;
}

void acl_release(struct acl_table *t, uint32_t number)
{
    if (number < NUMBER_FIRST)
        return;
    struct acl_item *item = item_of(t, number);
    if (--item->holders > 0)
        return;
    map_remove(&t->by_content, content_of(item));
    t->slots[number - NUMBER_FIRST] = (struct acl_slot){NULL, t->first_free};
    t->first_free = number - NUMBER_FIRST + 1;
    mem_free(item);
}

uint32_t acl_next(const struct acl_table *t, uint32_t from)
{
    for (uint32_t i = from < NUMBER_FIRST ? 0 : from - NUMBER_FIRST; i < t->slot_count; i++) {
        if (t->slots[i].item != NULL)
            return i + NUMBER_FIRST;
    }
    return 0;
}

struct acls acl_get(const struct acl_table *t, uint32_t number)
{
    if (number == ACL_OPEN)
        return (struct acls){1, open_list()};
    if (number == ACL_NONE)
        return (struct acls){0, BYTES("")};
    const struct acl_item *item = item_of(t, number);
    return (struct acls){item->count, content_of(item)};
}

bool acl_permits(const struct acl_table *t, uint32_t number, uint32_t wanted, struct identities who)
{
    if (number == ACL_OPEN && (wanted & PERMISSION_ALL) != 0)
        return true;
    return acls_permit(acl_get(t, number), wanted, who);
}
