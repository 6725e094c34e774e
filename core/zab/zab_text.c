/* zab_text.c - one row per event and effect: its word, and what is said of it. */
#include "core/zab/zab_text.h"

#include "core/base/check.h"
#include "core/zab/zab_text_internal.h"

#include <inttypes.h>

/* What a row has to say; in this order. */
enum part {
    SID = 1 << 0,
    LINK = 1 << 1,
    TICKET = 1 << 2,
    ZXID = 1 << 3,
    EPOCH = 1 << 4,
    EPOCHS = 1 << 5, /* of an event: accepted and current */
    BYTES_TOO = 1 << 6,
    TEXT = 1 << 7, /* bytes that are a line */
    NOTIFICATION = 1 << 8,
    PACKETS = 1 << 9,
    ROLE = 1 << 10,
    CONFIG = 1 << 11, /* bytes that are one */
    TO_MASTER = 1 << 12,
    UNTIL = 1 << 13
};

static const struct row {
    const char *name;
    unsigned parts;
} event_rows[] = {
    [ZAB_TICK] = {"tick", 0},
    [ZAB_LOADED] = {"loaded", ZXID | EPOCHS},
    [ZAB_NOTIFICATION] = {"notified", NOTIFICATION},
    [ZAB_LINK_CONNECTED] = {"connected", LINK},
    [ZAB_LINK_ACCEPTED] = {"accepted", LINK},
    [ZAB_LINK_PACKET] = {"packet", LINK | PACKETS},
    [ZAB_LINK_CLOSED] = {"closed", LINK},
    [ZAB_LOGGED] = {"logged", ZXID},
    [ZAB_STORED] = {"stored", TICKET},
    [ZAB_STORE_REFUSED] = {"store-refused", TICKET},
    [ZAB_SNAPSHOT_PART] = {"snapshot-part", LINK},
    [ZAB_SNAPSHOT_TAKEN] = {"snapshot-taken", LINK},
    [ZAB_SNAPSHOT_SENT] = {"snapshot-sent", LINK},
    [ZAB_LOG_FOUND] = {"log-found", LINK | ZXID},
    [ZAB_LOG_RECORD] = {"log-record", LINK | ZXID | BYTES_TOO},
    [ZAB_LOG_READ] = {"log-read", LINK},
    [ZAB_LOG_REFUSED] = {"log-refused", LINK},
    [ZAB_PROPOSE] = {"propose", ZXID | BYTES_TOO},
    [ZAB_CONFIRM] = {"confirm", TICKET},
    [ZAB_DIVERGED] = {"diverged", 0},
    [ZAB_DISK_FAILED] = {"disk-failed", 0},
    [ZAB_DISK_FULL] = {"disk-full", 0},
    [ZAB_DISK_ROOM] = {"disk-room", 0},
};
static_assert(ARRAY_LEN(event_rows) == ZAB_DISK_ROOM + 1, "one row for each event");

static const struct row effect_rows[] = {
    [ZAB_NOTIFY] = {"notify", NOTIFICATION},
    [ZAB_LISTEN] = {"listen", 0},
    [ZAB_UNLISTEN] = {"unlisten", 0},
    [ZAB_LISTEN_OBSERVERS] = {"listen-observers", 0},
    [ZAB_CONNECT] = {"connect", SID | TO_MASTER},
    [ZAB_SEND] = {"send", LINK | PACKETS},
    [ZAB_FEED] = {"feed", LINK},
    [ZAB_SEND_FED] = {"send-fed", PACKETS},
    [ZAB_CLOSE] = {"close", LINK},
    [ZAB_HOLD] = {"hold", LINK},
    [ZAB_GO] = {"go", LINK},
    [ZAB_PASS] = {"pass", LINK | PACKETS},
    [ZAB_TAKE_SNAPSHOT] = {"take-snapshot", LINK | ZXID},
    [ZAB_SEND_SNAPSHOT] = {"send-snapshot", LINK | ZXID},
    [ZAB_READ_LOG] = {"read-log", LINK | ZXID | UNTIL},
    [ZAB_LOG] = {"log", ZXID | BYTES_TOO},
    [ZAB_STORE_ACCEPTED] = {"store-accepted", TICKET | EPOCH},
    [ZAB_STORE_CURRENT] = {"store-current", TICKET | EPOCH},
    [ZAB_TRUNCATE] = {"truncate", TICKET | ZXID},
    [ZAB_KEEP_SNAPSHOT] = {"keep-snapshot", TICKET | ZXID},
    [ZAB_STORE_LAST_SEEN] = {"store-last-seen", CONFIG},
    [ZAB_STORE_CONFIG] = {"store-config", CONFIG},
    [ZAB_COMMITTED] = {"committed", ZXID | BYTES_TOO},
    [ZAB_CONFIRMED] = {"confirmed", TICKET},
    [ZAB_ROLE] = {"role", ROLE},
    [ZAB_LEAVE] = {"leave:", TEXT},
    [ZAB_CONFIG] = {"config", 0},
    [ZAB_RENEWED] = {"renewed", EPOCH},
    [ZAB_CAPABILITIES] = {"capabilities", 0},
    [ZAB_LOG_LINE] = {"says:", TEXT},
};
static_assert(ARRAY_LEN(effect_rows) == ZAB_LOG_LINE + 1, "one row for each effect");

static const char *const role_names[] = {
    [ZAB_LOOKING] = "looking",
    [ZAB_FOLLOWING] = "following",
    [ZAB_LEADING] = "leading",
    [ZAB_OBSERVING] = "observing",
};

static const char *const phase_names[] = {
    [ZAB_LOADING] = "loading",     [ZAB_ELECTION] = "election",
    [ZAB_DISCOVERY] = "discovery", [ZAB_SYNCHRONIZATION] = "synchronization",
    [ZAB_BROADCAST] = "broadcast", [ZAB_HALTED] = "halted",
};

/* What events and effects have in common. */
struct subject {
    int64_t sid, zxid, until, epoch, accepted_epoch, current_epoch, leader;
    uint64_t link, ticket;
    struct bytes bytes;
    const struct packet *packet; /* NULL: they are in the bytes */
    enum zab_role role;
    enum zab_phase phase;
    bool to_master;
};

static void say_numbers(struct line *line, unsigned parts, const struct subject *s)
{
    if (parts & SID)
        SAY(line, " %" PRId64, s->sid);
    if (parts & TO_MASTER && s->to_master)
        SAY(line, " as observer");
    if (parts & LINK)
        SAY(line, " L%" PRIu64, s->link);
    if (parts & TICKET)
        SAY(line, " #%" PRIu64, s->ticket);
    if (parts & ZXID) {
        SAY(line, " ");
        say_zxid(line, s->zxid);
    }
    if (parts & UNTIL) {
        SAY(line, " to ");
        say_zxid(line, s->until);
    }
    if (parts & EPOCH)
        say_number(line, "epoch", s->epoch);
    if (parts & EPOCHS) {
        say_number(line, "accepted", s->accepted_epoch);
        say_number(line, "current", s->current_epoch);
    }
}

static void say_role(struct line *line, const struct subject *s)
{
    SAY(line, " %s %s", role_names[s->role], phase_names[s->phase]);
    if (s->leader != -1)
        say_number(line, "leader", s->leader);
    say_number(line, "epoch", s->epoch);
}

static enum status say_row(struct buffer *out, const struct row *row, const struct subject *s)
{
    struct line line = {out, ST_OK};
    SAY(&line, "%s", row->name);
    say_numbers(&line, row->parts, s);
    if (row->parts & BYTES_TOO)
        say_bytes(&line, s->bytes);
    if (row->parts & TEXT)
        SAY(&line, " %.*s", BYTES_PRINT(s->bytes));
    if (row->parts & NOTIFICATION)
        say_notification(&line, s->sid, s->bytes);
    if (row->parts & CONFIG)
        say_config(&line, s->bytes);
    if (row->parts & ROLE)
        say_role(&line, s);
    if (row->parts & PACKETS && s->packet == NULL)
        say_packets(&line, s->bytes);
    if (row->parts & PACKETS && s->packet != NULL) {
        SAY(&line, " ");
        say_packet(&line, s->packet);
    }
    return line.status;
}

enum status zab_print_event(const struct zab_event *event, struct buffer *line)
{
    const struct subject subject = {
        .sid = event->sid,
        .zxid = event->zxid,
        .accepted_epoch = event->accepted_epoch,
        .current_epoch = event->current_epoch,
        .link = event->link,
        .ticket = event->ticket,
        .bytes = event->bytes,
        .packet = event->packet,
    };
    return say_row(line, &event_rows[event->kind], &subject);
}

enum status zab_print_effect(const struct zab_output *out, const struct zab_effect *effect, struct buffer *line)
{
    const struct subject subject = {
        .sid = effect->sid,
        .zxid = effect->zxid,
        .until = effect->until,
        .epoch = effect->epoch,
        .leader = effect->leader,
        .link = effect->link,
        .ticket = effect->ticket,
        .bytes = zab_effect_bytes(out, effect),
        .role = effect->role,
        .phase = effect->phase,
        .to_master = effect->to_master,
    };
    return say_row(line, &effect_rows[effect->kind], &subject);
}

const char *zab_role_name(enum zab_role role)
{
    return role_names[role];
}

const char *zab_phase_name(enum zab_phase phase)
{
    return phase_names[phase];
}

const char *zab_event_name(enum zab_event_kind kind)
{
    return event_rows[kind].name;
}

const char *zab_effect_name(enum zab_effect_kind kind)
{
    return effect_rows[kind].name;
}
