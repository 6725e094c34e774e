/* address.c - see address.h. */
#include "plugins/discovery/address.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANY_PORT = 9, TEXT = INET6_ADDRSTRLEN };

static bool text_of(const struct sockaddr *address, char text[TEXT])
{
    const void *bytes = address->sa_family == AF_INET
                            ? (const void *)&((const struct sockaddr_in *)address)->sin_addr
                            : (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr;
    return inet_ntop(address->sa_family, bytes, text, TEXT) != NULL;
}

/* Connecting a datagram socket chooses the route and sends nothing. */
static bool by_route(const char *to, char text[TEXT])
{
    struct sockaddr_storage local = {.ss_family = AF_UNSPEC};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(ANY_PORT)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(ANY_PORT)};
    bool is_v4 = inet_pton(AF_INET, to, &v4.sin_addr) == 1;
    if (!is_v4 && inet_pton(AF_INET6, to, &v6.sin6_addr) != 1)
        return false;
    int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof local;
    bool fine = fd >= 0 &&
                connect(fd, is_v4 ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6,
                        is_v4 ? sizeof v4 : sizeof v6) == 0 &&
                getsockname(fd, (struct sockaddr *)&local, &len) == 0 && text_of((struct sockaddr *)&local, text);
    if (fd >= 0)
        (void)close(fd);
    return fine;
}

static bool by_interface(char text[TEXT])
{
    struct ifaddrs *all = NULL;
    bool found = false;
    if (getifaddrs(&all) != 0)
        return false;
    for (const struct ifaddrs *one = all; one != NULL && !found; one = one->ifa_next)
        found = one->ifa_addr != NULL && one->ifa_addr->sa_family == AF_INET && (one->ifa_flags & IFF_UP) != 0 &&
                (one->ifa_flags & IFF_LOOPBACK) == 0 && text_of(one->ifa_addr, text);
    freeifaddrs(all);
    return found;
}

char *address_of_route(const char *to)
{
    char text[TEXT];
    return strdup(by_route(to, text) || by_interface(text) ? text : "127.0.0.1");
}
