/* local.h - the local door: processes of this host on a Unix socket, in the protocol of bindings/c/local.proto.
 *
 * A front of its own with a tongue of its own: requests become requests of the replica, whose replies become messages.
 * What the replica does not know - who the peer is, deadlines, cancelling, sessions that the agent keeps - is done
 * here. Loop thread only. */
#pragma once

#include "agent/front/front_zookeeper.h"
#include "agent/settings/settings.h"

struct local; /* opaque */
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

void local_stop_listening(struct local *l);

/* Nothing more will be applied: subscribers are told where they stand, so that they can go on from there. */
void local_part(struct local *l);

/* As front_close. */
void local_close(struct local *l, void (*done)(void *context), void *context);
