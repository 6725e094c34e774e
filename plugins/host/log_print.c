/* log_print.c - lines of log as a person or the journal reads them. */
#include "plugins/host/log_print.h"

#include "agent/base/journal.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 8400, LEVELS = ZOOID_PLUGIN_DEBUG + 1 };

static const struct {
    const char *word;
    int priority; /* syslog's */
} levels[LEVELS] = {
    [ZOOID_PLUGIN_ERROR] = {"error", LOG_ERR},
    [ZOOID_PLUGIN_WARNING] = {"warning", LOG_WARNING},
    [ZOOID_PLUGIN_INFO] = {"info", LOG_INFO},
    [ZOOID_PLUGIN_DEBUG] = {"debug", LOG_DEBUG},
};

void log_print(enum zooid_plugin_level level, const char *text)
{
    if (journal_reads(STDERR_FILENO))
        fprintf(stderr, "<%d>%s\n", levels[level].priority, text);
    else
        fprintf(stderr, "%s %s\n", levels[level].word, text);
}

void log_print_of(enum zooid_plugin_level level, const char *name, const char *text)
{
    char line[LINE_MAX_BYTES];
    (void)snprintf(line, sizeof line, "%s: %s", name, text);
    log_print(level, line);
}

const char *log_word(enum zooid_plugin_level level)
{
    return levels[level].word;
}

bool log_word_parse(const char *word, enum zooid_plugin_level *level)
{
    for (unsigned i = 0; i < LEVELS; i++) {
        if (strcmp(levels[i].word, word) == 0) {
            *level = (enum zooid_plugin_level)i;
            return true;
        }
    }
    return false;
}
