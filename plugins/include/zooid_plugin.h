/* zooid_plugin.h - all that a plugin and its host know of each other.
 *
 * A plugin is a shared object that exports one symbol, `zooid_plugin`, and includes no other header of ours. It runs in
 * a process of zooid-plugin-host, which is a client of the agent like any other: what the plugin may read and write is
 * what its user may. The host calls start() with a table of functions; from then on the plugin is called back.
 *
 *     #include <zooid_plugin.h>
 *
 *     static int start(const struct zooid_host_api *api, zooid_host *host, void **state)
 *     {
 *         api->log(host, ZOOID_PLUGIN_INFO, "hello");
 *         return ZOOID_PLUGIN_READY;
 *     }
 *
 *     ZOOID_PLUGIN_EXPORT const struct zooid_plugin zooid_plugin = {
 *         .abi = ZOOID_PLUGIN_ABI, .size = sizeof(struct zooid_plugin), .api_size = sizeof(struct zooid_host_api),
 *         .name = "hello", .version = "1.0", .start = start,
 *     };
 *
 * THREADS. A plugin is called in one thread, and calls the host in that thread only. No call of the host blocks: what
 * takes time ends in a callback, never from within the call that began it. A callback that does not return within the
 * watchdog's time (limits.watchdog_ms) costs the process. HANDLES name what was begun; 0: it could not be, for lack of
 * memory or because an argument is wrong, which is logged; nothing has happened then, and there is no callback.
 * cancel() ends anything by its handle; its callback does not come any more. MEMORY. What is passed in is copied; what
 * is passed to a callback lives until it returns. TEXT is UTF-8, ended by a zero; data is bytes with a length. ABI.
 * ZOOID_PLUGIN_ABI grows when something changes that plugins built before cannot live with, and hosts refuse plugins of
 * another number. Within a number, structs and the host's table grow at their end only, and each begins with its size
 * (zooid_plugin_node and zooid_plugin_stat, which have none, do not grow: what there is more to say of a node stands in
 * the struct that holds it): an older plugin runs in a newer host; one that needs more of the table than the host has
 * is refused, unless it says with a smaller api_size that it can do with less, and looks at api->size before it calls
 * what came later. What came later in a struct that the host fills in is there when the struct's size says so. */
#ifndef ZOOID_PLUGIN_H
#define ZOOID_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ZOOID_PLUGIN_ABI    1
#define ZOOID_PLUGIN_EXPORT __attribute__((visibility("default")))

typedef struct zooid_host zooid_host; /* the plugin's own end of its host */
typedef uint64_t zooid_handle;

struct zooid_host_api;

/* What start() returns. */
enum zooid_plugin_started {
    ZOOID_PLUGIN_READY = 0,
    ZOOID_PLUGIN_STARTING = 1, /* not yet: it calls ready() when it does its work */
    ZOOID_PLUGIN_REFUSED = -1  /* it cannot run so; it has logged why, or said it with config_error() */
};

struct zooid_plugin {
    uint32_t abi;      /* ZOOID_PLUGIN_ABI */
    uint32_t size;     /* sizeof(struct zooid_plugin) */
    uint32_t api_size; /* so much of the host's table it needs */
    const char *name;
    const char *version;
    const char *summary; /* one line, for lists; NULL: none */
    int (*start)(const struct zooid_host_api *api, zooid_host *host, void **state);
    /* Everything begun is cancelled behind it; no callback comes after it. NULL: nothing to do. */
    void (*stop)(void *state);
};

/* ---- the tree
 * ---------------------------------------------------------------------------------------------------------------- */

/* Codes are ZooKeeper's numbers and those of the agent's local protocol (zooid.h has all of them). */
enum zooid_plugin_code {
    ZOOID_PLUGIN_OK = 0,
    ZOOID_PLUGIN_BAD_ARGUMENTS = -8,
    ZOOID_PLUGIN_NO_NODE = -101,
    ZOOID_PLUGIN_NO_AUTH = -102,
    ZOOID_PLUGIN_BAD_VERSION = -103,
    ZOOID_PLUGIN_NODE_EXISTS = -110,
    ZOOID_PLUGIN_NOT_EMPTY = -111,
    ZOOID_PLUGIN_DEADLINE_EXCEEDED = -1001,
    ZOOID_PLUGIN_NOT_SERVING = -1003,
    ZOOID_PLUGIN_NO_SUCH_PROVIDER = -1009,
    ZOOID_PLUGIN_PROVIDER_FAILED = -1010,
    ZOOID_PLUGIN_CONNECTION_LOST = -1013,
    ZOOID_PLUGIN_NO_MEMORY = -1014
};

struct zooid_plugin_stat {
    int64_t czxid, mzxid, pzxid;
    int64_t ctime_ms, mtime_ms; /* since 1970 */
    int32_t version, cversion, aversion;
    int64_t ephemeral_owner;
    int32_t data_length, num_children;
};

struct zooid_plugin_node {
    const char *path; /* NULL: of a part of a multi that has none to tell */
    const void *data; /* NULL: none */
    size_t len;
    struct zooid_plugin_stat stat;
    int code; /* why this one could not be read, or what a part of a multi came to */
};

/* What becomes of a node by itself, with the numbers of zooid.h: an ephemeral one goes with its session, a container
 * with its last child, one with a time to live when that is over. An older agent tells ephemeral nodes alone from
 * others, which are persistent then. */
enum zooid_plugin_node_kind {
    ZOOID_PLUGIN_KIND_PERSISTENT,
    ZOOID_PLUGIN_KIND_EPHEMERAL,
    ZOOID_PLUGIN_KIND_CONTAINER,
    ZOOID_PLUGIN_KIND_TTL
};

enum zooid_plugin_op {
    ZOOID_PLUGIN_GET,
    ZOOID_PLUGIN_EXISTS,
    ZOOID_PLUGIN_LIST,    /* the children: reply->nodes, whose paths are names */
    ZOOID_PLUGIN_SUBTREE, /* the nodes at and below path, at one zxid, parents before children */
    ZOOID_PLUGIN_CREATE,  /* reply->nodes[0].path is the name that it got */
    ZOOID_PLUGIN_SET,
    ZOOID_PLUGIN_DELETE,
    ZOOID_PLUGIN_CHECK, /* in a multi only: the version is that */
    ZOOID_PLUGIN_SYNC,
    ZOOID_PLUGIN_MULTI /* parts: CREATE, SET, DELETE and CHECK, all or none */
};

enum zooid_plugin_flags {
    ZOOID_PLUGIN_EPHEMERAL = 1,
    ZOOID_PLUGIN_SEQUENTIAL = 2,
    ZOOID_PLUGIN_CONTAINER = 4,
    ZOOID_PLUGIN_PARENTS = 8, /* CREATE: what is missing above it is made, as containers */
    ZOOID_PLUGIN_LATEST = 16  /* a read that is linearizable */
};

struct zooid_plugin_request {
    size_t size; /* sizeof(struct zooid_plugin_request) */
    enum zooid_plugin_op op;
    unsigned flags;
    const char *path;
    const void *data;
    size_t len;
    int32_t version;      /* SET, DELETE, CHECK; -1: any */
    uint32_t deadline_ms; /* 0: the agent's own limit */
    const struct zooid_plugin_request *parts;
    size_t part_count;
};

struct zooid_plugin_reply {
    size_t size;
    int code;
    const char *message; /* NULL when code is OK */
    bool retry;          /* the same may succeed later */
    bool outcome_unknown;
    int64_t zxid;
    uint32_t age_ms; /* since the agent's member last heard from its leader */
    const struct zooid_plugin_node *nodes;
    size_t node_count;
    const void *bytes; /* of a call */
    size_t bytes_len;
    const enum zooid_plugin_node_kind *node_kinds; /* as many as nodes; where there is a stat; came later */
};

typedef void zooid_plugin_reply_fn(void *context, const struct zooid_plugin_reply *reply);

enum zooid_plugin_change_kind {
    ZOOID_PLUGIN_CREATED,
    ZOOID_PLUGIN_DELETED,
    ZOOID_PLUGIN_CHANGED,
    ZOOID_PLUGIN_ACL_CHANGED,
    ZOOID_PLUGIN_PRESENT,   /* part of a snapshot */
    ZOOID_PLUGIN_RESET,     /* a snapshot begins: what was told before is void */
    ZOOID_PLUGIN_CAUGHT_UP, /* the snapshot is complete: it is the tree at `zxid` */
    ZOOID_PLUGIN_TXN_END,   /* all changes of the txn `zxid` have been told */
    ZOOID_PLUGIN_ENDED      /* the subscription is over: `code` says why */
};

struct zooid_plugin_change {
    size_t size;
    enum zooid_plugin_change_kind kind;
    struct zooid_plugin_node node; /* of the first five kinds */
    int64_t zxid;
    int code;
    int64_t node_kind; /* a zooid_plugin_node_kind, so wide that the size tells whether it is there; came later */
};

typedef void zooid_plugin_change_fn(void *context, const struct zooid_plugin_change *change);

/* ---- what the agent keeps for the plugin
 * ------------------------------------------------------------------------------------- */

enum zooid_plugin_hold {
    ZOOID_PLUGIN_HELD,       /* the lock is ours (number: the fencing token), the ephemeral node is there */
    ZOOID_PLUGIN_LOST,       /* not any more; it is tried again by itself */
    ZOOID_PLUGIN_HOLD_FAILED /* an error that does not pass by itself; it is tried again all the same */
};

typedef void zooid_plugin_hold_fn(void *context, enum zooid_plugin_hold event, uint64_t number, const char *message);

enum zooid_plugin_session { ZOOID_PLUGIN_SESSION_GOOD, ZOOID_PLUGIN_SESSION_SUSPENDED, ZOOID_PLUGIN_SESSION_LOST };

typedef void zooid_plugin_session_fn(void *context, enum zooid_plugin_session state);

/* ---- children, descriptors, time
 * --------------------------------------------------------------------------------------------- */

/* A program that runs in a process group of its own, which is killed as a whole: at its time-out, when it is cancelled,
 * and what is left of it when the program itself has ended. */
struct zooid_plugin_child {
    size_t size;
    const char *const *argv; /* ended by NULL; argv[0] is looked up in PATH. There is no shell */
    const char *const *env;  /* "NAME=value", ended by NULL; NULL: the host's own */
    const char *directory;   /* NULL: the plugin's state directory, else / */
    const void *input;       /* its standard input */
    size_t input_len;
    uint32_t timeout_ms; /* 0: limits.child_timeout_ms; then SIGKILL */
    uint32_t term_ms;    /* so long before SIGKILL it gets SIGTERM; 0: none */
    uint32_t output_max; /* bytes kept of what it writes to output and error together; 0: limits.child_output. The rest
                            is read away */
    int32_t uid, gid;    /* run as; -1: as the host */
    /* What the program, it alone, gets when it is cancelled or the plugin stops; its group is killed stop_ms later, or
     * when the program has ended. When the plugin stops it is no longer than four fifths of limits.stop_ms, for the
     * plugin's process is killed then. 0: its group is killed at once. */
    int32_t stop_signal;
    uint32_t stop_ms;
};

struct zooid_plugin_child_end {
    size_t size;
    int status; /* exit code; -1: it did not exit by itself, or could not be started */
    int signal; /* that ended it; 0: none */
    bool timed_out;
    bool output_cut;
    const char *failure; /* why it could not be started; NULL: it was */
    const void *output;
    size_t output_len;
    const void *error;
    size_t error_len;
    uint32_t run_ms;
};

typedef void zooid_plugin_child_fn(void *context, const struct zooid_plugin_child_end *end);

typedef void zooid_plugin_timer_fn(void *context);

enum zooid_plugin_ready { ZOOID_PLUGIN_READABLE = 1, ZOOID_PLUGIN_WRITABLE = 2, ZOOID_PLUGIN_HANGUP = 4 };

typedef void zooid_plugin_descriptor_fn(void *context, unsigned ready);

/* ---- what the plugin offers
 * -------------------------------------------------------------------------------------------------- */

enum zooid_plugin_level { ZOOID_PLUGIN_ERROR, ZOOID_PLUGIN_WARNING, ZOOID_PLUGIN_INFO, ZOOID_PLUGIN_DEBUG };

enum zooid_plugin_metric { ZOOID_PLUGIN_COUNTER, ZOOID_PLUGIN_GAUGE };

/* `zooid plugin NAME COMMAND ...`, and with admin HTTP /plugins/NAME/COMMAND. */
struct zooid_plugin_command {
    size_t size;
    const char *name; /* letters, digits, '-', '_', '.' */
    const char *help; /* one line: "NAME [REASON]: puts a service into maintenance" */
    bool admin;       /* only for the admin class and the plugin's own user */
};

/* `arguments` is JSON: {"args": ["a", "b"]} from the command line, {"args": {"name": "value"}} from HTTP, and whatever
 * else a caller agrees on with the plugin. `caller` is "uid:1000". Must be followed by one answer(), then or later. */
typedef void zooid_plugin_command_fn(void *context, zooid_handle invocation, const char *arguments, size_t len,
                                     const char *caller);

/* ---- the host's table
 * -------------------------------------------------------------------------------------------------------- */

struct zooid_host_api {
    uint32_t abi;
    uint32_t size;

    /* -- the plugin itself */
    const char *(*instance)(zooid_host *host);  /* its name: that of its configuration file */
    const char *(*host_name)(zooid_host *host); /* of this machine, or what the configuration calls it */
    /* The `settings` of its configuration as JSON, an object; "{}" without any. */
    const char *(*settings)(zooid_host *host);
    /* Names file and line of what is wrong: `key` as in "checks.[2].interval". To be followed by ZOOID_PLUGIN_REFUSED.
     */
    void (*config_error)(zooid_host *host, const char *key, const char *message);
    /* A directory of its own that outlives it; NULL: the host was given none. */
    const char *(*state_dir)(zooid_host *host);
    void (*log)(zooid_host *host, enum zooid_plugin_level level, const char *line);
    void (*ready)(zooid_host *host);
    /* One line that `zooid plugin` shows beside the name. */
    void (*status)(zooid_host *host, const char *text);
    /* It cannot go on: it is stopped, and started again after a pause that grows. */
    void (*fail)(zooid_host *host, const char *why);
    uint64_t (*now_ms)(zooid_host *host); /* CLOCK_BOOTTIME */
    void (*cancel)(zooid_host *host, zooid_handle handle);

    /* -- the tree, through a session of the plugin's own */
    zooid_handle (*request)(zooid_host *host, const struct zooid_plugin_request *request, zooid_plugin_reply_fn *done,
                            void *context);
    /* Every change at and below the prefixes, as zooid.h's subscriptions have it: a snapshot of all of them at one
     * zxid, then the changes in commit order, none missing and none twice. It outlives reconnects. */
    zooid_handle (*subscribe)(zooid_host *host, const char *const *prefixes, size_t count,
                              zooid_plugin_change_fn *changed, void *context);
    zooid_handle (*call)(zooid_host *host, const char *provider, const char *command, const void *bytes, size_t len,
                         uint32_t deadline_ms, zooid_plugin_reply_fn *done, void *context);
    /* An ephemeral node that is made again whenever it is gone. One at the path of another session of the same plugin,
     * that of the process before a reload, say, is taken over in one txn. cancel() deletes it. */
    zooid_handle (*ephemeral)(zooid_host *host, const char *path, const void *data, size_t len,
                              zooid_plugin_hold_fn *held, void *context);
    int (*ephemeral_set)(zooid_host *host, zooid_handle handle, const void *data,
                         size_t len); /* OK, NO_MEMORY, BAD_ARGUMENTS */
    /* Contends for the lock (kazoo's Lock and Election), again whenever it was lost; cancel() gives it back. What the
     * plugin's process before this one had of it, its place in the queue at least, is taken over, as soon as that
     * process has ended: at a reload by the new one, after a failure by the next one. So who is ready only when it
     * holds a lock cannot be reloaded while it does: the process before goes when the new one is ready. */
    zooid_handle (*lock)(zooid_host *host, const char *path, const char *identifier, zooid_plugin_hold_fn *held,
                         void *context);
    zooid_handle (*session)(zooid_host *host, zooid_plugin_session_fn *changed, void *context);

    /* -- time, children, descriptors */
    zooid_handle (*timer)(zooid_host *host, uint32_t first_ms, uint32_t every_ms, zooid_plugin_timer_fn *fire,
                          void *context);
    zooid_handle (*child)(zooid_host *host, const struct zooid_plugin_child *child, zooid_plugin_child_fn *done,
                          void *context);
    /* The descriptor stays the plugin's; cancel() before it is closed. */
    zooid_handle (*descriptor)(zooid_host *host, int descriptor, unsigned wanted, zooid_plugin_descriptor_fn *ready,
                               void *context);
    int (*descriptor_want)(zooid_host *host, zooid_handle handle, unsigned wanted);

    /* -- what it offers */
    /* `labels`: name, value, name, value ..., NULL; NULL: none. Shown by the command `metrics` that every plugin has,
     * as zooid_plugin_NAME{plugin="instance",...}. */
    zooid_handle (*metric)(zooid_host *host, enum zooid_plugin_metric kind, const char *name, const char *help,
                           const char *const *labels);
    void (*metric_set)(zooid_host *host, zooid_handle metric, double value);
    void (*metric_add)(zooid_host *host, zooid_handle metric, double value);
    zooid_handle (*command)(zooid_host *host, const struct zooid_plugin_command *command, zooid_plugin_command_fn *run,
                            void *context);
    /* `json`: of any kind, a string is printed as text; when `code` is not OK a message. False: nobody waits for it any
     * more. */
    bool (*answer)(zooid_host *host, zooid_handle invocation, int code, const char *json);
};

#ifdef __cplusplus
}
#endif

#endif
