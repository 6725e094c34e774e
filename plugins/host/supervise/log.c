/* log.c - what a process writes: kept, printed, and bounded. */
#include "plugins/host/log_print.h"
#include "plugins/host/supervise/supervise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void keep(struct unit *unit, const char *line)
{
    struct log_ring *ring = &unit->log;
    if (ring->lines == NULL) {
        ring->cap = unit->supervisor->config->log_keep;
        ring->lines = calloc(ring->cap, sizeof *ring->lines);
    }
    char *copy = ring->lines == NULL ? NULL : strdup(line);
    if (copy == NULL)
        return; /* it is printed all the same */
    free(ring->lines[ring->next]);
    ring->lines[ring->next] = copy;
    ring->next = (ring->next + 1) % ring->cap;
}

void log_ring_free(struct log_ring *ring)
{
    for (size_t i = 0; ring->lines != NULL && i < ring->cap; i++)
        free(ring->lines[i]);
    free(ring->lines);
    ring->lines = NULL;
}

static void print(struct unit *unit, enum zooid_plugin_level level, const char *text)
{
    char line[8400];
    if (level > unit->supervisor->config->log_level)
        return;
    (void)snprintf(line, sizeof line, "%s %s", log_word(level), text);
    log_print(level, text);
    keep(unit, line);
}

void log_say(struct unit *unit, enum zooid_plugin_level level, const char *format, ...)
{
    char text[1024], line[1200];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)snprintf(line, sizeof line, "%s: %s", unit->name, text);
    print(unit, level, line);
}

/* "<2>NAME: text" is a line of the host's; anything else was written past it. */
static void take_line(struct unit *unit, struct log_flow *flow)
{
    char *line = flow->line;
    line[flow->len] = '\0';
    if (++flow->lines > unit->limits.log_lines)
        flow->dropped++;
    else if (line[0] == '<' && line[1] >= '0' && line[1] <= '3' && line[2] == '>')
        print(unit, (enum zooid_plugin_level)(line[1] - '0'), line + 3);
    else
        log_say(unit, ZOOID_PLUGIN_INFO, "%s", line);
}

void log_feed(struct unit *unit, struct log_flow *flow, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] != '\n' && flow->len < sizeof flow->line - 1) {
            flow->line[flow->len++] = data[i];
            continue;
        }
        take_line(unit, flow);
        flow->len = 0;
        if (data[i] != '\n')
            flow->line[flow->len++] = data[i];
    }
}

void log_second(struct unit *unit, struct log_flow *flow, uint64_t now_ms)
{
    if (now_ms - flow->second_ms < 1000)
        return;
    flow->flooded_s = flow->dropped > 0 ? flow->flooded_s + 1 : 0;
    if (flow->dropped > 0)
        log_say(unit, ZOOID_PLUGIN_WARNING, "%u lines more in a second are left out (limits.log_lines)", flow->dropped);
    flow->lines = flow->dropped = 0;
    flow->second_ms = now_ms;
}
