/* What three Apache ZooKeeper 3.8.0 servers said to each other: every message is read to the last byte and not one byte
 * further, says what its recorder noted of it, and is written again as it was. */
#include "core/base/check.h"
#include "core/jute/txn.h"
#include "core/zab/notification.h"
#include "core/zab/packet.h"
#include "core/zab/request.h"
#include "tests/support/test.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

enum { DATA_MAX = 1 << 20, MESSAGE_MAX = 32 * 1024 };

struct message {
    const char *type, *note;
    struct bytes bytes;
};

/* -- as the recorder wrote ----------------------------------------------------------------------------------------- */

static void append_hex(struct buffer *out, struct bytes b)
{
    for (size_t i = 0; i < b.len; i++)
        buffer_printf(out, "%02x", b.data[i]);
}

/* Lines within quotes. */
static void append_text(struct buffer *out, struct bytes b)
{
    buffer_printf(out, "'");
    for (size_t i = 0; i < b.len; i++)
        buffer_printf(out, b.data[i] == '\n' ? "\\n" : "%c", b.data[i]);
    buffer_printf(out, "'");
}

static void append_ids(struct buffer *out, const struct ids *ids)
{
    struct reader at = reader_of(ids->raw);
    struct bytes scheme, id;
    int32_t count = 0;
    buffer_printf(out, bytes_is_null(ids->raw) ? " auth=None" : " auth=[");
    for (; ids_next(&at, &scheme, &id); count++)
        buffer_printf(out, "%s('%.*s', '%.*s')", count > 0 ? ", " : "", BYTES_PRINT(scheme), BYTES_PRINT(id));
    if (!bytes_is_null(ids->raw))
        buffer_printf(out, "]");
    assert_int_equal(count, ids->count);
}

/* -- payloads: each appends what was noted and writes itself again --------------------------------------------------
 */

typedef void payload_fn(struct bytes data, struct buffer *note, struct writer *again);

static void note_data(struct bytes data, struct buffer *note, struct writer *again)
{
    if (bytes_is_null(data)) {
        buffer_printf(note, " data=null");
        return;
    }
    buffer_printf(note, " data(%zu)=", data.len);
    append_hex(note, data);
    write_raw(again, data);
}

static void note_request(struct bytes data, struct buffer *note, struct writer *again)
{
    struct forwarded_request f;
    assert_int_equal(forwarded_request_decode(data, &f), ST_OK);
    buffer_printf(note, " sess=%" PRIx64 " cxid=%d type=%d body=", (uint64_t)f.session_id, f.cxid, f.type);
    append_hex(note, f.body);
    forwarded_request_encode(again, &f);
}

/* Up to the record, which is txn.h's business. */
static void note_entry(struct bytes entry, struct buffer *note, struct writer *again)
{
    struct txn txn;
    assert_int_equal(txn_decode(entry, &txn), ST_OK);
    buffer_printf(note, " {'sess': '0x%" PRIx64 "', 'cxid': %d, 'zxid': '0x%" PRIx64 "', 'time': %" PRId64,
                  (uint64_t)txn.header.client_id, txn.header.cxid, (uint64_t)txn.header.zxid, txn.header.time_ms);
    txn_encode(again, &txn);
}

static void note_activated(struct bytes data, struct buffer *note, struct writer *again)
{
    struct bytes entry;
    int64_t sid;
    assert_int_equal(activated_entry_decode(data, &sid, &entry), ST_OK);
    buffer_printf(note, " desig=%" PRId64, sid);
    struct buffer copy = {0};
    struct writer w = writer_to(&copy);
    note_entry(entry, note, &w);
    activated_entry_encode(again, sid, buffer_bytes(&copy));
    buffer_free(&copy);
}

static void note_designated(struct bytes data, struct buffer *note, struct writer *again)
{
    int64_t sid;
    assert_int_equal(designated_leader_decode(data, &sid), ST_OK);
    buffer_printf(note, " data(8)=%016" PRIx64, (uint64_t)sid);
    designated_leader_encode(again, sid);
}

/* A leader's is null, a learner's a row of sessions. */
static void note_touches(struct bytes data, struct buffer *note, struct writer *again)
{
    struct reader at;
    struct touch touch;
    if (bytes_is_null(data)) {
        note_data(data, note, again);
        return;
    }
    assert_int_equal(touches_begin(data, &at), ST_OK);
    buffer_printf(note, " data(%zu)=", data.len);
    while (touches_next(&at, &touch)) {
        buffer_printf(note, "%016" PRIx64 "%08x", (uint64_t)touch.session_id, (unsigned)touch.timeout_ms);
        touch_encode(again, &touch);
    }
}

/* A leader's is a byte shorter. */
static void note_revalidate(struct bytes data, struct buffer *note, struct writer *again)
{
    struct touch session;
    bool valid;
    if (data.len == TOUCH_LEN) {
        assert_int_equal(revalidate_decode(data, &session), ST_OK);
        buffer_printf(note, " data(12)=%016" PRIx64 "%08x", (uint64_t)session.session_id, (unsigned)session.timeout_ms);
        touch_encode(again, &session);
    } else {
        assert_int_equal(revalidated_decode(data, &session.session_id, &valid), ST_OK);
        buffer_printf(note, " data(9)=%016" PRIx64 "%02x", (uint64_t)session.session_id, valid);
        revalidated_encode(again, session.session_id, valid);
    }
}

static void note_learner_info(struct bytes data, struct buffer *note, struct writer *again)
{
    struct learner_info info;
    assert_int_equal(learner_info_decode(data, &info), ST_OK);
    buffer_printf(note, " sid=%" PRId64 " pv=%x cfgv=%" PRIx64 " rest=", info.sid, (unsigned)info.protocol_version,
                  (uint64_t)info.config_version);
    append_hex(note, info.tail);
    learner_info_encode(again, &info);
}

static void note_leader_info(struct bytes data, struct buffer *note, struct writer *again)
{
    struct leader_info info;
    assert_int_equal(leader_info_decode(data, &info), ST_OK);
    assert_true(bytes_is_null(info.tail));
    buffer_printf(note, " pv=%08x", (unsigned)info.protocol_version);
    leader_info_encode(again, &info);
}

static void note_ack_epoch(struct bytes data, struct buffer *note, struct writer *again)
{
    int32_t epoch;
    assert_int_equal(ack_epoch_decode(data, &epoch), ST_OK);
    buffer_printf(note, " epoch=%08x", (unsigned)epoch);
    ack_epoch_encode(again, epoch);
}

static void note_config(struct bytes data, struct buffer *note, struct writer *again)
{
    buffer_printf(note, " data(%zu)=b", data.len);
    append_text(note, data);
    write_raw(again, data);
}

static const struct payload_row {
    payload_fn *note;
    bool is_beginning; /* the note says more */
} payloads[] = {
    [PACKET_REQUEST] = {note_request, false},
    [PACKET_PROPOSAL] = {note_entry, true},
    [PACKET_ACK] = {note_data, false},
    [PACKET_COMMIT] = {note_data, false},
    [PACKET_PING] = {note_touches, false},
    [PACKET_REVALIDATE] = {note_revalidate, false},
    [PACKET_SYNC] = {note_data, false},
    [PACKET_INFORM] = {note_entry, true},
    [PACKET_COMMIT_AND_ACTIVATE] = {note_designated, false},
    [PACKET_NEWLEADER] = {note_config, false},
    [PACKET_FOLLOWERINFO] = {note_learner_info, false},
    [PACKET_UPTODATE] = {note_data, false},
    [PACKET_DIFF] = {note_data, false},
    [PACKET_TRUNC] = {note_data, false},
    [PACKET_SNAP] = {note_data, false},
    [PACKET_OBSERVERINFO] = {note_learner_info, false},
    [PACKET_LEADERINFO] = {note_leader_info, false},
    [PACKET_ACKEPOCH] = {note_ack_epoch, false},
    [PACKET_INFORM_AND_ACTIVATE] = {note_activated, true},
};

/* -- messages ------------------------------------------------------------------------------------------------------ */

static void assert_noted(const struct message *m, struct buffer *note, bool is_beginning)
{
    assert_int_equal(buffer_append(note, "", 1), ST_OK);
    if (is_beginning)
        assert_int_equal(strncmp((const char *)note->data, m->note, note->len - 1), 0);
    else
        assert_string_equal((const char *)note->data, m->note);
}

static void assert_same_bytes(struct bytes a, struct bytes b)
{
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, b.len);
}

/* No part of it is a packet, and none asks for more than there will be. */
static void assert_parts_are_incomplete(struct bytes whole)
{
    struct packet packet;
    for (size_t len = 0; len < whole.len; len++) {
        size_t used = 0;
        assert_int_equal(packet_decode(bytes_make(whole.data, len), DATA_MAX, &packet, &used), ST_TRUNCATED);
        assert_in_range(used, len + 1, whole.len);
    }
}

static void check_packet(const struct message *m)
{
    struct packet packet;
    struct buffer note = {0}, again = {0}, payload = {0};
    struct writer w = writer_to(&again), payload_writer = writer_to(&payload);
    size_t used;
    assert_int_equal(packet_decode(m->bytes, DATA_MAX, &packet, &used), ST_OK);
    assert_int_equal(used, m->bytes.len);
    assert_string_equal(packet_type_name(packet.type), m->type);
    buffer_printf(&note, "%s zxid=0x%" PRIx64, m->type, (uint64_t)packet.zxid);
    const struct payload_row *row = &payloads[packet.type];
    row->note(packet.data, &note, &payload_writer);
    if (!row->is_beginning)
        append_ids(&note, &packet.authinfo);
    assert_noted(m, &note, row->is_beginning);
    assert_same_bytes(buffer_bytes(&payload), packet.data);
    packet_encode(&w, &packet);
    assert_same_bytes(buffer_bytes(&again), m->bytes);
    assert_parts_are_incomplete(m->bytes);
    buffer_free(&note);
    buffer_free(&again);
    buffer_free(&payload);
}

static void check_notification(const struct message *m)
{
    static const char *const states[] = {"LOOKING", "FOLLOWING", "LEADING", "OBSERVING"};
    struct notification n;
    struct bytes frame;
    struct buffer note = {0}, content = {0}, again = {0};
    struct writer w = writer_to(&again), content_writer = writer_to(&content);
    size_t used;
    assert_int_equal(election_frame_next(m->bytes, &frame, &used), FRAME_WHOLE);
    assert_int_equal(used, m->bytes.len);
    assert_int_equal(notification_decode(frame, &n), ST_OK);
    buffer_printf(&note, "state=%s leader=%" PRId64 " zxid=0x%" PRIx64 " round=0x%" PRIx64 " peerEpoch=0x%" PRIx64,
                  states[n.state], n.vote.leader, (uint64_t)n.vote.zxid, (uint64_t)n.round,
                  (uint64_t)n.vote.peer_epoch);
    buffer_printf(&note, " ver=%d config=", n.version);
    append_text(&note, n.config);
    assert_noted(m, &note, false);
    notification_encode(&content_writer, &n);
    election_frame_encode(&w, buffer_bytes(&content));
    assert_same_bytes(buffer_bytes(&again), m->bytes);
    buffer_free(&note);
    buffer_free(&content);
    buffer_free(&again);
}

static void check_hello(const struct message *m)
{
    struct hello hello;
    struct buffer note = {0}, again = {0};
    struct writer w = writer_to(&again);
    size_t used;
    for (size_t len = 0; len < m->bytes.len; len++) {
        assert_int_equal(hello_decode(bytes_make(m->bytes.data, len), &hello, &used), ST_TRUNCATED);
        assert_in_range(used, len + 1, m->bytes.len);
    }
    assert_int_equal(hello_decode(m->bytes, &hello, &used), ST_OK);
    assert_int_equal(used, m->bytes.len);
    buffer_printf(&note, "protocol=-65536 sid=%" PRId64 " addr=%.*s", hello.sid, BYTES_PRINT(hello.addresses));
    assert_noted(m, &note, false);
    hello_encode(&w, &hello);
    assert_same_bytes(buffer_bytes(&again), m->bytes);
    buffer_free(&note);
    buffer_free(&again);
}

static void check_nothing(const struct message *m)
{
    (void)m;
}

/* Anything else is a packet. */
static const struct type_row {
    const char *type;
    void (*check)(const struct message *m);
} other_types[] = {{"NOTIFICATION", check_notification},
                   {"INIT", check_hello},
                   {"SNAPSHOT-STREAM", check_nothing},
                   {"open", check_nothing},
                   {"close", check_nothing}};

static void check_message(const struct message *m)
{
    for (size_t i = 0; i < ARRAY_LEN(other_types); i++) {
        if (strcmp(m->type, other_types[i].type) == 0) {
            other_types[i].check(m);
            return;
        }
    }
    check_packet(m);
}

/* -- files --------------------------------------------------------------------------------------------------------- */

static size_t unhex(const char *hex, uint8_t *out, size_t size)
{
    size_t n = 0;
    for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2, n++) {
        unsigned byte = 0;
        assert_true(n < size);
        assert_int_equal(sscanf(hex, "%2x", &byte), 1);
        out[n] = (uint8_t)byte;
    }
    return n;
}

/* A block of its own, so that reading beyond it is noticed. */
static void check_line(const char *line)
{
    static uint8_t bytes[MESSAGE_MAX];
    json_t *json = json_loads(line, 0, NULL);
    assert_non_null(json);
    const size_t len = unhex(json_string_value(json_object_get(json, "hex")), bytes, sizeof bytes);
    uint8_t *exact = malloc(len + (len == 0));
    assert_non_null(exact);
    memcpy(exact, bytes, len);
    const struct message m = {json_string_value(json_object_get(json, "type")),
                              json_string_value(json_object_get(json, "note")), bytes_make(exact, len)};
    check_message(&m);
    free(exact);
    json_decref(json);
}

static void every_message_is_read_and_written_again(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t lines;
    } files[] = {
        {"broadcast-all-txns", 184},           {"election-nonvoter-query", 17},
        {"election-restart-round", 42},        {"election-start", 31},
        {"follower-handshake-diff-empty", 14}, {"follower-handshake-diff-txns", 22},
        {"follower-handshake-new-epoch", 14},  {"follower-handshake-snap", 15},
        {"follower-handshake-trunc", 14},      {"observer-handshake-snap", 17},
        {"observer-informs-all-txns", 29},     {"reconfig-add-observer", 60},
        {"reconfig-remove-leader", 47},
    };
    static char line[4 * MESSAGE_MAX];
    const char *root = getenv("ZOOID_ROOT");
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        char path[512];
        size_t lines = 0;
        snprintf(path, sizeof path, "%s/tests/golden/vectors/quorum/%s.jsonl", root == NULL ? "." : root,
                 files[i].name);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        for (; fgets(line, sizeof line, file) != NULL; lines++)
            check_line(line);
        fclose(file);
        assert_int_equal(lines, files[i].lines);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_message_is_read_and_written_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
