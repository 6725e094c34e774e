/* auth.c - auth, sasl and whoAmI: who a connection is (client-protocol 8.2, 8.4 to 8.7). */
#include "core/base/crypto.h"
#include "core/base/metrics.h"
#include "core/ops/families.h"

enum {
    DIGEST_ID_BYTES_MAX = 4096 /* of "user:base64"; longer user names are refused */
};

enum status auth_decode(struct reader *r, union op_body *body)
{
    return auth_request_read(r, &body->auth);
}

enum status sasl_decode(struct reader *r, union op_body *body)
{
    return sasl_request_read(r, &body->sasl);
}

static bool is_super(const struct op_rules *rules, struct bytes id)
{
    return rules->super_digest != NULL && crypto_equal(bytes_of(rules->super_digest), id);
}

/* "user:password" always succeeds: whoever knows the password gets the id that ACLs name. */
static enum status identify_digest(const struct identify *i, struct bytes data)
{
    if (bytes_is_null(data) || !i->rules->digest_enabled)
        return ST_AUTH_FAILED;
    const uint8_t *colon = data.len > 0 ? memchr(data.data, ':', data.len) : NULL;
    struct bytes user = colon == NULL ? data : bytes_make(data.data, (size_t)(colon - data.data));
    uint8_t digest[64];
    size_t len = crypto_digest(i->rules->digest_algorithm, data, digest);
    struct buffer id = {.max = DIGEST_ID_BYTES_MAX};
    enum status st = len == 0 ? ST_AUTH_FAILED : buffer_append(&id, user.data, user.len);
    if (st == ST_OK)
        st = buffer_append(&id, ":", 1);
    if (st == ST_OK)
        st = crypto_base64(&id, bytes_make(digest, len));
    if (st == ST_OK && is_super(i->rules, buffer_bytes(&id)))
        st = i->add(i->context, BYTES("super"), BYTES(""));
    if (st == ST_OK)
        st = i->add(i->context, BYTES("digest"), buffer_bytes(&id));
    buffer_free(&id);
    return st == ST_OK ? ST_OK : ST_AUTH_FAILED;
}

/* The address is known since the connection came. */
static enum status identify_ip(const struct identify *i, struct bytes data)
{
    (void)i;
    (void)data;
    return ST_OK;
}

/* The certificate was looked at when the connection came; it counts if there was one. */
static enum status identify_x509(const struct identify *i, struct bytes data)
{
    (void)data;
    for (size_t n = 0; n < i->who.count; n++)
        if (bytes_equal(i->who.items[n].scheme, BYTES("x509")))
            return ST_OK;
    return ST_AUTH_FAILED;
}

static bool list_has(const char *list, struct bytes word)
{
    for (size_t len = strcspn(list, ",");; len = strcspn(list, ",")) {
        if (bytes_equal(bytes_make((const uint8_t *)list, len), word))
            return true;
        if (list[len] == '\0')
            return false;
        list += len + 1;
    }
}

/* Makes nobody more than he was: a client says which ensemble it looks for. ST_NOT_FOUND: another one; an error would
 * be the end of that client, while one that is only closed tries its next server (Apache's
 * EnsembleAuthenticationProvider). */
static enum status identify_ensemble(const struct identify *i, struct bytes data)
{
    const char *names = i->rules->ensemble_names;
    if (names == NULL)
        return ST_AUTH_FAILED;
    const bool names_none = bytes_is_null(data) || data.len == 0 || names[0] == '\0';
    const bool is_right = names_none || list_has(names, data);
    metrics_add(i->metrics,
                names_none ? COUNTER_ensemble_auth_skip
                : is_right ? COUNTER_ensemble_auth_success
                           : COUNTER_ensemble_auth_fail,
                1);
    return is_right ? ST_OK : ST_NOT_FOUND;
}

static const struct {
    const char *scheme;
    enum status (*identify)(const struct identify *i, struct bytes data);
} providers[] = {
    {"digest", identify_digest},
    {"ensemble", identify_ensemble},
    {"ip", identify_ip},
    {"x509", identify_x509},
};

enum status auth_identify(const struct identify *i, const union op_body *body, struct writer *answer)
{
    (void)answer;
    for (size_t n = 0; n < ARRAY_LEN(providers); n++)
        if (bytes_equal(bytes_of(providers[n].scheme), body->auth.scheme))
            return providers[n].identify(i, body->auth.auth);
    return ST_AUTH_FAILED;
}

/* A server without SASL answers with a null token, and the client goes on without it. */
enum status sasl_identify(const struct identify *i, const union op_body *body, struct writer *answer)
{
    (void)i;
    (void)body;
    write_blob(answer, BYTES_NULL);
    return ST_OK;
}

/* The hash of a password is nobody's business, not even its owner's. */
static struct bytes shown_user(const struct identity *identity)
{
    const uint8_t *colon = identity->id.len > 0 ? memchr(identity->id.data, ':', identity->id.len) : NULL;
    if (!bytes_equal(identity->scheme, BYTES("digest")) || colon == NULL)
        return identity->id;
    return bytes_make(identity->id.data, (size_t)(colon - identity->id.data));
}

enum status who_am_i_answer(const struct read_context *context, const union op_body *body, struct writer *w)
{
    (void)body;
    write_i32(w, (int32_t)context->who.count);
    for (size_t i = 0; i < context->who.count; i++) {
        const struct identity *identity = &context->who.items[i];
        client_info_write(w, &(struct client_info){identity->scheme, shown_user(identity)});
    }
    return ST_OK;
}
