/* config.c - a plugin's file: each key is a row, and what is no key is told with its line. */
#include "plugins/host/config.h"

#include "plugins/host/config_json.h"

#include <libconfig.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct reading {
    struct plugin_config *config;
    char **why;
};

/* False, so that callers may return it. */
static bool complain(const struct reading *r, const config_setting_t *at, const char *what)
{
    if (*r->why == NULL && asprintf(r->why, "%s:%u: %s: %s", r->config->file, config_setting_source_line(at),
                                    config_setting_name(at) == NULL ? "an entry" : config_setting_name(at), what) < 0)
        *r->why = NULL;
    return false;
}

static bool take_text(char **member, const config_setting_t *at, const struct reading *r)
{
    const char *text = config_setting_get_string(at);
    if (text == NULL || text[0] == '\0')
        return complain(r, at, "it has to be a text");
    *member = strdup(text);
    return *member != NULL;
}

static bool read_plugin(const struct reading *r, const config_setting_t *at)
{
    return take_text(&r->config->plugin, at, r);
}

static bool read_group(const struct reading *r, const config_setting_t *at)
{
    return take_text(&r->config->group, at, r);
}

static bool read_enabled(const struct reading *r, const config_setting_t *at)
{
    if (config_setting_type(at) != CONFIG_TYPE_BOOL)
        return complain(r, at, "it has to be true or false");
    r->config->enabled = config_setting_get_bool(at) != 0;
    return true;
}

static bool read_grants(const struct reading *r, const config_setting_t *at)
{
    int count = config_setting_length(at);
    if (!config_setting_is_aggregate(at) || config_setting_is_group(at))
        return complain(r, at, "it has to be an array of texts");
    r->config->grants = calloc((size_t)count + 1, sizeof *r->config->grants);
    for (int i = 0; r->config->grants != NULL && i < count; i++) {
        const char *grant = config_setting_get_string_elem(at, i);
        if (grant == NULL)
            return complain(r, at, "it has to be an array of texts");
        r->config->grants[i] = grant; /* lives as long as the source */
    }
    return r->config->grants != NULL;
}

static const struct {
    const char *name;
    size_t offset;
    uint32_t standard, least, most;
} limits[] = {
#define LIMIT(name, standard, least, most, help) {#name, offsetof(struct plugin_limits, name), standard, least, most},
#include "plugins/host/limits.def"
#undef LIMIT
};

static uint32_t *limit_of(struct plugin_limits *of, size_t row)
{
    return (uint32_t *)(void *)((char *)of + limits[row].offset);
}

static bool read_limit(const struct reading *r, const config_setting_t *at)
{
    char text[128];
    const char *name = config_setting_name(at);
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        if (strcmp(limits[i].name, name) != 0)
            continue;
        int type = config_setting_type(at);
        long long value = config_setting_get_int64(at);
        if ((type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64) && value >= limits[i].least &&
            value <= limits[i].most) {
            *limit_of(&r->config->limits, i) = (uint32_t)value;
            return true;
        }
        (void)snprintf(text, sizeof text, "it has to be a whole number from %u to %u", limits[i].least, limits[i].most);
        return complain(r, at, text);
    }
    return complain(r, at, "there is no such limit");
}

static bool read_limits(const struct reading *r, const config_setting_t *at)
{
    if (!config_setting_is_group(at))
        return complain(r, at, "it has to be a group, { ... }");
    for (int i = 0; i < config_setting_length(at); i++)
        if (!read_limit(r, config_setting_get_elem(at, (unsigned)i)))
            return false;
    return true;
}

static bool read_settings(const struct reading *r, const config_setting_t *at)
{
    if (!config_setting_is_group(at))
        return complain(r, at, "it has to be a group, { ... }");
    free(r->config->settings);
    r->config->settings = setting_json(at);
    return r->config->settings != NULL || complain(r, at, "a text in it is not UTF-8, or memory ran out");
}

static const struct {
    const char *name;
    bool (*read)(const struct reading *r, const config_setting_t *at);
} keys[] = {
    {"plugin", read_plugin}, {"group", read_group},   {"enabled", read_enabled},
    {"grants", read_grants}, {"limits", read_limits}, {"settings", read_settings},
};

static bool read_key(const struct reading *r, const config_setting_t *at)
{
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (strcmp(keys[i].name, config_setting_name(at)) == 0)
            return keys[i].read(r, at);
    return complain(r, at, "there is no such key; there are plugin, enabled, group, grants, limits and settings");
}

static bool read_source(const struct reading *r)
{
    config_t *source = r->config->source;
    if (config_read_file(source, r->config->file) == CONFIG_FALSE) {
        const char *file = config_error_file(source) == NULL ? r->config->file : config_error_file(source);
        if (asprintf(r->why, "%s:%d: %s", file, config_error_line(source), config_error_text(source)) < 0)
            *r->why = NULL;
        return false;
    }
    const config_setting_t *root = config_root_setting(source);
    for (int i = 0; i < config_setting_length(root); i++)
        if (!read_key(r, config_setting_get_elem(root, (unsigned)i)))
            return false;
    return true;
}

static char *own_host_name(void)
{
    char name[HOST_NAME_MAX + 1] = "localhost";
    (void)gethostname(name, sizeof name - 1);
    return strdup(name);
}

static bool fill(struct plugin_config *config, const char *name, const char *file)
{
    config->source = malloc(sizeof *config->source);
    if (config->source == NULL)
        return false;
    config_init(config->source);
    config->enabled = true;
    for (size_t i = 0; i < COUNT_OF(limits); i++)
        *limit_of(&config->limits, i) = limits[i].standard;
    config->name = strdup(name);
    config->file = file == NULL ? NULL : strdup(file);
    config->settings = strdup("{}");
    config->host_name = own_host_name();
    return config->name != NULL && (file == NULL || config->file != NULL) && config->settings != NULL &&
           config->host_name != NULL;
}

struct plugin_config *plugin_config_read(const char *name, const char *file, char **why)
{
    *why = NULL;
    struct plugin_config *config = calloc(1, sizeof *config);
    const struct reading reading = {config, why};
    bool good = config != NULL && fill(config, name, file) && (file == NULL || read_source(&reading));
    if (good && config->plugin == NULL)
        config->plugin = strdup(name);
    if (good && config->grants == NULL)
        config->grants = calloc(1, sizeof *config->grants);
    if (good && config->plugin != NULL && config->grants != NULL)
        return config;
    if (*why == NULL)
        *why = strdup("out of memory while a plugin's settings were read");
    plugin_config_free(config);
    return NULL;
}

void plugin_config_free(struct plugin_config *config)
{
    if (config == NULL)
        return;
    if (config->source != NULL)
        config_destroy(config->source);
    free(config->source);
    char *const texts[] = {config->name,     config->file,      config->plugin, config->group,
                           config->settings, config->host_name, config->socket, config->state_dir};
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        free(texts[i]);
    free(config->grants);
    free(config);
}

/* The longest part of the key that is there. */
char *plugin_config_place(const struct plugin_config *config, const char *key)
{
    char *place = NULL, *path = NULL;
    if (config->file == NULL)
        return strdup("");
    if (asprintf(&path, "settings.%s", key) < 0)
        return NULL;
    const config_setting_t *at = config_lookup(config->source, path);
    while (at == NULL && strrchr(path, '.') != NULL) {
        *strrchr(path, '.') = '\0';
        at = config_lookup(config->source, path);
    }
    free(path);
    int len = at == NULL ? asprintf(&place, "%s: ", config->file)
                         : asprintf(&place, "%s:%u: ", config->file, config_setting_source_line(at));
    return len < 0 ? NULL : place;
}
