/* disk_posix.h - the disk of core/store/io.h on a real file system.
 *
 * Every call that the kernel interrupts is repeated, every short write continued. Files are created with mode 0640,
 * directories with 0750, both less the umask. Thread-safe: there is no state but one error number for each thread. */
#pragma once

#include "core/store/io.h"

/* The table; static. */
const struct store_io *disk_posix(void);

/* What the kernel said at the last call of this thread through the table that failed, as text ("Permission denied");
 * empty when none has failed since disk_posix_error_clear. Valid until the thread's next call. */
const char *disk_posix_error(void);
void disk_posix_error_clear(void);
