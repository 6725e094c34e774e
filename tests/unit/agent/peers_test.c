/* peers_test.c - servers tell each other: in every order of starting and of ids, the newest and nothing twice. */
#include "tests/unit/agent/peers_fixture.h"

/* Each in turn starts and tells all others; those that are not there yet hear it when they come. */
static void all_hear_all(const int *sids, const size_t *order, bool at_once)
{
    struct world w;
    world_begin(&w, sids);
    for (size_t i = 0; i < w.count; i++) {
        struct server *s = &w.servers[order[i]];
        server_start(s);
        for (size_t k = 0; k < w.count; k++)
            if (&w.servers[k] != s)
                peers_notify(s->p, w.servers[k].sid, BYTES("hello"));
        if (!at_once)
            world_turn(&w, 20);
    }
    for (size_t i = 0; i < w.count; i++)
        for (size_t k = 0; k < w.count; k++)
            if (i != k)
                wait_heard(&w.servers[i], w.servers[k].sid, "hello");
    for (size_t i = 0; i < w.count; i++)
        wait_connected(&w.servers[i], (uint32_t)w.count - 1, 0);
    world_end(&w);
}

static void two_meet_in_every_order(void **state)
{
    (void)state;
    static const int sids[][3] = {{1, 2, -1}, {2, 1, -1}};
    static const size_t order[] = {0, 1};
    for (size_t i = 0; i < 2; i++) {
        all_hear_all(sids[i], order, false);
        all_hear_all(sids[i], order, true);
    }
}

static void three_meet_in_every_order(void **state)
{
    (void)state;
    static const int sids[] = {1, 2, 3, -1};
    static const size_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (size_t i = 0; i < 6; i++) {
        all_hear_all(sids, orders[i], false);
        all_hear_all(sids, orders[i], true);
    }
}

static void either_side_may_be_the_only_one_that_speaks(void **state)
{
    (void)state;
    static const int sids[] = {1, 2, -1};
    for (size_t speaker = 0; speaker < 2; speaker++) {
        struct world w;
        world_begin(&w, sids);
        struct server *s = &w.servers[speaker];
        struct server *other = &w.servers[1 - speaker];
        server_start(&w.servers[0]);
        server_start(&w.servers[1]);
        other->answers = true;
        peers_notify(s->p, other->sid, BYTES("first"));
        wait_heard(other, s->sid, "first");
        wait_heard(s, other->sid, "again");
        for (int i = 0; i < 20; i++) {
            char text[24];
            (void)snprintf(text, sizeof text, "more %d", i);
            peers_notify(s->p, other->sid, bytes_of(text));
            wait_heard(other, s->sid, text);
        }
        world_end(&w);
    }
}

static void the_newest_takes_the_place_of_what_waits(void **state)
{
    (void)state;
    static const int sids[] = {2, 1, -1};
    struct world w;
    world_begin(&w, sids);
    server_start(&w.servers[0]);
    server_start(&w.servers[1]);
    peers_notify(w.servers[0].p, 1, BYTES("a"));
    peers_notify(w.servers[0].p, 1, BYTES("b"));
    peers_notify(w.servers[0].p, 1, BYTES("c"));
    wait_heard(&w.servers[1], 2, "c");
    assert_int_equal(w.servers[1].count[2], 1);
    peers_notify(w.servers[0].p, 1, BYTES("d"));
    peers_notify(w.servers[0].p, 1, BYTES("e"));
    wait_heard(&w.servers[1], 2, "e");
    assert_int_equal(w.servers[1].count[2], 2);
    world_end(&w);
}

static void what_one_tells_oneself_comes_in_the_next_turn(void **state)
{
    (void)state;
    static const int sids[] = {1, -1};
    struct world w;
    world_begin(&w, sids);
    struct server *s = &w.servers[0];
    server_new(s, default_options(1));
    peers_notify(s->p, 1, BYTES("a"));
    peers_notify(s->p, 1, BYTES("b"));
    assert_int_equal(s->count[1], 0);
    wait_heard(s, 1, "b");
    assert_int_equal(s->count[1], 2);
    for (int i = 0; i < 150; i++)
        peers_notify(s->p, 1, BYTES("c"));
    peers_notify(s->p, 1, BYTES("d"));
    wait_heard(s, 1, "d");
    assert_int_equal(s->count[1], 102); /* the oldest had to give way */
    world_end(&w);
}

static bool is_long(void *context)
{
    const struct server *s = context;
    return s->last[2].len == ELECTION_FRAME_MAX;
}

static void the_longest_frames_pass_both_ways(void **state)
{
    (void)state;
    static const int sids[] = {1, 2, -1};
    struct world w;
    static uint8_t frame[ELECTION_FRAME_MAX];
    world_begin(&w, sids);
    server_start(&w.servers[0]);
    server_start(&w.servers[1]);
    for (size_t i = 0; i < sizeof frame; i++)
        frame[i] = (uint8_t)(i % 253);
    peers_notify(w.servers[1].p, 1, bytes_make(frame, sizeof frame));
    assert_true(net_run_until(&w.loop, is_long, &w.servers[0]));
    assert_memory_equal(w.servers[0].last[2].data, frame, sizeof frame);
    peers_notify(w.servers[0].p, 2, BYTES("short"));
    wait_heard(&w.servers[1], 1, "short");
    world_end(&w);
}

static void a_server_that_comes_back_is_told_again(void **state)
{
    (void)state;
    static const int sids[] = {1, 2, -1};
    for (size_t restarted = 0; restarted < 2; restarted++) {
        struct world w;
        world_begin(&w, sids);
        struct server *s = &w.servers[restarted];
        struct server *other = &w.servers[1 - restarted];
        server_start(s);
        server_start(other);
        other->answers = true;
        peers_notify(s->p, other->sid, BYTES("one"));
        wait_heard(s, other->sid, "again");
        server_stop(s);
        wait_connected(other, 0, 0);
        server_start(s);
        other->answers = false;
        s->last[other->sid].len = 0;
        peers_notify(s->p, other->sid, BYTES("two"));
        wait_heard(other, s->sid, "two");
        wait_heard(s, other->sid, "again"); /* though nothing was told since */
        world_end(&w);
    }
}

/* Said once, while nobody listened: whichever of them would keep the connection. */
static void a_server_that_could_not_be_reached_is_tried_again(void **state)
{
    (void)state;
    static const int sids[] = {1, 2, -1};
    for (size_t speaker = 0; speaker < 2; speaker++) {
        struct world w;
        world_begin(&w, sids);
        struct server *s = &w.servers[speaker], *other = &w.servers[1 - speaker];
        server_start(s);
        peers_notify(s->p, other->sid, BYTES("are you there"));
        wait_said(&w, "cannot be reached on its election port");
        server_start(other);
        wait_heard(other, s->sid, "are you there");
        world_end(&w);
    }
}

/* [7.3 3320] */
static void a_name_that_nobody_knows_is_a_server_that_is_down(void **state)
{
    (void)state;
    static const int sids[] = {1, 2, -1};
    struct world w;
    char text[512];
    world_begin(&w, sids);
    struct server *s = &w.servers[0];
    /* Longer than a label may be: found out without asking anybody. */
    (void)snprintf(text, sizeof text, "server.1=127.0.0.1:%u:%u\nserver.2=127.0.0.1:%u:%u\nserver.3=%070d.invalid:1:2",
                   (unsigned)s->quorum.port, (unsigned)s->election.port, (unsigned)w.servers[1].quorum.port,
                   (unsigned)w.servers[1].election.port, 0);
    members_free(w.members);
    w.members = members_of(text, 0);
    server_start(s);
    server_start(&w.servers[1]);
    peers_notify(s->p, 3, BYTES("nobody"));
    uint64_t link = peers_connect(s->p, 3);
    peers_notify(s->p, 2, BYTES("somebody"));
    wait_heard(&w.servers[1], 1, "somebody");
    wait_true(&w, &link_seen(s, link)->closed);
    peers_notify(s->p, 3, BYTES("nobody"));
    world_end(&w); /* while it is looked up */
}

static bool has_failed(void *context)
{
    const struct server *s = context;
    return s->told[PEERS_ELECTION] > 0;
}

static void a_port_that_is_taken_is_told_and_tried_again(void **state)
{
    (void)state;
    static const int sids[] = {1, -1};
    struct world w;
    world_begin(&w, sids);
    struct server *s = &w.servers[0];
    port_listen(&s->election);
    server_new(s, default_options(1));
    peers_open(s->p);
    assert_int_equal(s->told[PEERS_ELECTION], 0);
    assert_true(net_run_until(&w.loop, has_failed, s));
    assert_int_equal(s->listening[PEERS_ELECTION], ST_BUSY);
    assert_false(peers_is_listening(s->p, PEERS_ELECTION));
    close(s->election.fd);
    s->election.fd = dup(s->quorum.fd);
    assert_true(net_run_until(&w.loop, is_open, s));
    assert_int_equal(s->listening[PEERS_ELECTION], ST_OK);
    assert_int_equal(s->told[PEERS_ELECTION], 2);
    world_end(&w);
}

/* [7.3 3320] */
static void an_own_name_that_nobody_knows_is_told(void **state)
{
    (void)state;
    static const int sids[] = {1, -1};
    static char name[128];
    struct world w;
    world_begin(&w, sids);
    struct server *s = &w.servers[0];
    members_free(w.members);
    w.members = members_of("server.2=127.0.0.1:1:2", 0);
    (void)snprintf(name, sizeof name, "%070d.invalid", 0);
    w.host = name;
    server_new(s, default_options(1));
    peers_open(s->p);
    assert_true(net_run_until(&w.loop, has_failed, s));
    assert_int_equal(s->listening[PEERS_ELECTION], ST_NOT_FOUND);
    world_end(&w);
}

static void an_own_name_is_looked_up(void **state)
{
    (void)state;
    static const int sids[] = {1, 2, -1};
    struct world w;
    world_begin(&w, sids);
    members_free(w.members);
    w.host = "localhost";
    w.members = world_members(&w, 0, 2);
    server_start(&w.servers[0]);
    server_start(&w.servers[1]);
    peers_notify(w.servers[0].p, 2, BYTES("by name"));
    wait_heard(&w.servers[1], 1, "by name");
    world_end(&w);
}

static void all_addresses_are_listened_on(void **state)
{
    (void)state;
    static const int sids[] = {1, 2, -1};
    struct world w;
    world_begin(&w, sids);
    struct server *s = &w.servers[0];
    struct peers_options options = default_options(1);
    /* Its own name is of no interest then. */
    w.host = "nowhere.invalid";
    struct members *without = world_members(&w, 1, 2);
    struct members *with = w.members;
    w.members = without;
    options.listen_on_all = true;
    server_new(s, options);
    peers_open(s->p);
    assert_true(net_run_until(&w.loop, is_open, s));
    w.members = with;
    w.host = "127.0.0.1";
    assert_int_equal(peers_update(s->p, with, NULL), ST_OK);
    server_start(&w.servers[1]);
    peers_notify(w.servers[1].p, 1, BYTES("a"));
    wait_heard(s, 2, "a");
    members_free(without);
    world_end(&w);
}

static void other_addresses_move_the_port(void **state)
{
    (void)state;
    static const int sids[] = {1, 2, -1};
    struct world w;
    world_begin(&w, sids);
    struct server *s = &w.servers[0];
    server_start(s);
    server_start(&w.servers[1]);
    peers_notify(s->p, 2, BYTES("a"));
    wait_heard(&w.servers[1], 1, "a");
    struct reserved_port former = s->election;
    s->election = port_reserve();
    struct members *moved = world_members(&w, 0, 2);
    assert_int_equal(peers_update(s->p, w.members, NULL), ST_OK); /* nothing new */
    assert_true(peers_is_listening(s->p, PEERS_ELECTION));
    assert_int_equal(peers_update(s->p, moved, NULL), ST_OK);
    assert_int_equal(peers_update(w.servers[1].p, moved, NULL), ST_OK);
    assert_true(net_run_until(&w.loop, is_open, s));
    assert_int_equal(listen(former.fd, 1), 0); /* it is free again */
    assert_int_equal(status_of(s).connected, 1);
    server_stop(&w.servers[1]);
    members_free(w.members);
    w.members = moved;
    server_start(&w.servers[1]);
    peers_notify(w.servers[1].p, 1, BYTES("b"));
    wait_heard(s, 2, "b");
    close(former.fd);
    world_end(&w);
}

static void who_leaves_the_configuration_is_a_stranger(void **state)
{
    (void)state;
    static const int sids[] = {1, 2, 3, -1};
    struct world w;
    world_begin(&w, sids);
    server_start(&w.servers[0]);
    server_start(&w.servers[1]);
    peers_notify(w.servers[0].p, 2, BYTES("a"));
    wait_heard(&w.servers[1], 1, "a");
    struct members *without = world_members(&w, 0, 1);
    assert_int_equal(peers_update(w.servers[0].p, without, NULL), ST_OK);
    assert_int_equal(status_of(&w.servers[0]).strangers, 1); /* 3 is forgotten at once */
    peers_notify(w.servers[0].p, 2, BYTES("b"));
    peers_notify(w.servers[0].p, 3, BYTES("b"));
    wait_heard(&w.servers[1], 1, "b");
    server_stop(&w.servers[1]);
    wait_connected(&w.servers[0], 0, 0);
    assert_int_equal(status_of(&w.servers[0]).strangers, 0);
    members_free(without);
    world_end(&w);
}

/* Before it is committed: its vote is needed for that (quorum-protocol 5.4). */
static void who_is_new_in_a_pending_configuration_is_reached(void **state)
{
    (void)state;
    static const int sids[] = {2, 1, -1};
    struct world w;
    world_begin(&w, sids);
    struct server *s = &w.servers[0];
    struct members *alone = world_members(&w, 0, 1), *both = w.members;
    w.members = alone;
    server_start(s);
    w.members = both;
    server_start(&w.servers[1]);
    assert_int_equal(peers_update(s->p, alone, both), ST_OK);
    assert_int_equal(status_of(s).strangers, 0);
    peers_notify(s->p, 1, BYTES("a"));
    wait_heard(&w.servers[1], 2, "a");
    assert_int_equal(peers_update(s->p, alone, NULL), ST_OK); /* nothing came of it */
    assert_int_equal(status_of(s).strangers, 1);
    members_free(alone);
    world_end(&w);
}

static void who_moves_is_reached_where_it_was_and_where_it_goes(void **state)
{
    (void)state;
    static const int sids[] = {2, 1, -1};
    struct world w;
    world_begin(&w, sids);
    struct server *s = &w.servers[0], *other = &w.servers[1];
    server_start(s);
    server_start(other);
    struct reserved_port former = other->election;
    other->election = port_reserve();
    struct members *moved = world_members(&w, 0, 2);
    assert_int_equal(peers_update(s->p, w.members, moved), ST_OK);
    peers_notify(s->p, 1, BYTES("still there"));
    wait_heard(other, 2, "still there");
    server_stop(other);
    wait_connected(s, 0, 0);
    struct members *before = w.members;
    w.members = moved;
    server_start(other);
    peers_notify(s->p, 1, BYTES("there now"));
    wait_heard(other, 2, "there now");
    members_free(before);
    close(former.fd);
    world_end(&w);
}

static void who_is_named_no_more_stays_where_it_is(void **state)
{
    (void)state;
    static const int sids[] = {1, 2, -1};
    struct world w;
    world_begin(&w, sids);
    struct server *s = &w.servers[0];
    server_start(s);
    struct members *without = world_members(&w, 1, 2);
    assert_int_equal(peers_update(s->p, without, NULL), ST_OK);
    assert_true(peers_is_listening(s->p, PEERS_ELECTION));
    server_start(&w.servers[1]);
    peers_notify(w.servers[1].p, 1, BYTES("a"));
    wait_heard(s, 2, "a");
    members_free(without);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_meet_in_every_order),
        cmocka_unit_test(three_meet_in_every_order),
        cmocka_unit_test(either_side_may_be_the_only_one_that_speaks),
        cmocka_unit_test(the_newest_takes_the_place_of_what_waits),
        cmocka_unit_test(what_one_tells_oneself_comes_in_the_next_turn),
        cmocka_unit_test(the_longest_frames_pass_both_ways),
        cmocka_unit_test(a_server_that_comes_back_is_told_again),
        cmocka_unit_test(a_server_that_could_not_be_reached_is_tried_again),
        cmocka_unit_test(a_name_that_nobody_knows_is_a_server_that_is_down),
        cmocka_unit_test(a_port_that_is_taken_is_told_and_tried_again),
        cmocka_unit_test(an_own_name_that_nobody_knows_is_told),
        cmocka_unit_test(an_own_name_is_looked_up),
        cmocka_unit_test(all_addresses_are_listened_on),
        cmocka_unit_test(other_addresses_move_the_port),
        cmocka_unit_test(who_leaves_the_configuration_is_a_stranger),
        cmocka_unit_test(who_is_new_in_a_pending_configuration_is_reached),
        cmocka_unit_test(who_moves_is_reached_where_it_was_and_where_it_goes),
        cmocka_unit_test(who_is_named_no_more_stays_where_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
