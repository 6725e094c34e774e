/* local_calls.h - providers, and calls on their way to them: what local_provide.c and local_call.c have for the other
 * files of the door. A provider is there as long as its Provide is open; a call, until it is answered or dropped. */
#pragma once

#include "agent/local/local_internal.h"

struct local_provider {
    struct list link; /* local->providers */
    struct local_request *request;
    char *name, *description;
    struct local_offer *offers;
    size_t offer_count;
    uint32_t call_count;
};

struct local_call {
    struct list link; /* server->calls_in_hand */
    struct deadline deadline;
    struct local *local;
    struct local_client *server;
    struct local_provider *provider; /* NULL: its offer is over */
    struct local_client *caller;     /* NULL: it is no local client; set by local_call */
    uint64_t number, provide;
    void (*answered)(void *context, const struct local_answer *answer);
    void *context;
};

/* -- local_provide.c */

enum status local_provide(struct local_client *c, struct local_request *request, const to_agent *m);
struct local_provider *local_provider_find(const struct local *l, const char *name); /* NULL: there is none */
/* The offer is over. NULL is allowed. */
void local_provider_free(struct local_provider *p);

/* -- local_call.c */

enum status local_call(struct local_client *c, struct local_request *request, const to_agent *m);
void local_call_take_result(struct local_client *c, const Zooid__Local__CallResult *m);
/* The client's connection has ended: what it had in hands fails. */
void local_calls_fail(struct local_client *c);
/* Calls that are due. */
void local_calls_expire(struct local *l, int64_t now_ms);
