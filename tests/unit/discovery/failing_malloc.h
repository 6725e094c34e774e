/* failing_malloc.h - lets one allocation of a plugin and of jansson fail, and counts them all.
 *
 * A program that uses it needs the line
 *   link: -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc -Wl,--wrap=strdup
 * as a comment among its first ten. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

static int malloc_left = -1; /* so many succeed, the next one fails; -1: all succeed */
static bool malloc_failed;

static bool malloc_fails(void)
{
    if (malloc_left < 0 || malloc_left-- > 0)
        return false;
    malloc_failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return malloc_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return malloc_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return malloc_fails() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc_fails() ? NULL : __real_malloc(size);
    return copy == NULL ? NULL : memcpy(copy, text, size);
}

/* Runs `attempt` again and again, failing one allocation later each time, until none of them is reached. */
static inline void fail_each_malloc(void (*attempt)(void))
{
    json_set_alloc_funcs(__wrap_malloc, free);
    for (int i = 0;; i++) {
        malloc_left = i;
        malloc_failed = false;
        attempt();
        malloc_left = -1;
        if (!malloc_failed)
            return;
    }
}
