/* ensemble_rig.c - runs the commands, and lets time pass. */
#include "tests/support/ensemble_rig.h"

#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/zab/zab.h"
#include "tests/support/ensemble_rig_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SERVE_MS_MAX = 60000,
    PACKET_BYTES_MAX = 4 << 20,
    RELAYED_MAX = 2,
    DELIVERIES_MAX = 1000000,
    SYNC_LIMIT = 5,
    INIT_LIMIT = 10
};

struct ensemble_rig *ensemble_rig_new(void)
{
    struct ensemble_rig *e = mem_calloc(1, sizeof *e);
    CHECK(e != NULL);
    e->patterns = rig_new();
    e->now_ms = RIG_START_MS;
    e->zxid_counter_max = INT64_C(0xfffffffe);
    list_init(&e->parcels);
    return e;
}

void ensemble_rig_free(struct ensemble_rig *e)
{
    ensemble_rig_drop_parcels(e);
    for (int64_t sid = 1; sid <= e->count; sid++)
        rig_free(e->members[sid].rig);
    rig_free(e->patterns);
    mem_free(e);
}

/* Delivers until nothing is left that may be delivered. */
static void settle(struct ensemble_rig *e, struct buffer *out)
{
    int deliveries = 0;
    while (ensemble_rig_deliver_one(e, out))
        CHECK(++deliveries < DELIVERIES_MAX);
}

/* -- time ---------------------------------------------------------------------------------------------------------- */

static int64_t next_wake_ms(const struct ensemble_rig *e)
{
    int64_t first_us = INT64_MAX;
    for (int64_t sid = 1; sid <= e->count; sid++)
        first_us = e->members[sid].rig->wake_us < first_us ? e->members[sid].rig->wake_us : first_us;
    int64_t ms = first_us / 1000;
    LIST_FOR_EACH(at, &e->parcels)
    {
        const struct parcel *p = LIST_ENTRY(at, struct parcel, link);
        ms = p->due_ms > e->now_ms && p->due_ms < ms ? p->due_ms : ms;
    }
    return ms > e->now_ms ? ms : e->now_ms + 1;
}

static void set_time(struct ensemble_rig *e, int64_t now_ms)
{
    e->now_ms = now_ms;
    for (int64_t sid = 1; sid <= e->count; sid++)
        e->members[sid].rig->now_ms = now_ms;
}

/* From one moment at which somebody wants to be woken to the next. */
static void pass(struct ensemble_rig *e, int64_t ms, struct buffer *out)
{
    int64_t end = e->now_ms + ms;
    while (e->now_ms < end) {
        int64_t next = next_wake_ms(e);
        set_time(e, next < end ? next : end);
        for (int64_t sid = 1; sid <= e->count; sid++) {
            struct rig *rig = e->members[sid].rig;
            if (rig->wake_us <= e->now_ms * 1000)
                rig_step(rig, (struct replica_event){.kind = REPLICA_TICK}, out);
        }
        settle(e, out);
    }
}

/* -- members ------------------------------------------------------------------------------------------------------- */

static struct members *make_config(int64_t voters, int64_t observers)
{
    struct buffer text = {0};
    for (int64_t sid = 1; sid <= voters + observers; sid++)
        rig_printf(&text, "server.%" PRId64 "=127.0.0.1:%d:%d:%s\n", sid, (int)(2000 + sid), (int)(3000 + sid),
                   sid <= voters ? "participant" : "observer");
    rig_printf(&text, "version=0");
    struct members *config;
    struct members_error error;
    CHECK(members_parse(buffer_bytes(&text), 0, &config, &error) == ST_OK);
    buffer_free(&text);
    return config;
}

static void join(struct rig *rig, int64_t voters, int64_t observers, bool keyed)
{
    const struct zab_options options = {
        .sid = rig->sid,
        .observer = rig->sid > voters,
        .reconfig_enabled = rig->options.reconfig_enabled,
        .tick_ms = rig->options.tick_ms,
        .init_limit = INIT_LIMIT,
        .sync_limit = SYNC_LIMIT,
        .notification_ms_min = 200,
        .notification_ms_max = 2000,
        .finalize_wait_ms = 200,
        .connect_retry_ms = 100,
        .committed_count_max = 500,
        .observer_masters = rig->ensemble->observer_masters,
        .observer_election_ms = 200,
        .seed = (uint64_t)rig->sid,
        .snapshot_syncs_max = 10,
        .diff_syncs_max = 100,
        .committed_bytes_max = 1 << 20,
        .pending_bytes_max = 1 << 20,
        .zxid_counter_max = rig->ensemble->zxid_counter_max,
        .zxid_margin = rig->ensemble->zxid_counter_max / 2,
        .shows_capabilities = keyed,
        .can = {.of = {[CAPABILITY_SESSION_PASSWORDS] = keyed, [CAPABILITY_HANDOVER] = keyed}},
    };
    const struct replica_past fresh = {0};
    CHECK(replica_join(rig->replica, &options, make_config(voters, observers), NULL, &fresh) == ST_OK);
}

static void make_member(struct ensemble_rig *e, int64_t sid, int64_t voters, int64_t observers)
{
    struct ensemble_member *m = &e->members[sid];
    list_init(&m->disk);
    m->rig = rig_new();
    m->rig->options = e->patterns->options;
    m->rig->options.server_id = sid;
    m->rig->options.apache_passwords = !e->keyed[sid];
    memset(m->rig->options.password_key, (int)sid, sizeof m->rig->options.password_key);
    m->rig->options.packet_bytes_max = PACKET_BYTES_MAX;
    m->rig->options.relayed_max = RELAYED_MAX;
    m->rig->sid = sid;
    m->rig->ensemble = e;
    rig_make(m->rig);
    join(m->rig, voters, observers, e->keyed[sid]);
}

static bool all_serve(const struct ensemble_rig *e)
{
    for (int64_t sid = 1; sid <= e->count; sid++)
        if (!replica_serves_all(e->members[sid].rig->replica))
            return false;
    return true;
}

static void serve(struct ensemble_rig *e, struct buffer *out)
{
    int64_t end = e->now_ms + SERVE_MS_MAX;
    while (!all_serve(e)) {
        CHECK(e->now_ms < end);
        pass(e, 100, out);
    }
}

/* -- commands ------------------------------------------------------------------------------------------------------ */

static void cmd_ensemble(struct ensemble_rig *e, char *rest, struct buffer *out)
{
    long voters = 0, observers = 0;
    char masters[8] = "";
    CHECK(e->count == 0 && sscanf(rest, "%ld %ld %7s", &voters, &observers, masters) >= 1);
    e->observer_masters = strcmp(masters, "masters") == 0;
    CHECK(voters >= 1 && observers >= 0 && voters + observers <= ENSEMBLE_MEMBERS_MAX);
    for (int64_t sid = 1; sid <= voters + observers; sid++)
        make_member(e, sid, voters, observers);
    e->count = voters + observers;
    e->voters = voters;
    for (int64_t sid = 1; sid <= e->count; sid++)
        rig_step(e->members[sid].rig, (struct replica_event){.kind = REPLICA_START}, out);
    settle(e, out);
    serve(e, out);
}

static void cmd_option(struct ensemble_rig *e, char *rest, struct buffer *out)
{
    (void)out;
    char *value = strchr(rest, ' ');
    CHECK(e->count == 0 && value != NULL);
    *value++ = '\0';
    if (strcmp(rest, "zxids") == 0)
        e->zxid_counter_max = atoll(value);
    else
        rig_set_option(e->patterns, rest, value);
}

static void cmd_keyed(struct ensemble_rig *e, char *rest, struct buffer *out)
{
    (void)out;
    CHECK(e->count == 0);
    for (char *at = rest; *at != '\0'; at += strcspn(at, "0123456789")) {
        const long sid = strtol(at, &at, 10);
        CHECK(sid >= 1 && sid <= ENSEMBLE_MEMBERS_MAX);
        e->keyed[sid] = true;
    }
}

static void cmd_tick(struct ensemble_rig *e, char *rest, struct buffer *out)
{
    pass(e, atoll(rest), out);
}

static struct ensemble_member *member_of(struct ensemble_rig *e, int64_t sid)
{
    CHECK(sid >= 1 && sid <= e->count);
    return &e->members[sid];
}

static bool *stalled(struct ensemble_rig *e, const char *rest)
{
    long from = 0, to = 0;
    CHECK(sscanf(rest, "%ld->%ld", &from, &to) == 2);
    (void)member_of(e, from);
    (void)member_of(e, to);
    return &e->stalled[from][to];
}

static void cmd_stall(struct ensemble_rig *e, char *rest, struct buffer *out)
{
    (void)out;
    *stalled(e, rest) = true;
}

static void cmd_go(struct ensemble_rig *e, char *rest, struct buffer *out)
{
    (void)out;
    *stalled(e, rest) = false;
}

static void cmd_cut(struct ensemble_rig *e, char *rest, struct buffer *out)
{
    (void)out;
    member_of(e, atoll(rest))->cut = true;
    ensemble_rig_break_links(e, atoll(rest));
}

static void cmd_heal(struct ensemble_rig *e, char *rest, struct buffer *out)
{
    (void)out;
    member_of(e, atoll(rest))->cut = false;
}

static void cmd_roles(struct ensemble_rig *e, char *rest, struct buffer *out)
{
    static const char *const names[] = {[ZAB_LOOKING] = "looking",
                                        [ZAB_FOLLOWING] = "following",
                                        [ZAB_LEADING] = "leading",
                                        [ZAB_OBSERVING] = "observing"};
    (void)rest;
    for (int64_t sid = 1; sid <= e->count; sid++) {
        const struct replica *replica = e->members[sid].rig->replica;
        rig_printf(out, "%s%" PRId64 " %s%s", sid > 1 ? ", " : "", sid, names[zab_role(replica_zab(replica))],
                   replica_service(replica) == SERVICE_READ_ONLY ? " read-only" : "");
        const struct zab *z = replica_zab(replica);
        if (zab_role(z) == ZAB_OBSERVING && e->observer_masters)
            rig_printf(out, " at %" PRId64, zab_learner_master(z));
    }
    rig_printf(out, "\n");
}

static void cmd_links(struct ensemble_rig *e, char *rest, struct buffer *out)
{
    const int64_t sid = atoll(rest);
    rig_printf(out, "%" PRId64 " has links to", sid);
    for (size_t i = 0; i < e->end_count; i++)
        if (e->ends[i].sid == sid && e->ends[i].open)
            rig_printf(out, " %" PRId64, e->ends[e->ends[i].other - 1].sid);
    rig_printf(out, "\n");
}

/* One that nobody knows yet: it knows of the others what was true when they began. */
static void cmd_join(struct ensemble_rig *e, char *rest, struct buffer *out)
{
    CHECK(atoll(rest) == e->count + 1 && e->count < ENSEMBLE_MEMBERS_MAX);
    make_member(e, e->count + 1, e->voters, e->count + 1 - e->voters);
    e->count++;
    e->members[e->count].rig->now_ms = e->now_ms;
    rig_step(e->members[e->count].rig, (struct replica_event){.kind = REPLICA_START}, out);
    settle(e, out);
    serve(e, out);
}

static const struct command_row {
    const char *name;
    void (*run)(struct ensemble_rig *e, char *rest, struct buffer *out);
} commands[] = {
    {"keyed", cmd_keyed}, {"ensemble", cmd_ensemble}, {"option", cmd_option},
    {"tick", cmd_tick},   {"stall", cmd_stall},       {"go", cmd_go},
    {"cut", cmd_cut},     {"heal", cmd_heal},         {"roles", cmd_roles},
    {"join", cmd_join},   {"links", cmd_links},
};

void ensemble_rig_command(struct ensemble_rig *e, char *command, struct buffer *out)
{
    char *rest = command + strcspn(command, " ");
    if (*rest != '\0')
        *rest++ = '\0';
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i].name, command) != 0)
            continue;
        commands[i].run(e, rest, out);
        settle(e, out);
        return;
    }
    rig_command(member_of(e, atoll(command))->rig, rest, out);
    settle(e, out);
}

void ensemble_rig_do(struct ensemble_rig *e, const char *command)
{
    char *copy = mem_strdup(command);
    struct buffer ignored = {0};
    CHECK(copy != NULL);
    ensemble_rig_command(e, copy, &ignored);
    buffer_free(&ignored);
    mem_free(copy);
}

void ensemble_rig_inject(struct ensemble_rig *e, int64_t from, int64_t to, struct bytes bytes, struct buffer *out)
{
    if (ensemble_rig_send(e, from, to, bytes))
        settle(e, out);
}

void ensemble_rig_around_steps(struct ensemble_rig *e, int64_t sid, void (*around)(void *context, bool inside),
                               void *context)
{
    rig_around_steps(member_of(e, sid)->rig, around, context);
}

bool ensemble_rig_is_broken(const struct ensemble_rig *e, int64_t sid)
{
    return rig_is_broken(e->members[sid].rig);
}

bool ensemble_rig_is_connected(const struct ensemble_rig *e, int64_t sid, const char *client)
{
    return rig_is_connected(e->members[sid].rig, client);
}

/* A session may be one that a client has at another member. */
const struct rig_client *ensemble_rig_client(const struct ensemble_rig *e, const char *name)
{
    const struct rig_client *found = NULL;
    for (int64_t sid = 1; sid <= e->count && found == NULL; sid++)
        found = rig_client_named(e->members[sid].rig, name);
    return found;
}

bool ensemble_rig_serves(const struct ensemble_rig *e)
{
    return all_serve(e);
}

static void look_at_owner(void *context, int64_t session, const uint32_t *numbers, size_t count)
{
    struct rig *rig = context;
    (void)numbers;
    rig->has_orphans |= count > 0 && sessions_get(replica_sessions(rig->replica), session) == NULL;
}

/* -- the end of a case --------------------------------------------------------------------------------------------- */

const char *ensemble_rig_complaint(struct ensemble_rig *e)
{
    struct buffer ignored = {0};
    const struct rig *first = NULL;
    memset(e->stalled, 0, sizeof e->stalled);
    for (int64_t sid = 1; sid <= e->count; sid++)
        e->members[sid].rig->holds = false;
    settle(e, &ignored);
    buffer_free(&ignored);
    for (int64_t sid = 1; sid <= e->count; sid++) {
        struct rig *rig = e->members[sid].rig;
        enum replica_service service = replica_service(rig->replica);
        if (service == SERVICE_NONE || service == SERVICE_READ_ONLY)
            continue;
        if (!rig_replays(rig))
            return "replaying a log gives another tree";
        tree_each_owner(replica_tree(rig->replica), look_at_owner, rig);
        if (rig->has_orphans)
            return "an ephemeral has no session";
        if (first != NULL && tree_digest(replica_tree(first->replica)) != tree_digest(replica_tree(rig->replica)))
            return "members have different trees";
        first = rig;
    }
    return NULL;
}
