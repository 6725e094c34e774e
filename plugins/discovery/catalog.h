/* catalog.h - the mirror of all services: fed by a subscription, asked by queries.
 *
 * Both levels are sorted by name, so every answer has one order. While a snapshot comes in (catalog_reset until
 * catalog_caught_up) what was known before stays; what the snapshot does not have goes at its end, and the guards see
 * it go. That a service was read from a file after a restart is the same case. */
#pragma once

#include "plugins/discovery/guard.h"

struct entry {
    struct instance *instance;
    uint32_t snapshot; /* that it was seen in last */
    bool leaving;      /* deleted in a txn that has not ended */
};

struct service {
    char *name;
    struct entry *entries;
    size_t count, cap;
    size_t good;
    struct guard guard;
    struct guard_settings settings;
    bool has_leaving;
    bool dirty; /* its good instances changed since that was looked at last */
};

struct catalog;

struct catalog *catalog_new(const struct settings *settings); /* which must outlive it; NULL: out of memory */
void catalog_free(struct catalog *c);

/* -- the subscription. Paths that are no instance's are ignored. */
void catalog_reset(struct catalog *c);
/* Made or changed. False: there is no room for it, by the limits or by memory; it is as if it were not there. */
bool catalog_put(struct catalog *c, const char *path, const void *data, size_t len, uint64_t now_ms);
/* It counts at the end of the txn: what is deleted and made again in one, as by another session that takes it over, was
 * never gone. */
void catalog_remove(struct catalog *c, const char *path);
void catalog_end_txn(struct catalog *c, uint64_t now_ms);
void catalog_caught_up(struct catalog *c, uint64_t now_ms);
/* From a file: what was known before the restart. Takes the instance over. */
bool catalog_restore(struct catalog *c, struct instance *instance, uint64_t now_ms);
/* Time has passed. Returns when it has to be called next; 0: not before a change. */
uint64_t catalog_tick(struct catalog *c, uint64_t now_ms);

/* -- what there is */
bool catalog_is_live(const struct catalog *c); /* a snapshot was complete once */
size_t catalog_services(const struct catalog *c);
size_t catalog_instances(const struct catalog *c);
uint64_t catalog_refused(const struct catalog *c); /* so many nodes could not be read or had no room */
struct service *catalog_at(const struct catalog *c, size_t index);
struct service *catalog_find(const struct catalog *c, const char *name);
const struct instance *catalog_instance(const struct catalog *c, const char *service, const char *id);
