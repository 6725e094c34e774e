/* family.h - a process and all that it has started, as far down as it goes, and what they take of the machine. The
 * process is a subreaper (orphans.h), so that nothing gets out of its family before it ends. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct family {
    int *pids; /* the process itself comes first */
    size_t count, cap;
};

/* Who belongs to it now; a process that is started or ends meanwhile may be missing. It stops at `most`. False: out of
 * memory, and those that were found until then are listed. */
bool family_list(struct family *family, int pid, size_t most);
void family_free(struct family *family);

/* Resident memory, with what several of them share counted for each. */
uint64_t family_resident_kb(const struct family *family);
/* With what is shared divided among those that share it. It costs the kernel a walk over all their pages. Of processes
 * that we may not look into (another user's) it counts what is resident. */
uint64_t family_divided_kb(const struct family *family);
/* Processor time of those that run, and of those that have ended and were waited for. Not exact while processes end:
 * what one has used is on its way to its parent then. */
uint64_t family_cpu_ms(const struct family *family);
