/* log_print.h - a line of log on the standard error output: "info NAME: text", and "<6>NAME: text" to systemd's
 * journal.
 *
 * Thread-safe as getenv and stdio are. */
#pragma once

#include "plugins/include/zooid_plugin.h"

#include <stdbool.h>

void log_print(enum zooid_plugin_level level, const char *text);
void log_print_of(enum zooid_plugin_level level, const char *name, const char *text);

/* "error", "warning", "info", "debug". */
const char *log_word(enum zooid_plugin_level level);
/* False: no level has this name. */
bool log_word_parse(const char *word, enum zooid_plugin_level *level);
