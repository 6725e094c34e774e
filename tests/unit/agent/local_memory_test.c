/* local_memory_test.c - a client goes through every request of the local door while the first, second, third ...
 * allocation fails: it may be sent away, or the pump may give up where the replica cannot go on, but nobody else is,
 * and nothing is left behind. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "agent/disk/persistence.h"
#include "agent/local/local.h"
#include "agent/log_output.h"
#include "agent/net/stream.h"
#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/replica/status_report.h"
#include "tests/support/failing_memory.h"
#include "tests/support/net.h"
#include "tests/support/test.h"
#include "tests/support/tmp.h"

#include <stdlib.h>

enum { ALLOCATIONS_MAX = 20000, TURNS = 200, STREAM_MAX = 64 * 1024 };

static struct {
    uv_loop_t loop;
    struct streams streams;
    struct pump *pump;
    struct replica *replica;
    struct local *local;
    struct settings *settings;
    struct metrics *metrics;
    struct log_output *log;
    int64_t logged_zxid, told_zxid;
    bool gave_up, closed;
} world;

/* -- the disk: everything is durable at once ----------------------------------------------------------------------- */

enum status persistence_append(struct persistence *p, struct buffer *records, int64_t first_zxid, int64_t last_zxid,
                               uint32_t count)
{
    (void)p, (void)first_zxid, (void)count;
    records->len = 0;
    world.logged_zxid = last_zxid;
    return ST_OK;
}

bool persistence_errand_is_due(const struct persistence *p)
{
    (void)p;
    return false;
}

bool persistence_turn(struct persistence *p, struct tree *tree, const struct sessions *sessions, int64_t last_zxid)
{
    (void)p, (void)tree, (void)sessions, (void)last_zxid;
    return false;
}

static void turn(void)
{
    uv_run(&world.loop, UV_RUN_NOWAIT);
    if (world.told_zxid < world.logged_zxid) {
        world.told_zxid = world.logged_zxid;
        (void)pump_feed_plain(world.pump, REPLICA_LOGGED, world.logged_zxid);
        uv_run(&world.loop, UV_RUN_NOWAIT);
    }
}

/* -- the world ------------------------------------------------------------------------------------------------------
 */

static void on_failed(void *context, enum status status)
{
    (void)context;
    assert_int_equal(status, ST_NO_MEMORY);
    world.gave_up = true;
}

static void begin(const char *path)
{
    const struct tree_options tree_options = {.hash_key = {1, 2}};
    const struct replica_options options = {.hash_key = {1, 2},
                                            .tick_ms = 2000,
                                            .session_timeout_ms_min = 1000,
                                            .session_timeout_ms_max = 40000,
                                            .answer_bytes_max = 1 << 20,
                                            .extended_types = true,
                                            .digest_enabled = true,
                                            .digest_algorithm = "SHA1",
                                            .container_check_ms = 60000};
    memset(&world, 0, sizeof world);
    struct buffer message = {0};
    assert_int_equal(uv_loop_init(&world.loop), 0);
    streams_init(&world.streams, &world.loop);
    world.metrics = metrics_new(KEYED_MAX);
    assert_int_equal(log_output_open(&world.log, "/dev/null", LOG_FORMAT_TEXT, LOG_LEVEL_ERROR), ST_OK);
    assert_int_equal(settings_default(&world.settings), ST_OK);
    world.replica = replica_new(&options, tree_new(&tree_options), sessions_new(2000), 0, world.metrics, NULL);
    struct changes *changes = changes_new(&tree_options.hash_key, 64 * 1024);
    assert_non_null(changes);
    changes_begin(changes, 0);
    replica_remember(world.replica, changes);
    const struct pump_parts parts = {&world.loop, world.replica, NULL, NULL, NULL, on_failed, NULL, NULL};
    assert_int_equal(pump_new(&world.pump, &parts), ST_OK);
    const struct local_parts local = {
        {&world.loop, &world.streams, world.pump, world.metrics, NULL, NULL, {1, 2}, NULL},
        world.replica,
        NULL,
        log_output_tap(world.log)};
    assert_int_equal(local_new(&world.local, &local, world.settings), ST_OK);
    world.settings->local_grace_ms = 1; /* so that nothing is left behind soon */
    mem_free(world.settings->local_socket);
    world.settings->local_socket = mem_strdup(path);
    assert_int_equal(local_open(world.local, &message), ST_OK);
    pump_start(world.pump);
}

static void on_local_closed(void *context)
{
    (void)context;
    world.closed = true;
}

static bool is_closed(void *context)
{
    (void)context;
    return world.closed;
}

static void end(void)
{
    if (world.gave_up)
        pump_close(world.pump);
    local_close(world.local, on_local_closed, NULL);
    assert_true(net_run_until(&world.loop, is_closed, NULL));
    if (!world.gave_up)
        pump_close(world.pump);
    replica_free(world.replica);
    streams_close(&world.streams, NULL, NULL);
    assert_true(net_finish(&world.loop));
    settings_free(world.settings);
    metrics_free(world.metrics);
    log_output_close(world.log);
}

/* -- the conversation -----------------------------------------------------------------------------------------------
 */

/* Every request once: what the fuzzer starts from, with two bytes of length before each frame. */
static size_t read_stream(uint8_t *stream)
{
    static const uint8_t hello[] = {0, 0, 0, 2, 0x1a, 0};
    uint8_t frames[STREAM_MAX];
    const char *root = getenv("ZOOID_ROOT");
    char path[512];
    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/local/all", root == NULL ? "." : root);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(frames, 1, sizeof frames, file), len = sizeof hello;
    (void)fclose(file);
    memcpy(stream, hello, sizeof hello);
    for (size_t at = 1; at + 2 <= size;) {
        size_t frame = (size_t)frames[at] << 8 | frames[at + 1];
        assert_true(at + 2 + frame <= size && len + 4 + frame <= STREAM_MAX);
        be32_put(stream + len, (uint32_t)frame);
        memcpy(stream + len + 4, frames + at + 2, frame);
        len += 4 + frame;
        at += 2 + frame;
    }
    return len;
}

/* Whether an allocation has failed. */
static bool talk(const char *path, const uint8_t *stream, size_t len, int fail_after)
{
    struct net_client c;
    net_connect_unix(&c, &world.loop, path);
    assert_int_equal(buffer_reserve(&c.received, STREAM_MAX), ST_OK); /* the test itself allocates nothing more */
    turn();
    memory_fail_once_after(fail_after);
    net_send(&c, stream, len);
    for (int i = 0; i < TURNS && !c.ended && !world.gave_up; i++) {
        turn();
        LOG_DEBUG(log_output_sink(world.log), "test", "for those who follow the log");
        net_receive(&c);
    }
    bool has_failed = memory_has_failed();
    memory_fail_once_after(-1);
    assert_true(c.received.len > 0 || has_failed);
    net_close(&c);
    return has_failed;
}

static bool is_empty(void *context)
{
    (void)context;
    struct front_status front;
    struct replica_status replica;
    turn();
    front_status(local_front(world.local), &front);
    replica_status(world.replica, &replica);
    return front.connections == 0 && replica.client_count == 0 && replica.outstanding == 0;
}

static void every_allocation_fails_once(void **state)
{
    (void)state;
    char *directory = tmp_make(), *path = tmp_join(directory, "local.sock");
    static uint8_t stream[STREAM_MAX];
    size_t len = read_stream(stream);
    bool failed = true;
    int count = 0;
    for (; failed && count < ALLOCATIONS_MAX; count++) {
        begin(path);
        failed = talk(path, stream, len, count);
        if (!world.gave_up) {
            assert_true(net_run_until(&world.loop, is_empty, NULL));
            (void)talk(path, stream, len, -1); /* somebody else is served as if nothing had happened */
            assert_true(net_run_until(&world.loop, is_empty, NULL));
        }
        end();
    }
    assert_true(count > 100 && count < ALLOCATIONS_MAX);
    free(path);
    tmp_remove(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_fails_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
