/* The epoch files are written so that the old value or the new one is there, and judged as a member has to. */
#include "core/store/epochs.h"
#include "tests/support/disk_sim.h"
#include "tests/support/test.h"

#define DIR "/data"

static struct disk_sim *new_disk(void)
{
    struct disk_sim *d = disk_sim_new();
    disk_sim_make_dir(d, DIR);
    return d;
}

static enum epochs_verdict judge(struct disk_sim *d, int64_t last_zxid, struct epochs *repaired)
{
    struct epochs e;
    struct findings findings = {0};
    enum epochs_verdict verdict;
    assert_int_equal(epochs_read(disk_sim_io(d), DIR, &e, &findings), ST_OK);
    assert_int_equal(epochs_judge(&e, DIR, last_zxid, &verdict, repaired, &findings), ST_OK);
    assert_int_equal(findings.count, verdict != EPOCHS_SOUND);
    findings_free(&findings);
    return verdict;
}

static void verdicts(void **state)
{
    (void)state;
    struct disk_sim *d = new_disk();
    struct epochs e;
    assert_int_equal(judge(d, 0x300000005, &e), EPOCHS_MISSING);
    assert_int_equal(e.current, 3);
    assert_int_equal(e.accepted, 3);
    disk_sim_put(d, DIR "/currentEpoch", BYTES("4"));
    assert_int_equal(judge(d, 0x300000005, &e), EPOCHS_MISSING);
    assert_int_equal(e.accepted, 4);
    disk_sim_put(d, DIR "/acceptedEpoch", BYTES("5\n"));
    assert_int_equal(judge(d, 0x300000005, &e), EPOCHS_SOUND);
    assert_int_equal(e.accepted, 5);
    assert_int_equal(judge(d, 0x500000001, &e), EPOCHS_STALE);
    disk_sim_put(d, DIR "/updatingEpoch", BYTES(""));
    assert_int_equal(judge(d, 0x500000001, &e), EPOCHS_TAKE_ZXID);
    assert_int_equal(e.current, 5);
    disk_sim_put(d, DIR "/currentEpoch.tmp", BYTES("5"));
    assert_int_equal(judge(d, 0x500000001, &e), EPOCHS_TAKE_TMP);
    disk_sim_put(d, DIR "/acceptedEpoch", BYTES("3"));
    assert_int_equal(judge(d, 0x300000001, &e), EPOCHS_CONTRARY);
    disk_sim_free(d);
}

static void no_number_is_damage(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "x", "1x", "-1", "99999999999999999999", "18446744073709551616", " "};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct disk_sim *d = new_disk();
        struct epochs e;
        struct findings findings = {0};
        disk_sim_put(d, DIR "/currentEpoch", bytes_of(texts[i]));
        assert_int_equal(epochs_read(disk_sim_io(d), DIR, &e, &findings), ST_CORRUPT);
        assert_int_equal(findings.count, 1);
        findings_free(&findings);
        /* A .tmp is what a crash may leave. */
        disk_sim_put(d, DIR "/currentEpoch", BYTES("7"));
        disk_sim_put(d, DIR "/currentEpoch.tmp", bytes_of(texts[i]));
        assert_int_equal(epochs_read(disk_sim_io(d), DIR, &e, &findings), ST_OK);
        assert_false(e.has_current_tmp);
        assert_int_equal(e.current, 7);
        disk_sim_free(d);
    }
}

/* [7.3 1653] Every call fails or the power goes there, with many outcomes: the old value or the new. */
static void old_or_new_after_any_fault(void **state)
{
    (void)state;
    struct random random = {random_seed()};
    for (uint64_t n = 1, calls = 1; n <= calls; n++) {
        for (int outcome = 0; outcome < 20; outcome++) {
            struct disk_sim *d = new_disk();
            assert_int_equal(epochs_write(disk_sim_io(d), DIR, EPOCH_CURRENT, 6), ST_OK);
            disk_sim_fault(d, &(struct disk_fault){outcome % 2 == 0 ? DISK_CUT : DISK_FAIL_ALWAYS, DISK_ANY, n, ST_OK});
            enum status st = epochs_write(disk_sim_io(d), DIR, EPOCH_CURRENT, 7);
            bool failed = disk_sim_has_failed(d);
            calls = failed ? n + 1 : calls;
            assert_true(failed || st == ST_OK);
            disk_sim_power_cut_random(d, &random);
            struct epochs e;
            struct findings findings = {0};
            assert_int_equal(epochs_read(disk_sim_io(d), DIR, &e, &findings), ST_OK);
            assert_true(e.has_current && (e.current == 7 || (e.current == 6 && st != ST_OK)));
            /* And it can be written again, whatever was left. */
            assert_int_equal(epochs_write(disk_sim_io(d), DIR, EPOCH_CURRENT, 8), ST_OK);
            assert_int_equal(epochs_read(disk_sim_io(d), DIR, &e, &findings), ST_OK);
            assert_int_equal(e.current, 8);
            disk_sim_free(d);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),
        cmocka_unit_test(no_number_is_damage),
        cmocka_unit_test(old_or_new_after_any_fault),
    };
    return cmocka_run_group_tests_name("epochs", tests, NULL, NULL);
}
