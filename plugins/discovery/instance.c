/* instance.c - see instance.h. */
#include "plugins/discovery/instance.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

/* What an instance is made of, while it is being read. */
struct parts {
    struct instance plain; /* texts and numbers; tags and meta come from the JSON */
    json_t *tags, *meta;
};

/* Run once to count and once to copy: `base` is NULL while counting. */
struct packer {
    char *base;
    size_t used;
};

static void *take(struct packer *p, size_t size, size_t align)
{
    p->used = (p->used + align - 1) / align * align;
    void *place = p->base == NULL ? NULL : p->base + p->used;
    p->used += size;
    return place;
}

static const char *pack_text(struct packer *p, const char *text)
{
    size_t size = text == NULL ? 0 : strlen(text) + 1;
    char *place = text == NULL ? NULL : take(p, size, 1);
    if (place != NULL)
        memcpy(place, text, size);
    return place;
}

static uint32_t pack_tags(struct packer *p, json_t *tags, const char *const **out)
{
    uint32_t count = 0;
    size_t i;
    json_t *tag;
    const char **places = take(p, json_array_size(tags) * sizeof *places, alignof(const char *));
    json_array_foreach(tags, i, tag)
    {
        const char *text = json_is_string(tag) ? pack_text(p, json_string_value(tag)) : NULL;
        if (text != NULL)
            places[count++] = text;
    }
    *out = places;
    return count;
}

static uint32_t pack_meta(struct packer *p, json_t *meta, const struct pair **out)
{
    uint32_t count = 0;
    const char *key;
    json_t *value;
    struct pair *places = take(p, json_object_size(meta) * sizeof *places, alignof(struct pair));
    json_object_foreach(meta, key, value)
    {
        if (!json_is_string(value))
            continue;
        const char *name = pack_text(p, key), *text = pack_text(p, json_string_value(value));
        if (name != NULL)
            places[count++] = (struct pair){name, text};
    }
    *out = places;
    return count;
}

static void pack(struct packer *p, const struct parts *parts)
{
    struct instance made = parts->plain, *place = take(p, sizeof made, alignof(struct instance));
    made.tag_count = pack_tags(p, parts->tags, &made.tags);
    made.meta_count = pack_meta(p, parts->meta, &made.meta);
    made.service = pack_text(p, parts->plain.service);
    made.id = pack_text(p, parts->plain.id);
    made.address = pack_text(p, parts->plain.address);
    made.host = pack_text(p, parts->plain.host);
    made.maintenance = pack_text(p, parts->plain.maintenance);
    made.payload = pack_text(p, parts->plain.payload);
    if (place != NULL)
        *place = made;
}

static struct instance *make(const struct parts *parts)
{
    struct packer counting = {NULL, 0}, copying;
    pack(&counting, parts);
    copying = (struct packer){malloc(counting.used), 0};
    if (copying.base != NULL)
        pack(&copying, parts);
    return (struct instance *)(void *)copying.base;
}

static const char *text_at(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static int32_t port_at(json_t *object, const char *key)
{
    json_t *port = json_object_get(object, key);
    json_int_t number = json_integer_value(port);
    return json_is_integer(port) && number >= 0 && number <= UINT16_MAX ? (int32_t)number : -1;
}

static uint32_t weight_at(json_t *object)
{
    json_t *weight = json_object_get(object, "weight");
    json_int_t number = json_integer_value(weight);
    return json_is_integer(weight) && number >= 0 && number <= UINT16_MAX ? (uint32_t)number : 1;
}

/* What both a payload of ours and our own answers hold. */
static void read_ours(struct parts *parts, json_t *object)
{
    struct instance *plain = &parts->plain;
    parts->tags = json_object_get(object, "tags");
    parts->meta = json_object_get(object, "meta");
    plain->weight = weight_at(object);
    plain->host = text_at(object, "host");
    plain->maintenance = json_string_value(json_object_get(object, "maintenance"));
    plain->since_ms = json_integer_value(json_object_get(object, "since"));
    (void)health_parse(json_string_value(json_object_get(object, "health")), &plain->health);
}

static void read_common(struct parts *parts, json_t *object)
{
    json_t *enabled = json_object_get(object, "enabled");
    parts->plain.address = text_at(object, "address");
    parts->plain.host = "";
    parts->plain.port = port_at(object, "port");
    parts->plain.ssl_port = port_at(object, "sslPort");
    parts->plain.weight = 1;
    parts->plain.enabled = !json_is_false(enabled);
    parts->plain.health = parts->plain.enabled ? HEALTH_PASSING : HEALTH_CRITICAL;
}

struct instance *instance_read(const char *service, const char *id, const void *data, size_t len)
{
    json_error_t error;
    struct parts parts = {.plain = {.service = service, .id = id}};
    json_t *object = json_loadb(data != NULL ? data : "", len, 0, &error);
    struct instance *made = NULL;
    char *foreign = NULL;
    if (json_is_object(object)) {
        json_t *payload = json_object_get(object, "payload");
        bool ours = json_is_integer(json_object_get(payload, "zooid"));
        read_common(&parts, object);
        parts.plain.registered_ms = json_integer_value(json_object_get(object, "registrationTimeUTC"));
        if (ours)
            read_ours(&parts, payload);
        else if (payload != NULL && !json_is_null(payload))
            parts.plain.payload = foreign = json_dumps(payload, JSON_COMPACT | JSON_ENCODE_ANY);
        made = make(&parts);
    }
    free(foreign);
    json_decref(object);
    return made;
}

static json_t *tags_json(const struct instance *instance)
{
    json_t *tags = json_array();
    for (uint32_t i = 0; i < instance->tag_count && tags != NULL; i++)
        if (json_array_append_new(tags, json_string(instance->tags[i])) != 0) {
            json_decref(tags);
            return NULL;
        }
    return tags;
}

static json_t *meta_json(const struct instance *instance)
{
    json_t *meta = json_object();
    for (uint32_t i = 0; i < instance->meta_count && meta != NULL; i++)
        if (json_object_set_new(meta, instance->meta[i].key, json_string(instance->meta[i].value)) != 0) {
            json_decref(meta);
            return NULL;
        }
    return meta;
}

static json_t *port_json(int32_t port)
{
    return port < 0 ? json_null() : json_integer(port);
}

json_t *instance_json(const struct instance *i)
{
    json_error_t error;
    json_t *payload = i->payload == NULL ? NULL : json_loads(i->payload, JSON_DECODE_ANY, &error);
    if (i->payload != NULL && payload == NULL)
        return NULL;
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:I, s:s, s:I, s:s, s:s?, s:I, s:b, s:o*}", "service",
                     i->service, "id", i->id, "address", i->address, "port", port_json(i->port), "sslPort",
                     port_json(i->ssl_port), "tags", tags_json(i), "meta", meta_json(i), "weight",
                     (json_int_t)i->weight, "health", health_name(i->health), "since", (json_int_t)i->since_ms, "host",
                     i->host, "maintenance", i->maintenance, "registered", (json_int_t)i->registered_ms, "enabled",
                     (int)i->enabled, "payload", payload);
}

struct instance *instance_from_json(json_t *object)
{
    const char *service = json_string_value(json_object_get(object, "service"));
    const char *id = json_string_value(json_object_get(object, "id"));
    json_t *payload = json_object_get(object, "payload");
    struct parts parts = {.plain = {.service = service, .id = id}};
    if (service == NULL || id == NULL)
        return NULL;
    char *foreign = payload == NULL ? NULL : json_dumps(payload, JSON_COMPACT | JSON_ENCODE_ANY);
    read_common(&parts, object);
    read_ours(&parts, object);
    parts.plain.registered_ms = json_integer_value(json_object_get(object, "registered"));
    parts.plain.payload = foreign;
    struct instance *made = make(&parts);
    free(foreign);
    return made;
}

const char *instance_meta(const struct instance *instance, const char *key)
{
    for (uint32_t i = 0; i < instance->meta_count; i++)
        if (strcmp(instance->meta[i].key, key) == 0)
            return instance->meta[i].value;
    return NULL;
}

bool instance_has_tag(const struct instance *instance, const char *tag)
{
    for (uint32_t i = 0; i < instance->tag_count; i++)
        if (strcmp(instance->tags[i], tag) == 0)
            return true;
    return false;
}

bool instance_is_good(const struct instance *instance)
{
    return instance->health == HEALTH_PASSING && instance->enabled && instance->maintenance == NULL;
}
