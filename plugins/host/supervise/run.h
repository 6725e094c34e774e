/* run.h - the process of one plugin, or of a group, below a supervisor. */
#pragma once

#include <stddef.h>

/* Until the supervisor says so, goes away, or none of the plugins can go on. An exit code. */
int run_plugins(const char *config, const char *const *names, size_t count);
