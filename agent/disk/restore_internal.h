/* restore_internal.h - what the files of restore.h share. */
#pragma once

#include "agent/disk/restore.h"
#include "core/store/recovery.h"

#include <inttypes.h>

/* Appends "WHAT: TEXT\n" and returns 1, the exit code. */
int restore_say(struct buffer *message, const char *what, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for what a call to the disk has brought; `st` where the kernel said nothing. */
int restore_say_failed(struct buffer *message, const char *what, const char *verb, enum status st);
/* Those of that kind and the graver ones. */
void restore_say_findings(struct buffer *message, const struct findings *findings, enum finding_kind least);

/* The directory with the files of a backup or log: DIR/version-2 if there is one, else DIR. NULL: out of memory. Free
 * with mem_free. */
char *restore_files_dir(const char *dir);

/* The state of a backup. Tree and sessions are the caller's, also after an error; zero-initialise. */
struct restored {
    struct tree *tree;
    struct sessions *sessions;
    int64_t zxid;
};

/* Reads it up to `until`. 0, or an exit code, which has been told. */
int restore_read(const char *backup, const struct until *until, struct restored *state, struct buffer *message);
void restored_free(struct restored *state);
