/* patience.h - whether who waits for an answer stays awake for a moment.
 *
 * To sleep until the socket has something, and to be woken then, takes some tens of microseconds on many machines, most
 * of all on virtual ones: longer than the agent takes for a read. So who waits looks for the answer for a while first.
 * Where that has not been worth it of late, as behind a write that waits for a disk, it goes to sleep at once, and only
 * now and then finds out whether things have changed. Reads, writes and events are judged apart. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum awaited { AWAITED_READ, AWAITED_WRITE, AWAITED_EVENT, AWAITED_KINDS };

/* All zeros: nothing is known, and hope is full. */
struct patience {
    uint32_t lost;    /* how much of its credit is gone; all of it: none is left */
    uint32_t skipped; /* waits since it was tried last */
};

/* Whether the next wait for an answer is to begin awake. */
bool patience_tries(struct patience *p);

/* What came of it: the answer came well before the time for it was over, or not. */
void patience_learns(struct patience *p, bool was_worth_it);
