/* events.c - what the plugin's client is told, handed to whom it is for. */
#include "plugins/host/host.h"

#include <stdlib.h>

/* So many at once; then the loop looks at everything else, too. */
enum { EVENTS_AT_ONCE = 256 };

static void hand_out(zooid_host *host, zooid_event *event)
{
    struct listener *listener = zooid_event_tag(event);
    switch (zooid_event_kind(event)) {
    case ZOOID_EVENT_SESSION: session_changed(host, zooid_event_session_state(event)); break;
    case ZOOID_EVENT_LOST: hold_lost(host, event); break;
    case ZOOID_EVENT_WATCH:
    case ZOOID_EVENT_OVERFLOW: break; /* nobody here sets watches */
    default:
        if (listener != NULL)
            listener->hear(listener, event);
        break;
    }
}

static void look(uv_poll_t *poll, int status, int events)
{
    zooid_host *host = poll->data;
    (void)status; /* the client notices itself what is the matter with its socket */
    (void)events;
    for (int i = 0; i < EVENTS_AT_ONCE; i++) {
        zooid_event *event = zooid_next_event(host->client, 0);
        if (event == NULL)
            break;
        hand_out(host, event);
        zooid_event_free(event);
    }
}

bool events_open(zooid_host *host)
{
    uv_poll_t *poll = calloc(1, sizeof *poll);
    if (poll == NULL)
        return false;
    poll->data = host;
    if (uv_poll_init(host->around.loop, poll, zooid_descriptor(host->client)) != 0) {
        free(poll);
        return false;
    }
    host->events = poll;
    return uv_poll_start(poll, UV_READABLE, look) == 0;
}

static void closed(uv_handle_t *handle)
{
    free(handle);
}

void events_close(zooid_host *host)
{
    if (host->events != NULL)
        uv_close((uv_handle_t *)host->events, closed);
    host->events = NULL;
}
