/* pump_test.c - what one turn brings is one batch: log first, then each door, then persistence's slice. */
#include "agent/pump.h"

#include "tests/support/net.h"
#include "tests/unit/agent/fake_replica.h"

#include <stdlib.h>

/* A door that notes what it is told, one letter for each call. */
struct door {
    struct pump *pump;
    uint32_t number;
    char told[256];
    size_t len;
    uint32_t works; /* how often `work` wants another turn */
    bool feeds_in_work;
    uint64_t client;
};

static void tell(struct door *d, char what)
{
    assert_true(d->len < sizeof d->told - 1);
    d->told[d->len++] = what;
    d->told[d->len] = '\0';
}

static void control(void *context, uint64_t client, enum outbox_kind kind)
{
    (void)client;
    tell(context, kind == OUTBOX_PAUSE ? 'p' : kind == OUTBOX_RESUME ? 'r' : 'c');
}

static void deliver(void *context, const struct outbox_item *item, const uint8_t *bytes)
{
    tell(context, item->kind == OUTBOX_BYTES ? (char)bytes[4] : 'C');
}

static void flush(void *context)
{
    struct door *d = context;
    tell(d, fake.appends > 0 ? '!' : '|'); /* after the log, or without one */
}

static void feed(struct door *d, const char *frame)
{
    struct replica_event event = {.kind = REPLICA_FRAME, .client = d->client, .frame = bytes_of(frame)};
    assert_true(pump_feed(d->pump, &event));
}

static bool work(void *context)
{
    struct door *d = context;
    tell(d, 'W');
    if (d->feeds_in_work)
        feed(d, "ework");
    if (d->works == 0)
        return false;
    d->works--;
    return true;
}

static void abandon(void *context)
{
    struct door *d = context;
    tell(d, 'A');
    pump_remove_door(d->pump, d->number);
}

struct fixture {
    uv_loop_t loop;
    struct pump *pump;
    struct door door;
    enum status failed_with;
};

static void on_failed(void *context, enum status status)
{
    struct fixture *f = context;
    f->failed_with = status;
}

static void on_audited(void *context, struct bytes lines)
{
    struct fixture *f = context;
    for (size_t i = 0; i < lines.len; i += 5)
        tell(&f->door, 'L');
}

static struct fixture *fixture_new(void)
{
    struct fixture *f = calloc(1, sizeof *f);
    fake_reset();
    assert_non_null(f);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    const struct pump_parts parts = {&f->loop, fake_replica(), NULL, NULL, NULL, on_failed, f, on_audited};
    assert_int_equal(pump_new(&f->pump, &parts), ST_OK);
    f->door.pump = f->pump;
    const struct pump_door door = {&f->door, control, deliver, flush, work, abandon};
    f->door.number = pump_add_door(f->pump, &door);
    pump_start(f->pump);
    f->door.client = pump_client_number(f->pump, f->door.number);
    struct replica_event event = {.kind = REPLICA_CONNECTED, .client = f->door.client};
    assert_true(pump_feed(f->pump, &event));
    return f;
}

static void fixture_free(struct fixture *f)
{
    pump_close(f->pump);
    assert_true(net_finish(&f->loop));
    free(f);
    fake_reset();
}

static void turn(struct fixture *f)
{
    uv_run(&f->loop, UV_RUN_NOWAIT);
}

static void effects_of_a_turn_are_one_batch(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    assert_int_equal(fake.starts, 1);
    feed(&f->door, "e1");
    feed(&f->door, "e2");
    assert_string_equal(f->door.told, "");
    assert_true(pump_waiting_bytes(f->pump) > 0);
    turn(f);
    assert_string_equal(f->door.told, "e|"); /* joined to one piece */
    assert_int_equal(pump_waiting_bytes(f->pump), 0);
    turn(f);
    assert_string_equal(f->door.told, "e|");
    assert_true(pump_is_idle(f->pump));
    fixture_free(f);
}

static void the_log_is_handed_over_before_anything_is_delivered(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    feed(&f->door, "l1");
    feed(&f->door, "e2");
    feed(&f->door, "l3");
    turn(f);
    assert_string_equal(f->door.told, "e!");
    assert_int_equal(fake.appends, 1);
    assert_int_equal(fake.appended_txns, 2);
    assert_true(pump_feed_plain(f->pump, REPLICA_LOGGED, 0));
    turn(f);
    assert_string_equal(f->door.told, "e!l!");
    assert_int_equal(fake.appends, 1);
    fixture_free(f);
}

static void audit_lines_are_handed_on_once_before_the_clients_hear(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    feed(&f->door, "a1");
    feed(&f->door, "e2");
    feed(&f->door, "a3");
    turn(f);
    assert_string_equal(f->door.told, "LLa|");
    feed(&f->door, "e4");
    turn(f);
    assert_string_equal(f->door.told, "LLa|e|");
    fixture_free(f);
}

static void pauses_and_ends_are_told_at_once_and_ends_again_in_order(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    feed(&f->door, "p1");
    assert_string_equal(f->door.told, "p");
    assert_true(pump_feed_plain(f->pump, REPLICA_LOGGED, (int64_t)f->door.client));
    assert_string_equal(f->door.told, "pr");
    feed(&f->door, "q1");
    assert_string_equal(f->door.told, "prc");
    turn(f);
    assert_string_equal(f->door.told, "prcpqC|");
    fixture_free(f);
}

static void a_door_that_has_work_gets_turns_until_it_is_done(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    f->door.works = 2;
    f->door.feeds_in_work = true;
    pump_wake(f->pump);
    for (int i = 0; i < 4; i++)
        uv_run(&f->loop, UV_RUN_ONCE); /* must not block */
    assert_string_equal(f->door.told, "|We|We|We|");
    fixture_free(f);
}

static void persistence_gets_the_turns_that_it_wants(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    turn(f);
    uint32_t before = fake.turns;
    fake.turns_wanted = 5;
    turn(f);
    while (fake.turns_wanted > 0)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_true(fake.turns >= before + 5);
    fixture_free(f);
}

/* Handed over by a timer, say: nothing else need come that would end the turn. */
static void the_loop_does_not_block_before_an_errand(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    turn(f);
    fake.errand_due = true;
    for (int i = 0; i < 4; i++)
        uv_run(&f->loop, UV_RUN_ONCE); /* must not block */
    fake.errand_due = false;
    fixture_free(f);
}

static bool has_ticked(void *context)
{
    (void)context;
    return fake.ticks > 0;
}

static void the_replica_is_woken_when_it_wants(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    fake.wake_us = pump_now_us(f->pump) + 20000;
    feed(&f->door, "e1");
    assert_true(net_run_until(&f->loop, has_ticked, NULL));
    assert_int_equal(fake.ticks, 1);
    assert_true(pump_now_us(f->pump) > 0);
    fixture_free(f);
}

static void without_memory_nothing_is_stepped_any_more(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    fake.step_status = ST_NO_MEMORY;
    struct replica_event event = {.kind = REPLICA_FRAME, .client = f->door.client, .frame = BYTES("e")};
    assert_false(pump_feed(f->pump, &event));
    assert_int_equal(f->failed_with, ST_NO_MEMORY);
    fake.step_status = ST_OK;
    assert_false(pump_feed(f->pump, &event));
    assert_int_equal(fake.frames, 1);
    turn(f);
    assert_string_equal(f->door.told, "");
    fixture_free(f);
}

static void a_log_that_takes_nothing_ends_it_too(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    fake.append_status = ST_NO_MEMORY;
    feed(&f->door, "l");
    turn(f);
    assert_int_equal(f->failed_with, ST_NO_MEMORY);
    assert_string_equal(f->door.told, "");
    fixture_free(f);
}

static void a_door_that_was_removed_is_called_no_more(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    feed(&f->door, "e1");
    pump_remove_door(f->pump, f->door.number);
    turn(f);
    assert_string_equal(f->door.told, "");
    fixture_free(f);
}

static void doors_that_are_left_are_abandoned(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    feed(&f->door, "e1");
    pump_close(f->pump);
    assert_string_equal(f->door.told, "A");
    assert_true(net_finish(&f->loop));
    free(f);
    fake_reset();
}

static void client_numbers_tell_the_doors_apart(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    struct door other = {.pump = f->pump};
    const struct pump_door door = {&other, control, deliver, flush, work, abandon};
    other.number = pump_add_door(f->pump, &door);
    other.client = pump_client_number(f->pump, other.number);
    assert_true(other.client != f->door.client && other.client != 0 && f->door.client != 0);
    struct replica_event event = {.kind = REPLICA_CONNECTED, .client = other.client};
    assert_true(pump_feed(f->pump, &event));
    feed(&other, "e");
    pump_flush(f->pump);
    assert_string_equal(other.told, "e|");
    assert_string_equal(f->door.told, "|");
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(effects_of_a_turn_are_one_batch),
        cmocka_unit_test(the_log_is_handed_over_before_anything_is_delivered),
        cmocka_unit_test(audit_lines_are_handed_on_once_before_the_clients_hear),
        cmocka_unit_test(pauses_and_ends_are_told_at_once_and_ends_again_in_order),
        cmocka_unit_test(a_door_that_has_work_gets_turns_until_it_is_done),
        cmocka_unit_test(persistence_gets_the_turns_that_it_wants),
        cmocka_unit_test(the_loop_does_not_block_before_an_errand),
        cmocka_unit_test(the_replica_is_woken_when_it_wants),
        cmocka_unit_test(without_memory_nothing_is_stepped_any_more),
        cmocka_unit_test(a_log_that_takes_nothing_ends_it_too),
        cmocka_unit_test(a_door_that_was_removed_is_called_no_more),
        cmocka_unit_test(doors_that_are_left_are_abandoned),
        cmocka_unit_test(client_numbers_tell_the_doors_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
