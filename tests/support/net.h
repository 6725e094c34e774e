/* net.h - a loop that is run until something holds, and clients whose calls never block. */
#pragma once

#include "core/base/bytes.h"

#include <uv.h>

/* Runs the loop until `holds(context)`; false: it did not within ten seconds. */
bool net_run_until(uv_loop_t *loop, bool (*holds)(void *context), void *context);

/* Runs what is left until every handle is closed, and closes the loop; false: something stays open. */
bool net_finish(uv_loop_t *loop);

/* One client: what it has received so far, and whether the server has closed. */
struct net_client {
    uv_loop_t *loop;
    int fd;
    struct buffer received;
    bool ended; /* end of stream, or reset */
    bool reset;
};

/* To 127.0.0.1, to ::1, or to a Unix socket. Fails the test when it cannot. */
void net_connect(struct net_client *c, uv_loop_t *loop, int port);
void net_connect_ipv6(struct net_client *c, uv_loop_t *loop, int port);
void net_connect_unix(struct net_client *c, uv_loop_t *loop, const char *path);
void net_close(struct net_client *c);

/* Sends all of it, running the loop while the socket is full. */
void net_send(struct net_client *c, const void *data, size_t len);

/* Reads what is there, without waiting. */
void net_receive(struct net_client *c);

/* Waits until `len` bytes have come (all so far counted), or until the end. False: neither happened in time. */
bool net_wait_bytes(struct net_client *c, size_t len);
bool net_wait_end(struct net_client *c);

/* Forgets the first `len` received bytes. */
void net_take(struct net_client *c, size_t len);

/* As net_send, of a frame with this payload. */
void net_send_frame(struct net_client *c, const void *payload, size_t len);

/* Waits for one whole frame with this payload and takes it. */
bool net_expect_frame(struct net_client *c, const void *payload, size_t len);
