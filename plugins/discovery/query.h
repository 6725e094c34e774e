/* query.h - which instances of a service somebody wants, and the answer. */
#pragma once

#include "plugins/discovery/catalog.h"

enum query_sort { SORT_ID, SORT_WEIGHT }; /* by weight: the heavy ones first, those of one weight by id */

struct query {
    json_t *args; /* what the texts point into */
    const char *service;
    json_t *tags;      /* an array of texts, all of which it must have; NULL: any */
    json_t *meta;      /* an object: all of these; NULL: any */
    const char *host;  /* NULL: any */
    enum health worst; /* up to this health; passing when nothing is said */
    bool all;          /* those in maintenance, too, and no guard: what the tree has */
    enum query_sort sort;
    uint32_t limit; /* 0: none */
    uint32_t pick;  /* so many at random, weighted, each once; 0: all */
};

struct found {
    const struct instance *instance;
    bool suspect; /* it is not good in the tree any more; the guard has it */
};

struct answer {
    struct found *items; /* valid until the catalog changes */
    size_t count, cap;
    enum guard_reason guard;
    uint64_t guard_since_ms; /* of the clock that the catalog is given */
};

/* Keys: service, tag (several: with commas), meta.KEY, health, host, sort, limit, pick; all texts. False: nothing is to
 * be freed. */
bool query_read(struct query *q, json_t *args, struct problem *p);
void query_free(struct query *q);

/* A service nobody knows has no instances. False: out of memory. Free with answer_free(). */
bool query_run(const struct catalog *c, const struct query *q, uint64_t now_ms, struct answer *a);
/* Leaves `count` of them: each next one is drawn by weight from those that are left. `bits` gives 64 bits each time.
 */
void answer_pick(struct answer *a, size_t count, uint64_t (*bits)(void *context), void *context);
void answer_free(struct answer *a);
