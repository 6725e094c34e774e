/* array.h - arrays that grow by doubling. An array is a pointer, a count and a capacity, wherever its owner keeps them.
 */
#pragma once

#include <stddef.h>

/* The array with room for at least one item more than `count`: the same one, or where it was moved to with `*capacity`
 * raised. `size` is an item's, `first` the capacity to begin with. NULL: out of memory, and nothing has changed. */
void *array_room(void *items, size_t count, size_t *capacity, size_t size, size_t first);
