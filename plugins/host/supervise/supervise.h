/* supervise.h - the supervisor: units, each the plugins of one process, watched, restarted, replaced.
 *
 *   supervise.c   the whole: signals, start, stop      reload.c    from one set of files to the next
 *   unit.c        a unit's life                        process.c   one process: started, heard, ended
 *   watch.c       heartbeats, memory, processor, with family.c; watch_state.c  state directories, with state_size.c
 *   log.c         what a process writes
 *   provider.c    the commands of the provider `plugins`
 *   run.c         the process itself, with channel.c, bounds.c and orphans.c */
#pragma once

#include "plugins/host/config_host.h"
#include "plugins/host/host.h"
#include "plugins/host/supervise/channel.h"
#include "plugins/host/supervise/family.h"
#include "plugins/host/supervise/run.h"
#include "plugins/host/supervise/state_size.h"

enum { WHY_MAX = 512, STATUS_MAX = 256 };

struct supervisor;
struct unit;

/* -- what a process writes: log.c
 * -------------------------------------------------------------------------------------- */

struct log_ring {
    char **lines; /* `cap` of them */
    size_t cap, next;
};

struct log_flow {
    char line[8192];
    size_t len;
    uint32_t lines, dropped; /* in this second */
    uint32_t flooded_s;      /* seconds in a row */
    uint64_t second_ms;
};

/* Keeps and prints the lines that are complete; what goes beyond limits.log_lines is counted. */
void log_feed(struct unit *unit, struct log_flow *flow, const char *data, size_t len);
/* Once a second or so: the count of what was left out. */
void log_second(struct unit *unit, struct log_flow *flow, uint64_t now_ms);
void log_say(struct unit *unit, enum zooid_plugin_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void log_ring_free(struct log_ring *ring);

/* -- one process: process.c
 * -------------------------------------------------------------------------------------------- */

enum plugin_state { PLUGIN_STARTING, PLUGIN_READY, PLUGIN_REFUSED, PLUGIN_FAILED };

struct process {
    struct unit *unit;
    char **names; /* of its plugins: the unit's when it was started */
    size_t count;
    struct plugin_limits limits;
    uv_process_t uv;
    uv_pipe_t channel, log;
    unsigned open; /* handles */
    int pid;
    struct channel_reader reader;
    struct log_flow flow;
    enum plugin_state *plugins; /* in the order of the names */
    char (*status)[STATUS_MAX];
    uint64_t started_ms, beat_ms, stop_at_ms; /* stop_at_ms 0: it is not told to end */
    struct family family;
    uint64_t cpu_at_ms, cpu_ms, memory_kb; /* of all of its family */
    uint32_t cpu_percent;
    bool ended, killed, suspect, log_paused;
    char why[WHY_MAX]; /* it was killed for that, or said that itself; "": neither */
};

/* NULL: *why has the reason. */
struct process *process_start(struct unit *unit, enum run_after after, char why[WHY_MAX]);
void process_tell(struct process *process, enum channel_kind kind); /* STOP, HAND_OVER or ALONE */
void process_kill(struct process *process, const char *format, ...) __attribute__((format(printf, 2, 3)));
void process_resume_log(struct process *process);
bool process_is_ready(const struct process *process);   /* all that have not refused */
bool process_is_refused(const struct process *process); /* one has */

/* -- a unit: unit.c
 * ---------------------------------------------------------------------------------------------------- */

enum unit_state { UNIT_STOPPED, UNIT_STARTING, UNIT_RUNNING, UNIT_WAITING, UNIT_REFUSED, UNIT_QUARANTINED };

struct unit {
    struct unit *next;
    struct supervisor *supervisor;
    char *name;   /* of the group, or of its only plugin */
    char **names; /* of its plugins, ended by NULL */
    size_t count;
    struct plugin_limits limits;
    char *fingerprint;
    enum unit_state state;
    struct process *current, *coming; /* coming: takes current's place when it is ready */
    struct process *leaving;          /* it did, and current's predecessor ends */
    uv_timer_t *pause;                /* until it is started again; NULL: none */
    uint32_t restarts, failures;      /* since the process was started first; of all */
    uint64_t failure_ms[64];          /* when the last ones were */
    bool goes;                        /* it is in no file any more, or the supervisor ends */
    bool wanted;                      /* reload.c: it is in a file */
    bool again;                       /* the one that comes is to be replaced, too */
    bool had_process;                 /* one has ended that was this supervisor's */
    char last_failure[WHY_MAX];
    struct log_ring log;
    struct state_look *state_look; /* that is under way; NULL: none */
    uint64_t state_look_at_ms;     /* when the next one is due */
    struct state_size state_size;  /* at the last one */
};

void unit_start(struct unit *unit);
void unit_stop(struct unit *unit); /* it goes: freed when its processes have ended */
/* A new process takes the place of the one that is there when it is ready; also out of quarantine. */
void unit_replace(struct unit *unit);
/* Something about the process has changed. */
void unit_look(struct unit *unit, struct process *process);
/* The process has ended, and is freed behind it. */
void unit_process_ended(struct unit *unit, struct process *process, const char *how);
const char *unit_state_name(const struct unit *unit);

/* -- the whole
 * ---------------------------------------------------------------------------------------------------------- */

struct supervisor {
    uv_loop_t loop;
    uv_signal_t term, interrupt, hangup;
    uv_timer_t tick;
    const char *program, *config_file;
    struct host_config *config;
    struct unit *units;
    struct plugin_config *own_config;
    zooid_host *own; /* provider `plugins` */
    uint64_t orphans_killed;
    bool ends, told_ready;
};

/* Kills what processes that have ended have left behind. */
void supervisor_clear_orphans(struct supervisor *s);
/* Everything has ended that was to: the loop may. */
void supervisor_look(struct supervisor *s);
uint64_t supervisor_now_ms(void);
struct unit *supervisor_unit_of(struct supervisor *s, const char *plugin); /* NULL: none */

/* reload.c: false: the files cannot be read, *why says why, and all is as before. */
bool reload(struct supervisor *s, char why[WHY_MAX]);
void unit_free(struct unit *unit);

/* watch.c: every now and then. */
void watch_unit(struct unit *unit);
/* watch_state.c: the same; and before the unit is freed. */
void watch_state(struct unit *unit, uint64_t now_ms);
void watch_state_end(struct unit *unit);

/* provider.c */
extern const struct zooid_plugin provider_plugin;
void provider_of(struct supervisor *s);
