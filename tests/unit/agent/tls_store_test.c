/* tls_store_test.c - what is said about stores that cannot be used, how changed ones are taken over, and subjects as
 * Java writes them. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "agent/net/tls_store.h"

#include "tests/support/failing_memory.h"
#include "tests/unit/agent/tls_fixture.h"

/* Whether the message holds each of the three (NULL: none). */
static void expect_refused(const struct tls_store_place *place, enum status wanted, const char *a, const char *b)
{
    struct tls_store store;
    struct buffer message = {0};
    assert_int_equal(tls_store_read(&store, place, &message), wanted);
    assert_int_equal(buffer_append(&message, "", 1), ST_OK);
    const char *text = (const char *)message.data;
    if (strstr(text, place->setting) == NULL || strstr(text, a) == NULL || strstr(text, b) == NULL)
        fail_msg("not what was wanted: %s", text);
    buffer_free(&message);
}

static struct tls_store_place place_of(const char *location, int type, const char *password)
{
    return (struct tls_store_place){"ssl.keyStore.location", location, type, password, ""};
}

static void a_java_keystore_is_refused_with_the_command_that_converts_it(void **state)
{
    (void)state;
    struct stores s = stores_new();
    char *jks = tmp_join(s.directory, "old.jks");
    certs_write_file(jks, "\xfe\xed\xfe\xed\0\0\0\2", 8);
    char command[1024];
    snprintf(command, sizeof command,
             "keytool -importkeystore -srckeystore %s -destkeystore %s.p12 -deststoretype PKCS12", jks, jks);
    const int types[] = {TLS_STORE_JKS, TLS_STORE_PKCS12, TLS_STORE_PEM, TLS_STORE_NONE};
    for (size_t i = 0; i < 4; i++) {
        struct tls_store_place place = place_of(jks, types[i], "");
        expect_refused(&place, ST_BAD_ARGUMENTS, "Java keystore", command);
    }
    struct tls_store_place bcfks = place_of(s.key_p12, TLS_STORE_BCFKS, "");
    expect_refused(&bcfks, ST_BAD_ARGUMENTS, "BCFKS", "-srcstoretype BCFKS");
    free(jks);
    stores_free(&s);
}

static void a_pkcs12_store_that_is_called_jks_is_read(void **state)
{
    (void)state;
    struct stores s = stores_new();
    struct tls_store store;
    struct buffer message = {0};
    struct tls_store_place place = place_of(s.key_p12, TLS_STORE_JKS, "secret");
    assert_int_equal(tls_store_read(&store, &place, &message), ST_OK);
    assert_non_null(store.key);
    assert_non_null(store.certificate);
    assert_int_equal(sk_X509_num(store.others), 1);
    tls_store_free(&store);
    stores_free(&s);
}

static void a_key_may_be_encrypted(void **state)
{
    (void)state;
    struct stores s = stores_new();
    struct tls_store store;
    struct buffer message = {0};
    certs_write_pem(s.key_pem, &s.server, &s.authority, "secret");
    struct tls_store_place place = place_of(s.key_pem, TLS_STORE_PEM, "secret");
    assert_int_equal(tls_store_read(&store, &place, &message), ST_OK);
    assert_int_equal(X509_check_private_key(store.certificate, store.key), 1);
    tls_store_free(&store);
    place.password_path = s.password;
    place.password = "wrong";
    assert_int_equal(tls_store_read(&store, &place, &message), ST_OK);
    tls_store_free(&store);
    stores_free(&s);
}

static void what_cannot_be_used_is_named(void **state)
{
    (void)state;
    struct stores s = stores_new();
    char *junk = tmp_join(s.directory, "junk");
    certs_write_file(junk, "0000 no store", 13);
    struct tls_store_place place = place_of("/no/such/file.pem", TLS_STORE_PEM, "");
    expect_refused(&place, ST_IO_ERROR, "/no/such/file.pem", "no such file");
    place = place_of(s.key_p12, TLS_STORE_PKCS12, "wrong");
    expect_refused(&place, ST_BAD_ARGUMENTS, s.key_p12, "wrong password");
    place = place_of(junk, TLS_STORE_PKCS12, "");
    expect_refused(&place, ST_BAD_ARGUMENTS, junk, "is not a PKCS#12 store");
    place = place_of(junk, TLS_STORE_JKS, "");
    expect_refused(&place, ST_BAD_ARGUMENTS, junk, "is not a");
    certs_write_pem(s.key_pem, &s.server, NULL, "secret");
    place = place_of(s.key_pem, TLS_STORE_PEM, "wrong");
    expect_refused(&place, ST_BAD_ARGUMENTS, s.key_pem, "is the password right?");
    place = place_of(s.key_pem, TLS_STORE_PEM, "");
    expect_refused(&place, ST_BAD_ARGUMENTS, s.key_pem, "is the password right?");
    place.password_path = "/no/such/password";
    expect_refused(&place, ST_IO_ERROR, "/no/such/password", "no such file");
    free(junk);
    stores_free(&s);
}

/* Broken in the middle of a certificate: not the end of the file's certificates. */
static void a_damaged_certificate_is_not_passed_over(void **state)
{
    (void)state;
    static const char damaged[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    struct stores s = stores_new();
    certs_write_file(s.trust_pem, damaged, sizeof damaged - 1);
    struct tls_store_place place = place_of(s.trust_pem, TLS_STORE_PEM, "");
    expect_refused(&place, ST_BAD_ARGUMENTS, s.trust_pem, "a certificate cannot be read");
    stores_free(&s);
}

static void expect_no_context(const struct stores *s, enum tls_use use, const char *more, const char *wanted)
{
    uv_loop_t loop;
    struct tls *tls = NULL;
    struct buffer message = {0};
    struct settings *settings = settings_pem(s, more);
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(tls_new(&tls, settings, use, &loop, NULL, &message), ST_BAD_ARGUMENTS);
    assert_null(tls);
    assert_int_equal(buffer_append(&message, "", 1), ST_OK);
    if (strstr((const char *)message.data, wanted) == NULL)
        fail_msg("not what was wanted: %s", (const char *)message.data);
    buffer_free(&message);
    settings_free(settings);
    assert_true(net_finish(&loop));
}

static void stores_without_what_they_are_for_are_refused(void **state)
{
    (void)state;
    struct stores s = stores_new();
    expect_no_context(&s, TLS_FOR_CLIENTS, "ssl.ciphersuites=TLS_RSA_WITH_ROT13\n",
                      "ssl.ciphersuites: TLS_RSA_WITH_ROT13");
    certs_write_trust_pem(s.key_pem, &s.server);
    expect_no_context(&s, TLS_FOR_CLIENTS, "", "holds no private key");
    certs_write_pem(s.key_pem, &s.server, NULL, NULL);
    certs_write_file(s.trust_pem, "\n", 1);
    expect_no_context(&s, TLS_FOR_CLIENTS, "", "ssl.trustStore.location");
    stores_free(&s);
}

/* The keys of both uses differ, and so must the messages. */
static void what_is_wrong_between_servers_is_told_by_its_own_key(void **state)
{
    (void)state;
    struct stores s = stores_new();
    struct buffer text = {0};
    char *java = tmp_join(s.directory, "key.jks");
    certs_write_file(java, "\xFE\xED\xFE\xED\0\0\0\2", 8);
    assert_int_equal(buffer_printf(&text,
                                   "ssl.quorum.keyStore.location=%s\nssl.quorum.trustStore.location=%s\n"
                                   "ssl.quorum.ciphersuites=TLS_AES_128_GCM_SHA256\n%c",
                                   java, s.trust_pem, 0),
                     ST_OK);
    expect_no_context(&s, TLS_BETWEEN_SERVERS, (const char *)text.data, "ssl.quorum.keyStore.location: ");
    expect_no_context(&s, TLS_BETWEEN_SERVERS, (const char *)text.data, "keytool -importkeystore");
    certs_write_pem(java, &s.server, NULL, NULL);
    certs_write_file(s.trust_pem, "\n", 1);
    buffer_free(&text);
    assert_int_equal(buffer_printf(&text,
                                   "ssl.quorum.keyStore.location=%s\nssl.quorum.keyStore.type=PEM\n"
                                   "ssl.quorum.trustStore.location=%s\nssl.quorum.clientAuth=none\n%c",
                                   java, s.trust_pem, 0),
                     ST_OK);
    expect_no_context(&s, TLS_BETWEEN_SERVERS, (const char *)text.data,
                      "ssl.quorum.trustStore.location: "); /* it is needed to call, whatever clientAuth says */
    expect_no_context(&s, TLS_BETWEEN_SERVERS, "ssl.quorum.ciphersuites=TLS_RSA_WITH_ROT13\n",
                      "ssl.quorum.ciphersuites: TLS_RSA_WITH_ROT13");
    buffer_free(&text);
    free(java);
    stores_free(&s);
}

static void without_memory_there_is_no_context(void **state)
{
    (void)state;
    struct stores s = stores_new();
    struct settings *settings = settings_pem(&s, "ssl.ciphersuites=TLS_AES_128_GCM_SHA256\n");
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    bool failed = true;
    for (int n = 0; failed; n++) {
        struct tls *tls = NULL;
        struct buffer message = {0};
        memory_fail_after(n);
        enum status st = tls_new(&tls, settings, TLS_FOR_CLIENTS, &loop, NULL, &message);
        failed = memory_has_failed();
        memory_fail_after(-1);
        assert_int_equal(st, failed ? ST_NO_MEMORY : ST_OK);
        buffer_free(&message);
        tls_close(tls);
    }
    settings_free(settings);
    assert_true(net_finish(&loop));
    stores_free(&s);
}

/* -- reload -------------------------------------------------------------------------------------------------------- */

struct reload {
    struct tls_fixture *fixture;
    uint32_t generation, log_lines;
};

static bool has_reloaded(void *context)
{
    const struct reload *r = context;
    return tls_generation(r->fixture->tls) >= r->generation && r->fixture->front->log_lines >= r->log_lines;
}

static long serial_of_server(struct tls_fixture *t, const struct stores *s)
{
    struct tls_client c;
    tls_client_new(&c, t->front, &s->client, &s->authority);
    assert_true(tls_connect(&c));
    X509 *certificate = SSL_get1_peer_certificate(c.ssl);
    long serial = ASN1_INTEGER_get(X509_get0_serialNumber(certificate));
    X509_free(certificate);
    tls_client_free(&c);
    return serial;
}

static void changed_stores_serve_new_connections(void **state)
{
    (void)state;
    struct stores s = stores_new();
    struct tls_fixture t = tls_fixture_new(settings_pem(&s, ""), FRONT_TLS);
    struct tls_client old;
    struct certs next = certs_issue(&s.authority, "server");
    long before = serial_of_server(&t, &s);
    tls_client_new(&old, t.front, &s.client, &s.authority);
    assert_true(tls_connect(&old));
    certs_write_pem(s.key_pem, &next, &s.authority, NULL);
    struct reload reload = {&t, 2, 1};
    assert_true(net_run_until(&t.front->loop, has_reloaded, &reload));
    assert_true(serial_of_server(&t, &s) > before);
    tls_send_frame(&old, "e", 1);
    assert_true(tls_expect_frame(&old, "e", 1));
    tls_client_free(&old);
    tls_fixture_free(&t);
    certs_free(&next);
    stores_free(&s);
}

static void a_broken_store_is_reported_and_the_old_one_serves(void **state)
{
    (void)state;
    struct stores s = stores_new();
    struct tls_fixture t = tls_fixture_new(settings_pem(&s, ""), FRONT_TLS);
    long before = serial_of_server(&t, &s);
    certs_write_file(s.key_pem, "half", 4);
    struct reload reload = {&t, 1, 1};
    assert_true(net_run_until(&t.front->loop, has_reloaded, &reload));
    assert_int_equal(tls_generation(t.tls), 1);
    assert_int_equal(serial_of_server(&t, &s), before);
    assert_int_equal(remove(s.key_pem), 0);
    assert_int_equal(tls_reload(t.tls, t.settings), ST_OK);
    reload.log_lines = 2;
    assert_true(net_run_until(&t.front->loop, has_reloaded, &reload));
    assert_int_equal(serial_of_server(&t, &s), before);
    certs_write_pem(s.key_pem, &s.server, &s.authority, NULL);
    assert_int_equal(tls_reload(t.tls, t.settings), ST_OK);
    reload = (struct reload){&t, 2, 3};
    assert_true(net_run_until(&t.front->loop, has_reloaded, &reload));
    assert_int_equal(serial_of_server(&t, &s), before);
    tls_fixture_free(&t);
    stores_free(&s);
}

static void a_reload_takes_other_files(void **state)
{
    (void)state;
    struct stores s = stores_new();
    struct stores other = stores_new();
    struct tls_fixture t = tls_fixture_new(settings_pem(&s, ""), FRONT_TLS);
    struct settings *fresh = settings_pem(&other, "");
    assert_int_equal(tls_reload(t.tls, fresh), ST_OK);
    assert_int_equal(tls_reload(t.tls, fresh), ST_OK); /* while the first is under way */
    struct reload reload = {&t, 3, 2};
    assert_true(net_run_until(&t.front->loop, has_reloaded, &reload));
    (void)serial_of_server(&t, &other);
    assert_int_equal(tls_reload(t.tls, fresh), ST_OK); /* still under way when everything ends */
    tls_fixture_free(&t);
    settings_free(fresh);
    stores_free(&other);
    stores_free(&s);
}

/* -- subjects ------------------------------------------------------------------------------------------------------ */

static size_t from_hex(const char *hex, uint8_t *out)
{
    size_t len = strlen(hex) / 2;
    for (size_t i = 0; i < len; i++) {
        unsigned value = 0;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &value), 1);
        out[i] = (uint8_t)value;
    }
    return len;
}

/* Each name's DER, and what X500Principal.getName() of OpenJDK 17 gives for it. */
static void subjects_are_as_java_writes_them(void **state)
{
    (void)state;
    static const struct {
        const char *der, *name;
    } cases[] = {
        {"3000", ""},
        {"303a310b300906035504061302444531163014060355040a0c0d4578616d706c652c20496e632e3113301106035504030c0a636c69656"
         "e"
         "74206f6e65",
         "CN=client one,O=Example\\, Inc.,C=DE"},
        {"30193117301506035504030c0e2023613d622b633c643e3b225c20", "CN=\\ \\#a\\=b\\+c\\<d\\>\\;\\\"\\\\\\ "},
        {"30293111300f06035504030c087a6fc3a920e282ac3114301206092a864886f70d01090116056140622e63",
         "1.2.840.113549.1.9.1=#16056140622e63,CN=zo\xc3\xa9 \xe2\x82\xac"},
        {"302b311c300806035504031301783010060a0992268993f22c6401010c027531310b3009060355040b0c026f75",
         "OU=ou,CN=x+UID=u1"},
        {"306a31133011060a0992268993f22c64011916036f726731173015060a0992268993f22c64011916076578616d706c65310b300906035"
         "5"
         "040513023432310b3009060355040c0c0244723113301106035504090c0a4d61696e2053742e2031310b300906035504080c024257",
         "ST=BW,STREET=Main St. 1,2.5.4.12=#0c024472,2.5.4.5=#13023432,DC=example,DC=org"},
        {"301f310d300b06035504031e0400610062310e300c06035504071405706c61696e", "L=plain,CN=\\00a\\00b"},
        {"30233110300e06035504030c07202074776f2020310f300d060355040a0c06610a6209630d",
         "O=a\nb\tc\\\r,CN=\\ \\ two\\ \\ "},
        {"300b3109300706035504030c00", "CN="},
        {"300e310c300a06035504030c03610062", "CN=a\\00b"},
        {"300d310b30090603550403140261e9", "CN=a\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t der[256];
        const unsigned char *at = der;
        size_t len = from_hex(cases[i].der, der);
        struct buffer name = {0};
        X509_NAME *subject = d2i_X509_NAME(NULL, &at, (long)len);
        assert_non_null(subject);
        assert_int_equal(tls_subject_print(subject, &name), ST_OK);
        assert_int_equal(buffer_append(&name, "", 1), ST_OK);
        assert_string_equal((const char *)name.data, cases[i].name);
        buffer_free(&name);
        X509_NAME_free(subject);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_java_keystore_is_refused_with_the_command_that_converts_it),
        cmocka_unit_test(a_pkcs12_store_that_is_called_jks_is_read),
        cmocka_unit_test(a_key_may_be_encrypted),
        cmocka_unit_test(what_cannot_be_used_is_named),
        cmocka_unit_test(a_damaged_certificate_is_not_passed_over),
        cmocka_unit_test(stores_without_what_they_are_for_are_refused),
        cmocka_unit_test(what_is_wrong_between_servers_is_told_by_its_own_key),
        cmocka_unit_test(without_memory_there_is_no_context),
        cmocka_unit_test(changed_stores_serve_new_connections),
        cmocka_unit_test(a_broken_store_is_reported_and_the_old_one_serves),
        cmocka_unit_test(a_reload_takes_other_files),
        cmocka_unit_test(subjects_are_as_java_writes_them),
    };
    ignore_sigpipe();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
