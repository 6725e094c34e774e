/* definition.c - one row for each key of a definition; see definition.h. */
#include "plugins/discovery/definition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WEIGHT_DEFAULT = 1, WEIGHT_MAX = 65535, ADDRESS_BYTES = 255, PORT_MAX = 65535, MANY_MS = 2000000000 };

struct reading {
    struct definition *d;
    const struct limits *limits;
    struct problem *problem;
};

static bool has_control(const char *text)
{
    for (const char *at = text; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            return true;
    return false;
}

bool name_is_legal(const char *name, size_t bytes_max)
{
    size_t len = strlen(name);
    return len > 0 && len <= bytes_max && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
           strchr(name, '/') == NULL && !has_control(name);
}

/* A text of so many bytes at most without control characters; NULL: said. */
static const char *read_text(struct reading *r, const char *key, json_t *value, size_t min, size_t max)
{
    const char *text = json_string_value(value);
    if (text != NULL && strlen(text) >= min && strlen(text) <= max && !has_control(text))
        return text;
    (void)problem_set(r->problem, key, "must be a text of %zu to %zu bytes without control characters", min, max);
    return NULL;
}

static bool read_number(struct reading *r, const char *key, json_t *value, int64_t min, int64_t max, int64_t *number)
{
    *number = json_integer_value(value);
    return (json_is_integer(value) && *number >= min && *number <= max) ||
           problem_set(r->problem, key, "must be a number from %lld to %lld", (long long)min, (long long)max);
}

static bool read_name(struct reading *r, const char *key, json_t *value, const char **place)
{
    *place = json_string_value(value);
    return (*place != NULL && name_is_legal(*place, r->limits->name_bytes)) ||
           problem_set(r->problem, key, "must be a name of 1 to %u bytes without / and control characters",
                       r->limits->name_bytes);
}

static bool take_name(struct reading *r, const char *key, json_t *value)
{
    return read_name(r, key, value, &r->d->service);
}

static bool take_id(struct reading *r, const char *key, json_t *value)
{
    return read_name(r, key, value, &r->d->id);
}

static bool take_address(struct reading *r, const char *key, json_t *value)
{
    r->d->address = read_text(r, key, value, 1, ADDRESS_BYTES);
    return r->d->address != NULL &&
           (strpbrk(r->d->address, " /") == NULL || problem_set(r->problem, key, "must be a name or an IP address"));
}

static bool take_port(struct reading *r, const char *key, json_t *value)
{
    int64_t port;
    bool fine = read_number(r, key, value, 1, PORT_MAX, &port);
    *(strcmp(key, "port") == 0 ? &r->d->port : &r->d->ssl_port) = (int32_t)port;
    return fine;
}

static bool take_weight(struct reading *r, const char *key, json_t *value)
{
    int64_t weight;
    bool fine = read_number(r, key, value, 0, WEIGHT_MAX, &weight);
    r->d->weight = (uint32_t)weight;
    return fine;
}

static bool take_tags(struct reading *r, const char *key, json_t *value)
{
    char item[PROBLEM_KEY];
    size_t i;
    json_t *tag;
    r->d->tags = value;
    if (!json_is_array(value) || json_array_size(value) > r->limits->tags_max)
        return problem_set(r->problem, key, "must be a list of up to %u texts", r->limits->tags_max);
    json_array_foreach(value, i, tag)
    {
        (void)snprintf(item, sizeof item, "%s.[%zu]", key, i);
        const char *text = read_text(r, item, tag, 1, r->limits->tag_bytes);
        if (text == NULL)
            return false;
        if (strchr(text, ',') != NULL)
            return problem_set(r->problem, item, "must not contain a comma");
    }
    return true;
}

/* Numbers and booleans become texts: files have them without quotes. */
static json_t *text_of(json_t *value)
{
    char text[32];
    if (json_is_integer(value))
        (void)snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        (void)snprintf(text, sizeof text, "%g", json_real_value(value));
    else if (json_is_boolean(value))
        (void)snprintf(text, sizeof text, "%s", json_is_true(value) ? "true" : "false");
    else
        return json_incref(value);
    return json_string(text);
}

static bool take_pair(struct reading *r, json_t *meta, const char *name, json_t *given)
{
    char item[PROBLEM_KEY];
    (void)snprintf(item, sizeof item, "meta.%s", name);
    if (name[0] == '\0' || strlen(name) > r->limits->meta_key_bytes || has_control(name))
        return problem_set(r->problem, item, "must have a key of 1 to %u bytes", r->limits->meta_key_bytes);
    json_t *value = text_of(given);
    if (value == NULL)
        return problem_no_memory(r->problem);
    if (read_text(r, item, value, 0, r->limits->meta_value_bytes) == NULL) {
        json_decref(value);
        return false;
    }
    return json_object_set_new(meta, name, value) == 0 || problem_no_memory(r->problem);
}

static bool take_meta(struct reading *r, const char *key, json_t *value)
{
    const char *name;
    json_t *item, *meta;
    if (!json_is_object(value) || json_object_size(value) > r->limits->meta_max)
        return problem_set(r->problem, key, "must be a group of up to %u texts", r->limits->meta_max);
    meta = json_object();
    json_object_foreach(value, name, item) if (!take_pair(r, meta, name, item))
    {
        json_decref(meta);
        return false;
    }
    r->d->meta = meta;
    return json_object_set_new(r->d->json, key, meta) == 0 || problem_no_memory(r->problem);
}

/* Whether health can run them is health's to say. */
static bool take_checks(struct reading *r, const char *key, json_t *value)
{
    char item[PROBLEM_KEY];
    size_t i;
    json_t *check;
    if (!json_is_array(value) || json_array_size(value) > r->limits->checks_max)
        return problem_set(r->problem, key, "must be a list of up to %u checks", r->limits->checks_max);
    json_array_foreach(value, i, check)
    {
        (void)snprintf(item, sizeof item, "%s.[%zu]", key, i);
        if (!json_is_object(check) || !json_is_string(json_object_get(check, "type")))
            return problem_set(r->problem, item, "must be a check with a \"type\"");
    }
    r->d->checks = json_array_size(value) > 0 ? value : NULL;
    return true;
}

static bool take_initial(struct reading *r, const char *key, json_t *value)
{
    return health_parse(json_string_value(value), &r->d->initial) ||
           problem_set(r->problem, key, "must be \"passing\", \"warning\" or \"critical\"");
}

static bool take_lifetime(struct reading *r, const char *key, json_t *value)
{
    static const char *const names[] = {
        [LIFETIME_MANUAL] = "manual", [LIFETIME_PROCESS] = "process", [LIFETIME_CHECKS] = "checks"};
    const char *name = json_string_value(value);
    for (size_t i = 0; name != NULL && i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], name) == 0) {
            r->d->lifetime = (enum lifetime)i;
            return true;
        }
    return problem_set(r->problem, key, "must be \"process\", \"checks\" or \"manual\"");
}

static bool take_pid(struct reading *r, const char *key, json_t *value)
{
    return read_number(r, key, value, 1, INT32_MAX, &r->d->pid);
}

static bool take_deregister(struct reading *r, const char *key, json_t *value)
{
    int64_t ms;
    bool fine = read_number(r, key, value, 1, MANY_MS, &ms);
    r->d->deregister_after_ms = (uint64_t)ms;
    return fine;
}

static const struct row {
    const char *key;
    bool (*take)(struct reading *r, const char *key, json_t *value);
} rows[] = {
    {"name", take_name},
    {"id", take_id},
    {"address", take_address},
    {"port", take_port},
    {"ssl_port", take_port},
    {"weight", take_weight},
    {"tags", take_tags},
    {"meta", take_meta},
    {"checks", take_checks},
    {"initial", take_initial},
    {"lifetime", take_lifetime},
    {"pid", take_pid},
    {"deregister_after_ms", take_deregister},
};

static bool take_rows(struct reading *r, json_t *given)
{
    const char *key;
    json_t *value;
    json_object_foreach(given, key, value)
    {
        size_t i = 0;
        while (i < sizeof rows / sizeof rows[0] && strcmp(rows[i].key, key) != 0)
            i++;
        if (i == sizeof rows / sizeof rows[0])
            return problem_set(r->problem, key, "there is no such key in a service");
        if (!json_is_null(value) && !rows[i].take(r, key, value))
            return false;
    }
    return r->d->service != NULL || problem_set(r->problem, "name", "is missing");
}

/* What was left out gets into the JSON too: it is what is kept over a restart. */
static const char *fill_text(struct definition *d, const char *key, const char *text)
{
    if (json_object_set_new(d->json, key, json_string(text)) != 0)
        return NULL;
    return json_string_value(json_object_get(d->json, key));
}

static bool fill_in(struct reading *r, const struct definition_defaults *defaults)
{
    struct definition *d = r->d;
    char id[1024];
    if (d->address == NULL)
        d->address = defaults->address;
    if (d->id == NULL) {
        char port[16] = "";
        if (d->port >= 0)
            (void)snprintf(port, sizeof port, "-%d", d->port);
        int len = snprintf(id, sizeof id, "%s-%s%s", d->service, defaults->host, port);
        if (len < 0 || (size_t)len >= sizeof id || !name_is_legal(id, 2 * (size_t)r->limits->name_bytes))
            return problem_set(r->problem, "id", "is needed: name and host together are too long for one");
        d->id = fill_text(d, "id", id);
    }
    return d->id != NULL || problem_no_memory(r->problem);
}

static bool fits_together(struct reading *r, json_t *given)
{
    struct definition *d = r->d;
    bool said = json_object_get(given, "lifetime") != NULL;
    if (!said && d->pid > 0)
        d->lifetime = LIFETIME_PROCESS;
    if (d->lifetime == LIFETIME_PROCESS && d->pid == 0)
        return problem_set(r->problem, "pid", "is needed for the lifetime \"process\"");
    if (d->lifetime != LIFETIME_PROCESS && d->pid > 0)
        return problem_set(r->problem, "pid", "is for the lifetime \"process\" alone");
    if (d->lifetime == LIFETIME_CHECKS && d->deregister_after_ms == 0)
        return problem_set(r->problem, "deregister_after_ms", "is needed for the lifetime \"checks\"");
    if (d->deregister_after_ms > 0 && d->checks == NULL)
        return problem_set(r->problem, "deregister_after_ms", "needs checks that can be critical");
    return true;
}

bool definition_read(struct definition *d, json_t *given, const struct definition_defaults *defaults, struct problem *p)
{
    struct reading r = {.d = d, .limits = defaults->limits, .problem = p};
    *d = (struct definition){.port = -1, .ssl_port = -1, .weight = WEIGHT_DEFAULT, .initial = HEALTH_PASSING};
    if (!json_is_object(given))
        return problem_set(p, "", "a service must be a group of keys");
    d->json = json_copy(given);
    if (d->json == NULL)
        return problem_no_memory(p);
    if (json_array_size(json_object_get(given, "checks")) > 0)
        d->initial = defaults->initial;
    if (take_rows(&r, given) && fits_together(&r, given) && fill_in(&r, defaults))
        return true;
    definition_free(d);
    return false;
}

void definition_free(struct definition *d)
{
    json_decref(d->json);
    d->json = NULL;
}
