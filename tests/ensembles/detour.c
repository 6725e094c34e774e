/* detour.c - a library to be preloaded: a connection to a port that DETOURS names as PORT:OTHER goes to the other one,
 * or is refused when nobody listens on the first, which whoever listens on the other could not say any more. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { LISTENING = 0x0a };

/* Of a line "sl: ADDRESS:PORT ADDRESS:PORT STATE ..."; false: it is another. */
static bool listens_there(const char *line, unsigned long wanted)
{
    char own[64], other[64], state[8], number[16];
    if (sscanf(line, "%15s %63s %63s %7s", number, own, other, state) != 4 || strrchr(own, ':') == NULL)
        return false;
    return strtoul(strrchr(own, ':') + 1, NULL, 16) == wanted && strtoul(state, NULL, 16) == LISTENING;
}

static bool has_listener(const char *table, unsigned long port)
{
    char line[512];
    bool found = false;
    FILE *file = fopen(table, "re");
    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL)
        found = listens_there(line, port);
    if (file != NULL)
        (void)fclose(file);
    return found;
}

/* The same port when there is none. */
static unsigned long other_port(unsigned long port)
{
    const char *at = getenv("DETOURS");
    while (at != NULL && *at != '\0') {
        char *end = NULL;
        unsigned long from = strtoul(at, &end, 10);
        if (*end != ':')
            return port;
        unsigned long to = strtoul(end + 1, &end, 10);
        if (from == port)
            return to;
        at = *end == ',' ? end + 1 : NULL;
    }
    return port;
}

typedef int connect_fn(int fd, const struct sockaddr *to, socklen_t len);

/* The port stands at the same place in both kinds of address. */
int connect(int fd, const struct sockaddr *to, socklen_t len)
{
    connect_fn *next = (connect_fn *)dlsym(RTLD_NEXT, "connect");
    struct sockaddr_in6 copy;
    struct sockaddr_in head;
    if ((to->sa_family != AF_INET && to->sa_family != AF_INET6) || len > sizeof copy || len < sizeof head)
        return next(fd, to, len);
    memcpy(&head, to, sizeof head);
    unsigned long port = ntohs(head.sin_port), other = other_port(port);
    if (other == port)
        return next(fd, to, len);
    if (!has_listener("/proc/self/net/tcp", port) && !has_listener("/proc/self/net/tcp6", port)) {
        errno = ECONNREFUSED;
        return -1;
    }
    memcpy(&copy, to, len);
    copy.sin6_port = htons((uint16_t)other);
    return next(fd, (const struct sockaddr *)&copy, len);
}
