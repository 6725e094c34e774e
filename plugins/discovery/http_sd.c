/* http_sd.c - targets as Prometheus' http_sd wants them: one group for each instance, with labels that begin with
 * __meta_zooid_, for its relabelling to choose from. */
#include "plugins/discovery/discovery.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL_BYTES = 256, TARGET_BYTES = 512 };

static bool put(json_t *labels, const char *name, const char *value)
{
    return json_object_set_new(labels, name, json_string(value)) == 0;
}

/* "__meta_zooid_meta_KEY"; what a label may not hold becomes '_'. */
static bool put_meta(json_t *labels, const struct pair *pair)
{
    char name[LABEL_BYTES];
    (void)snprintf(name, sizeof name, "__meta_zooid_meta_%s", pair->key);
    for (char *at = name; *at != '\0'; at++)
        if (!isalnum((unsigned char)*at))
            *at = '_';
    return put(labels, name, pair->value);
}

/* ",v1,eu,": so that a relabelling finds ",v1,". */
static bool put_tags(json_t *labels, const struct instance *instance)
{
    size_t size = 2, used = 1;
    for (uint32_t i = 0; i < instance->tag_count; i++)
        size += strlen(instance->tags[i]) + 1;
    char *text = malloc(size);
    if (text == NULL)
        return false;
    (void)snprintf(text, size, ",");
    for (uint32_t i = 0; i < instance->tag_count; i++)
        used += (size_t)snprintf(text + used, size - used, "%s,", instance->tags[i]);
    bool fine = put(labels, "__meta_zooid_tags", text);
    free(text);
    return fine;
}

static json_t *labels_of(const struct instance *instance)
{
    json_t *labels = json_object();
    bool fine = labels != NULL && put(labels, "__meta_zooid_service", instance->service) &&
                put(labels, "__meta_zooid_id", instance->id) && put(labels, "__meta_zooid_host", instance->host) &&
                put(labels, "__meta_zooid_health", health_name(instance->health)) && put_tags(labels, instance);
    for (uint32_t i = 0; i < instance->meta_count && fine; i++)
        fine = put_meta(labels, &instance->meta[i]);
    if (fine)
        return labels;
    json_decref(labels);
    return NULL;
}

static json_t *target_of(const struct instance *instance)
{
    char target[TARGET_BYTES];
    bool brackets = strchr(instance->address, ':') != NULL;
    int32_t port = instance->port >= 0 ? instance->port : instance->ssl_port;
    (void)snprintf(target, sizeof target, brackets ? "[%s]:%d" : "%s:%d", instance->address, port);
    return json_pack("{s:[s], s:o}", "targets", target, "labels", labels_of(instance));
}

/* Those without a port are nothing to ask. */
static bool add_service(const struct discovery *d, struct query *q, const char *service, json_t *list)
{
    struct answer a;
    q->service = service;
    if (!query_run(d->catalog, q, d->api->now_ms(d->host), &a))
        return false;
    bool fine = true;
    for (size_t i = 0; i < a.count && fine; i++)
        if (a.items[i].instance->port >= 0 || a.items[i].instance->ssl_port >= 0)
            fine = json_array_append_new(list, target_of(a.items[i].instance)) == 0;
    answer_free(&a);
    return fine;
}

void run_http_sd(struct call *call)
{
    const struct discovery *d = call->d;
    struct query q;
    struct problem p;
    if (!query_read(&q, call->args, &p)) {
        call_problem(call, &p);
        return;
    }
    json_t *list = json_array();
    const char *service = q.service;
    bool fine = list != NULL;
    if (service != NULL)
        fine = fine && add_service(d, &q, service, list);
    for (size_t i = 0; service == NULL && i < catalog_services(d->catalog) && fine; i++)
        fine = add_service(d, &q, catalog_at(d->catalog, i)->name, list);
    query_free(&q);
    if (!fine) {
        json_decref(list);
        list = NULL;
    }
    call_answer(call, list);
}
