/* disk_job.c - the two kinds of job as one table of functions. */
#include "agent/disk/disk_job.h"

#include "agent/disk/checkpoint_lmdb.h"
#include "agent/disk/disk_posix.h"
#include "core/base/mem.h"
#include "core/store/snapshot.h"

#include <stdio.h>

/* So little is put into one transaction of LMDB that even values strewn over the whole file, each of which takes a page
 * of memory, stay within a job's memory. */
enum { TRANSACTION_SHARE = 64 };

struct disk_job_kind_row {
    enum status (*begin)(struct disk_job_run *run, const struct checkpoint_thread_options *options,
                         const struct disk_job *job);
    enum status (*put)(struct disk_job_run *run, struct bytes chunk);
    enum status (*end)(struct disk_job_run *run, const struct checkpoint_end *end);
    void (*give_up)(struct disk_job_run *run);
};

struct disk_job_run {
    const struct disk_job_kind_row *row;
    const struct data_dir *dir;
    struct checkpoint_lmdb *db;
    struct checkpoint_writer *writer;
    struct snapshot_file *file;
    enum status status;
    char error[DISK_TEXT_MAX];
};

/* -- checkpoint --------------------------------------------------------------------------------------------------- */

static enum status checkpoint_job_begin(struct disk_job_run *run, const struct checkpoint_thread_options *options,
                                        const struct disk_job *job)
{
    enum status st = checkpoint_lmdb_open_write(&run->db, run->dir->checkpoint, options->map_size_max);
    if (st != ST_OK)
        return st;
    struct checkpoint_options checkpoint = {
        .zxid = job->zxid, .full = job->full, .transaction_bytes_max = options->memory / TRANSACTION_SHARE};
    return checkpoint_begin(&run->writer, checkpoint_lmdb_store(run->db), &checkpoint);
}

static enum status checkpoint_job_put(struct disk_job_run *run, struct bytes chunk)
{
    return checkpoint_put_batch(run->writer, chunk);
}

static enum status checkpoint_job_end(struct disk_job_run *run, const struct checkpoint_end *end)
{
    struct checkpoint_writer *writer = run->writer;
    run->writer = NULL;
    return checkpoint_commit(writer, end);
}

static void checkpoint_job_give_up(struct disk_job_run *run)
{
    checkpoint_abort(run->writer);
    checkpoint_lmdb_close(run->db);
}

/* -- snapshot ----------------------------------------------------------------------------------------------------- */

static enum status snapshot_job_begin(struct disk_job_run *run, const struct checkpoint_thread_options *options,
                                      const struct disk_job *job)
{
    return snapshot_file_create(&run->file, options->io, run->dir->snapshots, job->zxid);
}

static enum status snapshot_job_put(struct disk_job_run *run, struct bytes chunk)
{
    return snapshot_file_append(run->file, chunk);
}

static enum status snapshot_job_end(struct disk_job_run *run, const struct checkpoint_end *end)
{
    (void)end;
    struct snapshot_file *file = run->file;
    run->file = NULL;
    return snapshot_file_commit(file);
}

static void snapshot_job_give_up(struct disk_job_run *run)
{
    snapshot_file_abort(run->file);
}

static const struct disk_job_kind_row rows[] = {
    [JOB_CHECKPOINT] = {checkpoint_job_begin, checkpoint_job_put, checkpoint_job_end, checkpoint_job_give_up},
    [JOB_SNAPSHOT] = {snapshot_job_begin, snapshot_job_put, snapshot_job_end, snapshot_job_give_up},
};

/* -- both --------------------------------------------------------------------------------------------------------- */

enum status disk_job_begin(struct disk_job_run **run, const struct checkpoint_thread_options *options,
                           const struct disk_job *job)
{
    struct disk_job_run *made = mem_calloc(1, sizeof *made);
    *run = made;
    if (made == NULL)
        return ST_NO_MEMORY;
    made->row = &rows[job->kind];
    made->dir = options->dir;
    disk_posix_error_clear();
    made->status = made->row->begin(made, options, job);
    return made->status;
}

enum status disk_job_put(struct disk_job_run *run, struct bytes chunk)
{
    run->status = run->row->put(run, chunk);
    return run->status;
}

enum status disk_job_end(struct disk_job_run *run, const struct checkpoint_end *end)
{
    run->status = run->row->end(run, end);
    return run->status;
}

const char *disk_job_error(struct disk_job_run *run)
{
    if (run == NULL)
        return status_text(ST_NO_MEMORY);
    const char *why = run->db != NULL ? checkpoint_lmdb_error(run->db) : disk_posix_error();
    const char *where = run->row == &rows[JOB_CHECKPOINT] ? run->dir->checkpoint : run->dir->snapshots;
    (void)snprintf(run->error, sizeof run->error, "%s: %s", where, why[0] != '\0' ? why : status_text(run->status));
    return run->error;
}

void disk_job_free(struct disk_job_run *run)
{
    if (run == NULL)
        return;
    run->row->give_up(run);
    mem_free(run);
}
