/* data_dir.h - the directories an agent lives in: made, locked, and checked to be of a format it knows.
 *
 *     dataDir/version-2            snapshots, in Apache ZooKeeper's format
 *     dataLogDir/version-2         txn logs, in Apache ZooKeeper's format
 *     dataDir/zooid/format         version of what else is here
 *     dataDir/zooid/pid            the agent that runs on this directory
 *     dataDir/zooid/session_key    secret of the session passwords, mode 0600
 *     dataDir/zooid/apache_sessions  sessions that came with the directory (apache_sessions.h)
 *     dataDir/zooid/checkpoint     the tree (checkpoint_lmdb.h)
 *     dataDir/zooid/log_end        how far the log goes (log_end.h)
 *     dataDir/zooid/replacing      a snapshot from the leader takes the place of all data (replacement.h)
 *     dataDir/zooid/restoring      a backup is being restored, or that broke off: nothing else may be done here
 *     dataDir/zooid/loading        a start is reading the checkpoint; left behind, the checkpoint ended that start
 *
 * An flock on dataDir, and on dataLogDir when it is another one, refuses a second agent (design 4.4). Not thread-safe.
 */
#pragma once

#include "core/base/bytes.h"

enum { SESSION_KEY_SIZE = 32, DATA_DIR_UNSETTLED_MAX = 32 };

/* Paths are owned; zero-initialise before use. */
struct data_dir {
    char *root, *log_root;  /* dataDir, dataLogDir */
    char *snapshots, *logs; /* their version-2 */
    char *own;              /* dataDir/zooid */
    char *checkpoint, *damaged_checkpoint, *mark;
    bool separate_log; /* dataLogDir is another directory */
    bool fresh;        /* dataDir/zooid did not exist */
    int lock, log_lock;
    char *unsettled[DATA_DIR_UNSETTLED_MAX]; /* directories with new entries that are not synced */
    size_t unsettled_count;
};

/* Fills in the paths; `log_root` NULL or empty: the same as `root`. Touches no file but to compare the two.
 * ST_NO_MEMORY. Ends with data_dir_close, also after an error. */
enum status data_dir_paths(struct data_dir *d, const char *root, const char *log_root);

/* Makes what is missing (the roots only with `autocreate`), takes the locks and checks the format. An error appends to
 * `message`; ST_BUSY: another agent runs here. */
enum status data_dir_open(struct data_dir *d, bool autocreate, struct buffer *message);

/* Has the directory entries that were made synced, all of them at the end: the first sync then does most of the work of
 * the others. To be called before anything is acknowledged. An error appends to `message`. */
enum status data_dir_settle(struct data_dir *d, struct buffer *message);

/* Releases the locks and frees the paths. */
void data_dir_close(struct data_dir *d);

/* Reads the secret of the session passwords; the first time it is drawn from the kernel's generator and kept.
 * An error appends to `message`. `exposed`: others than the owner may read the file. */
enum status data_dir_session_key(struct data_dir *d, uint8_t key[SESSION_KEY_SIZE], bool *exposed,
                                 struct buffer *message);

/* Whether the secret, when there is one, can be used. An error appends to `message`. */
enum status data_dir_check_key(const struct data_dir *d, struct buffer *message);

/* Whether an earlier start left its mark (design 4.6). */
bool data_dir_marked(const struct data_dir *d);

/* Sets the mark before the checkpoint is read; takes it away afterwards. Neither is synced: it is the process that may
 * end there, not the machine. ST_IO_ERROR, ST_NO_SPACE. */
enum status data_dir_set_mark(const struct data_dir *d);
enum status data_dir_clear_mark(const struct data_dir *d);

/* Whether a restore has not come to its end. */
bool data_dir_restoring(const struct data_dir *d);

/* Sets that mark, which data_dir_settle makes durable; takes it away, durably. An error appends to `message`. */
enum status data_dir_set_restoring(struct data_dir *d, struct buffer *message);
enum status data_dir_clear_restoring(const struct data_dir *d, struct buffer *message);

/* ST_CORRUPT, and a line in `message`, when there is that mark. */
enum status data_dir_check_restoring(const struct data_dir *d, struct buffer *message);

/* The agent that holds the lock on `root`: its pid, 0 when it is not known which, -1 when there is none. Takes no lock
 * that outlives the call. */
int64_t data_dir_holder(const struct data_dir *d);

/* Checks that version-2 holds only what belongs there when logs and snapshots have directories of their own, as Apache
 * does. An error appends to `message`. */
enum status data_dir_check_split(const struct data_dir *d, struct buffer *message);

/* Checks dataDir/zooid/format; one that does not exist is accepted. An error appends to `message`. */
enum status data_dir_check_format(const struct data_dir *d, struct buffer *message);

/* directory + "/" + name, or NULL: out of memory. Free with mem_free. */
char *path_join(const char *directory, const char *name);

/* Bytes that the plain files of the directory occupy; 0 when it cannot be listed. */
uint64_t directory_size(const char *path);
