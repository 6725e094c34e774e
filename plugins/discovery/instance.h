/* instance.h - one instance as it was read in the tree: ours, or one that Curator wrote.
 *
 * Never changed once it is made, and one block of memory: the catalog holds thousands. */
#pragma once

#include "plugins/discovery/health.h"

#include <jansson.h>
#include <stdint.h>

struct pair {
    const char *key, *value;
};

struct instance {
    const char *service, *id;
    const char *address;     /* "": none */
    const char *host;        /* "": unknown, as with Curator's own */
    const char *maintenance; /* why; NULL: none */
    const char *payload;     /* what somebody else put there, as JSON; NULL: none, or ours */
    const char *const *tags;
    const struct pair *meta;
    uint32_t tag_count, meta_count, weight;
    int32_t port, ssl_port; /* -1: none */
    int64_t registered_ms, since_ms;
    enum health health;
    bool enabled;
};

/* What is there is taken, what is not understood is left out: a payload of any kind, fields nobody knows, `enabled`
 * missing. NULL: it is not a JSON object, or out of memory. Free with free(). */
struct instance *instance_read(const char *service, const char *id, const void *data, size_t len);

/* For answers and for the files of what is known: all of it. NULL: out of memory. */
json_t *instance_json(const struct instance *instance);
/* Back from that. */
struct instance *instance_from_json(json_t *object);

const char *instance_meta(const struct instance *instance, const char *key); /* NULL: none */
bool instance_has_tag(const struct instance *instance, const char *tag);
/* To be given to whoever asks for a service without saying more. */
bool instance_is_good(const struct instance *instance);
