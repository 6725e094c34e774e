/* zab_text_internal.h - what the files of zab_text lend each other: pieces of a line. Each but the packet opens with a
 * space. */
#pragma once

#include "core/zab/zab_text.h"

/* Where a line is printed to, and the first error. */
struct line {
    struct buffer *out;
    enum status status;
};

#define SAY(line, ...) \
    ((line)->status == ST_OK ? (void)((line)->status = buffer_printf((line)->out, __VA_ARGS__)) : (void)0)

void say_number(struct line *line, const char *name, int64_t value); /* "name=5"; the smallest one is "none" */
void say_zxid(struct line *line, int64_t zxid);                      /* without the space */

/* Short text as it is, of anything else the length; null is nothing. */
void say_bytes(struct line *line, struct bytes bytes);

/* A configuration is told by its version; null is nothing. */
void say_config(struct line *line, struct bytes text);

void say_notification(struct line *line, int64_t sid, struct bytes frame);
void say_packet(struct line *line, const struct packet *packet);
void say_packets(struct line *line, struct bytes bytes); /* one behind the other, with commas */
