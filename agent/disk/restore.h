/* restore.h - backups without an agent: a data directory is made from one, and the log is archived beside one.
 *
 * A backup is a snapshot file, or a directory with snapshots and logs (itself, or its version-2), such as
 *
 *     BACKUP/version-2/snapshot.<zxid>   exact, as the local door gives it; any number of them
 *     BACKUP/version-2/log.<zxid>        archived: what was committed, without a gap
 *
 * or a copy of another data directory. For the command line: blocks, and tells in `message` what was done or is wrong.
 * Returns an exit code: 0, or 1. */
#pragma once

#include "core/base/bytes.h"

/* How far a backup is to be followed: a zxid ("0x1f00000002"), or a time ("2024-05-01T12:00:00", local, or with "Z" or
 * "+02:00" behind it; "@1714557600" in seconds since 1970), at and before which everything counts. */
enum until_kind { UNTIL_END, UNTIL_ZXID, UNTIL_TIME };
struct until {
    enum until_kind kind;
    int64_t value; /* zxid, or milliseconds since 1970 */
};

/* False: the text is neither. */
bool until_parse(const char *text, struct until *until);

struct restore_command {
    const char *backup;
    const char *data_dir, *log_dir; /* `log_dir` may be the same as `data_dir` */
    struct until until;
};

/* Makes an empty directory, or one that does not exist, a data directory on which zooid-agent and Apache ZooKeeper
 * start with exactly the state of the backup at that place. Nothing is touched before the whole of it was read and its
 * digest compared. Where the state of that place is not known for certain, it is refused. */
int restore_data(const struct restore_command *command, struct buffer *message);

/* Copies what the log in `log_dir` (a dataLogDir, or its version-2) has behind the archive, up to the zxid `until`,
 * which must be known to be committed, into BACKUP/version-2. The log may be written to meanwhile. */
int archive_log(const char *log_dir, const char *backup, int64_t until, struct buffer *message);
