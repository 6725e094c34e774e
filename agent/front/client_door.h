/* client_door.h - one TCP port for clients, which moves when the configuration of the ensemble says so.
 *
 * Opened at the start it works or stops the start. Moved while the agent runs it is tried until it works, names are
 * looked up off the loop, and whoever is connected stays. Loop thread only. */
#pragma once

#include "agent/front/front_zookeeper.h"
#include "agent/net/resolve.h"

enum { CLIENT_DOOR_HOST_SIZE = 256 };

struct client_door_parts {
    uv_loop_t *loop;
    struct front *front;
    const struct log_sink *log;
    enum front_security security;
    const struct tls *tls; /* NULL with FRONT_PLAIN, or when there is none for the others: they do not open then */
    void (*moved)(void *context, int32_t port); /* another port is listened on, or -1: none; may be NULL */
    void *context;
};

/* The fields are client_door.c's. */
struct client_door {
    struct client_door_parts parts;
    char host[CLIENT_DOOR_HOST_SIZE]; /* empty: all addresses */
    int32_t wanted;                   /* -1: not open */
    int32_t port;                     /* that is listened on; -1: none */
    int32_t backlog;
    bool keep_alive;
    bool stopped;
    bool complain; /* the next failure is to be told */
    struct resolve *resolve;
    uv_timer_t timer;
    void (*closed)(void *context);
    void *context;
};

void client_door_init(struct client_door *d, const struct client_door_parts *parts);

/* Listens there. `tcp->port` -1: nowhere. Errors of front_listen_tcp. */
enum status client_door_open(struct client_door *d, const struct listener_tcp *tcp, struct buffer *message);

/* Listens there and nowhere else, from the next turn on. Nothing happens when it does so already. */
void client_door_move(struct client_door *d, const struct listener_tcp *tcp);

/* It never moves again; the front closes what is open. */
void client_door_stop(struct client_door *d);

/* Lets go of the loop; then calls `closed`. The front need not be there any more. */
void client_door_close(struct client_door *d, void (*closed)(void *context), void *context);
