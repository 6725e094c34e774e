/* snapshot_room.c - a short list and a bucket of bytes that fills with time. */
#include "agent/peers/snapshot_room.h"

#include "core/base/array.h"
#include "core/base/mem.h"

enum {
    LINKS_FIRST = 16,
    BURST_US = 4000,     /* what has not been used of so long can be used at once: timers are coarse */
    DEBT_US = 50000,     /* what went out while nobody wrote, or in one large piece, is not paid back for longer */
    WRITING_US = 100000, /* clients count as writing for so long after a txn */
    HEEDED_US = 100000,  /* how much they write is looked at so often */
    FASTER = 2,          /* than they write must it go out, or it would not end */
    MICROSECONDS = 1000000
};

/* -- the pace ----------------------------------------------------------------------------------------------------- */

static int64_t in_time(int64_t rate, int64_t us)
{
    return rate * us / MICROSECONDS;
}

static int64_t rate_of(const struct pace *p)
{
    return (int64_t)(p->rate == 0 || p->rate > p->rate_least ? p->rate : p->rate_least);
}

void pace_heed(struct pace *p, uint64_t written, size_t links, int64_t now_us)
{
    const uint64_t passed_us = (uint64_t)(now_us - p->written_us);
    if (passed_us < HEEDED_US)
        return;
    const uint64_t more = written - p->written; /* of months, when nobody was catching up */
    const uint64_t each = more > UINT64_MAX / MICROSECONDS ? more / passed_us * MICROSECONDS
                                                           : more * MICROSECONDS / passed_us;
    p->rate_least = each < PACE_RATE_MAX / FASTER / (links + 1) ? FASTER * each * links : PACE_RATE_MAX;
    p->written = written;
    p->written_us = now_us;
}

int64_t pace_wait_us(struct pace *p, int64_t now_us)
{
    const int64_t rate = rate_of(p);
    if (rate == 0)
        return 0;
    if (now_us - p->at_us > MICROSECONDS)
        p->at_us = now_us - MICROSECONDS;
    const int64_t gained = (now_us - p->at_us) * rate / MICROSECONDS;
    const int64_t most = in_time(rate, BURST_US) + 1;
    p->at_us += gained * MICROSECONDS / rate; /* what is not a whole byte yet counts the next time */
    p->allowance = p->allowance + gained < most ? p->allowance + gained : most;
    return p->allowance > 0 ? 0 : (1 - p->allowance) * MICROSECONDS / rate + 1;
}

void pace_spend(struct pace *p, size_t bytes)
{
    const int64_t least = -in_time(rate_of(p), DEBT_US);
    p->allowance -= (int64_t)bytes;
    if (p->allowance < least)
        p->allowance = least;
}

/* -- the links ---------------------------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer)
{
    struct snapshot_room *room = timer->data;
    room->turn(room->context);
}

void snapshot_room_open(struct snapshot_room *room, uv_loop_t *loop, uint64_t rate, void (*turn)(void *context),
                        void *context)
{
    *room = (struct snapshot_room){.pace.rate = rate, .turn = turn, .context = context};
    (void)uv_timer_init(loop, &room->timer); /* it only fills in the struct */
    room->timer.data = room;
}

enum status snapshot_room_want(struct snapshot_room *room, uint64_t link)
{
    uint64_t *links = array_room(room->links, room->count, &room->cap, sizeof *links, LINKS_FIRST);
    if (links == NULL)
        return ST_NO_MEMORY;
    room->links = links;
    room->links[room->count++] = link;
    return ST_OK;
}

void snapshot_room_forget(struct snapshot_room *room, uint64_t link)
{
    for (size_t i = 0; i < room->count; i++)
        if (room->links[i] == link)
            room->links[i--] = room->links[--room->count];
}

void snapshot_room_forget_all(struct snapshot_room *room)
{
    room->count = 0;
}

static bool clients_write(struct snapshot_room *room, uint64_t written, int64_t now_us)
{
    if (written != room->written) {
        room->written = written;
        room->written_us = now_us;
    }
    return now_us - room->written_us < WRITING_US;
}

size_t snapshot_room_take(struct snapshot_room *room, uint64_t written, bool (*has_room)(void *context, uint64_t link),
                          uint64_t links[SNAPSHOT_ROOM_TURN])
{
    size_t taken = 0, kept = 0;
    const int64_t now_us = (int64_t)(uv_hrtime() / 1000);
    if (room->count == 0)
        return 0;
    pace_heed(&room->pace, written, room->count, now_us);
    const int64_t wait_us = clients_write(room, written, now_us) ? pace_wait_us(&room->pace, now_us) : 0;
    if (wait_us > 0) {
        (void)uv_timer_start(&room->timer, on_timer, (uint64_t)(wait_us + 999) / 1000, 0);
        return 0;
    }
    for (size_t i = 0; i < room->count; i++) {
        if (taken < SNAPSHOT_ROOM_TURN && has_room(room->context, room->links[i]))
            links[taken++] = room->links[i];
        else
            room->links[kept++] = room->links[i];
    }
    room->count = kept;
    if (taken == SNAPSHOT_ROOM_TURN)
        room->turn(room->context);
    return taken;
}

void snapshot_room_spend(struct snapshot_room *room, size_t bytes)
{
    pace_spend(&room->pace, bytes);
}

static void on_closed(uv_handle_t *handle)
{
    struct snapshot_room *room = handle->data;
    mem_free(room->links);
    room->closed(room->context);
}

void snapshot_room_close(struct snapshot_room *room, void (*closed)(void *context))
{
    room->closed = closed;
    uv_close((uv_handle_t *)&room->timer, on_closed);
}
