/* leader_pulse.c - among agents followers are pinged in quick succession, and a leader that no quorum answers leaves
 * soon, as they leave it (capability failure-detection). The limits of quorum-protocol 2.9 and 3.12 stay besides.
 *
 * An agent that is no further than on its way to be served is pinged in any ensemble: it has nothing to lose but time.
 */
#include "core/zab/leader_internal.h"

#include <inttypes.h>

enum { PULSES_PER_LIMIT = 5, PERIOD_MS_MIN = 10 };

/* One that is being synchronized is silent for good reason. */
static bool is_fresh(const struct zab *z, const struct peer *p, int64_t silence_max)
{
    if (p->observer || p->stage == PEER_NEW)
        return false;
    return p->stage == PEER_SERVING ? z->now_ms - p->heard_ms <= silence_max : z->now_ms < p->alive_ms;
}

static bool is_heard_by_quorum(const struct zab *z, int64_t silence_max)
{
    struct quorum fresh = quorum_of(z->committed, zab_pending_config(z));
    quorum_add(&fresh, z->options.sid);
    LIST_FOR_EACH(at, LEARNERS_OF(z->leader))
    {
        if (is_fresh(z, PEER(at), silence_max))
            quorum_add(&fresh, PEER(at)->sid);
    }
    return quorum_reached(&fresh);
}

/* Half of the limit for each follower to be heard again, half of it for a quorum of them: also of such as have just
 * come back. A leader that has slept itself looks first at what has come in meanwhile. */
static void look(struct zab *z, int64_t limit)
{
    struct leader *l = z->leader;
    const bool has_slept = z->now_ms - l->pulse_ms > limit / 4;
    if (has_slept) {
        l->fresh_ms = z->now_ms;
    } else if (is_heard_by_quorum(z, limit / 2)) {
        patience_learn(&z->patience, 4 * (z->now_ms - l->fresh_ms), z->now_ms);
        l->fresh_ms = z->now_ms;
    } else if (z->now_ms - l->fresh_ms >= limit / 2) {
        zab_alarm(z, z->options.sid, limit);
        zab_leave(z, "not enough followers are heard");
    }
}

static void ping_newcomers(struct zab *z)
{
    LIST_FOR_EACH(at, LEARNERS_OF(z->leader))
    {
        const struct peer *p = PEER(at);
        if (p->stage != PEER_NEW && p->stage < PEER_SERVING && !p->takes_snapshot &&
            p->can.of[CAPABILITY_FAILURE_DETECTION] > 0)
            zab_send_plain(z, p->link, PACKET_PING, z->leader->proposed_zxid);
    }
}

static int64_t period(int64_t limit)
{
    const int64_t ms = limit / PULSES_PER_LIMIT;
    return ms < PERIOD_MS_MIN ? PERIOD_MS_MIN : ms;
}

/* By what all have agreed on where it is on, for by that they judge. */
void leader_pulse(struct zab *z)
{
    struct leader *l = z->leader;
    const int64_t own = z->options.can.of[CAPABILITY_FAILURE_DETECTION];
    const int64_t on = z->on.of[CAPABILITY_FAILURE_DETECTION];
    if (own == 0)
        return;
    if (z->now_ms >= l->pulse_ms) {
        ping_newcomers(z);
        if (on > 0)
            learners_ping_followers(z, &l->learners, l->proposed_zxid);
        if (l->is_looking)
            look(z, zab_silence_limit(z));
        l->pulse_ms = z->now_ms + period(on > 0 ? on : own);
    }
    if (l->is_looking != (on > 0)) {
        l->is_looking = on > 0;
        l->fresh_ms = z->now_ms;
    }
    zab_wake_at(z, l->pulse_ms);
}
