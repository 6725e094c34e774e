/* array.c - the one place where an array grows. */
#include "core/base/array.h"

#include "core/base/mem.h"

#include <stdint.h>

void *array_room(void *items, size_t count, size_t *capacity, size_t size, size_t first)
{
    if (items != NULL && count < *capacity)
        return items;
    size_t more = *capacity == 0 ? first : *capacity * 2;
    if (more > SIZE_MAX / 2 / size)
        return NULL;
    void *moved = mem_realloc(items, more * size);
    if (moved != NULL)
        *capacity = more;
    return moved;
}
