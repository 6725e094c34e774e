/* definition.h - a service as its owner defines it: in a drop-in file, by the command `register`, by a program.
 *
 * All three say the same JSON. What is wrong is named by its key, so that a drop-in file can name the line. */
#pragma once

#include "plugins/discovery/settings.h"

#include <stdint.h>

enum lifetime {
    LIFETIME_MANUAL,  /* until it is deregistered */
    LIFETIME_PROCESS, /* as long as its process */
    LIFETIME_CHECKS   /* until it has been critical for deregister_after_ms */
};

/* Everything points into `json`. */
struct definition {
    json_t *json; /* as it was given, with what was left out filled in */
    const char *service, *id, *address;
    int32_t port, ssl_port; /* -1: none */
    uint32_t weight;
    json_t *tags, *meta; /* NULL: none */
    json_t *checks;      /* NULL: none */
    enum lifetime lifetime;
    int64_t pid;                  /* 0: none */
    uint64_t deregister_after_ms; /* 0: never */
    enum health initial;
};

struct definition_defaults {
    const struct limits *limits;
    const char *host, *address; /* of this machine */
    enum health initial;        /* for those with checks; others are passing */
};

/* Takes nothing of `given` over but references; the caller keeps its own. False: nothing is to be freed. */
bool definition_read(struct definition *d, json_t *given, const struct definition_defaults *defaults,
                     struct problem *p);
void definition_free(struct definition *d);

/* May it be the name of a znode? */
bool name_is_legal(const char *name, size_t bytes_max);
