/* log_tap.h - the lines of the log for whoever follows it while the agent runs: kept, up to a limit, until they are
 * taken; what goes beyond that is counted. */
#pragma once

#include "core/base/bytes.h"
#include "core/base/log.h"

/* Lines behind each other, each as a level and a length, one byte and two, and its text. */
struct log_taken {
    struct buffer lines;
    uint64_t missed[LOG_LEVEL_COUNT];
};

struct log_tap {
    void *context;
    /* Lines up to this level are kept from now on, `bytes_max` of them at most, whether or not the log itself has them;
     * -1: none. `woken` is called when there are some, by any thread, for as long as somebody follows. */
    void (*follow)(void *context, int level, size_t bytes_max, void (*woken)(void *woken_context), void *woken_context);
    /* Moves what is kept to `taken`, which is empty. */
    void (*take)(void *context, struct log_taken *taken);
};

/* The next line of `lines`, which is moved behind it. False: there is none. */
bool log_taken_next(struct bytes *lines, enum log_level *level, struct bytes *text);
