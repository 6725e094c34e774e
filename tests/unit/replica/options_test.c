/* Options that change at run time do so, strings are the replica's own, and what was built upon stays. */
#include "core/base/check.h"
#include "core/replica/replica_internal.h"
#include "core/replica/status_report.h"
#include "tests/support/replica_rig.h"
#include "tests/support/test.h"

static char *out_of(struct rig *rig, const char *command)
{
    static char text[4096];
    char copy[256];
    struct buffer out = {0};
    snprintf(copy, sizeof copy, "%s", command);
    rig_command(rig, copy, &out);
    assert_true(out.len < sizeof text);
    memcpy(text, out.data == NULL ? (const uint8_t *)"" : out.data, out.len);
    text[out.len] = '\0';
    buffer_free(&out);
    return text;
}

static void limits_and_rules_change(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct replica *r = rig_replica(rig);
    struct replica_options options = r->options;
    char super[] = "super:xQJmxLMiHGwaqBvst5y6rkB6HQs=";
    options.watches_per_client_max = 1;
    options.super_digest = super;
    options.txn_bytes_max = 200;
    options.session_count_max = 1;
    assert_int_equal(replica_reconfigure(r, &options), ST_OK);
    memset(super, 'x', sizeof super - 1); /* the replica has its own */
    assert_non_null(strstr(out_of(rig, "connect A"), "session"));
    assert_string_equal(out_of(rig, "connect B"), "B closed\n");
    assert_non_null(strstr(out_of(rig, "A exists / watch"), "ok"));
    assert_string_equal(out_of(rig, "A getChildren / watch"), "A xid=2 zxid=1 error -1\n");
    assert_string_equal(out_of(rig, "A create /a x*300"), "A xid=3 zxid=2 error -5\n");
    out_of(rig, "A auth digest super:admin");
    assert_non_null(strstr(out_of(rig, "A whoAmI"), "super:"));
    assert_true(rig_replays(rig));
    rig_free(rig);
}

static void what_was_built_upon_stays(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct replica *r = rig_replica(rig);
    rig_do(rig, "connect A");
    struct replica_options options = {
        .tick_ms = 1, .apache_passwords = true, .password_key = {9}, .extended_types = true};
    options.session_timeout_ms_min = 1000;
    options.session_timeout_ms_max = 3000;
    assert_int_equal(replica_reconfigure(r, &options), ST_OK);
    rig_do(rig, "A auth digest u:p"); /* the algorithm is still there */
    assert_string_equal(out_of(rig, "A createTTL /t ttl=5"), "A xid=2 zxid=2 error -6\n");
    assert_non_null(strstr(out_of(rig, "A create /a"), "ok"));
    assert_non_null(strstr(out_of(rig, "connect B session=A"), "timeout=3000"));
    assert_true(rig_replays(rig)); /* digests are still logged, and right */
    rig_free(rig);
}

static void demanded_schemes_change(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct replica *r = rig_replica(rig);
    char scheme[] = "digest";
    const char *const schemes[] = {scheme, NULL};
    struct replica_options options = r->options;
    rig_do(rig, "connect A");
    options.auth_schemes_required = schemes;
    assert_int_equal(replica_reconfigure(r, &options), ST_OK);
    scheme[0] = 'x';
    assert_string_equal(out_of(rig, "A ping"), "A xid=1 zxid=0 error -124\nA closed\n");
    options.auth_schemes_required = NULL;
    assert_int_equal(replica_reconfigure(r, &options), ST_OK);
    rig_do(rig, "connect B");
    assert_string_equal(out_of(rig, "B ping"), "B xid=-2 zxid=2 ok\n");
    rig_free(rig);
}

/* Servers that have come without a number of their own may share the first byte: the time of the start, which a power
 * cut makes the same for all, would not keep their sessions apart. */
static void ids_of_sessions_begin_with_a_byte_of_the_server_and_then_at_random(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    rig_do(rig, "option server_id 81985529216486691");         /* 0x0123456789abd323 */
    rig_do(rig, "option session_id_seed 9141386507638288912"); /* 0x7edcba9876543210 */
    rig_do(rig, "connect A");
    rig_do(rig, "connect B");
    assert_int_equal(replica_client_session(rig_replica(rig), 1), 0x2398765432100000);
    assert_int_equal(replica_client_session(rig_replica(rig), 2), 0x2398765432100001);
    rig_free(rig);
}

static void figures_are_read_and_reset(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct replica *r = rig_replica(rig);
    struct replica_status status;
    struct replica_client client;
    rig_do(rig, "open A");
    assert_true(replica_client(r, 1, &client));
    assert_int_equal(client.session_id, 0);
    assert_string_equal(client.last_op, "NA");
    assert_int_equal(client.last_cxid, -1);
    rig_do(rig, "connect B");
    assert_true(replica_client(r, 2, &client));
    assert_string_equal(client.last_op, "SESS");
    assert_int_equal(replica_client_session(r, 2), client.session_id);
    assert_int_equal(replica_client_session(r, 1), 0);
    assert_int_equal(replica_client_session(r, 99), 0);
    assert_false(replica_client(r, 99, &client));
    rig_do(rig, "hold");
    rig_do(rig, "B create /a");
    rig_do(rig, "B getData /a");
    rig_do(rig, "tick 30");
    assert_true(replica_client(r, 2, &client));
    assert_int_equal(client.queued, 2);
    rig_do(rig, "release");
    assert_true(replica_client(r, 2, &client));
    assert_int_equal(client.queued, 0);
    assert_string_equal(client.last_op, "GETD");
    assert_int_equal(client.last_cxid, 2);
    assert_int_equal(client.last_zxid, 2);
    assert_int_equal(client.latency_ms_last, 30);
    assert_int_equal(client.received, 3);
    assert_int_equal(client.sent, 3);
    replica_status(r, &status);
    assert_int_equal(status.latency_ms_max, 30);
    assert_int_equal(status.packets_received, 3);
    assert_int_equal(status.packets_sent, 3);
    assert_int_equal(status.txns_since_start, 2);
    assert_true(status.response_bytes_min > 0 && status.response_bytes_max >= status.response_bytes_min);
    replica_reset_stats(r);
    replica_reset_client_stats(r);
    replica_status(r, &status);
    assert_true(replica_client(r, 2, &client));
    assert_int_equal(status.packets_received, 0);
    assert_int_equal(status.response_bytes_max, -1);
    assert_int_equal(client.received, 0);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_and_rules_change),
        cmocka_unit_test(what_was_built_upon_stays),
        cmocka_unit_test(demanded_schemes_change),
        cmocka_unit_test(ids_of_sessions_begin_with_a_byte_of_the_server_and_then_at_random),
        cmocka_unit_test(figures_are_read_and_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
