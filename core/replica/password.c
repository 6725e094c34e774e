/* password.c - session passwords: a keyed hash of the id, or Apache's public rule (client-protocol 5.2).
 *
 * Apache's is a fixed function of the id, which every client sees as an owner of ephemerals: whoever can read one stat
 * can take the session over. With a key that no client knows nobody can.
 *
 * A server that runs alone has a key of its own. In an ensemble every member must come to the same password, so that
 * the key is a node (core/ops/secret.h), made by a leader when every voter can (capability session-passwords); and by
 * which rule a session's password was made stands in its id, in the highest bit of the time, which ids of Apache's
 * servers never have (their time is that since the host's start, and would have it after seventeen years). So it needs
 * no list and survives whatever the session does. While the capability is off, since some member could not tell keyed
 * passwords, new sessions get Apache's; those with a keyed one keep it, and Apache's is taken for them as well: an
 * operator who leads an ensemble back to Apache's servers has agents give it out for all
 * (zooid.sessionPasswords=apache). */
#include "core/base/crypto.h"
#include "core/ops/secret.h"
#include "core/replica/member.h"

enum { PASSWORD_SIZE = 16 };

#define KEYED_BIT (INT64_C(1) << 55)

/* Four steps of java.util.Random, seeded with the id and a published constant. */
static void by_apache(int64_t session_id, uint8_t password[PASSWORD_SIZE])
{
    const uint64_t mask = (1ULL << 48) - 1, multiplier = 0x5DEECE66DULL;
    uint64_t state = (((uint64_t)session_id ^ 0xB3415C00ULL) ^ multiplier) & mask;
    for (int i = 0; i < PASSWORD_SIZE; i += 4) {
        state = (state * multiplier + 0xB) & mask;
        uint32_t word = (uint32_t)(state >> 16);
        for (int n = 0; n < 4; n++)
            password[i + n] = (uint8_t)(word >> (8 * n));
    }
}

static void by_key(const struct replica *r, struct bytes key, int64_t session_id, uint8_t password[PASSWORD_SIZE])
{
    uint8_t id[8], hash[32];
    be64_put(id, (uint64_t)session_id);
    CHECK(crypto_hmac(r->mac, key, bytes_make(id, sizeof id), hash));
    memcpy(password, hash, PASSWORD_SIZE);
}

static bool is_on(const struct replica *r)
{
    return zab_capabilities(r->member->zab)->of[CAPABILITY_SESSION_PASSWORDS] > 0;
}

/* The key by which its password was made; the null slice: it was made by Apache's rule, or the key is not here. */
static struct bytes key_of(const struct replica *r, const struct session *session)
{
    const struct replica_options *o = &r->options;
    const struct bytes shared = session->id & KEYED_BIT ? secret_session_key(r->tree) : BYTES_NULL;
    if (r->member != NULL || !bytes_is_null(shared))
        return shared;
    const bool is_apache_s = o->apache_passwords || session->from_apache;
    return is_apache_s ? BYTES_NULL : bytes_make(o->password_key, sizeof o->password_key);
}

void password_give(const struct replica *r, const struct session *session, uint8_t password[PASSWORD_SIZE])
{
    const struct bytes key = key_of(r, session);
    if (bytes_is_null(key) || (r->member != NULL && r->options.apache_passwords))
        by_apache(session->id, password);
    else
        by_key(r, key, session->id, password);
}

enum password_verdict password_judge(const struct replica *r, const struct session *session, struct bytes password)
{
    uint8_t expected[PASSWORD_SIZE];
    const struct bytes key = key_of(r, session);
    const bool is_keyed = r->member != NULL ? (session->id & KEYED_BIT) != 0 : !bytes_is_null(key);
    by_apache(session->id, expected);
    const bool is_apache_s = crypto_equal(bytes_make(expected, sizeof expected), password);
    if (!is_keyed || (is_apache_s && r->member != NULL && !is_on(r)))
        return is_apache_s ? PASSWORD_RIGHT : PASSWORD_WRONG;
    if (bytes_is_null(key))
        return PASSWORD_NOT_KNOWN;
    by_key(r, key, session->id, expected);
    return crypto_equal(bytes_make(expected, sizeof expected), password) ? PASSWORD_RIGHT : PASSWORD_WRONG;
}

int64_t password_mark(const struct replica *r, int64_t session_id)
{
    if (r->member == NULL)
        return session_id;
    const bool keyed = is_on(r) && !bytes_is_null(secret_session_key(r->tree));
    return keyed ? session_id | KEYED_BIT : session_id & ~KEYED_BIT;
}

/* -- the leader's part --------------------------------------------------------------------------------------------- */

static enum status make_secret(struct replica *r, const char *path, struct bytes data, struct outbox *out)
{
    struct pending_node node;
    pending_look(r->pending, bytes_of(path), &node);
    if (node.exists)
        return ST_OK;
    const union op_body body = {.create = {.path = bytes_of(path), .data = data, .ttl_ms = -1}};
    const struct proposal proposal = {.op = secret_op(), .body = &body, .received_us = r->now_us};
    return propose(r, &proposal, out);
}

enum status password_make_key(struct replica *r, struct outbox *out)
{
    r->wants_session_key = false;
    if (r->service != SERVICE_LEADING || !is_on(r))
        return ST_OK;
    struct buffer data = {0};
    struct writer w = writer_to(&data);
    secret_key_encode(&w, r->options.password_key);
    enum status st = w.status == ST_OK ? make_secret(r, SECRET_FOLDER, BYTES(""), out) : w.status;
    if (st == ST_OK)
        st = make_secret(r, SECRET_SESSION_KEY, buffer_bytes(&data), out);
    buffer_free(&data);
    return st;
}
