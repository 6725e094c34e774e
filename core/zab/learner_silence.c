/* learner_silence.c - how long a leader may be silent before its learner gives it up (quorum-protocol 2.9; among agents
 * sooner: capability failure-detection).
 *
 * To leave early is never wrong, only dear: so the limit is longer where silences that meant nothing were seen. */
#include "core/zab/learner_internal.h"

#include <inttypes.h>

static int64_t in_ticks(const struct zab *z, int64_t ticks)
{
    return ticks * z->options.tick_ms;
}

/* Apache's limit. */
static int64_t longest(const struct zab *z, const struct learner *l)
{
    const bool adopted = (l->stage & (LEARNER_ADOPTED | LEARNER_SERVING)) != 0;
    return in_ticks(z, adopted ? z->options.sync_limit : z->options.init_limit);
}

/* The agents' limit; 0: there is none. Whom a follower does not serve yet, an agent that leads pings at that pace, too.
 * Observers that are served are pinged every half tick only, as many as they may be. */
static int64_t agreed(const struct zab *z, const struct learner *l)
{
    const int64_t slack = z->role == ZAB_OBSERVING ? in_ticks(z, 3) / 2 : 0;
    if (l->stage == LEARNER_SERVING)
        return zab_silence_limit(z) == 0 ? 0 : zab_silence_limit(z) + slack;
    return z->role == ZAB_FOLLOWING ? zab_silence_limit_of(z, z->vote.leader) : 0;
}

void learner_await(struct zab *z, struct learner *l)
{
    const int64_t most = longest(z, l), limit = agreed(z, l);
    l->is_hasty = limit != 0 && limit < most;
    l->deadline_ms = z->now_ms + (l->is_hasty ? limit : most);
}

void learner_heard(struct zab *z, struct learner *l)
{
    const bool is_pulsed = l->stage == LEARNER_SERVING && z->role == ZAB_FOLLOWING && zab_silence_limit(z) > 0;
    if (is_pulsed && !l->is_excused)
        patience_learn(&z->patience, 2 * (z->now_ms - l->heard_ms), z->now_ms);
    l->heard_ms = z->now_ms;
    l->is_excused = false;
    learner_await(z, l);
}

/* A member that has slept itself looks first at what has come in meanwhile. */
static bool excuses(struct zab *z, struct learner *l)
{
    const int64_t grace = agreed(z, l) / 4;
    if (l->is_excused || z->now_ms - l->deadline_ms <= grace)
        return false;
    l->is_excused = true;
    l->deadline_ms = z->now_ms + grace;
    return true;
}

void learner_mind_silence(struct zab *z, struct learner *l)
{
    if (z->now_ms < l->deadline_ms || (l->is_hasty && excuses(z, l)))
        return;
    if (!l->is_hasty) {
        learner_fail(z, "leader %" PRId64 " was not heard in time", z->vote.leader);
        return;
    }
    if (!l->at_follower)
        zab_alarm(z, z->vote.leader, agreed(z, l));
    learner_fail(z, "leader %" PRId64 " was not heard for %" PRId64 " ms", z->vote.leader, z->now_ms - l->heard_ms);
}
