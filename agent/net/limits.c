/* limits.c - a map from address to its count. */
#include "agent/net/limits.h"

#include "core/base/check.h"
#include "core/base/map.h"
#include "core/base/mem.h"

struct limits_address {
    uint8_t ip[16];
    uint32_t count;
};

struct limits {
    struct map addresses;
    uint32_t total, total_max, per_address_max;
};

static struct bytes key_of(const void *item)
{
    const struct limits_address *address = item;
    return bytes_make(address->ip, sizeof address->ip);
}

struct limits *limits_new(const struct hash_key *hash_key)
{
    struct limits *l = mem_calloc(1, sizeof *l);
    if (l != NULL)
        map_init(&l->addresses, hash_key, key_of);
    return l;
}

void limits_free(struct limits *l)
{
    if (l == NULL)
        return;
    MAP_FOR_EACH(at, &l->addresses)
    mem_free(at->item);
    map_free(&l->addresses);
    mem_free(l);
}

void limits_set(struct limits *l, uint32_t per_address_max, uint32_t total_max)
{
    l->per_address_max = per_address_max;
    l->total_max = total_max;
}

static struct limits_address *address_add(struct limits *l, struct bytes key)
{
    struct limits_address *address = mem_calloc(1, sizeof *address);
    if (address == NULL)
        return NULL;
    memcpy(address->ip, key.data, sizeof address->ip);
    if (map_add(&l->addresses, address) != ST_OK) {
        mem_free(address);
        return NULL;
    }
    return address;
}

enum limits_verdict limits_enter(struct limits *l, const struct in6_addr *ip, struct limits_address **address)
{
    *address = NULL;
    if (l->total_max != 0 && l->total >= l->total_max)
        return LIMITS_ALL_FULL;
    if (ip != NULL) {
        struct bytes key = bytes_make(ip->s6_addr, sizeof ip->s6_addr);
        *address = map_get(&l->addresses, key);
        if (*address != NULL && l->per_address_max != 0 && (*address)->count >= l->per_address_max)
            return LIMITS_ADDRESS_FULL;
        if (*address == NULL)
            *address = address_add(l, key);
        if (*address == NULL)
            return LIMITS_NO_MEMORY;
        (*address)->count++;
    }
    l->total++;
    return LIMITS_OK;
}

void limits_leave(struct limits *l, struct limits_address *address)
{
    CHECK(l->total > 0);
    l->total--;
    if (address == NULL)
        return;
    CHECK(address->count > 0);
    address->count--;
    if (address->count == 0) {
        CHECK(map_remove(&l->addresses, key_of(address)) == address);
        mem_free(address);
    }
}

uint32_t limits_total(const struct limits *l)
{
    return l->total;
}

uint32_t limits_of_address(const struct limits_address *address)
{
    return address->count;
}
