/* mem_strdup.c - in a file of its own, so that a wrapped mem_alloc reaches it too. */
#include "core/base/mem.h"

#include <string.h>

char *mem_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = mem_alloc(size);
    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}
