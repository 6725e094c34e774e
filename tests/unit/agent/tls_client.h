/* tls_client.h - a client that speaks TLS, made with OpenSSL alone; its calls never block. */
#pragma once

#include "core/base/bytes.h"
#include "tests/support/certs.h"
#include "tests/support/net.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>

struct tls_client {
    struct net_client net;
    SSL_CTX *context;
    SSL *ssl;
    bool done, failed, ended; /* ended: told so by the server, not merely cut off */
};

/* `own`: its certificate, or NULL. Trusts `authority`. Not connected yet beyond TCP. */
static inline void tls_client_to(struct tls_client *c, uv_loop_t *loop, int port, const struct certs *own,
                                 const struct certs *authority)
{
    *c = (struct tls_client){0};
    net_connect(&c->net, loop, port);
    assert_int_equal(fcntl(c->net.fd, F_SETFL, O_NONBLOCK), 0);
    c->context = SSL_CTX_new(TLS_client_method());
    assert_non_null(c->context);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(c->context), authority->certificate);
    SSL_CTX_set_verify(c->context, SSL_VERIFY_PEER, NULL);
    if (own != NULL) {
        assert_int_equal(SSL_CTX_use_certificate(c->context, own->certificate), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(c->context, own->key), 1);
    }
    c->ssl = SSL_new(c->context);
    SSL_set_fd(c->ssl, c->net.fd);
}

static inline void tls_client_free(struct tls_client *c)
{
    SSL_free(c->ssl);
    SSL_CTX_free(c->context);
    net_close(&c->net);
    ERR_clear_error();
}

static inline void tls_note(struct tls_client *c, int rc)
{
    int error = SSL_get_error(c->ssl, rc);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return;
    c->ended = error == SSL_ERROR_ZERO_RETURN;
    c->failed = true;
}

static inline bool tls_handshakes(void *context)
{
    struct tls_client *c = context;
    ERR_clear_error();
    int rc = SSL_connect(c->ssl);
    c->done = rc == 1;
    if (!c->done)
        tls_note(c, rc);
    return c->done || c->failed;
}

static inline bool tls_connect(struct tls_client *c)
{
    return net_run_until(c->net.loop, tls_handshakes, c) && c->done;
}

static inline bool tls_reads(void *context)
{
    struct tls_client *c = context;
    uint8_t some[16384];
    int n;
    ERR_clear_error();
    while ((n = SSL_read(c->ssl, some, sizeof some)) > 0)
        assert_int_equal(buffer_append(&c->net.received, some, (size_t)n), ST_OK);
    tls_note(c, n);
    return c->failed;
}

static inline void tls_send(struct tls_client *c, const void *data, size_t len)
{
    for (size_t at = 0; at < len && !c->failed;) {
        ERR_clear_error();
        int n = SSL_write(c->ssl, (const uint8_t *)data + at, (int)(len - at));
        if (n > 0)
            at += (size_t)n;
        else
            tls_note(c, n);
        uv_run(c->net.loop, UV_RUN_NOWAIT);
    }
}

static inline void tls_send_frame(struct tls_client *c, const void *payload, size_t len)
{
    uint8_t length[4];
    be32_put(length, (uint32_t)len);
    tls_send(c, length, sizeof length);
    tls_send(c, payload, len);
}

struct tls_wanted {
    struct tls_client *client;
    size_t len;
};

static inline bool tls_has(void *context)
{
    const struct tls_wanted *wanted = context;
    return tls_reads(wanted->client) || wanted->client->net.received.len >= wanted->len;
}

static inline bool tls_expect_frame(struct tls_client *c, const void *payload, size_t len)
{
    struct tls_wanted wanted = {c, len + 4};
    if (!net_run_until(c->net.loop, tls_has, &wanted) || c->net.received.len < len + 4)
        return false;
    bool same = be32_get(c->net.received.data) == len && memcmp(c->net.received.data + 4, payload, len) == 0;
    net_take(&c->net, len + 4);
    return same;
}

static inline bool tls_wait_end(struct tls_client *c)
{
    return net_run_until(c->net.loop, tls_reads, c);
}

/* A broken pipe is an answer, not an end. */
static inline void ignore_sigpipe(void)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL);
}
