/* front_limits_test.c - what one stranger can take: connections, time, memory, descriptors; and that others notice
 * nothing. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "tests/support/failing_memory.h"
#include "tests/unit/agent/front_fixture.h"

#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

static void set_limits(struct fixture *f, const struct front_limits *limits)
{
    f->limits = *limits;
    front_set_limits(f->front, limits);
}

static void expect_served(struct fixture *f)
{
    struct net_client c;
    net_connect(&c, &f->loop, f->port);
    net_send_frame(&c, "e", 1);
    assert_true(net_expect_frame(&c, "e", 1));
    net_close(&c);
}

static void connections_of_one_address_are_limited(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    struct net_client c[3], more;
    struct front_limits limits = f->limits;
    limits.connections_per_address_max = 3;
    set_limits(f, &limits);
    for (int i = 0; i < 3; i++)
        net_connect(&c[i], &f->loop, f->port);
    wait_connections(f, 3);
    for (int i = 0; i < 2; i++) {
        net_connect(&more, &f->loop, f->port);
        assert_true(net_wait_end(&more));
        assert_int_equal(more.received.len, 0);
        net_close(&more);
    }
    assert_int_equal(metrics_counter(f->metrics, COUNTER_connection_rejected), 2);
    assert_int_equal(f->log_lines, 1); /* both within its interval */
    net_close(&c[0]);
    wait_connections(f, 2);
    expect_served(f);
    net_close(&c[1]);
    net_close(&c[2]);
    fixture_free(f);
}

static void connections_in_all_are_limited(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    struct net_client c, more;
    struct front_limits limits = f->limits;
    limits.connections_max = 1;
    set_limits(f, &limits);
    net_connect(&c, &f->loop, f->port);
    net_send_frame(&c, "e", 1);
    assert_true(net_expect_frame(&c, "e", 1));
    net_connect(&more, &f->loop, f->port);
    assert_true(net_wait_end(&more));
    net_close(&more);
    net_close(&c);
    wait_connections(f, 0);
    expect_served(f);
    fixture_free(f);
}

/* Tries again and again, as a client does. */
static bool a_newcomer_is_served(void *context)
{
    struct fixture *f = context;
    struct net_client c;
    net_connect(&c, &f->loop, f->port);
    net_send_frame(&c, "e", 1);
    bool served = net_expect_frame(&c, "e", 1);
    net_close(&c);
    return served;
}

static void half_open_connections_give_way(void **state)
{
    (void)state;
    enum { HELD = 20 };
    struct fixture *f = fixture_new();
    struct net_client held[HELD], session;
    struct front_limits limits = f->limits;
    limits.connections_per_address_max = HELD + 1;
    set_limits(f, &limits);
    net_connect(&session, &f->loop, f->port);
    net_send_frame(&session, "e", 1);
    assert_true(net_expect_frame(&session, "e", 1));
    for (int i = 0; i < HELD; i++) {
        net_connect(&held[i], &f->loop, f->port);
        net_send(&held[i], "\0\0\0\55\0\0", (size_t)i % 7);
    }
    wait_connections(f, HELD + 1);
    assert_true(net_run_until(&f->loop, a_newcomer_is_served, f));
    net_send_frame(&session, "e", 1); /* one with a session is not touched */
    assert_true(net_expect_frame(&session, "e", 1));
    for (int i = 0; i < HELD; i++)
        net_close(&held[i]);
    net_close(&session);
    fixture_free(f);
}

static void hundreds_of_half_open_connections_do_not_matter(void **state)
{
    (void)state;
    enum { HELD = 400 };
    struct fixture *f = fixture_new();
    struct net_client *held = calloc(HELD, sizeof *held);
    assert_non_null(held);
    for (int i = 0; i < HELD; i++) {
        net_connect(&held[i], &f->loop, f->port);
        net_send(&held[i], "\0\0\0\55\0\0", (size_t)i % 7);
    }
    wait_connections(f, HELD);
    uint64_t begin = uv_hrtime();
    expect_served(f);
    assert_true(uv_hrtime() - begin < UINT64_C(2000000000));
    for (int i = 0; i < HELD; i++)
        net_close(&held[i]);
    free(held);
    fixture_free(f);
}

static void who_asks_for_no_session_is_closed_in_time(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    struct net_client silent, half, word, session;
    struct front_limits limits = f->limits;
    limits.sessionless_timeout_ms = 100;
    set_limits(f, &limits);
    net_connect(&session, &f->loop, f->port);
    net_send_frame(&session, "e", 1);
    assert_true(net_expect_frame(&session, "e", 1));
    net_connect(&silent, &f->loop, f->port);
    net_connect(&half, &f->loop, f->port);
    net_send(&half, "\0\0\0\7eabc", 8);
    net_connect(&word, &f->loop, f->port);
    net_send(&word, "stmk123", 7);
    assert_true(net_wait_end(&silent) && net_wait_end(&half) && net_wait_end(&word));
    assert_int_equal(metrics_counter(f->metrics, COUNTER_sessionless_connections_expired), 3);
    net_send_frame(&session, "e", 1);
    assert_true(net_expect_frame(&session, "e", 1));
    net_close(&silent);
    net_close(&half);
    net_close(&word);
    net_close(&session);
    fixture_free(f);
}

/* -- slow readers -------------------------------------------------------------------------------------------------- */

enum { BIG = 100000 };

static void ask_for(struct net_client *c, char what, uint32_t len)
{
    uint8_t frame[5] = {(uint8_t)what};
    be32_put(frame + 1, len);
    net_send_frame(c, frame, sizeof frame);
}

static bool has_paused(void *context)
{
    struct fixture *f = context;
    struct front_status status;
    front_status(f->front, &status);
    return status.paused == 1;
}

static void who_does_not_read_is_not_read_from(void **state)
{
    (void)state;
    enum { ASKED = 200 };
    struct fixture *f = fixture_new();
    struct net_client c;
    struct front_status status;
    net_connect(&c, &f->loop, f->port);
    for (int i = 0; i < ASKED; i++)
        ask_for(&c, 'b', BIG);
    assert_true(net_run_until(&f->loop, has_paused, f));
    for (int i = 0; i < 10; i++)
        uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_true(fake.frames < ASKED);
    front_status(f->front, &status);
    assert_true(status.unsent > f->limits.unsent_pause && status.unsent < 2 * 1024 * 1024);
    expect_served(f);
    assert_true(net_wait_bytes(&c, (size_t)ASKED * (BIG + 4))); /* all of it, once it is read */
    assert_int_equal(fake.frames, ASKED + 1);
    assert_int_equal(status.slow_closed, 0);
    net_close(&c);
    fixture_free(f);
}

static bool slow_is_closed(void *context)
{
    struct fixture *f = context;
    struct front_status status;
    front_status(f->front, &status);
    return status.slow_closed == 1;
}

static void who_does_not_read_its_events_is_closed(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    struct net_client slow, writer;
    struct front_status status;
    net_connect(&slow, &f->loop, f->port);
    net_send_frame(&slow, "e", 1);
    assert_true(net_expect_frame(&slow, "e", 1));
    net_connect(&writer, &f->loop, f->port);
    size_t most = 0;
    for (int i = 0; i < 200 && !slow_is_closed(f); i++) {
        ask_for(&writer, 'w', BIG);
        net_send_frame(&writer, "e", 1);
        assert_true(net_expect_frame(&writer, "e", 1));
        front_status(f->front, &status);
        most = status.unsent > most ? status.unsent : most;
    }
    assert_true(slow_is_closed(f));
    assert_true(most <= f->limits.unsent_max + BIG + 4);
    assert_int_equal(f->log_lines, 1);
    wait_connections(f, 1);
    assert_int_equal(fake.disconnected, 1);
    net_send_frame(&writer, "e", 1);
    assert_true(net_expect_frame(&writer, "e", 1));
    net_close(&slow);
    net_close(&writer);
    fixture_free(f);
}

static void one_large_reply_is_sent_whole(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    struct net_client c;
    size_t len = 4 * f->limits.unsent_max;
    net_connect(&c, &f->loop, f->port);
    ask_for(&c, 'b', (uint32_t)len);
    assert_true(net_run_until(&f->loop, has_paused, f));
    assert_true(net_wait_bytes(&c, len + 4));
    net_take(&c, len + 4);
    net_send_frame(&c, "e", 1);
    assert_true(net_expect_frame(&c, "e", 1));
    net_close(&c);
    fixture_free(f);
}

static void the_end_waits_for_what_is_unsent_but_not_for_ever(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    struct net_client reads, never;
    size_t len = 4 * f->limits.unsent_max;
    net_connect(&reads, &f->loop, f->port);
    ask_for(&reads, 'b', (uint32_t)len);
    net_send_frame(&reads, "q", 1);
    assert_true(net_wait_bytes(&reads, len + 4));
    net_take(&reads, len + 4);
    assert_true(net_expect_frame(&reads, "q", 1));
    assert_true(net_wait_end(&reads));
    net_close(&reads);
    wait_connections(f, 0);

    net_connect(&never, &f->loop, f->port);
    ask_for(&never, 'b', (uint32_t)len);
    assert_true(net_run_until(&f->loop, has_paused, f));
    front_close(f->front, on_front_closed, f); /* the linger time is over before the run's deadline is */
    assert_true(net_run_until(&f->loop, is_closed, f));
    net_close(&never);
    pump_close(f->pump);
    streams_close(&f->streams, NULL, NULL);
    assert_true(net_finish(&f->loop));
    metrics_free(f->metrics);
    free(f);
    fake_reset();
}

/* -- descriptors and memory ---------------------------------------------------------------------------------------- */

/* Takes every descriptor that is left below a low limit. Returns how many, to be closed. */
static size_t take_descriptors(int *taken, size_t room, const struct rlimit *before)
{
    struct rlimit low = *before;
    size_t count = 0;
    low.rlim_cur = 256;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    while (count < room && (taken[count] = dup(STDERR_FILENO)) >= 0)
        count++;
    assert_true(count < room && errno == EMFILE);
    return count;
}

static void without_descriptors_clients_see_an_end(void **state)
{
    (void)state;
    enum { CLIENTS = 4 };
    struct fixture *f = fixture_new();
    struct net_client c[CLIENTS];
    struct rlimit before;
    int taken[256];
    for (int i = 0; i < CLIENTS; i++)
        net_connect(&c[i], &f->loop, f->port);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    size_t count = take_descriptors(taken, 256, &before);
    for (int i = 0; i < CLIENTS; i++)
        assert_true(net_wait_end(&c[i]));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    for (size_t i = 0; i < count; i++)
        close(taken[i]);
    assert_int_equal(metrics_counter(f->metrics, COUNTER_connection_rejected), CLIENTS);
    assert_int_equal(f->log_lines, 1);
    for (int i = 0; i < CLIENTS; i++)
        net_close(&c[i]);
    expect_served(f);
    fixture_free(f);
}

static bool has_answer_or_end(void *context)
{
    struct net_client *c = context;
    net_receive(c);
    return c->ended || c->received.len >= 4;
}

static void without_memory_one_connection_ends_and_no_other(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    struct net_client bystander;
    net_connect(&bystander, &f->loop, f->port);
    net_send_frame(&bystander, "e", 1);
    assert_true(net_expect_frame(&bystander, "e", 1));
    bool failed = true;
    for (int n = 0; failed; n++) {
        struct net_client word, half;
        net_connect(&word, &f->loop, f->port);
        net_connect(&half, &f->loop, f->port);
        net_send(&word, "ruok", 4);
        net_send(&half, "\0\0\0\7eabc", 8);
        memory_fail_after(n);
        for (int turn = 0; turn < 6; turn++)
            uv_run(&f->loop, UV_RUN_NOWAIT);
        failed = memory_has_failed();
        memory_fail_after(-1);
        assert_true(net_run_until(&f->loop, has_answer_or_end, &word));
        net_close(&word);
        net_close(&half);
        wait_connections(f, 1);
    }
    net_send_frame(&bystander, "e", 1);
    assert_true(net_expect_frame(&bystander, "e", 1));
    net_close(&bystander);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_of_one_address_are_limited),
        cmocka_unit_test(connections_in_all_are_limited),
        cmocka_unit_test(half_open_connections_give_way),
        cmocka_unit_test(hundreds_of_half_open_connections_do_not_matter),
        cmocka_unit_test(who_asks_for_no_session_is_closed_in_time),
        cmocka_unit_test(who_does_not_read_is_not_read_from),
        cmocka_unit_test(who_does_not_read_its_events_is_closed),
        cmocka_unit_test(one_large_reply_is_sent_whole),
        cmocka_unit_test(the_end_waits_for_what_is_unsent_but_not_for_ever),
        cmocka_unit_test(without_descriptors_clients_see_an_end),
        cmocka_unit_test(without_memory_one_connection_ends_and_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
