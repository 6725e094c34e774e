/* log_limit.h - a line of log that strangers can provoke, at most once in a while.
 *
 * Zero-initialised it lets the first line through. Not thread-safe. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct log_limit {
    uint64_t next_ms;
    uint32_t held_back; /* lines since the last one that was written */
};

/* Whether to write the line now, that is once in `every_ms`. Then `*held_back` is how many were left out before it. */
static inline bool log_limit_pass(struct log_limit *limit, uint64_t now_ms, uint64_t every_ms, uint32_t *held_back)
{
    if (now_ms < limit->next_ms) {
        limit->held_back += limit->held_back < UINT32_MAX;
        return false;
    }
    *held_back = limit->held_back;
    limit->held_back = 0;
    limit->next_ms = now_ms + every_ms;
    return true;
}
