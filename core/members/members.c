/* members.c - a configuration as it is kept, found in and compared. */
#include "core/members/members.h"

#include "core/base/array.h"
#include "core/base/mem.h"
#include "core/members/members_internal.h"

size_t members_place(const struct members *m, int64_t sid)
{
    size_t from = 0, to = m->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (m->items[middle]->sid < sid)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

const struct member *members_find(const struct members *m, int64_t sid)
{
    size_t place = members_place(m, sid);
    return place < m->count && m->items[place]->sid == sid ? m->items[place] : NULL;
}

enum status members_insert(struct members *m, struct member *member)
{
    struct member **items = array_room(m->items, m->count, &m->capacity, sizeof(struct member *), 8);
    if (items == NULL)
        return ST_NO_MEMORY;
    m->items = items;
    size_t place = members_place(m, member->sid);
    memmove(&items[place + 1], &items[place], (m->count - place) * sizeof(struct member *));
    items[place] = member;
    m->count++;
    return ST_OK;
}

void members_free(struct members *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < m->count; i++)
        mem_free(m->items[i]);
    mem_free(m->items);
    mem_free(m->groups);
    mem_free(m);
}

/* -- equality ------------------------------------------------------------------------------------------------------ */

static bool same_address(const struct member_address *a, const struct member_address *b)
{
    return a->quorum_port == b->quorum_port && a->election_port == b->election_port && host_equal(a->host, b->host);
}

static bool same_quorum_place(const struct member_address *a, const struct member_address *b)
{
    return a->quorum_port == b->quorum_port && host_equal(a->host, b->host);
}

/* In any order: names that differ in case only may have been sorted differently. */
static bool same_addresses(const struct member *a, const struct member *b,
                           bool (*same)(const struct member_address *a, const struct member_address *b))
{
    if (a->address_count != b->address_count)
        return false;
    for (size_t i = 0; i < a->address_count; i++) {
        size_t j = 0;
        while (j < b->address_count && !same(&a->addresses[i], &b->addresses[j]))
            j++;
        if (j == b->address_count)
            return false;
    }
    return true;
}

bool member_same_quorum_address(const struct member *a, const struct member *b)
{
    return same_addresses(a, b, same_quorum_place);
}

static bool same_door(const struct member_door *a, const struct member_door *b)
{
    if (bytes_is_null(a->host) || bytes_is_null(b->host))
        return bytes_is_null(a->host) && bytes_is_null(b->host);
    return a->port == b->port && host_equal(a->host, b->host);
}

bool member_equal(const struct member *a, const struct member *b)
{
    return a->sid == b->sid && a->role == b->role && same_addresses(a, b, same_address) &&
           same_door(&a->client, &b->client) && same_door(&a->secure_client, &b->secure_client) &&
           a->has_weight == b->has_weight && a->weight == b->weight && a->has_group == b->has_group &&
           a->group == b->group;
}

bool members_same_content(const struct members *a, const struct members *b)
{
    if (a->count != b->count || a->group_count != b->group_count)
        return false;
    for (size_t i = 0; i < a->group_count; i++)
        if (a->groups[i].gid != b->groups[i].gid)
            return false;
    for (size_t i = 0; i < a->count; i++)
        if (!member_equal(a->items[i], b->items[i]))
            return false;
    return true;
}

bool members_equal(const struct members *a, const struct members *b)
{
    return a->version == b->version || members_same_content(a, b);
}
