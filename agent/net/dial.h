/* dial.h - one outgoing connection: names looked up, then their addresses tried one after another.
 *
 * Each attempt gets its share of the time that is left, so that one address which swallows everything leaves time for
 * the others. Loop thread only. */
#pragma once

#include "core/base/bytes.h"

#include <uv.h>

struct dial; /* opaque */

enum { DIAL_TARGETS_MAX = 16 };

struct dial_target {
    struct bytes host; /* a name or an address, IPv6 without brackets */
    uint16_t port;
};

/* From the loop, once; the dial is gone then. `fd` is connected, does not block, is closed on exec, has TCP_NODELAY and
 * keep-alive, and is the callee's; `host` is the target's whose address it is. Below 0: `why` says what went wrong
 * last. Both are valid during the call. */
typedef void dial_done_fn(void *context, int fd, struct bytes host, const char *why);

/* The targets are copied; those beyond DIAL_TARGETS_MAX are passed over. None at all is a failure as any other.
 * ST_NO_MEMORY. */
enum status dial_start(struct dial **out, uv_loop_t *loop, const struct dial_target *targets, size_t count,
                       int32_t timeout_ms, dial_done_fn *done, void *context);

/* `done` is not called. Not after it was; NULL is allowed. */
void dial_cancel(struct dial *d);

/* What every connection between servers is given: no delay, and keep-alive, so that a host that went away without a
 * word is noticed. False, with errno: the connection has failed already. */
bool dial_set_options(int fd);
