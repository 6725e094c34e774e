/* ask.c - the commands that say what there is: list, show, query, pick, local. */
#include "plugins/discovery/discovery.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* What every answer about a service says besides its instances: from the tree or from a guard, and how fresh. */
static json_t *frame(const struct discovery *d, const char *service, enum guard_reason guard, uint64_t since_ms)
{
    uint64_t now = d->api->now_ms(d->host);
    json_t *why = guard == GUARD_QUIET ? json_null() : json_string(guard_reason_name(guard));
    json_t *age = guard == GUARD_QUIET || guard == GUARD_RESTORED || since_ms > now
                      ? json_null()
                      : json_integer((json_int_t)(now - since_ms));
    return json_pack("{s:s, s:o, s:o, s:b}", "service", service, "guard", why, "guard_ms", age, "connected",
                     (int)d->connected);
}

static json_t *found_json(const struct found *found)
{
    json_t *json = instance_json(found->instance);
    if (json != NULL && json_object_set_new(json, "suspect", json_boolean(found->suspect)) != 0) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static json_t *instances_json(const struct answer *a)
{
    json_t *list = json_array();
    for (size_t i = 0; i < a->count && list != NULL; i++)
        if (json_array_append_new(list, found_json(&a->items[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *answer_json(const struct discovery *d, const char *service, const struct answer *a)
{
    json_t *json = frame(d, service, a->guard, a->guard_since_ms);
    if (json != NULL && json_object_set_new(json, "instances", instances_json(a)) == 0)
        return json;
    json_decref(json);
    return NULL;
}

static uint64_t random_bits(void *context)
{
    uint64_t bits = 0;
    (void)context;
    /* Never short for so few bytes, once the pool is there; a zero draws the first, which is no harm. */
    if (getrandom(&bits, sizeof bits, 0) != (ssize_t)sizeof bits)
        bits = 0;
    return bits;
}

static void ask(struct call *call, bool one)
{
    struct discovery *d = call->d;
    struct query q;
    struct answer a;
    struct problem p;
    if (!query_read(&q, call->args, &p)) {
        call_problem(call, &p);
        return;
    }
    if (q.service == NULL) {
        call_refuse(call, ZOOID_PLUGIN_BAD_ARGUMENTS, "which service?");
    } else if (!query_run(d->catalog, &q, d->api->now_ms(d->host), &a)) {
        call_answer(call, NULL);
    } else {
        if (one || q.pick > 0)
            answer_pick(&a, q.pick > 0 ? q.pick : 1, random_bits, NULL);
        if (one && a.count == 0)
            call_refuse(call, ZOOID_PLUGIN_NO_NODE, "%s has no such instance", q.service);
        else
            call_answer(call, answer_json(d, q.service, &a));
        answer_free(&a);
    }
    query_free(&q);
}

void run_query(struct call *call)
{
    ask(call, false);
}

void run_pick(struct call *call)
{
    ask(call, true);
}

/* Everything that the tree has, and what the guard would add to an answer. */
void run_show(struct call *call)
{
    struct discovery *d = call->d;
    const char *service = json_string_value(json_object_get(call->args, "service"));
    struct query all = {.service = service, .all = true}, good = {.service = service};
    struct answer a, guarded;
    uint64_t now = d->api->now_ms(d->host);
    if (service == NULL || catalog_find(d->catalog, service) == NULL) {
        call_refuse(call, ZOOID_PLUGIN_NO_NODE, "there is no service %s", service == NULL ? "without a name" : service);
        return;
    }
    json_t *json = NULL, *kept = json_array();
    bool fine = kept != NULL && query_run(d->catalog, &all, now, &a);
    if (fine && query_run(d->catalog, &good, now, &guarded)) {
        for (size_t i = 0; i < guarded.count && fine; i++)
            if (guarded.items[i].suspect)
                fine = json_array_append_new(kept, found_json(&guarded.items[i])) == 0;
        json = frame(d, service, guarded.guard, guarded.guard_since_ms);
        fine = fine && json_object_set_new(json, "instances", instances_json(&a)) == 0 &&
               json_object_set(json, "guarded", kept) == 0;
        answer_free(&guarded);
    }
    answer_free(&a);
    json_decref(kept);
    if (!fine) {
        json_decref(json);
        json = NULL;
    }
    call_answer(call, json);
}

static json_t *service_json(const struct discovery *d, const struct service *s)
{
    json_int_t counts[] = {0, 0, 0}, maintenance = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct instance *instance = s->entries[i].instance;
        if (instance->maintenance != NULL)
            maintenance++;
        else
            counts[instance->health]++;
    }
    enum guard_reason guard = guard_reason(&s->guard, &s->settings, d->api->now_ms(d->host));
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:o}", "service", s->name, "instances", (json_int_t)s->count,
                     "passing", counts[HEALTH_PASSING], "warning", counts[HEALTH_WARNING], "critical",
                     counts[HEALTH_CRITICAL], "maintenance", maintenance, "guard",
                     guard == GUARD_QUIET ? json_null() : json_string(guard_reason_name(guard)));
}

void run_list(struct call *call)
{
    struct discovery *d = call->d;
    json_t *list = json_array();
    for (size_t i = 0; i < catalog_services(d->catalog) && list != NULL; i++) {
        const struct service *s = catalog_at(d->catalog, i);
        if (s->count == 0 && s->guard.count == 0)
            continue;
        if (json_array_append_new(list, service_json(d, s)) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    call_answer(call, list);
}

static const char *lifetime_name(const struct registration *r)
{
    static const char *const names[] = {
        [LIFETIME_MANUAL] = "manual", [LIFETIME_PROCESS] = "process", [LIFETIME_CHECKS] = "checks"};
    return r->file != NULL ? "file" : names[r->definition.lifetime];
}

static json_t *registration_json(const struct registration *r)
{
    const char *maintenance = r->maintenance != NULL ? r->maintenance : r->d->maintenance;
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:I, s:s, s:s?, s:s?, s:b, s:s?, s:I}", "service",
                     r->definition.service, "id", r->definition.id, "state", publish_state(r), "lifetime",
                     lifetime_name(r), "pid", (json_int_t)r->definition.pid, "health", health_name(r->health), "since",
                     (json_int_t)r->since_ms, "address", r->definition.address, "maintenance", maintenance, "file",
                     r->file, "checks_taken", (int)r->defined, "trouble", r->trouble != NULL ? r->trouble : r->refusal,
                     "uid", (json_int_t)r->uid);
}

void run_local(struct call *call)
{
    const struct discovery *d = call->d;
    json_t *list = json_array(), *bad = json_array();
    bool fine = list != NULL && bad != NULL;
    for (size_t i = 0; i < d->registration_count && fine; i++)
        fine = json_array_append_new(list, registration_json(d->registrations[i])) == 0;
    for (size_t i = 0; i < d->bad_file_count && fine; i++)
        fine = json_array_append_new(bad, json_string(d->bad_files[i])) == 0;
    json_t *json = json_pack("{s:s, s:s, s:s?, s:b, s:o, s:o}", "host", d->host_name, "address", d->address,
                             "maintenance", d->maintenance, "connected", (int)d->connected, "registrations", list,
                             "bad_files", bad);
    if (!fine) {
        json_decref(json);
        json = NULL;
    }
    call_answer(call, json);
}
