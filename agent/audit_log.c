/* audit_log.c - two buffers change places: the loop fills one while the thread writes the other. */
#include "agent/audit_log.h"

#include "agent/audit_file.h"
#include "agent/base/thread.h"
#include "agent/base/wakeup.h"
#include "core/base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

enum {
    RETRY_MS = 1000,
    TIME_MAX = 64,
    KEPT_BYTES = 256 * 1024, /* of a buffer that has been written */
};

struct audit_log {
    struct audit_log_parts parts;
    char *path;
    struct wakeup wakeup;
    pthread_t thread;

    /* The loop's. */
    bool is_pressed; /* as the loop was told last */
    bool is_losing;  /* lines are being lost, which was said */

    /* The thread's. */
    struct audit_file file;
    bool is_failing; /* it could not be written, which was said */
    size_t lost;     /* lines that it could not write before the end */

    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t wanted;
    struct buffer queue;
    size_t writing; /* bytes that the thread has taken out of it and not written */
    bool wants_reopen, is_stopping;
};

/* -- the thread --------------------------------------------------------------------------------------------------- */

static void reopen(struct audit_log *a)
{
    if (audit_file_reopen(&a->file) != ST_OK)
        LOG_WARN(a->parts.log, "audit", "%s cannot be opened anew: %s; the old one is kept", a->path, strerror(errno));
}

/* Waits for a second, or for something else to try. False: there is no time left. */
static bool may_try_again(struct audit_log *a)
{
    pthread_mutex_lock(&a->lock);
    if (!a->is_stopping && !a->wants_reopen)
        thread_wait_ms(&a->wanted, &a->lock, RETRY_MS);
    bool is_stopping = a->is_stopping, wants_reopen = a->wants_reopen;
    a->wants_reopen = false;
    pthread_mutex_unlock(&a->lock);
    if (wants_reopen)
        reopen(a);
    return !is_stopping || wants_reopen;
}

/* The beginning of the line that `at` is in: another file gets all of it. */
static size_t line_start(struct bytes lines, size_t at)
{
    while (at > 0 && lines.data[at - 1] != '\n')
        at--;
    return at;
}

static size_t count_lines(struct bytes lines)
{
    size_t count = 0;
    for (size_t i = 0; i < lines.len; i++)
        count += lines.data[i] == '\n';
    return count;
}

/* Said once, and then what came of it. */
static void note_failure(struct audit_log *a, bool fails)
{
    if (fails && !a->is_failing)
        LOG_ERROR(a->parts.log, "audit", "%s cannot be written: %s; lines wait", a->path, strerror(errno));
    if (!fails && a->is_failing)
        LOG_INFO(a->parts.log, "audit", "%s is written again", a->path);
    a->is_failing = fails;
}

/* Tries until it is done, or the agent ends. */
static void write_all(struct audit_log *a, struct bytes lines)
{
    size_t done = 0;
    while (audit_file_append(&a->file, lines, &done) != ST_OK) {
        int fd = a->file.fd;
        note_failure(a, true);
        if (!may_try_again(a)) {
            a->lost += count_lines(bytes_from(lines, line_start(lines, done)));
            return;
        }
        if (a->file.fd != fd)
            done = line_start(lines, done);
    }
    note_failure(a, false);
}

static void give_back(struct buffer *b)
{
    b->len = 0;
    if (b->cap > KEPT_BYTES)
        buffer_free(b);
}

static bool has_room(const struct audit_log *a)
{
    return a->queue.len + a->writing <= a->parts.bytes_max / 2;
}

/* With the lock held, which is let go meanwhile. */
static void write_queue(struct audit_log *a, struct buffer *batch)
{
    struct buffer empty = *batch;
    *batch = a->queue;
    a->queue = empty;
    a->writing = batch->len;
    pthread_mutex_unlock(&a->lock);
    write_all(a, buffer_bytes(batch));
    give_back(batch);
    pthread_mutex_lock(&a->lock);
    a->writing = 0;
    if (has_room(a))
        wakeup_call(&a->wakeup);
}

static void *run(void *context)
{
    struct audit_log *a = context;
    struct buffer batch = {0};
    pthread_mutex_lock(&a->lock);
    while (!a->is_stopping || a->queue.len > 0) {
        if (a->wants_reopen) {
            a->wants_reopen = false;
            pthread_mutex_unlock(&a->lock);
            reopen(a);
            pthread_mutex_lock(&a->lock);
        } else if (a->queue.len > 0) {
            write_queue(a, &batch);
        } else {
            (void)pthread_cond_wait(&a->wanted, &a->lock);
        }
    }
    pthread_mutex_unlock(&a->lock);
    buffer_free(&batch);
    return NULL;
}

/* -- the loop ----------------------------------------------------------------------------------------------------- */

static void on_woken(void *context)
{
    struct audit_log *a = context;
    pthread_mutex_lock(&a->lock);
    bool is_full = a->queue.len + a->writing >= a->parts.bytes_max || (a->is_pressed && !has_room(a));
    pthread_mutex_unlock(&a->lock);
    if (is_full == a->is_pressed)
        return;
    a->is_pressed = is_full;
    a->is_losing = a->is_losing && is_full;
    a->parts.pressed(a->parts.context, is_full);
}

/* As log4j's %d{ISO8601} %p %c{2} has it, but for the level, which is the line's. */
struct prefix {
    char time[TIME_MAX];
    size_t time_len;
};

static void look_at_clock(struct prefix *p)
{
    struct timespec now;
    struct tm local;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)localtime_r(&now.tv_sec, &local);
    p->time_len = strftime(p->time, TIME_MAX, "%Y-%m-%d %H:%M:%S", &local);
    p->time_len += (size_t)snprintf(p->time + p->time_len, TIME_MAX - p->time_len, ",%03ld", now.tv_nsec / 1000000);
}

/* Apache's server logs what was refused as an error. */
static struct bytes level_of(struct bytes line)
{
    static const char failure[] = "\tresult=failure\n";
    size_t len = sizeof failure - 1;
    bool is_failure = line.len > len && memcmp(line.data + line.len - len, failure, len) == 0;
    return is_failure ? BYTES(" ERROR audit.Log4jAuditLogger: ") : BYTES(" INFO audit.Log4jAuditLogger: ");
}

/* Each line whole, or none of it. False: there is no more room. */
static bool queue_line(struct audit_log *a, const struct prefix *prefix, struct bytes line)
{
    struct bytes level = level_of(line);
    size_t len = prefix->time_len + level.len + line.len;
    if (a->queue.len + a->writing + len > 2 * a->parts.bytes_max || buffer_reserve(&a->queue, len) != ST_OK)
        return false;
    (void)buffer_append(&a->queue, prefix->time, prefix->time_len);
    (void)buffer_append(&a->queue, level.data, level.len);
    (void)buffer_append(&a->queue, line.data, line.len);
    return true;
}

static void note_lost(struct audit_log *a, size_t lost)
{
    metrics_add(a->parts.metrics, COUNTER_audit_lines_lost, lost);
    if (lost > 0 && !a->is_losing)
        LOG_ERROR(a->parts.log, "audit", "there is no more room for lines that wait for %s: lines are lost", a->path);
    a->is_losing |= lost > 0;
}

void audit_log_write(struct audit_log *a, struct bytes lines)
{
    struct prefix prefix;
    size_t count = 0, lost = 0;
    look_at_clock(&prefix);
    pthread_mutex_lock(&a->lock);
    while (lines.len > 0) {
        const uint8_t *end = memchr(lines.data, '\n', lines.len);
        size_t len = end == NULL ? lines.len : (size_t)(end - lines.data) + 1;
        lost += !queue_line(a, &prefix, bytes_make(lines.data, len));
        lines = bytes_from(lines, len);
        count++;
    }
    bool is_full = a->queue.len + a->writing >= a->parts.bytes_max;
    pthread_cond_signal(&a->wanted);
    pthread_mutex_unlock(&a->lock);
    metrics_add(a->parts.metrics, COUNTER_audit_lines, count - lost);
    note_lost(a, lost);
    if (is_full && !a->is_pressed)
        wakeup_call(&a->wakeup);
}

void audit_log_reopen(struct audit_log *a)
{
    pthread_mutex_lock(&a->lock);
    a->wants_reopen = true;
    pthread_cond_signal(&a->wanted);
    pthread_mutex_unlock(&a->lock);
}

/* -- opened and closed -------------------------------------------------------------------------------------------- */

static void free_parts(struct audit_log *a)
{
    audit_file_close(&a->file);
    buffer_free(&a->queue);
    mem_free(a->path);
    mem_free(a);
}

static void on_closed(void *context)
{
    struct audit_log *a = context;
    thread_sync_destroy(&a->lock, &a->wanted);
    free_parts(a);
}

/* False: it has been freed, or will be when the loop turns. */
static bool start(struct audit_log *a)
{
    bool has_lock = thread_sync_init(&a->lock, &a->wanted);
    if (has_lock && wakeup_open(&a->wakeup, a->parts.loop, on_woken, a) == ST_OK) {
        if (thread_start(&a->thread, "audit", run, a))
            return true;
        wakeup_close(&a->wakeup, on_closed);
        return false;
    }
    if (has_lock)
        thread_sync_destroy(&a->lock, &a->wanted);
    free_parts(a);
    return false;
}

enum status audit_log_open(struct audit_log **out, const struct audit_log_parts *parts, struct buffer *message)
{
    struct audit_log *a = mem_calloc(1, sizeof *a);
    if (a == NULL)
        return ST_NO_MEMORY;
    a->parts = *parts;
    a->file.fd = -1;
    a->path = mem_strdup(parts->file);
    if (a->path == NULL) {
        free_parts(a);
        return ST_NO_MEMORY;
    }
    if (audit_file_open(&a->file, a->path) != ST_OK) {
        (void)buffer_printf(message, "zooid.auditFile %s: %s", a->path, strerror(errno));
        free_parts(a);
        return ST_IO_ERROR;
    }
    if (!start(a)) {
        (void)buffer_printf(message, "the audit log has no thread or no descriptor");
        return ST_IO_ERROR;
    }
    *out = a;
    return ST_OK;
}

void audit_log_close(struct audit_log *a)
{
    if (a == NULL)
        return;
    pthread_mutex_lock(&a->lock);
    a->is_stopping = true;
    pthread_cond_signal(&a->wanted);
    pthread_mutex_unlock(&a->lock);
    (void)pthread_join(a->thread, NULL);
    if (a->lost > 0)
        LOG_ERROR(a->parts.log, "audit", "%zu lines of the audit log are lost", a->lost);
    wakeup_close(&a->wakeup, on_closed);
}
