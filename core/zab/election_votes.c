/* election_votes.c - which votes may be given in an election, which one is better, and when a quorum agrees
 * (quorum-protocol 1.6, 1.7 and 1.9).
 *
 * Who has an empty vote abstains: observers, joiners, and a voter that must not lead, since its disk is full. */
#include "core/zab/election_internal.h"

static const struct vote NO_VOTE = {INT64_MIN, INT64_MIN, INT64_MIN};

bool election_abstains(const struct vote *vote)
{
    return vote->leader == INT64_MIN;
}

/* -- votes ----------------------------------------------------------------------------------------------------------
 */

struct vote election_own_vote(const struct zab *z)
{
    return (struct vote){.leader = z->options.sid, .zxid = z->loaded_zxid, .peer_epoch = z->current_epoch};
}

bool election_may_lead(const struct zab *z)
{
    return !z->disk_full;
}

struct vote election_initial_vote(const struct zab *z)
{
    return zab_is_voter(z) && election_may_lead(z) ? election_own_vote(z) : NO_VOTE;
}

bool election_is_blank(const struct zab *z)
{
    return zab_is_voter(z) && z->loaded_zxid == -1;
}

static bool has_weight(const struct zab *z, int64_t sid)
{
    const struct members *pending = zab_pending_config(z);
    const struct member *member = members_find(z->committed, sid);
    if (member == NULL && pending != NULL)
        member = members_find(pending, sid);
    return member != NULL && member->weight > 0;
}

bool election_is_better(const struct zab *z, const struct vote *vote, const struct vote *than)
{
    return has_weight(z, vote->leader) && vote_compare(vote, than) > 0;
}

bool election_may_adopt(const struct zab *z, const struct vote *vote)
{
    const struct vote own = election_own_vote(z);
    return election_may_lead(z) || (vote->leader != own.leader && vote_compare_data(vote, &own) >= 0);
}

struct notification election_own_ballot(const struct zab *z)
{
    return (struct notification){
        .state = SERVER_LOOKING, .vote = z->election->proposal, .round = z->round, .config = BYTES_NULL};
}

/* -- counting -------------------------------------------------------------------------------------------------------
 */

/* Whom others follow already may be followed without the voters of what is pending here: it may have come to nothing,
 * and whether that leader leads is for its own quorums to say. */
bool election_has_quorum(const struct zab *z, const struct ballots *set, const struct notification *n)
{
    const bool is_settled = n->state != SERVER_LOOKING && n->vote.leader != z->options.sid;
    struct quorum quorum = quorum_of(z->committed, is_settled ? NULL : zab_pending_config(z));
    const struct notification own = election_own_ballot(z);
    for (size_t i = 0; i < set->count; i++)
        if (ballots_agree(&set->items[i].notification, n))
            quorum_add(&quorum, set->items[i].sid);
    if (set == &z->election->current && !election_is_blank(z) && ballots_agree(&own, n))
        quorum_add(&quorum, z->options.sid);
    return quorum_reached(&quorum);
}

static bool all_agree(const struct zab *z, const struct members *m)
{
    const struct notification own = election_own_ballot(z);
    for (size_t i = 0; i < m->count; i++) {
        const struct member *member = m->items[i];
        const struct notification *n = ballots_of(&z->election->current, member->sid);
        if (member->role == MEMBER_PARTICIPANT && member->sid != z->options.sid &&
            (n == NULL || !ballots_agree(n, &own)))
            return false;
    }
    return true;
}

bool election_is_unanimous(const struct zab *z)
{
    const struct members *pending = zab_pending_config(z);
    return all_agree(z, z->committed) && (pending == NULL || all_agree(z, pending));
}

/* Followers alone do not make a leader: it may be dead. */
static bool leads_indeed(const struct zab *z, const struct ballots *set, const struct notification *n)
{
    if (n->vote.leader == z->options.sid)
        return n->round == z->round && election_may_lead(z) && !election_is_blank(z);
    const struct notification *leader = ballots_of(set, n->vote.leader);
    return leader != NULL && leader->state == SERVER_LEADING;
}

bool election_is_chosen(const struct zab *z, const struct ballots *set, const struct notification *n)
{
    return election_has_quorum(z, set, n) && leads_indeed(z, set, n);
}
