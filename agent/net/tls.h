/* tls.h - TLS for one use, clients or other servers: certificates, keys, whom to trust, and their renewal.
 *
 * Key and trust store are files, in PEM or PKCS#12 (tls_store.h). They are looked at from time to time; when one has
 * changed, a new context is made off the loop and serves the connections that come from then on. A store that cannot
 * be used any more is reported, and the old context stays. Loop thread only. */
#pragma once

#include "agent/settings/settings_tls.h"
#include "core/base/bytes.h"
#include "core/base/log.h"

#include <uv.h>

struct tls; /* opaque */
struct ssl_st;
struct X509_name_st;

/* Reads the stores at once. ST_BAD_ARGUMENTS, ST_IO_ERROR: `message` (appended) names setting, file and reason, for a
 * Java keystore with the command that converts it; ST_NO_MEMORY. */
enum status tls_new(struct tls **out, const struct settings *settings, enum tls_use use, uv_loop_t *loop,
                    const struct log_sink *log, struct buffer *message);

/* Begins to watch the files, as zooid.tlsReloadInterval says and client.certReload, or sslQuorumReloadCertFiles. */
void tls_watch(struct tls *t);

/* Makes a new context from what the settings say now (SIGHUP). The outcome is logged. ST_NO_MEMORY: not begun. */
enum status tls_reload(struct tls *t, const struct settings *settings);

/* For a new connection, the server's side; to be handed to stream_secure. NULL: out of memory. */
struct ssl_st *tls_accept(const struct tls *t);

/* The same for the client's side, which demands a certificate that is trusted; not with TLS_FOR_CLIENTS. */
struct ssl_st *tls_dial(const struct tls *t);

/* How many contexts were made so far, the first included: rises with each successful reload. */
uint32_t tls_generation(const struct tls *t);

/* Stops watching; freed from the loop. NULL is allowed. */
void tls_close(struct tls *t);

/* What a finished handshake says about the peer. */
bool tls_peer_has_certificate(const struct ssl_st *ssl);

/* Whether the peer's certificate is for that host: a name, or an address. False, too, when there is no certificate. */
bool tls_peer_is(const struct ssl_st *ssl, struct bytes host);

/* Why a handshake failed: what is wrong with the peer's certificate, or tls_reason. A static text. */
const char *tls_handshake_reason(const struct ssl_st *ssl);

/* The subject of the peer's certificate as Java's X500Principal.getName() writes it (RFC 2253), appended; nothing when
 * there is no certificate. ST_NO_MEMORY. */
enum status tls_peer_subject(const struct ssl_st *ssl, struct buffer *name);

/* The same of a name that is at hand. */
enum status tls_subject_print(const struct X509_name_st *subject, struct buffer *name);

/* The first reason in OpenSSL's queue of errors, which is emptied; never NULL. A static text. */
const char *tls_reason(void);
