/* tls_store.h - reading a key store or trust store: PEM or PKCS#12, with its password. Blocks on files; any thread. */
#pragma once

#include "core/base/bytes.h"

#include <openssl/x509.h>

/* Where a store is, as the settings name it; `type` is an enum tls_store_type. */
struct tls_store_place {
    const char *setting; /* for messages: "ssl.keyStore.location" */
    const char *location;
    int type;
    const char *password;
    const char *password_path; /* empty: `password` counts */
};

/* What is in it. Zero-initialised it is empty. */
struct tls_store {
    EVP_PKEY *key;     /* NULL: none */
    X509 *certificate; /* the one that belongs to the key; NULL: no key */
    STACK_OF(X509) * others;
};

/* ST_BAD_ARGUMENTS: not a store of this kind, a wrong password, a Java keystore; ST_IO_ERROR: cannot be read. In both
 * cases `message` (appended) says it with setting, file and what to do. ST_NO_MEMORY. */
enum status tls_store_read(struct tls_store *out, const struct tls_store_place *place, struct buffer *message);

void tls_store_free(struct tls_store *store);
