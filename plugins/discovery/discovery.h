/* discovery.h - the plugin as a whole: what the files that talk to the host share.
 *
 *   plugin.c      start, stop, settings
 *   mirror.c      the subscription to all services, into the catalog; known.c: what is kept of it over a restart
 *   registry.c    the registrations of this host; publish.c: their nodes; store.c: their file
 *   lifetime.c    when a registration ends by itself: its process, its checks
 *   checks.c      the health of this host's checks; define.c: their definitions, on the way to the plugin health
 *   files.c       the drop-in files; file.c: whole files
 *   takeover.c    whose the state directory is around a reload
 *   commands.c    the table of commands; ask.c, register.c, http_sd.c: what they do
 *
 * Below these is what touches nothing: definition, dropin, layout, instance, catalog, guard, query, args, settings. */
#pragma once

#include "plugins/discovery/definition.h"
#include "plugins/discovery/query.h"

#include <zooid_plugin.h>

/* The service id in a check node -> its state. */
struct check_node {
    char *path, *service;
    enum health health;
    bool seen; /* in the snapshot that comes in */
};

struct row;
struct command {
    struct discovery *d;
    const struct row *row;
};

enum { COMMANDS = 9 };

struct discovery {
    struct command commands[COMMANDS];
    const struct zooid_host_api *api;
    zooid_host *host;
    struct settings settings;
    const char *host_name;
    char *address;
    bool connected; /* nothing else is known: there may be no session before something is registered */

    struct catalog *catalog;
    zooid_handle tick, keep; /* timers: a guard has to be looked at; known services are written */

    struct registration **registrations; /* sorted by id */
    size_t registration_count, registration_cap;
    struct node *nodes; /* of registrations, and of those that are just saying good-bye */
    char *maintenance;  /* of the whole host; NULL: none */
    zooid_handle save;  /* timer: the registrations are written */

    struct check_node *checks;
    size_t check_count, check_cap;
    bool checks_incoming;

    char **drops; /* ids whose checks health is still to forget */
    size_t drop_count;
    zooid_handle define_timer, drop_call;
    uint64_t define_due_ms; /* when that timer fires */

    int lock;  /* of the state directory; -1: not opened */
    bool owns; /* it is this process's */
    zooid_handle takeover;
    struct waiting *waiting; /* commands, until it is */
    size_t waiting_count;

    int inotify;
    zooid_handle inotify_ready, files_timer;
    char **bad_files; /* "file: why", to be shown */
    size_t bad_file_count;

    zooid_handle metrics[4];
};

/* One of this host. */
struct registration {
    struct discovery *d;
    struct definition definition;
    char *file;         /* the drop-in file it is from; NULL: a command */
    int64_t uid;        /* whose it is */
    int64_t start_time; /* of its process */
    int pidfd;          /* -1: none */
    zooid_handle process_ended, critical_timer;

    enum health health;
    int64_t since_ms, registered_ms; /* since 1970 */
    char *maintenance;               /* NULL: none of its own */
    bool off;                        /* its checks have been critical for too long */

    struct node *node; /* NULL: it is to have none */
    char *written;     /* what its node is to hold */
    bool held;
    char *trouble; /* why it is not there; NULL: nothing known */

    bool defined;          /* health has its checks, or need not */
    uint64_t try_again_ms; /* after it was not taken; 0: at once */
    char *refusal;         /* why it will not have them; NULL: nothing known */
    zooid_handle define_call;

    zooid_handle waiting; /* the command that made it, until it is in the tree */
    zooid_handle waiting_timer;
};

/* ---- plugin.c */
__attribute__((format(printf, 3, 4))) void discovery_log(struct discovery *d, enum zooid_plugin_level level,
                                                         const char *format, ...);
void discovery_no_memory(struct discovery *d, const char *what);
int64_t discovery_wall_ms(void);
/* (Re)starts a timer that fires once; the handle is cleared by whoever is called. */
void discovery_timer(struct discovery *d, zooid_handle *timer, uint32_t ms, zooid_plugin_timer_fn *fire, void *context);
void discovery_status(struct discovery *d);
void discovery_defaults(struct discovery *d, struct definition_defaults *defaults);

/* ---- mirror.c, known.c */
bool mirror_start(struct discovery *d);
void known_load(struct discovery *d);
/* Writes some of what changed. True: there is more. */
bool known_save(struct discovery *d);

/* ---- registry.c */
struct registration *registry_find(const struct discovery *d, const char *id);
/* Takes the definition over, in every case. What had its id before is changed into it. NULL: there is no room. */
struct registration *registry_put(struct discovery *d, struct definition *definition, const char *file, int64_t uid);
/* `farewell`: on purpose, so that nobody's guard keeps it. Frees it. */
void registry_remove(struct registration *r, bool farewell);
void registry_free(struct discovery *d);
/* The health of its checks has changed. */
void registry_health(struct registration *r, enum health health);
/* In place of the text before; NULL: none. False: out of memory, and it is as it was. */
bool registry_keep(char **place, const char *text);

/* ---- publish.c */
/* Its node becomes what it is to be, which may be nothing. */
void publish(struct registration *r);
void publish_all(struct discovery *d);
/* Takes the node away; with a farewell after it has said so. */
void publish_end(struct registration *r, bool farewell);
void publish_free(struct discovery *d);
const char *publish_state(const struct registration *r); /* one word */
/* Answers the command that waits for it. */
void publish_answer(struct registration *r);

/* ---- store.c */
/* What was there before the restart, its processes looked at. */
void store_load(struct discovery *d);
/* What another process has left there meanwhile. */
void store_reload(struct discovery *d);
/* While the directory is another process's nothing is written; afterwards all is. */
bool store_save(struct discovery *d);
void store_soon(struct discovery *d);

/* ---- takeover.c */
void takeover_start(struct discovery *d);
/* Keeps a command for later. False: there are too many. */
bool takeover_wait(struct command *command, zooid_handle invocation, const char *arguments, size_t len,
                   const char *caller);
void takeover_end(struct discovery *d);

/* ---- lifetime.c */
/* False: `p` says why, as that there is no such process. */
bool lifetime_begin(struct registration *r, struct problem *p);
void lifetime_end(struct registration *r);
void lifetime_health(struct registration *r); /* its health has changed */
int64_t process_start_time(int64_t pid);      /* 0: there is none */
int64_t process_owner(int64_t pid);           /* -1: there is none */

/* ---- checks.c, define.c */
bool checks_start(struct discovery *d);
/* The worst of its checks; false: none of them has said anything. */
bool checks_health(const struct discovery *d, const char *id, enum health *health);
void define_soon(struct discovery *d);
void define_drop(struct discovery *d, const char *id);

/* ---- files.c */
void files_start(struct discovery *d);
void files_stop(struct discovery *d);
/* All of a file, as text. NULL: `why` says it. Free with free(). */
char *file_read(const char *path, size_t max, char *why, size_t why_size);
/* Whole or not at all, also when the machine stops meanwhile. */
bool file_write(const char *path, const char *text, bool durable);

/* ---- commands.c, ask.c, register.c, http_sd.c */
bool commands_start(struct discovery *d);
void command_run(struct command *command, zooid_handle invocation, const char *arguments, size_t len,
                 const char *caller);

struct call {
    struct discovery *d;
    zooid_handle invocation;
    json_t *args;  /* an object */
    json_t *whole; /* the request as it came */
    int64_t uid;   /* of the caller; -1: unknown, as with HTTP */
};

/* Answers with the JSON, which is taken; NULL: out of memory. */
void call_answer(const struct call *call, json_t *json);
void call_refuse(const struct call *call, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
void call_problem(const struct call *call, const struct problem *p);
bool call_may_change(const struct call *call, int64_t owner);

void run_list(struct call *call);
void run_show(struct call *call);
void run_query(struct call *call);
void run_pick(struct call *call);
void run_http_sd(struct call *call);
void run_local(struct call *call);
void run_register(struct call *call);
void run_deregister(struct call *call);
void run_maint(struct call *call);
