/* peers_tls_fixture.h - the servers of peers_fixture.h with key and trust stores of their own. */
#pragma once

#include "agent/net/tls.h"
#include "tests/support/certs.h"
#include "tests/support/tmp.h"
#include "tests/unit/agent/peers_fixture.h"

static const struct peers_security tls_only = {.dials_tls = true,
                                               .takes_tls = true,
                                               .checks_called = true,
                                               .checks_callers = true,
                                               .handshake_ms = 5000};

/* The place of a server's stores, and the settings that name them. */
struct stores_of_server {
    char *directory, *key, *trust;
    struct settings *settings;
};

static inline void stores_write(const struct stores_of_server *s, const struct certs *own, const struct certs *trusted)
{
    certs_write_pem(s->key, own, NULL, NULL);
    certs_write_trust_pem(s->trust, trusted);
}

static inline struct settings *settings_with_stores(const struct stores_of_server *s, const char *more)
{
    struct buffer text = {0};
    struct settings *settings = NULL;
    struct settings_report report = {0};
    assert_int_equal(buffer_printf(&text,
                                   "dataDir=/d\nssl.quorum.keyStore.location=%s\nssl.quorum.trustStore.location=%s\n"
                                   "zooid.tlsReloadInterval=1s\n%s",
                                   s->key, s->trust, more),
                     ST_OK);
    if (settings_load_text(&settings, "zoo.cfg", (const char *)text.data, text.len, NULL, 0, &report) != ST_OK) {
        settings_report_print(&report, SETTINGS_INFO, stderr);
        fail_msg("these settings are refused");
    }
    settings_report_free(&report);
    buffer_free(&text);
    return settings;
}

/* Gives the server a context, before server_new. `more`: further lines of zoo.cfg. */
static inline struct stores_of_server server_secure(struct server *s, const struct certs *own,
                                                    const struct certs *trusted, const char *more)
{
    struct stores_of_server stores = {.directory = tmp_make()};
    struct buffer message = {0};
    stores.key = tmp_join(stores.directory, "key.pem");
    stores.trust = tmp_join(stores.directory, "trust.pem");
    stores_write(&stores, own, trusted);
    stores.settings = settings_with_stores(&stores, more);
    if (tls_new(&s->tls, stores.settings, TLS_BETWEEN_SERVERS, &s->world->loop, &s->world->log, &message) != ST_OK)
        fail_msg("%.*s", BYTES_PRINT(message));
    return stores;
}

/* After the server has stopped, before world_end. */
static inline void server_forget_stores(struct server *s, struct stores_of_server *stores)
{
    assert_null(s->p);
    tls_close(s->tls);
    s->tls = NULL;
    settings_free(stores->settings);
    free(stores->key);
    free(stores->trust);
    tmp_remove(stores->directory);
}
