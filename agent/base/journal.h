/* journal.h - whether systemd's journal reads what a process writes; then a line begins with "<N>", syslog's priority
 * (sd-daemon(3)), and needs no time. */
#pragma once

#include <stdbool.h>

/* Whether `fd` is the stream that $JOURNAL_STREAM names (systemd.exec(5)); false too when it cannot be told.
 * Thread-safe as getenv is. */
bool journal_reads(int fd);
