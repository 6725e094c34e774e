/* state.c - see state.h */
#include "plugins/health/state.h"

#include <stddef.h>

const char *const check_status_words[] = {"passing", "warning", "critical", NULL};

static void count(struct check_state *state, enum check_status result)
{
    state->known = true;
    state->runs++;
    state->good = result == CHECK_CRITICAL ? 0 : state->good + 1;
    state->passed = result == CHECK_PASSING ? state->passed + 1 : 0;
    state->failed = result == CHECK_CRITICAL ? state->failed + 1 : 0;
    state->failures += result == CHECK_CRITICAL;
}

static enum check_status after_pass(const struct check_state *state, const struct thresholds *t)
{
    return state->passed >= t->rise ? CHECK_PASSING : state->status;
}

static enum check_status after_warning(const struct check_state *state, const struct thresholds *t)
{
    return state->status == CHECK_CRITICAL && state->good < t->rise ? CHECK_CRITICAL : CHECK_WARNING;
}

static enum check_status after_failure(const struct check_state *state, const struct thresholds *t)
{
    if (state->failed >= t->fall)
        return CHECK_CRITICAL;
    bool warns = t->warn_after > 0 && state->failed >= t->warn_after && state->status == CHECK_PASSING;
    return warns ? CHECK_WARNING : state->status;
}

typedef enum check_status after_fn(const struct check_state *state, const struct thresholds *thresholds);

static after_fn *const after[CHECK_STATUS_COUNT] = {
    [CHECK_PASSING] = after_pass,
    [CHECK_WARNING] = after_warning,
    [CHECK_CRITICAL] = after_failure,
};

bool state_take(struct check_state *state, const struct thresholds *thresholds, enum check_status result, bool certain,
                uint64_t now_ms)
{
    count(state, result);
    enum check_status status = certain ? result : after[result](state, thresholds);
    bool changed = status != state->status;
    state->recent = state->recent << 1 | changed;
    if (changed) {
        state->status = status;
        state->since_ms = now_ms;
        state->changes++;
    }
    return changed;
}

unsigned state_flaps(const struct check_state *state)
{
    return (unsigned)__builtin_popcount(state->recent);
}
