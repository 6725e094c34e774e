/* failing_memory.c - stands before the allocator, by the linker's --wrap. */
#include "tests/support/failing_memory.h"

#include <stdatomic.h>
#include <stddef.h>

void *__real_mem_alloc(size_t size);
void *__real_mem_calloc(size_t count, size_t size);
void *__real_mem_realloc(void *block, size_t size);
void *__wrap_mem_alloc(size_t size);
void *__wrap_mem_calloc(size_t count, size_t size);
void *__wrap_mem_realloc(void *block, size_t size);

/* Atomic, since threads allocate too. */
static atomic_int left = -1;
static atomic_bool has_failed, once;

void memory_fail_after(int count)
{
    left = count;
    has_failed = false;
    once = false;
}

void memory_fail_once_after(int count)
{
    memory_fail_after(count);
    once = true;
}

bool memory_has_failed(void)
{
    return has_failed;
}

/* Counts down, and changes nothing else: a thread that is in here while the test calls the failing off must not call it
 * on again. */
static bool fails_now(void)
{
    int now = left;
    while (now > 0)
        if (atomic_compare_exchange_weak(&left, &now, now - 1))
            return false;
    if (now < 0)
        return false;
    has_failed = true;
    if (once)
        (void)atomic_compare_exchange_strong(&left, &now, -1);
    return true;
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
