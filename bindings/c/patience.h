/* patience.h - whether who waits stays awake for a moment: a client for an answer, the agent's loop for what comes
 * next.
 *
 * To sleep until the socket has something, and to be woken then, takes some tens of microseconds on many machines, most
 * of all on virtual ones: longer than the agent takes for a read. So who waits looks for it for a while first. Where
 * that has not been worth it of late, as behind a write that waits for a disk, it goes to sleep at once, and only now
 * and then finds out whether things have changed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* All zeros: nothing is known, and hope is full. */
struct patience {
    uint32_t lost;    /* how much of its credit is gone; all of it: none is left */
    uint32_t skipped; /* waits since it was tried last */
};

/* Whether the next wait is to begin awake. */
bool patience_tries(struct patience *p);

/* What came of it: what was awaited came well before the time for it was over, or not. */
void patience_learns(struct patience *p, bool was_worth_it);
