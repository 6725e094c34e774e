/* local_flow.c - what is sent to a client without being asked for again: no more than it has given credit for. */
#include "agent/local/local_streams.h"

struct local_flow local_flow_of(struct local_client *c, uint64_t window)
{
    uint64_t max = (uint64_t)c->local->settings->local_window_max;
    return (struct local_flow){.client = c, .window = window < max ? window : max};
}

/* One frame may go beyond it, since there has to be an end to waiting for room. */
bool local_flow_has_room(const struct local_flow *f)
{
    uint64_t all_max = (uint64_t)f->client->local->settings->local_unsent_max / 4;
    return f->unacknowledged < f->window && f->client->unacknowledged < all_max;
}

static void count(struct local_flow *f, uint64_t now)
{
    f->client->user->bytes += now - f->counted;
    f->counted = now;
}

void local_flow_sent(struct local_flow *f, size_t bytes, size_t waiting)
{
    f->unacknowledged += bytes;
    f->client->unacknowledged += bytes;
    count(f, f->unacknowledged + waiting);
}

void local_flow_end(struct local_flow *f)
{
    f->client->unacknowledged -= f->unacknowledged;
    count(f, 0);
}

static struct local_flow *flow_of(struct local_request *request)
{
    if (request == NULL)
        return NULL; /* it may have ended meanwhile */
    return request->subscription != NULL ? &request->subscription->flow
           : request->backup != NULL     ? &request->backup->flow
                                         : NULL;
}

void local_take_credit(struct local_client *c, const Zooid__Local__Credit *credit)
{
    struct local_request *request = local_find_open(c, credit->id);
    struct local_flow *f = flow_of(request);
    if (f == NULL)
        return;
    uint64_t bytes = credit->bytes < f->unacknowledged ? credit->bytes : f->unacknowledged;
    f->unacknowledged -= bytes;
    c->unacknowledged -= bytes;
    count(f, f->counted - bytes);
    if (request->backup != NULL && local_set_deadline(request, 0) != ST_OK)
        c->connection->failed = true;
    c->local->followed_to = UINT64_MAX; /* others of this client may have waited for it, too */
    pump_wake(c->local->parts.front.pump);
}
