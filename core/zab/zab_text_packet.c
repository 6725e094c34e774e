/* zab_text_packet.c - packets, notifications and what else events and effects have in them, as text. */
#include "core/base/check.h"
#include "core/zab/notification.h"
#include "core/zab/request.h"
#include "core/zab/zab_text_internal.h"

#include <inttypes.h>

enum { DATA_SHOWN_MAX = 48 };

/* -- small things ------------------------------------------------------------------------------------------------ */

void say_number(struct line *line, const char *name, int64_t value)
{
    if (value == INT64_MIN)
        SAY(line, " %s=none", name);
    else
        SAY(line, " %s=%" PRId64, name, value);
}

void say_zxid(struct line *line, int64_t zxid)
{
    if (line->status == ST_OK)
        line->status = zab_print_zxid(zxid, line->out);
}

enum status zab_print_zxid(int64_t zxid, struct buffer *line)
{
    if (zxid == INT64_MIN)
        return buffer_printf(line, "none");
    if (zxid < 0)
        return buffer_printf(line, "%" PRId64, zxid);
    return buffer_printf(line, "0x%" PRIx64 "_%02" PRIx64, (uint64_t)zxid >> 32, (uint64_t)zxid & 0xffffffff);
}

static bool is_plain(struct bytes bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.data[i] < ' ' || bytes.data[i] > '~' || bytes.data[i] == '"')
            return false;
    return bytes.len <= DATA_SHOWN_MAX;
}

/* Short text as it is, of anything else the length; null is nothing. */
void say_bytes(struct line *line, struct bytes bytes)
{
    if (bytes_is_null(bytes))
        return;
    if (is_plain(bytes))
        SAY(line, " \"%.*s\"", BYTES_PRINT(bytes));
    else
        SAY(line, " %zuB", bytes.len);
}

/* The version is the last line. */
void say_config(struct line *line, struct bytes text)
{
    static const char key[] = "version=";
    const size_t key_len = sizeof key - 1;
    size_t at = text.len;
    while (at > 0 && text.data[at - 1] != '\n')
        at--;
    const struct bytes last = text.len == 0 ? BYTES("") : bytes_from(text, at);
    if (bytes_is_null(text))
        return;
    if (bytes_starts_with(last, bytes_make(key, key_len)) && is_plain(last))
        SAY(line, " config=%.*s", BYTES_PRINT(bytes_from(last, key_len)));
    else
        SAY(line, " config=%zuB", text.len);
}

static const char *const state_names[] = {"LOOKING", "FOLLOWING", "LEADING", "OBSERVING"};

void say_notification(struct line *line, int64_t sid, struct bytes frame)
{
    struct notification n;
    SAY(line, " %" PRId64, sid);
    if (notification_decode(frame, &n) != ST_OK) {
        SAY(line, " %zuB that are no notification", frame.len);
        return;
    }
    SAY(line, " %s", state_names[n.state]);
    say_number(line, "leader", n.vote.leader);
    SAY(line, " zxid=");
    say_zxid(line, n.vote.zxid);
    say_number(line, "epoch", n.vote.peer_epoch);
    say_number(line, "round", n.round);
    say_config(line, n.config);
}

/* "=failure-detection:500,handover"; the value is told where it is not 1. */
static void say_capabilities(struct line *line, const struct capabilities *can)
{
    const char *before = "=";
    for (size_t i = 0; i < CAPABILITY_COUNT; i++) {
        if (can->of[i] == 0)
            continue;
        SAY(line, "%s%s", before, capability_name((enum capability)i));
        if (can->of[i] != 1)
            SAY(line, ":%" PRId32, can->of[i]);
        before = ",";
    }
    if (*before == '=')
        SAY(line, "=nothing");
}

/* Nothing is said where there is none. */
static void say_record(struct line *line, struct bytes tail)
{
    struct capabilities can;
    const enum status st = capabilities_decode(tail, &can);
    if (st == ST_CORRUPT)
        SAY(line, " can=?");
    if (st != ST_OK)
        return;
    SAY(line, " can");
    say_capabilities(line, &can);
}

enum status zab_print_capabilities(const struct capabilities *can, struct buffer *line)
{
    struct line say = {line, ST_OK};
    say_capabilities(&say, can);
    return say.status;
}

/* -- packets ----------------------------------------------------------------------------------------------------- */

static void say_learner_info(struct line *line, struct bytes data)
{
    struct learner_info info;
    if (learner_info_decode(data, &info) != ST_OK)
        return;
    say_number(line, "sid", info.sid);
    SAY(line, " config=%" PRIx64, (uint64_t)info.config_version);
    say_record(line, info.tail);
}

static void say_leader_info(struct line *line, struct bytes data)
{
    struct leader_info info;
    if (leader_info_decode(data, &info) != ST_OK)
        return;
    if (info.protocol_version != QUORUM_PROTOCOL_VERSION)
        say_number(line, "protocol", info.protocol_version);
    say_record(line, info.tail);
}

static void say_agreement(struct line *line, struct bytes data)
{
    struct capabilities on;
    struct roster roster = {0};
    if (agreement_decode(data, &on, &roster) == ST_OK) {
        SAY(line, " on");
        say_capabilities(line, &on);
        for (size_t i = 0; i < roster.count; i++) {
            SAY(line, " %" PRId64, roster.items[i].sid);
            say_capabilities(line, &roster.items[i].can);
        }
    }
    roster_free(&roster);
}

static void say_ack_epoch(struct line *line, struct bytes data)
{
    int32_t epoch;
    if (ack_epoch_decode(data, &epoch) == ST_OK)
        say_number(line, "epoch", epoch);
}

static void say_designated(struct line *line, struct bytes data)
{
    int64_t sid;
    if (designated_leader_decode(data, &sid) == ST_OK)
        say_number(line, "leader", sid);
}

static void say_activated(struct line *line, struct bytes data)
{
    int64_t sid;
    struct bytes entry;
    if (activated_entry_decode(data, &sid, &entry) != ST_OK)
        return;
    say_number(line, "leader", sid);
    say_bytes(line, entry);
}

static void say_request(struct line *line, struct bytes data)
{
    struct forwarded_request request;
    if (forwarded_request_decode(data, &request) == ST_OK)
        SAY(line, " session=0x%" PRIx64 " cxid=%" PRId32 " type=%" PRId32, (uint64_t)request.session_id, request.cxid,
            request.type);
}

static void say_touches(struct line *line, struct bytes data)
{
    if (data.len > 0)
        SAY(line, " touches=%zu", data.len / TOUCH_LEN);
}

static const struct packet_row {
    int32_t type;
    bool without_zxid;
    void (*say)(struct line *line, struct bytes data); /* NULL: as say_bytes */
} packet_rows[] = {
    {PACKET_REQUEST, true, say_request},
    {PACKET_PING, false, say_touches},
    {PACKET_REVALIDATE, true, NULL},
    {PACKET_COMMIT_AND_ACTIVATE, false, say_designated},
    {PACKET_NEWLEADER, false, say_config},
    {PACKET_FOLLOWERINFO, false, say_learner_info},
    {PACKET_UPTODATE, true, NULL},
    {PACKET_OBSERVERINFO, false, say_learner_info},
    {PACKET_LEADERINFO, false, say_leader_info},
    {PACKET_ACKEPOCH, false, say_ack_epoch},
    {PACKET_INFORM_AND_ACTIVATE, false, say_activated},
    {PACKET_CAPABILITIES, true, say_agreement},
};

void say_packet(struct line *line, const struct packet *packet)
{
    struct packet_row row = {0};
    for (size_t i = 0; i < ARRAY_LEN(packet_rows); i++)
        if (packet_rows[i].type == packet->type)
            row = packet_rows[i];
    const char *name = packet_type_name(packet->type);
    if (name != NULL)
        SAY(line, "%s", name);
    else
        SAY(line, "%" PRId32, packet->type);
    if (!row.without_zxid) {
        SAY(line, " ");
        say_zxid(line, packet->zxid);
    }
    (row.say == NULL ? say_bytes : row.say)(line, packet->data);
}

enum status zab_print_packet(const struct packet *packet, struct buffer *line)
{
    struct line say = {line, ST_OK};
    say_packet(&say, packet);
    return say.status;
}

void say_packets(struct line *line, struct bytes bytes)
{
    const char *between = " ";
    while (bytes.len > 0) {
        struct packet packet;
        size_t used;
        if (packet_decode(bytes, bytes.len, &packet, &used) != ST_OK) {
            SAY(line, "%s%zuB that are no packet", between, bytes.len);
            return;
        }
        SAY(line, "%s", between);
        say_packet(line, &packet);
        between = ", ";
        bytes = bytes_from(bytes, used);
    }
}
