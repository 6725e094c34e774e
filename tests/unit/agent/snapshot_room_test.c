/* snapshot_room_test.c - pieces of snapshots go out as fast as their links take them, and at a pace while clients
 * write. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "agent/peers/snapshot_room.h"

#include "tests/support/failing_memory.h"
#include "tests/support/test.h"

enum { PIECE = 32 * 1024, RATE = 100 * 1000 * 1000 };

/* -- the pace ----------------------------------------------------------------------------------------------------- */

/* Bytes that go out in `us`, asked for again whenever it says that it is time. */
static uint64_t bytes_in(struct pace *p, int64_t us, size_t piece)
{
    const int64_t began_us = p->at_us;
    uint64_t sent = 0;
    for (int64_t now_us = began_us; now_us < began_us + us;) {
        int64_t wait_us = pace_wait_us(p, now_us);
        if (wait_us == 0) {
            pace_spend(p, piece);
            sent += piece;
        }
        assert_true(wait_us >= 0 && wait_us <= us);
        now_us += wait_us;
    }
    return sent;
}

static void it_keeps_to_the_rate(void **state)
{
    (void)state;
    const size_t pieces[] = {PIECE, 1, 1024 * 1024};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct pace p = {.rate = RATE, .at_us = 5000000};
        uint64_t sent = bytes_in(&p, 1000000, pieces[i]);
        assert_in_range(sent, RATE / 100 * 98, RATE / 100 * 102);
    }
}

static void without_a_rate_it_never_waits(void **state)
{
    (void)state;
    struct pace p = {.rate = 0};
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(pace_wait_us(&p, 1), 0);
        pace_spend(&p, PIECE);
    }
}

static void what_was_not_used_is_a_small_burst(void **state)
{
    (void)state;
    struct pace p = {.rate = RATE};
    uint64_t burst = 0;
    while (pace_wait_us(&p, INT64_C(3600) * 1000000) == 0) {
        pace_spend(&p, PIECE);
        burst += PIECE;
    }
    assert_in_range(burst, PIECE, RATE / 100);
}

static void what_went_out_freely_is_not_paid_back_for_long(void **state)
{
    (void)state;
    struct pace p = {.rate = RATE};
    for (int i = 0; i < 100000; i++)
        pace_spend(&p, PIECE);
    assert_in_range(pace_wait_us(&p, 1), 1, 100000);
}

static void a_slow_rate_is_a_rate(void **state)
{
    (void)state;
    struct pace p = {.rate = 1};
    assert_in_range(bytes_in(&p, 100000000, 1), 98, 102);
}

/* Or those that catch up never would. */
static void it_outruns_the_writers(void **state)
{
    enum { WRITTEN_A_TURN = 5000, TURN_US = 1000, TURNS = 5000, LINKS = 3 };
    (void)state;
    struct pace p = {.rate = 1000};
    uint64_t sent = 0, written = 0;
    for (uint64_t turn = 1; turn <= TURNS; turn++) {
        const int64_t now_us = (int64_t)turn * TURN_US;
        written += WRITTEN_A_TURN;
        pace_heed(&p, written, LINKS, now_us);
        for (; pace_wait_us(&p, now_us) == 0; sent += PIECE)
            pace_spend(&p, PIECE);
    }
    assert_in_range(sent, written * LINKS * 3 / 2, written * LINKS * 5 / 2);
    pace_heed(&p, written, LINKS, TURNS * TURN_US + 1000000);
    assert_in_range(bytes_in(&p, 100000000, 1), 98000, 102000); /* they have ended */
}

static void years_of_writes_are_no_burst(void **state)
{
    const int64_t year_us = INT64_C(365) * 24 * 3600 * 1000000;
    (void)state;
    struct pace p = {.rate = 1000};
    pace_heed(&p, (uint64_t)year_us * 5, 1, year_us); /* 5 MB/s */
    assert_in_range(p.rate_least, 9900000, 10100000);
}

static void the_fastest_rate_is_one(void **state)
{
    (void)state;
    struct pace p = {.rate = PACE_RATE_MAX};
    assert_in_range(bytes_in(&p, 10000, 100000000), UINT64_C(9000000000), UINT64_C(20000000000));
}

/* -- the links ---------------------------------------------------------------------------------------------------- */

struct fixture {
    uv_loop_t loop;
    struct snapshot_room room;
    uint64_t full; /* the link without room; 0: none */
    unsigned turns;
    bool closed;
    uint64_t links[SNAPSHOT_ROOM_TURN];
};

static void count_turn(void *context)
{
    struct fixture *f = context;
    f->turns++;
}

static bool has_room(void *context, uint64_t link)
{
    const struct fixture *f = context;
    return link != f->full;
}

static void set_up(struct fixture *f, uint64_t rate)
{
    *f = (struct fixture){.full = 0};
    assert_int_equal(uv_loop_init(&f->loop), 0);
    snapshot_room_open(&f->room, &f->loop, rate, count_turn, f);
}

static void on_closed(void *context)
{
    struct fixture *f = context;
    f->closed = true;
}

static void tear_down(struct fixture *f)
{
    snapshot_room_close(&f->room, on_closed);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_true(f->closed);
    assert_int_equal(uv_loop_close(&f->loop), 0);
}

static size_t take(struct fixture *f, uint64_t written)
{
    return snapshot_room_take(&f->room, written, has_room, f->links);
}

static void those_with_room_go_on_and_the_others_wait(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, 0);
    assert_int_equal(take(&f, 1), 0);
    for (uint64_t link = 1; link <= 3; link++)
        assert_int_equal(snapshot_room_want(&f.room, link), ST_OK);
    f.full = 2;
    assert_int_equal(take(&f, 1), 2);
    assert_int_equal(f.links[0], 1);
    assert_int_equal(f.links[1], 3);
    assert_int_equal(take(&f, 1), 0);
    f.full = 0;
    assert_int_equal(take(&f, 1), 1);
    assert_int_equal(f.links[0], 2);
    tear_down(&f);
}

static void a_link_that_is_gone_is_forgotten(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, 0);
    for (uint64_t link = 1; link <= 3; link++)
        assert_int_equal(snapshot_room_want(&f.room, link), ST_OK);
    snapshot_room_forget(&f.room, 1);
    snapshot_room_forget(&f.room, 7);
    assert_int_equal(take(&f, 1), 2);
    assert_int_equal(snapshot_room_want(&f.room, 4), ST_OK);
    snapshot_room_forget_all(&f.room);
    assert_int_equal(take(&f, 1), 0);
    tear_down(&f);
}

static void however_many_there_are_each_has_its_turn(void **state)
{
    (void)state;
    enum { MANY = SNAPSHOT_ROOM_TURN * 20 + 1 };
    struct fixture f;
    set_up(&f, 0);
    for (uint64_t link = 1; link <= MANY; link++)
        assert_int_equal(snapshot_room_want(&f.room, link), ST_OK);
    for (uint64_t next = 1; next <= MANY;) {
        size_t taken = take(&f, 1);
        assert_int_equal(taken, next == MANY ? 1 : SNAPSHOT_ROOM_TURN);
        for (size_t i = 0; i < taken; i++)
            assert_int_equal(f.links[i], next++);
    }
    assert_int_equal(f.turns, MANY / SNAPSHOT_ROOM_TURN);
    tear_down(&f);
}

static void without_memory_a_link_does_not_wait(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, 0);
    memory_fail_after(0);
    enum status st = snapshot_room_want(&f.room, 1);
    memory_fail_after(-1);
    assert_int_equal(st, ST_NO_MEMORY);
    assert_int_equal(take(&f, 1), 0);
    tear_down(&f);
}

/* A timer brings the turn in which it is time again. */
static void while_clients_write_all_keep_to_the_pace(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, RATE);
    uint64_t written = 1;
    size_t pieces = 0;
    const uint64_t began_ns = uv_hrtime();
    while (pieces < 200) {
        assert_true(f.room.count > 0 || snapshot_room_want(&f.room, 1) == ST_OK);
        size_t taken = take(&f, written++);
        pieces += taken;
        for (size_t i = 0; i < taken; i++)
            snapshot_room_spend(&f.room, PIECE);
        if (taken == 0)
            uv_run(&f.loop, UV_RUN_ONCE);
    }
    const uint64_t least_ns = (uint64_t)(200 - 20) * PIECE * 1000000000 / RATE;
    assert_true(uv_hrtime() - began_ns >= least_ns);
    assert_true(f.turns > 0);
    tear_down(&f);
}

static void while_nobody_writes_nothing_waits(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, 1000);
    f.room.written = 7; /* long ago */
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(snapshot_room_want(&f.room, 1), ST_OK);
        assert_int_equal(take(&f, 7), 1);
        snapshot_room_spend(&f.room, PIECE);
    }
    assert_int_equal(f.turns, 0);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_keeps_to_the_rate),
        cmocka_unit_test(without_a_rate_it_never_waits),
        cmocka_unit_test(what_was_not_used_is_a_small_burst),
        cmocka_unit_test(what_went_out_freely_is_not_paid_back_for_long),
        cmocka_unit_test(a_slow_rate_is_a_rate),
        cmocka_unit_test(the_fastest_rate_is_one),
        cmocka_unit_test(it_outruns_the_writers),
        cmocka_unit_test(years_of_writes_are_no_burst),
        cmocka_unit_test(those_with_room_go_on_and_the_others_wait),
        cmocka_unit_test(a_link_that_is_gone_is_forgotten),
        cmocka_unit_test(however_many_there_are_each_has_its_turn),
        cmocka_unit_test(without_memory_a_link_does_not_wait),
        cmocka_unit_test(while_clients_write_all_keep_to_the_pace),
        cmocka_unit_test(while_nobody_writes_nothing_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
