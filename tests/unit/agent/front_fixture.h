/* front_fixture.h - a front on a port of its own, with a fake replica behind it and a few words. */
#pragma once

#include "agent/front/front_zookeeper.h"
#include "agent/net/stream.h"
#include "tests/support/net.h"
#include "tests/support/tmp.h"
#include "tests/unit/agent/fake_replica.h"

#include <stdlib.h>

struct fixture {
    uv_loop_t loop;
    struct streams streams;
    struct pump *pump;
    struct metrics *metrics;
    struct front *front;
    struct front_limits limits;
    int32_t port;
    bool closed;
    uint32_t answers, answers_of_host;
    uint32_t log_lines;
    struct log_sink log;
};

/* "ruok", "stmk" with eight bytes behind it, and "fail", which has no answer. */
static inline int word_find(void *context, const char word[4])
{
    (void)context;
    if (memcmp(word, "ruok", 4) == 0 || memcmp(word, "fail", 4) == 0)
        return 0;
    return memcmp(word, "stmk", 4) == 0 ? 8 : -1;
}

static inline enum status word_answer(void *context, const char word[4], struct bytes argument, bool of_host,
                                      struct buffer *text)
{
    struct fixture *f = context;
    f->answers++;
    f->answers_of_host += of_host;
    if (memcmp(word, "fail", 4) == 0)
        return ST_NO_MEMORY;
    if (memcmp(word, "ruok", 4) == 0)
        return buffer_append(text, "imok", 4);
    return buffer_append(text, argument.data, argument.len);
}

static inline void count_line(void *context, enum log_level level, const char *area, const char *text)
{
    struct fixture *f = context;
    (void)level;
    (void)area;
    (void)text;
    f->log_lines++;
}

static inline void never_fails(void *context, enum status status)
{
    (void)context;
    fail_msg("the pump failed: %s", status_text(status));
}

static struct front_words fixture_words;

/* Not listening yet. */
static inline struct fixture *fixture_bare(void)
{
    struct fixture *f = calloc(1, sizeof *f);
    fake_reset();
    assert_non_null(f);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    streams_init(&f->streams, &f->loop);
    f->metrics = metrics_new(KEYED_MAX);
    assert_non_null(f->metrics);
    f->log = (struct log_sink){LOG_LEVEL_INFO, count_line, f};
    const struct pump_parts parts = {&f->loop, fake_replica(), NULL, NULL, &f->log, never_fails, f, NULL};
    assert_int_equal(pump_new(&f->pump, &parts), ST_OK);
    fixture_words = (struct front_words){f, word_find, word_answer};
    f->limits = (struct front_limits){.frame_bytes_max = 1048575,
                                      .frame_setting = "jute.maxbuffer",
                                      .unsent_pause = 65536,
                                      .unsent_max = 1 << 20,
                                      .sessionless_timeout_ms = 10000};
    const struct front_parts front_parts = {
        f->pump ? &f->loop : NULL, &f->streams, f->pump, f->metrics, &f->log, &fixture_words, {1, 2}, NULL};
    assert_int_equal(front_new(&f->front, &front_parts, &f->limits), ST_OK);
    pump_start(f->pump);
    return f;
}

static inline void fixture_listen(struct fixture *f, const char *address, enum front_security security,
                                  const struct tls *tls)
{
    struct buffer message = {0};
    const struct listener_tcp tcp = {.address = address, .backlog = 1024};
    enum status st = front_listen_tcp(f->front, &tcp, security, tls, &f->port, &message);
    if (st != ST_OK)
        fail_msg("%.*s", BYTES_PRINT(message));
    assert_true(f->port > 0);
}

static inline struct fixture *fixture_new(void)
{
    struct fixture *f = fixture_bare();
    fixture_listen(f, "127.0.0.1", FRONT_PLAIN, NULL);
    return f;
}

static inline void on_front_closed(void *context)
{
    struct fixture *f = context;
    f->closed = true;
}

static inline bool is_closed(void *context)
{
    const struct fixture *f = context;
    return f->closed;
}

static inline void fixture_free(struct fixture *f)
{
    front_close(f->front, on_front_closed, f);
    assert_true(net_run_until(&f->loop, is_closed, f));
    assert_int_equal(fake.connected, fake.disconnected);
    pump_close(f->pump);
    streams_close(&f->streams, NULL, NULL);
    assert_true(net_finish(&f->loop));
    metrics_free(f->metrics);
    free(f);
    fake_reset();
}

/* Waits for the front's counts to be as wanted. */
struct front_wanted {
    struct fixture *fixture;
    uint32_t connections;
};

static inline bool front_has_connections(void *context)
{
    const struct front_wanted *wanted = context;
    struct front_status status;
    front_status(wanted->fixture->front, &status);
    return status.connections == wanted->connections;
}

static inline void wait_connections(struct fixture *f, uint32_t connections)
{
    struct front_wanted wanted = {f, connections};
    assert_true(net_run_until(&f->loop, front_has_connections, &wanted));
}
