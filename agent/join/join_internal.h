/* join_internal.h - what joining and being promoted share. */
#pragma once

#include "agent/disk/data_dir.h"
#include "agent/join/join.h"
#include "agent/join/join_answer.h"
#include "agent/settings/settings.h"

enum { JOIN_UNAVAILABLE = 69, JOIN_CANNOT_WRITE = 73, JOIN_CONFIG = 78 }; /* as sysexits.h has them */

/* The settings of zoo.cfg, or of the command line alone when there is no such file (`is_fresh`). Findings are printed.
 * ST_BAD_ARGUMENTS, ST_IO_ERROR, ST_NO_MEMORY. */
enum status join_load(const struct join_command *command, struct settings **settings, bool *is_fresh);

/* What was answered, to be freed with join_known_free. */
struct join_known {
    struct members *members;
    struct buffer text, here, seed;
    struct join_answer answer; /* points into the others */
};
void join_known_free(struct join_known *known);

enum { JOIN_SEEDS_MAX = 64 }; /* servers to ask */

/* Those that --join names. JOIN_CONFIG: `text` names none, which was printed. */
int join_take_seeds(const char *text, struct join_seed seeds[JOIN_SEEDS_MAX], size_t *count);

/* Asks one after another; runs a loop of its own. JOIN_CONFIG: those that want TLS cannot have it; JOIN_UNAVAILABLE:
 * nobody had an answer. Both were printed. */
int join_ask(const struct settings *settings, const struct join_seed *seeds, size_t count, struct join_known *known);

/* Writes dataDir/myid. An error appends to `message`. */
enum status join_write_id(const struct data_dir *dir, int64_t id, struct buffer *message);

/* Prints "zooid-agent: TEXT" and a line end. */
void join_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
