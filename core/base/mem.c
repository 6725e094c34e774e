/* mem.c - the only place that calls malloc and its family. */
#include "core/base/mem.h"

#include <stdlib.h>
#include <string.h>

void *mem_alloc(size_t size)
{
    return malloc(size > 0 ? size : 1);
}

void *mem_calloc(size_t count, size_t size)
{
    return calloc(count > 0 ? count : 1, size > 0 ? size : 1);
}

void *mem_realloc(void *block, size_t size)
{
    return realloc(block, size > 0 ? size : 1);
}

void mem_free(void *block)
{
    free(block);
}
