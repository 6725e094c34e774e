/* failing_memory.c - stands before the allocator, by the linker's --wrap. */
#include "tests/support/failing_memory.h"

#include "tests/support/countdown.h"

#include <stddef.h>

void *__real_mem_alloc(size_t size);
void *__real_mem_calloc(size_t count, size_t size);
void *__real_mem_realloc(void *block, size_t size);
void *__wrap_mem_alloc(size_t size);
void *__wrap_mem_calloc(size_t count, size_t size);
void *__wrap_mem_realloc(void *block, size_t size);

static struct countdown countdown = COUNTDOWN_OFF;

void memory_fail_after(int count)
{
    countdown_set(&countdown, count, false);
}

void memory_fail_once_after(int count)
{
    countdown_set(&countdown, count, true);
}

bool memory_has_failed(void)
{
    return countdown.has_failed;
}

static bool fails_now(void)
{
    return countdown_fails_now(&countdown);
}

void *__wrap_mem_alloc(size_t size)
{
    return fails_now() ? NULL : __real_mem_alloc(size);
}

void *__wrap_mem_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_mem_calloc(count, size);
}

void *__wrap_mem_realloc(void *block, size_t size)
{
    return fails_now() ? NULL : __real_mem_realloc(block, size);
}
