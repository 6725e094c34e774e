/* client.c - a client's life: it looks for a member, says whose session it is, and goes elsewhere when it must. */
#include "tests/sim/replica/client.h"

#include "core/base/array.h"
#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/jute/txn.h"
#include "core/ops/op.h"
#include "tests/sim/replica/member.h"
#include "tests/sim/replica/reference.h"

#include <inttypes.h>
#include <stdio.h>

enum client_timer { TIMER_TURN, TIMER_PING };

static struct clients *all_of(const struct world *w)
{
    return w->replicas->clients;
}

static void trace(struct world *w, const struct client *c, const char *what)
{
    world_trace(w, NULL, "client %u %s", c->index, what);
}

/* -- timers -------------------------------------------------------------------------------------------------------- */

static void timer_at(struct world *w, const struct client *c, int64_t at_us, enum client_timer timer)
{
    world_at(w, at_us,
             (struct happening){
                 .kind = HAPPENS_CLIENT, .what = c->index, .event = (int64_t)timer, .zxid = (int64_t)c->timers});
}

static void turn_later(struct world *w, const struct client *c)
{
    int64_t us = 1 + world_about(w, w->plan.client_us);
    timer_at(w, c, w->now_us + (us < SIM_SECOND ? us : SIM_SECOND), TIMER_TURN);
}

static int64_t ping_us(const struct client *c)
{
    return (int64_t)c->timeout_ms * SIM_MILLISECOND / 3;
}

/* -- connections --------------------------------------------------------------------------------------------------- */

void client_send(struct world *w, struct client *c, struct bytes frame)
{
    net_send(w, c->end, c->link, PARCEL_BYTES, frame, true);
}

static void away(struct client *c)
{
    c->state = CLIENT_AWAY;
    c->link = 0;
    c->first = c->count = 0;
    book_leave(&c->book);
    if (c->reads)
        client_forget_session(c);
}

void client_drop(struct world *w, struct client *c)
{
    if (c->state != CLIENT_AWAY && net_has(w, c->end, c->link))
        net_close(w, c->end, c->link);
    away(c);
}

void client_forget_session(struct client *c)
{
    c->session = 0;
    c->seen_zxid = 0;
    c->next_xid = 1;
    c->closing = c->reads = false;
    c->passage_count = 0;
    memset(c->password, 0, sizeof c->password);
    c->book.count = 0;
    c->book.cursor = 0;
    book_leave(&c->book);
}

static void dial(struct world *w, struct client *c)
{
    if (c->closing)
        client_forget_session(c); /* asked for its end; whether it was heard the member knows */
    c->server = &w->servers[random_below(&w->random, w->count)];
    c->state = CLIENT_DIALING;
    c->dialed_us = c->heard_us = w->now_us;
    c->link = net_dial(w, c->end, c->server, PORT_CLIENT);
    world_trace(w, NULL, "client %u dials %" PRId64 " as C%" PRIu64, c->index, c->server->sid, c->link ^ 1);
}

static struct client *client_at(const struct world *w, unsigned end, uint64_t link)
{
    struct client *c = &all_of(w)->items[end - SIM_MEMBERS_MAX];
    return c->state != CLIENT_AWAY && c->link == link ? c : NULL;
}

void clients_connected(struct world *w, unsigned end, uint64_t link)
{
    struct client *c = client_at(w, end, link);
    struct buffer frame = {0};
    if (c == NULL)
        return;
    c->state = CLIENT_GREETING;
    c->known = sessions_get(reference_sessions(w->replicas->reference), c->session) != NULL;
    const bool ended = !c->known && reference_knew_session(w->replicas->reference, c->session);
    c->ended = c->ended_once && ended;
    c->ended_once = ended;
    struct writer writer = writer_to(&frame);
    connect_request_write(&writer, &(struct connect_request){.last_zxid_seen = c->seen_zxid,
                                                             .timeout_ms = c->timeout_ms,
                                                             .session_id = c->session,
                                                             .password = bytes_make(c->password, sizeof c->password)});
    /* Who has a session of the ensemble waits for a member that is in it. */
    write_boolean(&writer, w->plan.read_only && !w->calm && c->session == 0 && world_chance(w, 2));
    CHECK(writer.status == ST_OK);
    client_send(w, c, buffer_bytes(&frame));
    buffer_free(&frame);
}

void clients_lost(struct world *w, unsigned end, uint64_t link)
{
    struct client *c = client_at(w, end, link);
    if (c == NULL)
        return;
    trace(w, c, "has lost its connection");
    away(c);
}

void clients_take(struct world *w, unsigned end, uint64_t link, struct bytes bytes)
{
    struct client *c = client_at(w, end, link);
    while (c != NULL && bytes.len >= 4 && !w->failed) {
        size_t len = be32_get(bytes.data);
        CHECK(bytes.len >= 4 + len);
        c->heard_us = w->now_us;
        client_take(w, c, bytes_make(bytes.data + 4, len));
        bytes = bytes_from(bytes, 4 + len);
        c = client_at(w, end, link);
    }
}

/* -- turns --------------------------------------------------------------------------------------------------------- */

/* Not all goes well at clients, either. */
static bool misbehaves(struct world *w, struct client *c)
{
    int64_t timeout_us = (int64_t)c->timeout_ms * SIM_MILLISECOND;
    switch (random_below(&w->random, 150)) {
    case 0:
    case 1:
        trace(w, c, "goes elsewhere");
        client_drop(w, c);
        dial(w, c);
        return true;
    case 2:
        trace(w, c, "stops for a while");
        w->stopped_until_us[c->end] = w->now_us + random_below(&w->random, 3 * (uint32_t)timeout_us);
        return true;
    case 3:
        trace(w, c, "dies, and another one comes");
        client_drop(w, c);
        client_forget_session(c);
        return true;
    default: return false;
    }
}

static void turn(struct world *w, struct client *c)
{
    turn_later(w, c);
    if (c->state == CLIENT_AWAY) {
        dial(w, c);
        return;
    }
    if (w->calm && c->reads) /* of somebody who is no member any more and finds none, perhaps */
        client_drop(w, c);
    if (c->state != CLIENT_ACTIVE || w->calm || misbehaves(w, c))
        return;
    unsigned burst = world_chance(w, 6) ? 1 + random_below(&w->random, 8) : 1;
    while (burst-- > 0 && c->state == CLIENT_ACTIVE && !c->closing && c->count < CLIENT_ASKED_MAX - 2)
        client_ask_something(w, c);
}

/* As libraries do: a member that says nothing for two thirds of the time-out is left. */
static void ping(struct world *w, struct client *c)
{
    timer_at(w, c, w->now_us + ping_us(c), TIMER_PING);
    if (c->state == CLIENT_AWAY)
        return;
    if (w->now_us - c->heard_us > 2 * ping_us(c)) {
        trace(w, c, "hears nothing");
        client_drop(w, c);
    } else if (c->state == CLIENT_ACTIVE && !c->closing) {
        client_ping(w, c);
    }
}

void clients_happen(struct world *w, const struct happening *h)
{
    struct client *c = &all_of(w)->items[h->what];
    if ((uint64_t)h->zxid != c->timers || c->gone)
        return;
    if (w->stopped_until_us[c->end] > w->now_us) {
        world_at(w, w->stopped_until_us[c->end], *h);
        return;
    }
    if ((enum client_timer)h->event == TIMER_TURN)
        turn(w, c);
    else
        ping(w, c);
}

/* -- making and ending ----------------------------------------------------------------------------------------------
 */

struct clients *clients_new(struct world *w)
{
    struct clients *clients = mem_calloc(1, sizeof *clients);
    CHECK(clients != NULL);
    w->replicas->clients = clients;
    clients->count = 2 + random_below(&w->random, REPLICAS_CLIENTS_MAX - 1);
    for (unsigned i = 0; i < clients->count; i++) {
        struct client *c = &clients->items[i];
        uint32_t ticks = 2 + random_below(&w->random, (uint32_t)w->replicas->session_ticks_max - 1);
        if (replicas_are_short_of_zxids(w))
            ticks = (uint32_t)w->replicas->session_ticks_max;
        c->index = i;
        c->end = SIM_MEMBERS_MAX + i;
        c->timeout_ms = (int32_t)ticks * w->plan.tick_ms;
        c->next_xid = 1;
        turn_later(w, c);
        timer_at(w, c, w->now_us + ping_us(c), TIMER_PING);
    }
    return clients;
}

void clients_free(struct clients *clients)
{
    for (unsigned i = 0; i < clients->count; i++) {
        book_free(&clients->items[i].book);
        mem_free(clients->items[i].passages);
    }
    mem_free(clients->acks);
    map64_free(&clients->sessions);
    map64_free(&clients->closes);
    map64_free(&clients->closing);
    mem_free(clients);
}

bool clients_write(struct world *w)
{
    struct clients *clients = all_of(w);
    for (unsigned i = 0; i < clients->count; i++) {
        struct client *c = &clients->items[i];
        if (c->state == CLIENT_ACTIVE && !c->closing && !c->reads) {
            client_ask_write(w, c);
            return true;
        }
    }
    return false;
}

/* Requests without an answer; pings go on and on. */
static size_t waiting(const struct client *c)
{
    size_t count = 0;
    for (size_t i = 0; i < c->count; i++)
        count += c->asked[(c->first + i) % CLIENT_ASKED_MAX].type != OP_NUMBER_PING;
    return count;
}

bool clients_settled(const struct world *w)
{
    const struct clients *clients = all_of(w);
    if (clients->farewell)
        return sessions_count(reference_sessions(w->replicas->reference)) == 0;
    for (unsigned i = 0; i < clients->count; i++) {
        const struct client *c = &clients->items[i];
        if (c->state != CLIENT_ACTIVE || c->reads || waiting(c) > 0)
            return false;
    }
    return true;
}

void clients_describe(const struct world *w, char *text, size_t size)
{
    static const char *const states[] = {"away", "dialing", "greeting", "active"};
    const struct clients *clients = all_of(w);
    size_t used = 0;
    for (unsigned i = 0; i < clients->count && used < size; i++) {
        const struct client *c = &clients->items[i];
        int n = snprintf(text + used, size - used, " client %u:%s/%zu", i, states[c->state], waiting(c));
        used += n > 0 ? (size_t)n : 0;
    }
}

int64_t clients_farewell(struct world *w)
{
    struct clients *clients = all_of(w);
    clients->farewell = true;
    for (unsigned i = 0; i < clients->count; i++) {
        struct client *c = &clients->items[i];
        client_drop(w, c);
        c->gone = true;
    }
    /* All at once; but with each leader all have their full time-out again, and an epoch may have room for few. */
    const struct plan *p = &w->plan;
    int64_t timeout_us = (int64_t)w->replicas->session_ticks_max * p->tick_ms * SIM_MILLISECOND;
    size_t sessions = sessions_count(reference_sessions(w->replicas->reference));
    bool small = p->zxid_counter_max < 100;
    return 2 * timeout_us + (small ? (int64_t)sessions * (timeout_us + 10 * (int64_t)SIM_SECOND) : 0);
}

/* -- for the checks -------------------------------------------------------------------------------------------------
 */

void clients_told(struct world *w, const struct server *m, uint64_t link)
{
    struct map64 *epochs = &w->replicas->epochs;
    if (map64_get(epochs, link) == NULL)
        CHECK(map64_put(epochs, link, (void *)(uintptr_t)(m->epoch + 1)) == ST_OK);
}

int64_t clients_session(const struct world *w, uint64_t link)
{
    return (int64_t)(uintptr_t)map64_get(&all_of(w)->sessions, link);
}

bool clients_have(const struct world *w, int64_t session)
{
    const struct clients *clients = all_of(w);
    for (unsigned i = 0; i < clients->count; i++)
        if (clients->items[i].session == session)
            return true;
    return false;
}

bool clients_closes(struct world *w, int64_t session, int32_t xid)
{
    struct clients *clients = all_of(w);
    CHECK(map64_put(&clients->closing, (uint64_t)session, w) == ST_OK);
    return xid > 0 && (int32_t)(uintptr_t)map64_get(&clients->closes, (uint64_t)session) - 1 == xid;
}

bool clients_has_moved(const struct world *w, int64_t session, int32_t xid)
{
    const struct clients *clients = all_of(w);
    for (unsigned i = 0; i < clients->count; i++) {
        const struct client *c = &clients->items[i];
        if (c->session != session || session == 0 || c->state != CLIENT_ACTIVE || xid <= 0)
            continue;
        size_t at = c->passage_count;
        while (at > 0 && c->passages[at - 1].first_xid > xid)
            at--;
        return at > 0 && at < c->passage_count && c->passages[at - 1].server != c->server->index;
    }
    return false;
}
