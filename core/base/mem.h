/* mem.h - the one allocator of core and agent.
 *
 * A thin door to the C library, so that tests can make the first, second, third ... allocation fail (the linker's
 * --wrap). Every caller handles NULL. Thread-safe. */
#pragma once

#include <stddef.h>

/* `size` bytes, not cleared; NULL: out of memory. A size of 0 gives a pointer that may be freed. */
void *mem_alloc(size_t size);

/* `count` * `size` bytes of zeros; NULL: out of memory or the product overflows. */
void *mem_calloc(size_t count, size_t size);

/* As realloc; on NULL the old block is still there and still the caller's. */
void *mem_realloc(void *block, size_t size);

/* Frees a block of this allocator; NULL is allowed. */
void mem_free(void *block);

/* A copy of the string, to be freed with mem_free; NULL: out of memory. */
char *mem_strdup(const char *text);
