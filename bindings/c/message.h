/* message.h - messages of the local door: written to a row of bytes, and read from one, each with all that belongs to
 * it. */
#pragma once

#include "bindings/c/pool.h"

#include "local.pb-c.h"

typedef Zooid__Local__ToAgent to_agent;
typedef Zooid__Local__FromAgent from_agent;

enum {
    FRAME_LEN = 4,
    FRAME_MAX = 64 * 1024 * 1024, /* that we take */
};

/* Memory for messages that come together, which goes when the last of them has gone. */
struct message_chunk;

/* Once, before any message. False: the protocol has more types than the codec has room for. */
bool messages_prepare(void);
/* Appends a message and its length before it. False: out of memory. */
bool message_write(struct row *row, const to_agent *m);

/* `*in_use` is the chunk in use, NULL at first. To be called under the client's lock, as message_take. NULL: out of
 * memory, or it is no message. */
from_agent *message_read(struct message_chunk **in_use, const uint8_t *data, size_t len);
/* Memory that goes with the message. NULL: out of memory. */
void *message_take(from_agent *m, size_t size);
void message_free(from_agent *m); /* with all that belongs to it, from any thread; NULL is allowed */
void message_chunk_leave(struct message_chunk *chunk); /* it is not in use any more; NULL is allowed */
