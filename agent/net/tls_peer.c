/* tls_peer.c - what is to be known of the peer of a handshake: whether its certificate is for its host, and what was
 * wrong with it. */
#include "agent/net/tls.h"
#include "core/base/check.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

enum { HOST_SIZE = 256 };

/* A name is compared as RFC 6125 says, with the certificate's DNS names; with its common name only if it has none. */
bool tls_peer_is(const struct ssl_st *ssl, struct bytes host)
{
    X509 *certificate = SSL_get0_peer_certificate(ssl);
    char text[HOST_SIZE];
    if (certificate == NULL || host.len == 0 || host.len >= sizeof text || memchr(host.data, 0, host.len) != NULL)
        return false;
    memcpy(text, host.data, host.len);
    text[host.len] = '\0';
    return X509_check_ip_asc(certificate, text, 0) == 1 || X509_check_host(certificate, text, host.len, 0, NULL) == 1;
}

const char *tls_handshake_reason(const struct ssl_st *ssl)
{
    const char *reason = tls_reason();
    long verdict = SSL_get_verify_result(ssl);
    return verdict == X509_V_OK ? reason : X509_verify_cert_error_string(verdict);
}
