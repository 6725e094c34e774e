/* Whatever recovery may need stays, beyond it what fits size or age. */
#include "core/store/retention.h"
#include "tests/support/test.h"

static struct retention_file logs[8], snapshots[8];

static void make(struct retention_file *files, size_t count, const int64_t *zxids)
{
    for (size_t i = 0; i < count; i++)
        files[i] = (struct retention_file){.zxid = zxids[i], .size = 100, .age_ms = 1000, .whole = true};
}

/* Which are removed, as a number of bits, the first file the lowest. */
static unsigned removed(const struct retention_file *files, size_t count)
{
    unsigned bits = 0;
    for (size_t i = 0; i < count; i++)
        bits |= (unsigned)files[i].remove << i;
    return bits;
}

static const int64_t log_zxids[] = {1, 101, 201, 301, 401, 501};
static const int64_t snapshot_zxids[] = {50, 150, 250, 350, 450};
static const struct retention_settings nothing_more = {0, 0, 3};

static void decide(const struct retention_settings *settings, int64_t checkpoint_zxid, size_t snapshot_count)
{
    retention_decide(settings, checkpoint_zxid, logs, 6, snapshots, snapshot_count);
}

static void set_up(void)
{
    make(logs, 6, log_zxids);
    make(snapshots, 5, snapshot_zxids);
}

static void the_oldest_kept_snapshot_decides(void **state)
{
    (void)state;
    set_up();
    decide(&nothing_more, 480, 5);
    assert_int_equal(removed(snapshots, 5), 0x3); /* 250, 350 and 450 stay */
    assert_int_equal(removed(logs, 6), 0x3);      /* 201.. holds 251 */
    decide(&(struct retention_settings){0, 0, 1}, 480, 5);
    assert_int_equal(removed(snapshots, 5), 0x3); /* never fewer than three */
    decide(&(struct retention_settings){0, 0, 5}, 480, 5);
    assert_int_equal(removed(snapshots, 5), 0);
    assert_int_equal(removed(logs, 6), 0);
}

static void an_older_checkpoint_decides(void **state)
{
    (void)state;
    set_up();
    decide(&nothing_more, 120, 5);
    assert_int_equal(removed(logs, 6), 0x1);
    decide(&nothing_more, 100, 5); /* 101 is the next one needed */
    assert_int_equal(removed(logs, 6), 0x1);
    decide(&nothing_more, 99, 5);
    assert_int_equal(removed(logs, 6), 0);
    decide(&nothing_more, 505, 0); /* no snapshot */
    assert_int_equal(removed(logs, 6), 0x1f);
}

static void without_a_base_nothing_goes(void **state)
{
    (void)state;
    set_up();
    decide(&nothing_more, -1, 0);
    assert_int_equal(removed(logs, 6), 0);
    for (size_t i = 0; i < 5; i++)
        snapshots[i].whole = false;
    decide(&nothing_more, -1, 5);
    assert_int_equal(removed(logs, 6), 0);
    assert_int_equal(removed(snapshots, 5), 0);
    retention_decide(&nothing_more, 5, logs, 0, snapshots, 0);
}

static void unfinished_snapshots_count_for_nothing(void **state)
{
    (void)state;
    set_up();
    snapshots[2].whole = snapshots[4].whole = false;
    decide(&nothing_more, -1, 5);
    assert_int_equal(removed(snapshots, 5), 0x4); /* 450 has no newer one that is whole */
    assert_int_equal(removed(logs, 6), 0);        /* 50, 150 and 350 stay */
}

static void size_and_age_both_bound_what_is_kept(void **state)
{
    (void)state;
    set_up();
    decide(&(struct retention_settings){100, 1000, 3}, 480, 5);
    assert_int_equal(removed(logs, 6), 0x1);
    decide(&(struct retention_settings){100, 999, 3}, 480, 5);
    assert_int_equal(removed(logs, 6), 0x3); /* it fits the size, but is too old */
    decide(&(struct retention_settings){1000, 1000, 3}, 480, 5);
    assert_int_equal(removed(logs, 6), 0);
    logs[1].age_ms = 5000; /* what is before one that goes, goes */
    decide(&(struct retention_settings){1000, 2000, 3}, 480, 5);
    assert_int_equal(removed(logs, 6), 0x3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_kept_snapshot_decides),
        cmocka_unit_test(an_older_checkpoint_decides),
        cmocka_unit_test(without_a_base_nothing_goes),
        cmocka_unit_test(unfinished_snapshots_count_for_nothing),
        cmocka_unit_test(size_and_age_both_bound_what_is_kept),
    };
    return cmocka_run_group_tests_name("retention", tests, NULL, NULL);
}
