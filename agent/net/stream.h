/* stream.h - one connection as layers: socket, TLS if wanted, bytes waiting to leave.
 *
 * A stream is part of its owner's struct. It notes what the kernel says and calls `ready`; the owner then reads and
 * writes as it likes. Nothing is buffered on the way in. On the way out only what the kernel does not take is kept.
 * Closing is stream_close, from whatever state; `closed` follows from the loop, never from within a call.
 *
 * Where to start when something is to be added below the frames: struct stream_layer in stream.c. Loop thread only. */
#pragma once

#include "core/base/bytes.h"
#include "core/base/list.h"

#include <sys/uio.h>
#include <uv.h>

struct stream;
struct ssl_st;

struct stream_events {
    /* Something can be read, or was waiting to be sent and has left. Called from the loop. */
    void (*ready)(struct stream *s);
    /* Nobody knows the stream any more: the owner may free it. Called from the loop. */
    void (*closed)(struct stream *s);
};

/* What the streams of a loop share. The fields are streams.c's, but for `loop`. */
struct streams {
    uv_loop_t *loop;
    uv_poll_t **polls; /* by descriptor, NULL: none; also of streams that are closed */
    size_t poll_cap;
    size_t open;        /* streams whose owner has not been told that they are closed */
    struct list closed; /* of these: those of which it is to be told */
    uv_idle_t tell;     /* runs while there are some */
    bool closing;
    void (*gone)(void *context);
    void *context;
};

void streams_init(struct streams *all, uv_loop_t *loop);

/* No stream is opened any more. When each is closed and its owner was told, lets go of the loop and calls `gone` (may
 * be NULL) from there. To come after whatever else of the loop waits for news from a descriptor. */
void streams_close(struct streams *all, void (*gone)(void *context), void *context);

/* The fields are stream.c's, but for `bytes_in` and `bytes_out`, which anyone may read. */
struct stream {
    struct streams *all;
    uv_poll_t *poll;
    struct list closed; /* all->closed */
    const struct stream_events *events;
    const struct stream_layer *layer;
    struct ssl_st *ssl;
    uint8_t *unsent; /* from unsent_at to unsent_end of unsent_cap */
    size_t unsent_at, unsent_end, unsent_cap;
    uint64_t bytes_in, bytes_out; /* of the protocol, inside TLS */
    int fd;                       /* -1: closed */
    int interest;                 /* what is asked of libuv now, UV_READABLE | UV_WRITABLE */
    bool has_room;                /* the kernel has a place for it among what it watches */
    bool reading;                 /* the owner wants to read */
    uint8_t unwanted;             /* how often libuv has told of what the owner does not want to read yet */
    bool readable;                /* there may be something to read */
    bool layer_wants_write;       /* TLS cannot go on before it has written */
    bool half_closed;             /* the peer sends nothing more, which is heard of while nothing is read */
    bool finishing;               /* the end is to be told once everything has left */
    bool broken;                  /* a write failed, or it cannot be watched: nothing more can be sent */
};

/* Takes the socket over: it is closed with the stream, or at once when this fails. It must not block. `all` and
 * `events` stay the caller's. Reading is off at first. ST_IO_ERROR, ST_NO_MEMORY; ST_NO_SPACE: the system watches no
 * more descriptors for this user. */
enum status stream_open(struct stream *s, struct streams *all, int fd, const struct stream_events *events);

/* Puts TLS on it before anything was read or written; `ssl` is taken over (tls.h makes it). ST_NO_MEMORY. */
enum status stream_secure(struct stream *s, struct ssl_st *ssl);

enum stream_result {
    STREAM_OK,
    STREAM_WAIT, /* not now: `ready` will be called */
    STREAM_END   /* the peer has closed, or the connection has failed: stream_close is all that is left */
};

/* The TLS handshake, as far as it gets. */
enum stream_result stream_handshake(struct stream *s);

/* At most `room` bytes; `*got` > 0 with STREAM_OK. While the answer is STREAM_OK there may be more. */
enum stream_result stream_read(struct stream *s, void *into, size_t room, size_t *got);

/* Looks at what stands next without taking it; TLS must not be on it. */
enum stream_result stream_peek(struct stream *s, void *into, size_t room, size_t *got);

/* Reads what comes on the socket, whatever the layer, and forgets it; `scratch` is overwritten. For the time between
 * stream_finish and the peer's own end. */
enum stream_result stream_discard(struct stream *s, void *scratch, size_t room);

/* Sends, or keeps a copy of what cannot be sent yet. One system call while the kernel takes it all.
 * ST_IO_ERROR: the connection has failed; ST_NO_MEMORY: the stream is broken, since part may have left. */
enum status stream_write(struct stream *s, const struct iovec *parts, size_t count);

/* Bytes that are kept because the kernel did not take them. */
static inline size_t stream_unsent(const struct stream *s)
{
    return s->unsent_end - s->unsent_at;
}

/* Whether the owner wants to hear of bytes to be read. Costs nothing when it is said again. */
void stream_want(struct stream *s, bool reading);

/* Tells the peer, after what is unsent, that nothing more will come. Reading goes on. */
void stream_finish(struct stream *s);

/* Closes the socket at once, dropping what is unsent. Harmless when repeated. */
void stream_close(struct stream *s);

static inline bool stream_is_closed(const struct stream *s)
{
    return s->fd < 0;
}
