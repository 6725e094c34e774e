/* patience.c - one number that falls with time. */
#include "core/zab/patience.h"

enum { HALVES_MAX = 62 };

static int64_t left_of(const struct patience *p, int64_t now_ms)
{
    const int64_t halves = (now_ms - p->at_ms) / PATIENCE_HALVES_MS;
    return halves > HALVES_MAX ? 0 : p->learned_ms >> halves;
}

int64_t patience_limit(const struct patience *p, int64_t agreed_ms, int64_t max_ms, int64_t now_ms)
{
    const int64_t learned_ms = left_of(p, now_ms);
    const int64_t limit_ms = learned_ms > agreed_ms ? learned_ms : agreed_ms;
    return limit_ms < max_ms ? limit_ms : max_ms;
}

void patience_learn(struct patience *p, int64_t needed_ms, int64_t now_ms)
{
    if (needed_ms <= left_of(p, now_ms))
        return;
    p->learned_ms = needed_ms;
    p->at_ms = now_ms;
}
