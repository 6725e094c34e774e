/* session.h - one ZooKeeper session at a time, driven with blocking calls.
 *
 * For what is not itself measured by the microsecond: setting up, probing whether a server serves, the writer beside
 * a thousand watchers. A session is its socket; it has no thread and sends no pings of its own. */
#pragma once
#include <netinet/in.h>
#include <stdint.h>

#include "tests/bench/lib/wire.h"

enum {
    SESSION_TIMEOUT_MS = 30000, /* asked of the server */
    SESSION_SILENCE_S = 60,     /* a blocking call gives up after this long without an answer */
    SESSION_REPLY_MAX = 4096,   /* whole reply frame, length included */
};

/* What session_call returns when there was no reply; never a ZooKeeper error code. */
enum { SESSION_LOST = INT32_MIN };

/* "host:port" or "port"; the host is a literal IPv4 address, 127.0.0.1 when left out. Dies on anything else. */
struct sockaddr_in endpoint_parse(const char *text);

/* A blocking TCP socket that gives up after SESSION_SILENCE_S, not yet connected: TCP_NODELAY, and without
 * TCP_QUICKACK, so that the kernel sends no segments which only acknowledge what the next request or answer
 * acknowledges as well (five for a session instead of seven). Dies without one. */
int endpoint_socket(void);

/* The same, connected; or -1 with errno. */
int endpoint_connect(const struct sockaddr_in *endpoint);

/* Allows this process as many open sockets as the hard limit permits. */
void raise_descriptor_limit(void);

/* Connects and opens a new session. -1: refused, closed or not answered. */
int session_open(const struct sockaddr_in *endpoint);

/* Sends one frame, waits for its reply, skips watch events. Returns the reply's error code or SESSION_LOST. */
int32_t session_call(int fd, const uint8_t *frame, size_t size);

/* Creates a persistent node; a node that exists already is fine. Dies on any other error. */
void session_need_node(int fd, const char *path, const uint8_t *data, size_t size);

/* Ends the session (its answer is waited for) and closes the socket. */
void session_close(int fd);
