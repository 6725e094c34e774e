/* disk_sim_internal.h - what the parts of disk_sim share: files and names as programs see them and as they are on the
 * platters. */
#pragma once

#include "tests/support/disk_sim.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum { SECTOR = 512, NAME_CHANGES_MAX = 4096 };

struct inode {
    uint64_t id;
    uint8_t *now, *durable;
    size_t size, durable_size, cap;
    bool *dirty; /* one a sector of cap */
    int links;   /* names, handles and logged changes that point here */
};

struct name {
    char *path;
    struct inode *inode; /* NULL: a directory */
};

struct names {
    struct name *items;
    size_t count, cap;
};

/* A change of names that is not durable: `to` gets the inode (NULL: none), `from` is gone (NULL: none). */
struct name_change {
    char *from, *to;
    struct inode *inode;
};

struct io_file {
    struct disk_sim *disk;
    struct inode *inode;
    struct io_file *next;
};

struct disk_sim {
    struct store_io io;
    struct names now, durable;
    struct name_change *changes;
    size_t change_count;
    struct io_file *files;
    struct disk_fault fault;
    bool has_fault, has_failed, is_off;
    bool is_cutting; /* the power goes in the call that runs now: it may still leave something */
    uint64_t matched;
    uint64_t counts[16];
    uint64_t capacity;
    uint64_t last_inode;
    struct random random; /* what a failed sync leaves unwritten */
};

/* Ends the program when there is no memory. */
void *disk_sim_must(void *block);
char *disk_sim_text(const char *text);

/* -- disk_sim_files.c: what a file is, held by names, handles and changes -- */

struct inode *inode_new(struct disk_sim *d);
void inode_hold(struct inode *n);
void inode_release(struct inode *n);

/* Room for so many bytes; the size itself; bytes at an offset. None of it is durable. */
void inode_reach(struct inode *n, size_t size);
void inode_resize(struct inode *n, size_t size);
void inode_write(struct inode *n, size_t offset, const void *data, size_t len);

/* All of it is durable; or a part, and the rest will never be. */
void inode_sync(struct inode *n);
void inode_sync_fails(struct inode *n, struct random *random);

/* How many choices a power cut has, and the cut. */
size_t inode_choices(const struct inode *n);
void inode_cut(struct inode *n, bool (*keep)(void *, size_t), void *context, size_t *choice);

/* -- the same: names -- */

struct name *names_find(const struct names *names, const char *path);
void names_set(struct names *names, const char *path, struct inode *inode);
void names_unset(struct names *names, const char *path);
void names_free(struct names *names);
void names_copy(struct names *to, const struct names *from);

/* A change that is not durable yet: done to these names, made, forgotten. */
void names_apply(struct names *names, const struct name_change *change);
void names_change(struct disk_sim *d, const char *from, const char *to, struct inode *inode);
void names_forget_change(struct disk_sim *d, size_t i);

/* Is the path one of the directory's own? */
bool names_is_in(const char *path, const char *dir);

/* -- disk_sim_calls.c -- */

struct store_io disk_sim_calls_of(struct disk_sim *d);
void disk_sim_forget_file(struct disk_sim *d, struct io_file *file);
