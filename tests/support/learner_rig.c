/* learner_rig.c - one follower or observer, with a disk and a leader that are nothing but numbers. */
#include "tests/support/learner_rig.h"

#include "core/base/check.h"
#include "core/zab/notification.h"
#include "core/zab/request.h"

#include <inttypes.h>
#include <stdio.h>

#define ZXID(epoch, counter) ((int64_t)((uint64_t)(epoch) << 32 | (uint64_t)(counter)))
#define CONFIG                                                                             \
    "server.1=127.0.0.1:2888:3888:participant\nserver.2=127.0.0.1:2889:3889:participant\n" \
    "server.3=127.0.0.1:2890:3890:participant\nserver.9=127.0.0.1:2891:3891:observer\n"    \
    "version=%" PRIx64

enum { MUCH = 1 << 30 };

/* -- writing down -------------------------------------------------------------------------------------------------- */

static void say(struct learner_rig *r, const char *text)
{
    CHECK(buffer_printf(&r->said, "%s%s", r->said.len > 0 ? ", " : "", text) == ST_OK);
}

static void say_zxid(struct learner_rig *r, const char *word, int64_t zxid)
{
    char text[64];
    if (zxid < 0)
        snprintf(text, sizeof text, "%s -1", word);
    else
        snprintf(text, sizeof text, "%s %" PRIx64 ":%" PRIx64, word, zxid >> 32, zxid & 0xffffffff);
    say(r, text);
}

static void say_number(struct learner_rig *r, const char *word, int64_t number)
{
    char text[64];
    snprintf(text, sizeof text, "%s %" PRId64, word, number);
    say(r, text);
}

const char *learner_rig_said(struct learner_rig *r)
{
    CHECK(buffer_append(&r->said, "", 1) == ST_OK);
    r->said.len = 0;
    return (const char *)r->said.data;
}

/* -- the disk ------------------------------------------------------------------------------------------------------ */

static int64_t log_end(const struct learner_rig_disk *disk)
{
    return disk->count == 0 ? disk->base : disk->log[disk->count - 1];
}

static bool log_has(const struct learner_rig_disk *disk, int64_t zxid)
{
    for (size_t i = 0; i < disk->count; i++)
        if (disk->log[i] == zxid)
            return true;
    return zxid == disk->base;
}

static void ask_disk(struct learner_rig *r, const struct zab_effect *effect)
{
    CHECK(r->asked_count < LEARNER_RIG_LOG_MAX);
    r->asked[r->asked_count++] = *effect;
}

static void cut(struct learner_rig_disk *disk, int64_t zxid)
{
    while (disk->count > 0 && disk->log[disk->count - 1] > zxid)
        disk->count--;
}

/* False: refused. */
static bool carry_out(struct learner_rig *r, const struct zab_effect *effect)
{
    struct learner_rig_disk *disk = &r->disk;
    if (effect->kind == ZAB_LOG) {
        CHECK(disk->count < LEARNER_RIG_LOG_MAX && effect->zxid > log_end(disk));
        disk->log[disk->count++] = effect->zxid;
    } else if (effect->kind == ZAB_STORE_ACCEPTED) {
        disk->accepted_epoch = effect->epoch;
    } else if (effect->kind == ZAB_STORE_CURRENT) {
        disk->current_epoch = effect->epoch;
    } else if (effect->kind == ZAB_KEEP_SNAPSHOT) {
        CHECK(effect->zxid >= r->taken_zxid);
        disk->base = r->taken_zxid;
        disk->count = 0;
    } else if (effect->kind == ZAB_STORE_LAST_SEEN || effect->kind == ZAB_STORE_CONFIG) {
        return true; /* the rig keeps none */
    } else if (r->refuse_truncate || !log_has(disk, effect->zxid)) {
        return false;
    } else {
        cut(disk, effect->zxid);
        r->tree_zxid = effect->zxid;
    }
    return true;
}

static void feed(struct learner_rig *r, struct zab_event event);

static bool do_oldest(struct learner_rig *r, struct zab_effect *done)
{
    *done = r->asked[0];
    memmove(&r->asked[0], &r->asked[1], --r->asked_count * sizeof r->asked[0]);
    return carry_out(r, done);
}

void learner_rig_disk(struct learner_rig *r, size_t count)
{
    for (; count > 0 && r->asked_count > 0; count--) {
        struct zab_effect done;
        const bool ok = do_oldest(r, &done);
        if (done.kind == ZAB_LOG)
            feed(r, (struct zab_event){.kind = ZAB_LOGGED, .zxid = done.zxid});
        else if (done.ticket != 0)
            feed(r, (struct zab_event){.kind = ok ? ZAB_STORED : ZAB_STORE_REFUSED, .ticket = done.ticket});
    }
}

/* -- what must hold, whatever the leader does ------------------------------------------------------------------------
 */

static void check_sent(struct learner_rig *r, const struct packet *packet)
{
    if (packet->type == PACKET_ACKEPOCH) {
        CHECK(r->disk.accepted_epoch == r->epoch);
        CHECK(packet->zxid == -1 || packet->zxid == log_end(&r->disk));
    } else if (packet->type == PACKET_ACK && packet->zxid == ZXID(r->epoch, 0)) {
        CHECK(r->disk.current_epoch == r->epoch);
        r->has_adopted = true;
    } else if (packet->type == PACKET_ACK) {
        CHECK(r->has_adopted && log_has(&r->disk, packet->zxid));
    }
}

static void on_sent(struct learner_rig *r, struct bytes bytes)
{
    CHECK(buffer_append(&r->sent, bytes.data, bytes.len) == ST_OK);
    while (bytes.len > 0) {
        struct packet packet;
        char word[64];
        size_t used;
        int32_t epoch;
        CHECK(packet_decode(bytes, MUCH, &packet, &used) == ST_OK);
        bytes = bytes_from(bytes, used);
        snprintf(word, sizeof word, "> %s", packet_type_name(packet.type));
        say_zxid(r, word, packet.zxid);
        if (packet.type == PACKET_ACKEPOCH && ack_epoch_decode(packet.data, &epoch) == ST_OK)
            CHECK(buffer_printf(&r->said, " %" PRId32, epoch) == ST_OK);
        check_sent(r, &packet);
    }
}

static void on_committed(struct learner_rig *r, int64_t zxid)
{
    CHECK(zxid - 1 == r->tree_zxid || (zxid >> 32 > r->tree_zxid >> 32 && (zxid & 0xffffffff) == 1));
    r->tree_zxid = zxid;
    say_zxid(r, "committed", zxid);
}

static void on_left(struct learner_rig *r, struct bytes why)
{
    snprintf(r->why, sizeof r->why, "%.*s", BYTES_PRINT(why));
    r->has_left = true;
    r->link = 0;
    say(r, "leave");
}

static void on_link_effect(struct learner_rig *r, const struct zab_effect *effect)
{
    CHECK(effect->link == r->link);
    r->is_held = effect->kind == ZAB_HOLD;
    say(r, r->is_held ? "hold" : "go");
}

static void on_stream(struct learner_rig *r, const struct zab_effect *effect)
{
    CHECK(effect->link == r->link);
    r->is_streaming = true;
    r->tree_zxid = r->taken_zxid = effect->zxid;
    say_zxid(r, "take", effect->zxid);
}

static void on_effect(struct learner_rig *r, const struct zab_effect *effect)
{
    static const char *const phases[] = {"loading", "election", "discovery", "synchronization", "broadcast", "halted"};
    static const struct {
        const char *word;
        bool has_epoch;
    } disk_words[] = {
        [ZAB_LOG] = {"log", false},
        [ZAB_STORE_ACCEPTED] = {"accepted", true},
        [ZAB_STORE_CURRENT] = {"current", true},
        [ZAB_TRUNCATE] = {"truncate", false},
        [ZAB_KEEP_SNAPSHOT] = {"keep", false},
    };
    const struct bytes bytes = zab_effect_bytes(&r->out, effect);
    char text[64];
    if (effect->kind >= ZAB_LOG && effect->kind <= ZAB_KEEP_SNAPSHOT) {
        (disk_words[effect->kind].has_epoch ? say_number : say_zxid)(
            r, disk_words[effect->kind].word, disk_words[effect->kind].has_epoch ? effect->epoch : effect->zxid);
        ask_disk(r, effect);
    } else if (effect->kind == ZAB_STORE_LAST_SEEN || effect->kind == ZAB_STORE_CONFIG) {
        say(r, effect->kind == ZAB_STORE_CONFIG ? "config" : "last-seen");
        ask_disk(r, effect);
    } else if (effect->kind == ZAB_CONNECT) {
        say_number(r, "connect", effect->sid);
    } else if (effect->kind == ZAB_SEND) {
        on_sent(r, bytes);
    } else if (effect->kind == ZAB_HOLD || effect->kind == ZAB_GO) {
        on_link_effect(r, effect);
    } else if (effect->kind == ZAB_TAKE_SNAPSHOT) {
        on_stream(r, effect);
    } else if (effect->kind == ZAB_COMMITTED) {
        on_committed(r, effect->zxid);
    } else if (effect->kind == ZAB_LEAVE) {
        on_left(r, bytes);
    } else if (effect->kind == ZAB_PASS) {
        snprintf(text, sizeof text, "pass %s", packet_type_name(effect->packet_type));
        say(r, text);
    } else if (effect->kind == ZAB_ROLE && effect->phase > ZAB_DISCOVERY && effect->phase < ZAB_HALTED) {
        snprintf(text, sizeof text, "role %s", phases[effect->phase]);
        say(r, text);
    } else if (effect->kind == ZAB_CLOSE || effect->kind == ZAB_LOG_LINE) {
        say(r, effect->kind == ZAB_CLOSE ? "close" : "say");
    }
}

/* -- events -------------------------------------------------------------------------------------------------------- */

static void feed(struct learner_rig *r, struct zab_event event)
{
    event.now_ms = r->now_ms;
    if (r->is_out_of_memory)
        return;
    if (r->around_step != NULL)
        r->around_step(true);
    const enum status st = zab_step(r->z, &event, &r->out);
    if (r->around_step != NULL)
        r->around_step(false);
    CHECK(st == ST_OK || (st == ST_NO_MEMORY && r->around_step != NULL));
    r->is_out_of_memory = st != ST_OK;
    if (r->is_out_of_memory)
        return;
    r->wake_ms = r->out.wake_ms;
    for (size_t i = 0; i < r->out.count; i++)
        on_effect(r, &r->out.effects[i]);
    zab_output_reset(&r->out);
}

static void tell(struct learner_rig *r, int64_t sid, struct bytes config)
{
    const struct notification n = {.state = sid == r->leader ? SERVER_LEADING : SERVER_FOLLOWING,
                                   .vote = {r->leader, ZXID(1, 0), r->disk.current_epoch + 1},
                                   .round = 1,
                                   .version = 2,
                                   .config = config};
    struct buffer frame = {0};
    struct writer w = writer_to(&frame);
    notification_encode(&w, &n);
    CHECK(w.status == ST_OK);
    feed(r, (struct zab_event){.kind = ZAB_NOTIFICATION, .sid = sid, .bytes = buffer_bytes(&frame)});
    buffer_free(&frame);
}

/* The other voters agree upon one of them, which is a quorum. */
static void find_leader(struct learner_rig *r)
{
    struct buffer text = {0};
    CHECK(members_print(zab_committed(r->z), &text) == ST_OK);
    for (int64_t sid = 1; sid <= 3 && zab_phase(r->z) == ZAB_ELECTION; sid++)
        if (sid != r->sid)
            tell(r, sid, buffer_bytes(&text));
    buffer_free(&text);
}

static bool has_leader(const struct learner_rig *r)
{
    return zab_leader(r->z) == r->leader && zab_phase(r->z) == ZAB_DISCOVERY;
}

static void load(struct learner_rig *r)
{
    r->has_left = r->is_held = r->is_streaming = r->has_adopted = false;
    r->tree_zxid = log_end(&r->disk);
    feed(r, (struct zab_event){.kind = ZAB_LOADED,
                               .zxid = log_end(&r->disk),
                               .accepted_epoch = r->disk.accepted_epoch,
                               .current_epoch = r->disk.current_epoch});
    find_leader(r);
}

static struct members *make_config(const struct learner_rig_setup *setup)
{
    struct members *config = NULL;
    struct members_error error;
    char text[512];
    snprintf(text, sizeof text, CONFIG, setup->config_version);
    CHECK(members_parse(bytes_of(setup->config == NULL ? text : setup->config), 0, &config, &error) == ST_OK);
    return config;
}

static struct zab_options make_options(const struct learner_rig *r, const struct learner_rig_setup *setup)
{
    return (struct zab_options){.sid = r->sid,
                                .observer = setup->observer,
                                .reconfig_enabled = setup->reconfig_enabled,
                                .tick_ms = 2000,
                                .init_limit = 10,
                                .sync_limit = 5,
                                .notification_ms_min = 200,
                                .notification_ms_max = 60000,
                                .finalize_wait_ms = 200,
                                .connect_retry_ms = 100,
                                .snapshot_syncs_max = 10,
                                .diff_syncs_max = 100,
                                .committed_count_max = 500,
                                .committed_bytes_max = MUCH,
                                .pending_bytes_max = setup->pending_bytes_max == 0 ? MUCH : setup->pending_bytes_max,
                                .zxid_counter_max = 0xfffffffe};
}

void learner_rig_start(struct learner_rig *r, const struct learner_rig_setup *setup)
{
    *r = (struct learner_rig){.now_ms = 1000, .sid = setup->observer ? 9 : 1, .around_step = setup->around_step};
    if (setup->sid != 0)
        r->sid = setup->sid;
    r->leader = setup->leader != 0 ? setup->leader : r->sid == 2 ? 3 : 2;
    r->disk.accepted_epoch = setup->accepted_epoch;
    r->disk.current_epoch = setup->current_epoch;
    r->disk.base = setup->zxid - (int64_t)setup->log_count;
    for (size_t i = 0; i < setup->log_count; i++)
        r->disk.log[r->disk.count++] = r->disk.base + (int64_t)i + 1;
    const struct zab_options options = make_options(r, setup);
    r->z = zab_new(&options, make_config(setup), NULL);
    CHECK(r->z != NULL);
    load(r);
    CHECK(r->is_out_of_memory || has_leader(r));
}

void learner_rig_stop(struct learner_rig *r)
{
    zab_free(r->z);
    zab_output_free(&r->out);
    buffer_free(&r->said);
    buffer_free(&r->sent);
}

bool learner_rig_return(struct learner_rig *r)
{
    struct zab_effect done;
    CHECK(r->has_left);
    while (r->asked_count > 0)
        do_oldest(r, &done);
    load(r);
    return has_leader(r);
}

void learner_rig_connected(struct learner_rig *r)
{
    r->link = ++r->last_link;
    feed(r, (struct zab_event){.kind = ZAB_LINK_CONNECTED, .link = r->link});
}

void learner_rig_closed(struct learner_rig *r)
{
    const uint64_t link = r->link != 0 ? r->link : ++r->last_link;
    r->link = 0;
    feed(r, (struct zab_event){.kind = ZAB_LINK_CLOSED, .link = link});
}

void learner_rig_packet(struct learner_rig *r, const struct packet *packet)
{
    CHECK(r->is_out_of_memory || (!r->is_held && !r->is_streaming && r->link != 0));
    if (packet->type == PACKET_LEADERINFO || packet->type == PACKET_NEW_EPOCH)
        r->epoch = packet->zxid >> 32;
    feed(r, (struct zab_event){.kind = ZAB_LINK_PACKET, .link = r->link, .packet = packet});
}

void learner_rig_plain(struct learner_rig *r, int32_t type, int64_t zxid)
{
    learner_rig_packet(r, &(struct packet){.type = type, .zxid = zxid});
}

void learner_rig_data(struct learner_rig *r, int32_t type, int64_t zxid, struct bytes data)
{
    learner_rig_packet(r, &(struct packet){.type = type, .zxid = zxid, .data = data});
}

void learner_rig_snapshot_taken(struct learner_rig *r)
{
    r->is_streaming = false;
    feed(r, (struct zab_event){.kind = ZAB_SNAPSHOT_TAKEN, .link = r->link});
}

void learner_rig_snapshot_part(struct learner_rig *r)
{
    feed(r, (struct zab_event){.kind = ZAB_SNAPSHOT_PART, .link = r->link});
}

void learner_rig_pass_time(struct learner_rig *r, int64_t ms)
{
    r->now_ms += ms;
    feed(r, (struct zab_event){.kind = ZAB_TICK});
}
