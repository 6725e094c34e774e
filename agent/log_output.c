/* log_output.c - one write per line, so that lines of several threads never mix. */
#include "agent/log_output.h"

#include "agent/base/journal.h"
#include "core/base/bytes.h"
#include "core/base/mem.h"

#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 8192, TIME_MAX_BYTES = 40 };

struct log_output {
    struct log_sink sink;
    enum log_format format;
    char *file;
    int fd;
    bool is_journal;      /* what fd leads to, which keeps time and priority itself */
    pthread_mutex_t lock; /* of fd, against log_output_reopen, and of what follows */
    atomic_ullong lost;
    _Atomic enum log_level level; /* of what is written; the sink's is that of whoever wants more */

    struct log_tap tap;
    int tap_level; /* -1: nobody follows */
    struct log_taken kept;
    void (*woken)(void *context);
    void *woken_context;
};

static void format_time(char text[TIME_MAX_BYTES])
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t len = strftime(text, TIME_MAX_BYTES, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + len, TIME_MAX_BYTES - len, ".%03ldZ", now.tv_nsec / 1000000);
}

/* Returns the length, or 0 when the line does not fit or memory ran out. */
static size_t format_json(char line[LINE_MAX_BYTES], const char *level, const char *area, const char *text)
{
    char time[TIME_MAX_BYTES];
    format_time(time);
    json_t *object = json_object();
    json_object_set_new(object, "time", json_string(time));
    json_object_set_new(object, "level", json_string(level));
    json_object_set_new(object, "area", json_string(area));
    json_object_set_new(object, "text", json_stringn_nocheck(text, strlen(text)));
    size_t len = json_dumpb(object, line, LINE_MAX_BYTES - 1, JSON_COMPACT);
    json_decref(object);
    if (len == 0 || len >= LINE_MAX_BYTES - 1)
        return 0;
    line[len] = '\n';
    return len + 1;
}

/* Control characters would let whoever names a node write lines of his own into the log. */
static void make_printable(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

/* `len` is what snprintf said of the line, which gets its end. */
static size_t finish_text(char line[LINE_MAX_BYTES], int len)
{
    if (len < 0 || len >= LINE_MAX_BYTES - 1)
        return 0;
    make_printable(line);
    line[len] = '\n';
    return (size_t)len + 1;
}

static size_t format_text(char line[LINE_MAX_BYTES], const char *level, const char *area, const char *text)
{
    char time[TIME_MAX_BYTES];
    format_time(time);
    return finish_text(line, snprintf(line, LINE_MAX_BYTES - 1, "%s %-5s %s: %s", time, level, area, text));
}

static size_t format_journal(char line[LINE_MAX_BYTES], enum log_level level, const char *area, const char *text)
{
    static const int priorities[LOG_LEVEL_COUNT] = {
        [LOG_LEVEL_ERROR] = LOG_ERR,   [LOG_LEVEL_WARN] = LOG_WARNING, [LOG_LEVEL_INFO] = LOG_INFO,
        [LOG_LEVEL_DEBUG] = LOG_DEBUG, [LOG_LEVEL_TRACE] = LOG_DEBUG,
    };
    return finish_text(line, snprintf(line, LINE_MAX_BYTES - 1, "<%d>%s: %s", priorities[level], area, text));
}

static size_t format_line(const struct log_output *o, char line[LINE_MAX_BYTES], enum log_level level, const char *area,
                          const char *text)
{
    if (o->format == LOG_FORMAT_JSON)
        return format_json(line, log_level_name(level), area, text);
    return o->is_journal ? format_journal(line, level, area, text)
                         : format_text(line, log_level_name(level), area, text);
}

/* For those who follow, unless there is no room for it. */
static void keep_line(struct log_output *o, enum log_level level, const char *area, const char *text)
{
    char line[LINE_MAX_BYTES];
    pthread_mutex_lock(&o->lock);
    if ((int)level <= o->tap_level) {
        size_t len = format_text(line, log_level_name(level), area, text);
        const uint8_t head[] = {(uint8_t)level, (uint8_t)((len - 1) >> 8), (uint8_t)(len - 1)};
        bool has_room = len > 0 && buffer_reserve(&o->kept.lines, sizeof head + len) == ST_OK;
        if (has_room) {
            (void)buffer_append(&o->kept.lines, head, sizeof head);
            (void)buffer_append(&o->kept.lines, line, len - 1);
        }
        o->kept.missed[level] += !has_room;
        o->woken(o->woken_context);
    }
    pthread_mutex_unlock(&o->lock);
}

static void write_line(void *context, enum log_level level, const char *area, const char *text)
{
    struct log_output *o = context;
    char line[LINE_MAX_BYTES];
    if (level <= o->level) {
        size_t len = format_line(o, line, level, area, text);
        pthread_mutex_lock(&o->lock);
        bool is_written = len > 0 && write(o->fd, line, len) == (ssize_t)len;
        pthread_mutex_unlock(&o->lock);
        if (!is_written)
            atomic_fetch_add(&o->lost, 1);
    }
    keep_line(o, level, area, text);
}

/* -- for those who follow ----------------------------------------------------------------------------------------- */

static void settle_level(struct log_output *o)
{
    bool follows_more = o->tap_level > (int)o->level;
    log_set_level(&o->sink, follows_more ? (enum log_level)o->tap_level : o->level);
}

static void follow(void *context, int level, size_t bytes_max, void (*woken)(void *context), void *woken_context)
{
    struct log_output *o = context;
    pthread_mutex_lock(&o->lock);
    o->tap_level = level;
    o->kept.lines.max = bytes_max;
    o->woken = woken;
    o->woken_context = woken_context;
    settle_level(o);
    pthread_mutex_unlock(&o->lock);
}

static void take(void *context, struct log_taken *taken)
{
    struct log_output *o = context;
    pthread_mutex_lock(&o->lock);
    *taken = o->kept;
    o->kept = (struct log_taken){.lines.max = taken->lines.max};
    pthread_mutex_unlock(&o->lock);
}

void log_output_set_level(struct log_output *o, enum log_level level)
{
    pthread_mutex_lock(&o->lock);
    o->level = level;
    settle_level(o);
    pthread_mutex_unlock(&o->lock);
}

const struct log_tap *log_output_tap(const struct log_output *o)
{
    return &o->tap;
}

/* -- opened and closed -------------------------------------------------------------------------------------------- */

static int open_file(const char *file)
{
    if (file[0] == '\0')
        return dup(STDERR_FILENO);
    return open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

enum status log_output_open(struct log_output **out, const char *file, enum log_format format, enum log_level level)
{
    struct log_output *o = mem_calloc(1, sizeof *o);
    if (o == NULL)
        return ST_NO_MEMORY;
    *o = (struct log_output){.sink = {level, write_line, o},
                             .format = format,
                             .fd = -1,
                             .level = level,
                             .tap = {o, follow, take},
                             .tap_level = -1};
    pthread_mutex_init(&o->lock, NULL);
    o->file = mem_strdup(file);
    if (o->file != NULL)
        o->fd = open_file(file);
    o->is_journal = o->fd >= 0 && journal_reads(o->fd);
    if (o->file == NULL || o->fd < 0) {
        enum status st = o->file == NULL ? ST_NO_MEMORY : ST_IO_ERROR;
        log_output_close(o);
        return st;
    }
    *out = o;
    return ST_OK;
}

struct log_sink *log_output_sink(struct log_output *o)
{
    return &o->sink;
}

enum status log_output_reopen(struct log_output *o)
{
    int fd = open_file(o->file);
    if (fd < 0)
        return ST_IO_ERROR;
    pthread_mutex_lock(&o->lock);
    int old = o->fd;
    o->fd = fd;
    pthread_mutex_unlock(&o->lock);
    close(old);
    return ST_OK;
}

void log_output_close(struct log_output *o)
{
    if (o == NULL)
        return;
    if (o->fd >= 0)
        close(o->fd);
    pthread_mutex_destroy(&o->lock);
    buffer_free(&o->kept.lines);
    mem_free(o->file);
    mem_free(o);
}
