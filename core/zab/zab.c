/* zab.c - which event goes where, and how one role ends and another begins. */
#include "core/zab/zab.h"

#include "core/base/mem.h"
#include "core/base/splitmix.h"
#include "core/zab/learners.h"

typedef void zab_event_fn(struct zab *z, const struct zab_event *event);

static const struct role_row {
    void (*enter)(struct zab *z);
    zab_event_fn *step;
} roles[] = {
    [ZAB_LOOKING] = {election_enter, election_step},
    [ZAB_FOLLOWING] = {learner_enter, learner_step},
    [ZAB_LEADING] = {leader_enter, leader_step},
    [ZAB_OBSERVING] = {learner_enter, learner_step},
};

/* -- making ------------------------------------------------------------------------------------------------------- */

struct zab *zab_new(const struct zab_options *options, struct members *committed, struct members *last_seen)
{
    CHECK(committed != NULL);
    CHECK(options->tick_ms > 0 && options->init_limit > 0 && options->sync_limit > 0);
    CHECK(options->notification_ms_min > 0 && options->notification_ms_max >= options->notification_ms_min);
    CHECK(options->finalize_wait_ms >= 0 && options->connect_retry_ms > 0);
    CHECK(options->committed_count_max > 0 && options->zxid_counter_max > 0);
    CHECK(options->zxid_margin >= 0);
    CHECK(options->snapshot_syncs_max > 0 && options->diff_syncs_max > 0);
    struct zab *z = mem_calloc(1, sizeof *z);
    if (z == NULL)
        return NULL;
    if (members_print(committed, &z->committed_text) != ST_OK) {
        zab_free(z);
        return NULL;
    }
    z->options = *options;
    z->committed = committed;
    z->last_seen = last_seen;
    z->phase = ZAB_LOADING;
    z->loaded_zxid = -1;
    z->history_base = -1;
    z->random = options->seed;
    z->last_master = -1;
    z->next_master = -1;
    z->vote = (struct vote){INT64_MIN, INT64_MIN, INT64_MIN};
    z->wake_ms = INT64_MAX;
    return z;
}

/* What belongs to a role alone. */
static void free_role(struct zab *z)
{
    election_free(z->election);
    learner_free(z->learner);
    leader_free(z->leader);
    z->election = NULL;
    z->learner = NULL;
    z->leader = NULL;
}

void zab_free(struct zab *z)
{
    if (z == NULL)
        return;
    free_role(z);
    members_free(z->committed);
    members_free(z->last_seen);
    members_free(z->former);
    buffer_free(&z->committed_text);
    roster_free(&z->roster);
    buffer_free(&z->agreement);
    entries_free(&z->history);
    entries_free(&z->tail);
    ballots_free(&z->early);
    mem_free(z);
}

/* -- roles -------------------------------------------------------------------------------------------------------- */

static void emit_role(struct zab *z)
{
    struct zab_effect *effect = zab_emit(z, ZAB_ROLE);
    effect->role = z->role;
    effect->phase = z->phase;
    effect->leader = zab_leader(z);
    effect->epoch = z->current_epoch;
}

void zab_set_phase(struct zab *z, enum zab_phase phase)
{
    z->phase = phase;
    emit_role(z);
}

void zab_renewed(struct zab *z, int64_t epoch)
{
    z->vote.peer_epoch = epoch;
    zab_emit(z, ZAB_RENEWED)->epoch = epoch;
}

void zab_leave(struct zab *z, const char *why)
{
    if (z->is_leaving)
        return;
    if (z->phase != ZAB_LOADING)
        zab_emit_bytes(z, ZAB_LEAVE, bytes_of(why));
    z->has_observed = z->role == ZAB_OBSERVING;
    z->role = ZAB_LOOKING;
    zab_set_phase(z, z->disk_failed ? ZAB_HALTED : ZAB_LOADING);
    z->is_leaving = true;
    z->is_entering = false;
}

void zab_enter(struct zab *z, enum zab_role role)
{
    z->is_entering = !z->is_leaving;
    z->entering = role;
}

/* The log may hold them: what it does hold is known when it is loaded. */
static void keep_tail(struct zab *z, struct entries *tail)
{
    entries_free(&z->tail);
    z->tail = *tail;
    *tail = (struct entries){0};
}

static void finish_leaving(struct zab *z)
{
    if (z->learner != NULL)
        keep_tail(z, learner_tail(z->learner));
    if (z->leader != NULL)
        keep_tail(z, leader_tail(z->leader));
    free_role(z);
    zab_forget_agreement(z);
    z->is_leaving = false;
    z->wake_ms = INT64_MAX;
}

static void finish_entering(struct zab *z)
{
    free_role(z);
    z->is_entering = false;
    z->wake_ms = INT64_MAX;
    z->role = z->entering;
    z->has_outgrown_role = false;
    zab_alarm_over(z);
    if (z->role == ZAB_LEADING)
        z->rejoin_empty = false; /* now it is the others who have to come to what this one has */
    zab_set_phase(z, ZAB_DISCOVERY);
    roles[z->role].enter(z);
}

/* Ends and begins roles until none wants to. */
static void settle(struct zab *z)
{
    while (z->is_leaving || z->is_entering) {
        if (z->is_leaving)
            finish_leaving(z);
        else
            finish_entering(z);
    }
}

/* -- events ------------------------------------------------------------------------------------------------------- */

static void on_loaded(struct zab *z, const struct zab_event *event)
{
    if (z->phase != ZAB_LOADING)
        return;
    zab_loaded(z, event);
    if (election_is_skipped(z))
        return;
    zab_set_phase(z, ZAB_ELECTION);
    election_enter(z);
}

static bool has_role(const struct zab *z)
{
    return z->phase != ZAB_LOADING && z->phase != ZAB_HALTED;
}

static void to_role(struct zab *z, const struct zab_event *event)
{
    if (has_role(z))
        roles[z->role].step(z, event);
}

static void on_notification(struct zab *z, const struct zab_event *event)
{
    if (z->phase != ZAB_HALTED)
        election_notified(z, event->sid, event->bytes);
}

static void on_logged(struct zab *z, const struct zab_event *event)
{
    if (!has_role(z))
        return;
    CHECK(event->zxid <= z->logged_zxid);
    if (event->zxid > z->durable_zxid)
        z->durable_zxid = event->zxid;
    to_role(z, event);
}

/* The layer above may not have heard yet that this server leads no more. */
static void on_propose(struct zab *z, const struct zab_event *event)
{
    if (z->role == ZAB_LEADING)
        to_role(z, event);
}

static void on_disk_failed(struct zab *z, const struct zab_event *event)
{
    (void)event;
    if (z->phase == ZAB_HALTED)
        return;
    z->disk_failed = true;
    zab_leave(z, "the disk has failed");
}

static void on_disk_fill(struct zab *z, const struct zab_event *event)
{
    z->disk_full = event->kind == ZAB_DISK_FULL;
    to_role(z, event);
}

static zab_event_fn *const handlers[] = {
    [ZAB_TICK] = to_role,           [ZAB_LOADED] = on_loaded,           [ZAB_NOTIFICATION] = on_notification,
    [ZAB_LINK_CONNECTED] = to_role, [ZAB_LINK_ACCEPTED] = to_role,      [ZAB_LINK_PACKET] = to_role,
    [ZAB_LINK_CLOSED] = to_role,    [ZAB_LOGGED] = on_logged,           [ZAB_STORED] = to_role,
    [ZAB_SNAPSHOT_PART] = to_role,  [ZAB_STORE_REFUSED] = to_role,      [ZAB_SNAPSHOT_TAKEN] = to_role,
    [ZAB_SNAPSHOT_SENT] = to_role,  [ZAB_LOG_FOUND] = to_role,          [ZAB_LOG_RECORD] = to_role,
    [ZAB_LOG_READ] = to_role,       [ZAB_LOG_REFUSED] = to_role,        [ZAB_PROPOSE] = on_propose,
    [ZAB_CONFIRM] = to_role,        [ZAB_DISK_FAILED] = on_disk_failed, [ZAB_DIVERGED] = to_role,
    [ZAB_DISK_FULL] = on_disk_fill, [ZAB_DISK_ROOM] = on_disk_fill,
};

static void run_event(struct zab *z, const struct zab_event *event)
{
    handlers[event->kind](z, event);
    settle(z);
}

/* Time may pass unasked for: whoever waited for this moment is told, whatever event brought it. */
static void run_due(struct zab *z)
{
    if (z->now_ms < z->wake_ms || z->status != ST_OK)
        return;
    z->wake_ms = INT64_MAX;
    run_event(z, &(struct zab_event){.kind = ZAB_TICK, .now_ms = z->now_ms});
}

bool zab_ok(struct zab *z, enum status st)
{
    if (st == ST_NO_MEMORY)
        z->status = st;
    return st == ST_OK && z->status == ST_OK;
}

int64_t zab_random_below(struct zab *z, int64_t bound)
{
    const uint64_t drawn = splitmix_next(&z->random);
    return bound <= 0 ? 0 : (int64_t)(drawn % (uint64_t)bound);
}

enum status zab_step(struct zab *z, const struct zab_event *event, struct zab_output *out)
{
    CHECK(event->now_ms >= z->now_ms && event->kind < ARRAY_LEN(handlers));
    if (z->status != ST_OK)
        return z->status;
    z->now_ms = event->now_ms;
    z->out = out;
    if (event->kind != ZAB_TICK)
        run_event(z, event);
    run_due(z);
    out->wake_ms = z->wake_ms;
    z->out = NULL;
    return z->status;
}

/* -- reports ------------------------------------------------------------------------------------------------------ */

int64_t zab_next_zxid(const struct zab *z)
{
    return z->leader == NULL ? 0 : leader_next_zxid(z);
}

bool zab_is_renewing(const struct zab *z)
{
    return z->leader != NULL && leader_is_renewing(z->leader);
}

bool zab_is_spent(const struct zab *z)
{
    return ZXID_COUNTER(zab_next_zxid(z)) > z->options.zxid_counter_max;
}

enum zab_role zab_role(const struct zab *z)
{
    return z->role;
}

enum zab_phase zab_phase(const struct zab *z)
{
    return z->phase;
}

int64_t zab_leader(const struct zab *z)
{
    return z->role == ZAB_LOOKING ? -1 : z->vote.leader;
}

uint64_t zab_leader_link(const struct zab *z)
{
    return z->learner == NULL ? 0 : learner_link(z->learner);
}

int64_t zab_learner_master(const struct zab *z)
{
    return learner_master(z->learner);
}

int64_t zab_epoch(const struct zab *z)
{
    if (zab_is_renewing(z)) /* the disk knows the next one, and nobody leads in it yet */
        return z->vote.peer_epoch;
    return z->current_epoch;
}

int64_t zab_heard_ms(const struct zab *z)
{
    if (z->leader != NULL)
        return leader_heard_ms(z);
    return z->learner != NULL ? z->heard_ms : 0;
}

int64_t zab_last_committed(const struct zab *z)
{
    return z->committed_zxid;
}

const struct members *zab_committed(const struct zab *z)
{
    return z->committed;
}

static const struct learners *learners_of(const struct zab *z)
{
    return z->leader == NULL ? learner_observers(z->learner) : leader_learners(z->leader);
}

size_t zab_learner_count(const struct zab *z)
{
    const struct learners *set = learners_of(z);
    return set == NULL ? 0 : set->count;
}

bool zab_learner_next(const struct zab *z, const void **at, struct zab_learner_report *report)
{
    const struct learners *set = learners_of(z);
    return set != NULL && learners_report(set, z->leader == NULL ? NULL : leader_outstanding(z->leader), at, report);
}
