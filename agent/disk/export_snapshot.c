/* export_snapshot.c - makes a data directory of ours one that Apache ZooKeeper starts on: one exact snapshot at the
 * last logged zxid (design 4.4).
 *
 * Apache refuses a log without a snapshot, and takes an old snapshot with a purged log for the whole truth. So the
 * older snapshots go once the new one is on the disk. The mark of the log's end goes once the log has been read: as a
 * follower Apache may cut the log, and should the agent come back, its next start sets a new mark. */
#include "agent/base/random_key.h"
#include "agent/disk/disk_posix.h"
#include "agent/disk/loading.h"
#include "agent/disk/persistence.h"
#include "agent/disk/snapshot_whole.h"
#include "core/store/files.h"
#include "core/store/log_end.h"

#include <inttypes.h>

/* All but the one just written, a compressed one of the same zxid included. */
static enum status remove_others(const struct data_dir *d, int64_t zxid, uint32_t *removed)
{
    const struct store_io *io = disk_posix();
    struct store_files files = {0};
    enum status st = store_files_list(io, d->snapshots, STORE_SNAPSHOT, &files);
    for (size_t i = 0; st == ST_OK && i < files.count; i++) {
        if (files.items[i].zxid == zxid && files.items[i].compression == STORE_PLAIN)
            continue;
        st = io->remove(io->context, files.items[i].path);
        *removed += st == ST_OK;
    }
    store_files_free(&files);
    return st == ST_OK ? io->sync_dir(io->context, d->snapshots) : st;
}

static enum status remove_mark(const struct data_dir *d, struct buffer *message)
{
    disk_posix_error_clear();
    enum status st = log_end_remove(disk_posix(), d->own);
    const char *why = disk_posix_error();
    if (st != ST_OK)
        (void)buffer_printf(message, "%s/" LOG_END_NAME ": cannot be removed: %s", d->own,
                            why[0] != '\0' ? why : status_text(st));
    return st;
}

static enum status export_data(const struct data_dir *d, const struct settings *settings, struct recovery *r,
                               struct buffer *message)
{
    struct hash_key hash_key;
    uint32_t removed = 0;
    enum status st = random_hash_key(&hash_key);
    if (st != ST_OK) {
        (void)buffer_printf(message, "no random bytes from the kernel");
        return st;
    }
    st = load_data(d, settings, &hash_key, NULL, NULL, r, NULL, message);
    if (st == ST_OK)
        st = remove_mark(d, message);
    if (st != ST_OK)
        return st;
    disk_posix_error_clear();
    st = snapshot_write_whole(d->snapshots, r->tree, r->sessions, r->last_zxid);
    if (st == ST_OK)
        st = remove_others(d, r->last_zxid, &removed);
    if (st == ST_OK)
        return buffer_printf(message,
                             "%s/snapshot.%" PRIx64 ": written, %" PRIu64 " znodes; %" PRIu32
                             " older ones removed; Apache ZooKeeper can be started on this directory",
                             d->snapshots, (uint64_t)r->last_zxid, tree_count(r->tree), removed);
    const char *why = disk_posix_error();
    (void)buffer_printf(message, "%s: the snapshot cannot be written: %s", d->snapshots,
                        why[0] != '\0' ? why : status_text(st));
    return st;
}

enum status persistence_export_snapshot(const struct settings *settings, struct buffer *message)
{
    struct data_dir d;
    struct recovery r = {0};
    enum status st = data_dir_paths(&d, settings->data_dir, settings->data_log_dir);
    if (st == ST_OK)
        st = data_dir_open(&d, false, message);
    if (st == ST_OK)
        st = data_dir_settle(&d, message);
    if (st == ST_OK)
        st = export_data(&d, settings, &r, message);
    recovery_free(&r);
    data_dir_close(&d);
    enum status ended = buffer_append(message, "\n", 1);
    return st == ST_OK ? ended : st;
}
