/* settings_tls.h - the keys of TLS, which there are twice: for clients (ssl.*) and between servers (ssl.quorum.*).
 *
 * Constant data; thread-safe. */
#pragma once

#include "agent/settings/settings.h"

enum tls_use {
    TLS_FOR_CLIENTS,
    TLS_BETWEEN_SERVERS,
    TLS_KEY_SETS,
    TLS_AS_CLIENT = TLS_KEY_SETS, /* of another server's client port; with the keys of TLS_FOR_CLIENTS */
    TLS_USE_COUNT
};

/* Of each key that has the same rules and messages for both. */
struct tls_keys {
    enum setting_id key_store, key_store_type, trust_store, trust_store_type;
    enum setting_id protocol, enabled_protocols, ciphersuites;
};

extern const struct tls_keys tls_keys[TLS_USE_COUNT];
