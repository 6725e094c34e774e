/* address.c - Java neither shortens runs of zeros nor writes leading ones. */
#include "agent/base/address.h"

#include "core/base/bytes.h"

#include <arpa/inet.h>
#include <stdio.h>

static struct in6_addr mapped(const uint8_t ipv4[4])
{
    struct in6_addr ip = {{{[10] = 0xff, [11] = 0xff}}};
    memcpy(ip.s6_addr + 12, ipv4, 4);
    return ip;
}

struct address address_of(const struct sockaddr_storage *peer)
{
    struct address a = {0};
    if (peer->ss_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, peer, sizeof in6);
        a.ip = in6.sin6_addr;
        a.port = ntohs(in6.sin6_port);
    } else if (peer->ss_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, peer, sizeof in);
        a.ip = mapped((const uint8_t *)&in.sin_addr.s_addr);
        a.port = ntohs(in.sin_port);
    } else {
        a.ip = mapped((const uint8_t[]){127, 0, 0, 1});
        a.local = true;
    }
    return a;
}

size_t address_host(const struct address *a, char text[ADDRESS_TEXT_SIZE])
{
    const uint8_t *b = a->ip.s6_addr;
    int len;
    if (IN6_IS_ADDR_V4MAPPED(&a->ip)) {
        len = snprintf(text, ADDRESS_TEXT_SIZE, "%u.%u.%u.%u", b[12], b[13], b[14], b[15]);
    } else {
        unsigned group[8];
        for (size_t i = 0; i < 8; i++)
            group[i] = (unsigned)b[2 * i] << 8 | b[2 * i + 1];
        len = snprintf(text, ADDRESS_TEXT_SIZE, "%x:%x:%x:%x:%x:%x:%x:%x", group[0], group[1], group[2], group[3],
                       group[4], group[5], group[6], group[7]);
    }
    return (size_t)len;
}

size_t address_print(const struct address *a, char text[ADDRESS_TEXT_SIZE])
{
    char host[ADDRESS_TEXT_SIZE];
    (void)address_host(a, host);
    bool v4 = IN6_IS_ADDR_V4MAPPED(&a->ip);
    return (size_t)snprintf(text, ADDRESS_TEXT_SIZE, v4 ? "/%.45s:%u" : "/[%.45s]:%u", host, (unsigned)a->port);
}

bool address_is_loopback(const struct address *a)
{
    return a->local || IN6_IS_ADDR_LOOPBACK(&a->ip) || (IN6_IS_ADDR_V4MAPPED(&a->ip) && a->ip.s6_addr[12] == 127);
}
