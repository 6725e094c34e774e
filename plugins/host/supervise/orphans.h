/* orphans.h - processes that became ours because whoever had started them has ended. */
#pragma once

#include <stdbool.h>

/* From now on they become ours, and not init's. */
void orphans_adopt(void);

/* Looks at all children of this process that `is_ours` does not know: those that have ended are done with, the others
 * are killed when that is wanted. How many were killed. */
unsigned orphans_clear(bool (*is_ours)(void *context, int pid), void *context, bool kill_them);
