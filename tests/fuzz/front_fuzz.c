/* front_fuzz.c - any bytes, in any pieces, to the door: the frames that arrive behind it are those that an obvious
 * reading of the whole stream finds, and the connection ends when that says so. The replica is a list of what came. */
#include "agent/disk/persistence.h"
#include "agent/front/front_zookeeper.h"
#include "agent/net/stream.h"
#include "core/base/check.h"
#include "core/base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FRAME_MAX = 300, PIECES_MAX = 64, TURNS_MAX = 100000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct {
    uv_loop_t loop;
    struct streams streams;
    struct pump *pump;
    struct front *front;
    struct metrics *metrics;
    char path[108];
    struct buffer frames; /* of this input, each with its length before it */
    uint32_t connected, disconnected, answers;
} world;

/* -- behind the door ----------------------------------------------------------------------------------------------- */

enum status replica_step(struct replica *r, const struct replica_event *event, struct outbox *out)
{
    uint8_t len[4];
    (void)r;
    world.connected += event->kind == REPLICA_CONNECTED;
    world.disconnected += event->kind == REPLICA_DISCONNECTED;
    out->wake_us = INT64_MAX;
    if (event->kind != REPLICA_FRAME)
        return ST_OK;
    be32_put(len, (uint32_t)event->frame.len);
    CHECK(buffer_append(&world.frames, len, sizeof len) == ST_OK);
    CHECK(buffer_append(&world.frames, event->frame.data, event->frame.len) == ST_OK);
    return ST_OK;
}

struct tree *replica_tree(struct replica *r)
{
    (void)r;
    return NULL;
}

const struct sessions *replica_sessions(const struct replica *r)
{
    (void)r;
    return NULL;
}

int64_t replica_last_zxid(const struct replica *r)
{
    (void)r;
    return 0;
}

enum status persistence_append(struct persistence *p, struct buffer *records, int64_t first_zxid, int64_t last_zxid,
                               uint32_t count)
{
    (void)p;
    (void)records;
    (void)first_zxid;
    (void)last_zxid;
    CHECK(count == 0);
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

static int find_word(void *context, const char word[4])
{
    (void)context;
    if (memcmp(word, "ruok", 4) == 0)
        return 0;
    return memcmp(word, "stmk", 4) == 0 ? 8 : -1;
}

static enum status answer_word(void *context, const char word[4], struct bytes argument, bool of_host,
                               struct buffer *text)
{
    (void)context;
    (void)word;
    (void)of_host;
    world.answers++;
    return buffer_append(text, argument.data, argument.len);
}

static void on_failed(void *context, enum status status)
{
    (void)context;
    (void)status;
    abort();
}

/* -- the obvious reading ------------------------------------------------------------------------------------------- */

struct reading {
    struct buffer frames;
    uint32_t answers;
    bool ends;
};

static struct reading read_all(struct bytes in)
{
    struct reading r = {{0}, 0, false};
    int follows = in.len >= 4 ? find_word(NULL, (const char *)in.data) : -1;
    if (follows >= 0) {
        r.answers = in.len >= 4 + (size_t)follows;
        r.ends = r.answers > 0;
        return r;
    }
    while (in.len >= 4) {
        uint32_t len = be32_get(in.data);
        r.ends = len > FRAME_MAX;
        if (r.ends || in.len - 4 < len)
            return r;
        CHECK(buffer_append(&r.frames, in.data, 4 + (size_t)len) == ST_OK);
        in = bytes_from(in, 4 + (size_t)len);
    }
    return r;
}

/* -- in front of it ------------------------------------------------------------------------------------------------ */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const struct front_words words = {NULL, find_word, answer_word};
    (void)argc;
    (void)argv;
    CHECK(uv_loop_init(&world.loop) == 0);
    streams_init(&world.streams, &world.loop);
    world.metrics = metrics_new(KEYED_MAX);
    CHECK(world.metrics != NULL);
    const struct pump_parts parts = {&world.loop, (struct replica *)(void *)&world, NULL, NULL, NULL, on_failed, NULL,
                                     NULL};
    CHECK(pump_new(&world.pump, &parts) == ST_OK);
    const struct front_parts front = {&world.loop, &world.streams, world.pump, world.metrics,
                                      NULL,        &words,         {1, 2},     NULL};
    const struct front_limits limits = {.frame_bytes_max = FRAME_MAX,
                                        .frame_setting = "jute.maxbuffer",
                                        .unsent_pause = 65536,
                                        .unsent_max = 65536,
                                        .sessionless_timeout_ms = 1000000};
    CHECK(front_new(&world.front, &front, &limits) == ST_OK);
    const char *directory = getenv("TMPDIR");
    snprintf(world.path, sizeof world.path, "%s/front-%d", directory == NULL ? "/tmp" : directory, (int)getpid());
    struct buffer message = {0};
    const struct listener_unix local = {.path = world.path, .mode = 0600, .backlog = 16};
    CHECK(front_listen_unix(world.front, &local, &message) == ST_OK);
    pump_start(world.pump);
    return 0;
}

static void turn(void)
{
    uv_run(&world.loop, UV_RUN_NOWAIT);
}

static int connect_client(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    memcpy(address.sun_path, world.path, sizeof address.sun_path);
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    return fd;
}

/* The first byte says how large the pieces are: up to 64 of them, the rest in one. */
static void send_in_pieces(int fd, const uint8_t *data, size_t size, uint8_t step)
{
    for (int i = 0; size > 0; i++) {
        size_t piece = i < PIECES_MAX && step > 0 && step < size ? step : size;
        ssize_t n = send(fd, data, piece, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            return; /* it has closed already */
        if (n > 0) {
            data += n;
            size -= (size_t)n;
        }
        turn();
    }
}

static bool has_ended(int fd)
{
    char some[64];
    ssize_t n;
    while ((n = recv(fd, some, sizeof some, 0)) > 0)
        continue;
    return n == 0 || errno != EAGAIN;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct reading wanted = read_all(bytes_make(data + 1, size - 1));
    world.frames.len = 0;
    world.connected = world.disconnected = world.answers = 0;
    int fd = connect_client();
    send_in_pieces(fd, data + 1, size - 1, data[0]);
    int turns = 0;
    for (; turns < TURNS_MAX && (world.frames.len < wanted.frames.len || world.answers < wanted.answers); turns++)
        turn();
    for (; wanted.ends && turns < TURNS_MAX && !has_ended(fd); turns++)
        turn();
    CHECK(turns < TURNS_MAX);
    CHECK(world.answers == wanted.answers);
    CHECK(world.frames.len == wanted.frames.len &&
          (wanted.frames.len == 0 || memcmp(world.frames.data, wanted.frames.data, wanted.frames.len) == 0));
    close(fd);
    struct front_status status = {.connections = 1};
    for (turns = 0; turns < TURNS_MAX && status.connections > 0; turns++) {
        turn();
        front_status(world.front, &status);
    }
    CHECK(status.connections == 0 && world.connected == world.disconnected);
    CHECK(world.connected == (wanted.frames.len > 0));
    buffer_free(&wanted.frames);
    return 0;
}
