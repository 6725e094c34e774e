/* poll_room_test.c - the kernel has no place for another descriptor (fs.epoll.max_user_watches): a call fails, a stream
 * is at its end, a listener tries again; libuv never learns of it. */
/* link: -Wl,--wrap=epoll_ctl */
#include "agent/base/poll_room.h"

#include "agent/net/dial.h"
#include "agent/net/listener.h"
#include "agent/net/stream_internal.h"
#include "tests/support/net.h"
#include "tests/support/test.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static int refusals; /* how many more places are refused */
static int refused_with = ENOSPC;

int __real_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event);

int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
    int rc = __real_epoll_ctl(epoll, op, fd, event);
    if (rc != 0 || op != EPOLL_CTL_ADD || refusals == 0)
        return rc;
    refusals--;
    assert_int_equal(__real_epoll_ctl(epoll, EPOLL_CTL_DEL, fd, event), 0);
    errno = refused_with;
    return -1;
}

static void ignore(struct stream *s)
{
    (void)s;
}

static const struct stream_events events = {ignore, ignore};

static void a_stream_without_a_place_is_not_opened(void **state)
{
    (void)state;
    uv_loop_t loop;
    struct streams streams;
    struct stream s;
    const struct {
        int error;
        enum status status;
    } rows[] = {{ENOSPC, ST_NO_SPACE}, {ENOMEM, ST_NO_MEMORY}, {EPERM, ST_IO_ERROR}};
    assert_int_equal(uv_loop_init(&loop), 0);
    streams_init(&streams, &loop);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
        refusals = 1;
        refused_with = rows[i].error;
        assert_int_equal(stream_open(&s, &streams, pair[0], &events), rows[i].status);
        assert_true(stream_is_closed(&s));
        close(pair[1]);
    }
    refused_with = ENOSPC;
    streams_close(&streams, NULL, NULL);
    assert_true(net_finish(&loop));
}

static bool is_half_closed(void *context)
{
    return ((struct stream *)context)->half_closed;
}

/* While the owner does not read, a peer that sends nothing more is not watched. */
static void a_stream_that_cannot_be_watched_again_is_at_its_end(void **state)
{
    (void)state;
    uv_loop_t loop;
    struct streams streams;
    struct stream s;
    int pair[2];
    char got[8];
    size_t n = 0;
    assert_int_equal(uv_loop_init(&loop), 0);
    streams_init(&streams, &loop);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    assert_int_equal(stream_open(&s, &streams, pair[0], &events), ST_OK);
    stream_want(&s, true);
    stream_want(&s, false);
    stream_update_interest(&s);
    assert_int_equal(send(pair[1], "last", 4, 0), 4);
    assert_int_equal(shutdown(pair[1], SHUT_WR), 0);
    assert_true(net_run_until(&loop, is_half_closed, &s));
    refusals = 1;
    stream_want(&s, true);
    assert_int_equal(refusals, 0);
    assert_true(s.broken && s.readable);
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(stream_read(&s, got, sizeof got, &n), STREAM_OK);
    assert_memory_equal(got, "last", 4);
    assert_int_equal(stream_read(&s, got, sizeof got, &n), STREAM_END);
    stream_close(&s);
    close(pair[1]);
    streams_close(&streams, NULL, NULL);
    assert_true(net_finish(&loop));
}

struct calls {
    char why[128];
    bool is_over;
    int accepted;
};

static void on_done(void *context, int fd, struct bytes host, const char *why)
{
    struct calls *c = context;
    (void)host;
    assert_true(fd < 0);
    (void)snprintf(c->why, sizeof c->why, "%s", why);
    c->is_over = true;
}

static bool is_over(void *context)
{
    return ((struct calls *)context)->is_over;
}

static void on_accepted(void *context, int fd, const struct sockaddr_storage *peer)
{
    (void)peer;
    ((struct calls *)context)->accepted++;
    close(fd);
}

static bool has_accepted(void *context)
{
    return ((struct calls *)context)->accepted > 0;
}

/* Its own place, which it needs three times over before it gets it; and then a call's. */
static void a_listener_tries_again_and_a_call_fails(void **state)
{
    (void)state;
    uv_loop_t loop;
    struct calls c = {0};
    struct listener *listener = NULL;
    struct buffer message = {0};
    struct net_client client;
    struct dial *dial = NULL;
    assert_int_equal(uv_loop_init(&loop), 0);
    const struct listener_parts parts = {.loop = &loop};
    const struct listener_tcp tcp = {.address = "127.0.0.1", .backlog = -1};
    const struct listener_events accepts = {on_accepted, &c};
    refusals = 3;
    assert_int_equal(listener_open_tcp(&listener, &parts, &tcp, &accepts, &message), ST_OK);
    net_connect(&client, &loop, listener_port(listener));
    assert_true(net_run_until(&loop, has_accepted, &c));
    assert_int_equal(refusals, 0);
    net_close(&client);

    const struct dial_target target = {BYTES("127.0.0.1"), (uint16_t)listener_port(listener)};
    refusals = 1;
    assert_int_equal(dial_start(&dial, &loop, &target, 1, 10000, on_done, &c), ST_OK);
    assert_true(net_run_until(&loop, is_over, &c));
    assert_non_null(strstr(c.why, "no space left on device"));
    listener_close(listener);
    assert_true(net_finish(&loop));
    buffer_free(&message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_without_a_place_is_not_opened),
        cmocka_unit_test(a_stream_that_cannot_be_watched_again_is_at_its_end),
        cmocka_unit_test(a_listener_tries_again_and_a_call_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
