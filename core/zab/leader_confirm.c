/* leader_confirm.c - does this server still lead? A sync is answered behind a yes, so that whoever reads behind it sees
 * all that anybody had been told before, also when another leader has been elected meanwhile (quorum-protocol 3.7).
 *
 * Yes is said by a quorum that has answered a PING sent after the question: it followed then, so none of it had
 * promised itself to a later leader, and no such leader can have had a quorum before. Apache's followers answer no PING
 * either once they have left. A quorum that has logged a txn proposed after the question says the same. On a link
 * answers come in order and each PING is answered, from UPTODATE on; so they are told apart by counting.
 *
 * One round at a time is under way for it; whoever asks meanwhile waits for the next one, so that many cost as little
 * as one. */
#include "core/base/array.h"
#include "core/zab/leader_internal.h"

enum { CONFIRMATIONS_FIRST = 16 };

static bool has_answered(const struct peer *p, uint64_t ping)
{
    return p->stage == PEER_SERVING && p->pings_answered > 0 && p->pings_before + p->pings_answered >= ping;
}

/* Has a quorum, this server in it, answered that round or a later one? */
static bool is_answered(const struct zab *z, uint64_t ping)
{
    struct quorum answered = quorum_of(z->committed, zab_pending_config(z));
    quorum_add(&answered, z->options.sid);
    LIST_FOR_EACH(at, &z->leader->learners.followers)
    {
        if (has_answered(FOLLOWER(at), ping))
            quorum_add(&answered, FOLLOWER(at)->sid);
    }
    return quorum_reached(&answered);
}

/* The first `count` of them. */
static void confirm(struct zab *z, size_t count)
{
    struct leader *l = z->leader;
    if (count == 0)
        return;
    zab_emit(z, ZAB_CONFIRMED)->ticket = l->confirmations[count - 1].ticket;
    l->confirmation_count -= count;
    memmove(l->confirmations, l->confirmations + count, l->confirmation_count * sizeof *l->confirmations);
}

void leader_confirm_before(struct zab *z, int64_t zxid)
{
    const struct leader *l = z->leader;
    size_t count = 0;
    while (count < l->confirmation_count && l->confirmations[count].zxid < zxid)
        count++;
    confirm(z, count);
}

void leader_confirm_committed(struct zab *z)
{
    const struct leader *l = z->leader;
    size_t count = 0;
    while (count < l->confirmation_count && l->confirmations[count].zxid <= z->committed_zxid &&
           l->confirmations[count].ping <= l->proven)
        count++;
    confirm(z, count);
}

/* Sends the round that the last question needs, unless one is under way. */
static void ask(struct zab *z)
{
    struct leader *l = z->leader;
    if (l->asked > l->proven || l->confirmation_count == 0)
        return;
    const uint64_t needed = l->confirmations[l->confirmation_count - 1].ping;
    if (needed <= l->proven)
        return;
    if (l->learners.pings < needed)
        learners_ping_followers(z, &l->learners, l->proposed_zxid);
    l->asked = l->learners.pings;
}

/* Goes on as far as answers, and the quorum of this server alone, allow. */
static void proceed(struct zab *z)
{
    struct leader *l = z->leader;
    ask(z);
    while (l->asked > l->proven && is_answered(z, l->asked)) {
        l->proven = l->asked;
        ask(z);
    }
    leader_confirm_committed(z);
}

void leader_pong(struct zab *z, struct peer *p, const struct packet *packet)
{
    p->pings_answered += p->stage == PEER_SERVING;
    if (!p->observer && z->leader->confirmation_count > 0)
        proceed(z);
    peer_pass(z, p, packet);
}

static bool is_like_last(const struct leader *l, const struct confirmation *c)
{
    const struct confirmation *last = l->confirmation_count == 0 ? NULL : &l->confirmations[l->confirmation_count - 1];
    return last != NULL && last->zxid == c->zxid && last->ping == c->ping;
}

void leader_confirm(struct zab *z, const struct zab_event *event)
{
    struct leader *l = z->leader;
    const struct confirmation c = {event->ticket, l->proposed_zxid, l->learners.pings + 1};
    if (l->stage != LEADER_SERVING)
        return;
    if (is_like_last(l, &c)) {
        l->confirmations[l->confirmation_count - 1].ticket = c.ticket;
        return;
    }
    struct confirmation *room = array_room(l->confirmations, l->confirmation_count, &l->confirmation_capacity,
                                           sizeof *room, CONFIRMATIONS_FIRST);
    if (room == NULL) {
        (void)zab_ok(z, ST_NO_MEMORY);
        return;
    }
    l->confirmations = room;
    room[l->confirmation_count++] = c;
    leader_end_batch(l);
    proceed(z);
}
