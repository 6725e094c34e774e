/* wait.c - see wait.h. */
#include "tests/support/wait.h"

#include <poll.h>
#include <stdint.h>
#include <time.h>

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool wait_until(bool (*condition)(void *context), void *context, int deadline_ms)
{
    int64_t end = now_ms() + deadline_ms;
    while (!condition(context)) {
        if (now_ms() > end)
            return condition(context);
        (void)poll(NULL, 0, 1);
    }
    return true;
}
