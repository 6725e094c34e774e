/* ensemble_report_test.c - what words, commands and metrics say of a member, for each role, from a ZAB machine and
 * links that say what the test wants. Expected texts are those of Apache ZooKeeper 3.8.0. */
/* link: -Wl,--wrap=replica_status -Wl,--wrap=replica_zab -Wl,--wrap=zab_role -Wl,--wrap=zab_phase */
/* link: -Wl,--wrap=zab_leader -Wl,--wrap=zab_epoch -Wl,--wrap=zab_last_committed -Wl,--wrap=zab_committed */
/* link: -Wl,--wrap=zab_learner_count -Wl,--wrap=zab_learner_next -Wl,--wrap=peers_status -Wl,--wrap=peers_remote */
/* link: -Wl,--wrap=peers_unsent -Wl,--wrap=doors_client_port -Wl,--wrap=zab_capabilities */
/* link: -Wl,--wrap=zab_learner_master -Wl,--wrap=replica_service -Wl,--wrap=replica_observer_next */
#include "agent/admin/commands_internal.h"
#include "agent/admin/ensemble_report.h"
#include "agent/peers/peers.h"
#include "core/replica/observer_report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* -- the machine and the links ------------------------------------------------------------------------------------ */

static struct {
    enum zab_role role;
    enum zab_phase phase;
    int64_t leader;
    struct members *members;
    struct zab_learner_report learners[8];
    size_t count;
} said;

const struct zab *__wrap_replica_zab(const struct replica *r);
enum replica_service __wrap_replica_service(const struct replica *r);
void __wrap_replica_status(const struct replica *r, struct replica_status *status);
enum zab_role __wrap_zab_role(const struct zab *z);
enum zab_phase __wrap_zab_phase(const struct zab *z);
int64_t __wrap_zab_leader(const struct zab *z);
int64_t __wrap_zab_epoch(const struct zab *z);
int64_t __wrap_zab_last_committed(const struct zab *z);
const struct members *__wrap_zab_committed(const struct zab *z);
const struct capabilities *__wrap_zab_capabilities(const struct zab *z);
int64_t __wrap_zab_learner_master(const struct zab *z);
size_t __wrap_zab_learner_count(const struct zab *z);
bool __wrap_replica_observer_next(const struct replica *r, const void **at, struct replica_observer *observer);
bool __wrap_zab_learner_next(const struct zab *z, const void **at, struct zab_learner_report *report);
void __wrap_peers_status(const struct peers *p, struct peers_status *status);
bool __wrap_peers_remote(const struct peers *p, uint64_t link, char text[PEERS_REMOTE_SIZE], int64_t *sid);
size_t __wrap_peers_unsent(const struct peers *p, uint64_t link);
int32_t __wrap_doors_client_port(const struct doors *d);

const struct zab *__wrap_replica_zab(const struct replica *r)
{
    return (const void *)r;
}

enum replica_service __wrap_replica_service(const struct replica *r)
{
    (void)r;
    return SERVICE_ALONE;
}

enum zab_role __wrap_zab_role(const struct zab *z)
{
    (void)z;
    return said.role;
}

enum zab_phase __wrap_zab_phase(const struct zab *z)
{
    (void)z;
    return said.phase;
}

int64_t __wrap_zab_leader(const struct zab *z)
{
    (void)z;
    return said.leader;
}

void __wrap_replica_status(const struct replica *r, struct replica_status *status)
{
    (void)r;
    *status = (struct replica_status){
        .proposal_bytes_last = 48, .proposal_bytes_min = 36, .proposal_bytes_max = 343, .pending_syncs = 2};
}

int64_t __wrap_zab_epoch(const struct zab *z)
{
    (void)z;
    return 5;
}

int64_t __wrap_zab_last_committed(const struct zab *z)
{
    (void)z;
    return 0x500000007;
}

const struct members *__wrap_zab_committed(const struct zab *z)
{
    (void)z;
    return said.members;
}

const struct capabilities *__wrap_zab_capabilities(const struct zab *z)
{
    static const struct capabilities on = {.of = {[CAPABILITY_FAILURE_DETECTION] = 700, [CAPABILITY_HANDOVER] = 1}};
    (void)z;
    return &on;
}

int64_t __wrap_zab_learner_master(const struct zab *z)
{
    (void)z;
    return said.leader;
}

size_t __wrap_zab_learner_count(const struct zab *z)
{
    (void)z;
    return said.count;
}

bool __wrap_zab_learner_next(const struct zab *z, const void **at, struct zab_learner_report *report)
{
    (void)z;
    const struct zab_learner_report *next = *at == NULL ? said.learners : (const struct zab_learner_report *)*at + 1;
    if (next == said.learners + said.count)
        return false;
    *report = *next;
    *at = next;
    return true;
}

/* Each was given ten packets of 20 bytes. */
bool __wrap_replica_observer_next(const struct replica *r, const void **at, struct replica_observer *observer)
{
    struct zab_learner_report next;
    while (__wrap_zab_learner_next(__wrap_replica_zab(r), at, &next)) {
        if (!next.observer)
            continue;
        *observer = (struct replica_observer){
            next.sid, next.link, 1700000000000 + next.sid, next.packets, next.requests, 10, 20, next.last_zxid};
        return true;
    }
    return false;
}

void __wrap_peers_status(const struct peers *p, struct peers_status *status)
{
    (void)p;
    *status = (struct peers_status){.connected = 2, .strangers = 1, .newcomers = 3, .links = 4, .links_closed = 5};
}

bool __wrap_peers_remote(const struct peers *p, uint64_t link, char text[PEERS_REMOTE_SIZE], int64_t *sid)
{
    (void)p;
    *sid = -1;
    snprintf(text, PEERS_REMOTE_SIZE, "/127.0.0.1:%u", (unsigned)link);
    return true;
}

size_t __wrap_peers_unsent(const struct peers *p, uint64_t link)
{
    (void)p;
    return (size_t)link * 2;
}

int32_t __wrap_doors_client_port(const struct doors *d)
{
    (void)d;
    return 2181;
}

/* -- a member ----------------------------------------------------------------------------------------------------- */

#define SERVERS                                                                                       \
    "server.1=127.0.0.1:2888:3888:participant\nserver.2=[::1]:2889:3889:participant;127.0.0.1:2182\n" \
    "server.3=c:2890:3890:participant\nserver.4=d:2891:3891:observer\n"

static struct settings settings;
static char servers[512], no_address[1];
static char memory[2]; /* addresses that only the functions above see */

static struct overview member(int64_t sid, enum zab_role role, enum zab_phase phase, int64_t leader)
{
    said.role = role;
    said.phase = phase;
    said.leader = leader;
    settings.server_id = sid;
    return (struct overview){
        .settings = &settings, .replica = (void *)&memory[0], .peers = (const void *)&memory[1], .serving_us = 1};
}

static int set_up(void **state)
{
    struct members_error error;
    (void)state;
    snprintf(servers, sizeof servers, "%s", SERVERS);
    settings = (struct settings){.init_limit = 10,
                                 .sync_limit = 5,
                                 .is_ensemble = true,
                                 .client_port_address = no_address,
                                 .members_text = servers};
    said.learners[0] = (struct zab_learner_report){.sid = 1, .link = 11, .synced = true};
    said.learners[1] = (struct zab_learner_report){.sid = 3, .link = 13};
    said.learners[2] = (struct zab_learner_report){
        .sid = 4, .link = 14, .observer = true, .synced = true, .last_zxid = 7, .packets = 9, .requests = 2};
    said.learners[3] = (struct zab_learner_report){.sid = 9, .link = 19, .synced = true};
    said.learners[4] = (struct zab_learner_report){.sid = 8, .link = 18, .observer = true};
    said.count = 5;
    return members_parse(BYTES(SERVERS "version=100000000"), 0, &said.members, &error) != ST_OK;
}

static int tear_down(void **state)
{
    (void)state;
    members_free(said.members);
    return 0;
}

static char *mntr(const struct overview *o)
{
    struct report report = {0};
    struct buffer text = {0};
    ensemble_report_add_texts(o, &report);
    ensemble_report_add_gauges(o, &report);
    assert_int_equal(report_write_mntr(&report, &text), ST_OK);
    assert_int_equal(buffer_append(&text, "", 1), ST_OK);
    report_free(&report);
    char *copy = test_malloc(text.len);
    memcpy(copy, text.data, text.len);
    buffer_free(&text);
    return copy;
}

static void expect_lines(const char *text, const char *const *lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strstr(text, lines[i]) == NULL)
            fail_msg("%s is not in:\n%s", lines[i], text);
}

/* -- values ------------------------------------------------------------------------------------------------------- */

static void test_an_agent_alone_is_standalone(void **state)
{
    struct overview o = {.settings = &settings};
    struct buffer text = {0};
    (void)state;
    char *values = mntr(&o);
    assert_string_equal(values, "zk_server_state\tstandalone\n");
    assert_int_equal(ensemble_report_conf(&o, &text), ST_OK);
    assert_int_equal(text.len, 0);
    test_free(values);
}

static void test_a_leader_counts_its_learners(void **state)
{
    static const char *const lines[] = {"zk_server_state\tleader\nzk_peer_state\tleading - broadcast\n",
                                        "zk_zooid_capabilities\tfailure-detection:700,handover\n",
                                        "zk_quorum_size\t3\n",
                                        "zk_learners\t5\n",
                                        "zk_followers\t3\n",
                                        "zk_synced_followers\t2\n",
                                        "zk_synced_non_voting_followers\t1\n",
                                        "zk_synced_observers\t1\n",
                                        "zk_leader_uptime\t",
                                        "zk_zooid_epoch\t5\n",
                                        "zk_zooid_leader_id\t2\n",
                                        "zk_zooid_config_version\t4294967296\n",
                                        "zk_zooid_last_committed_zxid\t21474836487\n",
                                        "zk_zooid_election_connections\t2\n",
                                        "zk_zooid_quorum_links_overrun\t5\n"};
    struct overview o = member(2, ZAB_LEADING, ZAB_BROADCAST, 2);
    (void)state;
    char *values = mntr(&o);
    expect_lines(values, lines, sizeof lines / sizeof *lines);
    assert_null(strstr(values, "observer_master_id"));
    test_free(values);
}

static void test_a_learner_has_no_values_of_a_leader(void **state)
{
    struct overview o = member(1, ZAB_FOLLOWING, ZAB_BROADCAST, 2);
    (void)state;
    char *values = mntr(&o);
    assert_non_null(strstr(values, "zk_server_state\tfollower\nzk_peer_state\tfollowing - broadcast\n"));
    assert_non_null(strstr(values, "zk_synced_observers\t1\n")); /* of its own */
    assert_null(strstr(values, "zk_learners"));
    assert_null(strstr(values, "zk_leader_uptime"));
    test_free(values);
    o = member(4, ZAB_OBSERVING, ZAB_BROADCAST, 2);
    values = mntr(&o);
    assert_non_null(strstr(values, "zk_server_state\tobserver\nzk_peer_state\tobserving - broadcast\n"
                                   "zk_zooid_capabilities\tfailure-detection:700,handover\n"
                                   "zk_observer_master_id\t2\n"));
    assert_null(strstr(values, "zk_synced_observers"));
    test_free(values);
}

static void test_who_looks_for_a_leader_knows_none(void **state)
{
    struct ensemble_report report;
    struct overview o = member(1, ZAB_LOOKING, ZAB_ELECTION, -1);
    (void)state;
    char *values = mntr(&o);
    assert_non_null(strstr(values, "zk_peer_state\tlooking\n"));
    assert_non_null(strstr(values, "zk_zooid_leader_id\t-1\n"));
    test_free(values);
    ensemble_report(&o, &report);
    assert_null(report.leader_member);
    assert_int_equal(report.learners, 0);
}

static void test_conf_has_the_lines_of_apache(void **state)
{
    struct buffer text = {0};
    struct overview o = member(2, ZAB_FOLLOWING, ZAB_BROADCAST, 1);
    (void)state;
    assert_int_equal(ensemble_report_conf(&o, &text), ST_OK);
    assert_int_equal(buffer_append(&text, "", 1), ST_OK);
    assert_string_equal((char *)text.data,
                        "initLimit=10\nsyncLimit=5\nelectionAlg=3\nelectionPort=3889\nquorumPort=2889\npeerType=0\n"
                        "membership: \nserver.1=127.0.0.1:2888:3888:participant\n"
                        "server.2=[0:0:0:0:0:0:0:1]:2889:3889:participant;127.0.0.1:2182\n"
                        "server.3=c:2890:3890:participant\nserver.4=d:2891:3891:observer\nversion=100000000");
    text.len = 0;
    o = member(4, ZAB_OBSERVING, ZAB_BROADCAST, 1);
    assert_int_equal(ensemble_report_conf(&o, &text), ST_OK);
    assert_int_equal(buffer_append(&text, "", 1), ST_OK);
    assert_non_null(strstr((char *)text.data, "\nquorumPort=2891\npeerType=1\n"));
    buffer_free(&text);
}

/* -- commands ----------------------------------------------------------------------------------------------------- */

static void expect_json(int (*command)(const struct overview *, json_t *), const struct overview *o,
                        const char *expected)
{
    json_t *answer = json_object();
    assert_int_equal(command(o, answer), 0);
    char *text = json_dumps(answer, JSON_COMPACT | JSON_PRESERVE_ORDER);
    assert_string_equal(text, expected);
    free(text);
    json_decref(answer);
}

static void test_an_agent_alone_answers_the_commands(void **state)
{
    struct overview o = {.settings = &settings};
    (void)state;
    expect_json(commands_leader, &o, "{\"error\":\"server is not initialized\"}");
    expect_json(commands_voting_view, &o, "{\"current_config\":{}}");
    expect_json(commands_observers, &o, "{\"synced_observers\":0,\"observers\":[]}");
    expect_json(commands_zab_state, &o, "{\"voting\":false,\"zabstate\":\"\"}");
}

static void test_the_leader_is_named(void **state)
{
    struct overview o = member(1, ZAB_FOLLOWING, ZAB_BROADCAST, 2);
    (void)state;
    expect_json(commands_leader, &o, "{\"is_leader\":false,\"leader_id\":2,\"leader_ip\":\"::1\"}");
    o = member(1, ZAB_LEADING, ZAB_BROADCAST, 1);
    expect_json(commands_leader, &o, "{\"is_leader\":true,\"leader_id\":1,\"leader_ip\":\"127.0.0.1\"}");
}

static void test_the_voting_view_leaves_observers_out(void **state)
{
    struct overview o = member(1, ZAB_FOLLOWING, ZAB_BROADCAST, 2);
    (void)state;
    expect_json(commands_voting_view, &o,
                "{\"current_config\":{"
                "\"1\":{\"server_addresses\":[\"127.0.0.1:2888\"],\"election_addresses\":[\"127.0.0.1:3888\"],"
                "\"client_address\":\"0.0.0.0:2181\",\"learner_type\":\"participant\"},"
                "\"2\":{\"server_addresses\":[\"[::1]:2889\"],\"election_addresses\":[\"[::1]:3889\"],"
                "\"client_address\":\"127.0.0.1:2182\",\"learner_type\":\"participant\"},"
                "\"3\":{\"server_addresses\":[\"c:2890\"],\"election_addresses\":[\"c:3890\"],"
                "\"client_address\":\"\",\"learner_type\":\"participant\"}}}");
}

static void test_observers_are_listed_by_who_takes_them(void **state)
{
    static const enum zab_role roles[] = {ZAB_LEADING, ZAB_FOLLOWING};
    (void)state;
    struct overview o;
    for (int i = 0; i < 2; i++) {
        o = member(2, roles[i], ZAB_BROADCAST, 2);
        expect_json(commands_observers, &o,
                    "{\"synced_observers\":1,\"observers\":["
                    "{\"remote_socket_address\":\"/127.0.0.1:14\",\"sid\":4,\"established\":1700000000004,"
                    "\"queued_packets\":2,\"queued_packets_size\":28,\"packets_received\":9,\"packets_sent\":8,"
                    "\"requests\":2,\"last_zxid\":7},"
                    "{\"remote_socket_address\":\"/127.0.0.1:18\",\"sid\":8,\"established\":1700000000008,"
                    "\"queued_packets\":2,\"queued_packets_size\":36,\"packets_received\":0,\"packets_sent\":8,"
                    "\"requests\":0,\"last_zxid\":0}]}");
    }
    o = member(4, ZAB_OBSERVING, ZAB_BROADCAST, 2);
    expect_json(commands_observers, &o, "{\"synced_observers\":0,\"observers\":[]}");
}

static void test_zabstate_tells_where_a_member_is(void **state)
{
    struct overview o = member(4, ZAB_OBSERVING, ZAB_SYNCHRONIZATION, 2);
    (void)state;
    expect_json(commands_zab_state, &o,
                "{\"myid\":4,\"is_leader\":false,"
                "\"quorum_address\":{\"empty\":false,\"all_addresses\":[\"d:2891\"],\"one\":\"d:2891\","
                "\"all_ports\":[2891],\"all_host_strings\":[\"d\"]},"
                "\"election_address\":{\"empty\":false,\"all_addresses\":[\"d:3891\"],\"one\":\"d:3891\","
                "\"all_ports\":[3891],\"all_host_strings\":[\"d\"]},"
                "\"client_address\":\"0.0.0.0:2181\",\"voting\":false,\"last_zxid\":\"0x500000007\",\"zab_epoch\":5,"
                "\"zab_counter\":7,\"zabstate\":\"synchronization\"}");
    o = member(77, ZAB_LOOKING, ZAB_ELECTION, -1); /* in no configuration */
    expect_json(commands_zab_state, &o,
                "{\"myid\":77,\"is_leader\":false,\"voting\":false,\"last_zxid\":\"0x500000007\",\"zab_epoch\":5,"
                "\"zab_counter\":7,\"zabstate\":\"election\"}");
}

static void test_the_initial_servers_are_those_of_the_start(void **state)
{
    struct overview o = member(1, ZAB_FOLLOWING, ZAB_BROADCAST, 2);
    json_t *answer = json_object();
    (void)state;
    assert_int_equal(commands_initial_servers(&o, answer), 0);
    assert_string_equal(json_string_value(json_object_get(answer, "initial_configuration")), SERVERS);
    json_decref(answer);
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ROW(test_an_agent_alone_is_standalone),
        ROW(test_a_leader_counts_its_learners),
        ROW(test_a_learner_has_no_values_of_a_leader),
        ROW(test_who_looks_for_a_leader_knows_none),
        ROW(test_conf_has_the_lines_of_apache),
        ROW(test_an_agent_alone_answers_the_commands),
        ROW(test_the_leader_is_named),
        ROW(test_the_voting_view_leaves_observers_out),
        ROW(test_observers_are_listed_by_who_takes_them),
        ROW(test_zabstate_tells_where_a_member_is),
        ROW(test_the_initial_servers_are_those_of_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
