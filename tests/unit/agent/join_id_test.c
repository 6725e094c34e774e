/* join_id_test.c - numbers of servers that nobody has been given, and whose session ids meet nobody's. */
#include "agent/join/join_id.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

static struct members *members_of(const char *text)
{
    struct members *m = NULL;
    struct members_error error;
    assert_int_equal(members_parse(bytes_of(text), 0, &m, &error), ST_OK);
    return m;
}

static void a_large_number_is_no_servers_and_its_low_byte_is_no_servers_either(void **state)
{
    (void)state;
    struct members *m = members_of("server.1=a:1:2\nserver.2=b:1:2\nserver.259=c:1:2:observer");
    struct random random = {random_seed()};
    for (int i = 0; i < 100000; i++) {
        int64_t id = join_large_id(m, random_next(&random));
        assert_true(id > JOIN_SMALL_ID_MAX && id < INT64_C(1) << 56);
        assert_in_range(id & 0xff, 4, 127);
        assert_null(members_find(m, id));
    }
    members_free(m);
}

static void numbers_are_as_different_as_the_random_ones(void **state)
{
    (void)state;
    struct members *m = members_of("server.1=a:1:2");
    assert_int_not_equal(join_large_id(m, 1), join_large_id(m, 2));
    assert_int_not_equal(join_large_id(m, 0), join_large_id(m, UINT64_C(1) << 48));
    assert_int_equal(join_large_id(m, 0), join_large_id(m, 1)); /* no number is small */
    members_free(m);
}

static void when_every_low_byte_is_taken_the_rest_keeps_them_apart(void **state)
{
    (void)state;
    struct buffer text = {0};
    for (int i = 1; i <= 127; i++)
        assert_int_equal(
            buffer_printf(&text, "server.%d=h%d:1:2:%s\n", i == 1 ? 257 : i, i, i == 2 ? "participant" : "observer"),
            ST_OK);
    struct members *m = members_of((const char *)text.data);
    int64_t id = join_large_id(m, 1); /* the first it would take is 257 */
    assert_null(members_find(m, id));
    assert_int_equal(id & 0xff, 1);
    members_free(m);
    buffer_free(&text);
}

static void the_smallest_number_that_is_free_is_given(void **state)
{
    (void)state;
    struct members *m = members_of("server.1=a:1:2\nserver.3=c:1:2\nserver.258=b:1:2:observer");
    assert_int_equal(join_small_id(m), 4);
    members_free(m);
    struct buffer text = {0};
    for (int i = 1; i <= JOIN_SMALL_ID_MAX; i++)
        assert_int_equal(buffer_printf(&text, "server.%d=h%d:1:2:%s\n", i, i, i > 3 ? "observer" : "participant"),
                         ST_OK);
    m = members_of((const char *)text.data);
    assert_int_equal(join_small_id(m), 0);
    members_free(m);
    buffer_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_number_is_no_servers_and_its_low_byte_is_no_servers_either),
        cmocka_unit_test(numbers_are_as_different_as_the_random_ones),
        cmocka_unit_test(when_every_low_byte_is_taken_the_rest_keeps_them_apart),
        cmocka_unit_test(the_smallest_number_that_is_free_is_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
