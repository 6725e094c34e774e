/* health.h - the plugin as a whole: what its parts share, and what they ask of each other. */
#pragma once

#include "plugins/health/check.h"
#include "plugins/health/type.h"

#include <zooid_plugin.h>

struct command;
struct later;
struct numbers;
struct saver;
struct transfers;

struct health_settings {
    struct definition_limits checks;
    char *base_path;
    int64_t checks_max, runs_max;
    int64_t output_interval_ms, save_interval_ms;
    int64_t jitter_percent, start_spread_ms, late_ms;
    char **trusted_users;
    json_t *definitions;
};

struct health {
    const struct zooid_host_api *api;
    zooid_host *host;
    struct health_settings settings;
    struct checks checks;
    struct schedule *schedule;
    struct transfers *transfers;
    struct numbers *numbers;
    struct saver *saver; /* NULL: there is no directory to keep anything in */
    struct command *commands;
    json_t *records_file, *records; /* while it starts or takes over: what was known of the checks, by id */
    json_t *dropped;     /* ids of checks that were dropped since the start; NULL: none, or nothing more to take over */
    struct later *later; /* questions that wait for the process before: later.c */
    bool stopping;
    /* runs.c */
    zooid_handle alarm;
    uint64_t alarm_ms; /* when it rings; 0: it is not set */
    int64_t running;
    bool pumping;
};

uint64_t wall_ms(void); /* since 1970 */

/* ---- settings.c: the plugin's own section
 * ----------------------------------------------------------------------------------- */

/* Fills `settings`, to be given to health_settings_free() in either case. */
bool health_settings_read(struct health_settings *settings, const char *json, struct complaint *complaint);
void health_settings_free(struct health_settings *settings);

/* ---- runs.c: when what runs
 * ------------------------------------------------------------------------------------------------- */

/* The first run of a check: soon when nothing is known of it, within its interval else; the end of a heartbeat after
 * ttl_left_ms, or its whole time when that is below 0. False: no memory. */
bool runs_begin(struct check *check, int64_t ttl_left_ms);
/* Now, or when the run that is under way has ended: then that one counts. False: no memory. */
bool runs_now(struct check *check);
/* Called by a type when the run ends that its start() began. */
void run_end(struct check *check, const struct check_result *result);
void run_end_text(struct check *check, enum check_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same, with what its counterpart has said below it, which may be any bytes. */
void run_end_bytes(struct check *check, enum check_status status, const void *bytes, size_t len, const char *format,
                   ...) __attribute__((format(printf, 5, 6)));
/* A result without a run: a heartbeat, or the end of a process. */
void check_heard(struct check *check, const struct check_result *result);
/* Nothing of the check is under way any more. */
void runs_leave(struct check *check);
/* What the types' start and cancel functions have in common. */
bool run_start_transfer(struct check *check, struct transfer *transfer);
void run_cancel_transfer(struct check *check);
void run_cancel_handle(struct check *check);

/* ---- nodes.c: what the tree shows
 * ------------------------------------------------------------------------------------------- */

/* Shows the check as it is; a change of its output alone not before output_interval_ms are over. */
void node_write(struct check *check, bool changed);
void node_remove(struct check *check);
/* {"id", "name", "type", "service", "status", "output", "since", "host"}; NULL: no memory. */
json_t *check_report(const struct check *check);

/* ---- define.c: checks come and go
 * ------------------------------------------------------------------------------------------- */

enum define_outcome { DEFINE_OK, DEFINE_BAD, DEFINE_FORBIDDEN, DEFINE_NO_MEMORY };

/* Takes `definition`: adds the check, with what was known of it before a restart, or gives it to the one that there is,
 * whose state stays when its type does. `owner` is the user that asked for it; -1: the settings. */
enum define_outcome define_check(struct health *health, struct definition *definition, int64_t owner,
                                 bool from_settings, struct complaint *complaint);
void drop_check(struct check *check);

/* Those of the settings; false: `complaint` says which one is wrong. Then those that commands had defined. */
bool define_from_settings(struct health *health, struct complaint *complaint);
void define_all_kept(struct health *health);
void define_kept(struct health *health, const char *id, const json_t *object);
/* What was kept of the check, if anything was. Returns how much of a heartbeat's time is left; -1: all of it. */
int64_t restore_check(struct check *check);

/* May this user define what acts with the plugin's own rights, and change what others have defined? */
bool user_trusted(const struct health *health, int64_t user);
bool user_may_change(const struct check *check, int64_t user);

/* ---- commands.c, takeover.c, save.c
 * ------------------------------------------------------------------------------------------------------ */

bool commands_offer(struct health *health);
/* Answers those who asked for a run of this check, which has ended. */
void commands_answer_runs(struct check *check);

/* The process before has ended and left this file: what it was told while this one was starting counts, too. */
void take_over(struct health *health, const json_t *file);

/* Something that is kept over a restart has changed. */
void save_soon(struct health *health);
