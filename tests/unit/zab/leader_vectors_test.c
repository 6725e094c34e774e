/* Apache ZooKeeper 3.8.0 leaders and what their learners said to them were recorded. In the place of each leader, told
 * what it was told, ours sends every learner the same packets in the same order, to the last byte. Left out are those
 * that are the business of the layer above, and pings, which come with time. */
#include "core/base/check.h"
#include "tests/support/leader_rig.h"
#include "tests/support/test.h"

#include <jansson.h>
#include <stdlib.h>

enum { LINES_MAX = 512, CONNECTIONS_MAX = 20, FILES_MAX = 8, PACKET_MAX = 1024, RECORDED_TOGETHER = 3 };

static const struct scene {
    const char *leader;
    struct leader_rig_setup setup;
    int64_t config_version; /* when it began */
    double until;           /* 0: to the end */
    const char *files[FILES_MAX];
} scenes[] = {
    {"server.2",
     {.sid = 2, .reconfig_enabled = true},
     0,
     0,
     {"follower-handshake-diff-empty", "follower-handshake-snap", "observer-handshake-snap", "broadcast-all-txns",
      "observer-informs-all-txns", "follower-handshake-diff-txns"}},
    {"server.3",
     {.sid = 3, .reconfig_enabled = true, .zxid = 0x10000001f, .accepted_epoch = 1, .current_epoch = 1},
     0x100000000,
     37.14, /* it has told who leads from now on */
     {"follower-handshake-new-epoch", "follower-handshake-trunc", "reconfig-add-observer", "reconfig-remove-leader"}},
};

struct line {
    double at;
    int order;
    const char *file;
    bool from_leader;
    unsigned connection; /* c11: 11 */
    char type[32];
    uint8_t bytes[PACKET_MAX];
    size_t len;
};

struct stage {
    struct leader_rig rig;
    struct line lines[LINES_MAX];
    int count;
    uint64_t links[CONNECTIONS_MAX];
    struct buffer expected[CONNECTIONS_MAX];
    char config[PACKET_MAX];
};

/* -- reading ---------------------------------------------------------------------------------------------------------
 */

static void read_hex(struct line *line, const char *hex)
{
    const size_t len = strlen(hex) / 2;
    for (line->len = 0; line->len < len && line->len < PACKET_MAX; line->len++) {
        const char digits[] = {hex[2 * line->len], hex[2 * line->len + 1], '\0'};
        line->bytes[line->len] = (uint8_t)strtoul(digits, NULL, 16);
    }
}

/* Some of it was said between others, or on the election ports; or when the leader was none any more. */
static bool is_of_scene(const struct scene *scene, const json_t *json)
{
    static const char *const elsewhere[] = {"INIT", "NOTIFICATION", "close"};
    const char *type = json_string_value(json_object_get(json, "type"));
    for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++)
        if (strcmp(type, elsewhere[i]) == 0)
            return false;
    if (scene->until > 0 && json_number_value(json_object_get(json, "t")) > scene->until)
        return false;
    return strcmp(json_string_value(json_object_get(json, "from")), scene->leader) == 0 ||
           strcmp(json_string_value(json_object_get(json, "to")), scene->leader) == 0;
}

static void take_line(struct stage *s, const struct scene *scene, const char *file, const json_t *json)
{
    if (!is_of_scene(scene, json))
        return;
    assert_true(s->count < LINES_MAX);
    struct line *line = &s->lines[s->count];
    line->at = json_number_value(json_object_get(json, "t"));
    line->file = file;
    line->order = s->count++;
    line->from_leader = strcmp(json_string_value(json_object_get(json, "from")), scene->leader) == 0;
    line->connection = (unsigned)strtoul(json_string_value(json_object_get(json, "conn")) + 1, NULL, 10);
    assert_true(line->connection < CONNECTIONS_MAX);
    snprintf(line->type, sizeof line->type, "%s", json_string_value(json_object_get(json, "type")));
    read_hex(line, json_string_value(json_object_get(json, "hex")));
}

static void read_file(struct stage *s, const struct scene *scene, const char *name)
{
    const char *root = getenv("ZOOID_ROOT");
    char path[512];
    snprintf(path, sizeof path, "%s/tests/golden/vectors/quorum/%s.jsonl", root == NULL ? "." : root, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    json_t *json;
    while ((json = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
        take_line(s, scene, name, json);
        json_decref(json);
    }
    fclose(file);
}

static int by_time(const void *a, const void *b)
{
    const struct line *one = a, *two = b;
    if (one->at != two->at)
        return one->at < two->at ? -1 : 1;
    return one->order - two->order;
}

static bool is_same(const struct line *a, const struct line *b)
{
    return a->file != b->file && a->at == b->at && a->connection == b->connection &&
           bytes_equal(bytes_make(a->bytes, a->len), bytes_make(b->bytes, b->len));
}

/* Some lines stand in two files. */
static void drop_doubles(struct stage *s)
{
    int kept = 0;
    for (int i = 0; i < s->count; i++) {
        int earlier = kept;
        while (earlier > 0 && !is_same(&s->lines[earlier - 1], &s->lines[i]))
            earlier--;
        if (earlier == 0)
            s->lines[kept++] = s->lines[i];
    }
    s->count = kept;
}

static struct packet packet_of(const struct line *line)
{
    struct packet packet;
    size_t used;
    assert_int_equal(packet_decode(bytes_make(line->bytes, line->len), PACKET_MAX, &packet, &used), ST_OK);
    assert_int_equal(used, line->len);
    return packet;
}

/* That of a NEWLEADER, as it was before it had this version. */
static void find_config(struct stage *s, const struct scene *scene)
{
    for (int i = 0; i < s->count; i++) {
        if (strcmp(s->lines[i].type, "NEWLEADER") != 0)
            continue;
        const struct bytes text = packet_of(&s->lines[i]).data;
        snprintf(s->config, sizeof s->config, "%.*s", BYTES_PRINT(text));
        char *version = strstr(s->config, "version=");
        assert_non_null(version);
        snprintf(version, sizeof "version=100000000", "version=%llx", (unsigned long long)scene->config_version);
        return;
    }
    fail();
}

/* -- playing ---------------------------------------------------------------------------------------------------------
 */

/* The leader logs at once; and where the recording has no followers' ACKs, all that are there acknowledge. */
static void propose(struct stage *s, const struct packet *proposal, bool acknowledged)
{
    leader_rig_propose(&s->rig, proposal->data);
    leader_rig_disk(&s->rig, SIZE_MAX);
    for (uint64_t link = 1; link <= s->rig.link_count && !acknowledged; link++)
        if (s->rig.links[link - 1].is_synced)
            leader_rig_plain(&s->rig, link, PACKET_ACK, proposal->zxid);
}

/* What a late learner is sent was proposed before it came, while nobody recorded. */
static void propose_unrecorded(struct stage *s, int from, unsigned connection)
{
    for (int i = from; i < s->count; i++) {
        if (!s->lines[i].from_leader || s->lines[i].connection != connection ||
            strcmp(s->lines[i].type, "PROPOSAL") != 0)
            continue;
        const struct packet packet = packet_of(&s->lines[i]);
        if (packet.zxid == zab_next_zxid(s->rig.z))
            propose(s, &packet, false);
    }
}

static void play_leader(struct stage *s, const struct line *line)
{
    static const char *const not_ours[] = {"PING", "SYNC", "REVALIDATE"};
    if (strcmp(line->type, "SNAPSHOT-STREAM") == 0) {
        leader_rig_snapshot_sent(&s->rig, s->links[line->connection]);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(not_ours); i++)
        if (strcmp(line->type, not_ours[i]) == 0)
            return;
    const struct packet packet = packet_of(line);
    if (packet.type == PACKET_PROPOSAL && packet.zxid == zab_next_zxid(s->rig.z))
        propose(s, &packet, true);
    assert_int_equal(buffer_append(&s->expected[line->connection], line->bytes, line->len), ST_OK);
}

/* Nothing is said of what comes after. */
static void assert_sent_as_recorded(struct stage *s)
{
    for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
        if (s->links[i] == 0)
            continue;
        const struct buffer *sent = &s->rig.sent[s->links[i] - 1], *expected = &s->expected[i];
        assert_int_equal(sent->len, expected->len);
        assert_memory_equal(sent->data, expected->data, expected->len);
        s->links[i] = 0;
    }
}

static void play(struct stage *s, int at)
{
    const struct line *line = &s->lines[at];
    if (strcmp(line->type, "open") == 0) {
        if (s->rig.link_count == RECORDED_TOGETHER) {
            assert_sent_as_recorded(s);
            propose_unrecorded(s, at, line->connection);
        }
        s->links[line->connection] = leader_rig_accept(&s->rig);
    } else if (line->from_leader) {
        play_leader(s, line);
    } else {
        const struct packet packet = packet_of(line);
        leader_rig_packet(&s->rig, s->links[line->connection], &packet);
        leader_rig_disk(&s->rig, SIZE_MAX);
    }
}

static void run_scene(const struct scene *scene)
{
    struct stage *s = calloc(1, sizeof *s);
    assert_non_null(s);
    for (int i = 0; i < FILES_MAX && scene->files[i] != NULL; i++)
        read_file(s, scene, scene->files[i]);
    qsort(s->lines, (size_t)s->count, sizeof s->lines[0], by_time);
    drop_doubles(s);
    find_config(s, scene);
    struct leader_rig_setup setup = scene->setup;
    setup.config = s->config;
    leader_rig_start(&s->rig, &setup);
    for (int i = 0; i < s->count; i++)
        play(s, i);
    assert_sent_as_recorded(s);
    leader_rig_stop(&s->rig);
    for (unsigned i = 0; i < CONNECTIONS_MAX; i++)
        buffer_free(&s->expected[i]);
    free(s);
}

static void a_leader_of_a_new_ensemble_sends_what_apache_sent(void **state)
{
    (void)state;
    run_scene(&scenes[0]);
}

static void a_leader_of_the_next_epoch_sends_what_apache_sent(void **state)
{
    (void)state;
    run_scene(&scenes[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leader_of_a_new_ensemble_sends_what_apache_sent),
        cmocka_unit_test(a_leader_of_the_next_epoch_sends_what_apache_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
