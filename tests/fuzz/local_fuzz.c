/* local_fuzz.c - any bytes, in any pieces, to the local door, with a real replica behind it: whatever comes, the door
 * goes on serving, and a connection that has ended leaves nothing behind. The first byte says how large the pieces are;
 * what follows is cut into frames by bytes of its own, so that most of them are whole. */
#include "agent/disk/persistence.h"
#include "agent/local/local.h"
#include "agent/log_output.h"
#include "agent/net/stream.h"
#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/replica/status_report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { TURNS_MAX = 100000, TURNS_AFTER = 8, FRAMES_MAX = 200 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct {
    uv_loop_t loop;
    struct streams streams;
    struct pump *pump;
    struct replica *replica;
    struct local *local;
    struct settings *settings;
    struct metrics *metrics;
    struct log_output *log;
    char path[108];
    int64_t logged_zxid, told_zxid;
} world;

/* -- the disk: everything is durable at once ------------------------------------------------------------------------
 */

enum status persistence_append(struct persistence *p, struct buffer *records, int64_t first_zxid, int64_t last_zxid,
                               uint32_t count)
{
    (void)p;
    (void)first_zxid;
    (void)count;
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
    (void)p;
    (void)tree;
    (void)sessions;
    (void)last_zxid;
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

/* -- behind the door ----------------------------------------------------------------------------------------------- */

static void on_failed(void *context, enum status status)
{
    (void)context;
    (void)status;
    abort();
}

static void make_replica(void)
{
    const struct tree_options tree_options = {.hash_key = {1, 2}};
    const struct replica_options options = {.hash_key = {1, 2},
                                            .tick_ms = 2000,
                                            .session_timeout_ms_min = 1000,
                                            .session_timeout_ms_max = 40000,
                                            .watches_per_client_max = 100,
                                            .outstanding_per_client_max = 100,
                                            .txn_bytes_max = 1 << 20,
                                            .answer_bytes_max = 1 << 20,
                                            .digest_enabled = true,
                                            .digest_algorithm = "SHA1",
                                            .container_check_ms = 60000};
    struct tree *tree = tree_new(&tree_options);
    struct sessions *sessions = sessions_new(2000);
    CHECK(tree != NULL && sessions != NULL);
    world.replica = replica_new(&options, tree, sessions, 0, world.metrics, NULL);
    struct changes *changes = changes_new(&tree_options.hash_key, 64 * 1024);
    CHECK(world.replica != NULL && changes != NULL);
    changes_begin(changes, 0);
    replica_remember(world.replica, changes);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    const char *directory = getenv("TMPDIR");
    struct buffer message = {0};
    CHECK(uv_loop_init(&world.loop) == 0);
    streams_init(&world.streams, &world.loop);
    world.metrics = metrics_new(KEYED_MAX);
    CHECK(log_output_open(&world.log, "/dev/null", LOG_FORMAT_TEXT, LOG_LEVEL_ERROR) == ST_OK);
    CHECK(world.metrics != NULL && settings_default(&world.settings) == ST_OK);
    world.settings->local_linger_max_ms = world.settings->local_grace_ms = 1; /* sessions that linger end soon */
    make_replica();
    const struct pump_parts parts = {&world.loop, world.replica, NULL, NULL, NULL, on_failed, NULL, NULL};
    CHECK(pump_new(&world.pump, &parts) == ST_OK);
    const struct local_parts local = {
        {&world.loop, &world.streams, world.pump, world.metrics, NULL, NULL, {1, 2}, NULL},
        world.replica,
        NULL,
        log_output_tap(world.log)};
    CHECK(local_new(&world.local, &local, world.settings) == ST_OK);
    snprintf(world.path, sizeof world.path, "%s/local-%d", directory == NULL ? "/tmp" : directory, (int)getpid());
    mem_free(world.settings->local_socket);
    world.settings->local_socket = mem_strdup(world.path);
    CHECK(world.settings->local_socket != NULL && local_open(world.local, &message) == ST_OK);
    pump_start(world.pump);
    return 0;
}

/* -- in front of it ------------------------------------------------------------------------------------------------ */

static int connect_client(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    memcpy(address.sun_path, world.path, sizeof address.sun_path);
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    return fd;
}

static void send_all(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            return; /* it has closed already */
        if (n > 0) {
            data += n;
            size -= (size_t)n;
        }
        turn();
    }
}

static void send_frame(int fd, const uint8_t *data, size_t len)
{
    uint8_t head[4];
    be32_put(head, (uint32_t)len);
    send_all(fd, head, sizeof head);
    send_all(fd, data, len);
}

/* Two bytes of length before each frame; what is left over is sent as it is. */
static void send_frames(int fd, const uint8_t *data, size_t size)
{
    static const uint8_t hello[] = {0x1a, 0}; /* a hello that says nothing */
    send_frame(fd, hello, sizeof hello);
    for (int i = 0; size >= 2 && i < FRAMES_MAX; i++) {
        size_t len = (size_t)data[0] << 8 | data[1];
        data += 2;
        size -= 2;
        if (len > size)
            break;
        send_frame(fd, data, len);
        data += len;
        size -= len;
    }
    send_all(fd, data, size);
}

static void read_some(int fd)
{
    char some[4096];
    while (recv(fd, some, sizeof some, 0) > 0)
        continue;
}

/* A client with good manners is answered, whatever the others do. */
static void expect_served(void)
{
    static const uint8_t hello_and_get[] = {0, 0, 0, 2, 0x1a, 0, 0, 0, 0, 8, 0x08, 1, 0xa2, 0x01, 3, 0x0a, 1, '/'};
    uint8_t answer[2048];
    size_t got = 0;
    int fd = connect_client();
    send_all(fd, hello_and_get, sizeof hello_and_get);
    for (int turns = 0; turns < TURNS_MAX; turns++) {
        ssize_t n = recv(fd, answer + got, sizeof answer - got, 0);
        got += n > 0 ? (size_t)n : 0;
        bool has_welcome = got >= 4 && got >= 4 + (size_t)be32_get(answer) + 4;
        if (has_welcome && got >= 8 + (size_t)be32_get(answer) + be32_get(answer + 4 + be32_get(answer))) {
            close(fd);
            return;
        }
        turn();
    }
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = connect_client();
    if (size > 0 && data[0] % 4 == 0)
        send_all(fd, data + 1, size - 1);
    else if (size > 0)
        send_frames(fd, data + 1, size - 1);
    for (int i = 0; i < TURNS_AFTER; i++) {
        turn();
        LOG_DEBUG(log_output_sink(world.log), "fuzz", "for those who follow the log");
        read_some(fd);
    }
    expect_served();
    close(fd);
    struct front_status status = {.connections = 1};
    struct replica_status replica = {0};
    for (int turns = 0; turns < TURNS_MAX && status.connections + replica.client_count > 0; turns++) {
        turn();
        front_status(local_front(world.local), &status);
        replica_status(world.replica, &replica);
    }
    CHECK(status.connections == 0 && replica.client_count == 0 && replica.outstanding == 0);
    CHECK(watches_count(replica_watches(world.replica)).total == 0);
    return 0;
}
