/* channel_fuzz.c - any bytes on the socket between a supervisor and a process of plugins, in pieces as the first byte
 * says: each message that is understood is written and read again as itself. */
#include "core/base/check.h"
#include "plugins/host/supervise/channel.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(void *context, const struct channel_message *again)
{
    const struct channel_message **expected = context;
    CHECK(*expected != NULL);
    CHECK(again->kind == (*expected)->kind);
    CHECK(strcmp(again->name, (*expected)->name) == 0);
    *expected = NULL;
}

static void take(void *context, const struct channel_message *message)
{
    char line[CHANNEL_LINE_MAX + 1];
    struct channel_reader reader = {.len = 0};
    const struct channel_message *expected = message;
    (void)context;
    CHECK(message->kind < CHANNEL_KINDS && message->name != NULL && message->text != NULL);
    size_t len = channel_line(line, message);
    CHECK(len <= CHANNEL_LINE_MAX && line[len - 1] == '\n' && memchr(line, '\n', len) == line + len - 1);
    if (strlen(message->name) > CHANNEL_LINE_MAX / 2)
        return; /* it may be cut within the name */
    channel_feed(&reader, line, len, compare, &expected);
    CHECK(expected == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct channel_reader reader = {.len = 0};
    size_t piece = size > 0 ? 1U + data[0] : 1;
    for (size_t at = 1; at < size; at += piece)
        channel_feed(&reader, (const char *)data + at, size - at < piece ? size - at : piece, take, NULL);
    return 0;
}
