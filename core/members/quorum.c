/* quorum.c - majorities, weights and groups. */
#include "core/members/quorum.h"

#include "core/base/check.h"

enum { WORD_BITS = 64 };

static const struct member *voter_of(const struct members *m, int64_t sid)
{
    const struct member *member = members_find(m, sid);
    return member != NULL && member->role == MEMBER_PARTICIPANT ? member : NULL;
}

static bool has_voter(const struct voter_set *set, size_t voter)
{
    return (set->words[voter / WORD_BITS] >> voter % WORD_BITS & 1) != 0;
}

bool members_is_voter(const struct members *m, int64_t sid)
{
    return voter_of(m, sid) != NULL;
}

bool voter_set_add(struct voter_set *set, const struct members *m, int64_t sid)
{
    const struct member *member = voter_of(m, sid);
    if (member == NULL)
        return false;
    set->words[member->voter / WORD_BITS] |= UINT64_C(1) << member->voter % WORD_BITS;
    return true;
}

bool voter_set_has(const struct voter_set *set, const struct members *m, int64_t sid)
{
    const struct member *member = voter_of(m, sid);
    return member != NULL && has_voter(set, member->voter);
}

static bool is_majority(const struct voter_set *set, const struct members *m)
{
    size_t count = 0;
    for (size_t voter = 0; voter < m->voters; voter++)
        count += has_voter(set, voter);
    return count > m->voters / 2;
}

static int64_t weight_in_group(const struct voter_set *set, const struct members *m, size_t group)
{
    int64_t weight = 0;
    for (size_t i = 0; i < m->count; i++) {
        const struct member *member = m->items[i];
        if (member->role == MEMBER_PARTICIPANT && member->group == group && has_voter(set, member->voter))
            weight += member->weight;
    }
    return weight;
}

/* Halves are rounded down, as Apache does: 2 of 3, and of a group's weight 3 more than 1. */
static bool is_hierarchical_quorum(const struct voter_set *set, const struct members *m)
{
    size_t won = 0, counting = 0;
    for (size_t group = 0; group < m->group_count; group++) {
        counting += m->groups[group].weight > 0;
        won += weight_in_group(set, m, group) > m->groups[group].weight / 2;
    }
    return won > counting / 2;
}

bool voter_set_is_quorum(const struct voter_set *set, const struct members *m)
{
    return m->group_count == 0 ? is_majority(set, m) : is_hierarchical_quorum(set, m);
}

struct quorum quorum_of(const struct members *committed, const struct members *pending)
{
    CHECK(committed != NULL);
    bool two = pending != NULL && pending->version != committed->version;
    return (struct quorum){.configs = {committed, two ? pending : NULL}};
}

bool quorum_add(struct quorum *q, int64_t sid)
{
    bool votes = voter_set_add(&q->sets[0], q->configs[0], sid);
    if (q->configs[1] != NULL)
        votes |= voter_set_add(&q->sets[1], q->configs[1], sid);
    return votes;
}

bool quorum_has(const struct quorum *q, int64_t sid)
{
    return voter_set_has(&q->sets[0], q->configs[0], sid) ||
           (q->configs[1] != NULL && voter_set_has(&q->sets[1], q->configs[1], sid));
}

bool quorum_reached(const struct quorum *q)
{
    return voter_set_is_quorum(&q->sets[0], q->configs[0]) &&
           (q->configs[1] == NULL || voter_set_is_quorum(&q->sets[1], q->configs[1]));
}
