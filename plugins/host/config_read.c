/* config_read.c - libconfig files, read by tables of keys; what is no key is told with its line. */
#include "plugins/host/config_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

bool config_complain(const struct reading *r, const config_setting_t *at, const char *what)
{
    const char *name = config_setting_name(at);
    if (*r->why == NULL && asprintf(r->why, "%s:%u: %s: %s", r->file, config_setting_source_line(at),
                                    name == NULL ? "an entry" : name, what) < 0)
        *r->why = NULL;
    return false;
}

bool config_take_text(char **member, const config_setting_t *at, const struct reading *r)
{
    const char *text = config_setting_get_string(at);
    if (text == NULL || text[0] == '\0')
        return config_complain(r, at, "it has to be a text");
    free(*member);
    *member = strdup(text);
    return *member != NULL;
}

bool config_take_texts(const char ***member, const config_setting_t *at, const struct reading *r)
{
    int count = config_setting_length(at);
    if (!config_setting_is_aggregate(at) || config_setting_is_group(at))
        return config_complain(r, at, "it has to be an array of texts");
    free(*member);
    const char **texts = calloc((size_t)count + 1, sizeof *texts);
    *member = texts;
    for (int i = 0; texts != NULL && i < count; i++) {
        texts[i] = config_setting_get_string_elem(at, i);
        if (texts[i] == NULL)
            return config_complain(r, at, "it has to be an array of texts");
    }
    return texts != NULL;
}

bool config_take_number(uint32_t *member, uint32_t least, uint32_t most, const config_setting_t *at,
                        const struct reading *r)
{
    char text[128];
    int type = config_setting_type(at);
    long long value = config_setting_get_int64(at);
    if ((type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64) && value >= least && value <= most) {
        *member = (uint32_t)value;
        return true;
    }
    (void)snprintf(text, sizeof text, "it has to be a whole number from %u to %u", least, most);
    return config_complain(r, at, text);
}

/* -- limits -----------------------------------------------------------------------------------------------------------
 */

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

struct plugin_limits config_standard_limits(void)
{
    struct plugin_limits standard;
    for (size_t i = 0; i < COUNT_OF(limits); i++)
        *limit_of(&standard, i) = limits[i].standard;
    return standard;
}

static bool take_limit(struct plugin_limits *into, const config_setting_t *at, const struct reading *r)
{
    for (size_t i = 0; i < COUNT_OF(limits); i++)
        if (strcmp(limits[i].name, config_setting_name(at)) == 0)
            return config_take_number(limit_of(into, i), limits[i].least, limits[i].most, at, r);
    return config_complain(r, at, "there is no such limit");
}

bool config_take_limits(struct plugin_limits *into, const config_setting_t *at, const struct reading *r)
{
    if (!config_setting_is_group(at))
        return config_complain(r, at, "it has to be a group, { ... }");
    for (int i = 0; i < config_setting_length(at); i++)
        if (!take_limit(into, config_setting_get_elem(at, (unsigned)i), r))
            return false;
    return true;
}

/* -- files ------------------------------------------------------------------------------------------------------------
 */

config_t *config_new(void)
{
    config_t *source = malloc(sizeof *source);
    if (source != NULL)
        config_init(source);
    return source;
}

void config_end(config_t *source)
{
    if (source != NULL)
        config_destroy(source);
    free(source);
}

static bool read_key(const struct reading *r, const config_setting_t *at, const struct config_key *keys, size_t count,
                     const char *known)
{
    char text[256];
    for (size_t i = 0; i < count; i++)
        if (strcmp(keys[i].name, config_setting_name(at)) == 0)
            return keys[i].read(r, at);
    (void)snprintf(text, sizeof text, "there is no such key; there are %s", known);
    return config_complain(r, at, text);
}

bool config_read_keys(const struct reading *r, config_t *source, const struct config_key *keys, size_t count,
                      const char *known)
{
    if (config_read_file(source, r->file) == CONFIG_FALSE) {
        const char *file = config_error_file(source) == NULL ? r->file : config_error_file(source);
        if (asprintf(r->why, "%s:%d: %s", file, config_error_line(source), config_error_text(source)) < 0)
            *r->why = NULL;
        return false;
    }
    const config_setting_t *root = config_root_setting(source);
    for (int i = 0; i < config_setting_length(root); i++)
        if (!read_key(r, config_setting_get_elem(root, (unsigned)i), keys, count, known))
            return false;
    return true;
}
