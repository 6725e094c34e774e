/* tls_context.c - stores, protocols, suites and the demand for client certificates put into one SSL_CTX. */
#include "agent/net/tls_context.h"

#include "agent/net/tls.h"
#include "agent/net/tls_store.h"
#include "agent/settings/settings_rows.h"
#include "core/base/check.h"
#include "core/base/mem.h"

#include <openssl/err.h>

/* What the settings say for one use; it points into them. */
static struct tls_options settings_for_clients(const struct settings *s, enum tls_use use)
{
    return (struct tls_options){
        .use = use,
        .key_store = s->tls_key_store,
        .key_type = s->tls_key_store_type,
        .key_password = s->tls_key_store_password,
        .key_password_path = s->tls_key_store_password_path,
        .trust_store = s->tls_trust_store,
        .trust_type = s->tls_trust_store_type,
        .trust_password = s->tls_trust_store_password,
        .trust_password_path = s->tls_trust_store_password_path,
        .client_auth = s->tls_client_auth,
        .protocols = s->tls_enabled_protocols,
        .ciphersuites = s->tls_ciphersuites,
        .reload = s->tls_cert_reload,
    };
}

static struct tls_options settings_between_servers(const struct settings *s)
{
    return (struct tls_options){
        .use = TLS_BETWEEN_SERVERS,
        .key_store = s->quorum_key_store,
        .key_type = s->quorum_key_store_type,
        .key_password = s->quorum_key_store_password,
        .key_password_path = s->quorum_key_store_password_path,
        .trust_store = s->quorum_trust_store,
        .trust_type = s->quorum_trust_store_type,
        .trust_password = s->quorum_trust_store_password,
        .trust_password_path = s->quorum_trust_store_password_path,
        .client_auth = s->quorum_client_auth,
        .protocols = s->quorum_enabled_protocols,
        .ciphersuites = s->quorum_ciphersuites,
        .reload = s->quorum_cert_reload,
    };
}

enum { TEXTS = 8 };

static void texts_of(struct tls_options *o, char **texts[TEXTS])
{
    char **all[TEXTS] = {&o->key_store,      &o->key_password,        &o->key_password_path, &o->trust_store,
                         &o->trust_password, &o->trust_password_path, &o->protocols,         &o->ciphersuites};
    memcpy(texts, all, sizeof all);
}

struct tls_options *tls_options_new(const struct settings *s, enum tls_use use)
{
    struct tls_options *o = mem_calloc(1, sizeof *o);
    char **texts[TEXTS];
    bool complete = true;
    if (o == NULL)
        return NULL;
    *o = use == TLS_BETWEEN_SERVERS ? settings_between_servers(s) : settings_for_clients(s, use);
    texts_of(o, texts);
    for (size_t i = 0; i < TEXTS; i++) {
        *texts[i] = complete ? mem_strdup(*texts[i]) : NULL;
        complete = *texts[i] != NULL;
    }
    if (complete)
        return o;
    tls_options_free(o);
    return NULL;
}

void tls_options_free(struct tls_options *o)
{
    char **texts[TEXTS];
    if (o == NULL)
        return;
    texts_of(o, texts);
    for (size_t i = 0; i < TEXTS; i++)
        mem_free(*texts[i]);
    mem_free(o);
}

static enum status say_reason(struct buffer *message, const char *what, const char *which)
{
    enum status st = buffer_printf(message, "%s: %s: %s", what, which, tls_reason());
    return st == ST_OK ? ST_BAD_ARGUMENTS : ST_NO_MEMORY;
}

static enum status set_protocols(SSL_CTX *ctx, const struct tls_options *o)
{
    bool v12 = settings_list_has(o->protocols, "TLSv1.2");
    bool v13 = settings_list_has(o->protocols, "TLSv1.3");
    int oldest = v12 ? TLS1_2_VERSION : TLS1_3_VERSION;
    int newest = v13 ? TLS1_3_VERSION : TLS1_2_VERSION;
    bool good = SSL_CTX_set_min_proto_version(ctx, oldest) == 1 && SSL_CTX_set_max_proto_version(ctx, newest) == 1;
    return good ? ST_OK : ST_NO_MEMORY;
}

/* OpenSSL's own name of a suite that TLS 1.2 knows by its IANA name; NULL: none. */
static const char *own_name(const STACK_OF(SSL_CIPHER) * all, const char *name, size_t len)
{
    for (int i = 0; i < sk_SSL_CIPHER_num(all); i++) {
        const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(all, i);
        const char *standard = SSL_CIPHER_standard_name(cipher);
        const char *own = SSL_CIPHER_get_name(cipher);
        bool same = (strlen(standard) == len && memcmp(standard, name, len) == 0) ||
                    (strlen(own) == len && memcmp(own, name, len) == 0);
        if (same && SSL_CIPHER_get_protocol_id(cipher) >> 8 != 0x13)
            return own;
    }
    return NULL;
}

/* Sorts the suites asked for into those of TLS 1.3, which OpenSSL knows by their IANA names, and the older ones. */
static enum status split_suites(SSL_CTX *ctx, const struct tls_options *o, struct buffer *v13, struct buffer *v12,
                                struct buffer *message)
{
    if (SSL_CTX_set_cipher_list(ctx, "ALL:COMPLEMENTOFALL") != 1)
        return ST_NO_MEMORY;
    const STACK_OF(SSL_CIPHER) *all = SSL_CTX_get_ciphers(ctx);
    for (const char *at = o->ciphersuites; *at != '\0';) {
        size_t len = strcspn(at, ",");
        bool newer = len > 4 && (memcmp(at, "TLS_", 4) == 0 && memmem(at, len, "_WITH_", 6) == NULL);
        const char *own = newer ? NULL : own_name(all, at, len);
        struct buffer *to = newer ? v13 : v12;
        if (!newer && own == NULL) {
            enum status st = buffer_printf(message, "%s: %.*s is not known",
                                           setting_rows[tls_keys[o->use].ciphersuites].key, (int)len, at);
            return st == ST_OK ? ST_BAD_ARGUMENTS : ST_NO_MEMORY;
        }
        if (buffer_printf(to, "%s%.*s", to->len > 0 ? ":" : "", newer ? (int)len : (int)strlen(own),
                          newer ? at : own) != ST_OK)
            return ST_NO_MEMORY;
        at += len + (at[len] == ',');
    }
    return buffer_append(v13, "", 1) == ST_OK && buffer_append(v12, "", 1) == ST_OK ? ST_OK : ST_NO_MEMORY;
}

/* A list that names suites of one version only switches the other version's off, as it does in Java. */
static enum status set_suites(SSL_CTX *ctx, const struct tls_options *o, struct buffer *message)
{
    struct buffer v13 = {0};
    struct buffer v12 = {0};
    const char *key = setting_rows[tls_keys[o->use].ciphersuites].key;
    if (o->ciphersuites[0] == '\0')
        return ST_OK;
    enum status st = split_suites(ctx, o, &v13, &v12, message);
    if (st == ST_OK && SSL_CTX_set_ciphersuites(ctx, (const char *)v13.data) != 1)
        st = say_reason(message, key, (const char *)v13.data);
    if (st == ST_OK && v12.len <= 1)
        st = SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1 ? ST_OK : ST_NO_MEMORY;
    else if (st == ST_OK && SSL_CTX_set_cipher_list(ctx, (const char *)v12.data) != 1)
        st = say_reason(message, key, (const char *)v12.data);
    buffer_free(&v13);
    buffer_free(&v12);
    return st;
}

static enum status set_identity(SSL_CTX *ctx, const struct tls_options *o, struct buffer *message)
{
    const char *key = setting_rows[tls_keys[o->use].key_store].key;
    const struct tls_store_place place = {key, o->key_store, o->key_type, o->key_password, o->key_password_path};
    struct tls_store store;
    if (o->use == TLS_AS_CLIENT && o->key_store[0] == '\0')
        return ST_OK; /* most servers want a certificate: this one may not */
    enum status st = tls_store_read(&store, &place, message);
    if (st != ST_OK)
        return st;
    ERR_clear_error();
    if (store.key == NULL || store.certificate == NULL)
        st = buffer_printf(message, "%s: %s holds no private key with its certificate", key, o->key_store) == ST_OK
                 ? ST_BAD_ARGUMENTS
                 : ST_NO_MEMORY;
    else if (SSL_CTX_use_certificate(ctx, store.certificate) != 1 || SSL_CTX_use_PrivateKey(ctx, store.key) != 1 ||
             SSL_CTX_set1_chain(ctx, store.others) != 1)
        st = say_reason(message, key, o->key_store);
    tls_store_free(&store);
    return st;
}

static enum status trust(SSL_CTX *ctx, X509 *certificate)
{
    bool good = X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), certificate) == 1 &&
                SSL_CTX_add_client_CA(ctx, certificate) == 1;
    return good ? ST_OK : ST_NO_MEMORY;
}

static enum status set_trust(SSL_CTX *ctx, const struct tls_options *o, struct buffer *message)
{
    const char *key = setting_rows[tls_keys[o->use].trust_store].key;
    const struct tls_store_place place = {key, o->trust_store, o->trust_type, o->trust_password,
                                          o->trust_password_path};
    struct tls_store store;
    enum status st = tls_store_read(&store, &place, message);
    if (st != ST_OK)
        return st;
    int count = sk_X509_num(store.others);
    for (int i = 0; i < count && st == ST_OK; i++)
        st = trust(ctx, sk_X509_value(store.others, i));
    if (st == ST_OK && store.certificate != NULL)
        st = trust(ctx, store.certificate);
    else if (st == ST_OK && count == 0)
        st = buffer_printf(message, "%s: %s holds no certificate", key, o->trust_store) == ST_OK ? ST_BAD_ARGUMENTS
                                                                                                 : ST_NO_MEMORY;
    tls_store_free(&store);
    return st;
}

/* Whatever stands in the trust store is an anchor, as in Java: an intermediate or a single client's certificate too. */
static enum status set_client_auth(SSL_CTX *ctx, const struct tls_options *o, struct buffer *message)
{
    static const int modes[] = {
        [TLS_CLIENT_AUTH_NONE] = SSL_VERIFY_NONE,
        [TLS_CLIENT_AUTH_WANT] = SSL_VERIFY_PEER,
        [TLS_CLIENT_AUTH_NEED] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
    };
    SSL_CTX_set_verify(ctx, modes[o->client_auth], NULL);
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN);
    bool trusts_nobody = o->use == TLS_FOR_CLIENTS && o->client_auth == TLS_CLIENT_AUTH_NONE;
    return trusts_nobody ? ST_OK : set_trust(ctx, o, message);
}

/* Idle connections give their buffers back. Clients' sessions are resumed by ticket and cost the server nothing; a
 * server's certificate is looked at each time anew. */
static enum status set_manners(SSL_CTX *ctx, enum tls_use use)
{
    static const unsigned char name[] = "zookeeper";
    const bool tickets = use == TLS_FOR_CLIENTS;
    SSL_CTX_set_mode(ctx,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                 SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    if (!tickets)
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    bool good = SSL_CTX_set_num_tickets(ctx, tickets) == 1 &&
                SSL_CTX_set_session_id_context(ctx, name, sizeof name - 1) == 1;
    return good ? ST_OK : ST_NO_MEMORY;
}

enum status tls_context_new(SSL_CTX **out, const struct tls_options *options, struct buffer *message)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    if (ctx == NULL)
        return ST_NO_MEMORY;
    enum status st = set_manners(ctx, options->use);
    if (st == ST_OK)
        st = set_protocols(ctx, options);
    if (st == ST_OK)
        st = set_suites(ctx, options, message);
    if (st == ST_OK)
        st = set_identity(ctx, options, message);
    if (st == ST_OK)
        st = set_client_auth(ctx, options, message);
    if (st != ST_OK) {
        SSL_CTX_free(ctx);
        return st;
    }
    *out = ctx;
    return ST_OK;
}
