/* peers_wire_test.c - the election port towards peers that are only sockets: what stands on the wire, which connection
 * stays, and those that misbehave. */
#include "tests/unit/agent/peers_fixture.h"

enum { SELF, RAW }; /* a server, and the port of one that the test plays */

static const int low_raw[] = {5, 2, -1};
static const int high_raw[] = {5, 8, -1};

static void begin(struct world *w, const int *sids)
{
    world_begin(w, sids);
    server_start(&w->servers[SELF]);
    port_listen(&w->servers[RAW].election);
}

static char *raw_address(const struct world *w)
{
    static char text[32];
    (void)snprintf(text, sizeof text, "127.0.0.1:%u", (unsigned)w->servers[RAW].election.port);
    return text;
}

/* Everything that is to happen without further cause has happened. */
static void settle(struct world *w)
{
    world_turn(w, 50);
}

/* [7.7 one-write] Recorded from a live run, quorum-protocol 9: server 9 asks, before it is told anything. */
static void the_first_bytes_are_those_of_the_reference(void **state)
{
    (void)state;
    static const int sids[] = {9, 1, -1};
    static const char head[] = "\xff\xff\xff\xff\xff\xff\x00\x00"
                               "\x00\x00\x00\x00\x00\x00\x00\x09"
                               "\x00\x00\x00\x0f"
                               "127.0.0.1:14891"
                               "\x00\x00\x00\xe6"
                               "\x00\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00"
                               "\x00\x00\x00\x00\x00\x00\x00\x01\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02"
                               "\x00\x00\x00\xba";
    static const char config[] = "server.1=127.0.0.1:13888:14888:participant;127.0.0.1:13181\n"
                                 "server.2=127.0.0.1:13889:14889:participant;127.0.0.1:13182\n"
                                 "server.3=127.0.0.1:13890:14890:participant;127.0.0.1:13183\nversion=0";
    const struct notification question = {SERVER_LOOKING, {INT64_MIN, INT64_MIN, INT64_MIN}, 1, 2, bytes_of(config)};
    struct world w;
    struct net_client c;
    struct buffer frame = {0};
    struct writer writer = writer_to(&frame);
    world_begin(&w, sids);
    struct server *s = &w.servers[SELF];
    port_listen(&w.servers[RAW].election);
    /* Not listening: the announced port is the recorded one. */
    uint16_t own_port = s->election.port;
    s->election.port = 14891;
    members_free(w.members);
    w.members = world_members(&w, RAW, RAW + 1);
    server_new(s, default_options(9));
    s->election.port = own_port;
    notification_encode(&writer, &question);
    assert_int_equal(writer.status, ST_OK);
    peers_notify(s->p, 1, buffer_bytes(&frame));
    port_accept(&w.servers[RAW].election, &c, &w.loop);
    size_t head_len = sizeof head - 1;
    size_t config_len = sizeof config - 1;
    assert_int_equal(config_len, 186);
    assert_true(net_wait_bytes(&c, head_len + config_len));
    settle(&w);
    net_receive(&c);
    assert_int_equal(c.received.len, head_len + config_len);
    assert_memory_equal(c.received.data, head, head_len);
    assert_memory_equal(c.received.data + head_len, config, config_len);
    buffer_free(&frame);
    net_close(&c);
    world_end(&w);
}

static void a_smaller_server_is_called_and_the_connection_stays(void **state)
{
    (void)state;
    struct world w;
    struct net_client c;
    begin(&w, low_raw);
    peers_notify(w.servers[SELF].p, 2, BYTES("question"));
    port_accept(&w.servers[RAW].election, &c, &w.loop);
    expect_hello(&c, &w.servers[SELF]);
    expect_text(&c, "question");
    net_send_frame(&c, "answer", 6);
    wait_heard(&w.servers[SELF], 2, "answer");
    assert_false(c.ended);
    net_close(&c);
    world_end(&w);
}

static void a_larger_server_is_made_to_call(void **state)
{
    (void)state;
    struct world w;
    struct net_client challenge;
    struct net_client c;
    begin(&w, high_raw);
    peers_notify(w.servers[SELF].p, 8, BYTES("question"));
    port_accept(&w.servers[RAW].election, &challenge, &w.loop);
    expect_hello(&challenge, &w.servers[SELF]);
    assert_true(net_wait_end(&challenge));
    assert_int_equal(challenge.received.len, 0);
    assert_false(challenge.reset);
    /* It has time to call. */
    peers_notify(w.servers[SELF].p, 8, BYTES("newer question"));
    settle(&w);
    assert_true(port_has_nobody(&w.servers[RAW].election));
    say_hello(&c, &w.servers[SELF], 8, raw_address(&w));
    expect_text(&c, "newer question");
    net_send_frame(&c, "answer", 6);
    wait_heard(&w.servers[SELF], 8, "answer");
    net_close(&challenge);
    net_close(&c);
    world_end(&w);
}

static void a_larger_server_that_does_not_call_is_asked_again(void **state)
{
    (void)state;
    struct world w;
    begin(&w, high_raw);
    for (int i = 0; i < 2; i++) {
        struct net_client challenge;
        struct accepting a = {&w.servers[RAW].election, -1};
        while (!has_accepted(&a)) { /* no more than the pause passes */
            peers_notify(w.servers[SELF].p, 8, BYTES("question"));
            uv_run(&w.loop, UV_RUN_NOWAIT);
        }
        challenge = (struct net_client){.loop = &w.loop, .fd = a.fd};
        expect_hello(&challenge, &w.servers[SELF]);
        assert_true(net_wait_end(&challenge));
        net_close(&challenge);
    }
    world_end(&w);
}

static void a_smaller_server_that_calls_is_called_back(void **state)
{
    (void)state;
    struct world w;
    struct net_client call;
    struct net_client c;
    struct net_client again;
    begin(&w, low_raw);
    say_hello(&call, &w.servers[SELF], 2, raw_address(&w));
    assert_true(net_wait_end(&call));
    port_accept(&w.servers[RAW].election, &c, &w.loop);
    expect_hello(&c, &w.servers[SELF]);
    wait_connected(&w.servers[SELF], 1, 0);
    net_close(&call);
    /* Whoever calls anew has lost the old connection. */
    say_hello(&call, &w.servers[SELF], 2, raw_address(&w));
    port_accept(&w.servers[RAW].election, &again, &w.loop);
    assert_true(net_wait_end(&c));
    expect_hello(&again, &w.servers[SELF]);
    net_send_frame(&again, "here", 4);
    wait_heard(&w.servers[SELF], 2, "here");
    net_close(&call);
    net_close(&c);
    net_close(&again);
    world_end(&w);
}

/* The address that counts is the announced one; without one, or with one that stands for all, the configured one. */
static void it_is_called_back_where_it_says_it_is(void **state)
{
    (void)state;
    struct world w;
    struct net_client call;
    struct net_client c;
    char several[64];
    begin(&w, low_raw);
    struct reserved_port elsewhere = port_reserve();
    struct reserved_port dead = port_reserve();
    port_listen(&elsewhere);
    (void)snprintf(several, sizeof several, "127.0.0.1:%u|127.0.0.1:%u", (unsigned)dead.port, (unsigned)elsewhere.port);
    say_hello(&call, &w.servers[SELF], 2, several);
    port_accept(&elsewhere, &c, &w.loop);
    expect_hello(&c, &w.servers[SELF]);
    assert_true(port_has_nobody(&w.servers[RAW].election));
    net_close(&call);
    net_close(&c);
    static const char *const nowhere[] = {"0.0.0.0:1", "[::]:1", "[0:0:0:0:0:0:0:0]:1"};
    for (size_t i = 0; i < ARRAY_LEN(nowhere); i++) {
        say_hello(&call, &w.servers[SELF], 2, nowhere[i]);
        port_accept(&w.servers[RAW].election, &c, &w.loop);
        expect_hello(&c, &w.servers[SELF]);
        net_close(&call);
        net_close(&c);
    }
    close(elsewhere.fd);
    close(dead.fd);
    world_end(&w);
}

static void the_oldest_form_is_called_back_where_it_is_configured(void **state)
{
    (void)state;
    struct world w;
    struct net_client call;
    struct net_client c;
    begin(&w, low_raw);
    say_hello(&call, &w.servers[SELF], 2, NULL);
    port_accept(&w.servers[RAW].election, &c, &w.loop);
    expect_hello(&c, &w.servers[SELF]);
    net_close(&call);
    net_close(&c);
    world_end(&w);
}

static void a_stranger_is_called_back_and_told(void **state)
{
    (void)state;
    static const int sids[] = {5, 8, -1};
    struct world w;
    struct net_client call;
    struct net_client c;
    begin(&w, sids);
    struct server *s = &w.servers[SELF];
    say_hello(&call, s, 3, raw_address(&w));
    port_accept(&w.servers[RAW].election, &c, &w.loop);
    expect_hello(&c, s);
    net_send_frame(&c, "who leads?", 10);
    wait_heard(s, 3, "who leads?");
    peers_notify(s->p, 3, BYTES("8 leads"));
    expect_text(&c, "8 leads");
    assert_int_equal(status_of(s).strangers, 1);
    net_close(&c);
    wait_connected(s, 0, 0);
    assert_int_equal(status_of(s).strangers, 0);
    peers_notify(s->p, 3, BYTES("nobody is there"));
    net_close(&call);
    world_end(&w);
}

static void strangers_are_bounded(void **state)
{
    (void)state;
    struct world w;
    struct net_client c[5];
    begin(&w, low_raw);
    for (int i = 0; i < 4; i++) {
        say_hello(&c[i], &w.servers[SELF], 10 + i, "127.0.0.1:1");
        wait_connected(&w.servers[SELF], (uint32_t)i + 1, 0);
    }
    say_hello(&c[4], &w.servers[SELF], 14, "127.0.0.1:1");
    assert_true(net_wait_end(&c[4]));
    net_close(&c[0]);
    net_close(&c[4]);
    wait_connected(&w.servers[SELF], 3, 0);
    say_hello(&c[4], &w.servers[SELF], 14, "127.0.0.1:1");
    wait_connected(&w.servers[SELF], 4, 0);
    for (int i = 1; i < 5; i++)
        net_close(&c[i]);
    world_end(&w);
}

static void the_last_frame_is_told_again_on_a_new_connection(void **state)
{
    (void)state;
    struct world w;
    struct net_client c;
    begin(&w, high_raw);
    struct server *s = &w.servers[SELF];
    say_hello(&c, s, 8, raw_address(&w));
    wait_connected(s, 1, 0);
    peers_notify(s->p, 8, BYTES("last"));
    expect_text(&c, "last");
    for (int i = 0; i < 3; i++) {
        struct net_client newer;
        say_hello(&newer, s, 8, raw_address(&w));
        expect_text(&newer, "last");
        assert_true(net_wait_end(&c)); /* the newer one takes its place */
        net_close(&c);
        c = newer;
    }
    assert_int_equal(status_of(s).connected, 1);
    net_close(&c);
    wait_connected(s, 0, 0);
    peers_notify(s->p, 8, BYTES("newer"));
    say_hello(&c, s, 8, raw_address(&w));
    expect_text(&c, "newer");
    settle(&w);
    net_receive(&c);
    assert_int_equal(c.received.len, 0); /* instead of the last one, not behind it */
    net_close(&c);
    world_end(&w);
}

static void a_broken_connection_waits_for_the_next_frame(void **state)
{
    (void)state;
    struct world w;
    struct net_client c;
    begin(&w, low_raw);
    struct server *s = &w.servers[SELF];
    peers_notify(s->p, 2, BYTES("one"));
    port_accept(&w.servers[RAW].election, &c, &w.loop);
    expect_hello(&c, s);
    expect_text(&c, "one");
    net_close(&c);
    wait_connected(s, 0, 0);
    settle(&w);
    assert_true(port_has_nobody(&w.servers[RAW].election));
    peers_notify(s->p, 2, BYTES("two"));
    port_accept(&w.servers[RAW].election, &c, &w.loop);
    expect_hello(&c, s);
    expect_text(&c, "two");
    net_close(&c);
    world_end(&w);
}

/* [7.3 2164 2836 3769] [weak stalled-port] */
static void who_is_silent_keeps_nobody_waiting(void **state)
{
    (void)state;
    static const int sids[] = {1, 2, -1};
    struct world w;
    struct net_client silent[5];
    struct peers_options options = default_options(1);
    options.hello_ms = 200;
    world_begin(&w, sids);
    server_new(&w.servers[0], options);
    peers_open(w.servers[0].p);
    assert_true(net_run_until(&w.loop, is_open, &w.servers[0]));
    server_start(&w.servers[1]);
    for (size_t i = 0; i < 5; i++) {
        net_connect(&silent[i], &w.loop, w.servers[0].election.port);
        net_send(&silent[i], "\xff\xff\xff\xff\xff\xff\0\0\0\0", i * 2); /* some begin and do not go on */
    }
    peers_notify(w.servers[1].p, 1, BYTES("heard"));
    wait_heard(&w.servers[0], 2, "heard");
    for (size_t i = 0; i < 5; i++) {
        assert_true(net_wait_end(&silent[i]));
        net_close(&silent[i]);
    }
    assert_int_equal(status_of(&w.servers[0]).connected, 1); /* its time is over too, but it has spoken */
    world_end(&w);
}

static void newcomers_are_bounded_and_give_way(void **state)
{
    (void)state;
    struct world w;
    struct net_client silent[3];
    struct net_client c;
    struct peers_options options = default_options(5);
    options.newcomers_max = 2;
    world_begin(&w, high_raw);
    struct server *s = &w.servers[SELF];
    server_new(s, options);
    peers_open(s->p);
    assert_true(net_run_until(&w.loop, is_open, s));
    net_connect(&silent[0], &w.loop, s->election.port);
    net_connect(&silent[1], &w.loop, s->election.port);
    wait_connected(s, 0, 2);
    net_connect(&silent[2], &w.loop, s->election.port);
    assert_true(net_wait_end(&silent[2]));
    assert_false(silent[0].ended);
    /* After a second the oldest one makes room. */
    for (bool is_in = false; !is_in;) {
        say_hello(&c, s, 8, "127.0.0.1:1");
        settle(&w);
        is_in = status_of(s).connected == 1;
        if (!is_in)
            net_close(&c);
    }
    assert_true(net_wait_end(&silent[0]));
    net_close(&c);
    for (size_t i = 0; i < 3; i++)
        net_close(&silent[i]);
    world_end(&w);
}

struct bad_beginning {
    const char *what;
    const char *bytes;
    size_t len;
};

#define BAD(what, bytes)               \
    {                                  \
        what, bytes, sizeof(bytes) - 1 \
    }

static void who_begins_with_nonsense_is_closed(void **state)
{
    (void)state;
    static const struct bad_beginning bad[] = {
        BAD("another form", "\xff\xff\xff\xff\xff\xff\0\2\0\0\0\0\0\0\0\2\0\0\0\x0b"
                            "127.0.0.1:1"),
        BAD("no address", "\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0\0\2\0\0\0\0"),
        BAD("a negative length", "\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0\0\2\xff\xff\xff\xff"),
        BAD("too long", "\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0\0\2\0\0\x08\1"),
        BAD("no port", "\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0\0\2\0\0\0\3abc"),
        BAD("one's own id", "\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0\0\5\0\0\0\x0b"
                            "127.0.0.1:1"),
        BAD("the id of nobody", "\xff\xff\xff\xff\xff\xff\0\0\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\x0b"
                                "127.0.0.1:1"),
        BAD("a negative id", "\xff\xff\xff\xff\xff\xff\0\0\x80\0\0\0\0\0\0\2\0\0\0\x0b"
                             "127.0.0.1:1"),
    };
    struct world w;
    struct net_client good;
    begin(&w, high_raw);
    say_hello(&good, &w.servers[SELF], 8, raw_address(&w));
    wait_connected(&w.servers[SELF], 1, 0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct net_client c;
        net_connect(&c, &w.loop, w.servers[SELF].election.port);
        net_send(&c, bad[i].bytes, bad[i].len);
        if (!net_wait_end(&c))
            fail_msg("%s was taken", bad[i].what);
        net_close(&c);
    }
    net_send_frame(&good, "still here", 10);
    wait_heard(&w.servers[SELF], 8, "still here");
    net_close(&good);
    world_end(&w);
}

static void a_frame_of_an_impossible_length_ends_the_connection(void **state)
{
    (void)state;
    static const char *const lengths[] = {"\0\0\0\0", "\0\x08\0\1", "\xff\xff\xff\xff", "\x7f\xff\xff\xff"};
    struct world w;
    begin(&w, high_raw);
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct net_client c;
        say_hello(&c, &w.servers[SELF], 8, raw_address(&w));
        net_send_frame(&c, "good", 4);
        net_send(&c, lengths[i], 4);
        assert_true(net_wait_end(&c));
        assert_int_equal(w.servers[SELF].count[8], i + 1);
        wait_connected(&w.servers[SELF], 0, 0);
        net_close(&c);
    }
    world_end(&w);
}

static void bytes_may_come_one_by_one(void **state)
{
    (void)state;
    struct world w;
    struct net_client c;
    struct buffer all = {0};
    struct writer writer = writer_to(&all);
    const struct hello hello = {8, BYTES("127.0.0.1:1")};
    begin(&w, high_raw);
    hello_encode(&writer, &hello);
    election_frame_encode(&writer, BYTES("first"));
    election_frame_encode(&writer, BYTES("second"));
    net_connect(&c, &w.loop, w.servers[SELF].election.port);
    for (size_t i = 0; i < all.len; i++) {
        net_send(&c, all.data + i, 1);
        world_turn(&w, 3);
    }
    wait_heard(&w.servers[SELF], 8, "second");
    assert_int_equal(w.servers[SELF].count[8], 2);
    buffer_free(&all);
    net_close(&c);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_bytes_are_those_of_the_reference),
        cmocka_unit_test(a_smaller_server_is_called_and_the_connection_stays),
        cmocka_unit_test(a_larger_server_is_made_to_call),
        cmocka_unit_test(a_larger_server_that_does_not_call_is_asked_again),
        cmocka_unit_test(a_smaller_server_that_calls_is_called_back),
        cmocka_unit_test(it_is_called_back_where_it_says_it_is),
        cmocka_unit_test(the_oldest_form_is_called_back_where_it_is_configured),
        cmocka_unit_test(a_stranger_is_called_back_and_told),
        cmocka_unit_test(strangers_are_bounded),
        cmocka_unit_test(the_last_frame_is_told_again_on_a_new_connection),
        cmocka_unit_test(a_broken_connection_waits_for_the_next_frame),
        cmocka_unit_test(who_is_silent_keeps_nobody_waiting),
        cmocka_unit_test(newcomers_are_bounded_and_give_way),
        cmocka_unit_test(who_begins_with_nonsense_is_closed),
        cmocka_unit_test(a_frame_of_an_impossible_length_ends_the_connection),
        cmocka_unit_test(bytes_may_come_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
