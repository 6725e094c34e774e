/* resolve.c - uv_getaddrinfo, and literals without it, so that no slow name server keeps numbers waiting. */
#include "agent/net/resolve.h"

#include "core/base/check.h"
#include "core/base/mem.h"

#include <netinet/in.h>
#include <stdio.h>

enum { HOST_SIZE = 256, PORT_SIZE = 8 };

struct resolve {
    uv_getaddrinfo_t request;
    resolve_done_fn *done; /* NULL: cancelled */
    void *context;
};

/* Terminated. False: too long, or there is a zero byte in it. */
static bool copy_host(char text[HOST_SIZE], struct bytes host)
{
    if (host.len == 0 || host.len >= HOST_SIZE || memchr(host.data, 0, host.len) != NULL)
        return false;
    memcpy(text, host.data, host.len);
    text[host.len] = '\0';
    return true;
}

bool resolve_literal(struct bytes host, uint16_t port, struct sockaddr_storage *address)
{
    char text[HOST_SIZE];
    struct sockaddr_in in = {0};
    struct sockaddr_in6 in6 = {0};
    *address = (struct sockaddr_storage){0};
    if (!copy_host(text, host))
        return false;
    if (uv_ip4_addr(text, port, &in) == 0)
        memcpy(address, &in, sizeof in);
    else if (uv_ip6_addr(text, port, &in6) == 0)
        memcpy(address, &in6, sizeof in6);
    else
        return false;
    return true;
}

socklen_t resolve_address_size(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

static void on_found(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct resolve *r = CONTAINER_OF(request, struct resolve, request);
    char text[128];
    resolve_done_fn *done = r->done;
    void *context = r->context;
    mem_free(r);
    if (done != NULL)
        done(context, status == 0 ? found : NULL, status == 0 ? NULL : uv_strerror_r(status, text, sizeof text));
    uv_freeaddrinfo(found);
}

enum status resolve_start(struct resolve **out, uv_loop_t *loop, struct bytes host, uint16_t port,
                          resolve_done_fn *done, void *context)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    char name[HOST_SIZE];
    char service[PORT_SIZE];
    if (!copy_host(name, host))
        return ST_BAD_ARGUMENTS;
    (void)snprintf(service, sizeof service, "%u", (unsigned)port);
    struct resolve *r = mem_calloc(1, sizeof *r);
    if (r == NULL)
        return ST_NO_MEMORY;
    r->done = done;
    r->context = context;
    int rc = uv_getaddrinfo(loop, &r->request, on_found, name, service, &hints);
    if (rc != 0) {
        mem_free(r);
        return rc == UV_ENOMEM ? ST_NO_MEMORY : ST_BAD_ARGUMENTS;
    }
    *out = r;
    return ST_OK;
}

void resolve_cancel(struct resolve *r)
{
    if (r == NULL)
        return;
    r->done = NULL;
    (void)uv_cancel((uv_req_t *)&r->request); /* one that a thread has begun is let run out */
}
