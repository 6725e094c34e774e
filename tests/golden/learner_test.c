/* Followers and observers of Apache ZooKeeper 3.8.0, replaced by ours: each is fed what the recorded leader sent, and
 * sends what the recorded learner sent, byte for byte. Two things differ, on purpose: txns that a sync commits are
 * durable before NEWLEADER is acknowledged, so that nobody waits for ACKs of them; and what depends on clients, and the
 * answer to PING, comes from the layer above. */
#include "core/base/check.h"
#include "core/zab/request.h"
#include "tests/support/learner_rig.h"
#include "tests/support/test.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

enum { DATA_MAX = 1 << 20, MESSAGES_MAX = 1024, FILES_MAX = 3 };

struct message {
    double time;
    bool from_leader;
    char type[24];
    struct buffer bytes;
};

struct conversation {
    const char *learner, *link;
    int64_t leader;
    const char *files[FILES_MAX];
};

struct recording {
    const struct conversation *of;
    char config[1024]; /* text of the configuration that the learner began with */
    struct message messages[MESSAGES_MAX];
    size_t count, told; /* `told`: by the files before this one */
};

/* -- reading --------------------------------------------------------------------------------------------------------
 */

static void append_hex(struct buffer *out, const char *hex)
{
    for (; hex[0] != '\0'; hex += 2) {
        const char digits[] = {hex[0], hex[1], '\0'};
        const uint8_t byte = (uint8_t)strtoul(digits, NULL, 16);
        assert_int_equal(buffer_append(out, &byte, 1), ST_OK);
    }
}

/* What one file tells last another may tell first. */
static bool was_read(const struct recording *r, const struct message *m)
{
    for (size_t i = 0; i < r->told; i++) {
        const struct message *other = &r->messages[i];
        if (other->time == m->time && other->from_leader == m->from_leader &&
            bytes_equal(buffer_bytes(&other->bytes), buffer_bytes(&m->bytes)))
            return true;
    }
    return false;
}

static void read_message(struct recording *r, json_t *line)
{
    if (strcmp(json_string_value(json_object_get(line, "conn")), r->of->link) != 0)
        return;
    struct message m = {.time = json_number_value(json_object_get(line, "t"))};
    m.from_leader = strcmp(json_string_value(json_object_get(line, "from")), r->of->learner) != 0;
    snprintf(m.type, sizeof m.type, "%s", json_string_value(json_object_get(line, "type")));
    append_hex(&m.bytes, json_string_value(json_object_get(line, "hex")));
    if (was_read(r, &m)) {
        buffer_free(&m.bytes);
        return;
    }
    assert_true(r->count < MESSAGES_MAX);
    r->messages[r->count++] = m;
}

static void read_file(struct recording *r, const char *name)
{
    const char *root = getenv("ZOOID_ROOT");
    char path[512], line[64 * 1024];
    snprintf(path, sizeof path, "%s/tests/golden/vectors/quorum/%s.jsonl", root == NULL ? "." : root, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        json_t *json = json_loads(line, 0, NULL);
        assert_non_null(json);
        read_message(r, json);
        json_decref(json);
    }
    fclose(file);
    r->told = r->count;
}

static struct packet packet_of(const struct message *m)
{
    struct packet packet;
    size_t used;
    assert_int_equal(packet_decode(buffer_bytes(&m->bytes), DATA_MAX, &packet, &used), ST_OK);
    assert_int_equal(used, m->bytes.len);
    return packet;
}

static const struct message *find(const struct recording *r, const char *type, bool from_leader)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->messages[i].type, type) == 0 && r->messages[i].from_leader == from_leader)
            return &r->messages[i];
    return NULL;
}

/* -- who the learner was --------------------------------------------------------------------------------------------
 */

static struct learner_rig_setup setup_of(const struct recording *r)
{
    struct learner_rig_setup setup = {.observer = find(r, "OBSERVERINFO", false) != NULL};
    struct learner_info info;
    int32_t epoch;
    const struct packet hello = packet_of(find(r, setup.observer ? "OBSERVERINFO" : "FOLLOWERINFO", false));
    const struct packet promise = packet_of(find(r, "ACKEPOCH", false));
    assert_int_equal(learner_info_decode(hello.data, &info), ST_OK);
    assert_int_equal(ack_epoch_decode(promise.data, &epoch), ST_OK);
    setup.sid = info.sid;
    setup.config_version = info.config_version;
    setup.zxid = promise.zxid;
    setup.log_count = (size_t)(promise.zxid & 0xffffffff);
    setup.accepted_epoch = hello.zxid >> 32;
    setup.current_epoch = epoch == -1 ? setup.accepted_epoch : epoch;
    return setup;
}

/* That of NEWLEADER, which is the same but for its version in each of them. */
static void find_config(struct recording *r, struct learner_rig_setup *setup)
{
    const struct packet newleader = packet_of(find(r, "NEWLEADER", true));
    snprintf(r->config, sizeof r->config, "%.*s", BYTES_PRINT(newleader.data));
    char *version = strstr(r->config, "version=");
    assert_non_null(version);
    snprintf(version, sizeof "version=200000005", "version=%" PRIx64, (uint64_t)setup->config_version);
    setup->config = r->config;
    setup->reconfig_enabled = true;
}

/* -- what it should say ---------------------------------------------------------------------------------------------
 */

static bool is_from_above(const struct packet *packet)
{
    return packet->type == PACKET_REQUEST || packet->type == PACKET_PING || packet->type == PACKET_REVALIDATE ||
           packet->type == PACKET_SYNC;
}

/* Was it proposed before NEWLEADER? */
static bool is_of_sync(const struct recording *r, int64_t zxid)
{
    const struct message *end = find(r, "NEWLEADER", true);
    for (const struct message *m = r->messages; m < end; m++)
        if (strcmp(m->type, "PROPOSAL") == 0 && packet_of(m).zxid == zxid)
            return true;
    return false;
}

static void expect(const struct recording *r, const struct message *m, struct buffer *expected)
{
    const struct packet packet = packet_of(m);
    if (!is_from_above(&packet) && !(packet.type == PACKET_ACK && is_of_sync(r, packet.zxid)))
        assert_int_equal(buffer_append(expected, m->bytes.data, m->bytes.len), ST_OK);
}

static void print_packets(const char *who, struct bytes bytes)
{
    struct packet packet;
    size_t used;
    printf("%s:", who);
    for (; packet_decode(bytes, DATA_MAX, &packet, &used) == ST_OK; bytes = bytes_from(bytes, used))
        printf(" %s 0x%" PRIx64, packet_type_name(packet.type), packet.zxid);
    printf("\n");
}

/* -- the conversation ------------------------------------------------------------------------------------------------
 */

static void hear(struct learner_rig *rig, const struct message *m)
{
    if (strcmp(m->type, "SNAPSHOT-STREAM") == 0) {
        assert_true(rig->is_streaming);
        learner_rig_snapshot_taken(rig);
    } else {
        const struct packet packet = packet_of(m);
        learner_rig_packet(rig, &packet);
    }
    learner_rig_disk(rig, SIZE_MAX);
    if (rig->has_left)
        printf("left at %s: %s\n", m->type, rig->why);
    assert_true(!rig->has_left || strstr(m->type, "ANDACTIVATE") != NULL); /* another was named to lead */
}

static void replay(struct recording *r)
{
    struct learner_rig_setup setup = setup_of(r);
    struct learner_rig rig;
    struct buffer expected = {0};
    find_config(r, &setup);
    setup.leader = r->of->leader;
    learner_rig_start(&rig, &setup);
    learner_rig_connected(&rig);
    for (size_t i = 0; i < r->count && !rig.has_left && strcmp(r->messages[i].type, "close") != 0; i++) {
        const struct message *m = &r->messages[i];
        if (m->bytes.len == 0)
            continue;
        if (m->from_leader)
            hear(&rig, m);
        else
            expect(r, m, &expected);
    }
    if (!bytes_equal(buffer_bytes(&expected), buffer_bytes(&rig.sent))) {
        print_packets("recorded", buffer_bytes(&expected));
        print_packets("ours", buffer_bytes(&rig.sent));
    }
    assert_true(bytes_equal(buffer_bytes(&expected), buffer_bytes(&rig.sent)));
    buffer_free(&expected);
    learner_rig_stop(&rig);
}

static const struct conversation conversations[] = {
    {"server.1", "c11", 2, {"follower-handshake-diff-empty", "broadcast-all-txns"}},
    {"server.3", "c12", 2, {"follower-handshake-snap", "broadcast-all-txns"}},
    {"peer.9", "c13", 2, {"observer-handshake-snap", "observer-informs-all-txns"}},
    {"server.1", "c14", 2, {"follower-handshake-diff-txns"}},
    {"server.2", "c15", 3, {"follower-handshake-trunc", "reconfig-add-observer", "reconfig-remove-leader"}},
    {"server.1", "c16", 3, {"follower-handshake-new-epoch", "reconfig-add-observer", "reconfig-remove-leader"}},
    {"peer.9", "c17", 3, {"reconfig-add-observer", "reconfig-remove-leader"}},
    {"server.2", "c22", 1, {"reconfig-remove-leader"}},
    {"server.3", "c23", 1, {"reconfig-remove-leader"}},
};

static void ours_says_what_the_recorded_learner_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(conversations); i++) {
        static struct recording r;
        r = (struct recording){.of = &conversations[i]};
        for (size_t k = 0; k < FILES_MAX && r.of->files[k] != NULL; k++)
            read_file(&r, r.of->files[k]);
        printf("%s, %s and others: %zu messages\n", r.of->learner, r.of->files[0], r.count);
        replay(&r);
        for (size_t k = 0; k < r.count; k++)
            buffer_free(&r.messages[k].bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ours_says_what_the_recorded_learner_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
