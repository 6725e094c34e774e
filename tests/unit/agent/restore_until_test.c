/* The place up to which a backup is wanted, as people write it. */
#include "agent/disk/restore.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <time.h>

static void places_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum until_kind kind;
        int64_t value;
    } rows[] = {
        {"0x1f00000002", UNTIL_ZXID, 0x1f00000002},
        {"0x0", UNTIL_ZXID, 0},
        {"@1714557600", UNTIL_TIME, 1714557600000},
        {"@1714557600.25", UNTIL_TIME, 1714557600250},
        {"2024-05-01T10:00:00Z", UNTIL_TIME, 1714557600000},
        {"2024-05-01T12:00:00+02:00", UNTIL_TIME, 1714557600000},
        {"2024-05-01 12:00:00.0019+0200", UNTIL_TIME, 1714557600001},
        {"2024-05-01T13:00:00", UNTIL_TIME, 1714557600000}, /* local: TZ below */
    };
    setenv("TZ", "XYZ-3", 1);
    tzset();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct until until;
        assert_true(until_parse(rows[i].text, &until));
        assert_int_equal(until.kind, rows[i].kind);
        assert_int_equal(until.value, rows[i].value);
    }
}

static void others_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "12",
                                        "0x",
                                        "0xg",
                                        "0x-1",
                                        "0x 1",
                                        "0x1z",
                                        "0xffffffffffffffff",
                                        "@",
                                        "@-1",
                                        "@1.5x",
                                        "@99999999999999999",
                                        "yesterday",
                                        "2024-05-01",
                                        "2024-13-01T00:00:00",
                                        "2024-05-01T12:00:00 +02:00x"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct until until;
        assert_false(until_parse(texts[i], &until));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_read),
        cmocka_unit_test(others_are_refused),
    };
    return cmocka_run_group_tests_name("restore_until", tests, NULL, NULL);
}
