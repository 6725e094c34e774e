/* log.h - how core and agent say something to the operator: a level, an area, a line of text.
 *
 * The sink is handed in; what it does with a line (text, JSON, journal) is its own affair. A NULL sink drops
 * everything. Formatting happens only for lines that pass the level. Thread-safety is the sink's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG, LOG_LEVEL_TRACE, LOG_LEVEL_COUNT };

struct log_sink {
    enum log_level level; /* lines above it are dropped; may be changed at run time, with log_set_level */
    /* `area` is a short static word ("replica", "front"); `text` is one line without its end, valid during the call. */
    void (*write)(void *context, enum log_level level, const char *area, const char *text);
    void *context;
};

/* Formats at most 1023 bytes (a longer line is cut) and hands it to the sink. */
void log_write(const struct log_sink *sink, enum log_level level, const char *area, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static inline bool log_enabled(const struct log_sink *sink, enum log_level level)
{
    return sink != NULL && level <= __atomic_load_n(&sink->level, __ATOMIC_RELAXED);
}

/* Other threads may be logging meanwhile. */
static inline void log_set_level(struct log_sink *sink, enum log_level level)
{
    __atomic_store_n(&sink->level, level, __ATOMIC_RELAXED);
}

#define LOG_ERROR(sink, area, ...) log_write(sink, LOG_LEVEL_ERROR, area, __VA_ARGS__)
#define LOG_WARN(sink, area, ...)  log_write(sink, LOG_LEVEL_WARN, area, __VA_ARGS__)
#define LOG_INFO(sink, area, ...)  log_write(sink, LOG_LEVEL_INFO, area, __VA_ARGS__)
#define LOG_DEBUG(sink, area, ...) log_write(sink, LOG_LEVEL_DEBUG, area, __VA_ARGS__)

/* "error", "warn", ... ; NULL for a value outside. */
const char *log_level_name(enum log_level level);

/* False: no level has this name. */
bool log_level_parse(const char *name, enum log_level *level);
