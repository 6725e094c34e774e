/* settings.h - the plugin's own section of its configuration, and every limit. */
#pragma once

#include "plugins/discovery/health.h"
#include "plugins/discovery/problem.h"

#include <jansson.h>
#include <stdint.h>

enum guard_policy {
    GUARD_NEVER_EMPTY, /* the last known good stays until there is something better */
    GUARD_EMPTY_AFTER, /* so long, and empty then */
    GUARD_OFF          /* what the tree says */
};

struct guard_settings {
    enum guard_policy policy;
    uint32_t empty_after_ms;
    uint32_t window_ms;  /* what vanished within it is one event */
    uint32_t percent;    /* more than this part of a service within the window: suspect. 0 or 100: never */
    uint32_t suspect_ms; /* so long suspects are kept */
};

struct limits {
    uint32_t services_max;      /* in the catalog */
    uint32_t instances_max;     /* in the catalog */
    uint32_t registrations_max; /* on this host */
    uint32_t name_bytes;        /* of a service, and of an id */
    uint32_t tags_max, tag_bytes;
    uint32_t meta_max, meta_key_bytes, meta_value_bytes;
    uint32_t checks_max; /* of one instance */
    uint32_t files_max;  /* in services_dir */
    uint32_t file_bytes;
};

struct settings {
    const char *base;         /* where services are: "/services" */
    const char *checks_base;  /* where health writes: "/zooid/checks" */
    const char *services_dir; /* drop-in files; "": none */
    const char *address;      /* of this host, for services that give none; "": that of its route */
    const char *route_to;     /* the route to this address decides; nothing is sent there */
    const char *health;       /* the provider that takes check definitions; "": none */
    enum health initial;      /* of an instance whose checks have said nothing yet */
    bool anyone_registers;    /* else: root and the plugin's own user */
    bool compatible;          /* leave out what Curators before 2.12 and 3.3 refuse: "enabled" */
    struct guard_settings guard;
    struct limits limits;
    json_t *json, *guards; /* guards: service -> what differs for it; borrowed from json */
};

/* False: what is wrong, by its key. */
bool settings_read(struct settings *s, const char *json, struct problem *p);
/* Of one service: the common ones, but for what its own section says. */
struct guard_settings settings_guard(const struct settings *s, const char *service);
void settings_free(struct settings *s);
