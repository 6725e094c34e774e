/* disk_sim.h - a disk in memory that forgets what was not synced, and fails where it is told to.
 *
 * Files have what programs see and what is on the platters. A power cut keeps, of everything that was not synced, any
 * part: each 512-byte sector that was written, the change of a file's size, each name that was made, moved or removed,
 * by its own choice bit. Calls can be counted, and the n-th of a kind fail, once or from then on, or cut the power. A
 * sync that fails leaves sectors unwritten that no later sync writes, as real kernels do. Not thread-safe. */
#pragma once

#include "core/store/io.h"
#include "tests/support/random.h"

enum disk_call {
    DISK_OPEN = 1,
    DISK_CLOSE = 2,
    DISK_SIZE = 4,
    DISK_READ = 8,
    DISK_RESERVE = 16,
    DISK_WRITE = 32,
    DISK_TRUNCATE = 64,
    DISK_SYNC = 128,
    DISK_RENAME = 256,
    DISK_REMOVE = 512,
    DISK_MAKE_DIR = 1024,
    DISK_SYNC_DIR = 2048,
    DISK_LIST = 4096,
    DISK_ANY = 8191,
    /* Those after which a power cut can leave something else than before. */
    DISK_CHANGES = DISK_OPEN | DISK_WRITE | DISK_TRUNCATE | DISK_SYNC | DISK_RENAME | DISK_REMOVE | DISK_SYNC_DIR,
};

enum disk_fault_kind {
    DISK_FAIL_ONCE,
    DISK_FAIL_ALWAYS,
    DISK_SHORT_WRITE, /* a part is written, then it fails; from then on every call of the kind does */
    DISK_CUT,         /* the power goes before the call is done: it and all later ones fail until disk_sim_power_cut */
};

struct disk_fault {
    enum disk_fault_kind kind;
    unsigned calls;     /* a set of enum disk_call */
    uint64_t n;         /* the n-th of them, from 1 on */
    enum status status; /* that it returns; ST_IO_ERROR if ST_OK */
};

struct disk_sim; /* opaque */

/* Empty but for the directory "/"; ends the program when memory runs out. */
struct disk_sim *disk_sim_new(void);
void disk_sim_free(struct disk_sim *d);

/* As it is now, without its open files and faults. */
struct disk_sim *disk_sim_copy(const struct disk_sim *d);

const struct store_io *disk_sim_io(struct disk_sim *d);

/* Sets the fault and starts counting anew; NULL: none. */
void disk_sim_fault(struct disk_sim *d, const struct disk_fault *fault);
bool disk_sim_has_failed(const struct disk_sim *d);
uint64_t disk_sim_calls(const struct disk_sim *d, unsigned calls); /* of a kind since the last disk_sim_fault */

/* Bytes that all files together may have; UINT64_MAX, as in the beginning: no limit. */
void disk_sim_capacity(struct disk_sim *d, uint64_t bytes);

/* How many choices a power cut has now. */
size_t disk_sim_choices(const struct disk_sim *d);

/* The power is cut and comes back: the i-th choice keeps its change when `keep(context, i)` says so. Open files are
 * gone. */
void disk_sim_power_cut(struct disk_sim *d, bool (*keep)(void *context, size_t i), void *context);
void disk_sim_power_cut_random(struct disk_sim *d, struct random *random);

/* Files as a program sees them, put and taken without faults, durable at once. One that is there keeps its file_id when
 * it is put over. The slice is valid until the file changes; a missing file gives the null slice. */
void disk_sim_put(struct disk_sim *d, const char *path, struct bytes content);
struct bytes disk_sim_get(struct disk_sim *d, const char *path);
void disk_sim_remove(struct disk_sim *d, const char *path);
void disk_sim_make_dir(struct disk_sim *d, const char *path);

/* Copies the files of a real directory below `path`, which is made. */
void disk_sim_import(struct disk_sim *d, const char *path, const char *real_dir);

/* Calls `fn` for each file with its path. */
void disk_sim_each(struct disk_sim *d, void (*fn)(void *context, const char *path, struct bytes content),
                   void *context);
