/* election_notified.c - what comes in from the election port, in any state (quorum-protocol 1.5). */
#include "core/zab/zab_internal.h"

/* Who does not vote is answered at once, as long as it is looking. Apache answers it in any state, and two servers that
 * do not vote for each other any more would answer each other for ever; so would two that are looking and vote nowhere.
 * Apache also gives it the vote of the last election while looking; then its leader may be dead, and the proposal says
 * more. */
static void answer_voteless(struct zab *z, int64_t sid, const struct notification *n)
{
    const struct vote *proposal = z->election == NULL ? NULL : election_proposal(z->election);
    if (n->state != SERVER_LOOKING || (z->role == ZAB_LOOKING && !zab_votes(z, z->options.sid)))
        return;
    if (proposal != NULL)
        election_tell(z, sid, proposal, z->round);
    else if (z->vote.leader != INT64_MIN)
        election_tell(z, sid, &z->vote, z->round);
}

/* The leader that was to be has gone on, to a better vote or to a later round, and has not let this server in: it never
 * will, and waiting for it until initLimit would be in vain. */
static bool is_given_up(const struct zab *z, int64_t sid, const struct notification *n)
{
    if (z->learner == NULL || learner_link(z->learner) != 0 || sid != z->vote.leader)
        return false;
    return n->round > z->vote_round || (n->round == z->vote_round && vote_compare(&n->vote, &z->vote) > 0);
}

static void answer_looking(struct zab *z, int64_t sid, const struct notification *n)
{
    if (z->role == ZAB_LEADING)
        leader_saw_looking(z, sid);
    if (zab_votes(z, z->options.sid)) /* what others say is not counted, and an Apache server would answer it */
        election_tell(z, sid, &z->vote, z->vote_round);
    if (!is_given_up(z, sid, n))
        return;
    zab_leave(z, "the server that was to lead is looking for a leader itself");
    z->round = (int64_t)((uint64_t)n->round - 1); /* looks in that round, and pulls nobody out of it */
    zab_ok(z, ballots_put(&z->early, sid, n));
}

/* A newer configuration is that of the ensemble (quorum-protocol 1.5). True: the election has begun anew with it. */
static bool adopt_config(struct zab *z, const struct notification *n)
{
    if (!z->options.reconfig_enabled || n->version < 2 || bytes_equal(n->config, buffer_bytes(&z->committed_text)))
        return false;
    struct members *m;
    struct members_error error;
    if (!zab_ok(z, zab_read_config(z, n->config, &m, &error)))
        return false;
    if (m->version <= z->committed->version) {
        members_free(m);
        return false;
    }
    const bool is_other = !members_same_content(m, z->committed);
    if (!zab_set_committed(z, m) || !is_other)
        return false;
    z->skips_election = false;
    if (z->election == NULL)
        return false;
    election_free(z->election);
    z->election = NULL;
    election_enter(z);
    return true;
}

void election_notified(struct zab *z, int64_t sid, struct bytes frame)
{
    struct notification n;
    if (sid == z->options.sid || notification_decode(frame, &n) != ST_OK)
        return;
    if (z->role == ZAB_LOOKING && (adopt_config(z, &n) || z->status != ST_OK))
        return;
    if (!zab_votes(z, sid))
        answer_voteless(z, sid, &n);
    else if (z->election != NULL)
        election_hear(z, sid, &n);
    else if (z->role != ZAB_LOOKING && n.state == SERVER_LOOKING)
        answer_looking(z, sid, &n);
    else if (n.state == SERVER_LOOKING)
        zab_ok(z, ballots_put(&z->early, sid, &n));
}
