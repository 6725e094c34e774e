/* stream_internal.h - the layer between a stream and its socket: plain, or TLS. */
#pragma once

#include "agent/net/stream.h"

struct stream_layer {
    enum stream_result (*read)(struct stream *s, void *into, size_t room, size_t *got);
    /* Part of it may be sent. Called again after STREAM_WAIT with the same bytes in front. */
    enum stream_result (*write)(struct stream *s, const void *data, size_t len, size_t *sent);
    /* Several pieces with one call; NULL: they are joined first. */
    enum stream_result (*write_parts)(struct stream *s, const struct iovec *parts, size_t count, size_t *sent);
    void (*finish)(struct stream *s);  /* no more will be written */
    void (*release)(struct stream *s); /* before the socket is closed */
};

extern const struct stream_layer stream_plain;
extern const struct stream_layer stream_tls;

/* The result of a system call on the socket that said `result`, with errno as it left it. */
enum stream_result stream_outcome(ssize_t result, size_t *done);

/* Gives the stream, whose descriptor is set, a handle of libuv's that is not started, and a place among what is
 * watched. ST_NO_MEMORY, ST_IO_ERROR; ST_NO_SPACE: fs.epoll.max_user_watches. */
enum status streams_enter(struct streams *all, struct stream *s);

/* Takes it back before the descriptor is closed; the loop will tell the owner. */
void streams_leave(struct stream *s);

/* Asks libuv for what the state of the stream wants. */
void stream_update_interest(struct stream *s);
