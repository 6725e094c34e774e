/* join_client_test.c - servers that answer, answer wrongly, or not at all, asked one after another. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "agent/join/join_client.h"
#include "agent/net/stream.h"
#include "core/base/check.h"
#include "core/jute/records.h"
#include "tests/support/failing_memory.h"
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#define TEXT "server.1=127.0.0.1:1:2:participant\nserver.2=127.0.0.1:3:4:participant\nversion=100000000"

enum { TIMEOUT_MS = 400, STOP_POLL_MS = 10 };

enum behaviour { ANSWERS, ANSWERS_NO_WORD, SAYS_NOTHING, HANGS_UP, TALKS_NONSENSE, RUNS_ALONE };

/* One server: a thread that takes one connection after another. */
struct fake {
    enum behaviour behaviour;
    int fd;
    uint16_t port;
    pthread_t thread;
    atomic_bool stopping;
    struct buffer session, config, end; /* what it says */
    int sessions, closed, words;        /* what it was asked for; to be read when it has stopped */
};

/* Made before any allocation is made to fail. */
static void make_frames(struct fake *f)
{
    const struct connect_response response = {
        .timeout_ms = 10000, .session_id = 7, .password = BYTES("0123456789abcdef")};
    struct writer session = writer_to(&f->session), config = writer_to(&f->config), end = writer_to(&f->end);
    write_i32(&session, 0);
    connect_response_write(&session, &response);
    write_boolean(&session, false);
    write_i32(&config, 0);
    reply_header_write(&config, &(struct reply_header){.xid = 1});
    write_blob(&config, f->behaviour == RUNS_ALONE ? BYTES("") : BYTES(TEXT));
    write_i32(&end, 0);
    reply_header_write(&end, &(struct reply_header){.xid = 2});
    be32_put(f->session.data, (uint32_t)f->session.len - 4);
    be32_put(f->config.data, (uint32_t)f->config.len - 4);
    be32_put(f->end.data, (uint32_t)f->end.len - 4);
}

static void put(int fd, const struct buffer *frame)
{
    (void)!write(fd, frame->data, frame->len);
}

static bool read_all(const struct fake *f, int fd, void *data, size_t len)
{
    size_t got = 0;
    while (got < len && !f->stopping) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (poll(&ready, 1, STOP_POLL_MS) == 0)
            continue;
        ssize_t n = read(fd, (uint8_t *)data + got, len - got);
        if (n <= 0)
            return false;
        got += (size_t)n;
    }
    return got == len;
}

static void serve_requests(struct fake *f, int fd, uint32_t first)
{
    uint8_t body[512];
    uint32_t length = first;
    do {
        if (length > sizeof body || !read_all(f, fd, body, length))
            return;
        if (f->sessions == f->closed) {
            f->sessions++;
            put(fd, &f->session);
        } else if ((int32_t)be32_get(body + 4) == 4) {
            put(fd, &f->config);
        } else {
            f->closed++;
            put(fd, &f->end);
            return;
        }
        uint8_t next[4];
        if (!read_all(f, fd, next, sizeof next))
            return;
        length = be32_get(next);
    } while (true);
}

static void serve(struct fake *f, int fd)
{
    static const char word[] = "clientPort=1\ntickTime=300\ninitLimit=7\nsyncLimit=3\n";
    uint8_t head[4];
    if (f->behaviour == HANGS_UP || !read_all(f, fd, head, sizeof head))
        return;
    bool is_word = memcmp(head, "conf", 4) == 0;
    f->words += is_word;
    if (f->behaviour == SAYS_NOTHING || (is_word && f->behaviour == ANSWERS_NO_WORD))
        while (read_all(f, fd, head, 1)) /* until it is left */
            ;
    else if (f->behaviour == TALKS_NONSENSE)
        (void)!write(fd, "HTTP/1.1 400 Bad Request\r\n", 26);
    else if (is_word)
        (void)!write(fd, word, sizeof word - 1);
    else
        serve_requests(f, fd, be32_get(head));
}

static void *run(void *context)
{
    struct fake *f = context;
    while (!f->stopping) {
        struct pollfd ready = {.fd = f->fd, .events = POLLIN};
        int fd = poll(&ready, 1, STOP_POLL_MS) > 0 ? accept(f->fd, NULL, NULL) : -1;
        if (fd < 0)
            continue;
        serve(f, fd);
        close(fd);
    }
    return NULL;
}

static void fake_start(struct fake *f, enum behaviour behaviour)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;
    *f = (struct fake){.behaviour = behaviour, .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_int_equal(bind(f->fd, (struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(listen(f->fd, 8), 0);
    assert_int_equal(getsockname(f->fd, (struct sockaddr *)&in, &len), 0);
    f->port = ntohs(in.sin_port);
    make_frames(f);
    assert_int_equal(pthread_create(&f->thread, NULL, run, f), 0);
}

static void fake_stop(struct fake *f)
{
    f->stopping = true;
    assert_int_equal(pthread_join(f->thread, NULL), 0);
    close(f->fd);
    buffer_free(&f->session);
    buffer_free(&f->config);
    buffer_free(&f->end);
}

/* -- asking -------------------------------------------------------------------------------------------------------- */

struct outcome {
    bool done, known;
    size_t members;
    int32_t tick_ms, init_limit, sync_limit;
    char here[64], seed[64], why[1024];
};

static void on_done(void *context, const struct join_answer *answer, const char *why)
{
    struct outcome *o = context;
    assert_false(o->done);
    o->done = true;
    o->known = answer != NULL;
    snprintf(o->why, sizeof o->why, "%s", answer != NULL ? "" : why);
    if (answer == NULL)
        return;
    assert_true(bytes_equal(answer->text, BYTES(TEXT)));
    o->members = answer->members->count;
    o->tick_ms = answer->tick_ms;
    o->init_limit = answer->init_limit;
    o->sync_limit = answer->sync_limit;
    snprintf(o->here, sizeof o->here, "%s", answer->here);
    snprintf(o->seed, sizeof o->seed, "%s", answer->seed);
}

/* ST_NO_MEMORY: it did not begin. */
static enum status try_ask(const struct fake *fakes, size_t count, struct outcome *o)
{
    struct join_seed seeds[8];
    struct join_client *client;
    uv_loop_t loop;
    struct streams streams;
    *o = (struct outcome){0};
    for (size_t i = 0; i < count; i++)
        seeds[i] = (struct join_seed){BYTES("localhost"), fakes[i].port, false};
    assert_int_equal(uv_loop_init(&loop), 0);
    streams_init(&streams, &loop);
    enum status st = join_client_start(&client, &streams, NULL, seeds, count, TIMEOUT_MS, on_done, o);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    streams_close(&streams, NULL, NULL);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
    return st;
}

static struct outcome ask(const struct fake *fakes, size_t count)
{
    struct outcome o;
    assert_int_equal(try_ask(fakes, count, &o), ST_OK);
    assert_true(o.done);
    return o;
}

static void a_member_is_asked_and_left_in_order(void **state)
{
    struct fake f;
    (void)state;
    fake_start(&f, ANSWERS);
    struct outcome o = ask(&f, 1);
    fake_stop(&f);
    assert_true(o.known);
    assert_int_equal(o.members, 2);
    assert_int_equal(o.tick_ms, 300);
    assert_int_equal(o.init_limit, 7);
    assert_int_equal(o.sync_limit, 3);
    assert_string_equal(o.here, "127.0.0.1");
    assert_int_equal(f.sessions, 1);
    assert_int_equal(f.closed, 1);
    assert_int_equal(f.words, 1);
}

static void without_the_word_the_rest_is_enough(void **state)
{
    struct fake f;
    (void)state;
    fake_start(&f, ANSWERS_NO_WORD);
    struct outcome o = ask(&f, 1);
    fake_stop(&f);
    assert_true(o.known);
    assert_int_equal(o.tick_ms, 0);
}

static void each_is_asked_until_one_has_an_answer(void **state)
{
    static const enum behaviour all[] = {SAYS_NOTHING, HANGS_UP, TALKS_NONSENSE, RUNS_ALONE, ANSWERS, ANSWERS};
    struct fake fakes[ARRAY_LEN(all)];
    char expected[64];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        fake_start(&fakes[i], all[i]);
    struct outcome o = ask(fakes, ARRAY_LEN(all));
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        fake_stop(&fakes[i]);
    snprintf(expected, sizeof expected, "localhost:%u", (unsigned)fakes[4].port);
    assert_true(o.known);
    assert_string_equal(o.seed, expected);
    assert_int_equal(fakes[5].sessions, 0);
}

static void when_nobody_has_an_answer_each_ones_reason_is_told(void **state)
{
    static const enum behaviour all[] = {SAYS_NOTHING, HANGS_UP, TALKS_NONSENSE, RUNS_ALONE};
    struct fake fakes[ARRAY_LEN(all) + 1];
    char expected[1024];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        fake_start(&fakes[i], all[i]);
    fake_start(&fakes[4], ANSWERS);
    fake_stop(&fakes[4]); /* nobody listens there */
    struct outcome o = ask(fakes, ARRAY_LEN(fakes));
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        fake_stop(&fakes[i]);
    assert_false(o.known);
    snprintf(expected, sizeof expected,
             "localhost:%u: it did not answer in time\n"
             "localhost:%u: it closed the connection: it has no leader now, or takes clients with TLS alone\n"
             "localhost:%u: its answer is not that of a ZooKeeper server\n"
             "localhost:%u: it runs alone: there is no ensemble to join\n"
             "localhost:%u: ",
             (unsigned)fakes[0].port, (unsigned)fakes[1].port, (unsigned)fakes[2].port, (unsigned)fakes[3].port,
             (unsigned)fakes[4].port);
    snprintf(expected + strlen(expected), 32, "connection refused");
    assert_string_equal(o.why, expected);
}

/* Each ends, with or without an answer. */
static void memory_may_run_out_anywhere(void **state)
{
    (void)state;
    for (int n = 0;; n++) {
        struct fake f;
        struct outcome o;
        fake_start(&f, ANSWERS);
        memory_fail_after(n);
        enum status st = try_ask(&f, 1, &o);
        bool failed = memory_has_failed();
        memory_fail_after(-1);
        fake_stop(&f);
        assert_true(o.done == (st == ST_OK));
        if (!failed) {
            assert_true(o.known);
            return;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_is_asked_and_left_in_order),
        cmocka_unit_test(without_the_word_the_rest_is_enough),
        cmocka_unit_test(each_is_asked_until_one_has_an_answer),
        cmocka_unit_test(when_nobody_has_an_answer_each_ones_reason_is_told),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
