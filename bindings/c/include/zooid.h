/* zooid.h - libzooid: the znode tree, sessions and watches, through the agent on this host.
 *
 * A client is one connection to the agent's local socket, made in the background and made again when it breaks;
 * session, watches and subscriptions outlive a reconnect. Every operation is a request. It can be performed (the caller
 * waits) or submitted (its reply becomes an event in the client's queue, which has a pollable descriptor). Both forms
 * take a deadline in milliseconds from the call; ZOOID_NO_DEADLINE waits as long as the agent's own limit allows. What
 * went wrong is in the reply: a code, a text, the path, whether trying again helps, and whether the request may have
 * taken effect.
 *
 *     zooid_client *client = NULL;
 *     zooid_reply *reply = NULL;
 *     if (zooid_open(&client, NULL, &reply) == ZOOID_OK && zooid_get(client, "/app", 1000, &reply) == ZOOID_OK)
 *         use(zooid_reply_data(reply), zooid_reply_data_len(reply));
 *     else
 *         complain(zooid_reply_message(reply));
 *
 * THREADS. All functions may be called from any thread, on the same client too, except that one object that was handed
 * out (a request, a reply, an event) belongs to one thread at a time. Nothing calls back into user code, except the log
 * function. Callers that wait drive the socket themselves; one thread of the library's own, with all signals blocked,
 * drives it while nobody waits. FORK. A client is of no use in a child: there every call answers ZOOID_CONNECTION_LOST,
 * what is asked of its state is 0, and zooid_close only frees memory. MEMORY. What a function returns as `const`
 * belongs to the object it was asked of and lives as long. NULL may be freed. Functions that make something return
 * NULL, or ZOOID_NO_MEMORY, when memory runs out; nothing has happened then. TEXT. Paths and names are UTF-8, ended by
 * a zero; data is bytes with a length. ABI. Structs that the caller fills begin with their own size (use the _INIT
 * macros), so that they can grow. */
#ifndef ZOOID_H
#define ZOOID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef ZOOID_API
#define ZOOID_API __attribute__((visibility("default")))
#endif

/* The version of all that is built from this source: agent, packages and bindings take it from here. */
#define ZOOID_VERSION_MAJOR 0
#define ZOOID_VERSION_MINOR 1
#define ZOOID_VERSION_PATCH 0

/* The three as text, "0.1.0". */
#define ZOOID_VERSION ZOOID_VERSION_OF(ZOOID_VERSION_MAJOR, ZOOID_VERSION_MINOR, ZOOID_VERSION_PATCH)

#define ZOOID_VERSION_OF(major, minor, patch)   ZOOID_VERSION_DOTS(major, minor, patch)
#define ZOOID_VERSION_DOTS(major, minor, patch) #major "." #minor "." #patch

/* Of the library that is loaded: "0.1.0". */
ZOOID_API const char *zooid_version(void);

#define ZOOID_NO_DEADLINE UINT32_MAX

/* ---- codes
 * -------------------------------------------------------------------------------------------------------------- */

/* NAME, number, text. Numbers from -1 to -127 are ZooKeeper's. */
#define ZOOID_CODES(CODE)                                                                     \
    CODE(OK, 0, "ok")                                                                         \
    CODE(SYSTEM_ERROR, -1, "system error")                                                    \
    CODE(NOT_RUN, -2, "not run: an earlier operation of the multi failed")                    \
    CODE(MALFORMED, -5, "the request cannot be decoded")                                      \
    CODE(UNIMPLEMENTED, -6, "the agent does not know this operation")                         \
    CODE(BAD_ARGUMENTS, -8, "bad arguments")                                                  \
    CODE(NEW_CONFIG_NO_QUORUM, -13, "no synced quorum of the new configuration")              \
    CODE(RECONFIG_IN_PROGRESS, -14, "a reconfiguration is in progress")                       \
    CODE(NO_NODE, -101, "no such node")                                                       \
    CODE(NO_AUTH, -102, "not permitted by the node's ACL")                                    \
    CODE(BAD_VERSION, -103, "version does not match")                                         \
    CODE(NO_CHILDREN_FOR_EPHEMERALS, -108, "ephemeral nodes have no children")                \
    CODE(NODE_EXISTS, -110, "node exists")                                                    \
    CODE(NOT_EMPTY, -111, "node has children")                                                \
    CODE(SESSION_EXPIRED, -112, "the session is over")                                        \
    CODE(INVALID_ACL, -114, "invalid ACL")                                                    \
    CODE(AUTH_FAILED, -115, "authentication failed")                                          \
    CODE(SESSION_MOVED, -118, "the session has moved to another server")                      \
    CODE(READ_ONLY, -119, "the member is cut off and serves only reads")                      \
    CODE(EPHEMERAL_ON_LOCAL_SESSION, -120, "ephemeral node on a local session")               \
    CODE(NO_WATCH, -121, "no such watch")                                                     \
    CODE(RECONFIG_DISABLED, -123, "reconfiguration is disabled")                              \
    CODE(SESSION_CLOSED_REQUIRE_AUTH, -124, "session closed: authentication is required")     \
    CODE(QUOTA_EXCEEDED, -125, "quota exceeded")                                              \
    CODE(THROTTLED, -127, "the request waited too long, or the audit log is full")            \
    CODE(DEADLINE_EXCEEDED, -1001, "the deadline has passed")                                 \
    CODE(CANCELLED, -1002, "cancelled")                                                       \
    CODE(NOT_SERVING, -1003, "the member has no leader, or is not in step with it yet")       \
    CODE(STALE, -1004, "the replica could not become as fresh as was asked")                  \
    CODE(NOT_CHANGED, -1005, "not changed")                                                   \
    CODE(NOT_PERMITTED, -1006, "this user may not do that here")                              \
    CODE(LIMIT_REACHED, -1007, "a limit is reached")                                          \
    CODE(WRONG_VERSION, -1008, "agent and library have no version of the protocol in common") \
    CODE(NO_SUCH_PROVIDER, -1009, "nobody provides that")                                     \
    CODE(PROVIDER_FAILED, -1010, "the provider went away before it answered")                 \
    CODE(STOPPING, -1011, "the agent stops")                                                  \
    CODE(FELL_BEHIND, -1012, "the client did not read what it was sent")                      \
    CODE(CONNECTION_LOST, -1013, "no connection to the agent")                                \
    CODE(NO_MEMORY, -1014, "out of memory")                                                   \
    CODE(NOT_HELD, -1015, "not held: it was never acquired, or it was lost")                  \
    CODE(CLOSED, -1016, "the client or object is closed")                                     \
    CODE(PROVIDER_EXISTS, -1017, "somebody else provides under that name")                    \
    CODE(PROVIDER_REPLACED, -1018, "another has taken the name over")

enum zooid_code {
#define ZOOID_CODE(name, number, text) ZOOID_##name = number,
    ZOOID_CODES(ZOOID_CODE)
#undef ZOOID_CODE
};

/* "NO_NODE"; "UNKNOWN" for a number that is in no list. Static. */
ZOOID_API const char *zooid_code_name(int code);
/* "no such node". Static. */
ZOOID_API const char *zooid_code_text(int code);

typedef struct zooid_client zooid_client;
typedef struct zooid_request zooid_request;
typedef struct zooid_reply zooid_reply;
typedef struct zooid_event zooid_event;

/* Names a submitted request within its client. 0: it could not be submitted for lack of memory, or the client is
 * closed. */
typedef uint64_t zooid_ticket;

/* ---- the client
 * ---------------------------------------------------------------------------------------------------------- */

enum zooid_log_level { ZOOID_LOG_ERROR, ZOOID_LOG_WARNING, ZOOID_LOG_INFO, ZOOID_LOG_DEBUG };

/* Called from whichever thread drives the socket; must return soon and must not call the library. */
typedef void zooid_log_fn(void *context, enum zooid_log_level level, const char *line);

struct zooid_options {
    size_t size;
    const char *socket;  /* path; NULL: $ZOOID_SOCKET, else /run/zooid/zooid.sock */
    const char *name;    /* who this is, for the agent's reports; NULL: the program's name */
    uint32_t connect_ms; /* zooid_open waits so long for the agent; 0: it does not wait, requests do */
    uint32_t session_timeout_ms;
    zooid_log_fn *log; /* NULL: nowhere */
    void *log_context;
    /* The agent keeps the session for so long when the process has ended, or has closed the client, so that another one
     * may take it up (zooid.localLingerMax is the limit). 0: it ends with the process. */
    uint32_t linger_ms;
    /* The session ends when this client asks for nothing in so long a time, as when its process is stopped or hangs; it
     * has to be short of the time-out to be of use. 0: a process that is stopped keeps its session. */
    uint32_t watchdog_ms;
    /* A session to take up, as zooid_session_id and zooid_session_token told it of another client. When it is gone, an
     * event says that it is LOST, and a new one is opened. 0: none. */
    int64_t resume_id;
    const void *resume_token;
    size_t resume_token_len;
    /* So many logins (zooid_request_auth) are made again after a reconnect, 4096 at most; what goes beyond is lost with
     * the connection, which the log tells when the login is made. */
    uint32_t logins_max;
    /* For how many microseconds who waits for an answer stays awake, before the process sleeps until it is woken, as
     * long as answers have come within half of such a time: to sleep and be woken takes longer than most reads. 0: it
     * sleeps at once. ZOOID_AWAKE_USUAL: what $ZOOID_AWAKE_US says, else 100. 10000 at most. */
    uint32_t awake_us;
};

#define ZOOID_AWAKE_USUAL UINT32_MAX

#define ZOOID_OPTIONS_INIT                                                                                         \
    {                                                                                                              \
        sizeof(struct zooid_options), NULL, NULL, 5000, 30000, NULL, NULL, 0, 0, 0, NULL, 0, 16, ZOOID_AWAKE_USUAL \
    }

/* `options` may be NULL. On failure `*why`, unless NULL was given, is a reply that says so; it is the caller's. Errors:
 * CONNECTION_LOST (no agent there), WRONG_VERSION, NOT_PERMITTED, DEADLINE_EXCEEDED, BAD_ARGUMENTS, NO_MEMORY. */
ZOOID_API int zooid_open(zooid_client **out, const struct zooid_options *options, zooid_reply **why);

/* Closes the session (unless it has a linger: then the agent keeps it for so long), answers open requests with CLOSED,
 * and frees the client. Objects made from it (locks, subscriptions ...) must have been freed before. No other thread
 * may be using it. */
ZOOID_API void zooid_close(zooid_client *client);

/* The first half of zooid_close, for a program that closes in one thread while others wait in calls: the session is
 * closed, every open request is answered with CLOSED, zooid_next_event returns NULL, and so does every later call. What
 * is left is to call zooid_close when the last one has returned. May be called again. */
ZOOID_API void zooid_shutdown(zooid_client *client);

enum zooid_session_state { ZOOID_SESSION_NONE, ZOOID_SESSION_GOOD, ZOOID_SESSION_SUSPENDED, ZOOID_SESSION_LOST };

/* The state as it is known here. A session whose good_until has passed counts as suspended. */
ZOOID_API enum zooid_session_state zooid_session_state(const zooid_client *client);
ZOOID_API int64_t zooid_session_id(const zooid_client *client); /* 0: none */
/* What proves to the agent that the session is ours; keep it as secret as a password. Returns its length, 0 without a
 * session, and copies it when it fits into `size` bytes; 64 always suffice. */
ZOOID_API size_t zooid_session_token(const zooid_client *client, void *token, size_t size);
/* CLOCK_BOOTTIME in milliseconds: until then the ensemble does not expire the session. */
ZOOID_API uint64_t zooid_session_good_until_ms(const zooid_client *client);
ZOOID_API uint32_t
zooid_client_port(const zooid_client *client); /* where the agent speaks ZooKeeper's protocol; 0: nowhere */
/* Makes the logins of another client in this one too, one after the other, each within the deadline; they are repeated
 * after a reconnect as those of its own. For a second connection that is to be allowed as much as the first one; what
 * `from` logs in as later does not come along. Returns the code of the first that is refused, whose reply it is. Any
 * thread. */
ZOOID_API int zooid_repeat_logins(zooid_client *client, zooid_client *from, uint32_t deadline_ms, zooid_reply **reply);
/* The highest zxid that this client has seen. */
ZOOID_API int64_t zooid_last_zxid(const zooid_client *client);

/* ---- requests
 * ------------------------------------------------------------------------------------------------------------- */

/* What a read must be: see local.proto. Zero: local. */
struct zooid_freshness {
    bool latest;         /* linearizable */
    int64_t zxid_min;    /* 0: any */
    uint32_t age_max_ms; /* 0: any */
};

enum zooid_node_kind { ZOOID_PERSISTENT, ZOOID_EPHEMERAL, ZOOID_CONTAINER, ZOOID_TTL };

enum { ZOOID_PERM_READ = 1, ZOOID_PERM_WRITE = 2, ZOOID_PERM_CREATE = 4, ZOOID_PERM_DELETE = 8, ZOOID_PERM_ADMIN = 16 };
enum { ZOOID_PERM_ALL = 31, ZOOID_ANY_VERSION = -1 };

enum zooid_watch_mode { ZOOID_WATCH_PERSISTENT, ZOOID_WATCH_RECURSIVE };

/* One for each operation; to be filled further, then performed or submitted, which takes it over, or freed. */
ZOOID_API zooid_request *zooid_request_get(const char *path);
ZOOID_API zooid_request *zooid_request_exists(const char *path);
/* All children, in pages underneath; after/limit of zooid_request_set_page ask for one page. */
ZOOID_API zooid_request *zooid_request_list(const char *path);
ZOOID_API zooid_request *zooid_request_get_acl(const char *path);
ZOOID_API zooid_request *zooid_request_read_many(void); /* then zooid_request_add_path */
/* With zooid_request_add_path several, all at one zxid: each node once, in the order of the tree; of those paths some
 * may be missing. */
ZOOID_API zooid_request *zooid_request_subtree(const char *path, uint32_t depth);
ZOOID_API zooid_request *zooid_request_ephemerals(const char *prefix);
ZOOID_API zooid_request *zooid_request_count_descendants(const char *path);
ZOOID_API zooid_request *zooid_request_sync(const char *path);
ZOOID_API zooid_request *zooid_request_wait(int64_t zxid);
ZOOID_API zooid_request *zooid_request_create(const char *path, const void *data, size_t len,
                                              enum zooid_node_kind kind);
ZOOID_API zooid_request *zooid_request_delete(const char *path, int32_t version);
ZOOID_API zooid_request *zooid_request_set(const char *path, const void *data, size_t len, int32_t version);
ZOOID_API zooid_request *zooid_request_check(const char *path, int32_t version); /* within a multi */
ZOOID_API zooid_request *zooid_request_set_acl(const char *path, int32_t version);
ZOOID_API zooid_request *zooid_request_multi(void); /* then zooid_request_add */
ZOOID_API zooid_request *zooid_request_reconfigure(const char *joining, const char *leaving, const char *members,
                                                   int64_t config);
/* Logs in, for the life of the client: it is repeated after a reconnect (the first options.logins_max of them). Other
 * connections, as of another client that subscribes, know nothing of it: see zooid_repeat_logins. */
ZOOID_API zooid_request *zooid_request_auth(const char *scheme, const void *auth, size_t len);
ZOOID_API zooid_request *zooid_request_who_am_i(void);
/* Of the admin server: the reply's data is its answer, JSON text. "server_stats", "connections" ... */
ZOOID_API zooid_request *zooid_request_command(const char *name);
ZOOID_API zooid_request *zooid_request_open_session(void);
ZOOID_API zooid_request *zooid_request_close_session(void);
ZOOID_API zooid_request *zooid_request_add_watch(const char *path, enum zooid_watch_mode mode);
ZOOID_API zooid_request *zooid_request_remove_watch(const char *path); /* every kind of this path */
ZOOID_API zooid_request *zooid_request_subscribe(const char *prefix);  /* only to be submitted; see below */
/* Of a command that another client offers; see "calls" below. */
ZOOID_API zooid_request *zooid_request_call(const char *provider, const char *command, const void *data, size_t len);
ZOOID_API zooid_request *zooid_request_provide(const char *name, const char *description); /* only to be submitted */
/* Lines of the agent's log from now on, up to the level: "error", "warn", "info", "debug", "trace", whether or not the
 * log itself has them; each a ZOOID_EVENT_LOG, until it is cancelled. For those whom zooid.localAdmin names. It goes on
 * after a reconnect. Only to be submitted; the deadline is not looked at. */
ZOOID_API zooid_request *zooid_request_monitor(const char *level);
ZOOID_API void zooid_request_free(zooid_request *request);

/* Each returns ZOOID_OK, NO_MEMORY, or BAD_ARGUMENTS when the operation has no such thing. */
ZOOID_API int zooid_request_set_watch(zooid_request *request); /* get, exists, list: one event when it changes */
ZOOID_API int zooid_request_set_freshness(zooid_request *request, const struct zooid_freshness *freshness);
ZOOID_API int zooid_request_set_if_changed_since(zooid_request *request, int64_t zxid); /* get, list */
ZOOID_API int zooid_request_set_page(zooid_request *request, const char *after, uint32_t limit);
ZOOID_API int zooid_request_set_with_nodes(zooid_request *request);    /* list: data and stat of each child */
ZOOID_API int zooid_request_set_with_children(zooid_request *request); /* read_many: names of each one's children */
ZOOID_API int zooid_request_set_without_data(zooid_request *request);  /* subtree, subscribe */
ZOOID_API int zooid_request_set_sequential(zooid_request *request);    /* create */
ZOOID_API int zooid_request_set_ttl(zooid_request *request, int64_t ttl_ms);
ZOOID_API int zooid_request_add_acl(zooid_request *request, unsigned perms, const char *scheme, const char *id);
ZOOID_API int zooid_request_add_path(zooid_request *request, const char *path); /* read_many, subtree, subscribe */
/* `write` (create, delete, set, check) is taken over, also on failure. */
ZOOID_API int zooid_request_add(zooid_request *multi, zooid_request *write);

/* Waits for the reply, which is the caller's, whatever it says (NULL only with NO_MEMORY). Returns its code. `request`
 * is taken over; NULL, as when it could not be made, is NO_MEMORY. `reply` may be NULL. */
ZOOID_API int zooid_perform(zooid_client *client, zooid_request *request, uint32_t deadline_ms, zooid_reply **reply);

/* The reply comes as an event ZOOID_EVENT_REPLY with this ticket and tag, exactly once, whatever happens. */
ZOOID_API zooid_ticket zooid_submit(zooid_client *client, zooid_request *request, uint32_t deadline_ms, void *tag);

/* Its reply will be CANCELLED, unless it has been made already. Harmless for any ticket. */
ZOOID_API void zooid_cancel(zooid_client *client, zooid_ticket ticket);

/* The usual ones, each make and perform in one. `reply` may be NULL. */
ZOOID_API int zooid_get(zooid_client *client, const char *path, uint32_t deadline_ms, zooid_reply **reply);
ZOOID_API int zooid_exists(zooid_client *client, const char *path, uint32_t deadline_ms, zooid_reply **reply);
ZOOID_API int zooid_list(zooid_client *client, const char *path, uint32_t deadline_ms, zooid_reply **reply);
ZOOID_API int zooid_set(zooid_client *client, const char *path, const void *data, size_t len, int32_t version,
                        uint32_t deadline_ms, zooid_reply **reply);
ZOOID_API int zooid_create(zooid_client *client, const char *path, const void *data, size_t len,
                           enum zooid_node_kind kind, uint32_t deadline_ms, zooid_reply **reply);
ZOOID_API int zooid_delete(zooid_client *client, const char *path, int32_t version, uint32_t deadline_ms,
                           zooid_reply **reply);
ZOOID_API int zooid_sync(zooid_client *client, uint32_t deadline_ms, zooid_reply **reply);
/* Creates what is missing of the path, persistent and empty. OK when all is there. */
ZOOID_API int zooid_ensure_path(zooid_client *client, const char *path, uint32_t deadline_ms, zooid_reply **reply);
/* The node and all below it; not atomic: what is created meanwhile may make it NOT_EMPTY. OK when nothing was there. */
ZOOID_API int zooid_delete_recursive(zooid_client *client, const char *path, uint32_t deadline_ms, zooid_reply **reply);
/* These two submitted: they take more than one request. */
ZOOID_API zooid_ticket zooid_submit_ensure_path(zooid_client *client, const char *path, uint32_t deadline_ms,
                                                void *tag);
ZOOID_API zooid_ticket zooid_submit_delete_recursive(zooid_client *client, const char *path, uint32_t deadline_ms,
                                                     void *tag);

/* ---- replies
 * -------------------------------------------------------------------------------------------------------------- */

enum zooid_role {
    ZOOID_ROLE_NONE,
    ZOOID_ROLE_ALONE,
    ZOOID_ROLE_LEADER,
    ZOOID_ROLE_FOLLOWER,
    ZOOID_ROLE_OBSERVER,
    ZOOID_ROLE_READ_ONLY
};

struct zooid_stat {
    int64_t czxid, mzxid, ctime, mtime; /* zxids, milliseconds since 1970 */
    int32_t version, cversion, aversion;
    int64_t ephemeral_owner;
    int32_t data_length, num_children;
    int64_t pzxid;
    enum zooid_node_kind kind; /* an older agent tells ephemeral nodes alone from others, which are persistent then */
};

/* All of them may be asked of any reply, NULL too; what it does not have is 0, NULL or empty. */
ZOOID_API int zooid_reply_code(const zooid_reply *reply);
ZOOID_API const char *zooid_reply_message(const zooid_reply *reply); /* for people; never NULL */
ZOOID_API const char *zooid_reply_path(
    const zooid_reply *reply); /* what it is about; of a create: the path that was made */
ZOOID_API bool zooid_reply_retry(const zooid_reply *reply);
ZOOID_API bool zooid_reply_outcome_unknown(const zooid_reply *reply);
ZOOID_API int64_t zooid_reply_zxid(const zooid_reply *reply);
ZOOID_API uint32_t zooid_reply_age_ms(const zooid_reply *reply);
ZOOID_API enum zooid_role zooid_reply_role(const zooid_reply *reply);

ZOOID_API const void *zooid_reply_data(const zooid_reply *reply); /* NULL: the data is null */
ZOOID_API size_t zooid_reply_data_len(const zooid_reply *reply);
ZOOID_API const struct zooid_stat *zooid_reply_stat(const zooid_reply *reply); /* NULL: none */
ZOOID_API uint64_t zooid_reply_number(const zooid_reply *reply); /* count_descendants, counters, tokens, backups */
ZOOID_API bool zooid_reply_complete(const zooid_reply *reply);   /* list: no page follows */

/* Names or paths: list, ephemerals, who_am_i ("scheme:id"). */
ZOOID_API size_t zooid_reply_name_count(const zooid_reply *reply);
ZOOID_API const char *zooid_reply_name(const zooid_reply *reply, size_t index);

/* Nodes: read_many, subtree, list with nodes, and the results of a multi. */
struct zooid_node {
    int code;         /* OK, or why it could not be read or done */
    const char *path; /* list: the name */
    const void *data;
    size_t data_len;
    const struct zooid_stat *stat; /* NULL: none */
    const char *const *children;   /* with_children */
    size_t child_count;
};
ZOOID_API size_t zooid_reply_node_count(const zooid_reply *reply);
ZOOID_API const struct zooid_node *zooid_reply_node(const zooid_reply *reply, size_t index);

struct zooid_acl {
    unsigned perms;
    const char *scheme, *id;
};
ZOOID_API size_t zooid_reply_acl_count(const zooid_reply *reply);
ZOOID_API const struct zooid_acl *zooid_reply_acl(const zooid_reply *reply, size_t index);

ZOOID_API void zooid_reply_free(zooid_reply *reply);

/* ---- events
 * --------------------------------------------------------------------------------------------------------------- */

enum zooid_event_kind {
    ZOOID_EVENT_REPLY = 1, /* ticket, tag, reply */
    ZOOID_EVENT_SESSION,   /* session_state */
    ZOOID_EVENT_WATCH,     /* change, path, zxid */
    ZOOID_EVENT_OVERFLOW,  /* the queue was full (zooid_set_event_limit): watch events before this one are missing */
    /* ticket: the number of an object, as a lock, that has lost what it held; the reply says why */
    ZOOID_EVENT_LOST,
    ZOOID_EVENT_CHANGE,    /* of a subscription: ticket, tag, change, path, data, stat, zxid, cursor */
    ZOOID_EVENT_RESET,     /* of a subscription: ticket, tag, fell_behind; a snapshot begins */
    ZOOID_EVENT_CAUGHT_UP, /* of a subscription: ticket, tag, zxid, cursor; the snapshot ends */
    ZOOID_EVENT_CHUNK,     /* of a backup: ticket, tag, data; zxid, in the first one */
    ZOOID_EVENT_OFFER,     /* of what is provided: ticket, tag, stands */
    ZOOID_EVENT_CALL,      /* likewise: ticket, tag, call, command, data, caller, deadline */
    ZOOID_EVENT_CALL_OVER, /* likewise: ticket, tag, call; its answer is not wanted any more */
    ZOOID_EVENT_LOG        /* of a monitor: ticket, tag, line, missed */
};

enum zooid_change {
    ZOOID_CREATED = 1,
    ZOOID_DELETED,
    ZOOID_CHANGED,
    ZOOID_CHILDREN_CHANGED,
    ZOOID_ACL_CHANGED,
    ZOOID_PRESENT, /* of a subscription's snapshot */
    ZOOID_WATCH_REMOVED
};

/* Readable while an event waits. Only to be polled. */
ZOOID_API int zooid_descriptor(const zooid_client *client);
/* The next event, which is the caller's; NULL when none has come within `wait_ms`, or the client is closing. */
ZOOID_API zooid_event *zooid_next_event(zooid_client *client, uint32_t wait_ms);
/* Watch events kept for a reader that does not come; 0: no limit. The default is 65536. */
ZOOID_API void zooid_set_event_limit(zooid_client *client, uint32_t events_max);

ZOOID_API enum zooid_event_kind zooid_event_kind(const zooid_event *event);
ZOOID_API zooid_ticket zooid_event_ticket(const zooid_event *event);
ZOOID_API void *zooid_event_tag(const zooid_event *event);
ZOOID_API zooid_reply *zooid_event_take_reply(zooid_event *event); /* becomes the caller's; NULL the second time */
ZOOID_API enum zooid_session_state zooid_event_session_state(const zooid_event *event);
ZOOID_API enum zooid_change zooid_event_change(const zooid_event *event);
ZOOID_API const char *zooid_event_path(const zooid_event *event);
ZOOID_API int64_t zooid_event_zxid(const zooid_event *event);
/* NULL: the data is null, was not asked for, or the node is gone. */
ZOOID_API const void *zooid_event_data(const zooid_event *event);
ZOOID_API size_t zooid_event_data_len(const zooid_event *event);
ZOOID_API const struct zooid_stat *zooid_event_stat(const zooid_event *event); /* NULL: none */
ZOOID_API bool zooid_event_fell_behind(const zooid_event *event);
/* Of a subscription: what it has told is now the tree as it was at one zxid; see below. */
ZOOID_API bool zooid_event_ends_txn(const zooid_event *event);
ZOOID_API const char *zooid_event_line(const zooid_event *event); /* with its time, without its end; NULL: none */
/* Lines before this one that are missing, since the agent or the queue (zooid_set_event_limit) had no room for them. */
ZOOID_API uint32_t zooid_event_missed(const zooid_event *event);
ZOOID_API void zooid_event_free(zooid_event *event);

/* ---- subscriptions
 * -------------------------------------------------------------------------------------------------------------- */

/* Every change of the node at a prefix, which need not exist, and of all below it: in the order in which they were
 * committed, none missing and none twice, also when the connection breaks or the agent is started again meanwhile.
 * Changes are ZOOID_CREATED, DELETED, CHANGED and ACL_CHANGED, with path, data and stat as they are behind the change.
 * What this client may not read is left out, and what it may read no longer is told as deleted.
 *
 *     zooid_ticket ticket = zooid_submit(client, zooid_request_subscribe("/app"), ZOOID_NO_DEADLINE, NULL);
 *
 * It begins with a snapshot: a RESET, the nodes as they are at one zxid (CHANGE with ZOOID_PRESENT, parents before
 * their children), and CAUGHT_UP; then come the changes. A RESET may come again at any time, when the agent no longer
 * remembers what was missed (zooid.localHistoryMax): because it was away for too long or, fell_behind, because the
 * program takes its events slower than they come. What it had been told before is void then; nodes that are not in the
 * new snapshot are gone.
 *
 * With zooid_request_add_path it follows several prefixes: all in one order, with one cursor, a node below two of them
 * once.
 *
 * zooid_event_ends_txn is true of a CAUGHT_UP, and of the last change of each txn: a multi makes several changes, a
 * session that ends deletes several nodes. A program that keeps a copy and lets others see it only there never shows
 * half a multi.
 *
 * Events wait in the client's queue, up to the window; what goes beyond it waits at the agent. They do not count for
 * zooid_set_event_limit. It ends with the EVENT_REPLY of its ticket: after zooid_cancel with CANCELLED, or with STALE
 * or FELL_BEHIND (without a snapshot), LIMIT_REACHED, NOT_PERMITTED, BAD_ARGUMENTS. The deadline of the submission is
 * not looked at. */

/* Behind change number `index` of txn `zxid`. May be kept anywhere, and given to another client of this agent. */
struct zooid_cursor {
    int64_t zxid;
    uint32_t index;
};

/* subscribe: it begins behind the cursor instead, or with a snapshot when the agent no longer remembers what came
 * since. As the other functions that fill requests, these return ZOOID_OK, NO_MEMORY or BAD_ARGUMENTS. */
ZOOID_API int zooid_request_set_cursor(zooid_request *request, const struct zooid_cursor *behind);
/* It begins with the next change, or behind the cursor. Where a snapshot would be needed it ends with STALE, at its
 * beginning, or FELL_BEHIND. */
ZOOID_API int zooid_request_set_without_snapshot(zooid_request *request);
/* So many bytes may wait in the queue; the default is 1 MiB, and zooid.localWindowMax the limit. */
ZOOID_API int zooid_request_set_window(zooid_request *request, uint32_t bytes);

/* Where the subscription stands behind this event. False: nowhere, for the snapshot is not complete. */
ZOOID_API bool zooid_event_cursor(const zooid_event *event, struct zooid_cursor *cursor);

/* ---- backups
 * -------------------------------------------------------------------------------------------------------------- */

/* The tree at one zxid, as a file of ZooKeeper's snapshot format, exact while the tree goes on changing: zooid-agent
 * and Apache ZooKeeper start on it, as snapshot.<zxid> in a version-2. It has all data, whatever ACLs say, and what
 * clients are not shown: keep it as secret as the agent's own directory. Asked for by those whom zooid.localAdmin
 * names. */

/* Writes it to the descriptor, and waits for that. Of the reply, zxid says which state it is, and number how many nodes
 * there are in it. `deadline_ms` is how long nothing may come; a write that blocks is not counted. What was written
 * when it fails is of no use: NOT_PERMITTED, NOT_SERVING, LIMIT_REACHED (zooid.localBackupsMax), FELL_BEHIND (the
 * descriptor takes it too slowly for what changes meanwhile), CONNECTION_LOST, SYSTEM_ERROR (a write has failed; the
 * message says why). Not to a pipe that may be closed, unless SIGPIPE is ignored. */
ZOOID_API int zooid_backup(zooid_client *client, int fd, uint32_t deadline_ms, zooid_reply **reply);

/* The same in events ZOOID_EVENT_CHUNK, whose data are the file one after the other, and the EVENT_REPLY of the ticket.
 * Only to be submitted. No more than 1 MiB of them waits in the queue. */
ZOOID_API zooid_request *zooid_request_backup(void);
/* ---- calls
 * ------------------------------------------------------------------------------------------------------------------ */

/* A client may offer commands under a name, which others call: programs, `zooid plugin NAME COMMAND`, the admin server
 * (GET /plugins/NAME/COMMAND). Requests and answers are bytes; by convention a request is a JSON object {"args": [...]}
 * or {"args": {...}}, as command lines and programs with named parameters make it, and an answer is any JSON value.
 *
 * To call: zooid_request_call; the reply's data is the answer. An error is the provider's, or NO_SUCH_PROVIDER,
 * NOT_PERMITTED, LIMIT_REACHED, PROVIDER_FAILED, DEADLINE_EXCEEDED. It is not repeated after a reconnect, since it may
 * have had its effect: CONNECTION_LOST, and zooid_reply_outcome_unknown.
 *
 * To provide:
 *
 *     zooid_request *request = zooid_request_provide("weather", "tells the weather");
 *     zooid_request_add_offer(request, "now", "TOWN: how it is there", false);
 *     zooid_ticket ticket = zooid_submit(client, request, ZOOID_NO_DEADLINE, NULL);
 *
 * ZOOID_EVENT_OFFER tells that the offer stands, and each ZOOID_EVENT_CALL is to be answered, by any thread, in any
 * order. When the connection breaks, an OFFER tells that it does not stand, calls that are in hand are void, and it is
 * made again with the connection: another OFFER. It ends with the EVENT_REPLY of its ticket: PROVIDER_EXISTS,
 * PROVIDER_REPLACED, after zooid_cancel CANCELLED; or BAD_ARGUMENTS, NOT_PERMITTED, LIMIT_REACHED. Unless the
 * connection has ended, calls that are in hand may be answered even then. The deadline of the submission is not looked
 * at. */

/* Names a call within its client; never 0. */
typedef uint64_t zooid_call;

/* provide: a command, what it does ("TOWN: how it is there"), and whether it is only for admins (zooid.localAdmin) and
 * this process's user. As the other functions that fill requests. */
ZOOID_API int zooid_request_add_offer(zooid_request *request, const char *command, const char *help, bool admin);
/* provide: the name is taken over from who has it, if that is the same user's, or this one is an admin. */
ZOOID_API int zooid_request_set_replace(zooid_request *request);

ZOOID_API bool zooid_event_stands(const zooid_event *event);
ZOOID_API zooid_call zooid_event_call(const zooid_event *event);      /* 0: none */
ZOOID_API const char *zooid_event_command(const zooid_event *event);  /* NULL: none */
ZOOID_API const char *zooid_event_caller(const zooid_event *event);   /* "uid:1000", "http"; NULL: none */
ZOOID_API uint64_t zooid_event_deadline_ms(const zooid_event *event); /* CLOCK_BOOTTIME: nobody waits for longer */

/* Each call once. OK: it is on its way, or nobody waits for it any more. NO_MEMORY; CONNECTION_LOST: the connection by
 * which the call came is gone. `data` and `message` are copied. An answer of 4 MiB (zooid.localFrameMax) or more ends
 * the connection; above zooid.localCallBytesMax the caller gets LIMIT_REACHED. */
ZOOID_API int zooid_call_answer(zooid_client *client, zooid_call call, const void *data, size_t len);
/* With an error instead: ZOOID_NO_NODE, BAD_ARGUMENTS ... (not 0), and a text for people; NULL: the code's. */
ZOOID_API int zooid_call_refuse(zooid_client *client, zooid_call call, int code, const char *message);

/* ---- recipes
 * -------------------------------------------------------------------------------------------------------------- */

/* What is usually built from the operations above, with nodes laid out as the Python library kazoo does it, so that
 * programs of both may use the same path. Objects belong to a client and may be used from any thread. Whatever asks the
 * agent has a blocking form and one that is submitted, whose reply becomes an event; one at a time of each object
 * (BAD_ARGUMENTS says that another is under way), but for what only puts in, sets, lifts or lists. While the agent or
 * its leader is away, they wait until it is back, or the deadline. A write whose reply was lost is not made twice, and
 * leaves nothing behind: nodes have names of their own, by which they are found again. Watches that recipes set cause
 * no events. */

/* -- locks, elections, semaphores: what one process, or so many, may have at a time */

/* Contenders get it in the order in which they came. It is held until it is released, or lost: because its session has
 * ended; because good_until has passed, in which the agent could not prove that the session is alive, and from which on
 * another may have it; or because somebody has deleted its node. A holder that can do harm must have ended by
 * zooid_lock_good_until_ms, whatever it has not heard, and pass the token on: the tokens of one path grow from holder
 * to holder, so that whoever is written to can refuse those before. An election is a lock: who holds it leads. A client
 * that has taken over a session (options.resume_id) takes over its locks, too: one of such a client that is acquired
 * first looks for a node that the session has in the queue already, and is held at once, with the same token, if that
 * one is the first. Semaphores do the same with leases. See zooid_inherit_locks for a client with a session of its own.
 */
typedef struct zooid_lock zooid_lock;

enum zooid_lock_kind {
    ZOOID_LOCK_EXCLUSIVE, /* kazoo's Lock and Election */
    ZOOID_LOCK_READ,      /* ReadLock: held together with other readers */
    ZOOID_LOCK_WRITE      /* WriteLock: held alone */
};

/* Nothing is sent. `identifier` is shown to others (zooid_lock_contenders); NULL: none. What is missing of the path is
 * made when it is needed. NULL: out of memory, `path` is not absolute, is the root, or ends with a slash, or the client
 * was made before a fork. */
ZOOID_API zooid_lock *zooid_lock_new(zooid_client *client, const char *path, enum zooid_lock_kind kind,
                                     const char *identifier);

/* May be held by `leases` at a time, which is not 0; all have to give the same number (acquire answers BAD_ARGUMENTS to
 * those that do not). kazoo's Semaphore. All functions below are for semaphores too. */
ZOOID_API zooid_lock *zooid_semaphore_new(zooid_client *client, const char *path, uint32_t leases,
                                          const char *identifier);

/* Gives back what it has, without waiting for that, and answers what is under way with CANCELLED. */
ZOOID_API void zooid_lock_free(zooid_lock *lock);

/* Waits for its turn. The reply's number is the token. A lock that is held cannot be acquired again (BAD_ARGUMENTS).
 * After DEADLINE_EXCEEDED, CANCELLED and any other error it does not contend any more. */
ZOOID_API int zooid_lock_acquire(zooid_lock *lock, uint32_t deadline_ms, zooid_reply **reply);
ZOOID_API zooid_ticket zooid_lock_submit_acquire(zooid_lock *lock, uint32_t deadline_ms, void *tag);
/* The same without waiting for others: NOT_HELD when another has it, or is before us. */
ZOOID_API int zooid_lock_try(zooid_lock *lock, uint32_t deadline_ms, zooid_reply **reply);
ZOOID_API zooid_ticket zooid_lock_submit_try(zooid_lock *lock, uint32_t deadline_ms, void *tag);
/* It does not count as held from the call on. OK: others may have it now. NOT_HELD: it was not held, or was lost
 * before. DEADLINE_EXCEEDED: it is given back as soon as the agent can be reached. */
ZOOID_API int zooid_lock_release(zooid_lock *lock, uint32_t deadline_ms, zooid_reply **reply);
ZOOID_API zooid_ticket zooid_lock_submit_release(zooid_lock *lock, uint32_t deadline_ms, void *tag);
/* What is under way is answered with CANCELLED. zooid_cancel with the ticket of a submitted one does the same. */
ZOOID_API void zooid_lock_cancel(zooid_lock *lock);

ZOOID_API bool zooid_lock_is_held(const zooid_lock *lock);
ZOOID_API uint64_t zooid_lock_token(const zooid_lock *lock); /* 0: not held */
/* CLOCK_BOOTTIME in milliseconds: until then nobody else has it. It grows while the agent keeps the session alive; 0:
 * not held. */
ZOOID_API uint64_t zooid_lock_good_until_ms(const zooid_lock *lock);
/* Names it in ZOOID_EVENT_LOST. */
ZOOID_API zooid_ticket zooid_lock_number(const zooid_lock *lock);
/* Who holds it and who waits, in this order, those of other clients and libraries too: nodes (zooid_reply_node) with
 * the identifier as data, and the name as path. Of a semaphore only those that hold it. */
ZOOID_API int zooid_lock_contenders(zooid_lock *lock, uint32_t deadline_ms, zooid_reply **reply);
ZOOID_API zooid_ticket zooid_lock_submit_contenders(zooid_lock *lock, uint32_t deadline_ms, void *tag);

/* For a process that comes in the place of another one, with a session of its own: what these sessions, at most 16,
 * have of locks (places in queues, the first included) and of semaphores (leases) is what locks of this client take
 * over when they are acquired, instead of waiting for the end of those sessions. A node is deleted and made again as
 * ours, under its name, in one txn: nobody gets in between, and the token grows. Whoever calls answers for it that the
 * other process does not believe any more that it holds them, as it has ended. Until then `wait` lets acquisitions of
 * this client wait. May be called again, and counts for what is acquired or waits from then on. OK, BAD_ARGUMENTS. */
ZOOID_API int zooid_inherit_locks(zooid_client *client, const int64_t *sessions, size_t count, bool wait);

/* -- groups, and nodes that are there while the process is */

/* An ephemeral node that is made at once, and again whenever it is gone: with the session, or deleted by somebody. Each
 * time an event ZOOID_EVENT_LOST tells that. While another session has the path, it waits for its end. */
typedef struct zooid_ephemeral zooid_ephemeral;

/* `data` is copied. NULL as with zooid_lock_new. */
ZOOID_API zooid_ephemeral *zooid_ephemeral_new(zooid_client *client, const char *path, const void *data, size_t len);
/* A member of the group at `path`: a node with a name of its own and `identifier` as data. kazoo's Party. */
ZOOID_API zooid_ephemeral *zooid_group_join(zooid_client *client, const char *path, const char *identifier);
/* Deletes the node, without waiting for that. */
ZOOID_API void zooid_ephemeral_free(zooid_ephemeral *ephemeral);
/* Until it is there. An error that does not pass by itself (NO_AUTH) is answered, and it is tried again all the same.
 */
ZOOID_API int zooid_ephemeral_wait(zooid_ephemeral *ephemeral, uint32_t deadline_ms, zooid_reply **reply);
ZOOID_API zooid_ticket zooid_ephemeral_submit_wait(zooid_ephemeral *ephemeral, uint32_t deadline_ms, void *tag);
ZOOID_API void zooid_ephemeral_cancel(zooid_ephemeral *ephemeral);
/* Its data from now on: written at once when it is there, and whenever it is made again. */
ZOOID_API int zooid_ephemeral_set(zooid_ephemeral *ephemeral, const void *data, size_t len); /* OK, NO_MEMORY */
/* It does not wait for the end of these sessions, at most 16, as those of the process that ran before: their node is
 * deleted and made again as ours in one txn. May be called again, with those that have become
 * known since. OK, BAD_ARGUMENTS. */
ZOOID_API int zooid_ephemeral_inherit(zooid_ephemeral *ephemeral, const int64_t *sessions, size_t count);
ZOOID_API const char *zooid_ephemeral_path(const zooid_ephemeral *ephemeral);
ZOOID_API zooid_ticket zooid_ephemeral_number(const zooid_ephemeral *ephemeral); /* of ZOOID_EVENT_LOST */

/* The members: nodes with the identifier as data. None when the group is not there. */
ZOOID_API int zooid_group_members(zooid_client *client, const char *path, uint32_t deadline_ms, zooid_reply **reply);
ZOOID_API zooid_ticket zooid_group_submit_members(zooid_client *client, const char *path, uint32_t deadline_ms,
                                                  void *tag);

/* -- barriers */

/* kazoo's Barrier: while its node is there, all wait. */
typedef struct zooid_barrier zooid_barrier;

ZOOID_API zooid_barrier *zooid_barrier_new(zooid_client *client, const char *path);
ZOOID_API void zooid_barrier_free(zooid_barrier *barrier);
ZOOID_API int zooid_barrier_set(zooid_barrier *barrier, uint32_t deadline_ms, zooid_reply **reply);
ZOOID_API zooid_ticket zooid_barrier_submit_set(zooid_barrier *barrier, uint32_t deadline_ms, void *tag);
/* NO_NODE: it was not set. */
ZOOID_API int zooid_barrier_lift(zooid_barrier *barrier, uint32_t deadline_ms, zooid_reply **reply);
ZOOID_API zooid_ticket zooid_barrier_submit_lift(zooid_barrier *barrier, uint32_t deadline_ms, void *tag);
/* OK at once when it is not set. */
ZOOID_API int zooid_barrier_wait(zooid_barrier *barrier, uint32_t deadline_ms, zooid_reply **reply);
ZOOID_API zooid_ticket zooid_barrier_submit_wait(zooid_barrier *barrier, uint32_t deadline_ms, void *tag);
ZOOID_API void zooid_barrier_cancel(zooid_barrier *barrier);

/* kazoo's DoubleBarrier: nobody goes in before `count` are there, and nobody comes out before all want to, or have
 * ended. Whoever gives up (deadline, cancel) is out. ZOOID_EVENT_LOST: the session of one that is inside is over. */
typedef struct zooid_double_barrier zooid_double_barrier;

ZOOID_API zooid_double_barrier *zooid_double_barrier_new(zooid_client *client, const char *path, uint32_t count,
                                                         const char *identifier);
ZOOID_API void zooid_double_barrier_free(zooid_double_barrier *barrier);
ZOOID_API int zooid_double_barrier_enter(zooid_double_barrier *barrier, uint32_t deadline_ms, zooid_reply **reply);
ZOOID_API zooid_ticket zooid_double_barrier_submit_enter(zooid_double_barrier *barrier, uint32_t deadline_ms,
                                                         void *tag);
/* NOT_HELD: it is not inside. */
ZOOID_API int zooid_double_barrier_leave(zooid_double_barrier *barrier, uint32_t deadline_ms, zooid_reply **reply);
ZOOID_API zooid_ticket zooid_double_barrier_submit_leave(zooid_double_barrier *barrier, uint32_t deadline_ms,
                                                         void *tag);
ZOOID_API void zooid_double_barrier_cancel(zooid_double_barrier *barrier);
ZOOID_API zooid_ticket zooid_double_barrier_number(const zooid_double_barrier *barrier);

/* -- queues */

/* Each entry is handed out at least once, in the order of priorities and then of arrival: it stays in the queue, out of
 * reach of others, until whoever took it says that it is finished; when that one ends before, another gets it. kazoo's
 * LockingQueue. */
typedef struct zooid_queue zooid_queue;

ZOOID_API zooid_queue *zooid_queue_new(zooid_client *client, const char *path);
/* Gives back what it has in hands. */
ZOOID_API void zooid_queue_free(zooid_queue *queue);
/* `priority`: 0 (first) to 999; kazoo's default is 100. When the reply says that its outcome is unknown, the entry may
 * be in the queue. */
ZOOID_API int zooid_queue_put(zooid_queue *queue, const void *data, size_t len, unsigned priority, uint32_t deadline_ms,
                              zooid_reply **reply);
ZOOID_API zooid_ticket zooid_queue_submit_put(zooid_queue *queue, const void *data, size_t len, unsigned priority,
                                              uint32_t deadline_ms, void *tag);
/* Waits for an entry: its data is the reply's, its place the path. One at a time (BAD_ARGUMENTS). ZOOID_EVENT_LOST: it
 * may be in other hands. */
ZOOID_API int zooid_queue_take(zooid_queue *queue, uint32_t deadline_ms, zooid_reply **reply);
ZOOID_API zooid_ticket zooid_queue_submit_take(zooid_queue *queue, uint32_t deadline_ms, void *tag);
/* The entry is dealt with, and goes. NOT_HELD: there was none in hands, or it was lost. */
ZOOID_API int zooid_queue_finish(zooid_queue *queue, uint32_t deadline_ms, zooid_reply **reply);
ZOOID_API zooid_ticket zooid_queue_submit_finish(zooid_queue *queue, uint32_t deadline_ms, void *tag);
/* The entry is left to others. NOT_HELD as before. */
ZOOID_API int zooid_queue_return(zooid_queue *queue, uint32_t deadline_ms, zooid_reply **reply);
ZOOID_API zooid_ticket zooid_queue_submit_return(zooid_queue *queue, uint32_t deadline_ms, void *tag);
ZOOID_API void zooid_queue_cancel(zooid_queue *queue);
ZOOID_API zooid_ticket zooid_queue_number(const zooid_queue *queue);

/* -- caches */

/* A copy of the node at a path, which need not be there, and of all below it: kept up to date by a subscription,
 * through reconnects and restarts of the agent, and read without asking anybody. It shows the tree as it was at some
 * zxid, and may lag behind what this client has written itself. Its stats are those of each node's last own change:
 * children that come and go do not change their parent's. */
typedef struct zooid_cache zooid_cache;

/* NULL as with zooid_lock_new, but the root is a path for it. */
ZOOID_API zooid_cache *zooid_cache_new(zooid_client *client, const char *path);
ZOOID_API void zooid_cache_free(zooid_cache *cache);
/* Until the first copy is complete. LIMIT_REACHED, NOT_PERMITTED: it is tried again all the same. */
ZOOID_API int zooid_cache_wait(zooid_cache *cache, uint32_t deadline_ms, zooid_reply **reply);
ZOOID_API zooid_ticket zooid_cache_submit_wait(zooid_cache *cache, uint32_t deadline_ms, void *tag);
ZOOID_API void zooid_cache_cancel(zooid_cache *cache);
/* At once, from memory: data, stat, and the zxid of the copy; of a list also the names of the children, in order.
 * NO_NODE: it is not in the copy, because it is not there or may not be read. STALE: the first copy is not complete.
 * BAD_ARGUMENTS: it lies outside. */
ZOOID_API int zooid_cache_get(const zooid_cache *cache, const char *path, zooid_reply **reply);
ZOOID_API int zooid_cache_list(const zooid_cache *cache, const char *path, zooid_reply **reply);

/* -- counters */

/* A whole number in a node, as kazoo's Counter. The reply's number, to be read as int64_t, is the value; a node that is
 * missing counts as 0. BAD_ARGUMENTS: the node holds something else, or the sum does not fit. When the reply of an
 * addition says that its outcome is unknown, it may have been made. */
ZOOID_API int zooid_counter_get(zooid_client *client, const char *path, uint32_t deadline_ms, zooid_reply **reply);
ZOOID_API zooid_ticket zooid_counter_submit_get(zooid_client *client, const char *path, uint32_t deadline_ms,
                                                void *tag);
ZOOID_API int zooid_counter_add(zooid_client *client, const char *path, int64_t delta, uint32_t deadline_ms,
                                zooid_reply **reply);
ZOOID_API zooid_ticket zooid_counter_submit_add(zooid_client *client, const char *path, int64_t delta,
                                                uint32_t deadline_ms, void *tag);

#ifdef __cplusplus
}
#endif

#endif
