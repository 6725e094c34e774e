/* persistence_jobs.c - each kind of job, on the log thread. A job that failed for want of room or memory is run again,
 * so each must bear being done twice. */
#include "agent/disk/persistence_jobs.h"

#include "agent/disk/disk_posix.h"
#include "agent/settings/config_files.h"
#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/store/epochs.h"

static enum status store_epoch(struct member_job *job, struct log_disk *log)
{
    (void)log;
    job->refused = job->disk->keep_refused && job->epoch_kind == EPOCH_CURRENT;
    if (job->refused)
        return ST_OK;
    return epochs_write(disk_posix(), job->disk->loading.dir->snapshots, (enum epoch_kind)job->epoch_kind, job->epoch);
}

/* -- taking back -------------------------------------------------------------------------------------------------- */

struct lowering {
    const struct member_job *job;
    struct log_disk *log;
    int64_t zxid;
};

/* A mark that could not be kept up may still say more than is to stay. */
static enum status lower_mark(void *context)
{
    const struct lowering *l = context;
    if (l->log->mark == NULL)
        return log_end_remove(disk_posix(), l->job->disk->loading.dir->own);
    return l->log->zxid <= l->zxid ? ST_OK : log_end_write_synced(l->log->mark, l->zxid);
}

static void reset_recovery(struct member_job *job)
{
    recovery_free(&job->recovery);
    job->recovery = (struct recovery){.last_zxid = 0};
}

static enum status truncate_log(struct member_job *job, struct log_disk *log)
{
    struct lowering lowering = {job, log, job->zxid};
    reset_recovery(job);
    checkpoints_wait(job->disk->checkpoints);
    enum status st = job->zxid <= 0 ? ST_NOT_FOUND
                                    : load_cut(&job->disk->loading, job->zxid, lower_mark, &lowering, &job->recovery);
    if (st == ST_NOT_FOUND) {
        job->refused = true;
        return ST_OK;
    }
    if (st != ST_OK)
        return st;
    txnlog_restart(log->log, job->zxid);
    log->zxid = job->zxid;
    return ST_OK;
}

/* What was read a while ago and cannot be read any more has been damaged since. */
static enum status reload(struct member_job *job, struct log_disk *log)
{
    (void)log;
    reset_recovery(job);
    job->disk->keep_refused = false;
    checkpoints_wait(job->disk->checkpoints);
    return load_again(&job->disk->loading, &job->recovery);
}

/* -- a snapshot that comes in ------------------------------------------------------------------------------------- */

static enum status spool_drop(struct member_job *job, struct log_disk *log)
{
    (void)log;
    snapshot_spool_free(job->disk->spool, true);
    job->disk->spool = NULL;
    return ST_OK;
}

/* To wait for room would be to wait for what the snapshot itself takes: it is given up, and not kept. */
static enum status give_up_without_room(struct member_job *job, enum status st)
{
    if (st != ST_NO_SPACE)
        return st;
    LOG_WARN(job->disk->loading.log, "storage", "there is no room for the snapshot from the leader: %s",
             disk_posix_error());
    return spool_drop(job, NULL);
}

static enum status spool_begin(struct member_job *job, struct log_disk *log)
{
    (void)spool_drop(job, log);
    enum status st = snapshot_spool_begin(&job->disk->spool, disk_posix(), job->disk->loading.dir->snapshots,
                                          job->zxid);
    return give_up_without_room(job, st);
}

static enum status spool(struct member_job *job, struct log_disk *log)
{
    (void)log;
    if (job->disk->spool == NULL)
        return ST_OK;
    return give_up_without_room(job, snapshot_spool_append(job->disk->spool, buffer_bytes(&job->data.records)));
}

static enum status seal(struct member_job *job)
{
    if (job->disk->spool == NULL || job->sealed)
        return ST_OK;
    enum status st = snapshot_spool_seal(job->disk->spool, job->zxid, job->has_digest ? &job->digest : NULL);
    CHECK(st != ST_CORRUPT); /* the tree was loaded from the same bytes */
    job->sealed = st == ST_OK;
    return give_up_without_room(job, st);
}

static enum status put_in_place(struct member_job *job, struct log_disk *log, int64_t last_zxid)
{
    const struct log_batch *data = &job->data;
    bool some = data->records.len > 0;
    struct lowering lowering = {job, log, last_zxid};
    const struct replacement_place place = loading_place(job->disk->loading.dir);
    const struct replacement replacement = {.zxid = snapshot_spool_zxid(job->disk->spool),
                                            .first_zxid = some ? data->first_zxid : 0,
                                            .last_zxid = some ? data->last_zxid : 0,
                                            .records = buffer_bytes(&data->records)};
    checkpoints_wait(job->disk->checkpoints);
    enum status st = job->begun ? ST_OK : lower_mark(&lowering);
    if (st == ST_OK && !job->begun)
        st = replacement_begin(&place, &replacement);
    job->begun = st == ST_OK;
    return st == ST_OK ? load_replacement(&job->disk->loading) : st;
}

static enum status keep(struct member_job *job, struct log_disk *log)
{
    enum status st = seal(job);
    job->refused = job->disk->keep_refused = job->disk->spool == NULL;
    if (st != ST_OK || job->refused)
        return st;
    bool some = job->data.records.len > 0;
    const int64_t snapshot_zxid = snapshot_spool_zxid(job->disk->spool);
    const int64_t last_zxid = some ? job->data.last_zxid : snapshot_zxid;
    st = put_in_place(job, log, last_zxid);
    if (st != ST_OK)
        return st;
    snapshot_spool_free(job->disk->spool, false);
    job->disk->spool = NULL;
    txnlog_set_whole_from(log->log, snapshot_zxid);
    txnlog_restart(log->log, last_zxid);
    log->zxid = last_zxid;
    return ST_OK;
}

/* -- the configuration -------------------------------------------------------------------------------------------- */

static enum status write_config(struct member_job *job, struct log_disk *log)
{
    (void)log;
    struct config_files *config = job->disk->config;
    return config == NULL ? ST_OK : config_files_store(config, disk_posix(), buffer_bytes(&job->data.records));
}

static enum status write_last_seen(struct member_job *job, struct log_disk *log)
{
    (void)log;
    struct config_files *config = job->disk->config;
    return config == NULL ? ST_OK
                          : config_files_store_last_seen(config, disk_posix(), buffer_bytes(&job->data.records));
}

/* -- all ---------------------------------------------------------------------------------------------------------- */

static const struct member_job_row {
    const char *name; /* what could not be done */
    enum status (*run)(struct member_job *job, struct log_disk *log);
    bool replaces_tree;
} rows[] = {
    [JOB_STORE_EPOCH] = {"storing the epoch", store_epoch, false},
    [JOB_TRUNCATE] = {"cutting the log", truncate_log, true},
    [JOB_RELOAD] = {"reading the data again", reload, true},
    [JOB_SPOOL_BEGIN] = {"storing the snapshot from the leader", spool_begin, false},
    [JOB_SPOOL] = {"storing the snapshot from the leader", spool, false},
    [JOB_SPOOL_DROP] = {"dropping the snapshot from the leader", spool_drop, false},
    [JOB_KEEP] = {"putting the snapshot from the leader in place of all data", keep, true},
    [JOB_WRITE_CONFIG] = {"storing the members of the ensemble beside zoo.cfg", write_config, false},
    [JOB_WRITE_LAST_SEEN] = {"storing the members that are proposed beside zoo.cfg", write_last_seen, false},
};
static_assert(ARRAY_LEN(rows) == MEMBER_JOB_KINDS, "one row per kind");

static enum status run(struct log_job *base, struct log_disk *log)
{
    struct member_job *job = (struct member_job *)base;
    disk_posix_error_clear();
    return rows[job->kind].run(job, log);
}

static void free_job(struct log_job *base)
{
    struct member_job *job = (struct member_job *)base;
    buffer_free(&job->data.records);
    recovery_free(&job->recovery);
    mem_free(job);
}

struct member_job *member_job_new(struct member_disk *disk, enum member_job_kind kind)
{
    struct member_job *job = mem_calloc(1, sizeof *job);
    if (job == NULL)
        return NULL;
    job->base = (struct log_job){.name = rows[kind].name, .run = run, .free = free_job};
    job->disk = disk;
    job->kind = kind;
    return job;
}

bool member_job_replaces_tree(const struct member_job *job)
{
    return rows[job->kind].replaces_tree;
}
