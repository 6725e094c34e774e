/* run.h - the process of one plugin, or of a group, below a supervisor. */
#pragma once

#include <stddef.h>

/* What is known of another process that has the same plugins. Two must never believe that they hold the same lock. */
enum run_after {
    RUN_FIRST,  /* nothing: its locks end with its session */
    RUN_BESIDE, /* it is there: locks wait until the supervisor says that it has ended, and are taken over then */
    RUN_BEHIND  /* it has ended: its locks are taken over */
};

/* Until the supervisor says so, goes away, or none of the plugins can go on. An exit code. */
int run_plugins(const char *config, enum run_after after, const char *const *names, size_t count);
