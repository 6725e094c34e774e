/* Three Apache ZooKeeper 3.8.0 servers have elected leaders and their notifications were recorded. In the place of each
 * of them, told what it was told, our member says everything that it said, to the last byte, and comes to the same
 * end. */
#include "core/base/check.h"
#include "core/zab/zab_internal.h"
#include "tests/support/test.h"

#include <jansson.h>
#include <stdlib.h>

enum { FRAME_MAX = 1024, SAID_MAX = 64, HEAD_LEN = 4, SETTLED_LEN = 40 };

static const struct scene {
    const char *file;
    int64_t sid, zxid, epoch;
    int64_t leader, new_epoch; /* what comes of it */
} scenes[] = {
    {"election-start", 1, 0, 0, 2, 1},
    {"election-start", 2, 0, 0, 2, 1},
    {"election-start", 3, 0, 0, 2, 1},
    {"election-restart-round", 1, 0x10000001f, 1, 3, 2},
    {"election-restart-round", 2, 0x100000022, 1, 3, 2},
    {"election-restart-round", 3, 0x10000001f, 1, 3, 2},
};

/* What our member has said. */
struct said {
    int64_t sid;
    size_t len;
    uint8_t frame[FRAME_MAX];
};

struct stage {
    const struct scene *scene;
    struct zab *zab;
    struct zab_output out;
    int64_t now_ms;
    size_t count;
    struct said said[SAID_MAX];
};

static void note_effects(struct stage *s)
{
    for (size_t i = 0; i < s->out.count; i++) {
        const struct zab_effect *effect = &s->out.effects[i];
        const struct bytes bytes = zab_effect_bytes(&s->out, effect);
        if (effect->kind != ZAB_NOTIFY)
            continue;
        assert_true(s->count < SAID_MAX && bytes.len <= FRAME_MAX);
        struct said *said = &s->said[s->count++];
        said->sid = effect->sid;
        said->len = bytes.len;
        memcpy(said->frame, bytes.data, bytes.len);
    }
    zab_output_reset(&s->out);
}

static void step(struct stage *s, struct zab_event event)
{
    event.now_ms = s->now_ms;
    assert_int_equal(zab_step(s->zab, &event, &s->out), ST_OK);
    note_effects(s);
    /* As the synchronization would, which nobody plays here. */
    if (zab_role(s->zab) != ZAB_LOOKING)
        s->zab->vote.peer_epoch = s->scene->new_epoch;
}

static void pass_time(struct stage *s, int64_t until_ms)
{
    while (s->out.wake_ms <= until_ms) {
        s->now_ms = s->out.wake_ms;
        step(s, (struct zab_event){.kind = ZAB_TICK});
    }
    s->now_ms = until_ms;
}

/* The member as the server that is to say `frame` first: with its configuration. */
static void begin(struct stage *s, struct bytes frame, int64_t now_ms)
{
    const struct zab_options options = {.sid = s->scene->sid,
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
                                        .committed_bytes_max = 1 << 20,
                                        .pending_bytes_max = 1 << 20,
                                        .zxid_counter_max = 0xfffffffe};
    struct notification n;
    struct members *members;
    struct members_error error;
    assert_int_equal(notification_decode(frame, &n), ST_OK);
    assert_int_equal(members_parse(n.config, 0, &members, &error), ST_OK);
    s->zab = zab_new(&options, members, NULL);
    assert_non_null(s->zab);
    s->now_ms = now_ms;
    step(s, (struct zab_event){.kind = ZAB_LOADED,
                               .zxid = s->scene->zxid,
                               .accepted_epoch = s->scene->epoch,
                               .current_epoch = s->scene->epoch});
}

/* A settled server has another configuration by then, which came with the synchronization. */
static bool has_said(const struct stage *s, int64_t sid, struct bytes frame)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct said *said = &s->said[i];
        const size_t len = frame.data[3] == SERVER_LOOKING ? frame.len : SETTLED_LEN;
        if (said->sid == sid && (said->len == frame.len || len == SETTLED_LEN) &&
            memcmp(said->frame, frame.data, len) == 0)
            return true;
    }
    return false;
}

/* -- the recording --------------------------------------------------------------------------------------------------
 */

struct message {
    int64_t from, to, at_ms;
    size_t len;
    uint8_t frame[FRAME_MAX];
};

static int64_t sid_of(const char *name)
{
    return strtoll(strchr(name, '.') + 1, NULL, 10);
}

static size_t unhex(const char *hex, uint8_t *out)
{
    size_t len = 0;
    for (; hex[0] != '\0' && len < FRAME_MAX; hex += 2) {
        const char digits[] = {hex[0], hex[1], '\0'};
        out[len++] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return len;
}

/* The next notification; false: the end. */
static bool read_message(FILE *file, struct message *m)
{
    static char line[16384];
    while (fgets(line, sizeof line, file) != NULL) {
        json_t *json = json_loads(line, 0, NULL);
        assert_non_null(json);
        const bool wanted = strcmp(json_string_value(json_object_get(json, "type")), "NOTIFICATION") == 0;
        uint8_t bytes[FRAME_MAX];
        m->from = sid_of(json_string_value(json_object_get(json, "from")));
        m->to = sid_of(json_string_value(json_object_get(json, "to")));
        m->at_ms = (int64_t)(json_number_value(json_object_get(json, "t")) * 1000);
        const size_t len = unhex(json_string_value(json_object_get(json, "hex")), bytes);
        json_decref(json);
        if (!wanted)
            continue;
        assert_true(len > HEAD_LEN);
        m->len = len - HEAD_LEN;
        memcpy(m->frame, bytes + HEAD_LEN, m->len);
        return true;
    }
    return false;
}

static FILE *open_recording(const char *name)
{
    const char *root = getenv("ZOOID_ROOT");
    char path[512];
    snprintf(path, sizeof path, "%s/tests/golden/vectors/quorum/%s.jsonl", root == NULL ? "." : root, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    return file;
}

/* A server begins when it is first heard of; what it says may have been recorded before what made it say so, on another
 * connection: all of it is looked for at the end. */
static void play(const struct scene *scene)
{
    static struct message messages[SAID_MAX];
    static struct stage s;
    size_t count = 0;
    s = (struct stage){.scene = scene};
    FILE *file = open_recording(scene->file);
    while (count < SAID_MAX && read_message(file, &messages[count]))
        count++;
    fclose(file);
    for (size_t i = 0; i < count; i++)
        if (messages[i].from == scene->sid && s.zab == NULL)
            begin(&s, bytes_make(messages[i].frame, messages[i].len), messages[0].at_ms);
    for (size_t i = 0; i < count; i++) {
        const struct message *m = &messages[i];
        if (m->to != scene->sid)
            continue;
        pass_time(&s, m->at_ms);
        step(&s, (struct zab_event){.kind = ZAB_NOTIFICATION, .sid = m->from, .bytes = bytes_make(m->frame, m->len)});
    }
    pass_time(&s, s.now_ms + 200);
    for (size_t i = 0; i < count; i++)
        if (messages[i].from == scene->sid &&
            !has_said(&s, messages[i].to, bytes_make(messages[i].frame, messages[i].len)))
            fail_msg("%s: server %d has not said message %zu", scene->file, (int)scene->sid, i);
    assert_int_equal(zab_leader(s.zab), scene->leader);
    assert_int_equal(zab_role(s.zab), scene->leader == scene->sid ? ZAB_LEADING : ZAB_FOLLOWING);
    zab_free(s.zab);
    zab_output_free(&s.out);
}

static void recorded_servers_can_be_replaced(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(scenes); i++)
        play(&scenes[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(recorded_servers_can_be_replaced)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
