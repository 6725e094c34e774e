/* check.h - one check of this host: its definition, what is known of it, and its run; and the table of all. */
#pragma once

#include "plugins/health/definition.h"
#include "plugins/health/schedule.h"
#include "plugins/health/state.h"

#include <zooid_plugin.h>

struct health;
struct transfer;

/* What a run came to. `output` need not be clean; NULL: none. */
struct check_result {
    enum check_status status;
    bool certain; /* nothing more has to be waited for: see state.h */
    const void *output;
    size_t output_len;
};

/* The one that is under way. */
struct check_run {
    bool active;
    uint64_t started_ms;
    zooid_handle handle;       /* of a child or a call */
    struct transfer *transfer; /* of HTTP and TCP */
};

/* A process that is watched between runs. */
struct watched_process {
    int descriptor; /* -1: none */
    int64_t pid;
    zooid_handle handle;
};

/* Its node in the tree. */
struct check_node {
    zooid_handle handle;
    bool stale;          /* the output in it is not the latest */
    bool owed;           /* it is that of the process before yet: see takeover.c */
    uint64_t written_ms; /* host's time */
    zooid_handle later;  /* timer that writes the latest */
};

struct check {
    struct schedule_entry due; /* first: see runs.c */
    struct health *health;
    struct definition *definition;
    bool from_settings; /* else by a command, which is kept on disk */
    int64_t owner;      /* the user that defined it; -1: the settings */
    bool touched;       /* defined, or told how it is, since this process has started */
    struct check_state state;
    char *output; /* NULL: none yet */
    uint64_t last_run_ms, last_duration_ms;
    struct check_run run;
    struct watched_process watched;
    struct check_node node;
    zooid_handle *waiting; /* invocations of the command `run` */
    size_t waiting_count;
};

/* Takes the definition; NULL: no memory, then it does not. */
struct check *check_new(struct health *health, struct definition *definition, uint64_t wall_ms);
void check_free(struct check *check); /* of what it has begun nothing may be left */

/* ---- the table, ordered by id
 * ------------------------------------------------------------------------------------------------ */

struct checks {
    struct check **rows;
    size_t count, capacity;
};

struct check *checks_find(const struct checks *checks, const char *id); /* NULL: there is none */
bool checks_add(struct checks *checks, struct check *check);            /* false: no memory */
void checks_remove(struct checks *checks, const struct check *check);
