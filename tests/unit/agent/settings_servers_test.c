/* settings_servers_test.c - the server lines of a member: who they are, which are wrong, and what is said of them. */
#include "core/members/members.h"
#include "tests/unit/agent/settings_member_fixture.h"

static void test_three_servers_are_an_ensemble(void **state)
{
    (void)state;
    write_file("myid", "2\n");
    struct loaded l = load_member_well(THREE LIMITS);
    const struct settings *s = l.settings;
    assert_true(s->is_ensemble);
    assert_int_equal(s->server_id, 2);
    assert_int_equal(s->members->count, 3);
    assert_int_equal(s->members->voters, 3);
    assert_int_equal(s->members->version, 0);
    assert_int_equal(s->peer_type, PEER_TYPE_PARTICIPANT);
    assert_int_equal(s->client_port, 2182);
    assert_string_equal(s->client_port_address, "127.0.0.1");
    assert_string_equal(s->members_text, "server.1=a:1:2:participant\nserver.2=b:1:2:participant;127.0.0.1:2182\n"
                                         "server.3=c:1:2:participant\n");
    assert_int_equal(l.report.count, 0);
    expect_member_prints_back(s);
    unload(&l);
}

static void test_an_agent_alone_has_no_members(void **state)
{
    (void)state;
    write_file("myid", "1\n");
    struct loaded l = load_member_well("server.1=a:1:2;2181\ngroup.1=1\nweight.1=3\n");
    assert_false(l.settings->is_ensemble);
    assert_null(l.settings->members);
    assert_string_equal(l.settings->members_text, "");
    assert_int_equal(l.settings->server_id, -1);
    unload(&l);
}

static void test_one_participant_is_an_ensemble_when_it_shall_be(void **state)
{
    (void)state;
    write_file("myid", "1");
    expect_member_report("server.1=a:1:2;2181\nstandaloneEnabled=false\n" LIMITS, SETTINGS_INFO,
                         "zoo.cfg: warning: the ensemble has 1 participants: it stands no failure of one\n");
    struct loaded l = load_member_well(
        "server.1=a:1:2;2181\nserver.2=b:1:2:observer\nstandaloneEnabled=false\n" LIMITS);
    assert_true(l.settings->is_ensemble);
    assert_int_equal(l.settings->members->voters, 1);
    expect_member_prints_back(l.settings);
    unload(&l);
    expect_member_report("server.1=a:1:2;2181\nserver.2=b:1:2:observer\n" LIMITS, SETTINGS_INFO,
                         "zoo.cfg:3: error: server.2: an observer of a server that runs alone; it needs "
                         "standaloneEnabled=false\n");
}

static void test_few_and_even_participants_are_named(void **state)
{
    (void)state;
    write_file("myid", "1");
    expect_member_report("server.1=a:1:2\nserver.2=b:1:2\n" LIMITS, SETTINGS_INFO,
                         "zoo.cfg: warning: the ensemble has 2 participants: it stands no failure of one\n");
    expect_member_report(
        THREE "server.4=d:1:2\n" LIMITS, SETTINGS_INFO,
        "zoo.cfg: warning: the ensemble has 4 participants: it stands no more failures than with one less\n");
}

static void test_the_server_line_says_the_role(void **state)
{
    (void)state;
    write_file("myid", "4\n");
    struct loaded l = load_member_well(THREE "server.4=d:1:2:observer\n" LIMITS);
    assert_int_equal(l.settings->peer_type, PEER_TYPE_OBSERVER);
    assert_int_equal(l.report.count, 0);
    expect_member_prints_back(l.settings);
    unload(&l);
    expect_member_report(THREE "server.4=d:1:2:observer\npeerType=observer\n" LIMITS, SETTINGS_INFO, "");
    expect_member_report(
        THREE "server.4=d:1:2:observer\npeerType=participant\n" LIMITS, SETTINGS_INFO,
        "zoo.cfg:6: warning: peerType: is not what the server line of this server says; the server line "
        "counts\n");
    write_file("myid", "1\n");
    l = load_member_well(THREE "peerType=observer\n" LIMITS);
    assert_int_equal(l.settings->peer_type, PEER_TYPE_PARTICIPANT);
    assert_int_equal(l.report.warnings, 1);
    unload(&l);
}

static void test_bad_server_lines_stop_the_start(void **state)
{
    (void)state;
    write_file("myid", "1\n");
    expect_member_report(
        "server.1=a:1:2\nserver.2=b:1:1\nserver.3=c:1:2\nsyncEnabled=no\n" LIMITS, SETTINGS_WARNING,
        "zoo.cfg:3: error: server.2: uses one port for quorum and election\n"
        "zoo.cfg:5: warning: syncEnabled: is not followed: observers keep a log and snapshots, always\n");
    expect_member_report("server.1=a:1:2\nserver.01=b:1:2\n" LIMITS, SETTINGS_INFO,
                         "zoo.cfg:3: error: server.01: is given twice\n");
    expect_member_report("server.1=a:1:2\nserver.2=b:1:2\nserver.1=b:1:2\nserver.3=c:1:2\n" LIMITS, SETTINGS_INFO,
                         "zoo.cfg:4: warning: server.1: given again; line 2 does not count\n");
    expect_member_report(THREE "group.1=1:2\n" LIMITS, SETTINGS_INFO,
                         "zoo.cfg:4: error: server.3: is in no group, and there are groups or weights\n");
    expect_member_report(THREE "weight.7=1\n" LIMITS, SETTINGS_INFO,
                         "zoo.cfg:5: error: weight.7: there is no such server\n");
    expect_member_report("server.1=a:1:2:observer\nserver.2=b:1:2:observer\n" LIMITS, SETTINGS_INFO,
                         "zoo.cfg:2: error: server.1: is an observer, and there is nobody to observe\n");
    expect_member_report(
        THREE "clientPort=2181\nserver.1=a:1:2;2182\n" LIMITS, SETTINGS_ERROR,
        "zoo.cfg:6: error: server.1: its client address is not that of clientPort or secureClientPort\n");
}

static void test_groups_and_weights_are_taken(void **state)
{
    (void)state;
    write_file("myid", "1\n");
    struct loaded l = load_member_well(THREE "group.1=1:2\ngroup.2=3\nweight.3=2\n" LIMITS);
    assert_int_equal(l.settings->members->group_count, 2);
    assert_int_equal(l.settings->members->groups[1].weight, 2);
    expect_member_prints_back(l.settings);
    unload(&l);
}

static void test_several_addresses_need_to_be_allowed(void **state)
{
    (void)state;
    write_file("myid", "2\n");
    struct loaded l = load_member_well(THREE "server.2=b:1:2|d:3:4\nmultiAddress.enabled=true\n"
                                             "multiAddress.reachabilityCheckEnabled=false\n" LIMITS);
    assert_int_equal(members_find(l.settings->members, 2)->address_count, 2);
    expect_member_prints_back(l.settings);
    unload(&l);
    expect_member_report(THREE "server.2=b:1:2|d:3:4\n" LIMITS, SETTINGS_ERROR,
                         "zoo.cfg:5: error: server.2: has several addresses, which needs multiAddress.enabled=true\n");
}

static void test_an_own_address_of_ipv6_prints_back(void **state)
{
    (void)state;
    write_file("myid", "1\n");
    struct loaded l = load_member_well(THREE "server.1=[::1]:1:2;[::1]:2181\n" LIMITS);
    assert_string_equal(l.settings->client_port_address, "::1");
    expect_member_prints_back(l.settings);
    unload(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_servers_are_an_ensemble),
        cmocka_unit_test(test_an_agent_alone_has_no_members),
        cmocka_unit_test(test_one_participant_is_an_ensemble_when_it_shall_be),
        cmocka_unit_test(test_few_and_even_participants_are_named),
        cmocka_unit_test(test_the_server_line_says_the_role),
        cmocka_unit_test(test_bad_server_lines_stop_the_start),
        cmocka_unit_test(test_groups_and_weights_are_taken),
        cmocka_unit_test(test_several_addresses_need_to_be_allowed),
        cmocka_unit_test(test_an_own_address_of_ipv6_prints_back),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
