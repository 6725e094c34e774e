/* catalog.c - see catalog.h. */
#include "plugins/discovery/catalog.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 1024 };

struct catalog {
    const struct settings *settings;
    struct service **services; /* sorted by name */
    size_t count, cap, instances;
    uint64_t refused;
    uint32_t snapshot; /* number of the one that came in last, or comes in */
    bool live;
};

struct catalog *catalog_new(const struct settings *settings)
{
    struct catalog *c = calloc(1, sizeof *c);
    if (c != NULL)
        c->settings = settings;
    return c;
}

static void service_free(struct service *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->entries[i].instance);
    guard_free(&s->guard);
    free(s->entries);
    free(s->name);
    free(s);
}

void catalog_free(struct catalog *c)
{
    for (size_t i = 0; c != NULL && i < c->count; i++)
        service_free(c->services[i]);
    free(c == NULL ? NULL : c->services);
    free(c);
}

/* The place of the first that is not before `name`; both levels are searched so. */
static size_t service_place(const struct catalog *c, const char *name)
{
    size_t low = 0, high = c->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(c->services[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static size_t entry_place(const struct service *s, const char *id)
{
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(s->entries[middle].instance->id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct entry *entry_find(const struct service *s, const char *id)
{
    size_t place = entry_place(s, id);
    bool there = place < s->count && strcmp(s->entries[place].instance->id, id) == 0;
    return there ? &s->entries[place] : NULL;
}

struct service *catalog_find(const struct catalog *c, const char *name)
{
    size_t place = service_place(c, name);
    return place < c->count && strcmp(c->services[place]->name, name) == 0 ? c->services[place] : NULL;
}

/* The array with room for one more; NULL: out of memory, and it is as it was. */
static void *with_room(void *items, size_t item, size_t count, size_t *cap)
{
    if (count < *cap)
        return items;
    size_t more = *cap == 0 ? 4 : 2 * *cap;
    void *larger = realloc(items, more * item);
    if (larger != NULL)
        *cap = more;
    return larger;
}

static struct service *service_add(struct catalog *c, const char *name)
{
    size_t place = service_place(c, name);
    struct service **larger = c->count >= c->settings->limits.services_max
                                  ? NULL
                                  : with_room(c->services, sizeof(void *), c->count, &c->cap);
    struct service *s = larger == NULL ? NULL : calloc(1, sizeof *s);
    if (larger != NULL)
        c->services = larger;
    if (s == NULL || (s->name = strdup(name)) == NULL) {
        free(s);
        return NULL;
    }
    s->settings = settings_guard(c->settings, name);
    memmove(&c->services[place + 1], &c->services[place], (c->count - place) * sizeof(struct service *));
    c->services[place] = s;
    c->count++;
    return s;
}

/* The old one is not there any more, or not in this form. `next`: what takes its place; NULL: nothing. */
static void retire(struct service *s, struct instance *old, const struct instance *next, uint64_t now_ms)
{
    bool was_good = instance_is_good(old), is_good = next != NULL && instance_is_good(next);
    bool farewell = next != NULL && next->maintenance != NULL;
    s->good -= was_good;
    if (was_good && !is_good && !farewell)
        guard_departed(&s->guard, old, now_ms, next == NULL);
    else
        free(old);
    if (farewell)
        guard_forget(&s->guard, next->id);
}

static void judge(struct service *s, uint64_t now_ms)
{
    guard_judge(&s->guard, &s->settings, s->good, now_ms);
    s->dirty = true;
}

static void remove_at(struct catalog *c, struct service *s, size_t place, uint64_t now_ms)
{
    struct instance *old = s->entries[place].instance;
    s->count--;
    memmove(&s->entries[place], &s->entries[place + 1], (s->count - place) * sizeof *s->entries);
    c->instances--;
    retire(s, old, NULL, now_ms);
}

/* Takes the instance over. */
static bool insert(struct catalog *c, struct service *s, struct instance *instance)
{
    size_t place = entry_place(s, instance->id);
    struct entry *larger = c->instances >= c->settings->limits.instances_max
                               ? NULL
                               : with_room(s->entries, sizeof *larger, s->count, &s->cap);
    if (larger == NULL) {
        free(instance);
        return false;
    }
    s->entries = larger;
    memmove(&s->entries[place + 1], &s->entries[place], (s->count - place) * sizeof *s->entries);
    s->entries[place] = (struct entry){instance, c->snapshot, false};
    s->count++;
    c->instances++;
    return true;
}

/* Takes the instance over, which may be NULL. */
static bool put(struct catalog *c, struct service *s, struct instance *instance, uint64_t now_ms)
{
    struct entry *entry = instance == NULL ? NULL : entry_find(s, instance->id);
    bool good = instance != NULL && instance_is_good(instance);
    if (instance == NULL)
        return false;
    if (entry != NULL) {
        struct instance *old = entry->instance;
        *entry = (struct entry){instance, c->snapshot, false};
        retire(s, old, instance, now_ms);
    } else if (!insert(c, s, instance)) {
        return false;
    }
    s->good += good;
    if (good)
        guard_forget(&s->guard, instance->id);
    else if (entry == NULL)
        guard_returned(&s->guard, instance->id);
    judge(s, now_ms);
    return true;
}

/* "/services/web/web-1" into "web" and "web-1"; false: it is no instance's. `name` has room for NAME_MAX_BYTES. */
static bool split(const struct catalog *c, const char *path, char *name, const char **id)
{
    size_t base = strlen(c->settings->base);
    if (strncmp(path, c->settings->base, base) != 0 || path[base] != '/')
        return false;
    const char *service = path + base + 1, *slash = strchr(service, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - service);
    if (len == 0 || len >= NAME_MAX_BYTES || slash[1] == '\0' || strchr(slash + 1, '/') != NULL)
        return false;
    memcpy(name, service, len);
    name[len] = '\0';
    *id = slash + 1;
    return true;
}

void catalog_reset(struct catalog *c)
{
    c->snapshot++;
}

bool catalog_put(struct catalog *c, const char *path, const void *data, size_t len, uint64_t now_ms)
{
    char name[NAME_MAX_BYTES];
    const char *id;
    if (!split(c, path, name, &id))
        return true;
    struct service *s = catalog_find(c, name);
    if (s == NULL)
        s = service_add(c, name);
    if (s != NULL && put(c, s, instance_read(name, id, data, len), now_ms))
        return true;
    c->refused++;
    catalog_remove(c, path);
    return false;
}

void catalog_remove(struct catalog *c, const char *path)
{
    char name[NAME_MAX_BYTES];
    const char *id;
    struct service *s = split(c, path, name, &id) ? catalog_find(c, name) : NULL;
    struct entry *entry = s == NULL ? NULL : entry_find(s, id);
    if (entry != NULL)
        entry->leaving = s->has_leaving = true;
}

void catalog_end_txn(struct catalog *c, uint64_t now_ms)
{
    for (size_t i = 0; i < c->count; i++) {
        struct service *s = c->services[i];
        if (!s->has_leaving)
            continue;
        s->has_leaving = false;
        size_t before = s->count;
        for (size_t j = s->count; j-- > 0;)
            if (s->entries[j].leaving)
                remove_at(c, s, j, now_ms);
        if (s->count != before)
            judge(s, now_ms);
    }
}

bool catalog_restore(struct catalog *c, struct instance *instance, uint64_t now_ms)
{
    struct service *s = catalog_find(c, instance->service);
    if (s == NULL)
        s = service_add(c, instance->service);
    if (s != NULL)
        return put(c, s, instance, now_ms);
    free(instance);
    return false;
}

void catalog_caught_up(struct catalog *c, uint64_t now_ms)
{
    catalog_end_txn(c, now_ms);
    for (size_t i = 0; i < c->count; i++) {
        struct service *s = c->services[i];
        size_t before = s->count;
        for (size_t j = s->count; j-- > 0;)
            if (s->entries[j].snapshot != c->snapshot)
                remove_at(c, s, j, now_ms);
        if (s->count != before)
            judge(s, now_ms);
    }
    c->live = true;
}

uint64_t catalog_tick(struct catalog *c, uint64_t now_ms)
{
    uint64_t next = 0;
    for (size_t i = c->count; i-- > 0;) {
        struct service *s = c->services[i];
        guard_judge(&s->guard, &s->settings, s->good, now_ms);
        uint64_t own = guard_next_ms(&s->guard, &s->settings);
        if (own > now_ms && (next == 0 || own < next))
            next = own;
        if (s->count > 0 || s->guard.count > 0 || s->dirty)
            continue;
        service_free(s);
        c->count--;
        memmove(&c->services[i], &c->services[i + 1], (c->count - i) * sizeof(struct service *));
    }
    return next;
}

bool catalog_is_live(const struct catalog *c)
{
    return c->live;
}

size_t catalog_services(const struct catalog *c)
{
    return c->count;
}

size_t catalog_instances(const struct catalog *c)
{
    return c->instances;
}

uint64_t catalog_refused(const struct catalog *c)
{
    return c->refused;
}

struct service *catalog_at(const struct catalog *c, size_t index)
{
    return c->services[index];
}

const struct instance *catalog_instance(const struct catalog *c, const char *service, const char *id)
{
    struct service *s = catalog_find(c, service);
    struct entry *entry = s == NULL ? NULL : entry_find(s, id);
    return entry == NULL ? NULL : entry->instance;
}
