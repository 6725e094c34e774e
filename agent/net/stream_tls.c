/* stream_tls.c - the TLS layer of a stream: OpenSSL reads and writes the socket through a BIO of ours.
 *
 * The BIO is there because OpenSSL's own would raise SIGPIPE. */
#include "agent/net/stream_internal.h"
#include "core/base/check.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

static int bio_read(BIO *bio, char *into, size_t room, size_t *got)
{
    const struct stream *s = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    enum stream_result result = stream_outcome(recv(s->fd, into, room, 0), got);
    if (result == STREAM_WAIT)
        BIO_set_retry_read(bio);
    return result == STREAM_OK;
}

static int bio_write(BIO *bio, const char *data, size_t len, size_t *sent)
{
    const struct stream *s = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    enum stream_result result = stream_outcome(send(s->fd, data, len, MSG_NOSIGNAL), sent);
    if (result == STREAM_WAIT)
        BIO_set_retry_write(bio);
    return result == STREAM_OK;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

/* Made once and kept for the life of the process. */
static BIO_METHOD *bio_method;
static CRYPTO_ONCE bio_method_once = CRYPTO_ONCE_STATIC_INIT;

static void bio_method_make(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
    if (method != NULL && BIO_meth_set_read_ex(method, bio_read) == 1 &&
        BIO_meth_set_write_ex(method, bio_write) == 1 && BIO_meth_set_ctrl(method, bio_control) == 1)
        bio_method = method;
    else
        BIO_meth_free(method);
}

enum status stream_secure(struct stream *s, struct ssl_st *ssl)
{
    BIO *bio = NULL;
    if (CRYPTO_THREAD_run_once(&bio_method_once, bio_method_make) == 1 && bio_method != NULL)
        bio = BIO_new(bio_method);
    if (bio == NULL) {
        SSL_free(ssl);
        return ST_NO_MEMORY;
    }
    BIO_set_data(bio, s);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio); /* takes the BIO */
    s->ssl = ssl;
    s->layer = &stream_tls;
    return ST_OK;
}

/* What an OpenSSL call that gave `rc` means. */
static enum stream_result verdict(struct stream *s, int rc)
{
    if (rc == 1)
        return STREAM_OK;
    switch (SSL_get_error(s->ssl, rc)) {
    case SSL_ERROR_WANT_READ: return STREAM_WAIT;
    case SSL_ERROR_WANT_WRITE: s->layer_wants_write = true; return STREAM_WAIT;
    default: return STREAM_END;
    }
}

enum stream_result stream_handshake(struct stream *s)
{
    ERR_clear_error();
    s->readable = false;
    enum stream_result result = verdict(s, SSL_do_handshake(s->ssl));
    if (result == STREAM_OK && SSL_has_pending(s->ssl) == 1)
        s->readable = true;
    stream_update_interest(s);
    return s->broken && result == STREAM_WAIT ? STREAM_END : result;
}

/* Until the socket is empty or the room is used up: one record is at most 16 KiB. */
static enum stream_result tls_read(struct stream *s, void *into, size_t room, size_t *got)
{
    enum stream_result result = STREAM_OK;
    *got = 0;
    while (result == STREAM_OK && *got < room) {
        size_t some = 0;
        ERR_clear_error();
        result = verdict(s, SSL_read_ex(s->ssl, (uint8_t *)into + *got, room - *got, &some));
        *got += some;
    }
    s->readable = result == STREAM_OK; /* OpenSSL may hold more, of which the kernel knows nothing */
    return *got > 0 ? STREAM_OK : result;
}

static enum stream_result tls_write(struct stream *s, const void *data, size_t len, size_t *sent)
{
    ERR_clear_error();
    return verdict(s, SSL_write_ex(s->ssl, data, len, sent));
}

static void tls_finish(struct stream *s)
{
    ERR_clear_error();
    if (SSL_is_init_finished(s->ssl))
        (void)SSL_shutdown(s->ssl); /* one way: what the peer says to it is not waited for */
    (void)shutdown(s->fd, SHUT_WR); /* a failure shows when the stream is read */
}

static void tls_release(struct stream *s)
{
    ERR_clear_error();
    if (!s->broken && !s->finishing && SSL_is_init_finished(s->ssl))
        (void)SSL_shutdown(s->ssl);
    SSL_free(s->ssl);
    s->ssl = NULL;
}

const struct stream_layer stream_tls = {tls_read, tls_write, NULL, tls_finish, tls_release};
