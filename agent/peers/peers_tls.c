/* peers_tls.c - who may speak TLS with us: whether a certificate that is trusted is for the host at the other end.
 *
 * A server that was called has to show the name or the address that was called. One that calls has to show the address
 * it comes from, as with Apache, or the name of a host of the configuration; where Apache asks the name service for the
 * name of an address instead, whoever answers for that address could choose it (quorum-protocol 8.1). */
#include "agent/net/tls.h"
#include "agent/peers/peers_internal.h"

void called_set(struct called *called, struct bytes host)
{
    called->host_len = host.len <= sizeof called->host ? host.len : 0;
    if (called->host_len > 0)
        memcpy(called->host, host.data, called->host_len);
}

unsigned peers_how_dialed(const struct peers *p)
{
    return p->options.security.dials_tls ? CHANNEL_TLS : CHANNEL_PLAIN;
}

unsigned peers_how_taken_in(const struct peers *p)
{
    const struct peers_security *security = &p->options.security;
    return CHANNEL_CAME_IN | (security->takes_tls ? CHANNEL_TLS : 0U) | (security->takes_plain ? CHANNEL_PLAIN : 0U);
}

static bool is_one_of(const struct ssl_st *ssl, const struct places *places)
{
    for (size_t i = 0; places != NULL && i < places->count; i++)
        if (tls_peer_is(ssl, places->items[i].host))
            return true;
    return false;
}

static bool is_of_the_ensemble(const struct peers *p, const struct ssl_st *ssl)
{
    LIST_FOR_EACH(at, &p->everyone)
    if (is_one_of(ssl, LIST_ENTRY(at, struct peer, link)->places))
        return true;
    return is_one_of(ssl, peers_own_places(p));
}

static bool is_right(const struct peers *p, const struct ssl_st *ssl, const struct address *remote,
                     const struct called *called)
{
    char host[ADDRESS_TEXT_SIZE];
    size_t len = address_host(remote, host);
    if (tls_peer_is(ssl, bytes_make(host, len)))
        return true;
    return called != NULL ? tls_peer_is(ssl, bytes_make(called->host, called->host_len)) : is_of_the_ensemble(p, ssl);
}

static void say_whose(struct peers *p, const struct ssl_st *ssl, const struct address *remote)
{
    char text[ADDRESS_TEXT_SIZE];
    struct buffer subject = {0};
    uint32_t held_back = 0;
    if (!log_limit_pass(&p->log_name, peers_now_ms(p), PEERS_LOG_EVERY_MS, &held_back))
        return;
    (void)address_print(remote, text);
    if (tls_peer_subject(ssl, &subject) == ST_OK)
        LOG_WARN(p->parts.log, "peers",
                 "the certificate \"%.*s\", which %s shows, is for another host (%u more since the last line)",
                 BYTES_PRINT(subject), text, held_back);
    buffer_free(&subject);
}

const char *peers_objection(struct peers *p, const struct channel *c, const struct address *remote,
                            const struct called *called)
{
    const struct ssl_st *ssl = channel_ssl(c);
    const struct peers_security *security = &p->options.security;
    bool checks = called != NULL ? security->checks_called : security->checks_callers;
    /* One that calls and has none is let in by ssl.quorum.clientAuth, or has been refused already. */
    if (ssl == NULL || !checks || !tls_peer_has_certificate(ssl) || is_right(p, ssl, remote, called))
        return NULL;
    say_whose(p, ssl, remote);
    metrics_add(p->parts.metrics, COUNTER_unsuccessful_handshake, 1);
    return "its certificate is for another host";
}

void peers_count_handshake(struct peers *p, const struct channel *c)
{
    if (channel_handshake_failed(c))
        metrics_add(p->parts.metrics, COUNTER_unsuccessful_handshake, 1);
}
