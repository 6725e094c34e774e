/* check_data_internal.h - what check_data.c and check_start.c share. */
#pragma once

#include "agent/disk/data_dir.h"
#include "agent/disk/disk_posix.h"
#include "core/store/recovery.h"

/* Exit codes of --check-data, from good to bad. */
enum { CHECK_SOUND, CHECK_REPAIRABLE, CHECK_DAMAGED, CHECK_UNREADABLE };

enum { CHECK_TICK_MS = 3000 };

struct check {
    struct buffer *report;
    const struct data_dir *dir;
    struct tree_options tree;
    int64_t holder;    /* as data_dir_holder */
    int verdict;       /* so far */
    struct bytes told; /* report that need not be repeated */
};

/* The verdict is at least so bad. */
void check_worse(struct check *c, int verdict);

/* Appends "file: text". */
void check_line(struct check *c, const char *file, const char *text);

/* Tries a start in memory and says what it comes to. */
void check_start(struct check *c);
