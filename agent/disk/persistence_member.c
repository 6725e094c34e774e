/* persistence_member.c - the jobs of a member of an ensemble: handed to the log thread, and told of when they are done.
 */
#include "agent/disk/persistence_internal.h"
#include "agent/settings/config_files.h"
#include "core/base/check.h"
#include "core/store/epochs.h"

enum { SPOOL_BYTES_MAX = 16 << 20 }; /* of a snapshot that comes in faster than the disk takes it */

/* -- checkpoints -------------------------------------------------------------------------------------------------- */

static void follow_holds(struct persistence *p)
{
    const struct persistence_member *m = &p->member;
    checkpoints_hold(p->checkpoints, m->held || m->spooling || m->tree_jobs > 0);
    checkpoints_hold_purges(p->checkpoints, m->tree_jobs > 0);
}

void persistence_hold_checkpoints(struct persistence *p, bool hold)
{
    p->member.held = hold;
    follow_holds(p);
}

/* -- handing over ------------------------------------------------------------------------------------------------- */

static struct member_job *new_job(struct persistence *p, enum member_job_kind kind, uint64_t ticket)
{
    CHECK(p->member.keeping == NULL); /* its records come first */
    struct member_job *job = member_job_new(&p->member.disk, kind);
    if (job != NULL)
        job->ticket = ticket;
    return job;
}

/* From here on until it is done the tree on the loop is not what the disk has. */
static enum status hand_over(struct persistence *p, struct member_job *job)
{
    if (job == NULL)
        return ST_NO_MEMORY;
    p->member.tree_jobs += member_job_replaces_tree(job);
    follow_holds(p);
    log_thread_job(p->log_thread, &job->base);
    return ST_OK;
}

enum status persistence_store_epoch(struct persistence *p, enum epoch_file file, int64_t epoch, uint64_t ticket)
{
    struct member_job *job = new_job(p, JOB_STORE_EPOCH, ticket);
    if (job == NULL)
        return ST_NO_MEMORY;
    job->epoch_kind = file == ACCEPTED_EPOCH ? EPOCH_ACCEPTED : EPOCH_CURRENT;
    job->epoch = epoch;
    return hand_over(p, job);
}

enum status persistence_truncate(struct persistence *p, int64_t zxid, uint64_t ticket)
{
    struct member_job *job = new_job(p, JOB_TRUNCATE, ticket);
    if (job == NULL)
        return ST_NO_MEMORY;
    job->zxid = zxid;
    return hand_over(p, job);
}

enum status persistence_reload(struct persistence *p, uint64_t ticket)
{
    return hand_over(p, new_job(p, JOB_RELOAD, ticket));
}

static enum status store_text(struct persistence *p, enum member_job_kind kind, struct bytes text)
{
    struct member_job *job = new_job(p, kind, 0);
    if (job == NULL)
        return ST_NO_MEMORY;
    if (buffer_append(&job->data.records, text.data, text.len) != ST_OK) {
        log_jobs_free(&job->base);
        return ST_NO_MEMORY;
    }
    return hand_over(p, job);
}

enum status persistence_store_config(struct persistence *p, struct bytes text)
{
    return store_text(p, JOB_WRITE_CONFIG, text);
}

enum status persistence_store_last_seen(struct persistence *p, struct bytes text)
{
    return store_text(p, JOB_WRITE_LAST_SEEN, text);
}

/* -- a snapshot that comes in ------------------------------------------------------------------------------------- */

enum status persistence_spool_begin(struct persistence *p, int64_t zxid)
{
    struct member_job *job = new_job(p, JOB_SPOOL_BEGIN, 0);
    if (job == NULL)
        return ST_NO_MEMORY;
    job->zxid = p->member.spool_zxid = zxid;
    p->member.spooling = true;
    return hand_over(p, job);
}

enum status persistence_spool(struct persistence *p, struct bytes data)
{
    CHECK(p->member.spooling);
    struct member_job *job = new_job(p, JOB_SPOOL, 0);
    if (job == NULL)
        return ST_NO_MEMORY;
    if (buffer_append(&job->data.records, data.data, data.len) != ST_OK) {
        log_jobs_free(&job->base);
        return ST_NO_MEMORY;
    }
    p->member.spool_bytes += data.len;
    return hand_over(p, job);
}

bool persistence_spool_has_room(struct persistence *p)
{
    p->member.room_wanted = p->member.spool_bytes >= SPOOL_BYTES_MAX;
    return !p->member.room_wanted;
}

enum status persistence_spool_drop(struct persistence *p)
{
    if (!p->member.spooling)
        return ST_OK;
    enum status st = hand_over(p, new_job(p, JOB_SPOOL_DROP, 0));
    if (st == ST_OK)
        p->member.spooling = false;
    follow_holds(p);
    return st;
}

enum status persistence_keep_snapshot(struct persistence *p, int64_t until, const uint64_t *digest, uint64_t ticket)
{
    CHECK(p->member.spooling && until >= p->member.spool_zxid);
    struct member_job *job = new_job(p, JOB_KEEP, ticket);
    if (job == NULL)
        return ST_NO_MEMORY;
    job->zxid = until;
    job->has_digest = digest != NULL;
    job->digest = digest != NULL ? *digest : 0;
    if (until == p->member.spool_zxid)
        return hand_over(p, job);
    p->member.keeping = job;
    return ST_OK;
}

bool persistence_keeps_records(const struct persistence *p)
{
    return p->member.keeping != NULL;
}

enum status persistence_keep_records(struct persistence *p, struct buffer *records, int64_t first_zxid,
                                     int64_t last_zxid, uint32_t count)
{
    struct member_job *job = p->member.keeping;
    struct log_batch *data = &job->data;
    enum status st = buffer_append(&data->records, records->data, records->len);
    if (st != ST_OK)
        return st;
    records->len = 0;
    data->first_zxid = data->count == 0 ? first_zxid : data->first_zxid;
    data->last_zxid = last_zxid;
    data->count += count;
    if (last_zxid < job->zxid)
        return ST_OK;
    p->member.keeping = NULL;
    return hand_over(p, job);
}

enum status persistence_read_log(struct persistence *p, uint64_t link, const struct log_wish *wish)
{
    return log_reader_ask(p->log_reader, link, wish, p->whole_from);
}

/* -- done --------------------------------------------------------------------------------------------------------- */

/* How far the log is durable, as it was when the job was done. A cut takes it back, which is told by `stored`. */
static void tell_logged(struct persistence *p, const struct member_job *job)
{
    int64_t zxid = job->base.synced_zxid;
    bool rises = zxid > p->logged_zxid && job->kind != JOB_KEEP;
    bool kept = job->kind == JOB_KEEP && job->data.count > 0 && !job->refused;
    p->logged_zxid = zxid;
    if (job->kind == JOB_TRUNCATE || job->kind == JOB_RELOAD)
        p->handed_zxid = zxid; /* cut back: nothing may be handed over before that is told */
    if (rises || kept)
        p->events.logged(p->events.context, zxid);
}

static void restart_checkpoints(struct persistence *p, const struct member_job *job)
{
    struct checkpoints_options found = persistence_checkpoints_options(p, &job->recovery);
    if (job->kind == JOB_KEEP) {
        found = (struct checkpoints_options){.checkpoint_zxid = -1, .snapshot_zxid = p->member.spool_zxid};
        found.full = found.overdue = true;
    }
    checkpoints_restart(p->checkpoints, &found);
}

static void give_room(struct persistence *p, size_t bytes)
{
    struct persistence_member *m = &p->member;
    m->spool_bytes -= bytes;
    if (!m->room_wanted || m->spool_bytes > SPOOL_BYTES_MAX / 2)
        return;
    m->room_wanted = false;
    if (p->events.spool_room != NULL)
        p->events.spool_room(p->events.context);
}

static void tell_stored(struct persistence *p, struct member_job *job)
{
    const struct persistence_stored stored = {.ticket = job->ticket,
                                              .refused = job->refused,
                                              .tree = job->refused ? NULL : job->recovery.tree,
                                              .sessions = job->refused ? NULL : job->recovery.sessions,
                                              .last_zxid = job->recovery.last_zxid};
    if (!job->refused) {
        job->recovery.tree = NULL;
        job->recovery.sessions = NULL;
    }
    p->events.stored(p->events.context, &stored);
}

static void finish(struct persistence *p, struct member_job *job)
{
    tell_logged(p, job);
    if (job->kind == JOB_SPOOL) {
        give_room(p, job->data.records.len);
        return;
    }
    if (job->ticket == 0 && !member_job_replaces_tree(job))
        return;
    if (member_job_replaces_tree(job) && !job->refused)
        restart_checkpoints(p, job);
    if (job->kind == JOB_KEEP && !job->refused)
        p->whole_from = p->member.spool_zxid; /* as its new log files say */
    p->member.tree_jobs -= member_job_replaces_tree(job);
    p->member.spooling = p->member.spooling && job->kind != JOB_KEEP;
    tell_stored(p, job);
    follow_holds(p);
}

void persistence_jobs_done(struct persistence *p, struct log_job *done)
{
    while (done != NULL) {
        struct log_job *job = done;
        done = job->next;
        job->next = NULL;
        finish(p, (struct member_job *)job);
        log_jobs_free(job);
    }
}

void persistence_member_free(struct persistence *p)
{
    if (p->member.keeping != NULL)
        log_jobs_free(&p->member.keeping->base);
    snapshot_spool_free(p->member.disk.spool, true);
    config_files_free(p->member.disk.config);
}
