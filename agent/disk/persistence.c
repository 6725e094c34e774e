/* persistence.c - the composition of data directory, log thread and checkpoints, and their news brought to the loop. */
#include "agent/base/thread.h"
#include "agent/disk/apache_sessions.h"
#include "agent/disk/disk_posix.h"
#include "agent/disk/loading.h"
#include "agent/disk/persistence_internal.h"
#include "agent/disk/purge.h"
#include "core/base/mem.h"

#include <inttypes.h>

enum { LOG_STEP_FIRST = 1 << 20, TURN_MS = 1000, HANDLES = 2 };

/* -- news --------------------------------------------------------------------------------------------------------- */

/* On the log thread or that of the checkpoints. */
static void wake(void *context)
{
    struct persistence *p = context;
    wakeup_call(&p->news);
}

static void take_syncs(struct persistence *p)
{
    const struct log_progress *progress = &p->progress;
    for (uint32_t i = 0; i < progress->sync_count; i++) {
        int64_t ms = progress->syncs[i].sync_us / 1000;
        metrics_observe(p->metrics, SUMMARY_fsynctime, ms);
        if (progress->syncs[i].txns > 0)
            metrics_observe(p->metrics, SUMMARY_sync_processor_batch_size, progress->syncs[i].txns);
        if (ms <= p->settings->fsync_warning_ms)
            continue;
        p->slow_syncs++;
        LOG_WARN(p->log, "storage", "syncing the transaction log took %" PRId64 " ms: writes wait for the disk", ms);
    }
}

static void take_state(struct persistence *p, enum log_state state, const char *failure)
{
    if (state == p->log_state)
        return;
    p->log_state = state;
    switch (state) {
    case LOG_RUNNING: p->events.log_room(p->events.context); break;
    case LOG_FULL:
        LOG_WARN(p->log, "storage", "the transaction log cannot go on: %s", failure);
        checkpoints_make_room(p->checkpoints);
        p->events.log_full(p->events.context);
        break;
    case LOG_FAILED:
        checkpoints_log_failed(p->checkpoints);
        p->events.log_failed(p->events.context, failure);
        break;
    }
}

static void tell_mark(struct persistence *p, const char *why)
{
    if (p->mark_told)
        return;
    p->mark_told = true;
    LOG_WARN(p->log, "storage",
             "%s/" LOG_END_NAME ": cannot be written: %s; until the next start it is not noted how far the log goes",
             p->dir.own, why);
}

void persistence_take_log_news(struct persistence *p)
{
    log_thread_collect(p->log_thread, &p->progress);
    p->queue_bytes = p->progress.queue_bytes;
    take_syncs(p);
    if (p->progress.mark_failure[0] != '\0')
        tell_mark(p, p->progress.mark_failure);
    persistence_jobs_done(p, p->progress.done);
    p->progress.done = NULL;
    if (p->progress.synced_zxid > p->logged_zxid) {
        p->logged_zxid = p->progress.synced_zxid;
        p->events.logged(p->events.context, p->logged_zxid);
    }
    take_state(p, p->progress.state, p->progress.failure);
}

static void on_news(void *context)
{
    struct persistence *p = context;
    persistence_take_log_news(p);
    checkpoints_collect(p->checkpoints);
}

/* Those that are not looked up each time. */
static void follow_settings(struct persistence *p)
{
    int64_t limit_kib = p->settings->txn_log_size_limit_kib;
    log_thread_set_file_size_max(p->log_thread, limit_kib > 0 ? (uint64_t)limit_kib * 1024 : 0);
}

/* Turns the loop, so that what becomes due with time is seen while nobody sends anything. */
static void on_timer(uv_timer_t *handle)
{
    follow_settings(handle->data);
}

/* -- service ------------------------------------------------------------------------------------------------------ */

enum status persistence_append(struct persistence *p, struct buffer *records, int64_t first_zxid, int64_t last_zxid,
                               uint32_t count)
{
    size_t bytes = records->len;
    p->handed_zxid = last_zxid;
    p->handed_bytes += bytes;
    if (persistence_keeps_records(p))
        return persistence_keep_records(p, records, first_zxid, last_zxid, count);
    bool here = persistence_may_write_here(p, count);
    enum status st = (here ? log_thread_append_uncalled : log_thread_append)(p->log_thread, records, first_zxid,
                                                                             last_zxid, count);
    if (st == ST_OK) {
        p->here.due = here;
        p->queue_bytes += bytes;
        checkpoints_count(p->checkpoints, last_zxid, count, bytes);
    }
    return st;
}

uint64_t persistence_handed_bytes(const struct persistence *p)
{
    return p->handed_bytes;
}

bool persistence_turn(struct persistence *p, struct tree *tree, const struct sessions *sessions, int64_t last_zxid)
{
    persistence_here_turned(p);
    /* A leader's position at the beginning of its epoch is the zxid of no record: nothing of it is left to be synced.
     */
    bool all_synced = p->logged_zxid >= p->handed_zxid;
    return checkpoints_turn(p->checkpoints, tree, sessions, last_zxid, all_synced ? INT64_MAX : p->logged_zxid);
}

void persistence_checkpoint(struct persistence *p, void (*done)(void *context, bool ok), void *context)
{
    checkpoints_ask(p->checkpoints, done, context);
    wakeup_call(&p->news); /* a turn of the loop sees to it */
}

void persistence_status(const struct persistence *p, struct persistence_status *status)
{
    struct checkpoints_status checkpoints;
    checkpoints_status(p->checkpoints, &checkpoints);
    *status = (struct persistence_status){.checkpoint_zxid = checkpoints.checkpoint_zxid,
                                          .snapshot_zxid = checkpoints.snapshot_zxid,
                                          .logged_zxid = p->logged_zxid,
                                          .data_dir_size = checkpoints.data_dir_size,
                                          .log_dir_size = checkpoints.log_dir_size,
                                          .log_queue_bytes = p->queue_bytes,
                                          .slow_syncs = p->slow_syncs,
                                          .checkpoint_running = checkpoints.running};
}

/* -- opening and closing ------------------------------------------------------------------------------------------ */

static void free_when_closed(void *context)
{
    struct persistence *p = context;
    if (--p->open_handles == 0)
        mem_free(p);
}

static void on_timer_closed(uv_handle_t *handle)
{
    free_when_closed(handle->data);
}

void persistence_close(struct persistence *p)
{
    if (p == NULL)
        return;
    log_thread_stop(p->log_thread);
    checkpoints_stop(p->checkpoints);
    log_reader_close(p->log_reader);
    persistence_member_free(p);
    data_dir_close(&p->dir);
    if (p->open_handles == 0) {
        mem_free(p);
        return;
    }
    wakeup_close(&p->news, free_when_closed);
    uv_close((uv_handle_t *)&p->timer, on_timer_closed);
}

static enum status open_handles(struct persistence *p, uv_loop_t *loop)
{
    enum status st = wakeup_open(&p->news, loop, on_news, p);
    if (st != ST_OK)
        return st;
    (void)uv_timer_init(loop, &p->timer); /* only fills in the struct */
    p->timer.data = p;
    p->open_handles = HANDLES;
    (void)uv_timer_start(&p->timer, on_timer, TURN_MS, TURN_MS);
    uv_unref((uv_handle_t *)&p->timer);
    return ST_OK;
}

/* NULL: it cannot be kept, as on a full disk, which is no reason not to start. */
static enum status open_mark(struct persistence *p, int64_t last_zxid, struct log_end **mark)
{
    disk_posix_error_clear();
    enum status st = log_end_open(mark, disk_posix(), p->dir.own, last_zxid);
    if (st == ST_OK || st == ST_NO_MEMORY)
        return st;
    tell_mark(p, disk_posix_error()[0] != '\0' ? disk_posix_error() : status_text(st));
    return ST_OK;
}

static enum status start_log_thread(struct persistence *p, int64_t last_zxid)
{
    uint64_t step_max = (uint64_t)p->settings->pre_alloc_size_kib * 1024;
    const struct txnlog_options options = {.io = disk_posix(),
                                           .dir = p->dir.logs,
                                           .step_first = step_max < LOG_STEP_FIRST ? step_max : LOG_STEP_FIRST,
                                           .step_max = step_max,
                                           .whole_from = p->whole_from};
    struct log_thread_options thread = {
        .log = txnlog_new(&options), .next_zxid = last_zxid + 1, .wake = wake, .context = p};
    enum status st = thread.log == NULL ? ST_NO_MEMORY : open_mark(p, last_zxid, &thread.mark);
    if (st == ST_OK)
        st = log_thread_start(&p->log_thread, &thread);
    if (st == ST_OK) {
        follow_settings(p);
        return ST_OK;
    }
    log_end_close(thread.mark);
    txnlog_free(thread.log);
    return st;
}

static enum status open_log(struct persistence *p, uv_loop_t *loop, const struct recovery *r)
{
    enum status st = load_whole_from(&p->dir, r, &p->whole_from);
    if (st != ST_OK)
        return st;
    p->log_reader = log_reader_new(loop, p->dir.logs, p->events.log_piece, p->events.context);
    return p->log_reader == NULL ? ST_NO_MEMORY : start_log_thread(p, r->last_zxid);
}

/* False: there is none, or no memory. */
static bool snapshot_path(const struct persistence *p, int64_t zxid, struct buffer *path)
{
    return zxid >= 0 && store_file_path(path, p->dir.snapshots, STORE_SNAPSHOT, zxid) == ST_OK;
}

static int64_t snapshot_age_ms(const struct persistence *p, int64_t zxid)
{
    struct buffer path = {0};
    int64_t age_ms = 0;
    if (snapshot_path(p, zxid, &path))
        age_ms = file_age_ms((const char *)path.data);
    buffer_free(&path);
    return age_ms;
}

int64_t persistence_snapshot_time(const struct persistence *p)
{
    struct checkpoints_status checkpoints;
    checkpoints_status(p->checkpoints, &checkpoints);
    struct buffer path = {0};
    struct stat found = {.st_mtime = -1};
    if (snapshot_path(p, checkpoints.snapshot_zxid, &path))
        (void)stat((const char *)path.data, &found);
    buffer_free(&path);
    return found.st_mtime;
}

struct checkpoints_options persistence_checkpoints_options(const struct persistence *p, const struct recovery *r)
{
    bool from_checkpoint = r->base == RECOVERY_CHECKPOINT;
    return (struct checkpoints_options){.checkpoint_zxid = from_checkpoint ? r->checkpoint_zxid : -1,
                                        .snapshot_zxid = r->snapshot_zxid,
                                        .snapshot_age_ms = snapshot_age_ms(p, r->snapshot_zxid),
                                        .txns = r->txns,
                                        .txn_bytes = r->txn_bytes,
                                        .full = !r->base_exact,
                                        .overdue = r->base == RECOVERY_SNAPSHOT};
}

static enum status start_checkpoints(struct persistence *p, const struct recovery *r)
{
    struct checkpoints_options options = persistence_checkpoints_options(p, r);
    options.settings = p->settings;
    options.dir = &p->dir;
    options.log_thread = p->log_thread;
    options.metrics = p->metrics;
    options.log = p->log;
    options.wake = wake;
    options.context = p;
    enum status st = checkpoints_start(&p->checkpoints, &options);
    p->member.disk.checkpoints = p->checkpoints;
    return st;
}

/* Moments of a start, by thread_clock_us. */
struct load_times {
    uint64_t began, base, replay, end; /* the base is looked for; the log is replayed over it; the tree is there */
};

static int64_t ms_between(uint64_t from_us, uint64_t to_us)
{
    return (int64_t)((to_us - from_us) / 1000);
}

static void hand_over(const struct persistence *p, struct recovery *r, const struct load_times *times,
                      struct recovered *recovered)
{
    static const char *const bases[] = {
        [RECOVERY_NOTHING] = "nothing", [RECOVERY_CHECKPOINT] = "the checkpoint", [RECOVERY_SNAPSHOT] = "a snapshot"};
    int64_t took_ms = ms_between(times->began, thread_clock_us());
    metrics_observe(p->metrics, SUMMARY_dbinittime, took_ms);
    metrics_observe(p->metrics, SUMMARY_startup_snap_load_time, ms_between(times->base, times->replay));
    metrics_observe(p->metrics, SUMMARY_startup_txns_load_time, ms_between(times->replay, times->end));
    metrics_observe(p->metrics, SUMMARY_startup_txns_loaded, (int64_t)r->txns);
    LOG_INFO(p->log, "storage",
             "%" PRIu64 " znodes at zxid 0x%" PRIx64 " loaded in %" PRId64 " ms, from %s at zxid 0x%" PRIx64
             " and %" PRIu64 " txns of log",
             tree_count(r->tree), (uint64_t)r->last_zxid, took_ms, bases[r->base], (uint64_t)r->base_zxid, r->txns);
    recovered->tree = r->tree;
    recovered->sessions = r->sessions;
    recovered->last_zxid = r->last_zxid;
    r->tree = NULL;
    r->sessions = NULL;
}

/* Everything that can be told to be wrong is found here. */
static enum status open_data(struct persistence *p, struct recovered *recovered, struct buffer *message)
{
    bool exposed;
    enum status st = data_dir_paths(&p->dir, p->settings->data_dir, p->settings->data_log_dir);
    if (st == ST_OK)
        st = data_dir_open(&p->dir, p->settings->datadir_autocreate, message);
    if (st == ST_OK)
        st = data_dir_session_key(&p->dir, recovered->password_key, &exposed, message);
    if (st == ST_OK && exposed)
        LOG_WARN(p->log, "storage",
                 "%s/session_key can be read by others than its owner: whoever knows it can take over "
                 "sessions",
                 p->dir.own);
    return st;
}

static enum status open_all(struct persistence *p, const struct hash_key *hash_key, uv_loop_t *loop,
                            struct recovered *recovered, struct buffer *message)
{
    struct recovery r = {0};
    struct load_times times = {.began = thread_clock_us()};
    enum status st = open_data(p, recovered, message);
    times.base = times.replay = thread_clock_us();
    if (st == ST_OK)
        st = load_data(&p->dir, p->settings, hash_key, p->log, recovered->history, &r, &times.replay, message);
    times.end = thread_clock_us();
    if (st == ST_OK)
        st = apache_sessions_mark(&p->dir, r.sessions, message);
    if (st == ST_OK)
        st = data_dir_settle(&p->dir, message);
    if (st == ST_OK)
        st = open_handles(p, loop);
    if (st == ST_OK)
        st = open_log(p, loop, &r);
    if (st == ST_OK)
        st = start_checkpoints(p, &r);
    if (st == ST_OK) {
        p->logged_zxid = r.last_zxid;
        p->is_empty = r.base == RECOVERY_NOTHING && r.last_zxid == 0;
        hand_over(p, &r, &times, recovered);
    }
    recovery_free(&r);
    return st;
}

enum status persistence_open(struct persistence **out, const struct settings *settings, const struct hash_key *hash_key,
                             uv_loop_t *loop, const struct persistence_events *events, struct metrics *metrics,
                             const struct log_sink *log, struct recovered *recovered, struct buffer *message)
{
    struct persistence *p = mem_calloc(1, sizeof *p);
    if (p == NULL)
        return ST_NO_MEMORY;
    p->settings = settings;
    p->events = *events;
    p->metrics = metrics;
    p->log = log;
    p->member.disk.loading = loading_of(&p->dir, settings, hash_key, log);
    enum status st = open_all(p, hash_key, loop, recovered, message);
    if (st != ST_OK) {
        if (message->len == 0)
            (void)buffer_printf(message, "%s: %s", settings->data_dir, status_text(st));
        persistence_close(p);
        return st;
    }
    *out = p;
    return ST_OK;
}
