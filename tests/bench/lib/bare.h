/* bare.h - what the bare servers have in common: servers that decide, log and remember nothing, or hardly anything. */
#pragma once
#include <stdint.h>

/* A listening socket of the loopback that does not block, at a port of the system's choice. Dies without one. */
int bare_listen(uint16_t *port);

enum { BARE_CONNECTIONS_MAX = 1 << 20 }; /* descriptors are below */

/* Another connection; -1: none waits. Dies when it cannot be taken. */
int bare_accept(int listener);

/* From now on `epoll` tells when there is something to be read; it gives back the descriptor. Dies when it cannot. */
void bare_watch(int epoll, int fd);

/* Takes all connections that wait, and watches them. */
void bare_accept_all(int epoll, int listener);

/* Sends it whole: a yardstick has no slow readers. Dies when that fails. */
void bare_send(int fd, const void *data, uint64_t size);

/* Answers a ConnectRequest: a session with the usual time-out. */
void bare_grant(int fd);
