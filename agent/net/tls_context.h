/* tls_context.h - an OpenSSL context from what the settings say about TLS. Any thread. */
#pragma once

#include "agent/settings/settings_tls.h"
#include "core/base/bytes.h"

#include <openssl/ssl.h>

/* A copy of the settings, so that another thread may read it. */
struct tls_options {
    char *key_store, *key_password, *key_password_path;
    char *trust_store, *trust_password, *trust_password_path;
    char *protocols, *ciphersuites;
    int key_type, trust_type, client_auth;
    enum tls_use use;
    bool reload;
};

/* NULL: out of memory. */
struct tls_options *tls_options_new(const struct settings *settings, enum tls_use use);
void tls_options_free(struct tls_options *options); /* NULL is allowed */

/* Reads the stores (blocks) and makes a context: to accept clients, or to accept and to call servers. Errors as
 * tls_store_read, and ST_BAD_ARGUMENTS for suites that OpenSSL does not know; `message` (appended) says what. `*out` is
 * freed with SSL_CTX_free. */
enum status tls_context_new(SSL_CTX **out, const struct tls_options *options, struct buffer *message);
