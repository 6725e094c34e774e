/* The list of outcomes: codes of the protocol there and back, and nothing of ours looks like success. */
#include "core/base/status.h"

#include "core/base/check.h"
#include "tests/support/test.h"

#include <stdbool.h>

static void codes_of_the_protocol(void **state)
{
    (void)state;
    static const struct {
        enum status status;
        int32_t code;
    } rows[] = {
        {ST_OK, 0},
        {ST_SYSTEM_ERROR, -1},
        {ST_RUNTIME_INCONSISTENCY, -2},
        {ST_MARSHALLING_ERROR, -5},
        {ST_UNIMPLEMENTED, -6},
        {ST_BAD_ARGUMENTS, -8},
        {ST_NO_NODE, -101},
        {ST_NO_AUTH, -102},
        {ST_BAD_VERSION, -103},
        {ST_NO_CHILDREN_FOR_EPHEMERALS, -108},
        {ST_NODE_EXISTS, -110},
        {ST_NOT_EMPTY, -111},
        {ST_SESSION_EXPIRED, -112},
        {ST_INVALID_ACL, -114},
        {ST_AUTH_FAILED, -115},
        {ST_SESSION_MOVED, -118},
        {ST_NOT_READ_ONLY, -119},
        {ST_NO_WATCHER, -121},
        {ST_RECONFIG_DISABLED, -123},
        {ST_QUOTA_EXCEEDED, -125},
        {ST_THROTTLED_OP, -127},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(status_code(rows[i].status), rows[i].code);
        assert_int_equal(status_from_code(rows[i].code), rows[i].status);
    }
}

static void unknown_codes_are_system_errors(void **state)
{
    (void)state;
    static const int32_t codes[] = {1, -3, -4, -7, -100, -999, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        assert_int_equal(status_from_code(codes[i]), ST_SYSTEM_ERROR);
}

static void every_status_has_a_text_and_an_error_code(void **state)
{
    (void)state;
    for (int i = 0; i < ST_COUNT; i++) {
        const char *text = status_text((enum status)i);
        assert_true(strlen(text) > 0);
        assert_string_not_equal(text, status_text(ST_COUNT));
        assert_true(i == ST_OK || status_code((enum status)i) < 0);
    }
    assert_string_equal(status_text(ST_COUNT), "unknown status");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_of_the_protocol),
        cmocka_unit_test(unknown_codes_are_system_errors),
        cmocka_unit_test(every_status_has_a_text_and_an_error_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
