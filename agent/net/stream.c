/* stream.c - what is common to all streams, and the plain layer. */
#include "agent/net/stream_internal.h"

#include "agent/base/poll_room.h"
#include "core/base/check.h"
#include "core/base/mem.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    UNSENT_STEP = 4096,
    PARTS_MAX = 1024,
    UNWANTED_MAX = 8, /* turns for which who does not want to read is told all the same */
};

enum stream_result stream_outcome(ssize_t result, size_t *done)
{
    *done = result > 0 ? (size_t)result : 0;
    if (result > 0)
        return STREAM_OK;
    return result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) ? STREAM_WAIT : STREAM_END;
}

static enum stream_result plain_read(struct stream *s, void *into, size_t room, size_t *got)
{
    enum stream_result result = stream_outcome(recv(s->fd, into, room, 0), got);
    s->readable = result == STREAM_OK && *got == room;
    return result;
}

static enum stream_result plain_write(struct stream *s, const void *data, size_t len, size_t *sent)
{
    return stream_outcome(send(s->fd, data, len, MSG_NOSIGNAL), sent);
}

static enum stream_result plain_write_parts(struct stream *s, const struct iovec *parts, size_t count, size_t *sent)
{
    if (count == 1) /* as one event is: send is the cheaper call */
        return plain_write(s, parts->iov_base, parts->iov_len, sent);
    /* sendmsg changes nothing in the pieces; its struct merely has no const. */
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = count};
    return stream_outcome(sendmsg(s->fd, &message, MSG_NOSIGNAL), sent);
}

static void plain_finish(struct stream *s)
{
    (void)shutdown(s->fd, SHUT_WR); /* a failure shows when the stream is read */
}

static void plain_release(struct stream *s)
{
    (void)s;
}

const struct stream_layer stream_plain = {plain_read, plain_write, plain_write_parts, plain_finish, plain_release};

static void stop_watching(struct stream *s)
{
    s->interest = 0;
    s->has_room = false;
    uv_poll_stop(s->poll);
}

static void unsent_free(struct stream *s)
{
    mem_free(s->unsent);
    s->unsent = NULL;
    s->unsent_at = s->unsent_end = s->unsent_cap = 0;
}

/* Nothing more can be sent; what can still be read may be read. */
static void stream_break(struct stream *s)
{
    s->broken = true;
    stop_watching(s);
    unsent_free(s);
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void start_watching(struct stream *s, int wanted)
{
    if (!s->has_room && poll_room_take(s->all->loop, s->fd) != 0) {
        stream_break(s);
        s->readable = true; /* the owner comes to the end by reading */
        return;
    }
    s->has_room = true;
    s->interest = wanted;
    uv_poll_start(s->poll, wanted, on_poll);
}

void stream_update_interest(struct stream *s)
{
    if (s->fd < 0 || s->broken)
        return;
    /* To tell libuv takes two or three system calls, and most pauses end within some turns. While nothing is read, the
     * end of the peer's process must be seen all the same. */
    bool watches = s->reading || ((s->interest & UV_READABLE) != 0 && s->unwanted < UNWANTED_MAX);
    int wanted = watches ? UV_READABLE : s->half_closed || s->finishing ? 0 : UV_DISCONNECT;
    if (stream_unsent(s) > 0 || s->layer_wants_write)
        wanted |= UV_WRITABLE;
    if (wanted == s->interest)
        return;
    if (wanted == 0)
        stop_watching(s);
    else
        start_watching(s, wanted);
}

static void send_unsent(struct stream *s)
{
    while (stream_unsent(s) > 0) {
        size_t sent = 0;
        enum stream_result result = s->layer->write(s, s->unsent + s->unsent_at, stream_unsent(s), &sent);
        s->unsent_at += sent;
        if (result == STREAM_END) {
            stream_break(s);
            return;
        }
        if (result == STREAM_WAIT)
            return;
    }
    unsent_free(s);
    if (s->finishing)
        s->layer->finish(s);
}

/* Has the peer gone, or only said that it will send nothing more? */
static void look_at_hangup(struct stream *s)
{
    struct pollfd peer = {.fd = s->fd};
    if (poll(&peer, 1, 0) > 0 && (peer.revents & (POLLHUP | POLLERR)) != 0) {
        stream_break(s);
        s->readable = true;
    } else {
        s->half_closed = true;
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct stream *s = poll->data;
    s->layer_wants_write = false;
    if (status < 0) {
        stream_break(s);
        s->readable = true;
    } else {
        if ((events & UV_READABLE) != 0) {
            s->readable = true;
            if (!s->reading && s->unwanted < UNWANTED_MAX)
                s->unwanted++;
        }
        if ((events & UV_WRITABLE) != 0 && stream_unsent(s) > 0)
            send_unsent(s);
        if ((events & UV_DISCONNECT) != 0 && !s->reading && !s->broken)
            look_at_hangup(s);
        stream_update_interest(s);
    }
    s->events->ready(s);
}

enum status stream_open(struct stream *s, struct streams *all, int fd, const struct stream_events *events)
{
    *s = (struct stream){.events = events, .layer = &stream_plain, .fd = fd};
    enum status st = streams_enter(all, s);
    if (st == ST_OK)
        return ST_OK;
    close(fd);
    s->fd = -1;
    return st;
}

/* On a broken stream, which libuv watches no more, what is left is read to its end. */
static enum stream_result after_read(struct stream *s, enum stream_result result)
{
    if (!s->broken)
        return result;
    s->readable = true;
    return result == STREAM_WAIT ? STREAM_END : result;
}

enum stream_result stream_read(struct stream *s, void *into, size_t room, size_t *got)
{
    enum stream_result result = s->layer->read(s, into, room, got);
    s->bytes_in += *got;
    stream_update_interest(s);
    return after_read(s, result);
}

enum stream_result stream_discard(struct stream *s, void *scratch, size_t room)
{
    size_t got = 0;
    enum stream_result result = plain_read(s, scratch, room, &got);
    stream_update_interest(s);
    return after_read(s, result);
}

enum stream_result stream_peek(struct stream *s, void *into, size_t room, size_t *got)
{
    CHECK(s->layer == &stream_plain);
    return stream_outcome(recv(s->fd, into, room, MSG_PEEK), got);
}

/* Room for `more` bytes behind unsent_end. */
static enum status unsent_reserve(struct stream *s, size_t more)
{
    if (more <= s->unsent_cap - s->unsent_end)
        return ST_OK;
    size_t kept = stream_unsent(s);
    if (s->unsent_at > 0 && s->unsent_at >= kept && more <= s->unsent_cap - kept) {
        memcpy(s->unsent, s->unsent + s->unsent_at, kept);
    } else {
        size_t cap = (kept + more) + kept / 2;
        cap = (cap + UNSENT_STEP - 1) / UNSENT_STEP * UNSENT_STEP;
        uint8_t *block = mem_alloc(cap);
        if (block == NULL)
            return ST_NO_MEMORY;
        if (kept > 0)
            memcpy(block, s->unsent + s->unsent_at, kept);
        mem_free(s->unsent);
        s->unsent = block;
        s->unsent_cap = cap;
    }
    s->unsent_at = 0;
    s->unsent_end = kept;
    return ST_OK;
}

/* Keeps what is behind the first `skip` bytes of the pieces. */
static enum status keep_parts(struct stream *s, const struct iovec *parts, size_t count, size_t skip)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += parts[i].iov_len;
    if (total == skip)
        return ST_OK;
    if (unsent_reserve(s, total - skip) != ST_OK)
        return ST_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        size_t here = skip < parts[i].iov_len ? skip : parts[i].iov_len;
        skip -= here;
        size_t len = parts[i].iov_len - here;
        if (len > 0)
            memcpy(s->unsent + s->unsent_end, (const uint8_t *)parts[i].iov_base + here, len);
        s->unsent_end += len;
        s->bytes_out += len;
    }
    return ST_OK;
}

enum status stream_write(struct stream *s, const struct iovec *parts, size_t count)
{
    CHECK(s->fd >= 0 && !s->finishing && count <= PARTS_MAX);
    if (s->broken)
        return ST_IO_ERROR;
    size_t sent = 0;
    bool at_once = stream_unsent(s) == 0 && s->layer->write_parts != NULL;
    if (at_once && s->layer->write_parts(s, parts, count, &sent) == STREAM_END) {
        stream_break(s);
        return ST_IO_ERROR;
    }
    s->bytes_out += sent;
    bool was_empty = stream_unsent(s) == 0;
    if (keep_parts(s, parts, count, sent) != ST_OK) {
        stream_break(s);
        return ST_NO_MEMORY;
    }
    if (was_empty && !at_once)
        send_unsent(s);
    /* Else there is no news in it for libuv: what stream_want has put off may wait longer. */
    if (!was_empty || stream_unsent(s) > 0)
        stream_update_interest(s);
    return s->broken ? ST_IO_ERROR : ST_OK;
}

void stream_want(struct stream *s, bool reading)
{
    s->reading = reading;
    if (!reading)
        return;
    s->unwanted = 0;
    stream_update_interest(s);
}

void stream_finish(struct stream *s)
{
    if (s->finishing || s->broken || s->fd < 0)
        return;
    s->finishing = true;
    if (stream_unsent(s) == 0)
        s->layer->finish(s);
    stream_update_interest(s);
}

void stream_close(struct stream *s)
{
    if (s->fd < 0)
        return;
    s->layer->release(s);
    unsent_free(s);
    streams_leave(s);
    close(s->fd);
    s->fd = -1;
}
