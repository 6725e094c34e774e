/* tls_test.c - connections over TLS: who gets in, as whom, and that frames and words are the same inside. */
#include "tests/unit/agent/tls_fixture.h"

static bool is_served(struct fixture *f, const struct certs *own, const struct certs *authority)
{
    struct tls_client c;
    tls_client_new(&c, f, own, authority);
    bool served = tls_connect(&c);
    if (served) {
        tls_send_frame(&c, "e", 1);
        served = tls_expect_frame(&c, "e", 1);
    }
    tls_client_free(&c);
    return served;
}

static void a_client_is_known_by_its_certificate(void **state)
{
    (void)state;
    struct stores s = stores_new();
    struct tls_fixture t = tls_fixture_new(settings_pem(&s, ""), FRONT_TLS);
    assert_true(is_served(t.front, &s.client, &s.authority));
    assert_string_equal(fake.identities, "ip:127.0.0.1 x509:CN=client one,O=zooid ");
    tls_fixture_free(&t);
    stores_free(&s);
}

static void without_the_certificate_that_is_needed_nobody_gets_in(void **state)
{
    (void)state;
    struct stores s = stores_new();
    struct certs stranger = certs_authority("stranger");
    struct certs forged = certs_issue(&stranger, "client one");
    struct tls_fixture t = tls_fixture_new(settings_pem(&s, ""), FRONT_TLS);
    assert_false(is_served(t.front, NULL, &s.authority));
    assert_false(is_served(t.front, &forged, &s.authority));
    assert_int_equal(fake.connected, 0);
    assert_int_equal(metrics_counter(t.front->metrics, COUNTER_unsuccessful_handshake), 2);
    assert_true(is_served(t.front, &s.client, &s.authority));
    tls_fixture_free(&t);
    certs_free(&forged);
    certs_free(&stranger);
    stores_free(&s);
}

static void a_certificate_may_be_wanted_or_not_asked_for(void **state)
{
    (void)state;
    struct stores s = stores_new();
    struct certs stranger = certs_authority("stranger");
    struct tls_fixture want = tls_fixture_new(settings_pem(&s, "ssl.clientAuth=want\n"), FRONT_TLS);
    assert_true(is_served(want.front, NULL, &s.authority));
    assert_string_equal(fake.identities, "ip:127.0.0.1 ");
    assert_true(is_served(want.front, &s.client, &s.authority));
    assert_string_equal(fake.identities, "ip:127.0.0.1 x509:CN=client one,O=zooid ");
    assert_false(is_served(want.front, &stranger, &s.authority));
    tls_fixture_free(&want);
    struct tls_fixture none = tls_fixture_new(settings_pem(&s, "ssl.clientAuth=none\n"), FRONT_TLS);
    assert_true(is_served(none.front, &s.client, &s.authority));
    assert_string_equal(fake.identities, "ip:127.0.0.1 ");
    tls_fixture_free(&none);
    certs_free(&stranger);
    stores_free(&s);
}

static void what_the_trust_store_holds_is_an_anchor_even_if_another_signed_it(void **state)
{
    (void)state;
    struct stores s = stores_new();
    certs_write_trust_pem(s.trust_pem, &s.client);
    struct tls_fixture t = tls_fixture_new(settings_pem(&s, ""), FRONT_TLS);
    assert_true(is_served(t.front, &s.client, &s.authority));
    assert_false(is_served(t.front, &s.server, &s.authority));
    tls_fixture_free(&t);
    stores_free(&s);
}

static void stores_may_be_pkcs12(void **state)
{
    (void)state;
    struct stores s = stores_new();
    struct buffer text = {0};
    assert_int_equal(buffer_printf(&text,
                                   "dataDir=/d\nsecureClientPort=0\nssl.keyStore.location=%s\n"
                                   "ssl.keyStore.password=secret\nssl.trustStore.location=%s\n"
                                   "ssl.trustStore.passwordPath=%s\n%c",
                                   s.key_p12, s.trust_p12, s.password, 0),
                     ST_OK);
    struct tls_fixture t = tls_fixture_new(settings_of((const char *)text.data), FRONT_TLS);
    assert_true(is_served(t.front, &s.client, &s.authority));
    assert_false(is_served(t.front, NULL, &s.authority));
    tls_fixture_free(&t);
    buffer_free(&text);
    stores_free(&s);
}

static void frames_are_the_same_inside(void **state)
{
    (void)state;
    struct stores s = stores_new();
    struct tls_fixture t = tls_fixture_new(settings_pem(&s, ""), FRONT_TLS);
    struct tls_client c;
    static const uint8_t stream[] = "\0\0\0\4eabc\0\0\0\1e";
    tls_client_new(&c, t.front, &s.client, &s.authority);
    assert_true(tls_connect(&c));
    for (size_t i = 0; i < sizeof stream - 1; i++)
        tls_send(&c, stream + i, 1);
    assert_true(tls_expect_frame(&c, "eabc", 4));
    assert_true(tls_expect_frame(&c, "e", 1));
    for (int i = 0; i < 500; i++)
        tls_send_frame(&c, &"e0123456789abcdef"[0], (size_t)(1 + i % 17));
    for (int i = 0; i < 500; i++)
        assert_true(tls_expect_frame(&c, "e0123456789abcdef", (size_t)(1 + i % 17)));
    tls_send(&c, "\x80\0\0\0", 4);
    assert_true(tls_wait_end(&c));
    tls_client_free(&c);
    tls_fixture_free(&t);
    stores_free(&s);
}

static void large_frames_pass_both_ways(void **state)
{
    (void)state;
    struct stores s = stores_new();
    struct tls_fixture t = tls_fixture_new(settings_pem(&s, ""), FRONT_TLS);
    struct tls_client c;
    size_t len = t.front->limits.frame_bytes_max;
    uint8_t *big = calloc(1, len);
    assert_non_null(big);
    for (size_t i = 0; i < len; i++)
        big[i] = (uint8_t)(i * 31);
    big[0] = 'e';
    tls_client_new(&c, t.front, &s.client, &s.authority);
    assert_true(tls_connect(&c));
    for (int i = 0; i < 3; i++) {
        tls_send_frame(&c, big, len);
        assert_true(tls_expect_frame(&c, big, len));
    }
    tls_send_frame(&c, "q", 1);
    assert_true(tls_expect_frame(&c, "q", 1));
    assert_true(tls_wait_end(&c));
    assert_true(c.ended); /* with a close_notify: nothing was cut off */
    tls_client_free(&c);
    free(big);
    tls_fixture_free(&t);
    stores_free(&s);
}

static void words_are_answered_inside_and_not_outside(void **state)
{
    (void)state;
    struct stores s = stores_new();
    struct tls_fixture t = tls_fixture_new(settings_pem(&s, ""), FRONT_TLS);
    struct tls_client c;
    struct net_client plain;
    tls_client_new(&c, t.front, &s.client, &s.authority);
    assert_true(tls_connect(&c));
    tls_send(&c, "ruok", 4);
    assert_true(tls_wait_end(&c));
    assert_true(c.ended);
    assert_int_equal(c.net.received.len, 4);
    assert_memory_equal(c.net.received.data, "imok", 4);
    tls_client_free(&c);
    net_connect(&plain, &t.front->loop, t.front->port);
    net_send(&plain, "ruok", 4);
    assert_true(net_wait_end(&plain));
    assert_true(plain.received.len == 0 || memmem(plain.received.data, plain.received.len, "imok", 4) == NULL);
    net_close(&plain);
    tls_fixture_free(&t);
    stores_free(&s);
}

static void one_port_may_serve_both(void **state)
{
    (void)state;
    struct stores s = stores_new();
    struct tls_fixture t = tls_fixture_new(settings_pem(&s, ""), FRONT_EITHER);
    struct net_client plain;
    assert_true(is_served(t.front, &s.client, &s.authority));
    net_connect(&plain, &t.front->loop, t.front->port);
    net_send_frame(&plain, "e", 1);
    assert_true(net_expect_frame(&plain, "e", 1));
    assert_string_equal(fake.identities, "ip:127.0.0.1 ");
    net_close(&plain);
    tls_fixture_free(&t);
    stores_free(&s);
}

static void protocols_and_suites_are_as_set(void **state)
{
    (void)state;
    static const struct {
        const char *more, *version, *suite;
    } cases[] = {
        {"ssl.enabledProtocols=TLSv1.2\n", "TLSv1.2", NULL},
        {"ssl.protocol=TLSv1.2\n", "TLSv1.2", NULL},
        {"", "TLSv1.3", NULL},
        {"ssl.ciphersuites=TLS_CHACHA20_POLY1305_SHA256\n", "TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256"},
        {"ssl.enabledProtocols=TLSv1.2\nssl.ciphersuites=TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,"
         "TLS_AES_128_GCM_SHA256\n",
         "TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
    };
    struct stores s = stores_new();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tls_fixture t = tls_fixture_new(settings_pem(&s, cases[i].more), FRONT_TLS);
        struct tls_client c;
        tls_client_new(&c, t.front, &s.client, &s.authority);
        assert_true(tls_connect(&c));
        assert_string_equal(SSL_get_version(c.ssl), cases[i].version);
        if (cases[i].suite != NULL)
            assert_string_equal(SSL_CIPHER_standard_name(SSL_get_current_cipher(c.ssl)), cases[i].suite);
        tls_client_free(&c);
        tls_fixture_free(&t);
    }
    stores_free(&s);
}

static bool newcomer_is_served(void *context)
{
    struct stores *s = ((void **)context)[0];
    struct fixture *f = ((void **)context)[1];
    return is_served(f, &s->client, &s->authority);
}

static void half_open_handshakes_give_way_and_end_in_time(void **state)
{
    (void)state;
    enum { HELD = 8 };
    static const uint8_t beginning[] = {0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc};
    struct stores s = stores_new();
    struct tls_fixture t = tls_fixture_new(settings_pem(&s, ""), FRONT_TLS);
    struct net_client held[HELD], silent;
    t.front->limits.handshakes_max = HELD;
    front_set_limits(t.front->front, &t.front->limits);
    net_connect(&silent, &t.front->loop, t.front->port);
    for (int i = 0; i < HELD; i++) {
        net_connect(&held[i], &t.front->loop, t.front->port);
        net_send(&held[i], beginning, sizeof beginning);
    }
    struct front_status status = {0};
    for (int turn = 0; turn < 10000 && status.handshakes < HELD; turn++) {
        uv_run(&t.front->loop, UV_RUN_NOWAIT);
        front_status(t.front->front, &status);
    }
    assert_int_equal(status.handshakes, HELD);
    assert_false(is_served(t.front, &s.client, &s.authority)); /* they are too young to give way */
    assert_int_equal(metrics_counter(t.front->metrics, COUNTER_tls_handshake_exceeded), 1);
    void *context[] = {&s, t.front};
    assert_true(net_run_until(&t.front->loop, newcomer_is_served, context));
    for (int i = 0; i < HELD; i++)
        net_close(&held[i]);
    net_close(&silent);
    tls_fixture_free(&t);
    stores_free(&s);
}

static void a_handshake_has_its_time_only(void **state)
{
    (void)state;
    struct stores s = stores_new();
    struct tls_fixture t = tls_fixture_new(settings_pem(&s, ""), FRONT_TLS);
    struct net_client c;
    t.front->limits.sessionless_timeout_ms = 50;
    front_set_limits(t.front->front, &t.front->limits);
    net_connect(&c, &t.front->loop, t.front->port);
    net_send(&c, "\x16\3\1\2", 4);
    assert_true(net_wait_end(&c));
    net_close(&c);
    tls_fixture_free(&t);
    stores_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_is_known_by_its_certificate),
        cmocka_unit_test(without_the_certificate_that_is_needed_nobody_gets_in),
        cmocka_unit_test(a_certificate_may_be_wanted_or_not_asked_for),
        cmocka_unit_test(what_the_trust_store_holds_is_an_anchor_even_if_another_signed_it),
        cmocka_unit_test(stores_may_be_pkcs12),
        cmocka_unit_test(frames_are_the_same_inside),
        cmocka_unit_test(large_frames_pass_both_ways),
        cmocka_unit_test(words_are_answered_inside_and_not_outside),
        cmocka_unit_test(one_port_may_serve_both),
        cmocka_unit_test(protocols_and_suites_are_as_set),
        cmocka_unit_test(half_open_handshakes_give_way_and_end_in_time),
        cmocka_unit_test(a_handshake_has_its_time_only),
    };
    ignore_sigpipe();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
