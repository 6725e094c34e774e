/* state.h - what is known of a check: from results to passing, warning or critical.
 *
 * A check becomes critical after `fall` failures in a row, and passing after `rise` passes in a row. A warning shows at
 * once where it makes things worse; where it makes them better (from critical), it counts towards `rise` like a pass.
 * Between, `warn_after` failures in a row turn passing into warning. A result that is certain, as the end of a process,
 * waits for nothing. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum check_status { CHECK_PASSING, CHECK_WARNING, CHECK_CRITICAL, CHECK_STATUS_COUNT };

/* "passing", "warning", "critical", and NULL. */
extern const char *const check_status_words[];

struct thresholds {
    int64_t rise, fall; /* at least 1 */
    int64_t warn_after; /* 0: never */
};

struct check_state {
    enum check_status status;
    bool known;                   /* a result has come since it was defined */
    uint64_t since_ms;            /* since 1970: when it got this status */
    int64_t good, passed, failed; /* in a row: not failures; passes; failures */
    uint64_t runs, failures, changes;
    uint32_t recent; /* a bit for each of the last 32 results, the latest lowest: did it change the status */
};

/* True when the status changed. */
bool state_take(struct check_state *state, const struct thresholds *thresholds, enum check_status result, bool certain,
                uint64_t now_ms);

/* How many of the last 32 results changed the status. */
unsigned state_flaps(const struct check_state *state);
