/* zab_capabilities.c - what a member knows of what others can do, in any role (capability.h). */
#include "core/zab/zab_internal.h"

void zab_note_capabilities(struct zab *z, int64_t sid, const struct capabilities *can)
{
    if (members_is_voter(z->committed, sid))
        zab_ok(z, roster_put(&z->roster, sid, can));
}

bool zab_set_agreement(struct zab *z, const struct capabilities *on, struct bytes data)
{
    struct buffer copy = {0};
    if (bytes_equal(data, buffer_bytes(&z->agreement)) || !zab_ok(z, buffer_append(&copy, data.data, data.len)))
        return false;
    buffer_free(&z->agreement);
    z->agreement = copy;
    if (!capabilities_equal(&z->on, on)) {
        z->on = *on;
        zab_emit(z, ZAB_CAPABILITIES);
    }
    return true;
}

void zab_forget_agreement(struct zab *z)
{
    z->on = (struct capabilities){0};
    z->agreement.len = 0;
}

void zab_review_capabilities(struct zab *z)
{
    for (size_t i = z->roster.count; i > 0; i--)
        if (!members_is_voter(z->committed, z->roster.items[i - 1].sid))
            roster_remove(&z->roster, z->roster.items[i - 1].sid);
    if (z->leader != NULL)
        leader_agree(z);
}

const struct capabilities *zab_capabilities(const struct zab *z)
{
    return &z->on;
}

/* Agents send an agreement whenever they begin to lead, whatever it is about. */
bool zab_agent_leads(const struct zab *z)
{
    return z->role == ZAB_LEADING || z->agreement.len > 0;
}

/* -- silence ------------------------------------------------------------------------------------------------------- */

/* Nobody is less patient than it was told to be. */
static int64_t limit(const struct zab *z, int64_t agreed)
{
    const int64_t own = z->options.can.of[CAPABILITY_FAILURE_DETECTION];
    const int64_t most = (int64_t)z->options.sync_limit * z->options.tick_ms;
    return agreed == 0 || own == 0 ? 0 : patience_limit(&z->patience, agreed > own ? agreed : own, most, z->now_ms);
}

int64_t zab_silence_limit(const struct zab *z)
{
    return limit(z, z->on.of[CAPABILITY_FAILURE_DETECTION]);
}

int64_t zab_silence_limit_of(const struct zab *z, int64_t leader)
{
    const struct capabilities *can = roster_of(&z->roster, leader);
    return can == NULL ? 0 : limit(z, can->of[CAPABILITY_FAILURE_DETECTION]);
}

void zab_alarm(struct zab *z, int64_t leader, int64_t limit_ms)
{
    z->alarm_ms = limit_ms;
    z->alarm_leader = leader;
}

void zab_alarm_over(struct zab *z)
{
    if (z->alarm_ms > 0 && z->vote.leader == z->alarm_leader)
        patience_learn(&z->patience, 2 * z->alarm_ms, z->now_ms);
    z->alarm_ms = 0;
}
