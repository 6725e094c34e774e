/* monitor.c - lines of the agent's log, as events. A program that does not take them loses some, and is told how many.
 */
#include "bindings/c/internal.h"

#include <stdlib.h>

static bool is_full(const zooid_client *c)
{
    return c->events_max > 0 && c->event_count >= c->events_max;
}

static void take_line_locked(zooid_client *c, struct call *call, const char *line)
{
    struct zooid_event *event = is_full(c) ? NULL : event_new(ZOOID_EVENT_LOG);
    if (event != NULL)
        event->path = strdup(line);
    if (event == NULL || event->path == NULL) {
        call->missed++;
        zooid_event_free(event);
        return;
    }
    event->ticket = call->ticket;
    event->tag = call->tag;
    event->missed = call->missed;
    call->missed = 0;
    event_push_locked(c, event);
}

void monitor_take_locked(zooid_client *c, struct call *call, from_agent *m)
{
    if (m->body_case == ZOOID__LOCAL__FROM_AGENT__BODY_LOG_LINES) {
        call->missed += m->log_lines->missed;
        for (size_t i = 0; i < m->log_lines->n_line; i++)
            take_line_locked(c, call, m->log_lines->line[i]);
    }
    message_free(m);
}

const char *zooid_event_line(const zooid_event *event)
{
    return event->kind == ZOOID_EVENT_LOG ? event->path : NULL;
}

uint32_t zooid_event_missed(const zooid_event *event)
{
    return event->missed;
}
