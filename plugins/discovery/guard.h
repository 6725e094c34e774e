/* guard.h - what a service had, for the moment in which it has nothing, or suddenly much less.
 *
 * Instances that were good and are not any more are kept for window_ms. When more than `percent` of a service went
 * within that time, they are suspects for suspect_ms: it is likelier that a link or a check is broken than that all of
 * them died. When no good one is left, those that went last are the last known good, for ever or for a time. An
 * instance that says good-bye (one in maintenance) is not kept. */
#pragma once

#include "plugins/discovery/instance.h"
#include "plugins/discovery/settings.h"

#include <stddef.h>

enum guard_reason {
    GUARD_QUIET,
    GUARD_MASS_EXPIRY, /* the suspects count as well */
    GUARD_EMPTY,       /* there is no good one: the last known good count */
    GUARD_RESTORED     /* nothing was heard from the tree yet: what was known before the restart */
};

struct departed {
    struct instance *instance; /* as it was when it was good */
    uint64_t at_ms;
    bool vanished; /* from the tree; else it is only not good any more */
};

struct guard {
    struct departed *items; /* in the order of their going */
    size_t count, cap;
    uint64_t empty_since_ms; /* 0: it is not */
    uint64_t suspect_until_ms, suspect_since_ms;
};

const char *guard_reason_name(enum guard_reason reason);

/* Takes the instance over; without memory it is let go of. */
void guard_departed(struct guard *g, struct instance *instance, uint64_t now_ms, bool vanished);
/* It is good again, or there is another one by that id. */
void guard_forget(struct guard *g, const char *id);
/* It is in the tree again, but not good: no suspect any more. */
void guard_returned(struct guard *g, const char *id);
/* After changes, and when time has passed: `good` is how many good ones the tree has. */
void guard_judge(struct guard *g, const struct guard_settings *settings, size_t good, uint64_t now_ms);
/* Which of the departed count: GUARD_EMPTY all of them, GUARD_MASS_EXPIRY those that vanished. */
enum guard_reason guard_reason(const struct guard *g, const struct guard_settings *settings, uint64_t now_ms);
/* When something becomes different by itself; 0: never. */
uint64_t guard_next_ms(const struct guard *g, const struct guard_settings *settings);
void guard_free(struct guard *g);
