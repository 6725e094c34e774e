/* join_id.c - numbers that nobody in a configuration has, and bytes that nobody's session ids begin with. */
#include "agent/join/join_id.h"

enum { LOW_BYTE_MAX = 127, RANDOM_BITS = 47 }; /* session ids that are positive numbers, and so is the server's */

static bool has_low_byte(const struct members *m, int64_t byte)
{
    for (size_t i = 0; i < m->count; i++)
        if ((m->items[i]->sid & 0xff) == byte)
            return true;
    return false;
}

/* The n-th byte that is free, from a place that the random number chooses; when none is, any will do. */
static int64_t low_byte(const struct members *m, uint64_t random)
{
    for (uint64_t i = 0; i < LOW_BYTE_MAX; i++) {
        int64_t byte = 1 + (int64_t)((random + i) % LOW_BYTE_MAX);
        if (!has_low_byte(m, byte))
            return byte;
    }
    return 1 + (int64_t)(random % LOW_BYTE_MAX);
}

int64_t join_large_id(const struct members *m, uint64_t random)
{
    int64_t byte = low_byte(m, random >> RANDOM_BITS);
    int64_t high = (int64_t)(random & ((UINT64_C(1) << RANDOM_BITS) - 1));
    if (high == 0)
        high = 1;
    while (members_find(m, high << 8 | byte) != NULL)
        high++;
    return high << 8 | byte;
}

int64_t join_small_id(const struct members *m)
{
    for (int64_t id = 1; id <= JOIN_SMALL_ID_MAX; id++)
        if (!has_low_byte(m, id))
            return id;
    return 0;
}
