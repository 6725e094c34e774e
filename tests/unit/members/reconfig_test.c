/* Reconfigurations: what they make of a configuration, and what is refused before the network is asked. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "core/base/check.h"
#include "core/members/members.h"
#include "tests/support/failing_memory.h"
#include "tests/support/test.h"

#define BASE                                                                    \
    "server.1=a:1:2:participant;0.0.0.0:3\nserver.2=b:1:2:participant;b:3\n"    \
    "server.3=c:1:2:participant;0.0.0.0:3\nserver.4=d:1:2:observer;0.0.0.0:3\n" \
    "version=5"
#define GROUPS "server.1=a:1:2;3\nserver.2=b:1:2;3\ngroup.1=1:2\nversion=5"

static const int64_t ZXID = 0x200000002;

static struct members *parse(const char *text)
{
    struct members *m = NULL;
    struct members_error error;
    assert_int_equal(members_parse(bytes_of(text), MEMBERS_MULTI_ADDRESS, &m, &error), ST_OK);
    return m;
}

struct row {
    const char *before, *joining, *leaving, *new_members;
    int64_t config_id;
    enum status status;
    const char *key, *answer; /* why not, or the new text */
};

static const struct row rows[] = {
    {BASE, NULL, "3", NULL, -1, ST_OK, "",
     "server.1=a:1:2:participant;0.0.0.0:3\nserver.2=b:1:2:participant;b:3\nserver.4=d:1:2:observer;0.0.0.0:3\n"
     "version=200000002"},
    {BASE, "server.9=i:1:2:observer;3,server.4=d:1:2;3", " 2 ,3,77,", NULL, 5, ST_OK, "",
     "server.1=a:1:2:participant;0.0.0.0:3\nserver.4=d:1:2:participant;0.0.0.0:3\n"
     "server.9=i:1:2:observer;0.0.0.0:3\nversion=200000002"},
    {BASE, "server.1=z:1:2;3", "1,2", NULL, -1, ST_OK, "",
     "server.1=z:1:2:participant;0.0.0.0:3\nserver.3=c:1:2:participant;0.0.0.0:3\n"
     "server.4=d:1:2:observer;0.0.0.0:3\nversion=200000002"},
    {BASE, "server.5=e:1:2;;3", "1,2,4", NULL, -1, ST_OK, "",
     "server.3=c:1:2:participant;0.0.0.0:3\nserver.5=e:1:2:participant;;0.0.0.0:3\nversion=200000002"},
    {BASE, NULL, NULL, "server.7=g:1:2,server.8=h:1:2\nversion=9", -1, ST_OK, "",
     "server.7=g:1:2:participant\nserver.8=h:1:2:participant\nversion=200000002"},
    {BASE, "ignored", "ignored", "server.7=g:1:2,server.8=h:1:2,group.1=7:8", -1, ST_OK, "",
     "server.7=g:1:2:participant\nserver.8=h:1:2:participant\ngroup.1=7:8\nweight.7=1\nweight.8=1\n"
     "version=200000002"},
    {GROUPS, NULL, NULL, "server.1=a:1:2,server.2=b:1:2", -1, ST_OK, "",
     "server.1=a:1:2:participant\nserver.2=b:1:2:participant\nversion=200000002"},
    /* Addresses that mean another host everywhere may be shared. */
    {BASE, "server.5=127.0.0.1:1:2;127.0.0.1:3,server.6=127.0.0.1:1:2;localhost:3", NULL, NULL, -1, ST_OK, "",
     "server.1=a:1:2:participant;0.0.0.0:3\nserver.2=b:1:2:participant;b:3\nserver.3=c:1:2:participant;0.0.0.0:3\n"
     "server.4=d:1:2:observer;0.0.0.0:3\nserver.5=127.0.0.1:1:2:participant;127.0.0.1:3\n"
     "server.6=127.0.0.1:1:2:participant;localhost:3\nversion=200000002"},
    /* A conflict that was there before is not what is asked about. */
    {"server.1=a:1:2\nserver.2=a:1:2\nversion=5", "server.3=c:1:2;3", NULL, NULL, -1, ST_OK, "",
     "server.1=a:1:2:participant\nserver.2=a:1:2:participant\nserver.3=c:1:2:participant;0.0.0.0:3\n"
     "version=200000002"},
    {BASE, NULL, "3", NULL, 4, ST_BAD_VERSION, "", ""},
    {GROUPS, NULL, "2", NULL, -1, ST_BAD_ARGUMENTS, "",
     "where there are groups only a whole new configuration can be given"},
    {BASE, "server.5=e:1:2", NULL, NULL, -1, ST_BAD_ARGUMENTS, "server.5", "joins without a client port"},
    {BASE, "server.5=e:1:1;3", NULL, NULL, -1, ST_BAD_ARGUMENTS, "server.5", "uses one port for quorum and election"},
    {BASE, "5=e:1:2;3", NULL, NULL, -1, ST_BAD_ARGUMENTS, "5", "is not server.N"},
    {BASE, "group.1=1:2", NULL, NULL, -1, ST_BAD_ARGUMENTS, "group.1", "is not server.N"},
    {BASE, "version=1", NULL, NULL, -1, ST_BAD_ARGUMENTS, "version", "is not server.N"},
    {BASE, "server.5=e:1:2;3,server.5=f:1:2;3", NULL, NULL, -1, ST_BAD_ARGUMENTS, "server.5", "is given twice"},
    {BASE, NULL, "1,x", NULL, -1, ST_BAD_ARGUMENTS, "x", "is not the number of a server that could leave"},
    {BASE, NULL, "2,3", NULL, -1, ST_BAD_ARGUMENTS, "", "less than two participants would remain"},
    {BASE, NULL, "1,2,3", NULL, -1, ST_BAD_ARGUMENTS, "server.4", "is an observer, and there is nobody to observe"},
    {BASE, "server.5=A:1:7;8", NULL, NULL, -1, ST_BAD_ARGUMENTS, "server.5",
     "has an address and port that another server has as well"},
    {BASE, "server.5=A:7:1;8", NULL, NULL, -1, ST_BAD_ARGUMENTS, "server.5",
     "has an address and port that another server has as well"},
    {BASE, "server.5=e:1:2;a:2", NULL, NULL, -1, ST_BAD_ARGUMENTS, "server.5",
     "has an address and port that another server has as well"},
    {BASE, "server.5=e:1:2;;b:3", NULL, NULL, -1, ST_BAD_ARGUMENTS, "server.5",
     "has an address and port that another server has as well"},
    {BASE, "server.1=c:1:2;8", NULL, NULL, -1, ST_BAD_ARGUMENTS, "server.1",
     "has an address and port that another server has as well"},
    {BASE, NULL, NULL, "", -1, ST_BAD_ARGUMENTS, "", "there is no server"},
    {BASE, NULL, NULL, "server.1=a:1:2", -1, ST_BAD_ARGUMENTS, "", "less than two participants would remain"},
};

static enum status run(const struct row *row, const struct members *before, struct members **next,
                       struct members_error *error)
{
    const struct members_reconfig from = {
        .committed = before, .last_seen = before, .zxid = ZXID, .standalone_enabled = true};
    const struct reconfig_request request = {.joining = bytes_of(row->joining),
                                             .leaving = bytes_of(row->leaving),
                                             .new_members = bytes_of(row->new_members),
                                             .config_id = row->config_id};
    return members_reconfig(&from, &request, next, error);
}

static void every_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct members *before = parse(rows[i].before), *next = NULL;
        struct members_error error = {0};
        struct buffer text = {0};
        enum status st = run(&rows[i], before, &next, &error);
        if (st != rows[i].status)
            fail_msg("row %zu: %s: %s", i, error.key, error.why);
        if (st == ST_OK)
            assert_int_equal(members_print(next, &text), ST_OK);
        assert_int_equal(buffer_append(&text, "", 1), ST_OK);
        assert_string_equal(st == ST_OK ? (const char *)text.data : error.why, rows[i].answer);
        assert_string_equal(error.key, rows[i].key);
        assert_int_equal(next != NULL, st == ST_OK);
        buffer_free(&text);
        members_free(next);
        members_free(before);
    }
}

static void the_settings_count(void **state)
{
    (void)state;
    struct members *before = parse(BASE), *newer = parse("server.1=a:1:2\nversion=6"), *next = NULL;
    struct members_error error;
    const struct reconfig_request two_leave = {.leaving = BYTES("2,3"), .config_id = -1};
    const struct reconfig_request two_homes = {.joining = BYTES("server.5=e:1:2|f:1:2;3"), .config_id = -1};
    struct members_reconfig from = {.committed = before, .last_seen = newer, .zxid = ZXID};
    assert_int_equal(members_reconfig(&from, &two_leave, &next, &error), ST_RECONFIG_IN_PROGRESS);
    from.last_seen = before;
    assert_int_equal(members_reconfig(&from, &two_leave, &next, &error), ST_OK);
    assert_int_equal(next->voters, 1);
    members_free(next);
    assert_int_equal(members_reconfig(&from, &two_homes, &next, &error), ST_BAD_ARGUMENTS);
    assert_string_equal(error.why, "has several addresses, which needs multiAddress.enabled=true");
    from.multi_address = true;
    assert_int_equal(members_reconfig(&from, &two_homes, &next, &error), ST_OK);
    members_free(next);
    members_free(newer);
    members_free(before);
}

static void more_leave_than_there_can_be(void **state)
{
    (void)state;
    struct members *before = parse(BASE), *next = NULL;
    struct members_error error;
    struct buffer leaving = {0};
    for (int i = 0; i < MEMBERS_MAX; i++)
        buffer_printf(&leaving, "77,");
    const struct members_reconfig from = {.committed = before, .last_seen = before, .zxid = ZXID};
    const struct reconfig_request request = {.leaving = buffer_bytes(&leaving), .config_id = -1};
    assert_int_equal(members_reconfig(&from, &request, &next, &error), ST_BAD_ARGUMENTS);
    assert_string_equal(error.why, "is one server too many to leave");
    buffer_free(&leaving);
    members_free(before);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    struct members *before = parse(BASE);
    int allowed = 0;
    for (bool failed = true; failed; allowed++) {
        struct members *next = NULL;
        struct members_error error;
        memory_fail_after(allowed);
        enum status st = run(&rows[1], before, &next, &error);
        failed = memory_has_failed();
        memory_fail_after(-1);
        assert_int_equal(st, failed ? ST_NO_MEMORY : ST_OK);
        members_free(next);
    }
    assert_true(allowed > 5);
    members_free(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule),
        cmocka_unit_test(the_settings_count),
        cmocka_unit_test(more_leave_than_there_can_be),
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
