/* journal.c - $JOURNAL_STREAM is "device:inode" of what systemd connected; a redirected standard error is another one.
 */
#include "agent/base/journal.h"

#include <stdlib.h>
#include <sys/stat.h>

bool journal_reads(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat status;
    char *rest;
    if (stream == NULL || fstat(fd, &status) != 0 || strtoull(stream, &rest, 10) != status.st_dev || *rest != ':')
        return false;
    return strtoull(rest + 1, &rest, 10) == status.st_ino && *rest == '\0';
}
