/* dropin.c - see dropin.h. libconfig's settings become JSON, and what is wrong with that is found again as a setting,
 * which knows its line. */
#include "plugins/discovery/dropin.h"

#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 16 };

static json_t *json_of(const config_setting_t *setting, int depth);

static json_t *json_of_group(const config_setting_t *setting, int depth)
{
    json_t *object = json_object();
    for (int i = 0; i < config_setting_length(setting); i++) {
        const config_setting_t *item = config_setting_get_elem(setting, (unsigned)i);
        if (json_object_set_new(object, config_setting_name(item), json_of(item, depth + 1)) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static json_t *json_of_list(const config_setting_t *setting, int depth)
{
    json_t *array = json_array();
    for (int i = 0; i < config_setting_length(setting); i++)
        if (json_array_append_new(array, json_of(config_setting_get_elem(setting, (unsigned)i), depth + 1)) != 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

/* NULL: out of memory, a text that is no UTF-8, or groups within groups without end. */
static json_t *json_of(const config_setting_t *setting, int depth)
{
    if (depth > DEPTH_MAX)
        return NULL;
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_GROUP: return json_of_group(setting, depth);
    case CONFIG_TYPE_ARRAY:
    case CONFIG_TYPE_LIST: return json_of_list(setting, depth);
    case CONFIG_TYPE_INT: return json_integer(config_setting_get_int(setting));
    case CONFIG_TYPE_INT64: return json_integer(config_setting_get_int64(setting));
    case CONFIG_TYPE_FLOAT: return json_real(config_setting_get_float(setting));
    case CONFIG_TYPE_BOOL: return json_boolean(config_setting_get_bool(setting));
    default: return json_string(config_setting_get_string(setting));
    }
}

/* The line of the setting, or of the nearest one around it. */
static unsigned line_of(const config_t *config, const char *path)
{
    char at[2 * PROBLEM_KEY];
    (void)snprintf(at, sizeof at, "%s", path);
    for (;;) {
        const config_setting_t *setting = at[0] == '\0' ? NULL : config_lookup(config, at);
        char *dot = strrchr(at, '.');
        if (setting != NULL)
            return (unsigned)config_setting_source_line(setting);
        if (dot == NULL)
            return 1;
        *dot = '\0';
    }
}

static bool say(char error[DROPIN_ERROR], const char *name, const config_t *config, const char *prefix,
                const struct problem *p)
{
    char path[2 * PROBLEM_KEY];
    (void)snprintf(path, sizeof path, "%s%s%s", prefix, p->key[0] != '\0' ? "." : "", p->key);
    (void)snprintf(error, DROPIN_ERROR, "%s:%u: %s: %s", name, line_of(config, path), path, p->text);
    return false;
}

static bool say_why(char error[DROPIN_ERROR], const char *name, const config_t *config, const char *key,
                    const char *text)
{
    struct problem p;
    (void)problem_set(&p, "", "%s", text);
    return say(error, name, config, key, &p);
}

struct source {
    const char *name;
    const config_t *config;
    const struct definition_defaults *defaults;
};

static bool add(struct dropin *d, const struct source *from, const config_setting_t *setting, const char *key,
                char error[DROPIN_ERROR])
{
    struct problem p;
    json_t *json = json_of(setting, 0);
    if (json == NULL)
        return say_why(error, from->name, from->config, key, "holds what is no UTF-8, or is nested too deeply");
    bool fine = definition_read(&d->items[d->count], json, from->defaults, &p);
    d->count += fine;
    if (fine && d->items[d->count - 1].lifetime == LIFETIME_PROCESS)
        fine = problem_set(&p, "pid", "a file outlives any process: a check of type \"process\" is what is meant");
    for (size_t i = 0; fine && i + 1 < d->count; i++)
        if (strcmp(d->items[i].id, d->items[d->count - 1].id) == 0)
            fine = problem_set(&p, "id", "\"%s\" is there twice", d->items[i].id);
    json_decref(json);
    return fine || say(error, from->name, from->config, key, &p);
}

/* `services = ( {...}, {...} );` or `service = {...};` */
static bool add_all(struct dropin *d, const struct source *from, const config_setting_t *root, char error[DROPIN_ERROR])
{
    for (int i = 0; i < config_setting_length(root); i++) {
        const config_setting_t *setting = config_setting_get_elem(root, (unsigned)i);
        const char *key = config_setting_name(setting);
        bool many = strcmp(key, "services") == 0 && config_setting_is_list(setting);
        if (!many && (strcmp(key, "service") != 0 || !config_setting_is_group(setting)))
            return say_why(error, from->name, from->config, key,
                           "a file has `service = { ... };` or `services = ( { ... }, ... );`");
        int count = many ? config_setting_length(setting) : 1;
        struct definition *larger = realloc(d->items, (d->count + (size_t)count) * sizeof *larger + 1);
        if (larger == NULL)
            return say_why(error, from->name, from->config, key, "out of memory");
        d->items = larger;
        for (int j = 0; j < count; j++) {
            char item[PROBLEM_KEY];
            (void)snprintf(item, sizeof item, many ? "services.[%d]" : "service", j);
            if (!add(d, from, many ? config_setting_get_elem(setting, (unsigned)j) : setting, item, error))
                return false;
        }
    }
    return true;
}

bool dropin_read(struct dropin *d, const char *name, const char *text, const struct definition_defaults *defaults,
                 char error[DROPIN_ERROR])
{
    config_t config;
    const struct source from = {name, &config, defaults};
    bool fine;
    *d = (struct dropin){.count = 0};
    config_init(&config);
    if (config_read_string(&config, text) == CONFIG_TRUE) {
        fine = add_all(d, &from, config_root_setting(&config), error);
    } else {
        (void)snprintf(error, DROPIN_ERROR, "%s:%d: %s", name, config_error_line(&config), config_error_text(&config));
        fine = false;
    }
    config_destroy(&config);
    if (!fine)
        dropin_free(d);
    return fine;
}

void dropin_free(struct dropin *d)
{
    for (size_t i = 0; i < d->count; i++)
        definition_free(&d->items[i]);
    free(d->items);
    *d = (struct dropin){.count = 0};
}
