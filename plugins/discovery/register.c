/* register.c - the commands that change what this host has: register, deregister, maint. */
#include "plugins/discovery/args.h"
#include "plugins/discovery/discovery.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_MS = 1000 }; /* so long a registration has to get into the tree before it is answered as pending */

#define WHOLE_HOST "@host"

/* ---- register */

static const char *const numbers[] = {"port", "ssl_port", "weight", "pid", "deregister_after_ms"};

static bool put_number(json_t *service, const char *key, const char *text, struct problem *p)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0')
        return problem_set(p, key, "must be a number");
    return json_object_set_new(service, key, json_integer(number)) == 0 || problem_no_memory(p);
}

static bool put_tags(json_t *service, const char *text, struct problem *p)
{
    json_t *tags = json_array();
    bool fine = tags != NULL && json_object_set_new(service, "tags", tags) == 0;
    for (const char *at = text; *at != '\0' && fine;) {
        size_t len = strcspn(at, ",");
        fine = len == 0 || json_array_append_new(tags, json_stringn(at, len)) == 0;
        at += len + (at[len] == ',');
    }
    return fine || problem_no_memory(p);
}

static bool put_meta(json_t *service, const char *key, json_t *value, struct problem *p)
{
    json_t *meta = json_object_get(service, "meta");
    if (meta == NULL) {
        meta = json_object();
        if (json_object_set_new(service, "meta", meta) != 0)
            return problem_no_memory(p);
    }
    return json_object_set(meta, key, value) == 0 || problem_no_memory(p);
}

/* One object or several with commas between, as words that are given twice are joined. */
static bool put_checks(json_t *service, const char *text, struct problem *p)
{
    json_error_t error = {.text = "out of memory"};
    json_t *list = json_sprintf("[%s]", text);
    json_t *checks = list == NULL ? NULL : json_loads(json_string_value(list), JSON_REJECT_DUPLICATES, &error);
    json_decref(list);
    if (checks == NULL)
        return problem_set(p, "check", "must be JSON: %s", error.text);
    return json_object_set_new(service, "checks", checks) == 0 || problem_no_memory(p);
}

/* Texts, as words and HTTP have them, into what a definition has. */
static bool put(json_t *service, const char *key, json_t *value, struct problem *p)
{
    const char *text = json_string_value(value);
    for (size_t i = 0; text != NULL && i < sizeof numbers / sizeof numbers[0]; i++)
        if (strcmp(numbers[i], key) == 0)
            return put_number(service, key, text, p);
    if (text != NULL && strcmp(key, "tag") == 0)
        return put_tags(service, text, p);
    if (text != NULL && strcmp(key, "check") == 0)
        return put_checks(service, text, p);
    if (strncmp(key, "meta.", 5) == 0)
        return put_meta(service, key + 5, value, p);
    return json_object_set(service, key, value) == 0 || problem_no_memory(p);
}

/* {"service": {...}}, or JSON as the one word, or words with keys. NULL: said. */
static json_t *service_of(const struct call *call, struct problem *p)
{
    json_t *given = json_object_get(call->whole, "service");
    const char *name = args_text(call->args, "name"), *key;
    json_error_t error;
    json_t *value;
    if (given != NULL)
        return json_incref(given);
    if (name != NULL && name[0] == '{') {
        json_t *parsed = json_loads(name, JSON_REJECT_DUPLICATES, &error);
        if (parsed == NULL)
            (void)problem_set(p, "", "%s, in line %d", error.text, error.line);
        return parsed;
    }
    json_t *service = json_object();
    bool fine = service != NULL || problem_no_memory(p);
    json_object_foreach(call->args, key, value) fine = fine && put(service, key, value, p);
    if (fine)
        return service;
    json_decref(service);
    return NULL;
}

/* Said when it may not. */
static bool may_register(const struct call *call, const struct definition *definition)
{
    const struct registration *r = registry_find(call->d, definition->id);
    int64_t owner = definition->pid > 0 ? process_owner(definition->pid) : call->uid;
    if (call->uid < 0 || (!call->d->settings.anyone_registers && !call_may_change(call, -1)))
        call_refuse(call, ZOOID_PLUGIN_NO_AUTH, "you may not register services here");
    else if (r != NULL && r->file != NULL)
        call_refuse(call, ZOOID_PLUGIN_NODE_EXISTS, "%s is defined in %s", definition->id, r->file);
    else if (r != NULL && !call_may_change(call, r->uid))
        call_refuse(call, ZOOID_PLUGIN_NO_AUTH, "%s is another user's", definition->id);
    else if (owner >= 0 && !call_may_change(call, owner))
        call_refuse(call, ZOOID_PLUGIN_NO_AUTH, "process %" PRId64 " is another user's", definition->pid);
    else
        return true;
    return false;
}

static void waited_long(void *context)
{
    struct registration *r = context;
    r->waiting_timer = 0;
    publish_answer(r);
}

/* What is answered is on the disk, and in the tree unless it says that it is pending. */
static void begin(const struct call *call, struct registration *r)
{
    struct discovery *d = call->d;
    struct problem p;
    publish_answer(r); /* whoever waits for what it was before */
    if (!lifetime_begin(r, &p)) {
        call_problem(call, &p);
        registry_remove(r, true);
        return;
    }
    if (!store_save(d)) {
        call_refuse(call, ZOOID_PLUGIN_PROVIDER_FAILED, "it cannot be written to the state directory");
        registry_remove(r, true);
        return;
    }
    r->waiting = call->invocation;
    publish(r);
    if (r->held)
        publish_answer(r);
    else
        discovery_timer(d, &r->waiting_timer, ANSWER_MS, waited_long, r);
    define_soon(d);
    discovery_status(d);
}

void run_register(struct call *call)
{
    struct discovery *d = call->d;
    struct definition_defaults defaults;
    struct definition definition;
    struct problem p;
    json_t *service = service_of(call, &p);
    discovery_defaults(d, &defaults);
    if (service == NULL || !definition_read(&definition, service, &defaults, &p)) {
        call_problem(call, &p);
    } else if (!may_register(call, &definition)) {
        definition_free(&definition);
    } else {
        struct registration *r = registry_put(d, &definition, NULL, call->uid);
        if (r == NULL)
            call_refuse(call, ZOOID_PLUGIN_PROVIDER_FAILED, "there is no room for it: limits.registrations_max is %u",
                        d->settings.limits.registrations_max);
        else
            begin(call, r);
    }
    json_decref(service);
}

/* ---- those that one name means: an id, else all of a service */

static bool is_meant(const struct discovery *d, const struct registration *r, const char *name)
{
    const struct registration *by_id = registry_find(d, name);
    return by_id != NULL ? by_id == r : strcmp(r->definition.service, name) == 0;
}

/* How many are meant; -1: none, or one that the caller may not change, which has been said. */
static int count_meant(const struct call *call, const char *name)
{
    const struct discovery *d = call->d;
    int count = 0;
    for (size_t i = 0; name != NULL && i < d->registration_count; i++) {
        const struct registration *r = d->registrations[i];
        if (!is_meant(d, r, name))
            continue;
        if (!call_may_change(call, r->uid)) {
            call_refuse(call, ZOOID_PLUGIN_NO_AUTH, "%s is another user's", r->definition.id);
            return -1;
        }
        count++;
    }
    if (count > 0)
        return count;
    call_refuse(call, ZOOID_PLUGIN_NO_NODE, "this host has registered nothing called %s",
                name == NULL ? "so; which is it?" : name);
    return -1;
}

void run_deregister(struct call *call)
{
    struct discovery *d = call->d;
    const char *name = args_text(call->args, "service"), *pid = args_text(call->args, "pid");
    int removed = 0;
    if (count_meant(call, name) < 0)
        return;
    const struct registration *by_id = registry_find(d, name);
    for (size_t i = d->registration_count; i-- > 0;) {
        struct registration *r = d->registrations[i];
        bool meant = by_id != NULL ? r == by_id : strcmp(r->definition.service, name) == 0;
        /* Whoever took the id over meanwhile keeps it. */
        if (!meant || (pid != NULL && strtoll(pid, NULL, 10) != r->definition.pid))
            continue;
        if (r->file != NULL) {
            call_refuse(call, ZOOID_PLUGIN_BAD_ARGUMENTS, "%s is defined in %s: remove it there", r->definition.id,
                        r->file);
            return;
        }
        registry_remove(r, true);
        removed++;
        if (by_id != NULL)
            break;
    }
    (void)store_save(d);
    call_answer(call, json_pack("{s:i}", "deregistered", removed));
}

/* ---- maint */

static void maintain_host(struct call *call, const char *reason)
{
    struct discovery *d = call->d;
    if (!call_may_change(call, -1)) {
        call_refuse(call, ZOOID_PLUGIN_NO_AUTH, "you may not do this to the whole host");
        return;
    }
    if (!registry_keep(&d->maintenance, reason)) {
        call_answer(call, NULL);
        return;
    }
    publish_all(d);
    (void)store_save(d);
    call_answer(call, json_pack("{s:s, s:s?}", "host", d->host_name, "maintenance", reason));
}

void run_maint(struct call *call)
{
    struct discovery *d = call->d;
    const char *name = args_text(call->args, "service"), *reason = args_text(call->args, "reason");
    bool off = args_text(call->args, "off") != NULL;
    if (off == (reason != NULL)) {
        call_refuse(call, ZOOID_PLUGIN_BAD_ARGUMENTS, "give a reason, or off=yes");
        return;
    }
    if (name != NULL && strcmp(name, WHOLE_HOST) == 0) {
        maintain_host(call, reason);
        return;
    }
    int count = count_meant(call, name);
    if (count < 0)
        return;
    for (size_t i = 0; i < d->registration_count; i++) {
        struct registration *r = d->registrations[i];
        if (!is_meant(d, r, name))
            continue;
        if (!registry_keep(&r->maintenance, reason)) {
            call_answer(call, NULL);
            return;
        }
        publish(r);
    }
    (void)store_save(d);
    call_answer(call, json_pack("{s:i, s:s?}", "changed", count, "maintenance", reason));
}
