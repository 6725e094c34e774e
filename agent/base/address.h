/* address.h - a peer's address, kept small, and written as Java writes it. Pure; thread-safe. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* IPv4 is kept as mapped into IPv6, which is also how it arrives on a socket for both. */
struct address {
    struct in6_addr ip;
    uint16_t port; /* 0 with `local` */
    bool local;    /* a Unix socket; written as 127.0.0.1 */
};

struct address address_of(const struct sockaddr_storage *peer);

/* Room for the longest text of the functions below, with its end. */
enum { ADDRESS_TEXT_SIZE = 64 };

/* As InetAddress.getHostAddress(): "127.0.0.1", "0:0:0:0:0:0:0:1". Returns its length. */
size_t address_host(const struct address *a, char text[ADDRESS_TEXT_SIZE]);

/* As InetSocketAddress.toString(): "/127.0.0.1:42348", "/[0:0:0:0:0:0:0:1]:42348". */
size_t address_print(const struct address *a, char text[ADDRESS_TEXT_SIZE]);

/* Whether it is of this host's loopback. */
bool address_is_loopback(const struct address *a);
