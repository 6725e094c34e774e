/* listener_tcp.c - binding to every address of a name, or to all there are. */
#include "agent/net/listener_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

static bool option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/* Connections inherit what is set here, which saves them the calls. */
static bool set_options(int fd, const struct sockaddr *address, const struct listener_tcp *tcp)
{
    static const struct in6_addr any = IN6ADDR_ANY_INIT;
    bool good = option(fd, SOL_SOCKET, SO_REUSEADDR, 1) && option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (tcp->keep_alive)
        good = good && option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;
        bool every = memcmp(&in6->sin6_addr, &any, sizeof any) == 0;
        good = good && option(fd, IPPROTO_IPV6, IPV6_V6ONLY, every ? 0 : 1);
    }
    return good;
}

static int32_t port_of(int fd)
{
    struct sockaddr_storage own = {0};
    socklen_t len = sizeof own;
    if (getsockname(fd, (struct sockaddr *)&own, &len) != 0)
        return 0;
    struct sockaddr_in in; /* the port lies at the same place in both */
    memcpy(&in, &own, sizeof in);
    return ntohs(in.sin_port);
}

static void set_port(struct sockaddr_storage *address, int32_t port)
{
    struct sockaddr_in in;
    memcpy(&in, address, sizeof in);
    in.sin_port = htons((uint16_t)port);
    memcpy(address, &in, offsetof(struct sockaddr_in, sin_addr));
}

/* 0, or an errno. */
static int add_address(struct listener *l, const struct sockaddr *address, socklen_t len,
                       const struct listener_tcp *tcp)
{
    if (l->count == LISTENER_SOCKETS_MAX || len > sizeof(struct sockaddr_storage))
        return 0;
    struct sockaddr_storage own = {0};
    memcpy(&own, address, len);
    /* When the kernel chose the port, the further addresses get the same. */
    set_port(&own, l->port != 0 ? l->port : tcp->port);
    int fd = listener_socket_new(own.ss_family);
    if (fd < 0)
        return errno;
    if (!set_options(fd, address, tcp) || bind(fd, (struct sockaddr *)&own, len) != 0) {
        int error = errno;
        close(fd);
        return error;
    }
    int32_t port = port_of(fd);
    if (listener_add(l, fd, tcp->backlog) != ST_OK)
        return errno;
    l->port = port;
    return 0;
}

static int add_all_addresses(struct listener *l, const struct listener_tcp *tcp)
{
    const struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    const struct sockaddr_in in = {.sin_family = AF_INET};
    int error = add_address(l, (const struct sockaddr *)&in6, sizeof in6, tcp);
    if (error == EAFNOSUPPORT || error == EADDRNOTAVAIL)
        error = add_address(l, (const struct sockaddr *)&in, sizeof in, tcp);
    return error;
}

/* A name may have an address that this host does not have now (::1 without IPv6): one that works is enough. */
static int add_name(struct listener *l, const struct listener_tcp *tcp, const struct addrinfo *found)
{
    int error = 0;
    for (; found != NULL; found = found->ai_next) {
        int rc = add_address(l, found->ai_addr, found->ai_addrlen, tcp);
        if (rc != 0 && rc != EAFNOSUPPORT && rc != EADDRNOTAVAIL)
            return rc;
        error = rc != 0 ? rc : error;
    }
    return l->count > 0 ? 0 : error;
}

static enum status failed(const struct listener_tcp *tcp, int error, struct buffer *message)
{
    char text[128];
    const char *address = tcp->address == NULL || tcp->address[0] == '\0' ? "all addresses" : tcp->address;
    enum status st = buffer_printf(message, "cannot listen on %s, port %d: %s", address, (int)tcp->port,
                                   uv_strerror_r(-error, text, sizeof text));
    if (st != ST_OK || error == ENOMEM)
        return ST_NO_MEMORY;
    return error == EADDRINUSE ? ST_BUSY : ST_IO_ERROR;
}

static enum status open_found(struct listener *l, const struct listener_tcp *tcp, const struct addrinfo *found,
                              struct buffer *message)
{
    int error = add_name(l, tcp, found);
    return error == 0 ? ST_OK : failed(tcp, error, message);
}

static enum status open_name(struct listener *l, const struct listener_tcp *tcp, struct buffer *message)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    uv_getaddrinfo_t request = {0};
    int rc = uv_getaddrinfo(l->parts.loop, &request, NULL, tcp->address, NULL, &hints);
    if (rc != 0) {
        char text[128];
        uv_freeaddrinfo(request.addrinfo);
        return buffer_printf(message, "the address %s is not known: %s", tcp->address,
                             uv_strerror_r(rc, text, sizeof text)) == ST_OK
                   ? ST_NOT_FOUND
                   : ST_NO_MEMORY;
    }
    enum status st = open_found(l, tcp, request.addrinfo, message);
    uv_freeaddrinfo(request.addrinfo);
    return st;
}

enum status listener_open_tcp(struct listener **out, const struct listener_parts *parts, const struct listener_tcp *tcp,
                              const struct listener_events *events, struct buffer *message)
{
    struct listener *l = NULL;
    enum status st = listener_new(&l, parts, events);
    if (st != ST_OK)
        return st;
    if (tcp->found != NULL) {
        st = open_found(l, tcp, tcp->found, message);
    } else if (tcp->address != NULL && tcp->address[0] != '\0') {
        st = open_name(l, tcp, message);
    } else {
        int error = add_all_addresses(l, tcp);
        st = error == 0 ? ST_OK : failed(tcp, error, message);
    }
    if (st != ST_OK) {
        listener_close(l);
        return st;
    }
    *out = l;
    return ST_OK;
}
