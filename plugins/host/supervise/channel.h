/* channel.h - what a supervisor and its processes say to each other: lines of text on a socket.
 *
 *     heartbeat                          the loop turns
 *     ready NAME | status NAME TEXT      a plugin does its work; has something to show
 *     refused NAME TEXT | failed NAME TEXT   it cannot run so; it cannot go on
 *     stop | hand-over                   to the process: end; end, but leave what is held to the next one
 *     alone                              to the process: the one before has ended, what it held may be taken over */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum channel_kind {
    CHANNEL_HEARTBEAT,
    CHANNEL_READY,
    CHANNEL_STATUS,
    CHANNEL_REFUSED,
    CHANNEL_FAILED,
    CHANNEL_STOP,
    CHANNEL_HAND_OVER,
    CHANNEL_ALONE,
    CHANNEL_KINDS
};

enum { CHANNEL_DESCRIPTOR = 3, CHANNEL_LINE_MAX = 1024 };

struct channel_message {
    enum channel_kind kind;
    const char *name, *text; /* "": none */
};

/* Lines put together from whatever pieces they come in. One that is too long is cut. */
struct channel_reader {
    char line[CHANNEL_LINE_MAX + 1];
    size_t len;
};

typedef void channel_fn(void *context, const struct channel_message *message);

/* Calls `take` for each message that is complete now; lines that are none are passed over. */
void channel_feed(struct channel_reader *reader, const char *data, size_t len, channel_fn *take, void *context);
/* The line with its newline; its length. What is too long, or would break the line, is left out. */
size_t channel_line(char line[CHANNEL_LINE_MAX + 1], const struct channel_message *message);
