/* settings_check_tls.c - whether the keys of TLS go together. The files themselves are opened by whoever serves TLS. */
#include "agent/settings/settings_internal.h"
#include "agent/settings/settings_tls.h"
#include "core/base/check.h"

#include <string.h>

#define CLIENT_KEYS                                                                                     \
    {                                                                                                   \
        SETTING_ID_tls_key_store, SETTING_ID_tls_key_store_type, SETTING_ID_tls_trust_store,            \
            SETTING_ID_tls_trust_store_type, SETTING_ID_tls_protocol, SETTING_ID_tls_enabled_protocols, \
            SETTING_ID_tls_ciphersuites                                                                 \
    }

const struct tls_keys tls_keys[TLS_USE_COUNT] = {
    [TLS_FOR_CLIENTS] = CLIENT_KEYS,
    [TLS_AS_CLIENT] = CLIENT_KEYS,
    [TLS_BETWEEN_SERVERS] = {SETTING_ID_quorum_key_store, SETTING_ID_quorum_key_store_type,
                             SETTING_ID_quorum_trust_store, SETTING_ID_quorum_trust_store_type,
                             SETTING_ID_quorum_protocol, SETTING_ID_quorum_enabled_protocols,
                             SETTING_ID_quorum_ciphersuites},
};

static void error(const struct settings *s, struct settings_report *report, enum setting_id id, const char *text)
{
    settings_report_add(report, SETTINGS_ERROR, settings_place(s, id), setting_rows[id].key, "%s", text);
}

/* The end of the name says the format, as in ZooKeeper. */
static enum tls_store_type type_of_name(const char *name)
{
    static const struct {
        const char *end;
        enum tls_store_type type;
    } ends[] = {
        {".pem", TLS_STORE_PEM}, {".p12", TLS_STORE_PKCS12}, {".jks", TLS_STORE_JKS}, {".bcfks", TLS_STORE_BCFKS}};
    size_t length = strlen(name);
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        size_t end = strlen(ends[i].end);
        if (length >= end && strcmp(name + length - end, ends[i].end) == 0)
            return ends[i].type;
    }
    return TLS_STORE_NONE;
}

/* The field of a WORD, and of a text. */
static int *word_of(struct settings *s, enum setting_id id)
{
    return (int *)(void *)((char *)s + setting_rows[id].offset);
}

static char **text_of(struct settings *s, enum setting_id id)
{
    return (char **)(void *)((char *)s + setting_rows[id].offset);
}

static void check_store(struct settings *s, struct settings_report *report, enum setting_id location,
                        enum setting_id type_id)
{
    int *type = word_of(s, type_id);
    const char *name = *text_of(s, location);
    if (name[0] == '\0')
        return;
    if (*type == TLS_STORE_NONE) {
        *type = (int)type_of_name(name);
        s->origins[type_id].source = SETTING_DERIVED;
    }
    if (*type == TLS_STORE_NONE)
        error(s, report, type_id, "is needed: the store's name ends in none of .pem, .p12 and .jks");
    if (*type == TLS_STORE_BCFKS)
        error(s, report, type_id, "BCFKS stores cannot be read; convert the store to PKCS12 or PEM");
}

static void check_protocols(struct settings *s, struct settings_report *report, enum setting_id id)
{
    for (const char *at = *text_of(s, id); *at != '\0';) {
        size_t length = strcspn(at, ",");
        bool known = length == strlen("TLSv1.2") &&
                     (memcmp(at, "TLSv1.2", length) == 0 || memcmp(at, "TLSv1.3", length) == 0);
        if (!known)
            settings_report_add(report, SETTINGS_ERROR, settings_place(s, id), setting_rows[id].key,
                                "%.*s is not offered; TLSv1.2 and TLSv1.3 are", (int)length, at);
        at += length + (at[length] == ',');
    }
}

static enum status derive_protocols(struct settings *s, const struct tls_keys *keys)
{
    char **field = text_of(s, keys->enabled_protocols);
    if ((*field)[0] != '\0')
        return ST_OK;
    s->origins[keys->enabled_protocols].source = SETTING_DERIVED;
    return setting_set_text(field, *word_of(s, keys->protocol) == TLS_PROTOCOL_1_3 ? "TLSv1.3,TLSv1.2" : "TLSv1.2");
}

static enum status check_keys(struct settings *s, struct settings_report *report, const struct tls_keys *keys)
{
    check_protocols(s, report, keys->enabled_protocols);
    check_store(s, report, keys->key_store, keys->key_store_type);
    check_store(s, report, keys->trust_store, keys->trust_store_type);
    return derive_protocols(s, keys);
}

/* `asks`: the setting that asks for TLS. */
static void check_door(const struct settings *s, struct settings_report *report, enum setting_id asks)
{
    if (s->tls_key_store[0] == '\0')
        error(s, report, asks, "needs ssl.keyStore.location");
    /* Java would fall back to every public authority: no protection that anyone asked for. */
    if (s->tls_client_auth != TLS_CLIENT_AUTH_NONE && s->tls_trust_store[0] == '\0')
        error(s, report, asks,
              "needs ssl.trustStore.location, or ssl.clientAuth=none for clients without certificates");
}

static void check_doors(const struct settings *s, struct settings_report *report)
{
    if (s->secure_client_port >= 0)
        check_door(s, report, SETTING_ID_secure_client_port);
    else if (s->client_port_unification && s->client_port >= 0)
        check_door(s, report, SETTING_ID_client_port_unification);
}

/* Between servers each one is client and server in turn, and needs both stores. */
static void check_servers(const struct settings *s, struct settings_report *report)
{
    enum setting_id asks = s->ssl_quorum ? SETTING_ID_ssl_quorum : SETTING_ID_port_unification;
    if (!s->ssl_quorum && !s->port_unification)
        return;
    if (!s->is_ensemble) {
        settings_report_add(report, SETTINGS_INFO, settings_place(s, asks), setting_rows[asks].key,
                            "has no effect: it is for ensembles");
        return;
    }
    if (s->quorum_key_store[0] == '\0')
        error(s, report, asks, "needs ssl.quorum.keyStore.location");
    if (s->quorum_trust_store[0] == '\0')
        error(s, report, asks, "needs ssl.quorum.trustStore.location");
}

enum status settings_check_tls(struct settings *settings, struct settings_report *report)
{
    enum status st = ST_OK;
    for (size_t i = 0; i < TLS_KEY_SETS && st == ST_OK; i++)
        st = check_keys(settings, report, &tls_keys[i]);
    check_doors(settings, report);
    check_servers(settings, report);
    return st;
}
