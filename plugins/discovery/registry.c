/* registry.c - the registrations of this host: found, made, changed, taken away. */
#include "plugins/discovery/discovery.h"

#include <stdlib.h>
#include <string.h>

static size_t place_of(const struct discovery *d, const char *id)
{
    size_t low = 0, high = d->registration_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(d->registrations[middle]->definition.id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct registration *registry_find(const struct discovery *d, const char *id)
{
    size_t place = place_of(d, id);
    bool there = place < d->registration_count && strcmp(d->registrations[place]->definition.id, id) == 0;
    return there ? d->registrations[place] : NULL;
}

static struct registration *add(struct discovery *d, const char *id)
{
    size_t place = place_of(d, id);
    if (d->registration_count >= d->settings.limits.registrations_max)
        return NULL;
    if (d->registration_count == d->registration_cap) {
        size_t cap = d->registration_cap == 0 ? 16 : 2 * d->registration_cap;
        struct registration **larger = realloc(d->registrations, cap * sizeof(struct registration *));
        if (larger == NULL)
            return NULL;
        d->registrations = larger;
        d->registration_cap = cap;
    }
    struct registration *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    *r = (struct registration){.d = d, .pidfd = -1, .registered_ms = discovery_wall_ms()};
    r->since_ms = r->registered_ms;
    memmove(&d->registrations[place + 1], &d->registrations[place],
            (d->registration_count - place) * sizeof(struct registration *));
    d->registrations[place] = r;
    d->registration_count++;
    return r;
}

static void free_registration(struct registration *r)
{
    definition_free(&r->definition);
    free(r->file);
    free(r->maintenance);
    free(r->written);
    free(r->trouble);
    free(r->refusal);
    free(r);
}

static void forget(struct registration *r)
{
    struct discovery *d = r->d;
    size_t place = place_of(d, r->definition.id);
    d->registration_count--;
    memmove(&d->registrations[place], &d->registrations[place + 1],
            (d->registration_count - place) * sizeof(struct registration *));
    free_registration(r);
}

/* Whether the checks are the same: then health need not be told, and its verdict stays. */
static bool same_checks(const struct definition *left, const struct definition *right)
{
    return left->checks == right->checks || json_equal(left->checks, right->checks);
}

static void take_definition(struct registration *r, struct definition *definition, bool is_new)
{
    struct discovery *d = r->d;
    bool same = !is_new && same_checks(&r->definition, definition);
    bool moved = !is_new && strcmp(r->definition.service, definition->service) != 0;
    if (moved)
        publish_end(r, true);
    if (!is_new && r->definition.checks != NULL && definition->checks == NULL)
        define_drop(d, definition->id);
    lifetime_end(r);
    definition_free(&r->definition);
    r->definition = *definition;
    if (!same) {
        enum health health = definition->initial;
        (void)checks_health(d, definition->id, &health);
        r->health = health;
        r->off = false;
        r->defined = definition->checks == NULL;
        r->try_again_ms = 0;
        if (r->define_call != 0)
            d->api->cancel(d->host, r->define_call);
        r->define_call = 0;
    }
}

struct registration *registry_put(struct discovery *d, struct definition *definition, const char *file, int64_t uid)
{
    struct registration *r = registry_find(d, definition->id);
    bool is_new = r == NULL;
    char *copy = file == NULL ? NULL : strdup(file);
    if (is_new && (file == NULL || copy != NULL))
        r = add(d, definition->id);
    if (r == NULL || (file != NULL && copy == NULL)) {
        definition_free(definition);
        free(copy);
        return NULL;
    }
    take_definition(r, definition, is_new);
    free(r->file);
    r->file = copy;
    r->uid = uid;
    return r;
}

void registry_remove(struct registration *r, bool farewell)
{
    struct discovery *d = r->d;
    if (r->definition.checks != NULL)
        define_drop(d, r->definition.id);
    if (r->define_call != 0)
        d->api->cancel(d->host, r->define_call);
    lifetime_end(r);
    publish_answer(r);
    publish_end(r, farewell);
    forget(r);
    store_soon(d);
    discovery_status(d);
}

/* At the end everything is the host's to cancel, the nodes too: they stay for whoever comes next. */
void registry_free(struct discovery *d)
{
    for (size_t i = 0; i < d->registration_count; i++) {
        lifetime_end(d->registrations[i]);
        free_registration(d->registrations[i]);
    }
    free(d->registrations);
    publish_free(d);
    for (size_t i = 0; i < d->bad_file_count; i++)
        free(d->bad_files[i]);
    free(d->bad_files);
}

void registry_health(struct registration *r, enum health health)
{
    if (r->health == health)
        return;
    discovery_log(r->d, health == HEALTH_PASSING ? ZOOID_PLUGIN_INFO : ZOOID_PLUGIN_WARNING, "%s is %s, was %s",
                  r->definition.id, health_name(health), health_name(r->health));
    r->health = health;
    r->since_ms = discovery_wall_ms();
    lifetime_health(r);
    publish(r);
    store_soon(r->d);
}

bool registry_keep(char **place, const char *text)
{
    char *copy = text == NULL ? NULL : strdup(text);
    if (text != NULL && copy == NULL)
        return false;
    free(*place);
    *place = copy;
    return true;
}
