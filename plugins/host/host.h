/* host.h - one plugin in its host process: what the files of this folder share.
 *
 *   main.c        the command line; foreground.c  one plugin without a supervisor; supervise/  with one; program.h  a
 *                 script, or a prompt
 *   host.c        a plugin from its start to its end
 *   api.c         the host's table, as zooid_plugin.h has it
 *   item.c        what a plugin has begun, by handle
 *   events.c      what the plugin's client hears, handed to whom it is for
 *   config*.c     settings; limits.def has those that bound a plugin, supervision.def those of the supervisor
 *   load*.c       from a file to a descriptor
 *   tree.c, reply.c, call.c, subscribe.c, hold*.c, session.c    the tree
 *   timer.c, child*.c, descriptor.c                             the system
 *   metric.c, command.c, offer.c                                       what a plugin offers
 *   host_lua*.c  scripts, on this table (host_lua_internal.h); lost.c  what else of a client can be lost
 *
 * All of it runs in the loop's thread. Nothing blocks but the last farewell of a plugin that ends (host_free). */
#pragma once

#include "bindings/c/include/zooid.h"
#include "plugins/host/config.h"
#include "plugins/include/zooid_plugin.h"

#include <stdarg.h>
#include <uv.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A log line that is done: without its newline. */
typedef void log_line_fn(void *context, const char *plugin, enum zooid_plugin_level level, const char *line);
/* The plugin has become ready, has called fail(), or has something else to show: look at it. Called from within the
 * plugin's own call; it must not end the plugin then. */
typedef void host_changed_fn(void *context, zooid_host *host);

/* What a process has in common for all its plugins. */
struct host_surroundings {
    uv_loop_t *loop;
    log_line_fn *log;
    host_changed_fn *changed;
    void *context;
};

enum host_state { HOST_LOADED, HOST_STARTING, HOST_READY, HOST_REFUSED, HOST_FAILED, HOST_STOPPED };

/* -- what was begun: item.c -----------------------------------------------------------------------------------------
 */

struct item;

struct item_kind {
    /* Its callback may not come any more. It ends with item_free, then or when what is under way has ended. */
    void (*cancel)(struct item *item);
    /* What it has besides its struct. NULL: nothing. Called by item_free. */
    void (*destroy)(struct item *item);
};

/* First member of whatever a handle names. */
struct item {
    zooid_host *host;
    const struct item_kind *kind;
    zooid_handle handle; /* 0: cancelled, or done */
    struct item *prev, *next;
};

struct item_slot {
    struct item *item;
    uint32_t uses, next_free;
};

struct items {
    struct item *first;
    struct item_slot *slots;
    uint32_t slot_count, slot_cap, free_slot;
};

/* Zeros, with a handle. NULL: out of memory, which has been logged. */
void *item_new(zooid_host *host, const struct item_kind *kind, size_t size);
/* Takes the handle away: from now on nobody can name it. */
void item_retire(struct item *item);
void item_free(struct item *item);
/* NULL: there is none of that kind. */
void *item_find(zooid_host *host, zooid_handle handle, const struct item_kind *kind);
/* The one in a slot, to go over all of a kind while things are begun and cancelled. NULL: none of that kind. */
void *item_at(zooid_host *host, uint32_t slot, const struct item_kind *kind);
/* By its handle, of any kind; harmless for one that is gone. */
void item_cancel(zooid_host *host, zooid_handle handle);
void items_cancel_all(zooid_host *host);
/* What waits for replies that will not come. No callback comes. */
void items_free(zooid_host *host);

/* -- who hears what the client is told: events.c --------------------------------------------------------------------
 */

/* The tag of everything that is submitted to a plugin's client. */
struct listener {
    void (*hear)(struct listener *listener, zooid_event *event); /* the event stays the dispatcher's */
};

bool events_open(zooid_host *host);
void events_close(zooid_host *host);

/* -- a plugin -------------------------------------------------------------------------------------------------------
 */

struct zooid_host {
    struct host_surroundings around;
    const struct plugin_config *config;
    enum host_state state;
    struct zooid_plugin plugin; /* a copy: zeros behind what an older one has */
    void *plugin_state;
    char *file, *state_dir, *sessions_file;
    char *status, *failure; /* what it said last; NULL: nothing */
    zooid_client *client;
    uv_poll_t *events;       /* NULL: closed */
    uv_timer_t *offer_timer; /* NULL: closed, or not needed yet */
    uv_timer_t *heir_timer;  /* NULL: no ephemeral node is waited for */
    zooid_handle offer;      /* that stands, or is to; 0: none */
    bool was_offered;        /* the agent has taken the offer, or said that it does not */
    uint64_t ready_ms;       /* since when it is ready; 0: it is not */
    struct items items;
    uint32_t children;  /* that run */
    bool hands_over;    /* another process takes over what is held: nothing of that is given back when it stops */
    int64_t session_id; /* the one that was noted last */
    int64_t sessions_before[8];
    size_t sessions_before_count;
};

/* Loads the file and opens the client, without calling the plugin. NULL: *why, which is the caller's, says why. The
 * configuration has to outlive it. */
zooid_host *host_new(const struct host_surroundings *around, const struct plugin_config *config, const char *file,
                     char **why);
/* The same of a descriptor that is there already, and lives as long. */
zooid_host *host_new_of(const struct host_surroundings *around, const struct plugin_config *config,
                        const struct zooid_plugin *plugin, const char *file, char **why);
/* Calls start(). The state afterwards: STARTING, READY, REFUSED or FAILED. */
void host_start(zooid_host *host);
/* Calls stop() and ends all that was begun; may be called in every state but from within the plugin's calls. */
void host_stop(zooid_host *host);
/* When it is stopped, and the loop has turned until nothing of it is left. hand_over: its session stays for its linger
 * time, so that another process can take over what it holds. */
void host_free(zooid_host *host, bool hand_over);

void host_log(zooid_host *host, enum zooid_plugin_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Logs that memory ran out while `what`. */
void host_no_memory(zooid_host *host, const char *what);
/* Replaces the text of a member; the old one stays when memory runs out. */
void host_keep_text(zooid_host *host, char **member, const char *text);
uint64_t host_now_ms(zooid_host *host);

extern const struct zooid_host_api host_api;

/* -- the functions of the table, by file -----------------------------------------------------------------------------
 */

/* tree.c */
zooid_handle tree_request(zooid_host *host, const struct zooid_plugin_request *raw, zooid_plugin_reply_fn *done,
                          void *context);
/* call.c */
zooid_handle call_begin(zooid_host *host, const char *provider, const char *command, const void *bytes, size_t len,
                        uint32_t deadline_ms, zooid_plugin_reply_fn *done, void *context);
/* subscribe.c */
zooid_handle subscribe_begin(zooid_host *host, const char *const *prefixes, size_t count,
                             zooid_plugin_change_fn *changed, void *context);
/* hold_ephemeral.c, hold_lock.c */
zooid_handle hold_ephemeral(zooid_host *host, const char *path, const void *data, size_t len,
                            zooid_plugin_hold_fn *held, void *context);
void hold_ephemeral_end(zooid_host *host); /* at the plugin's end */
int hold_ephemeral_set(zooid_host *host, zooid_handle handle, const void *data, size_t len);
zooid_handle hold_lock(zooid_host *host, const char *path, const char *identifier, zooid_plugin_hold_fn *held,
                       void *context);
/* Locks, those of scripts included, take over what the processes of the plugin before this one have, once they have
 * ended: `now`. Until then they wait. */
void host_inherit_locks(zooid_host *host, bool now);
/* An object of the client has lost what it held. */
void hold_lost(zooid_host *host, zooid_event *event);
/* session.c */
zooid_handle session_follow(zooid_host *host, zooid_plugin_session_fn *changed, void *context);
void session_changed(zooid_host *host, enum zooid_session_state state);
/* From the file. True: they are not those that were known. */
bool session_read_before(zooid_host *host);
/* timer.c, child.c, descriptor.c */
zooid_handle timer_begin(zooid_host *host, uint32_t first_ms, uint32_t every_ms, zooid_plugin_timer_fn *fire,
                         void *context);
zooid_handle child_begin(zooid_host *host, const struct zooid_plugin_child *raw, zooid_plugin_child_fn *done,
                         void *context);
zooid_handle descriptor_begin(zooid_host *host, int descriptor, unsigned wanted, zooid_plugin_descriptor_fn *ready,
                              void *context);
int descriptor_want(zooid_host *host, zooid_handle handle, unsigned wanted);
bool host_has_child(zooid_host *host, int pid);
/* metric.c */
zooid_handle metric_new(zooid_host *host, enum zooid_plugin_metric kind, const char *name, const char *help,
                        const char *const *labels);
void metric_set(zooid_host *host, zooid_handle metric, double value);
void metric_add(zooid_host *host, zooid_handle metric, double value);
/* All of them in Prometheus' text format; the caller's. NULL: out of memory. */
char *metrics_text(zooid_host *host);
/* command.c */
zooid_handle command_new(zooid_host *host, const struct zooid_plugin_command *raw, zooid_plugin_command_fn *run,
                         void *context);
/* offer.c */
bool offer_answer(zooid_host *host, zooid_handle invocation, int code, const char *json);

/* -- loading: load.c -------------------------------------------------------------------------------------------------
 */

/* A file becomes a descriptor. NULL: *why, which is the caller's, says why not. */
typedef const struct zooid_plugin *load_fn(const char *file, char **why);

load_fn load_file; /* by its suffix */
load_fn load_c;    /* load_c.c */
load_fn load_lua;  /* host_lua_plugin.c */

/* Text that is the caller's; NULL: out of memory. */
char *text_of(const char *format, ...) __attribute__((format(printf, 1, 2)));
