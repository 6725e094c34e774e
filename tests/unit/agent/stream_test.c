/* stream_test.c - a stream over a socket pair: what the kernel does not take is kept in order, and each end is seen
 * once. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "agent/net/stream.h"

#include "core/base/check.h"
#include "core/base/mem.h"
#include "tests/support/failing_memory.h"
#include "tests/support/net.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

struct owner {
    uv_loop_t loop;
    struct streams streams;
    struct stream stream;
    struct net_client peer;
    uint32_t ready, closed, gone;
    struct buffer got;
    bool ended, reads;
};

static void on_ready(struct stream *s)
{
    struct owner *o = CONTAINER_OF(s, struct owner, stream);
    uint8_t some[1000];
    size_t n = 0;
    enum stream_result result = STREAM_OK;
    o->ready++;
    while (o->reads && (result = stream_read(s, some, sizeof some, &n)) == STREAM_OK)
        assert_int_equal(buffer_append(&o->got, some, n), ST_OK);
    o->ended = o->ended || result == STREAM_END;
}

static void on_closed(struct stream *s)
{
    CONTAINER_OF(s, struct owner, stream)->closed++;
}

static const struct stream_events events = {on_ready, on_closed};

static void on_gone(void *context)
{
    ((struct owner *)context)->gone++;
}

/* Our end of a new pair gets the descriptor `wanted`, if that is not -1. */
static void connect_pair(struct owner *o, struct streams *all, int wanted)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    if (wanted >= 0 && wanted != pair[0]) {
        assert_int_equal(fcntl(pair[0], F_DUPFD, wanted), wanted);
        close(pair[0]);
        pair[0] = wanted;
    }
    o->peer = (struct net_client){.loop = all->loop, .fd = pair[1]};
    assert_int_equal(stream_open(&o->stream, all, pair[0], &events), ST_OK);
    stream_want(&o->stream, true);
}

static void begin(struct owner *o)
{
    *o = (struct owner){.reads = true};
    assert_int_equal(uv_loop_init(&o->loop), 0);
    streams_init(&o->streams, &o->loop);
    connect_pair(o, &o->streams, -1);
}

static void end(struct owner *o)
{
    stream_close(&o->stream);
    stream_close(&o->stream); /* harmless */
    assert_true(stream_is_closed(&o->stream));
    streams_close(&o->streams, on_gone, o);
    assert_int_equal(o->closed, 0); /* never from within a call */
    assert_true(net_finish(&o->loop));
    assert_int_equal(o->closed, 1);
    assert_int_equal(o->gone, 1);
    net_close(&o->peer);
    buffer_free(&o->got);
}

static enum status write_two(struct stream *s, const uint8_t *data, size_t len)
{
    size_t half = len / 2;
    const struct iovec parts[2] = {{(void *)(uintptr_t)data, half}, {(void *)(uintptr_t)(data + half), len - half}};
    return stream_write(s, parts, 2);
}

static void what_the_kernel_does_not_take_is_kept_in_order(void **state)
{
    (void)state;
    enum { LEN = 100000, TIMES = 50 };
    struct owner o;
    uint8_t *data = mem_alloc(LEN);
    assert_non_null(data);
    begin(&o);
    for (size_t i = 0; i < TIMES; i++) {
        for (size_t k = 0; k < LEN; k++)
            data[k] = (uint8_t)((i * LEN + k) % 251);
        assert_int_equal(write_two(&o.stream, data, LEN), ST_OK);
        if (i % 7 == 3)
            net_receive(&o.peer);
        uv_run(&o.loop, UV_RUN_NOWAIT);
    }
    assert_true(stream_unsent(&o.stream) > 0);
    stream_finish(&o.stream);
    assert_true(net_wait_end(&o.peer));
    assert_int_equal(o.peer.received.len, (size_t)LEN * TIMES);
    for (size_t i = 0; i < o.peer.received.len; i++)
        if (o.peer.received.data[i] != (uint8_t)(i % 251))
            fail_msg("byte %zu is wrong", i);
    assert_int_equal(stream_unsent(&o.stream), 0);
    assert_int_equal(o.stream.bytes_out, (uint64_t)LEN * TIMES);
    mem_free(data);
    end(&o);
}

static bool has_ended(void *context)
{
    return ((struct owner *)context)->ended;
}

static void what_came_before_the_end_is_read(void **state)
{
    (void)state;
    struct owner o;
    begin(&o);
    for (int i = 0; i < 100; i++)
        net_send(&o.peer, "0123456789", 10);
    net_close(&o.peer);
    assert_true(net_run_until(&o.loop, has_ended, &o));
    assert_int_equal(o.got.len, 1000);
    assert_int_equal(o.stream.bytes_in, 1000);
    end(&o);
}

static void who_does_not_want_to_read_is_not_called_again_and_again(void **state)
{
    (void)state;
    struct owner o;
    begin(&o);
    o.reads = false;
    stream_want(&o.stream, false);
    net_send(&o.peer, "abc", 3);
    for (int turn = 0; turn < 20; turn++)
        uv_run(&o.loop, UV_RUN_NOWAIT);
    assert_in_range(o.ready, 0, 8);
    o.reads = true;
    stream_want(&o.stream, true);
    for (int turn = 0; turn < 20 && o.got.len == 0; turn++)
        uv_run(&o.loop, UV_RUN_NOWAIT);
    assert_int_equal(o.got.len, 3);
    end(&o);
}

/* Each change would be two or three system calls. */
static void a_pause_of_some_turns_is_not_told_to_the_loop(void **state)
{
    (void)state;
    struct owner o;
    begin(&o);
    for (int pause = 0; pause < 20; pause++) {
        o.reads = false;
        stream_want(&o.stream, false);
        net_send(&o.peer, "abc", 3);
        for (int turn = 0; turn < 3; turn++)
            uv_run(&o.loop, UV_RUN_NOWAIT);
        assert_int_equal(o.stream.interest, UV_READABLE);
        o.reads = true;
        stream_want(&o.stream, true);
        uv_run(&o.loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(o.got.len, 60);
    end(&o);
}

static void a_peer_that_is_gone_breaks_it_once(void **state)
{
    (void)state;
    struct owner o;
    const struct iovec part = {(void *)(uintptr_t) "x", 1};
    begin(&o);
    net_send(&o.peer, "last words", 10);
    net_close(&o.peer);
    assert_int_equal(stream_write(&o.stream, &part, 1), ST_IO_ERROR);
    assert_int_equal(stream_write(&o.stream, &part, 1), ST_IO_ERROR);
    on_ready(&o.stream); /* what it had said can still be read */
    assert_int_equal(o.got.len, 10);
    assert_true(o.ended);
    end(&o);
}

static void without_memory_for_the_rest_it_is_broken(void **state)
{
    (void)state;
    struct owner o;
    enum { LEN = 1 << 22 };
    uint8_t *data = mem_calloc(1, LEN);
    assert_non_null(data);
    begin(&o);
    memory_fail_after(0);
    enum status st = write_two(&o.stream, data, LEN);
    memory_fail_after(-1);
    assert_int_equal(st, ST_NO_MEMORY);
    assert_int_equal(write_two(&o.stream, data, 2), ST_IO_ERROR);
    mem_free(data);
    end(&o);
}

static void a_descriptor_that_cannot_be_watched_is_closed(void **state)
{
    (void)state;
    struct owner o = {0};
    int fd = dup(STDERR_FILENO);
    assert_int_equal(uv_loop_init(&o.loop), 0);
    streams_init(&o.streams, &o.loop);
    close(fd);
    assert_int_equal(stream_open(&o.stream, &o.streams, fd, &events), ST_IO_ERROR);
    assert_true(stream_is_closed(&o.stream));
    stream_close(&o.stream);
    streams_close(&o.streams, on_gone, &o);
    assert_int_equal(o.gone, 0); /* never from within a call */
    assert_true(net_finish(&o.loop));
    assert_int_equal(o.gone, 1);
    assert_int_equal(o.closed, 0);
}

/* Its handle waits for the next one with the same number, also when that comes before the owner has been told. */
static void a_number_may_be_used_again_at_once(void **state)
{
    (void)state;
    struct owner first, next = {.reads = true};
    begin(&first);
    net_send(&first.peer, "of old", 6);
    const uv_poll_t *poll = first.stream.poll;
    int number = first.stream.fd;
    stream_close(&first.stream);
    connect_pair(&next, &first.streams, number);
    assert_ptr_equal(next.stream.poll, poll);
    net_send(&next.peer, "new", 3);
    for (int turn = 0; turn < 20 && next.got.len < 3; turn++)
        uv_run(&first.loop, UV_RUN_NOWAIT);
    assert_int_equal(next.got.len, 3);
    assert_memory_equal(next.got.data, "new", 3);
    assert_int_equal(first.got.len, 0);
    assert_int_equal(first.closed, 1);
    stream_close(&next.stream);
    streams_close(&first.streams, on_gone, &first);
    assert_true(net_finish(&first.loop));
    assert_int_equal(next.closed, 1);
    assert_int_equal(first.gone, 1);
    net_close(&first.peer);
    net_close(&next.peer);
    buffer_free(&next.got);
}

static void the_handle_of_a_high_number_is_not_kept(void **state)
{
    (void)state;
    enum { HIGH = 5000 };
    struct owner o = {.reads = true};
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max <= HIGH)
        skip();
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(uv_loop_init(&o.loop), 0);
    streams_init(&o.streams, &o.loop);
    connect_pair(&o, &o.streams, HIGH);
    net_send(&o.peer, "abc", 3);
    for (int turn = 0; turn < 20 && o.got.len < 3; turn++)
        uv_run(&o.loop, UV_RUN_NOWAIT);
    assert_int_equal(o.got.len, 3);
    assert_non_null(o.streams.polls[HIGH]);
    stream_close(&o.stream);
    assert_null(o.streams.polls[HIGH]);
    end(&o);
}

static void without_memory_none_is_opened(void **state)
{
    (void)state;
    struct owner o;
    int pair[2];
    enum status st = ST_NO_MEMORY;
    int failed = 0;
    begin(&o);
    streams_close(&o.streams, on_gone, &o);
    stream_close(&o.stream);
    net_close(&o.peer);
    uv_run(&o.loop, UV_RUN_DEFAULT); /* no handle, and no room for any, is left */
    streams_init(&o.streams, &o.loop);
    for (; st != ST_OK; failed++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
        memory_fail_after(failed);
        st = stream_open(&o.stream, &o.streams, pair[0], &events);
        memory_fail_after(-1);
        assert_true(st == ST_OK || st == ST_NO_MEMORY);
        assert_true(stream_is_closed(&o.stream) == (st != ST_OK));
        close(pair[1]);
    }
    assert_int_equal(failed, 3); /* the table, the handle, and none */
    o.closed = o.gone = 0;
    o.peer.fd = -1;
    end(&o);
}

/* What is put off in stream_want is not done for an answer. */
static void an_answer_to_who_is_not_read_from_is_no_news_to_the_loop(void **state)
{
    (void)state;
    struct owner o;
    const struct iovec part = {(void *)(uintptr_t) "x", 1};
    begin(&o);
    stream_want(&o.stream, false);
    assert_int_equal(stream_write(&o.stream, &part, 1), ST_OK);
    assert_int_equal(o.stream.interest, UV_READABLE);
    assert_true(net_wait_bytes(&o.peer, 1));
    net_close(&o.peer); /* the end is seen all the same */
    for (int turn = 0; turn < 20 && o.ready == 0; turn++)
        uv_run(&o.loop, UV_RUN_NOWAIT);
    assert_true(o.ready > 0);
    end(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_kernel_does_not_take_is_kept_in_order),
        cmocka_unit_test(what_came_before_the_end_is_read),
        cmocka_unit_test(who_does_not_want_to_read_is_not_called_again_and_again),
        cmocka_unit_test(a_pause_of_some_turns_is_not_told_to_the_loop),
        cmocka_unit_test(a_peer_that_is_gone_breaks_it_once),
        cmocka_unit_test(without_memory_for_the_rest_it_is_broken),
        cmocka_unit_test(a_descriptor_that_cannot_be_watched_is_closed),
        cmocka_unit_test(a_number_may_be_used_again_at_once),
        cmocka_unit_test(the_handle_of_a_high_number_is_not_kept),
        cmocka_unit_test(without_memory_none_is_opened),
        cmocka_unit_test(an_answer_to_who_is_not_read_from_is_no_news_to_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
