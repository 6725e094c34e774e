/* checks.c - the checks of this host, as health writes them into the tree: which service each is of, and its state.
 *
 * A check that is gone says nothing: while health restarts, services keep the health that they had. */
#include "plugins/discovery/discovery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 2048 };

bool checks_health(const struct discovery *d, const char *id, enum health *health)
{
    bool any = false;
    enum health worst = HEALTH_PASSING;
    for (size_t i = 0; i < d->check_count; i++) {
        const struct check_node *check = &d->checks[i];
        if (strcmp(check->service, id) != 0)
            continue;
        any = true;
        if (check->health > worst)
            worst = check->health;
    }
    if (any)
        *health = worst;
    return any;
}

static void judge(struct discovery *d, const char *id)
{
    struct registration *r = registry_find(d, id);
    enum health health;
    if (r != NULL && r->definition.checks != NULL && !d->checks_incoming && checks_health(d, id, &health))
        registry_health(r, health);
}

static void judge_all(struct discovery *d)
{
    for (size_t i = 0; i < d->registration_count; i++)
        judge(d, d->registrations[i]->definition.id);
}

static size_t find(const struct discovery *d, const char *path)
{
    size_t i = 0;
    while (i < d->check_count && strcmp(d->checks[i].path, path) != 0)
        i++;
    return i;
}

static void remove_at(struct discovery *d, size_t i)
{
    char *service = d->checks[i].service;
    free(d->checks[i].path);
    d->checks[i] = d->checks[--d->check_count];
    judge(d, service);
    free(service);
}

static struct check_node *add(struct discovery *d, const char *path)
{
    if (d->check_count == d->check_cap) {
        size_t cap = d->check_cap == 0 ? 16 : 2 * d->check_cap;
        struct check_node *larger = realloc(d->checks, cap * sizeof *larger);
        if (larger == NULL)
            return NULL;
        d->checks = larger;
        d->check_cap = cap;
    }
    char *copy = strdup(path);
    if (copy == NULL)
        return NULL;
    d->checks[d->check_count] = (struct check_node){.path = copy};
    return &d->checks[d->check_count++];
}

static void put(struct discovery *d, const struct zooid_plugin_node *node)
{
    json_error_t error;
    enum health health;
    size_t place = find(d, node->path);
    json_t *json = json_loadb(node->data != NULL ? node->data : "", node->len, 0, &error);
    const char *service = json_string_value(json_object_get(json, "service"));
    bool counts = service != NULL && health_parse(json_string_value(json_object_get(json, "status")), &health);
    char *copy = counts ? strdup(service) : NULL;
    struct check_node *check = copy == NULL ? NULL : place < d->check_count ? &d->checks[place] : add(d, node->path);
    json_decref(json);
    if (check != NULL) {
        char *before = check->service;
        *check = (struct check_node){check->path, copy, health, true};
        judge(d, copy);
        free(before);
        return;
    }
    free(copy);
    if (place < d->check_count)
        remove_at(d, place);
}

static void caught_up(struct discovery *d)
{
    for (size_t i = d->check_count; i-- > 0;)
        if (!d->checks[i].seen)
            remove_at(d, i);
    d->checks_incoming = false;
    judge_all(d);
}

static void changed(void *context, const struct zooid_plugin_change *change)
{
    struct discovery *d = context;
    switch (change->kind) {
    case ZOOID_PLUGIN_CREATED:
    case ZOOID_PLUGIN_CHANGED:
    case ZOOID_PLUGIN_PRESENT:
        if (change->node.code == ZOOID_PLUGIN_OK)
            put(d, &change->node);
        break;
    case ZOOID_PLUGIN_DELETED:
        if (find(d, change->node.path) < d->check_count)
            remove_at(d, find(d, change->node.path));
        break;
    case ZOOID_PLUGIN_RESET:
        d->checks_incoming = true;
        for (size_t i = 0; i < d->check_count; i++)
            d->checks[i].seen = false;
        break;
    case ZOOID_PLUGIN_CAUGHT_UP: caught_up(d); break;
    case ZOOID_PLUGIN_ENDED: d->api->fail(d->host, "the subscription to the checks has ended"); break;
    case ZOOID_PLUGIN_TXN_END:
    case ZOOID_PLUGIN_ACL_CHANGED: break;
    }
}

bool checks_start(struct discovery *d)
{
    char path[PATH_BYTES];
    const char *const prefixes[] = {path};
    int len = snprintf(path, sizeof path, "%s/%s", d->settings.checks_base, d->host_name);
    return len > 0 && len < PATH_BYTES && d->api->subscribe(d->host, prefixes, 1, changed, d) != 0;
}
