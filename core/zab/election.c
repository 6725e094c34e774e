/* election.c - Fast Leader Election (quorum-protocol 1.5 to 1.8).
 *
 * Three things differ from Apache, and none shows to it but as a notification more or less:
 *
 *   - A leader that says itself that it leads counts like one more voter for its vote in its round. Otherwise a server
 *     that restarts while its leader waits for it would have to wait until that leader gives up.
 *   - The resending, which slows down, starts anew whenever the proposal changes or somebody shows that it has not
 *     heard it.
 *   - Who does not vote tells the one that it is about to follow, all the same: it may vote in a pending configuration.
 */
#include "core/base/mem.h"
#include "core/zab/election_internal.h"

/* -- telling --------------------------------------------------------------------------------------------------------
 */

void election_tell(struct zab *z, int64_t sid, const struct vote *vote, int64_t round)
{
    const struct notification n = {
        .state = (enum server_state)z->role, .vote = *vote, .round = round, .config = buffer_bytes(&z->committed_text)};
    zab_notify(z, sid, &n);
}

static void tell_voters_of(struct zab *z, const struct members *m, const struct members *but)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct member *member = m->items[i];
        const bool told = but != NULL && members_is_voter(but, member->sid);
        if (member->role == MEMBER_PARTICIPANT && member->sid != z->options.sid && !told)
            election_tell(z, member->sid, &z->election->proposal, z->round);
    }
}

static void tell_all(struct zab *z)
{
    struct election *e = z->election;
    const struct members *pending = zab_pending_config(z);
    tell_voters_of(z, z->committed, NULL);
    if (pending != NULL)
        tell_voters_of(z, pending, z->committed);
    e->sent_ms = z->now_ms;
    e->resend_ms = z->now_ms + e->interval_ms;
    zab_wake_at(z, e->resend_ms);
}

static void propose(struct zab *z, struct vote vote, int64_t told_ms)
{
    struct election *e = z->election;
    e->proposal = vote;
    e->interval_ms = z->options.notification_ms_min;
    e->settle_ms = INT64_MAX;
    e->resend_ms = told_ms;
    if (z->now_ms >= told_ms)
        tell_all(z);
    zab_wake_at(z, e->resend_ms);
}

static void resend(struct zab *z)
{
    struct election *e = z->election;
    const int64_t longest = z->options.notification_ms_max;
    e->interval_ms = e->interval_ms > longest / 2 ? longest : e->interval_ms * 2;
    tell_all(z);
}

/* Somebody has not heard the proposal, perhaps because it was still in its last role: it is told at once, and all again
 * as soon as they would have been the first time. One answer for each worse vote, and who has it votes no worse. */
static void tell_again(struct zab *z, int64_t sid)
{
    struct election *e = z->election;
    election_tell(z, sid, &e->proposal, z->round);
    const int64_t at_ms = e->sent_ms + z->options.notification_ms_min;
    e->interval_ms = z->options.notification_ms_min;
    if (at_ms < e->resend_ms)
        e->resend_ms = at_ms > z->now_ms ? at_ms : z->now_ms;
    zab_wake_at(z, e->resend_ms);
}

/* -- the end --------------------------------------------------------------------------------------------------------
 */

static void settle_on(struct zab *z, const struct vote *vote, int64_t round)
{
    z->vote = *vote;
    z->vote_round = round;
    z->round = round;
    if (vote->leader == z->options.sid)
        zab_enter(z, ZAB_LEADING);
    else
        zab_enter(z, zab_is_observer(z) ? ZAB_OBSERVING : ZAB_FOLLOWING);
}

/* Who does not vote keeps its vote to itself; but it may vote in a configuration that is pending, of which only the
 * server that is to lead has heard, and which waits for it. */
static void tell_chosen(struct zab *z)
{
    const struct vote *vote = &z->election->proposal;
    if (!zab_votes(z, z->options.sid))
        election_tell(z, vote->leader, vote, z->round);
}

/* After every change of the round's ballots: is the proposal chosen? */
static void count(struct zab *z)
{
    struct election *e = z->election;
    const struct notification own = election_own_ballot(z);
    if (election_abstains(&e->proposal) || election_is_blank(z) || !election_has_quorum(z, &e->current, &own)) {
        e->settle_ms = INT64_MAX;
        return;
    }
    if (election_is_unanimous(z))
        e->settle_ms = z->now_ms;
    else if (e->settle_ms == INT64_MAX)
        e->settle_ms = z->now_ms + z->options.finalize_wait_ms;
    if (z->now_ms >= e->settle_ms) {
        tell_chosen(z);
        settle_on(z, &e->proposal, z->round);
    } else {
        zab_wake_at(z, e->settle_ms);
    }
}

const struct vote *election_proposal(const struct election *e)
{
    return election_abstains(&e->proposal) ? NULL : &e->proposal;
}

/* -- hearing --------------------------------------------------------------------------------------------------------
 */

/* What settled servers have said of that round counts in it. */
static void move_to_round(struct zab *z, int64_t round)
{
    struct election *e = z->election;
    z->round = round;
    ballots_clear(&e->current);
    for (size_t i = 0; i < e->settled.count; i++)
        if (e->settled.items[i].notification.round == round)
            zab_ok(z, ballots_put(&e->current, e->settled.items[i].sid, &e->settled.items[i].notification));
}

/* Takes part in a later round, or, without a vote of its own in this one, in any. */
static bool joins_round(const struct zab *z, const struct notification *n)
{
    return n->round > z->round || (n->round < z->round && election_abstains(&z->election->proposal));
}

/* Voters answer at once whoever does not vote: it asks in its own time, or two in different rounds keep it busy. */
static void take_up(struct zab *z, struct vote vote)
{
    const int64_t due_ms = z->election->resend_ms, soon_ms = z->now_ms + z->options.notification_ms_min;
    propose(z, vote, zab_votes(z, z->options.sid) ? z->now_ms : due_ms < soon_ms ? due_ms : soon_ms);
}

static void hear_looking(struct zab *z, int64_t sid, const struct notification *n)
{
    struct election *e = z->election;
    if (election_is_blank(z) || n->vote.zxid == -1)
        return;
    if (joins_round(z, n)) {
        move_to_round(z, n->round);
        const bool adopts = election_is_better(z, &n->vote, &e->initial) && election_may_adopt(z, &n->vote);
        take_up(z, adopts ? n->vote : e->initial);
    } else if (n->round < z->round) {
        return;
    } else if (election_is_better(z, &n->vote, &e->proposal) && election_may_adopt(z, &n->vote)) {
        propose(z, n->vote, z->now_ms);
    } else if (election_is_better(z, &e->proposal, &n->vote) && zab_votes(z, z->options.sid)) {
        tell_again(z, sid); /* one without a vote would be answered at once, and so on for ever */
    }
    if (zab_ok(z, ballots_put(&e->current, sid, n)))
        count(z);
}

/* The leader itself: its vote counts in its round as if it were still looking. True: it has become the proposal, which
 * nobody knows yet. */
static bool adopts_leader(struct zab *z, int64_t sid, const struct notification *n)
{
    struct election *e = z->election;
    const bool is_later = n->round > z->round;
    const struct vote *before = is_later ? &e->initial : &e->proposal;
    if (n->state != SERVER_LEADING || n->vote.leader != sid || n->round < z->round || election_is_blank(z) ||
        !election_may_adopt(z, &n->vote) || !election_is_better(z, &n->vote, before))
        return false;
    if (is_later)
        move_to_round(z, n->round);
    e->proposal = n->vote;
    return true;
}

static void hear_settled(struct zab *z, int64_t sid, const struct notification *n)
{
    struct election *e = z->election;
    const bool adopts = adopts_leader(z, sid, n);
    if (!zab_ok(z, ballots_put(&e->settled, sid, n)))
        return;
    if (n->round == z->round && !zab_ok(z, ballots_put(&e->current, sid, n)))
        return;
    if ((n->round == z->round && election_is_chosen(z, &e->current, n)) || election_is_chosen(z, &e->settled, n))
        settle_on(z, &n->vote, n->round);
    else if (adopts)
        propose(z, n->vote, z->now_ms);
}

void election_hear(struct zab *z, int64_t sid, const struct notification *n)
{
    /* Not when this server does not vote: it would be answered at once, and so on for ever. */
    if (n->state == SERVER_LOOKING && n->round < z->round && zab_votes(z, z->options.sid))
        election_tell(z, sid, &z->election->proposal, z->round);
    if (!zab_votes(z, n->vote.leader) || z->is_entering)
        return;
    if (n->state == SERVER_LOOKING)
        hear_looking(z, sid, n);
    else if (n->state != SERVER_OBSERVING)
        hear_settled(z, sid, n);
}

/* -- the role -------------------------------------------------------------------------------------------------------
 */

void election_enter(struct zab *z)
{
    struct election *e = mem_calloc(1, sizeof *e);
    if (e == NULL) {
        zab_ok(z, ST_NO_MEMORY);
        return;
    }
    z->election = e;
    zab_forget_config_ahead(z);
    z->round = (int64_t)((uint64_t)z->round + 1); /* others may have brought it to the largest number */
    e->initial = election_initial_vote(z);
    if (election_abstains(&z->vote))
        z->vote = election_own_vote(z);
    /* An observer asks the voters a little later: they have an election of their own, and all others ask the same. */
    const int64_t delay_ms = z->has_observed ? zab_random_below(z, z->options.observer_election_ms) : 0;
    propose(z, e->initial, z->now_ms + delay_ms);
    count(z);
    for (size_t i = 0; i < z->early.count && !z->is_entering; i++)
        if (zab_votes(z, z->early.items[i].sid))
            election_hear(z, z->early.items[i].sid, &z->early.items[i].notification);
    ballots_clear(&z->early);
}

bool election_is_skipped(struct zab *z)
{
    const bool leads = z->vote.leader == z->options.sid;
    const bool skips = z->skips_election &&
                       (!leads || (zab_is_voter(z) && election_may_lead(z) && !election_is_blank(z)));
    z->skips_election = false;
    if (skips) {
        ballots_clear(&z->early);
        settle_on(z, &z->vote, z->round);
    }
    return skips;
}

static void on_tick(struct zab *z)
{
    struct election *e = z->election;
    count(z);
    if (z->is_entering)
        return;
    if (z->now_ms >= e->resend_ms)
        resend(z);
    zab_wake_at(z, e->resend_ms);
}

/* A vote for itself is withdrawn; others that have heard it may still choose this server, and will find that it does
 * not lead. */
static void on_disk_fill(struct zab *z)
{
    struct election *e = z->election;
    e->initial = election_initial_vote(z);
    if (z->disk_full && e->proposal.leader == z->options.sid)
        propose(z, e->initial, z->now_ms);
    else if (election_is_better(z, &e->initial, &e->proposal))
        propose(z, e->initial, z->now_ms);
    count(z);
}

void election_step(struct zab *z, const struct zab_event *event)
{
    if (event->kind == ZAB_TICK)
        on_tick(z);
    else if (event->kind == ZAB_DISK_FULL || event->kind == ZAB_DISK_ROOM)
        on_disk_fill(z);
}

void election_free(struct election *e)
{
    if (e == NULL)
        return;
    ballots_free(&e->current);
    ballots_free(&e->settled);
    mem_free(e);
}
