/* local_internal.h - one local client, its requests in their order, and what the files of the local door share.
 *
 * local.c is made, listens and ends; local_take.c takes what a client sends; local_ops.c is the table of operations,
 * with local_encode.c towards the replica and local_decode.c back; local_message.c reads and writes messages;
 * local_reply.c keeps the order of replies and writes them; local_session.c opens sessions and keeps them alive;
 * local_peer.c knows who the peer is; local_subscribe.c tells subscribers what has changed, local_changes.c writes it;
 * local_backup.c sends the whole tree, local_flow.c is the credit of both; local_linger.c keeps sessions without a
 * connection, local_death.c hears of the death of processes; local_users.c counts what each user has; local_provide.c
 * knows who offers commands, local_call.c carries calls to them (local_calls.h); local_monitor.c tells of the log;
 * local_hold.c keeps what comes too early. */
#pragma once

#include "agent/base/wakeup.h"
#include "agent/front/front_parts.h"
#include "agent/local/local.h"
#include "agent/local/local_users.h"
#include "core/base/arena.h"
#include "core/base/deadlines.h"
#include "core/jute/records.h"
#include "core/tree/path_set.h"

#include "local.pb-c.h"

typedef Zooid__Local__ToAgent to_agent;
typedef Zooid__Local__FromAgent from_agent;

enum {
    LOCAL_VERSION = 1,
    LOCAL_FRAME_BEFORE_HELLO = 64 * 1024,
    LOCAL_NAME_MAX = 256,
    LOCAL_XID_TOUCH = -2,  /* of a ping, whose reply has no other */
    LOCAL_GROUPS_MAX = 48, /* of a peer; further ones give no rights */
    LOCAL_ROOM = 1024,     /* for a message that is small */
    LOCAL_SHORT_PATH = 96, /* up to so many bytes a path takes no memory of its own */
    LOCAL_SPARE_MAX = 256, /* requests whose memory is kept for the next ones */
    LOCAL_FRAME_KEPT = 64 * 1024,
};

/* Memory for a message of so many bytes: a hostile one of nothing but empty strings must not take much more. */
#define LOCAL_ARENA_FOR(frame_len) ((frame_len)*16 + 64 * 1024)

struct local {
    struct local_parts parts;
    struct map64 users; /* struct local_user */
    const struct settings *settings;
    int32_t client_port;
    struct front *front;
    struct front_tongue tongue;
    struct arena arena;                                 /* of the message that is being taken or written */
    max_align_t room[LOCAL_ROOM / sizeof(max_align_t)]; /* the same, before the arena is needed */
    struct buffer encoded;                              /* the request that is being handed to the replica */
    struct list spare;                                  /* requests that are over, for new ones */
    uint32_t spare_count;
    struct deadlines deadlines; /* of requests */
    struct deadlines touches;   /* of clients that have a session */
    struct deadlines watchdogs; /* of clients whose session ends when they ask for nothing */
    struct deadlines lingers;   /* of sessions without a connection */
    struct deadlines calls;
    struct list providers;
    struct list monitors;
    struct wakeup log_wakeup; /* lines of the log have come for them */
    bool log_is_open;
    struct list lingerers;
    uint32_t lingerer_count;
    bool lingerer_gone;          /* the replica has sent one of them away */
    bool lingerer_away;          /* and knows none for one */
    struct list held, suspended; /* clients */
    struct list subscriptions;   /* of all clients */
    struct list backups;
    uint32_t backup_count;
    uint64_t followed_to; /* they have been told of as much of the history; UINT64_MAX: look at it anew */
    bool parting;         /* the agent is about to end: each is told where it stands */
    bool follows_on;      /* one of them has been told only as much as fits into a turn */
    int64_t armed_ms;     /* what the timer is set to; INT64_MAX: off */
    uv_timer_t timer;
    bool closing;
    void (*done)(void *context);
    void *context;
};

enum local_session_phase {
    LOCAL_SESSION_NONE,
    LOCAL_SESSION_OPENING,
    LOCAL_SESSION_OPEN,
    LOCAL_SESSION_SUSPENDED, /* the replica has sent its client away: resumed as soon as it serves again */
    LOCAL_SESSION_LOST,
};

struct local_client {
    struct local *local;
    struct connection *connection;
    char name[LOCAL_NAME_MAX + 1];
    bool greeted;
    bool may_read, may_use, may_provide, may_admin;
    uid_t uid;
    struct local_user *user; /* NULL: not known yet */
    pid_t pid;               /* 0: not known here */
    gid_t groups[LOCAL_GROUPS_MAX];
    size_t group_count;
    struct list requests; /* whose final reply is still to come, in their order */
    struct list apart;    /* those that are answered when they are ready: subscriptions, backups, calls, offers */
    uint32_t subscription_count;
    struct list calls_in_hand; /* that it has to answer */
    uint64_t last_call;
    uint64_t unacknowledged; /* bytes of streams that no credit has come for */
    uint32_t open_count;
    int32_t last_xid;
    uint64_t highest_id;
    uint32_t frame_max; /* that the peer takes */

    bool has_watches; /* or has asked for some: they are its client's in the replica, and end with that */
    enum local_session_phase session_phase;
    bool closing_session; /* the client has asked for its end */
    bool is_taken_over;   /* another connection has taken the session up */
    int64_t session_id;
    uint8_t password[16];
    int32_t session_timeout_ms;
    uint32_t linger_ms, watchdog_ms;
    struct deadline touch, watchdog;
    struct local_death *death; /* watches the process; NULL: nobody does */
    struct list in_suspended;

    struct list held; /* requests that wait for a zxid, and those behind them (local_hold.c) */
    size_t held_bytes;
    struct list in_held;
};

enum local_request_state {
    LOCAL_WAITS,    /* the replica's reply with this xid */
    LOCAL_HELD,     /* `frame` is to be taken again */
    LOCAL_CONNECTS, /* the replica's answer to a connect request */
    LOCAL_READY,    /* `ready` has the reply, which waits only for those before it */
};

struct local_op;

struct local_request {
    struct list link; /* client->requests, or client->apart */
    struct deadline deadline;
    struct local_client *client;
    const struct local_op *op; /* NULL: the door's own (a sync before a read, a touch): nobody is told of it */
    uint64_t id;
    enum local_request_state state;
    int32_t xid;
    bool answered; /* its final reply has left: a deadline, or cancelled */
    bool is_apart;
    struct local_subscription *subscription; /* NULL: it is none */
    struct local_backup *backup;             /* the same */
    struct local_monitor *monitor;           /* the same */
    struct local_provider *provider;         /* the same */
    struct local_call *call;                 /* the same, or it has been answered */
    bool is_unknown;                         /* it may have had its effect, whatever is answered */
    bool resumes;
    int64_t if_changed_since;
    bool has_if_changed_since, with_nodes, with_children, without_data;
    char *path; /* what it is about, for its reply; NULL: nothing */
    struct buffer ready;
    int64_t wanted_zxid; /* it is held until the replica has come there */
    struct buffer frame;
    char short_path[LOCAL_SHORT_PATH]; /* where `path` lies when it fits; not cleared before */
};

enum local_class { LOCAL_ANYONE, LOCAL_READ, LOCAL_USE, LOCAL_PROVIDE, LOCAL_ADMIN };

/* What a reply's body is made into. Everything lies in the arena until it is written. */
struct local_decoding {
    struct arena *arena;
    const struct local_request *request;
    from_agent *message;
    enum status status; /* ST_NO_MEMORY sticks */
};

/* One row for each kind of request. */
struct local_op {
    const char *name; /* NULL: there is none of this number */
    enum local_class class;
    bool has_path; /* local_path_of gives it; without one it is refused */
    bool needs_session;
    int32_t number; /* of the replica's operation; 0: none */
    /* Writes the body of the replica's request. ST_BAD_ARGUMENTS. */
    enum status (*encode)(const to_agent *m, struct arena *arena, struct writer *w);
    /* Reads the body of the replica's answer, of a success. NULL: there is none. */
    void (*decode)(struct local_decoding *d, struct reader *r);
    const Zooid__Local__Freshness *(*freshness)(const to_agent *m); /* NULL: it is no read */
    /* Instead of the replica: answers at once or later. */
    enum status (*own)(struct local_client *c, struct local_request *request, const to_agent *m);
};

/* -- local_ops.c */

const struct local_op *local_op_find(Zooid__Local__ToAgent__BodyCase body); /* NULL: not known */

/* The number of the operation that a message asks for; creates have several. */
int32_t local_op_number(const struct local_op *op, const to_agent *m);

/* -- local_message.c */

/* Before anything else. ST_NO_MEMORY: the protocol has more types than the codec has room for. */
enum status local_messages_prepare(void);

/* Valid until the next one is read. NULL: it is no message of the protocol. */
const to_agent *local_read(struct local *l, struct bytes frame);

/* `stat` has the owner that is stored (tree_stat_owned), which becomes the node's kind, and its owner if it has one. */
void local_fill_stat(Zooid__Local__Stat *to, const struct node_stat *stat, const struct tree *tree);

/* Writes one message as a frame. ST_NO_MEMORY. */
enum status local_write(struct buffer *say, const from_agent *m);

/* The same, if it takes no more than `room` bytes; else nothing is written. */
enum status local_write_within(struct buffer *say, const from_agent *m, size_t room, bool *fits);

/* -- local_take.c */

/* One frame of a client. False: the connection has failed. */
bool local_take(struct local_client *c, struct bytes frame);

/* A request that was held. False: the connection has failed. */
bool local_take_again(struct local_request *request, struct bytes frame);

/* A request of the client's that has not been answered; NULL: there is none. */
struct local_request *local_find_open(const struct local_client *c, uint64_t id);

/* The request goes to the replica as its row says. False: the connection has failed. */
bool local_to_replica(struct local_client *c, const struct local_op *op, struct local_request *request,
                      const to_agent *m);

/* Hands a frame to the replica. False: the pump has failed. */
bool local_feed(struct local_client *c, struct bytes frame);

/* -- local_request.c */

/* Appends a request to the client's order. NULL: out of memory. */
struct local_request *local_request_new(struct local_client *c, const struct local_op *op, uint64_t id);
void local_request_free(struct local_request *request);

/* Its own copy. ST_NO_MEMORY. */
enum status local_request_keep_path(struct local_request *request, const char *path);

/* What is kept for further ones. */
void local_spare_free(struct local *l);

/* It leaves the order of the requests: its final reply comes when it ends (local_give_up, local_finish). */
void local_set_apart(struct local_request *request);
void local_finish(struct local_request *request, from_agent *m);

/* Nothing more is taken while too many requests are open. */
void local_check_pressure(struct local_client *c);

/* -- local_reply.c */

/* Frames of the replica for the client: their meaning is appended to `say`. */
enum status local_translate(struct local_client *c, struct bytes frames, struct buffer *say);

/* Writes one message, in several frames where one would be longer than the peer takes. (local_parts.c) */
enum status local_write_parts(const struct local_client *c, const from_agent *m, struct buffer *say);

/* The request's final reply, kept until those before it have left. */
enum status local_answer(struct local_request *request, from_agent *m);
enum status local_refuse(struct local_request *request, int32_t code, const char *message);

/* Its final reply now, out of order: the deadline, or cancelled. What comes for it later is swallowed. */
void local_give_up(struct local_request *request, int32_t code, const char *message);

/* Says why the connection ends, and that it does so behind that. */
void local_say_goodbye(struct local_client *c, int32_t code, const char *message);
/* The same while the front sends what has been said. */
void local_put_goodbye(struct local_client *c, int32_t code, const char *message);

/* Replies at the head of the order that are ready leave. */
enum status local_drain(struct local_client *c, struct buffer *say);

/* Replies that are ready leave, also those before which others wait: these will have none, since the connection ends.
 */
void local_say_ready(struct local_client *c, struct buffer *say);

/* Every request that waits for the replica is answered with this. */
void local_fail_all(struct local_client *c, int32_t code, const char *message, struct buffer *say);

/* Milliseconds since the member last heard its leader or quorum; 0 when it runs alone, very many when it never did. */
int64_t local_age_ms(const struct local *l);

void local_state(const struct local *l, int64_t zxid, Zooid__Local__State *state);

/* Can a request with this code succeed later? */
bool local_may_retry(int32_t code);

/* -- local_session.c */

/* Asks for a session; requests may follow at once. */
enum status local_session_open(struct local_client *c, struct local_request *request,
                               const Zooid__Local__OpenSession *m);
/* The replica's answer to it. */
enum status local_session_answered(struct local_client *c, struct local_request *request, struct bytes frame,
                                   struct buffer *say);
/* OpenSession. */
enum status local_session_asked(struct local_client *c, struct local_request *request, const to_agent *m);
enum status local_session_close(struct local_client *c, struct local_request *request, const to_agent *m);
/* The replica has sent the client away: its session is over, or will be resumed. Returns the code for what waits. */
int32_t local_session_sent_away(struct local_client *c, struct buffer *say);
/* Those that were sent away come back once the replica serves. */
void local_session_resume(struct local *l);
/* The connection has ended. */
void local_session_abandon(struct local_client *c);
enum status local_session_touched(struct local_client *c, struct buffer *say);
/* Touches those that are due. */
void local_session_touch(struct local *l, int64_t now_ms);
/* The client has asked for something: its watchdog waits anew. ST_NO_MEMORY. */
enum status local_session_pet(struct local_client *c);
/* Ends those whose watchdog is due. */
void local_session_bite(struct local *l, int64_t now_ms);

/* -- local_linger.c */

/* The client's connection has ended: its session is kept for so long. False: it cannot be. */
bool local_linger(struct local_client *c, int64_t ms);
void local_linger_no_more(struct local *l, int64_t session_id);
void local_lingerer_sent_away(struct local *l, uint64_t client);
bool local_lingerers_are_ripe(const struct local *l);
void local_lingerers_look(struct local *l);
/* Touches or ends those that are due. */
void local_lingerers_go_on(struct local *l, int64_t now_ms);
void local_lingerers_free(struct local *l);

/* -- local_death.c */

/* From now on the death of the client's process ends the connection, whoever else holds its socket. */
void local_death_watch(struct local_client *c);
void local_death_forget(struct local_client *c);

/* -- local_peer.c */

/* Asks the kernel who the peer is, and the settings what it may do. ST_IO_ERROR, ST_NO_MEMORY. */
enum status local_peer_look(struct local_client *c);

/* Tells the replica of it, unless it knows. */
enum status local_peer_introduce(struct local_client *c);

/* ACL ids of scheme `unix`, as this door shows them, and as the tree has them. */
enum status local_acl_write(struct writer *w, size_t count, Zooid__Local__Acl **acls, struct arena *arena);
Zooid__Local__Acl *local_acl_read(struct arena *arena, const struct acl_entry *entry);

/* -- local_timer.c */

void local_arm(struct local *l);

/* 0: the agent's own limit. ST_NO_MEMORY. */
enum status local_set_deadline(struct local_request *request, uint32_t ms);

/* -- local_hold.c */

/* Keeps the request until the replica has come to the zxid, and those before it have gone. ST_NO_MEMORY. */
enum status local_hold(struct local_request *request, int64_t zxid, struct bytes frame, uint32_t deadline_ms);
/* What is held of the client goes on, as far as it may. */
void local_release(struct local_client *c);
/* The deadline of one that is held has passed. */
void local_hold_is_late(struct local_request *request);
bool local_held_are_ripe(const struct local *l);
/* The replica may have come to what a client waits for. */
void local_look_at_held(struct local *l);
