/* restore.c - an empty directory becomes a data directory with the state of a backup.
 *
 * While it is made, a mark stands in it on which no agent starts (data_dir.h, `restoring`), and the snapshot has its
 * name only when it is whole. A directory in which such a try was left behind may be used again. */
#include "agent/disk/data_dir.h"
#include "agent/disk/disk_posix.h"
#include "agent/disk/restore_internal.h"
#include "agent/disk/snapshot_whole.h"
#include "core/base/mem.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* -- the place ---------------------------------------------------------------------------------------------------- */

struct contents {
    const char *const *allowed; /* names that may be there; NULL at the end */
    const char *prefix;         /* or that begin like that; NULL: none */
    bool is_free;
};

static enum status look_at_name(void *context, const char *name)
{
    struct contents *contents = context;
    for (const char *const *at = contents->allowed; *at != NULL; at++)
        if (strcmp(*at, name) == 0)
            return ST_OK;
    if (contents->prefix == NULL || strncmp(name, contents->prefix, strlen(contents->prefix)) != 0)
        contents->is_free = false;
    return ST_OK;
}

/* A directory that does not exist is free, too. */
static bool has_only(const char *dir, const char *const *allowed, const char *prefix)
{
    const struct store_io *io = disk_posix();
    struct contents contents = {allowed, prefix, true};
    struct stat stat_of;
    if (stat(dir, &stat_of) != 0)
        return true;
    return io->list(io->context, dir, look_at_name, &contents) == ST_OK && contents.is_free;
}

static const char *const nothing[] = {NULL};
static const char left_over[] = "snapshot.";

/* Free: nothing but what an operator puts there before, or what a try of before has left. */
static bool is_free(const struct data_dir *d)
{
    static const char *const roots[] = {"myid", "lost+found", "version-2", NULL};
    static const char *const roots_again[] = {"myid", "lost+found", "version-2", "zooid", NULL};
    bool again = data_dir_restoring(d);
    return has_only(d->root, again ? roots_again : roots, NULL) &&
           has_only(d->snapshots, nothing, again ? left_over : NULL) &&
           (!d->separate_log || (has_only(d->log_root, roots, NULL) && has_only(d->logs, nothing, NULL)));
}

static int check_place(const struct data_dir *d, struct buffer *message)
{
    int64_t holder = data_dir_holder(d);
    if (holder >= 0)
        return restore_say(message, d->root, "an agent runs on this directory (process %" PRId64 "): nothing was done",
                           holder);
    if (!is_free(d))
        return restore_say(message, d->root,
                           "dataDir or dataLogDir holds something already: nothing was done. A backup is restored "
                           "into an empty directory");
    return 0;
}

/* What is made belongs to whom the directory belongs to, if it is there. */
static int become_owner(const struct data_dir *d, struct buffer *message)
{
    struct stat stat_of;
    if (geteuid() != 0 || stat(d->root, &stat_of) != 0 || stat_of.st_uid == 0)
        return 0;
    if (setegid(stat_of.st_gid) == 0 && seteuid(stat_of.st_uid) == 0)
        return 0;
    return restore_say(message, d->root, "cannot act as the owner of this directory");
}

/* -- written ------------------------------------------------------------------------------------------------------ */

/* What is on the disk is what was read from the backup. */
static int verify(const struct data_dir *d, int64_t zxid, uint64_t digest, struct buffer *message)
{
    struct buffer path = {0};
    struct restored again = {0};
    const struct until all = {UNTIL_END, 0};
    enum status st = store_file_path(&path, d->snapshots, STORE_SNAPSHOT, zxid);
    int code = st == ST_OK ? restore_read((const char *)path.data, &all, &again, message)
                           : restore_say(message, d->root, "out of memory");
    if (code == 0 && (again.zxid != zxid || tree_digest(again.tree) != digest))
        code = restore_say(message, (const char *)path.data, "what was read back is not what was written");
    restored_free(&again);
    buffer_free(&path);
    return code;
}

static enum status remove_left_over(void *context, const char *name)
{
    const struct store_io *io = disk_posix();
    char *path = path_join(context, name);
    enum status st = path == NULL ? ST_NO_MEMORY : ST_OK;
    if (st == ST_OK && strncmp(name, left_over, sizeof left_over - 1) == 0)
        st = io->remove(io->context, path);
    mem_free(path);
    return st;
}

/* Takes the directory, and sets the mark. */
static int begin(struct data_dir *d, struct buffer *message)
{
    const struct store_io *io = disk_posix();
    enum status st = data_dir_open(d, true, message);
    if (st == ST_OK)
        st = data_dir_set_restoring(d, message);
    if (st == ST_OK)
        st = data_dir_settle(d, message);
    if (st != ST_OK) {
        (void)buffer_append(message, "\n", 1);
        return 1;
    }
    st = io->list(io->context, d->snapshots, remove_left_over, d->snapshots);
    return st == ST_OK ? 0 : restore_say_failed(message, d->snapshots, "be emptied", st);
}

static int write_state(struct data_dir *d, struct restored *state, struct buffer *message)
{
    uint64_t digest = tree_digest(state->tree), nodes = tree_count(state->tree) - 1;
    int64_t zxid = state->zxid;
    int code = begin(d, message);
    if (code != 0)
        return code;
    disk_posix_error_clear();
    enum status st = snapshot_write_whole(d->snapshots, state->tree, state->sessions, zxid);
    if (st != ST_OK)
        return restore_say_failed(message, d->snapshots, "write the snapshot", st);
    restored_free(state); /* there may be no memory for two */
    code = verify(d, zxid, digest, message);
    if (code != 0)
        return code;
    if (data_dir_clear_restoring(d, message) != ST_OK) {
        (void)buffer_append(message, "\n", 1);
        return 1;
    }
    (void)restore_say(message, d->root, "restored: %" PRIu64 " znodes, zxid 0x%" PRIx64, nodes, (uint64_t)zxid);
    return 0;
}

int restore_data(const struct restore_command *command, struct buffer *message)
{
    struct data_dir d;
    struct restored state = {0};
    int code = 1;
    enum status st = data_dir_paths(&d, command->data_dir, command->log_dir);
    if (st != ST_OK)
        (void)restore_say(message, command->data_dir, "%s", status_text(st));
    else
        code = restore_read(command->backup, &command->until, &state, message);
    if (code == 0)
        code = check_place(&d, message);
    if (code == 0)
        code = become_owner(&d, message);
    if (code == 0)
        code = write_state(&d, &state, message);
    restored_free(&state);
    data_dir_close(&d);
    return code;
}
