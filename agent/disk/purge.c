/* purge.c - lists, asks, removes. */
#include "agent/disk/purge.h"

#include "agent/disk/disk_posix.h"
#include "core/base/mem.h"
#include "core/store/files.h"
#include "core/store/snapshot.h"

#include <sys/stat.h>
#include <time.h>

/* Files of one kind with what the decision needs to know. */
struct shelf {
    struct store_files files;
    struct retention_file *items;
};

static int64_t age_ms(const struct stat *stat_of)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    int64_t ms = (now.tv_sec - stat_of->st_mtim.tv_sec) * 1000 + (now.tv_nsec - stat_of->st_mtim.tv_nsec) / 1000000;
    return ms > 0 ? ms : 0;
}

int64_t file_age_ms(const char *path)
{
    struct stat stat_of;
    return stat(path, &stat_of) == 0 ? age_ms(&stat_of) : -1;
}

static enum status shelf_fill(struct shelf *s, const char *dir, enum store_file_kind kind)
{
    const struct store_io *io = disk_posix();
    enum status st = store_files_list(io, dir, kind, &s->files);
    if (st != ST_OK)
        return st;
    s->items = mem_calloc(s->files.count, sizeof *s->items);
    if (s->items == NULL)
        return ST_NO_MEMORY;
    for (size_t i = 0; st == ST_OK && i < s->files.count; i++) {
        struct stat stat_of;
        if (stat(s->files.items[i].path, &stat_of) != 0)
            return ST_IO_ERROR;
        s->items[i] = (struct retention_file){
            .zxid = s->files.items[i].zxid, .size = (uint64_t)stat_of.st_size, .age_ms = age_ms(&stat_of)};
        if (kind == STORE_SNAPSHOT)
            st = snapshot_looks_whole(io, s->files.items[i].path, &s->items[i].whole);
    }
    return st;
}

static void shelf_free(struct shelf *s)
{
    mem_free(s->items);
    store_files_free(&s->files);
}

static bool has_whole(const struct shelf *snapshots)
{
    for (size_t i = 0; i < snapshots->files.count; i++) {
        if (snapshots->items[i].whole)
            return true;
    }
    return false;
}

static enum status remove_chosen(const struct shelf *s, const char *dir, uint32_t *removed)
{
    const struct store_io *io = disk_posix();
    uint32_t before = *removed;
    for (size_t i = 0; i < s->files.count; i++) {
        if (!s->items[i].remove)
            continue;
        enum status st = io->remove(io->context, s->files.items[i].path);
        if (st != ST_OK)
            return st;
        ++*removed;
    }
    return *removed > before ? io->sync_dir(io->context, dir) : ST_OK;
}

static enum status remove_unfinished(void *context, const char *name)
{
    const char *dir = context;
    const struct store_io *io = disk_posix();
    size_t len = strlen(name);
    if (strncmp(name, "snapshot.", 9) != 0 || len < 13 || strcmp(name + len - 4, ".tmp") != 0)
        return ST_OK;
    char *path = path_join(dir, name);
    if (path == NULL)
        return ST_NO_MEMORY;
    enum status st = io->remove(io->context, path);
    mem_free(path);
    return st;
}

enum status purge(const struct data_dir *dir, const struct retention_settings *keep, int64_t checkpoint_zxid,
                  bool unfinished, struct purge_result *result)
{
    struct shelf logs = {0}, snapshots = {0};
    const struct store_io *io = disk_posix();
    *result = (struct purge_result){0};
    enum status st = unfinished ? io->list(io->context, dir->snapshots, remove_unfinished, dir->snapshots) : ST_OK;
    if (st == ST_OK)
        st = shelf_fill(&snapshots, dir->snapshots, STORE_SNAPSHOT);
    if (st == ST_OK)
        st = shelf_fill(&logs, dir->logs, STORE_LOG);
    if (st == ST_OK && has_whole(&snapshots)) {
        retention_decide(keep, checkpoint_zxid, logs.items, logs.files.count, snapshots.items, snapshots.files.count);
        /* Snapshots first: one whose log is gone could be taken for a base when nothing newer can be read. */
        st = remove_chosen(&snapshots, dir->snapshots, &result->snapshots);
        if (st == ST_OK)
            st = remove_chosen(&logs, dir->logs, &result->logs);
    }
    shelf_free(&logs);
    shelf_free(&snapshots);
    return st;
}
