/* zab_rig.c - runs the commands. */
#include "tests/support/zab_rig.h"

#include "core/zab/notification.h"
#include "core/zab/zab_text.h"
#include "tests/support/zab_rig_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct zab_rig {
    struct rig_config configs[CONFIGS_MAX];
    size_t config_count;
    char committed[16]; /* its name */
    struct zab *zab;
    struct zab_output output;
    int64_t now_ms, accepted_epoch, current_epoch;
    bool disk_is_on, shows_capabilities;
    enum status status;
    void (*before)(void);
    void (*after)(void);
    char last_notify[512]; /* the line of the last notification behind its sid */
    size_t last_notify_at; /* in what has come out: where one more sid goes; 0: the last line is none */
};

struct zab_rig *zab_rig_new(void)
{
    struct zab_rig *rig = calloc(1, sizeof *rig);
    if (rig == NULL)
        abort();
    return rig;
}

void zab_rig_free(struct zab_rig *rig)
{
    zab_free(rig->zab);
    zab_output_free(&rig->output);
    free(rig);
}

void zab_rig_around_step(struct zab_rig *rig, void (*before)(void), void (*after)(void))
{
    rig->before = before;
    rig->after = after;
}

enum status zab_rig_status(const struct zab_rig *rig)
{
    return rig->status;
}

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* -- printing ------------------------------------------------------------------------------------------------------ */

static void insert(struct buffer *out, size_t at, const char *text)
{
    const size_t len = strlen(text);
    must(buffer_append(out, text, len) == ST_OK);
    memmove(out->data + at + len, out->data + at, out->len - len - at);
    memcpy(out->data + at, text, len);
}

/* The same to several servers: "notify 2 3 LOOKING ...". */
static void print_notify(struct zab_rig *rig, const struct buffer *line, struct buffer *out)
{
    const char *text = (const char *)line->data + strlen("notify ");
    const size_t sid_len = strcspn(text, " ");
    char sid[32];
    snprintf(sid, sizeof sid, " %.*s", (int)sid_len, text);
    if (rig->last_notify_at > 0 && strcmp(rig->last_notify, text + sid_len) == 0) {
        insert(out, rig->last_notify_at, sid);
        rig->last_notify_at += strlen(sid);
        return;
    }
    rig->last_notify_at = out->len + strlen("notify ") + sid_len;
    snprintf(rig->last_notify, sizeof rig->last_notify, "%s", text + sid_len);
    must(buffer_printf(out, "%s\n", (const char *)line->data) == ST_OK);
}

static void print_effect(struct zab_rig *rig, const struct zab_effect *effect, struct buffer *out)
{
    struct buffer line = {0};
    must(zab_print_effect(&rig->output, effect, &line) == ST_OK && buffer_append(&line, "", 1) == ST_OK);
    if (effect->kind == ZAB_NOTIFY) {
        print_notify(rig, &line, out);
    } else {
        rig->last_notify_at = 0;
        must(buffer_printf(out, "%s\n", (const char *)line.data) == ST_OK);
    }
    buffer_free(&line);
}

/* -- steps --------------------------------------------------------------------------------------------------------- */

struct completion {
    enum zab_event_kind kind;
    uint64_t ticket;
    int64_t zxid;
};

/* What a disk that is never late answers to the effect; ZAB_TICK: nothing. */
static struct completion completion_of(struct zab_rig *rig, const struct zab_effect *effect)
{
    struct completion none = {ZAB_TICK, 0, 0};
    if (!rig->disk_is_on)
        return none;
    if (effect->kind == ZAB_LOG)
        return (struct completion){ZAB_LOGGED, 0, effect->zxid};
    if (effect->ticket == 0)
        return none;
    if (effect->kind == ZAB_STORE_ACCEPTED)
        rig->accepted_epoch = effect->epoch;
    if (effect->kind == ZAB_STORE_CURRENT)
        rig->current_epoch = effect->epoch;
    return (struct completion){ZAB_STORED, effect->ticket, 0};
}

static void step(struct zab_rig *rig, struct zab_event event, struct buffer *out)
{
    struct completion done[64];
    size_t count = 0;
    event.now_ms = rig->now_ms;
    zab_output_reset(&rig->output);
    if (rig->before != NULL) {
        zab_output_free(&rig->output); /* its growing can fail too */
        rig->before();
    }
    rig->status = zab_step(rig->zab, &event, &rig->output);
    if (rig->after != NULL)
        rig->after();
    if (rig->status != ST_OK) {
        must(buffer_printf(out, "%s\n", status_text(rig->status)) == ST_OK);
        return;
    }
    for (size_t i = 0; i < rig->output.count; i++) {
        print_effect(rig, &rig->output.effects[i], out);
        const struct completion c = completion_of(rig, &rig->output.effects[i]);
        if (c.kind != ZAB_TICK && count < sizeof done / sizeof done[0])
            done[count++] = c;
    }
    for (size_t i = 0; i < count; i++)
        step(rig, (struct zab_event){.kind = done[i].kind, .ticket = done[i].ticket, .zxid = done[i].zxid}, out);
}

/* -- commands ------------------------------------------------------------------------------------------------------ */

static void complain(struct buffer *out, const char *what)
{
    must(buffer_printf(out, "cannot be understood: %s\n", what) == ST_OK);
}

static void run_config(struct zab_rig *rig, const struct words *words, struct buffer *out)
{
    if (words->count < 2 || rig->config_count == CONFIGS_MAX) {
        complain(out, "config");
        return;
    }
    struct rig_config *config = &rig->configs[rig->config_count++];
    snprintf(config->name, sizeof config->name, "%s", words->items[1]);
    config_text(words, config->text, sizeof config->text);
}

static struct members *members_named(const struct zab_rig *rig, const char *name, struct buffer *out)
{
    struct members *m = NULL;
    struct members_error error;
    for (size_t i = 0; name != NULL && i < rig->config_count; i++)
        if (strcmp(rig->configs[i].name, name) == 0 &&
            members_parse(bytes_of(rig->configs[i].text), 0, &m, &error) != ST_OK)
            complain(out, error.why);
    return m;
}

static void run_new(struct zab_rig *rig, const struct words *words, struct buffer *out)
{
    const char *name = words->count < 3 ? NULL : words->items[2];
    struct members *committed = members_named(rig, name, out);
    if (committed == NULL || rig->zab != NULL) {
        members_free(committed);
        complain(out, "new");
        return;
    }
    struct zab_options options = {
        .sid = strtoll(words->items[1], NULL, 10),
        .observer = words_have(words, "observer"),
        .reconfig_enabled = words_have(words, "reconfig"),
        .tick_ms = (int32_t)words_number(words, "tick", 1000),
        .init_limit = (int32_t)words_number(words, "init", 10),
        .sync_limit = (int32_t)words_number(words, "sync", 5),
        .notification_ms_min = 200,
        .notification_ms_max = 60000,
        .finalize_wait_ms = 200,
        .connect_retry_ms = (int32_t)words_number(words, "connect", 100),
        .snapshot_syncs_max = (uint32_t)words_number(words, "snapshots", 10),
        .diff_syncs_max = (uint32_t)words_number(words, "diffs", 100),
        .observer_masters = words_have(words, "masters"),
        .reads_log = words_have(words, "reads-log"),
        .observer_reconnect_ms = (int32_t)words_number(words, "reconnect", 0),
        .observer_election_ms = (int32_t)words_number(words, "delay", 0),
        .observer_retry_ms = (int32_t)words_number(words, "retry", 0),
        .observer_bytes_max = (uint64_t)words_number(words, "observer-bytes", 0),
        .seed = (uint64_t)words_number(words, "seed", 1),
        .committed_count_max = (uint32_t)words_number(words, "count", 500),
        .committed_bytes_max = (uint64_t)words_number(words, "bytes", 1 << 20),
        .pending_bytes_max = (uint64_t)words_number(words, "pending-bytes", 1 << 20),
        .zxid_counter_max = words_number(words, "counter", INT64_C(0xfffffffe)),
        .zxid_margin = words_number(words, "margin", 0),
    };
    snprintf(rig->committed, sizeof rig->committed, "%s", name);
    rig->shows_capabilities = capabilities_of_text(words_value(words, "can"), &options.can);
    options.shows_capabilities = rig->shows_capabilities;
    rig->zab = zab_new(&options, committed, members_named(rig, words_value(words, "pending"), out));
    must(rig->zab != NULL);
}

static void run_load(struct zab_rig *rig, const struct words *words, struct buffer *out)
{
    rig->accepted_epoch = words_number(words, "accepted", rig->accepted_epoch);
    rig->current_epoch = words_number(words, "current", rig->current_epoch);
    step(rig,
         (struct zab_event){.kind = ZAB_LOADED,
                            .zxid = words->count < 2 ? -1 : zxid_of_text(words->items[1]),
                            .accepted_epoch = rig->accepted_epoch,
                            .current_epoch = rig->current_epoch},
         out);
}

static void run_tick(struct zab_rig *rig, const struct words *words, struct buffer *out)
{
    const int64_t end_ms = rig->now_ms + (words->count < 2 ? 0 : strtoll(words->items[1], NULL, 10));
    while (rig->output.wake_ms <= end_ms && rig->status == ST_OK) {
        if (rig->output.wake_ms > rig->now_ms)
            rig->now_ms = rig->output.wake_ms;
        step(rig, (struct zab_event){.kind = ZAB_TICK}, out);
    }
    rig->now_ms = end_ms;
    step(rig, (struct zab_event){.kind = ZAB_TICK}, out);
}

static void run_sleep(struct zab_rig *rig, const struct words *words, struct buffer *out)
{
    rig->now_ms += words->count < 2 ? 0 : strtoll(words->items[1], NULL, 10);
    step(rig, (struct zab_event){.kind = ZAB_TICK}, out);
}

static enum server_state state_of(const char *name)
{
    static const char *const names[] = {"LOOKING", "FOLLOWING", "LEADING", "OBSERVING"};
    for (int i = 0; i < 4; i++)
        if (strcmp(names[i], name) == 0)
            return (enum server_state)i;
    return SERVER_LOOKING;
}

static void run_notified(struct zab_rig *rig, const struct words *words, struct buffer *out)
{
    if (words->count < 3) {
        complain(out, "notified");
        return;
    }
    const char *config = words_config(words, "config");
    for (size_t i = 0; config == NULL && i < rig->config_count; i++)
        if (strcmp(rig->configs[i].name, rig->committed) == 0)
            config = rig->configs[i].text;
    const struct notification n = {
        .state = state_of(words->items[2]),
        .vote = {.leader = words_number(words, "leader", INT64_MIN),
                 .zxid = words_number(words, "zxid", 0),
                 .peer_epoch = words_number(words, "epoch", 0)},
        .round = words_number(words, "round", 1),
        .config = bytes_of(config),
    };
    struct buffer frame = {0};
    struct writer w = writer_to(&frame);
    notification_encode(&w, &n);
    must(w.status == ST_OK);
    /* The form of servers before 3.5. */
    const size_t len = words_have(words, "old") ? 40 : frame.len;
    const struct zab_event event = {
        .kind = ZAB_NOTIFICATION, .sid = strtoll(words->items[1], NULL, 10), .bytes = bytes_make(frame.data, len)};
    step(rig, event, out);
    buffer_free(&frame);
}

/* Events that have a link, a ticket, a zxid or nothing: L1, #1, 0x1_01. */
static const struct {
    const char *word;
    enum zab_event_kind kind;
} plain_events[] = {
    {"connected", ZAB_LINK_CONNECTED},
    {"accepted", ZAB_LINK_ACCEPTED},
    {"closed", ZAB_LINK_CLOSED},
    {"snapshot-part", ZAB_SNAPSHOT_PART},
    {"snapshot-taken", ZAB_SNAPSHOT_TAKEN},
    {"snapshot-sent", ZAB_SNAPSHOT_SENT},
    {"log-read", ZAB_LOG_READ},
    {"log-refused", ZAB_LOG_REFUSED},
    {"logged", ZAB_LOGGED},
    {"stored", ZAB_STORED},
    {"store-refused", ZAB_STORE_REFUSED},
    {"diverged", ZAB_DIVERGED},
    {"disk-failed", ZAB_DISK_FAILED},
    {"confirm", ZAB_CONFIRM},
    {"disk-full", ZAB_DISK_FULL},
    {"disk-room", ZAB_DISK_ROOM},
};

static uint64_t number_behind(const struct words *words, char mark)
{
    return words->count > 1 && words->items[1][0] == mark ? strtoull(words->items[1] + 1, NULL, 10) : 0;
}

static bool run_plain_event(struct zab_rig *rig, const struct words *words, struct buffer *out)
{
    for (size_t i = 0; i < sizeof plain_events / sizeof plain_events[0]; i++) {
        if (strcmp(plain_events[i].word, words->items[0]) != 0)
            continue;
        const struct zab_event event = {.kind = plain_events[i].kind,
                                        .link = number_behind(words, 'L'),
                                        .ticket = number_behind(words, '#'),
                                        .zxid = words->count > 1 ? zxid_of_text(words->items[1]) : 0};
        step(rig, event, out);
        return true;
    }
    return false;
}

/* log-found L1 0x1_01, log-record L1 0x1_02 "text". */
static void run_log(struct zab_rig *rig, const struct words *words, struct buffer *out)
{
    struct buffer entry = {0};
    const bool is_record = strcmp(words->items[0], "log-record") == 0;
    if (words->count < 3) {
        complain(out, words->items[0]);
        return;
    }
    step(rig,
         (struct zab_event){.kind = is_record ? ZAB_LOG_RECORD : ZAB_LOG_FOUND,
                            .link = number_behind(words, 'L'),
                            .zxid = zxid_of_text(words->items[2]),
                            .bytes = is_record ? words_entry(words, &entry) : BYTES_NULL},
         out);
    buffer_free(&entry);
}

static void run_packet(struct zab_rig *rig, const struct words *words, struct buffer *out)
{
    struct buffer data = {0};
    struct packet packet;
    if (packet_of_words(words, 2, &data, &packet))
        step(rig, (struct zab_event){.kind = ZAB_LINK_PACKET, .link = number_behind(words, 'L'), .packet = &packet},
             out);
    else
        complain(out, "packet");
    buffer_free(&data);
}

static void run_disk(struct zab_rig *rig, const struct words *words, struct buffer *out)
{
    (void)out;
    rig->disk_is_on = words_have(words, "on");
}

static void run_propose(struct zab_rig *rig, const struct words *words, struct buffer *out)
{
    const int64_t zxid = zab_next_zxid(rig->zab);
    struct buffer entry = {0};
    if (zxid == 0)
        complain(out, "propose: there is no next zxid");
    else
        step(rig, (struct zab_event){.kind = ZAB_PROPOSE, .zxid = zxid, .bytes = words_entry(words, &entry)}, out);
    buffer_free(&entry);
}

static void say_zxid(struct buffer *out, const char *name, int64_t zxid)
{
    must(buffer_printf(out, " %s=", name) == ST_OK && zab_print_zxid(zxid, out) == ST_OK);
}

static void run_state(struct zab_rig *rig, const struct words *words, struct buffer *out)
{
    (void)words;
    const struct zab *z = rig->zab;
    must(buffer_printf(out, "%s %s leader=%" PRId64 " link=L%" PRIu64 " epoch=%" PRId64, zab_role_name(zab_role(z)),
                       zab_phase_name(zab_phase(z)), zab_leader(z), zab_leader_link(z), zab_epoch(z)) == ST_OK);
    say_zxid(out, "committed", zab_last_committed(z));
    say_zxid(out, "next", zab_next_zxid(z));
    must(buffer_printf(out, " config=%" PRIx64, (uint64_t)zab_committed(z)->version) == ST_OK);
    if (zab_pending_config(z) != NULL)
        must(buffer_printf(out, " pending=%" PRIx64, (uint64_t)zab_pending_config(z)->version) == ST_OK);
    if (rig->shows_capabilities)
        must(buffer_printf(out, " on") == ST_OK && zab_print_capabilities(zab_capabilities(z), out) == ST_OK);
    if (rig->output.wake_ms == INT64_MAX)
        must(buffer_printf(out, " wake=never\n") == ST_OK);
    else
        must(buffer_printf(out, " wake=+%" PRId64 "\n", rig->output.wake_ms - rig->now_ms) == ST_OK);
}

static void run_learners(struct zab_rig *rig, const struct words *words, struct buffer *out)
{
    (void)words;
    struct zab_learner_report r;
    const void *at = NULL;
    while (zab_learner_next(rig->zab, &at, &r)) {
        must(buffer_printf(out, "L%" PRIu64 " sid=%" PRId64 "%s%s heard=-%" PRId64 " outstanding=%" PRIu64, r.link,
                           r.sid, r.observer ? " observer" : "", r.synced ? " synced" : "", rig->now_ms - r.heard_ms,
                           r.outstanding) == ST_OK);
        say_zxid(out, "last", r.last_zxid);
        must(buffer_append(out, "\n", 1) == ST_OK);
    }
}

static const struct {
    const char *word;
    void (*run)(struct zab_rig *rig, const struct words *words, struct buffer *out);
} commands[] = {
    {"load", run_load},     {"tick", run_tick},       {"sleep", run_sleep},       {"notified", run_notified},
    {"packet", run_packet}, {"propose", run_propose}, {"log-found", run_log},     {"log-record", run_log},
    {"disk", run_disk},     {"state", run_state},     {"learners", run_learners},
};

void zab_rig_command(struct zab_rig *rig, char *line, struct buffer *out)
{
    struct words words = {.configs = rig->configs};
    words_split(line, &words);
    if (words.count == 0)
        return;
    rig->last_notify_at = 0;
    if (strcmp(words.items[0], "config") == 0) {
        run_config(rig, &words, out);
        return;
    }
    if (strcmp(words.items[0], "new") == 0) {
        run_new(rig, &words, out);
        return;
    }
    if (rig->zab == NULL) {
        complain(out, "there is no member yet");
        return;
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].word, words.items[0]) == 0) {
            commands[i].run(rig, &words, out);
            return;
        }
    }
    if (!run_plain_event(rig, &words, out))
        complain(out, words.items[0]);
}
