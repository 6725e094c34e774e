/* peers_tls_test.c - TLS between servers on both ports: who gets in and who does not, beside and without TLS, and that
 * whoever stalls or is refused disturbs nobody else. */
#include "tests/unit/agent/peers_tls_fixture.h"
#include "tests/unit/agent/tls_client.h"

static const int two[] = {1, 2, -1};
static const int three[] = {1, 2, 3, -1};

#define HERE "IP:127.0.0.1"

/* Up to three servers, each with stores of its own. */
struct secured {
    struct world w;
    struct certs authority, other_authority;
    struct certs own[3];
    struct stores_of_server stores[3];
    struct peers_security security[3];
    const char *more[3]; /* lines of zoo.cfg */
};

static void secured_begin(struct secured *t, const int *sids)
{
    *t = (struct secured){.authority = certs_authority("authority"), .other_authority = certs_authority("another")};
    world_begin(&t->w, sids);
    for (size_t i = 0; i < t->w.count; i++) {
        t->security[i] = tls_only;
        t->more[i] = "";
        t->own[i] = certs_issue_for(&t->authority, "server", HERE, 0);
    }
}

/* Instead of the certificate that server `i` has so far. */
static void secured_certify(struct secured *t, size_t i, struct certs own)
{
    certs_free(&t->own[i]);
    t->own[i] = own;
}

static void secured_start(struct secured *t)
{
    for (size_t i = 0; i < t->w.count; i++) {
        struct server *s = &t->w.servers[i];
        struct peers_options options = default_options(s->sid);
        options.security = t->security[i];
        t->stores[i] = server_secure(s, &t->own[i], &t->authority, t->more[i]);
        server_new(s, options);
        peers_open(s->p);
        assert_true(net_run_until(&t->w.loop, is_open, s));
    }
}

static void secured_end(struct secured *t)
{
    for (size_t i = 0; i < t->w.count; i++) {
        server_stop(&t->w.servers[i]);
        server_forget_stores(&t->w.servers[i], &t->stores[i]);
        certs_free(&t->own[i]);
    }
    certs_free(&t->authority);
    certs_free(&t->other_authority);
    world_end(&t->w);
}

/* Each hears what the other says, whichever of them may keep the connection. */
static void assert_they_talk(struct secured *t, size_t a, size_t b)
{
    struct server *one = &t->w.servers[a], *other = &t->w.servers[b];
    peers_notify(one->p, other->sid, BYTES("from one"));
    wait_heard(other, one->sid, "from one");
    peers_notify(other->p, one->sid, BYTES("from the other"));
    wait_heard(one, other->sid, "from the other");
}

struct attempt {
    const struct server *leader;
    const struct link_seen *seen;
    size_t before; /* links of the leader */
};

static bool is_decided(void *context)
{
    const struct attempt *a = context;
    return a->leader->link_count > a->before || a->seen->closed;
}

static bool has_answer(void *context)
{
    const struct link_seen *seen = context;
    return seen->connected || seen->closed;
}

static bool was_accepted(void *context)
{
    const struct server *s = context;
    return s->link_count > 0 && s->links[s->link_count - 1].received.len > 0;
}

/* A link from `b` to `a`, which leads. False: it was refused, on whichever side. */
static bool can_link(struct secured *t, size_t a, size_t b)
{
    struct server *leader = &t->w.servers[a], *learner = &t->w.servers[b];
    if (!peers_is_listening(leader->p, PEERS_QUORUM))
        server_lead(leader);
    uint64_t link = peers_connect(learner->p, leader->sid);
    struct attempt attempt = {leader, link_seen(learner, link), leader->link_count};
    assert_true(net_run_until(&t->w.loop, has_answer, link_seen(learner, link)));
    if (!attempt.seen->connected)
        return false;
    peers_send(learner->p, link, BYTES("follower info"));
    assert_true(net_run_until(&t->w.loop, is_decided, &attempt));
    if (leader->link_count == attempt.before)
        return false;
    assert_true(net_run_until(&t->w.loop, was_accepted, leader));
    return true;
}

static void both_ports_speak_tls(void **state)
{
    (void)state;
    struct secured t;
    secured_begin(&t, two);
    secured_start(&t);
    assert_they_talk(&t, 0, 1);
    assert_they_talk(&t, 1, 0);
    assert_true(can_link(&t, 0, 1));
    assert_true(can_link(&t, 1, 0));
    assert_int_equal(metrics_counter(t.w.metrics, COUNTER_unsuccessful_handshake), 0);
    secured_end(&t);
}

/* An initial message without TLS gets no answer at all. */
static void without_tls_nobody_gets_in(void **state)
{
    (void)state;
    struct secured t;
    struct net_client plain;
    secured_begin(&t, two);
    secured_start(&t);
    say_hello(&plain, &t.w.servers[0], 2, "127.0.0.1:1");
    assert_true(net_wait_end(&plain));
    assert_int_equal(plain.received.len, 0);
    assert_true(was_said(&t.w, "is turned away from the election port: it does not speak TLS"));
    net_close(&plain);
    server_lead(&t.w.servers[0]);
    net_connect(&plain, &t.w.loop, t.w.servers[0].quorum.port);
    net_send(&plain, "\0\0\0\x0b", 4);
    assert_true(net_wait_end(&plain));
    assert_int_equal(plain.received.len, 0);
    assert_int_equal(t.w.servers[0].link_count, 0);
    net_close(&plain);
    assert_they_talk(&t, 0, 1);
    secured_end(&t);
}

/* The other way round it is said, too: it may take a reader of the log a while to find out otherwise. */
static void tls_is_refused_where_it_is_not_set_up(void **state)
{
    (void)state;
    struct secured t;
    secured_begin(&t, two);
    t.security[0] = (struct peers_security){.takes_plain = true, .handshake_ms = 5000};
    secured_start(&t);
    assert_false(can_link(&t, 0, 1));
    wait_said(&t.w, "is turned away from the quorum port: it speaks TLS, which is not set up here");
    assert_int_equal(t.w.servers[0].link_count, 0);
    secured_end(&t);
}

/* The three steps of an ensemble that moves to TLS: at each border one server is a step ahead. */
static void an_ensemble_moves_to_tls_step_by_step(void **state)
{
    (void)state;
    static const struct peers_security steps[] = {
        {.takes_plain = true, .handshake_ms = 5000},
        {.takes_plain = true, .takes_tls = true, .checks_called = true, .checks_callers = true, .handshake_ms = 5000},
        {.dials_tls = true,
         .takes_plain = true,
         .takes_tls = true,
         .checks_called = true,
         .checks_callers = true,
         .handshake_ms = 5000},
        {.dials_tls = true, .takes_tls = true, .checks_called = true, .checks_callers = true, .handshake_ms = 5000},
    };
    for (size_t i = 0; i + 1 < ARRAY_LEN(steps); i++) {
        for (size_t ahead = 0; ahead < 2; ahead++) {
            struct secured t;
            secured_begin(&t, two);
            t.security[ahead] = steps[i + 1];
            t.security[1 - ahead] = steps[i];
            secured_start(&t);
            assert_they_talk(&t, 0, 1);
            assert_true(can_link(&t, 0, 1));
            assert_true(can_link(&t, 1, 0));
            secured_end(&t);
        }
    }
}

/* Server 3 has a certificate that the others must not take; they go on as if it were not there. */
static void assert_refused(struct certs (*certify)(const struct secured *t), const char *line)
{
    struct secured t;
    secured_begin(&t, three);
    secured_certify(&t, 2, certify(&t));
    secured_start(&t);
    peers_notify(t.w.servers[2].p, 1, BYTES("let me in")); /* it is larger: it calls, and would keep the connection */
    peers_notify(t.w.servers[1].p, 3, BYTES("who are you"));
    assert_they_talk(&t, 0, 1);
    wait_said(&t.w, line);
    assert_false(can_link(&t, 0, 2));
    assert_false(can_link(&t, 2, 1));
    assert_true(can_link(&t, 0, 1));
    assert_int_equal(t.w.servers[0].count[3] + t.w.servers[1].count[3], 0);
    assert_int_equal(t.w.servers[2].count[1] + t.w.servers[2].count[2], 0);
    assert_int_equal(status_of(&t.w.servers[0]).connected, 1);
    assert_true(metrics_counter(t.w.metrics, COUNTER_unsuccessful_handshake) >= 4);
    secured_end(&t);
}

static struct certs of_another_authority(const struct secured *t)
{
    return certs_issue_for(&t->other_authority, "server", HERE, 0);
}

static struct certs expired(const struct secured *t)
{
    return certs_issue_for(&t->authority, "server", HERE, -3);
}

static struct certs not_valid_yet(const struct secured *t)
{
    return certs_issue_for(&t->authority, "server", HERE, 3);
}

static struct certs of_another_host(const struct secured *t)
{
    return certs_issue_for(&t->authority, "elsewhere", "DNS:elsewhere.example,IP:192.0.2.7", 0);
}

static void a_certificate_of_another_authority_is_refused(void **state)
{
    (void)state;
    assert_refused(of_another_authority, "unable to get local issuer certificate");
}

static void a_certificate_that_is_not_valid_now_is_refused(void **state)
{
    (void)state;
    assert_refused(expired, "certificate has expired");
    assert_refused(not_valid_yet, "certificate is not yet valid");
}

static void a_certificate_of_another_host_is_refused(void **state)
{
    (void)state;
    assert_refused(of_another_host, "its certificate is for another host");
}

/* ssl.quorum.hostnameVerification=false, and ssl.quorum.clientHostnameVerification=false. */
static void the_host_is_looked_at_as_far_as_is_asked_for(void **state)
{
    (void)state;
    struct secured t;
    secured_begin(&t, two);
    secured_certify(&t, 1, of_another_host(&t));
    t.security[0].checks_callers = false;
    secured_start(&t);
    assert_true(can_link(&t, 0, 1));
    assert_false(can_link(&t, 1, 0));
    secured_end(&t);
    secured_begin(&t, two);
    secured_certify(&t, 1, of_another_host(&t));
    t.security[0].checks_callers = t.security[0].checks_called = false;
    secured_start(&t);
    assert_true(can_link(&t, 0, 1));
    assert_true(can_link(&t, 1, 0));
    assert_they_talk(&t, 0, 1);
    secured_end(&t);
}

/* Certificates with names alone: one that is called has to have the name it was called by, one that calls the name of
 * any server of the configuration. */
static void names_of_the_configuration_will_do(void **state)
{
    (void)state;
    struct secured t;
    secured_begin(&t, two);
    members_free(t.w.members);
    t.w.host = "localhost";
    t.w.members = world_members(&t.w, 0, 2);
    secured_certify(&t, 0, certs_issue_for(&t.authority, "one", "DNS:localhost", 0));
    secured_certify(&t, 1, certs_issue_for(&t.authority, "two", "DNS:*.example,DNS:localhost", 0));
    secured_start(&t);
    assert_true(can_link(&t, 0, 1));
    assert_true(can_link(&t, 1, 0));
    assert_they_talk(&t, 1, 0);
    secured_end(&t);
}

/* ssl.quorum.clientAuth decides about one that calls without a certificate. */
static void a_caller_without_a_certificate(void **state)
{
    (void)state;
    struct secured t;
    secured_begin(&t, two);
    t.more[1] = "ssl.quorum.clientAuth=none\n";
    secured_start(&t);
    for (size_t i = 0; i < 2; i++) {
        struct tls_client c;
        struct server *s = &t.w.servers[i];
        server_lead(s);
        tls_client_to(&c, &t.w.loop, s->quorum.port, NULL, &t.authority);
        bool done = tls_connect(&c); /* with TLS 1.3 the refusal follows behind */
        if (done)
            tls_send(&c, "hello", 5);
        if (i == 0) {
            assert_true(!done || tls_wait_end(&c));
            wait_said(&t.w, "peer did not return a certificate");
            assert_int_equal(s->link_count, 0);
        } else {
            assert_true(net_run_until(&t.w.loop, was_accepted, s));
        }
        tls_client_free(&c);
    }
    assert_they_talk(&t, 0, 1);
    secured_end(&t);
}

static void handshakes_that_stall_end_in_time_and_hold_up_nobody(void **state)
{
    (void)state;
    enum { HELD = 15 };
    static const uint8_t beginning[] = {0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc};
    struct secured t;
    struct net_client held[HELD];
    secured_begin(&t, two);
    t.security[0].handshake_ms = 300;
    secured_start(&t);
    for (int i = 0; i < HELD; i++) {
        net_connect(&held[i], &t.w.loop, t.w.servers[0].election.port);
        net_send(&held[i], beginning, (size_t)i % sizeof beginning + 1);
    }
    assert_they_talk(&t, 0, 1);
    assert_true(can_link(&t, 0, 1));
    for (int i = 0; i < HELD; i++) {
        assert_true(net_wait_end(&held[i]));
        net_close(&held[i]);
    }
    assert_true(was_said(&t.w, "its TLS handshake takes too long"));
    assert_int_equal(status_of(&t.w.servers[0]).newcomers, 0);
    secured_end(&t);
}

/* Garbage that begins like TLS. */
static void garbage_is_refused(void **state)
{
    (void)state;
    struct secured t;
    struct net_client c;
    uint8_t garbage[600];
    secured_begin(&t, two);
    secured_start(&t);
    memset(garbage, 0xa5, sizeof garbage);
    memcpy(garbage, "\x16\x03\x01\x02\x00", 5);
    net_connect(&c, &t.w.loop, t.w.servers[0].election.port);
    net_send(&c, garbage, sizeof garbage);
    assert_true(net_wait_bytes(&c, 1));
    assert_int_equal(c.received.data[0], 0x15); /* an alert says so before the end */
    net_close(&c);
    assert_they_talk(&t, 0, 1);
    secured_end(&t);
}

/* Server 2 is a socket on which nobody answers: calling it is given up, and called for again. */
static void a_server_that_answers_no_handshake_is_given_up(void **state)
{
    (void)state;
    struct secured t;
    secured_begin(&t, three);
    for (size_t i = 0; i < 3; i++)
        t.security[i].handshake_ms = 300;
    secured_start(&t);
    server_stop(&t.w.servers[1]);
    port_listen(&t.w.servers[1].election);
    port_listen(&t.w.servers[1].quorum);
    for (int attempt = 0; attempt < 2; attempt++) {
        struct net_client silent;
        peers_notify(t.w.servers[2].p, 2, BYTES("anybody there"));
        port_accept(&t.w.servers[1].election, &silent, &t.w.loop);
        assert_true(net_wait_end(&silent));
        net_close(&silent);
    }
    wait_said(&t.w, "server 2 cannot be reached on its election port: its TLS handshake takes too long");
    uint64_t link = peers_connect(t.w.servers[0].p, 2);
    wait_true(&t.w, &link_seen(&t.w.servers[0], link)->closed);
    assert_false(link_seen(&t.w.servers[0], link)->connected);
    assert_they_talk(&t, 0, 2);
    assert_int_equal(status_of(&t.w.servers[2]).connected, 1);
    secured_end(&t);
}

struct renewal {
    const struct tls *tls;
    uint32_t generation;
};

static bool is_renewed(void *context)
{
    const struct renewal *r = context;
    return tls_generation(r->tls) > r->generation;
}

/* Both move to another authority while they run: what is connected stays, what comes then shows the new certificate. */
static void stores_are_replaced_while_running(void **state)
{
    (void)state;
    struct secured t;
    secured_begin(&t, two);
    secured_start(&t);
    assert_they_talk(&t, 0, 1);
    assert_true(can_link(&t, 0, 1));
    struct link_seen *old = link_seen(&t.w.servers[1], t.w.servers[1].links[0].link);
    for (size_t i = 0; i < 2; i++)
        tls_watch(t.w.servers[i].tls);
    for (size_t i = 0; i < 2; i++) {
        struct renewal r = {t.w.servers[i].tls, tls_generation(t.w.servers[i].tls)};
        secured_certify(&t, i, of_another_authority(&t));
        stores_write(&t.stores[i], &t.own[i], &t.other_authority);
        assert_true(net_run_until(&t.w.loop, is_renewed, &r));
        assert_int_equal(i == 1, can_link(&t, 0, 1)); /* not while they trust different ones */
    }
    assert_false(old->closed);
    assert_they_talk(&t, 0, 1);
    secured_end(&t);
}

static void versions_and_suites_are_as_set(void **state)
{
    (void)state;
    struct secured t;
    secured_begin(&t, two);
    t.more[0] = "ssl.quorum.protocol=TLSv1.2\n";
    secured_start(&t);
    assert_they_talk(&t, 0, 1);
    secured_end(&t);
    secured_begin(&t, two);
    t.more[0] = "ssl.quorum.enabledProtocols=TLSv1.2\n";
    t.more[1] = "ssl.quorum.enabledProtocols=TLSv1.3\n";
    secured_start(&t);
    assert_false(can_link(&t, 0, 1));
    secured_end(&t);
    secured_begin(&t, two);
    t.more[0] = "ssl.quorum.ciphersuites=TLS_AES_128_GCM_SHA256\n";
    t.more[1] = "ssl.quorum.ciphersuites=TLS_CHACHA20_POLY1305_SHA256,TLS_AES_256_GCM_SHA384\n";
    secured_start(&t);
    assert_false(can_link(&t, 0, 1));
    secured_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ports_speak_tls),
        cmocka_unit_test(without_tls_nobody_gets_in),
        cmocka_unit_test(tls_is_refused_where_it_is_not_set_up),
        cmocka_unit_test(an_ensemble_moves_to_tls_step_by_step),
        cmocka_unit_test(a_certificate_of_another_authority_is_refused),
        cmocka_unit_test(a_certificate_that_is_not_valid_now_is_refused),
        cmocka_unit_test(a_certificate_of_another_host_is_refused),
        cmocka_unit_test(the_host_is_looked_at_as_far_as_is_asked_for),
        cmocka_unit_test(names_of_the_configuration_will_do),
        cmocka_unit_test(a_caller_without_a_certificate),
        cmocka_unit_test(handshakes_that_stall_end_in_time_and_hold_up_nobody),
        cmocka_unit_test(garbage_is_refused),
        cmocka_unit_test(a_server_that_answers_no_handshake_is_given_up),
        cmocka_unit_test(stores_are_replaced_while_running),
        cmocka_unit_test(versions_and_suites_are_as_set),
    };
    ignore_sigpipe();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
