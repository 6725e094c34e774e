/* ballots.c - a short array: voters are few. */
#include "core/zab/ballots.h"

#include "core/base/array.h"
#include "core/base/mem.h"

enum { BALLOTS_FIRST = 8 };

static struct ballot *find(const struct ballots *b, int64_t sid)
{
    for (size_t i = 0; i < b->count; i++)
        if (b->items[i].sid == sid)
            return &b->items[i];
    return NULL;
}

enum status ballots_put(struct ballots *b, int64_t sid, const struct notification *n)
{
    struct ballot *ballot = find(b, sid);
    if (ballot == NULL) {
        struct ballot *room = array_room(b->items, b->count, &b->capacity, sizeof *room, BALLOTS_FIRST);
        if (room == NULL)
            return ST_NO_MEMORY;
        b->items = room;
        ballot = &room[b->count++];
        ballot->sid = sid;
    }
    ballot->notification = *n;
    ballot->notification.config = BYTES_NULL;
    return ST_OK;
}

const struct notification *ballots_of(const struct ballots *b, int64_t sid)
{
    const struct ballot *ballot = find(b, sid);
    return ballot == NULL ? NULL : &ballot->notification;
}

void ballots_clear(struct ballots *b)
{
    b->count = 0;
}

void ballots_free(struct ballots *b)
{
    mem_free(b->items);
    *b = (struct ballots){0};
}

bool ballots_agree(const struct notification *a, const struct notification *b)
{
    if (a->state == SERVER_LOOKING || b->state == SERVER_LOOKING)
        return vote_compare(&a->vote, &b->vote) == 0 && a->round == b->round;
    if ((a->version > 0) != (b->version > 0))
        return a->vote.leader == b->vote.leader;
    return a->vote.leader == b->vote.leader && a->vote.peer_epoch == b->vote.peer_epoch;
}
