/* tls_fixture.h - stores in a directory of their own, settings that name them, and a client that speaks TLS. */
#pragma once

#include "agent/net/tls.h"
#include "tests/support/certs.h"
#include "tests/unit/agent/front_fixture.h"
#include "tests/unit/agent/tls_client.h"

struct stores {
    char *directory;
    struct certs authority, server, client;
    char *key_pem, *trust_pem, *key_p12, *trust_p12, *password;
};

static inline struct stores stores_new(void)
{
    struct stores s = {.directory = tmp_make()};
    s.authority = certs_authority("authority");
    s.server = certs_issue(&s.authority, "server");
    s.client = certs_issue(&s.authority, "client one");
    s.key_pem = tmp_join(s.directory, "key.pem");
    s.trust_pem = tmp_join(s.directory, "trust.pem");
    s.key_p12 = tmp_join(s.directory, "key.p12");
    s.trust_p12 = tmp_join(s.directory, "trust.p12");
    s.password = tmp_join(s.directory, "password");
    certs_write_pem(s.key_pem, &s.server, &s.authority, NULL);
    certs_write_trust_pem(s.trust_pem, &s.authority);
    certs_write_pkcs12(s.key_p12, &s.server, &s.authority, "secret");
    certs_write_trust_pkcs12(s.trust_p12, &s.authority, "secret");
    certs_write_file(s.password, "secret\n", 7);
    return s;
}

static inline void stores_free(struct stores *s)
{
    char *paths[] = {s->key_pem, s->trust_pem, s->key_p12, s->trust_p12, s->password};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        free(paths[i]);
    certs_free(&s->authority);
    certs_free(&s->server);
    certs_free(&s->client);
    tmp_remove(s->directory);
}

static inline struct settings *settings_of(const char *text)
{
    struct settings *settings = NULL;
    struct settings_report report = {0};
    if (settings_load_text(&settings, "zoo.cfg", text, strlen(text), NULL, 0, &report) != ST_OK) {
        settings_report_print(&report, SETTINGS_INFO, stderr);
        fail_msg("these settings are refused");
    }
    settings_report_free(&report);
    return settings;
}

/* PEM stores, and what `more` adds. */
static inline struct settings *settings_pem(const struct stores *s, const char *more)
{
    struct buffer text = {0};
    assert_int_equal(buffer_printf(&text,
                                   "dataDir=/d\nsecureClientPort=0\nssl.keyStore.location=%s\n"
                                   "ssl.trustStore.location=%s\nzooid.tlsReloadInterval=1s\n%s%c",
                                   s->key_pem, s->trust_pem, more, 0),
                     ST_OK);
    struct settings *settings = settings_of((const char *)text.data);
    buffer_free(&text);
    return settings;
}

/* A front that serves TLS by these settings. */
struct tls_fixture {
    struct fixture *front;
    struct settings *settings;
    struct tls *tls;
};

static inline struct tls_fixture tls_fixture_new(struct settings *settings, enum front_security security)
{
    struct tls_fixture t = {.front = fixture_bare(), .settings = settings};
    struct buffer message = {0};
    if (tls_new(&t.tls, settings, TLS_FOR_CLIENTS, &t.front->loop, &t.front->log, &message) != ST_OK)
        fail_msg("%.*s", BYTES_PRINT(message));
    tls_watch(t.tls);
    fixture_listen(t.front, "127.0.0.1", security, t.tls);
    return t;
}

/* In the order that the agent's composition must keep: connections end before the context does. */
static inline void tls_fixture_free(struct tls_fixture *t)
{
    struct fixture *f = t->front;
    front_close(f->front, on_front_closed, f);
    assert_true(net_run_until(&f->loop, is_closed, f));
    tls_close(t->tls);
    pump_close(f->pump);
    streams_close(&f->streams, NULL, NULL);
    assert_true(net_finish(&f->loop));
    assert_int_equal(fake.connected, fake.disconnected);
    metrics_free(f->metrics);
    free(f);
    settings_free(t->settings);
    fake_reset();
}

static inline void tls_client_new(struct tls_client *c, struct fixture *f, const struct certs *own,
                                  const struct certs *authority)
{
    tls_client_to(c, &f->loop, f->port, own, authority);
}
