/* local.h - the local door: processes of this host on a Unix socket, in the protocol of bindings/c/local.proto.
 *
 * A front of its own with a tongue of its own: requests become requests of the replica, whose replies become messages.
 * What the replica does not know - who the peer is, deadlines, cancelling, sessions that the agent keeps - is done
 * here. Loop thread only. */
#pragma once

#include "agent/front/front_zookeeper.h"
#include "agent/settings/settings.h"

#include <sys/types.h>

struct local;      /* opaque */
struct local_call; /* opaque */
struct log_tap;
struct overview;
struct replica;

/* The admin server's commands (commands.h), which the door only hands on. */
struct local_commands {
    const struct overview *overview;
    bool (*has)(const char *name);
    bool (*changes)(const char *name);
    enum status (*answer)(const struct overview *overview, const char *name, struct buffer *out);
};

struct local_parts {
    struct front_parts front; /* without words and tongue */
    struct replica *replica;
    const struct local_commands *commands; /* NULL: they are not offered */
    const struct log_tap *tap;             /* NULL: the log cannot be followed */
};

/* ST_NO_MEMORY, ST_IO_ERROR (libuv). */
enum status local_new(struct local **out, const struct local_parts *parts, const struct settings *settings);

/* Where ZooKeeper's protocol is spoken, for the welcome; -1: nowhere. */
void local_set_client_port(struct local *l, int32_t port);

/* Opens the socket; without a path in the settings it does nothing. Errors of the listener, told in `message`. */
enum status local_open(struct local *l, struct buffer *message);

/* Takes over what a reload has changed. */
void local_reload(struct local *l, const struct settings *settings);

const struct front *local_front(const struct local *l);

/* -- what local clients provide (local.proto, CALLS) */

struct local_offer {
    char *command, *help;
    bool admin;
};

struct local_provider_report {
    const char *name, *description;
    uid_t uid;
    pid_t pid;      /* 0: not known here */
    uint32_t calls; /* that it has in hands */
    const struct local_offer *offers;
    size_t offer_count;
};

/* In the order in which they came. What `fn` is given is valid during the call; it must not change the door. */
void local_each_provider(const struct local *l, void (*fn)(void *context, const struct local_provider_report *p),
                         void *context);

struct local_answer {
    int32_t code;        /* 0: `bytes` is the answer */
    const char *message; /* NULL: the provider says only the code */
    bool is_unknown;     /* it may have had its effect all the same */
    struct bytes bytes;
};

struct local_calling {
    const char *provider, *command;
    struct bytes bytes;
    const char *caller; /* for the provider */
    uid_t uid;
    bool is_user, is_admin; /* `uid` asks, and may what only its own or admins may */
    uint32_t deadline_ms;   /* 0: zooid.localDeadlineMax, which is the limit, too */
    /* Exactly once, later, unless it is dropped before; what it is given is valid during the call. */
    void (*answered)(void *context, const struct local_answer *answer);
    void *context;
};

/* `*out` is the call until it is answered; NULL: it cannot be made, and `refused` says why. ST_NO_MEMORY. */
enum status local_call_begin(struct local *l, const struct local_calling *calling, struct local_call **out,
                             struct local_answer *refused);

/* Nobody waits for its answer any more. */
void local_call_drop(struct local_call *call);

void local_stop_listening(struct local *l);

/* Nothing more will be applied: subscribers are told where they stand, so that they can go on from there. */
void local_part(struct local *l);

/* As front_close. */
void local_close(struct local *l, void (*done)(void *context), void *context);
