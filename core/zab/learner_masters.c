/* learner_masters.c - whom a learner connects to. A follower: the leader. An observer: when followers take observers
 * (observerMasterPort), one of them, as Apache's do; each has an order of its own, so that they spread. Where none has
 * the port open for a while the leader is asked, which Apache's observers never do: they would stay outside. Not at
 * once, for followers open it when they serve, which is some time after the election.
 *
 * An observer that had to go to the leader is there for longer than it need be: it looks for a follower now and then,
 * by a connection that it closes again, and leaves the leader when one is made. Its clients notice no more often than
 * that.
 *
 * A crowd of observers that has lost its leader comes back one by one: each waits for a while of its own before it asks
 * the leader (observer.reconnectDelayMs). */
#include "core/base/mem.h"
#include "core/zab/learner_internal.h"

#include <inttypes.h>

enum { TICKS_FOR_FOLLOWERS = 2 };

static int64_t next_pause(const struct zab *z, struct learner *l)
{
    const int64_t wanted = l->retry_ms == 0 ? RECONNECT_MS_FIRST : 2 * l->retry_ms, most = z->options.connect_retry_ms;
    l->retry_ms = wanted < most ? wanted : most;
    return l->retry_ms;
}

/* Before the one whose turn it is. */
static int64_t delay(struct zab *z, const struct learner *l)
{
    const bool asks_leader = l->masters[l->master_next] == z->vote.leader;
    return z->role == ZAB_OBSERVING && asks_leader ? zab_random_below(z, z->options.observer_reconnect_ms) : 0;
}

static bool takes_observers(const struct zab *z, const struct member *m)
{
    return m->role == MEMBER_PARTICIPANT && m->sid != z->vote.leader && m->sid != z->options.sid;
}

static void swap(int64_t *a, int64_t *b)
{
    const int64_t was = *a;
    *a = *b;
    *b = was;
}

/* Any order is as likely as any other; but the one that was tried last and did not serve is the last again, and one
 * that is known to serve the first. */
static void shuffle(struct zab *z, int64_t *sids, size_t count)
{
    for (size_t i = count; i > 1; i--)
        swap(&sids[i - 1], &sids[zab_random_below(z, (int64_t)i)]);
    for (size_t i = 0; i + 1 < count; i++)
        if (sids[i] == z->last_master)
            swap(&sids[i], &sids[count - 1]);
    for (size_t i = 1; i < count; i++)
        if (sids[i] == z->next_master)
            swap(&sids[i], &sids[0]);
    z->next_master = -1;
}

void learner_choose_masters(struct zab *z, struct learner *l)
{
    l->masters = mem_calloc(z->committed->count + 1, sizeof *l->masters);
    if (l->masters == NULL) {
        zab_ok(z, ST_NO_MEMORY);
        return;
    }
    if (z->role == ZAB_OBSERVING && z->options.observer_masters) {
        for (size_t i = 0; i < z->committed->count; i++)
            if (takes_observers(z, z->committed->items[i]))
                l->masters[l->master_count++] = z->committed->items[i]->sid;
        shuffle(z, l->masters, l->master_count);
    }
    if (l->master_count > 0)
        l->leader_from_ms = z->now_ms + (int64_t)TICKS_FOR_FOLLOWERS * z->options.tick_ms;
    l->masters[l->master_count++] = z->vote.leader;
    l->connect_ms = z->now_ms + delay(z, l);
}

void learner_connect(struct zab *z, struct learner *l)
{
    struct zab_effect *effect = zab_emit(z, ZAB_CONNECT);
    l->master = l->masters[l->master_next];
    effect->sid = l->master;
    effect->to_master = l->at_follower = l->master != z->vote.leader;
    l->connect_ms = INT64_MAX;
}

/* Those who named it may not know yet that it is dead: the time-out would hold this server to it for long, and by then
 * there may be another. */
static bool leader_refused_for_long(const struct zab *z, struct learner *l)
{
    if (l->master != z->vote.leader)
        return false;
    if (l->give_up_ms == 0)
        l->give_up_ms = z->now_ms + (int64_t)RECONNECT_PAUSES * z->options.connect_retry_ms;
    return z->now_ms >= l->give_up_ms;
}

void learner_try_next(struct zab *z, struct learner *l)
{
    if (leader_refused_for_long(z, l)) {
        learner_fail(z, "leader %" PRId64 " cannot be reached", z->vote.leader);
        return;
    }
    const size_t count = z->now_ms < l->leader_from_ms ? l->master_count - 1 : l->master_count;
    l->master_next = (l->master_next + 1) % count;
    l->connect_ms = z->now_ms + delay(z, l) + (l->master_next == 0 ? next_pause(z, l) : 0);
}

/* -- away from the leader ------------------------------------------------------------------------------------------ */

static bool would_go(const struct zab *z, const struct learner *l)
{
    return z->role == ZAB_OBSERVING && l->stage == LEARNER_SERVING && !l->at_follower && l->master_count > 1 &&
           z->options.observer_retry_ms > 0;
}

static void seek(struct zab *z, struct learner *l)
{
    l->master_next = (l->master_next + 1) % (l->master_count - 1);
    l->is_seeking = true;
    struct zab_effect *effect = zab_emit(z, ZAB_CONNECT);
    effect->sid = l->masters[l->master_next];
    effect->to_master = true;
}

/* Observers that have come to the leader at one time leave it one by one. */
void learner_mind_masters(struct zab *z, struct learner *l)
{
    if (!would_go(z, l))
        return;
    const bool is_due = l->seek_ms != 0 && z->now_ms >= l->seek_ms;
    if (is_due)
        seek(z, l);
    if (is_due || l->seek_ms == 0)
        l->seek_ms = z->now_ms + z->options.observer_retry_ms + zab_random_below(z, z->options.observer_retry_ms);
    zab_wake_at(z, l->seek_ms);
}

void learner_found_master(struct zab *z, struct learner *l)
{
    z->next_master = l->masters[l->master_next];
    learner_fail(z, "server %" PRId64 " takes observers", z->next_master);
}
