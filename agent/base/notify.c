/* notify.c - sd_notify(3)'s protocol: one datagram of lines to the socket that $NOTIFY_SOCKET names.
 *
 * Spoken here rather than through libsystemd, which brings six more libraries into every agent: a megabyte of memory
 * and a third of the time to start. The protocol is documented as stable for this purpose. */
#include "agent/base/notify.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* A name that begins with '@' is in the abstract namespace. Whoever asked to be told and cannot be is not waited for.
 */
static void send_lines(const char *lines)
{
    const char *name = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = name == NULL ? 0 : strlen(name);
    if (len < 2 || len >= sizeof address.sun_path || (name[0] != '/' && name[0] != '@'))
        return;
    memcpy(address.sun_path, name, len);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    (void)sendto(fd, lines, strlen(lines), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address, size);
    close(fd);
}

void notify_ready(const char *status)
{
    char lines[256];
    (void)snprintf(lines, sizeof lines, "READY=1\nSTATUS=%s", status);
    send_lines(lines);
}

/* Type=notify-reload wants the time with it. */
void notify_reloading(void)
{
    struct timespec now;
    char lines[64];
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    (void)snprintf(lines, sizeof lines, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, us);
    send_lines(lines);
}

void notify_stopping(void)
{
    send_lines("STOPPING=1");
}
