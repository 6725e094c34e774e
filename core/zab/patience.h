/* patience.h - how long the silence of a peer may last before it is given up, on this machine and this network.
 *
 * There is a time that all have agreed on, and it is made longer, never shorter, by what was seen lately: a silence
 * that came near to it and was none, or an alarm that was false. What was seen is forgotten by halves. Pure; times in
 * milliseconds. */
#pragma once

#include <stdint.h>

enum { PATIENCE_HALVES_MS = 60000 };

/* Zero-initialise. */
struct patience {
    int64_t learned_ms; /* at `at_ms`; 0: nothing */
    int64_t at_ms;
};

/* The limit now: at least `agreed_ms`, at most `max_ms`. */
int64_t patience_limit(const struct patience *p, int64_t agreed_ms, int64_t max_ms, int64_t now_ms);

/* So much would have been needed. A limit that is higher already stays. */
void patience_learn(struct patience *p, int64_t needed_ms, int64_t now_ms);
