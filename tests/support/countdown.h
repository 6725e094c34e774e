/* countdown.h - says which allocation is to fail: what failing_memory.c and failing_malloc.c, which stand before the
 * two allocators, have in common. Thread-safe, since threads allocate too. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

struct countdown {
    atomic_int left; /* below 0: nothing fails */
    atomic_bool has_failed, once;
};

#define COUNTDOWN_OFF \
    {                 \
        .left = -1    \
    }

/* The allocation after `count` more ones fails; with `once` that one alone, else all after it, too. */
void countdown_set(struct countdown *c, int count, bool once);

/* Counts one allocation; true: it has to fail. */
bool countdown_fails_now(struct countdown *c);
