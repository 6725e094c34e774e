/* stream_test.c - a stream over a socket pair: what the kernel does not take is kept in order, and each end is seen
 * once. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "agent/net/stream.h"

#include "core/base/check.h"
#include "core/base/mem.h"
#include "tests/support/failing_memory.h"
#include "tests/support/net.h"
#include "tests/support/test.h"

#include <sys/socket.h>
#include <unistd.h>

struct owner {
    uv_loop_t loop;
    struct stream stream;
    struct net_client peer;
    uint32_t ready, closed;
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

static void begin(struct owner *o)
{
    int pair[2];
    *o = (struct owner){.reads = true};
    assert_int_equal(uv_loop_init(&o->loop), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    o->peer = (struct net_client){.loop = &o->loop, .fd = pair[1]};
    assert_int_equal(stream_open(&o->stream, &o->loop, pair[0], &events), ST_OK);
    stream_want(&o->stream, true);
}

static void end(struct owner *o)
{
    stream_close(&o->stream);
    stream_close(&o->stream); /* harmless */
    assert_true(stream_is_closed(&o->stream));
    assert_int_equal(o->closed, 0); /* never from within a call */
    assert_true(net_finish(&o->loop));
    assert_int_equal(o->closed, 1);
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
    assert_true(o.ready <= 1);
    o.reads = true;
    stream_want(&o.stream, true);
    for (int turn = 0; turn < 20 && o.got.len == 0; turn++)
        uv_run(&o.loop, UV_RUN_NOWAIT);
    assert_int_equal(o.got.len, 3);
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
    close(fd);
    assert_int_equal(stream_open(&o.stream, &o.loop, fd, &events), ST_IO_ERROR);
    assert_true(stream_is_closed(&o.stream));
    stream_close(&o.stream);
    assert_true(net_finish(&o.loop));
    assert_int_equal(o.closed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_kernel_does_not_take_is_kept_in_order),
        cmocka_unit_test(what_came_before_the_end_is_read),
        cmocka_unit_test(who_does_not_want_to_read_is_not_called_again_and_again),
        cmocka_unit_test(a_peer_that_is_gone_breaks_it_once),
        cmocka_unit_test(without_memory_for_the_rest_it_is_broken),
        cmocka_unit_test(a_descriptor_that_cannot_be_watched_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
