/* layout.h - the JSON of an instance in the tree: that of Curator's x-discovery, with a payload of ours.
 *
 *   {"name": "web", "id": "web-h1-80", "address": "10.0.0.1", "port": 80, "sslPort": null,
 *    "payload": {"zooid": 1, "tags": ["v1"], "meta": {"zone": "a"}, "weight": 1, "health": "passing", "since": ms,
 *                "host": "h1", "maintenance": null},
 *    "registrationTimeUTC": ms, "serviceType": "DYNAMIC", "uriSpec": null, "enabled": true}
 *
 * `enabled` is false when it is critical or in maintenance: that is what Curator's clients look at. */
#pragma once

#include "plugins/discovery/definition.h"

#define LAYOUT_VERSION 1

/* What changes about a registration. */
struct standing {
    enum health health;
    int64_t since_ms, registered_ms; /* since 1970 */
    const char *host;
    const char *maintenance; /* why; NULL: none */
    bool compatible;         /* without `enabled` */
};

/* One line; free with free(). NULL: out of memory. */
char *layout_write(const struct definition *d, const struct standing *s);
