/* resolve.h - the addresses of a host name, looked up off the loop.
 *
 * A look-up that is cancelled is heard of no more, even when a thread is still stuck in it. Loop thread only. */
#pragma once

#include "core/base/bytes.h"

#include <netdb.h>
#include <sys/socket.h>
#include <uv.h>

struct resolve; /* opaque: one look-up */

/* From the loop, once. `found` is valid during the call; NULL: `why` says what was wrong. */
typedef void resolve_done_fn(void *context, const struct addrinfo *found, const char *why);

/* An address that needs no look-up: IPv4, or IPv6 without brackets. False: `host` is a name, or nothing at all. */
bool resolve_literal(struct bytes host, uint16_t port, struct sockaddr_storage *address);

/* Begins to look `host` up for streams. ST_NO_MEMORY; ST_BAD_ARGUMENTS: longer than a name may be. */
enum status resolve_start(struct resolve **out, uv_loop_t *loop, struct bytes host, uint16_t port,
                          resolve_done_fn *done, void *context);

/* `done` is not called. Not after it was; NULL is allowed. */
void resolve_cancel(struct resolve *r);

/* The size of an address of its family, as connect and bind want it. */
socklen_t resolve_address_size(const struct sockaddr_storage *address);
