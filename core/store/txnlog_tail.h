/* txnlog_tail.h - how a log file ends: cleanly, torn by a power cut, or damaged. Internal to core/store. */
#pragma once

#include "core/store/window.h"

enum tail_verdict {
    TAIL_CLEAN, /* nothing but zeros */
    TAIL_TORN,  /* an unsynced batch of which a part is missing */
    TAIL_DAMAGED,
};

/* Is there a whole record at `at`? `entry` is then valid until the window's next use. ST_OK, ST_END: no whole record
 * with a right checksum; ST_NO_MEMORY, ST_IO_ERROR. */
enum status txnlog_record_at(struct window *w, uint64_t at, struct bytes *entry);

/* Judges the end of a file that has no whole record at `at`, all before it being sound. `why` is told for TAIL_DAMAGED,
 * static. */
enum status txnlog_judge_tail(struct window *w, uint64_t at, enum tail_verdict *verdict, const char **why);
