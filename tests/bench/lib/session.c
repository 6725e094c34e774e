/* session.c - blocking calls of one session. */
#include "tests/bench/lib/session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/bench/lib/clock.h"

struct sockaddr_in endpoint_parse(const char *text)
{
    struct sockaddr_in endpoint = {.sin_family = AF_INET};
    char host[INET_ADDRSTRLEN] = "127.0.0.1";
    const char *colon = strrchr(text, ':');
    const char *port = colon == NULL ? text : colon + 1;
    if (colon != NULL) {
        size_t size = (size_t)(colon - text);
        if (size >= sizeof host)
            die("not an IPv4 address and port: %s", text);
        memcpy(host, text, size);
        host[size] = '\0';
    }
    char *end = NULL;
    unsigned long number = strtoul(port, &end, 10);
    if (*port == '\0' || *end != '\0' || number == 0 || number > UINT16_MAX ||
        inet_pton(AF_INET, host, &endpoint.sin_addr) != 1)
        die("not an IPv4 address and port: %s", text);
    endpoint.sin_port = htons((uint16_t)number);
    return endpoint;
}

int endpoint_socket(void)
{
    static const int on = 1, off = 0;
    static const struct timeval silence = {.tv_sec = SESSION_SILENCE_S};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &silence, sizeof silence) != 0)
        die_errno("no socket");
    return fd;
}

int endpoint_connect(const struct sockaddr_in *endpoint)
{
    int fd = endpoint_socket();
    if (connect(fd, (const struct sockaddr *)endpoint, sizeof *endpoint) == 0)
        return fd;
    int saved_errno = errno;
    (void)close(fd);
    errno = saved_errno;
    return -1;
}

void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        die_errno("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        die_errno("setrlimit");
}

static int write_all(int fd, const uint8_t *at, size_t left)
{
    while (left > 0) {
        ssize_t n = send(fd, at, left, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        at += n;
        left -= (size_t)n;
    }
    return 0;
}

static int read_all(int fd, uint8_t *at, size_t left)
{
    while (left > 0) {
        ssize_t n = recv(fd, at, left, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        at += n;
        left -= (size_t)n;
    }
    return 0;
}

int session_open(const struct sockaddr_in *endpoint)
{
    int fd = endpoint_connect(endpoint);
    if (fd < 0)
        return -1;
    uint8_t request[WIRE_CONNECT_REQUEST_SIZE];
    uint8_t response[WIRE_CONNECT_RESPONSE_SIZE];
    size_t size = wire_connect_request(request, SESSION_TIMEOUT_MS);
    if (write_all(fd, request, size) == 0 && read_all(fd, response, sizeof response) == 0 &&
        wire_get_i32(response + 8) > 0) /* the negotiated time-out; 0 is a refusal */
        return fd;
    (void)close(fd);
    return -1;
}

int32_t session_call(int fd, const uint8_t *frame, size_t size)
{
    uint8_t reply[SESSION_REPLY_MAX];
    if (write_all(fd, frame, size) != 0)
        return SESSION_LOST;
    do {
        if (read_all(fd, reply, 4) != 0)
            return SESSION_LOST;
        int32_t length = wire_get_i32(reply);
        if (length < WIRE_REPLY_HEADER_SIZE - 4 || length > SESSION_REPLY_MAX - 4 ||
            read_all(fd, reply + 4, (size_t)length) != 0)
            return SESSION_LOST;
    } while (wire_get_i32(reply + 4) == WIRE_XID_EVENT);
    return wire_get_i32(reply + 16);
}

void session_need_node(int fd, const char *path, const uint8_t *data, size_t size)
{
    uint8_t *frame = need_memory(1, WIRE_FRAME_OVERHEAD + strlen(path) + size);
    int32_t error = session_call(fd, frame, wire_create(frame, 1, path, data, size));
    free(frame);
    if (error != 0 && error != WIRE_NODE_EXISTS)
        die("cannot create %s: error %d", path, (int)error);
}

void session_close(int fd)
{
    uint8_t frame[WIRE_FRAME_OVERHEAD];
    (void)session_call(fd, frame, wire_bare(frame, 1, WIRE_CLOSE_SESSION));
    (void)close(fd);
}
