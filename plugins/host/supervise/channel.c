/* channel.c - the lines between a supervisor and its processes, written and read. */
#include "plugins/host/supervise/channel.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *word;
    bool has_name;
} rows[] = {
    [CHANNEL_HEARTBEAT] = {"heartbeat", false}, [CHANNEL_READY] = {"ready", true},
    [CHANNEL_STATUS] = {"status", true},        [CHANNEL_REFUSED] = {"refused", true},
    [CHANNEL_FAILED] = {"failed", true},        [CHANNEL_STOP] = {"stop", false},
    [CHANNEL_HAND_OVER] = {"hand-over", false}, [CHANNEL_ALONE] = {"alone", false},
};

/* Cuts the first word off; what is left, or its end. */
static char *behind_word(char *line)
{
    char *space = strchr(line, ' ');
    if (space == NULL)
        return line + strlen(line);
    *space = '\0';
    return space + 1;
}

static void take_line(char *line, channel_fn *take, void *context)
{
    char *name = behind_word(line);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(line, rows[i].word) != 0)
            continue;
        char *text = rows[i].has_name ? behind_word(name) : name;
        const struct channel_message message = {(enum channel_kind)i, rows[i].has_name ? name : "", text};
        if (!rows[i].has_name || name[0] != '\0')
            take(context, &message);
        return;
    }
}

void channel_feed(struct channel_reader *reader, const char *data, size_t len, channel_fn *take, void *context)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] != '\n') {
            if (reader->len < CHANNEL_LINE_MAX)
                reader->line[reader->len++] = data[i];
            continue;
        }
        reader->line[reader->len] = '\0';
        reader->len = 0;
        take_line(reader->line, take, context);
    }
}

size_t channel_line(char line[CHANNEL_LINE_MAX + 1], const struct channel_message *message)
{
    int len = snprintf(line, CHANNEL_LINE_MAX, "%s%s%s%s%s", rows[message->kind].word,
                       message->name[0] == '\0' ? "" : " ", message->name, message->text[0] == '\0' ? "" : " ",
                       message->text);
    size_t end = len < 0 ? 0 : len >= CHANNEL_LINE_MAX ? CHANNEL_LINE_MAX - 1 : (size_t)len;
    for (size_t i = 0; i < end; i++)
        if (line[i] == '\n')
            line[i] = ' ';
    line[end] = '\n';
    line[end + 1] = '\0';
    return end + 1;
}
