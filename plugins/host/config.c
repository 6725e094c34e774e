/* config.c - a plugin's file. */
#include "plugins/host/config.h"

#include "plugins/host/config_host.h"
#include "plugins/host/config_json.h"
#include "plugins/host/config_read.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct plugin_config *into(const struct reading *r)
{
    return r->into;
}

static bool read_plugin(const struct reading *r, const config_setting_t *at)
{
    return config_take_text(&into(r)->plugin, at, r);
}

static bool read_group(const struct reading *r, const config_setting_t *at)
{
    return config_take_text(&into(r)->group, at, r);
}

static bool read_enabled(const struct reading *r, const config_setting_t *at)
{
    if (config_setting_type(at) != CONFIG_TYPE_BOOL)
        return config_complain(r, at, "it has to be true or false");
    into(r)->enabled = config_setting_get_bool(at) != 0;
    return true;
}

static bool read_grants(const struct reading *r, const config_setting_t *at)
{
    return config_take_texts(&into(r)->grants, at, r);
}

static bool read_limits(const struct reading *r, const config_setting_t *at)
{
    return config_take_limits(&into(r)->limits, at, r);
}

static bool read_settings(const struct reading *r, const config_setting_t *at)
{
    if (!config_setting_is_group(at))
        return config_complain(r, at, "it has to be a group, { ... }");
    free(into(r)->settings);
    into(r)->settings = setting_json(at);
    return into(r)->settings != NULL || config_complain(r, at, "a text in it is not UTF-8, or memory ran out");
}

static const struct config_key keys[] = {
    {"plugin", read_plugin}, {"group", read_group},   {"enabled", read_enabled},
    {"grants", read_grants}, {"limits", read_limits}, {"settings", read_settings},
};

#define KNOWN "plugin, enabled, group, grants, limits and settings"

static char *own_host_name(void)
{
    char name[HOST_NAME_MAX + 1] = "localhost";
    (void)gethostname(name, sizeof name - 1);
    return strdup(name);
}

static bool copy_text(char **member, const char *text)
{
    *member = text == NULL ? NULL : strdup(text);
    return text == NULL || *member != NULL;
}

static bool fill(struct plugin_config *config, const char *name, const char *file, const struct host_config *common)
{
    config->source = config_new();
    config->enabled = true;
    config->limits = common == NULL ? config_standard_limits() : common->limits;
    config->host_name = common == NULL || common->host_name == NULL ? own_host_name() : strdup(common->host_name);
    config->settings = strdup("{}");
    config->grants = calloc(1, sizeof *config->grants);
    return config->source != NULL && config->host_name != NULL && config->settings != NULL && config->grants != NULL &&
           copy_text(&config->name, name) && copy_text(&config->file, file) && copy_text(&config->plugin, name) &&
           copy_text(&config->socket, common == NULL ? NULL : common->socket) &&
           copy_text(&config->state_dir, common == NULL ? NULL : common->state_dir);
}

struct plugin_config *plugin_config_read(const char *name, const char *file, char **why)
{
    return plugin_config_read_of(name, file, NULL, why);
}

struct plugin_config *plugin_config_read_of(const char *name, const char *file, const struct host_config *common,
                                            char **why)
{
    *why = NULL;
    struct plugin_config *config = calloc(1, sizeof *config);
    const struct reading r = {config, file, why};
    bool good = config != NULL && fill(config, name, file, common);
    if (good && (file == NULL || config_read_keys(&r, config->source, keys, COUNT_OF(keys), KNOWN)))
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
    config_end(config->source);
    char *const texts[] = {config->name,     config->file,      config->plugin, config->group,
                           config->settings, config->host_name, config->socket, config->state_dir};
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        free(texts[i]);
    free(config->grants);
    free(config);
}

/* Of the longest part of the key that is there. */
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
