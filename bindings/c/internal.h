/* internal.h - what the files of libzooid share.
 *
 *   client.c     made, closed, asked for its state; the thread that works while nobody else does
 *   drive.c      whose turn it is to work the socket, and waiting for something to become true
 *   patience.c   whether who waits stays awake for a moment (patience.h, which the agent has, too)
 *   link.c       the socket: connected, greeted, read, written, lost
 *   call.c       requests on their way: submitted, answered, given up; call_send.c sends them
 *   request.c    what can be asked; request_more.c what can be added to that
 *   message.c    messages as bytes and back (message.h); codec*.c knows how
 *   reply.c      what came back, and errors of our own
 *   event.c      the queue of events
 *   task.c       recipes at work (task.h, recipes/); operation.c: what callers want of them
 *   stream.c     frames that come one after the other, and credit for them (stream.h)
 *   monitor.c    lines of the agent's log
 *   provide.c    commands that are offered: calls of them as events, and their answers
 *   subscription.c  what subscriptions are told, and where they stand
 *   backup.c     the tree, written to a descriptor
 *   logins.c     what it has logged in as, to be repeated after a reconnect
 *   watches.c    which watches there are, to be set again after a reconnect
 *   usual.c      the usual requests, made and performed in one
 *
 * All state of a client is under its lock. Functions whose name ends in _locked expect it held; the others take it. */
#pragma once

#include "bindings/c/include/zooid.h"
#include "bindings/c/message.h"
#include "bindings/c/patience.h"
#include "bindings/c/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/types.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* -- replies ------------------------------------------------------------------------------------------------------- */

struct zooid_reply {
    from_agent *home; /* the message in whose memory it lies itself; NULL: in its own */
    int code;
    char *message, *path; /* our own; NULL: those of the last part. With a home they lie there */
    uint64_t number;      /* our own; 0: that of the last part */
    int64_t zxid;         /* the same */
    void *data;           /* our own, in the pool; NULL: that of the last part */
    size_t data_len;
    bool retry, outcome_unknown;
    from_agent **parts; /* as they came, the final one last */
    from_agent *only;   /* what `parts` points to when there is one */
    size_t part_count;
    struct pool pool;
    struct zooid_stat stat;
    bool has_stat;
    const char **names;
    size_t name_count;
    struct zooid_node *nodes;
    size_t node_count;
    struct zooid_acl *acls;
    size_t acl_count;
};

/* A reply of our own making. NULL: out of memory. */
zooid_reply *reply_new(int code, const char *message, const char *path);
struct zooid_stat stat_read(const Zooid__Local__Stat *from);

/* From the parts that came, which are taken over; with the array when there are several. NULL: out of memory. */
zooid_reply *reply_from_parts(from_agent **parts, size_t count, const char *path);

/* -- events -------------------------------------------------------------------------------------------------------- */

struct zooid_event {
    struct zooid_event *next;
    zooid_request *home; /* in which it lies, and with which it goes; NULL: in memory of its own */
    enum zooid_event_kind kind;
    zooid_ticket ticket;
    void *tag;
    zooid_reply *reply;
    enum zooid_session_state session_state;
    enum zooid_change change;
    char *path;
    int64_t zxid;

    /* Of a subscription or a backup. */
    struct stream_frame *frame; /* counted; NULL: of something else */
    const Zooid__Local__Change *row;
    struct zooid_stat stat;
    struct zooid_cursor cursor;
    bool has_stat, has_cursor, fell_behind, ends_txn;

    /* Of what is provided. */
    from_agent *invoke; /* NULL: of something else */
    uint64_t call, deadline_ms;
    bool stands;

    uint32_t missed; /* of a monitor: lines before this one */
};

/* -- calls --------------------------------------------------------------------------------------------------------- */

/* A request on its way. It is in the client's list from the submission until its reply is there. */
struct call {
    struct call *prev, *next;
    zooid_client *client;
    zooid_ticket ticket;
    void *tag;
    zooid_request *request;
    uint32_t given_ms;   /* until its deadline, when it was made */
    int64_t deadline_ms; /* monotonic; INT64_MAX: none */
    bool is_performed;   /* somebody waits for it, rather than for an event */
    bool for_task;       /* a recipe has asked: */
    struct task *task;   /* NULL: it has gone meanwhile */
    bool is_sent, is_done;
    from_agent **parts;
    size_t part_count, part_cap;
    zooid_reply *reply;
    uint64_t owed; /* of a stream: bytes that have been dealt with and no credit was given for */
    struct zooid_event *first_told, **last_told; /* of a stream that somebody waits for: what has come */
    uint32_t missed;                             /* of a monitor: lines that there was no room for */
    bool stands;                                 /* of a provide: the agent has taken it */
};

/* -- requests ------------------------------------------------------------------------------------------------------ */

enum { REQUEST_ROOM = 256 };

/* One piece of memory from the request to the event with its reply. */
struct zooid_request {
    to_agent m;
    struct pool pool;
    struct zooid_request *added, *next; /* writes of a multi */
    Zooid__Local__Cursor *cursor;       /* of a subscription: room for where it stands */
    int write_in_multi;                 /* ZOOID__LOCAL__WRITE__WRITE_... when it may stand in a multi; 0: it may not */
    bool lists_all;                     /* a list that asks for page after page */
    struct call call;                   /* when it is on its way */
    struct zooid_event answer;          /* when it has its reply */
    max_align_t room[REQUEST_ROOM / sizeof(max_align_t)]; /* of the pool */
};

/* Without a body. NULL: out of memory. */
zooid_request *request_new(Zooid__Local__ToAgent__BodyCase body);

/* -- the client ------------------------------------------------------------------------------------------------------
 */

enum watch_list { WATCH_DATA, WATCH_EXISTS, WATCH_CHILDREN, WATCH_PERSISTENT, WATCH_RECURSIVE, WATCH_LISTS };

/* Who hears of what a watch tells. */
enum watch_owner { WATCH_OF_USER = 1, WATCH_OF_TASKS = 2 };

struct watch {
    struct watch *next;
    unsigned owners;
    char path[];
};

/* What is waited for, of which each has been worth staying awake for, or not. */
enum awaited { AWAITED_READ, AWAITED_WRITE, AWAITED_EVENT, AWAITED_KINDS };

struct zooid_client {
    pthread_mutex_t lock;
    pthread_cond_t changed, idle;
    unsigned forks; /* that this process stood behind when it was made */
    pthread_t thread;
    bool has_thread, closing;
    bool driven, polling; /* somebody works the socket, and is waiting for it without the lock */
    struct patience patience[AWAITED_KINDS];

    /* What was asked for. */
    char *socket_path, *name;
    uint32_t session_timeout_ms, linger_ms, watchdog_ms, awake_us;
    zooid_log_fn *log;
    void *log_context;

    /* The link. */
    int socket;     /* -1: none */
    int waker;      /* an eventfd: whoever waits for the socket has to look */
    int doorbell;   /* an eventfd: an event waits */
    int descriptor; /* an epoll of socket and doorbell */
    bool is_polled; /* the program has asked for it */
    bool greeted;   /* the welcome has come */
    bool refused;   /* and said that it will not be taken: `refusal` */
    int refusal;
    char *refusal_text;
    int64_t retry_at_ms;
    char absence[256]; /* what requests are told meanwhile: who does not answer, and why */
    uint32_t retry_ms;
    struct row in, out;
    struct message_chunk *chunk;
    uint32_t client_port, frame_max;
    uint64_t link_number; /* counts connections */
    bool owes_credit;     /* one of the calls does */

    /* The session. */
    enum zooid_session_state session_state;
    int64_t session_id, inherited_session; /* the second one: that of options.resume_id; 0: none */
    int64_t heirlooms[16];                 /* sessions whose locks this one's may take over */
    size_t heirloom_count;
    bool locks_wait; /* until they may */
    uint8_t token[64];
    size_t token_len;
    uint64_t good_until_ms; /* CLOCK_BOOTTIME */
    int64_t last_zxid;
    bool resuming;        /* it is being taken up again: what needs it waits, else the agent would begin another */
    int64_t resume_at_ms; /* the agent could not yet: it is asked again then; INT64_MAX: it was not refused */
    bool wants_session;   /* it was opened once, and has to be taken up again after a reconnect */

    struct call calls;    /* the list's head */
    size_t unsent_count;  /* of them, all at the list's end */
    unsigned doublings;   /* of how many may wait there before they are sent */
    int64_t calls_due_ms; /* no deadline of theirs is before; INT64_MAX: there is none */
    bool is_taking;       /* the program has taken an event since it last submitted something */
    struct task *tasks;   /* recipes at work */
    zooid_ticket last_ticket;
    struct login *logins;
    uint32_t login_count, logins_max;
    struct watch *watches[WATCH_LISTS];
    int64_t
        watches_lost_at; /* the agent has none of them any more, and has told of all up to this zxid; -1: it has them */
    bool restoring_watches; /* it has been asked to, and has not answered */
    int64_t restore_at_ms;  /* it could not yet: it is asked again then; INT64_MAX: it was not refused */

    struct zooid_event *first_event, **last_event;
    size_t event_count;
    uint32_t events_max;
    bool overflowed; /* the queue has said so */
};

int64_t now_ms(void);       /* CLOCK_MONOTONIC */
int64_t now_about_ms(void); /* the same, or up to some ten milliseconds before */
int64_t deadline_of(uint32_t ms);
int64_t deadline_about(uint32_t ms); /* not before, and some milliseconds later at most */
uint64_t boot_ms(void);              /* CLOCK_BOOTTIME, on which sessions are good */
/* False: this process is a child of the one that made the client, where it is of no use. */
bool is_ours(const zooid_client *c);
void say(zooid_client *c, enum zooid_log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* -- link.c */

/* Numbers of requests of the library's own; those of calls are above, and rise, which spares the agent a search. The
 * agent that cannot yet is asked again. */
#define LINK_SESSION_CALL UINT64_C(1)
#define LINK_WATCHES_CALL UINT64_C(2)
#define LINK_LOGIN_CALLS  UINT64_C(3) /* the first of them */
#define LINK_LAST_CALL    (LINK_LOGIN_CALLS + LINK_LOGINS_MAX - 1)
enum { LINK_AGAIN_MS = 100, LINK_LOGINS_MAX = 4096 };

/* Connects when it is time to, sends what waits, and reads what has come if that is wanted, without waiting. */
void link_work_locked(zooid_client *c, bool read);
/* When it has to be worked again at the latest, even if nothing comes; INT64_MAX: never. */
int64_t link_due_locked(const zooid_client *c);
/* Appends a message to what is to be sent. False: out of memory. */
bool link_send_locked(zooid_client *c, const to_agent *m);
void link_close_locked(zooid_client *c);
/* The program begins to poll the client's descriptor. */
void link_polled_locked(zooid_client *c);
/* Fills in what the session is to be; takes down what it has become. */
void link_describe_session_locked(zooid_client *c, Zooid__Local__OpenSession *open);
void link_session_opened_locked(zooid_client *c, const Zooid__Local__Session *session);
/* Asks for the session, if one is wanted. False: not now. */
bool link_open_session_locked(zooid_client *c);

/* -- call.c */

/* Takes the request over. NULL: out of memory, or the client is closing. */
struct call *call_new_locked(zooid_client *c, zooid_request *request, uint32_t deadline_ms, void *tag, bool perform);
void call_free(struct call *call);
bool call_may_have_effect(const to_agent *m); /* what was sent is not to be sent again */
bool call_is_endless(const to_agent *m);      /* has replies before its final one, and is under way for as long */
/* False: out of memory, or there is no link. */
bool call_send_locked(zooid_client *c, struct call *call);
/* Sends all that have not been sent. */
void calls_send_locked(zooid_client *c);
struct call *call_find_locked(zooid_client *c, zooid_ticket ticket); /* NULL: there is none */
/* The agent is told that the reply is not wanted any more; it comes all the same, with CANCELLED. */
void call_cancel_locked(zooid_client *c, struct call *call);
/* A message with an id has come, `size` bytes with its length; it is taken over. False: memory ran out where nothing
 * may be missing. */
bool calls_take_locked(zooid_client *c, from_agent *m, size_t size);
/* The connection is gone: reads will be sent again, of writes nobody knows. */
void calls_lost_locked(zooid_client *c);
/* Those whose deadline has passed; returns the next one, INT64_MAX: none. */
int64_t calls_expire_locked(zooid_client *c);
void calls_fail_locked(zooid_client *c, int code, const char *message);
void call_finish_locked(zooid_client *c, struct call *call, zooid_reply *reply);

/* Hands the reply out, or frees it when nobody wants it; its code. */
int give_reply(zooid_reply *reply, zooid_reply **out);
#define MADE_BEFORE_FORK "this client was made before the fork"

/* -- drive.c */

/* Works the socket, or waits for the one that does, until `is_true` or the deadline. The lock is given up meanwhile. */
bool drive_until_locked(zooid_client *c, int64_t deadline_ms, enum awaited awaited,
                        bool (*is_true)(const zooid_client *c, const void *context), const void *context);

/* Something has become true that somebody may wait for. */
void wake_locked(zooid_client *c);

/* -- event.c */

/* Takes the event over; NULL is allowed and means that memory ran out. */
void event_push_locked(zooid_client *c, struct zooid_event *event);
struct zooid_event *event_new(enum zooid_event_kind kind);
/* Takes those out of the queue, and frees them, of which `is_void` says so. */
void events_withdraw_locked(zooid_client *c, bool (*is_void)(const struct zooid_event *event, uint64_t number),
                            uint64_t number);
/* The reply, which is taken over, as the event that its ticket was given out for. */
void event_push_reply_locked(zooid_client *c, zooid_ticket ticket, void *tag, zooid_reply *reply);
/* The same of a call that is over, whose memory the event takes over. */
void event_push_answer_locked(struct call *call);
void events_free(struct zooid_event *event);

/* -- monitor.c */

/* Lines have come; they are taken over. */
void monitor_take_locked(zooid_client *c, struct call *call, from_agent *m);

/* -- provide.c */

/* The agent has taken the offer, as the message says, which is taken over. */
void provide_stands_locked(zooid_client *c, struct call *call, from_agent *m);
/* The connection is gone. */
void provide_lost_locked(zooid_client *c, struct call *call);
/* An Invoke has come; it is taken over. */
void provide_take_locked(zooid_client *c, from_agent *m);

/* -- logins.c */

/* A reply has come: to a login, perhaps. */
void logins_note_locked(zooid_client *c, const to_agent *m, int code);
/* Makes all of them again, on a connection that has just begun. False: out of memory. */
bool logins_repeat_locked(zooid_client *c);
/* The answer to one of them. */
void logins_repeated_locked(zooid_client *c, const from_agent *m);
void logins_free(zooid_client *c);

/* -- watches.c */

/* A reply has come to a request that set a watch, or took one away. */
void watches_note_locked(zooid_client *c, const to_agent *m, int code, enum watch_owner owner);
/* An event has come: one-shot watches of the path are gone. Returns whose watches it concerns. */
unsigned watches_fired_locked(zooid_client *c, int kind, const char *path);
/* From now on no event comes, whatever changes. */
void watches_lost_locked(zooid_client *c);
/* Asks for those that are lost, unless it has been; events of what has changed meanwhile come before the answer. */
void watches_restore_locked(zooid_client *c);
/* That answer. */
void watches_restored_locked(zooid_client *c, const from_agent *m);
void watches_free(zooid_client *c);

/* -- task.c */

/* Lets those that have something to do do it. True: requests wait to be sent. */
bool tasks_work_locked(zooid_client *c);
/* When they have to be worked again at the latest; INT64_MAX: never. */
int64_t tasks_due_locked(const zooid_client *c);
/* The reply to a call of a task is in call->reply. */
void task_answered_locked(struct call *call);
/* Something that tasks watch has changed. */
void tasks_changed_locked(zooid_client *c, enum zooid_change change, const char *path);
/* A subscription of a task has told something; the event is taken over. */
void task_told_locked(struct call *call, struct zooid_event *event);
/* The session is not what it was. */
void tasks_look_locked(zooid_client *c);
void tasks_cancel_locked(zooid_client *c, zooid_ticket ticket);
/* The client closes: what anybody waits for is answered. */
void tasks_close_locked(zooid_client *c);
void tasks_free(zooid_client *c);
