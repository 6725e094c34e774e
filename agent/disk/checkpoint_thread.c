/* checkpoint_thread.c - the queue of commands, and the thread that carries them out. */
#include "agent/disk/checkpoint_thread.h"

#include "agent/base/thread.h"
#include "agent/disk/disk_job.h"
#include "agent/disk/purge.h"
#include "core/base/mem.h"

#include <stdio.h>

enum {
    MEASURE_MS = 5000,
    QUEUE_SHARE = 16, /* of a job's memory: what waits leaves holes in the heap, and the thread needs no more */
    SPARE_BUFFERS_MAX = 4,
};

enum command_kind { COMMAND_BEGIN, COMMAND_CHUNK, COMMAND_END, COMMAND_PURGE };

struct command {
    struct command *next;
    enum command_kind kind;
    struct disk_job job;
    struct buffer chunk;
    const struct checkpoint_end *end;
    struct retention_settings keep;
    int64_t checkpoint_zxid;
};

struct checkpoint_thread {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    struct checkpoint_thread_options options;

    /* Under the lock. */
    struct command *first, *last;
    size_t queue_bytes, queue_bytes_max;
    bool room_wanted; /* the loop waits for the wake-up */
    bool cancelled;   /* the thread has not yet given the job up */
    bool stop;
    bool busy; /* a command is being carried out, or a job is open */
    pthread_cond_t quiet;
    struct buffer spare[SPARE_BUFFERS_MAX];
    size_t spare_count;
    struct disk_result result;

    /* The thread's own. */
    struct disk_job_run *run; /* NULL: no job, or one that has failed */
    struct disk_job job;
    uint64_t began_us, measured_us;
};

/* -- the loop's side ---------------------------------------------------------------------------------------------- */

static struct command *command_new(enum command_kind kind)
{
    struct command *c = mem_calloc(1, sizeof *c);
    if (c != NULL)
        c->kind = kind;
    return c;
}

/* Takes the command, NULL included. */
static enum status push(struct checkpoint_thread *t, struct command *c)
{
    if (c == NULL)
        return ST_NO_MEMORY;
    (void)pthread_mutex_lock(&t->lock);
    if (t->first == NULL)
        t->first = c;
    else
        t->last->next = c;
    t->last = c;
    t->queue_bytes += c->chunk.cap;
    (void)pthread_mutex_unlock(&t->lock);
    (void)pthread_cond_signal(&t->wanted);
    return ST_OK;
}

enum status checkpoint_thread_begin(struct checkpoint_thread *t, const struct disk_job *job)
{
    struct command *c = command_new(COMMAND_BEGIN);
    if (c != NULL)
        c->job = *job;
    return push(t, c);
}

bool checkpoint_thread_has_room(struct checkpoint_thread *t)
{
    (void)pthread_mutex_lock(&t->lock);
    bool room = t->queue_bytes < t->queue_bytes_max;
    t->room_wanted = !room;
    (void)pthread_mutex_unlock(&t->lock);
    return room;
}

static struct buffer take_spare(struct checkpoint_thread *t)
{
    struct buffer spare = {0};
    (void)pthread_mutex_lock(&t->lock);
    if (t->spare_count > 0)
        spare = t->spare[--t->spare_count];
    (void)pthread_mutex_unlock(&t->lock);
    return spare;
}

enum status checkpoint_thread_put(struct checkpoint_thread *t, struct buffer *chunk)
{
    struct command *c = command_new(COMMAND_CHUNK);
    if (c == NULL)
        return ST_NO_MEMORY;
    c->chunk = *chunk;
    *chunk = take_spare(t);
    return push(t, c);
}

enum status checkpoint_thread_end(struct checkpoint_thread *t, const struct checkpoint_end *end)
{
    struct command *c = command_new(COMMAND_END);
    if (c != NULL)
        c->end = end;
    return push(t, c);
}

/* A queued purge goes too: the next one does its work. */
void checkpoint_thread_cancel(struct checkpoint_thread *t)
{
    (void)pthread_mutex_lock(&t->lock);
    struct command *queued = t->first;
    t->first = NULL;
    t->last = NULL;
    while (queued != NULL) {
        struct command *c = queued;
        queued = c->next;
        t->queue_bytes -= c->chunk.cap;
        buffer_free(&c->chunk);
        mem_free(c);
    }
    t->cancelled = true;
    t->result.finished = false;
    (void)pthread_mutex_unlock(&t->lock);
    (void)pthread_cond_signal(&t->wanted);
}

void checkpoint_thread_wait(struct checkpoint_thread *t)
{
    (void)pthread_mutex_lock(&t->lock);
    while (t->busy || t->cancelled || t->first != NULL)
        (void)pthread_cond_wait(&t->quiet, &t->lock);
    (void)pthread_mutex_unlock(&t->lock);
}

enum status checkpoint_thread_purge(struct checkpoint_thread *t, const struct retention_settings *keep,
                                    int64_t checkpoint_zxid)
{
    struct command *c = command_new(COMMAND_PURGE);
    if (c != NULL) {
        c->keep = *keep;
        c->checkpoint_zxid = checkpoint_zxid;
    }
    return push(t, c);
}

void checkpoint_thread_collect(struct checkpoint_thread *t, struct disk_result *result)
{
    (void)pthread_mutex_lock(&t->lock);
    *result = t->result;
    t->result.finished = false;
    t->result.removed_logs = 0;
    t->result.removed_snapshots = 0;
    (void)pthread_mutex_unlock(&t->lock);
}

/* -- the thread's side -------------------------------------------------------------------------------------------- */

static void report(struct checkpoint_thread *t, enum status st, const char *text)
{
    (void)pthread_mutex_lock(&t->lock);
    struct disk_result *result = &t->result;
    result->finished = !t->cancelled;
    result->kind = t->job.kind;
    result->zxid = t->job.zxid;
    result->status = st;
    result->took_ms = (thread_clock_us() - t->began_us) / 1000;
    (void)snprintf(result->text, sizeof result->text, "%s", text);
    (void)pthread_mutex_unlock(&t->lock);
    t->options.wake(t->options.context);
}

static void close_job(struct checkpoint_thread *t)
{
    disk_job_free(t->run);
    t->run = NULL;
}

/* Ends the job when it has failed; what still comes of it is passed over. */
static void check(struct checkpoint_thread *t, enum status st)
{
    if (st == ST_OK)
        return;
    report(t, st, disk_job_error(t->run));
    close_job(t);
}

static void carry_out_begin(struct checkpoint_thread *t, struct command *c)
{
    t->job = c->job;
    t->began_us = thread_clock_us();
    check(t, disk_job_begin(&t->run, &t->options, &t->job));
}

static void carry_out_chunk(struct checkpoint_thread *t, struct command *c)
{
    if (t->run != NULL)
        check(t, disk_job_put(t->run, buffer_bytes(&c->chunk)));
}

/* The result comes when everything is closed: whoever waits for it may end the process. */
static void carry_out_end(struct checkpoint_thread *t, struct command *c)
{
    if (t->run == NULL)
        return;
    enum status st = disk_job_end(t->run, c->end);
    check(t, st);
    if (st != ST_OK)
        return;
    close_job(t);
    report(t, ST_OK, "");
}

static void measure(struct checkpoint_thread *t)
{
    const struct data_dir *dir = t->options.dir;
    uint64_t logs = directory_size(dir->logs);
    uint64_t data = directory_size(dir->own) + (dir->separate_log ? directory_size(dir->snapshots) : logs);
    t->measured_us = thread_clock_us();
    (void)pthread_mutex_lock(&t->lock);
    t->result.data_dir_size = data;
    t->result.log_dir_size = logs;
    (void)pthread_mutex_unlock(&t->lock);
}

static void carry_out_purge(struct checkpoint_thread *t, struct command *c)
{
    struct purge_result removed;
    /* What could not be removed is tried again by the next purge. */
    (void)purge(t->options.dir, &c->keep, c->checkpoint_zxid, t->run == NULL, &removed);
    (void)pthread_mutex_lock(&t->lock);
    t->result.removed_logs += removed.logs;
    t->result.removed_snapshots += removed.snapshots;
    (void)pthread_mutex_unlock(&t->lock);
    measure(t);
    t->options.wake(t->options.context);
}

static void (*const carry_out[])(struct checkpoint_thread *t, struct command *c) = {
    [COMMAND_BEGIN] = carry_out_begin,
    [COMMAND_CHUNK] = carry_out_chunk,
    [COMMAND_END] = carry_out_end,
    [COMMAND_PURGE] = carry_out_purge,
};

/* Keeps the memory of a chunk for the next one while a job is under way. */
static void finish_command(struct checkpoint_thread *t, struct command *c)
{
    struct buffer chunk = c->chunk;
    size_t bytes = chunk.cap;
    bool keep = t->run != NULL && bytes > 0 && bytes <= 2 * (size_t)CHECKPOINT_CHUNK_BYTES;
    (void)pthread_mutex_lock(&t->lock);
    t->queue_bytes -= bytes;
    bool wake = t->room_wanted && t->queue_bytes <= t->queue_bytes_max / 2;
    if (wake)
        t->room_wanted = false;
    if (keep && t->spare_count < SPARE_BUFFERS_MAX) {
        chunk.len = 0;
        t->spare[t->spare_count++] = chunk;
        chunk = (struct buffer){0};
    }
    (void)pthread_mutex_unlock(&t->lock);
    buffer_free(&chunk);
    mem_free(c);
    if (wake)
        t->options.wake(t->options.context);
}

static void free_spares(struct checkpoint_thread *t)
{
    while (t->spare_count > 0)
        buffer_free(&t->spare[--t->spare_count]);
}

/* Takes the next command, waiting for one; `cancelled`: what was under way is to be given up first. NULL: none yet. */
static struct command *take_command(struct checkpoint_thread *t, bool *cancelled, bool *stop)
{
    (void)pthread_mutex_lock(&t->lock);
    t->busy = t->run != NULL;
    if (t->first == NULL && t->run == NULL)
        free_spares(t);
    if (!t->busy)
        (void)pthread_cond_broadcast(&t->quiet);
    if (t->first == NULL && !t->stop && !t->cancelled)
        thread_wait_ms(&t->wanted, &t->lock, MEASURE_MS);
    struct command *c = t->first;
    if (c != NULL)
        t->first = c->next;
    t->busy = t->busy || c != NULL || t->cancelled;
    *cancelled = t->cancelled;
    t->cancelled = false;
    *stop = t->stop && c == NULL;
    (void)pthread_mutex_unlock(&t->lock);
    return c;
}

static void *checkpoint_thread_main(void *argument)
{
    struct checkpoint_thread *t = argument;
    bool stop = false;
    measure(t);
    while (!stop) {
        bool cancelled;
        struct command *c = take_command(t, &cancelled, &stop);
        if (cancelled)
            close_job(t);
        if (c != NULL) {
            carry_out[c->kind](t, c);
            finish_command(t, c);
        }
        if (thread_clock_us() - t->measured_us >= (uint64_t)MEASURE_MS * 1000)
            measure(t);
    }
    close_job(t);
    return NULL;
}

/* -- start and stop ----------------------------------------------------------------------------------------------- */

enum status checkpoint_thread_start(struct checkpoint_thread **out, const struct checkpoint_thread_options *options)
{
    struct checkpoint_thread *t = mem_calloc(1, sizeof *t);
    if (t == NULL)
        return ST_NO_MEMORY;
    t->options = *options;
    t->queue_bytes_max = options->memory / QUEUE_SHARE;
    if (!thread_sync_init(&t->lock, &t->wanted)) {
        mem_free(t);
        return ST_NO_MEMORY;
    }
    t->quiet = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    if (!thread_start(&t->thread, "checkpoint", checkpoint_thread_main, t)) {
        thread_sync_destroy(&t->lock, &t->wanted);
        mem_free(t);
        return ST_IO_ERROR;
    }
    *out = t;
    return ST_OK;
}

void checkpoint_thread_stop(struct checkpoint_thread *t)
{
    if (t == NULL)
        return;
    (void)pthread_mutex_lock(&t->lock);
    t->stop = true;
    (void)pthread_mutex_unlock(&t->lock);
    (void)pthread_cond_signal(&t->wanted);
    (void)pthread_join(t->thread, NULL);
    free_spares(t);
    (void)pthread_cond_destroy(&t->quiet);
    thread_sync_destroy(&t->lock, &t->wanted);
    mem_free(t);
}
