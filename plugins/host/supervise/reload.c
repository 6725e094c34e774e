/* reload.c - from one set of files to the next: what is new is started, what has changed is replaced, what is in no
 * file any more is stopped, and the rest is left alone. */
#include "plugins/host/supervise/supervise.h"

#include "plugins/host/supervise/bounds.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* One unit as the files have it. */
struct wanted {
    struct wanted *next;
    const char *name;
    struct plugin_config **plugins;
    size_t count;
};

/* What a file is now, in a way that another one is not. */
static void put_file(FILE *out, const char *file)
{
    struct stat st;
    if (file != NULL && stat(file, &st) == 0)
        fprintf(out, "%s %ju %jd %jd.%ld\n", file, (uintmax_t)st.st_ino, (intmax_t)st.st_size,
                (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

/* NULL: out of memory. */
static char *fingerprint_of(const struct host_config *config, const struct wanted *wanted)
{
    char *text = NULL, *why = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (out == NULL)
        return NULL;
    put_file(out, config->file);
    for (size_t i = 0; i < wanted->count; i++) {
        char *plugin = host_config_find(config, wanted->plugins[i]->plugin, &why);
        put_file(out, wanted->plugins[i]->file);
        put_file(out, plugin);
        free(plugin);
        free(why);
        why = NULL;
    }
    return fclose(out) == 0 ? text : NULL;
}

/* -- the files --------------------------------------------------------------------------------------------------------
 */

static void wanted_free(struct wanted *list)
{
    while (list != NULL) {
        struct wanted *next = list->next;
        for (size_t i = 0; i < list->count; i++)
            plugin_config_free(list->plugins[i]);
        free(list->plugins);
        free(list);
        list = next;
    }
}

static bool add_plugin(struct wanted *wanted, struct plugin_config *plugin)
{
    struct plugin_config **plugins = realloc(wanted->plugins, (wanted->count + 1) * sizeof(struct plugin_config *));
    if (plugins == NULL)
        return false;
    wanted->plugins = plugins;
    plugins[wanted->count++] = plugin;
    return true;
}

/* A unit of its own; its name lives with the plugin. */
static bool add_wanted(struct wanted **list, const char *name, struct plugin_config *plugin)
{
    struct wanted *wanted = calloc(1, sizeof *wanted);
    if (wanted == NULL || !add_plugin(wanted, plugin)) {
        free(wanted);
        return false;
    }
    wanted->next = *list;
    wanted->name = name;
    *list = wanted;
    return true;
}

/* Takes the plugin over. False: out of memory. */
static bool want(struct wanted **list, struct plugin_config *plugin)
{
    const char *name = plugin->group == NULL ? plugin->name : plugin->group;
    struct wanted *wanted = *list;
    while (wanted != NULL && strcmp(wanted->name, name) != 0)
        wanted = wanted->next;
    bool good = wanted == NULL ? add_wanted(list, name, plugin) : add_plugin(wanted, plugin);
    if (!good)
        plugin_config_free(plugin);
    return good;
}

static struct unit *unit_new(struct supervisor *s, const char *name)
{
    struct unit *unit = calloc(1, sizeof *unit);
    if (unit == NULL)
        return NULL;
    unit->supervisor = s;
    unit->name = strdup(name);
    if (unit->name == NULL) {
        free(unit);
        return NULL;
    }
    struct unit **last = &s->units;
    while (*last != NULL)
        last = &(*last)->next;
    *last = unit;
    return unit;
}

static struct unit *unit_named(const struct supervisor *s, const char *name)
{
    struct unit *unit = s->units;
    while (unit != NULL && (unit->goes || strcmp(unit->name, name) != 0))
        unit = unit->next;
    return unit;
}

static bool name_plugins(struct unit *unit, const char *const *names, size_t count)
{
    char **copies = calloc(count + 1, sizeof *copies);
    for (size_t i = 0; copies != NULL && i < count; i++)
        if ((copies[i] = strdup(names[i])) == NULL) {
            host_config_names_free(copies);
            copies = NULL;
        }
    if (copies == NULL)
        return false;
    host_config_names_free(unit->names);
    unit->names = copies;
    unit->count = count;
    return true;
}

/* A file that cannot be read: what runs by it goes on; otherwise it is listed with what is wrong. */
static void take_bad_file(struct supervisor *s, const char *name, char *why)
{
    struct unit *unit = supervisor_unit_of(s, name);
    bool goes_on = unit != NULL && unit->current != NULL;
    if (unit == NULL && (unit = unit_new(s, name)) != NULL && !name_plugins(unit, &name, 1))
        unit->goes = true;
    if (unit != NULL) {
        unit->wanted = true;
        unit->state = goes_on ? unit->state : UNIT_REFUSED;
        (void)snprintf(unit->last_failure, sizeof unit->last_failure, "%s", why == NULL ? "out of memory" : why);
        log_say(unit, ZOOID_PLUGIN_ERROR, "%s%s", unit->last_failure, goes_on ? "; it goes on as it was" : "");
    }
    free(why);
}

/* -- from one to the other --------------------------------------------------------------------------------------------
 */

/* False: out of memory. */
static bool bring_about(struct supervisor *s, const struct wanted *wanted)
{
    struct unit *unit = unit_named(s, wanted->name);
    bool is_new = unit == NULL;
    const char **names = calloc(wanted->count + 1, sizeof *names);
    char *fingerprint = fingerprint_of(s->config, wanted);
    for (size_t i = 0; names != NULL && i < wanted->count; i++)
        names[i] = wanted->plugins[i]->name;
    if (is_new)
        unit = unit_new(s, wanted->name);
    bool good = names != NULL && fingerprint != NULL && unit != NULL && name_plugins(unit, names, wanted->count);
    free(names);
    if (!good) {
        free(fingerprint);
        return false;
    }
    bool has_changed = unit->fingerprint == NULL || strcmp(unit->fingerprint, fingerprint) != 0;
    free(unit->fingerprint);
    unit->fingerprint = fingerprint;
    unit->limits = bounds_of((const struct plugin_config *const *)wanted->plugins, wanted->count);
    unit->wanted = true;
    if (is_new)
        unit_start(unit);
    else if (has_changed)
        unit_replace(unit);
    return true;
}

static struct wanted *read_plugins(struct supervisor *s, char *const *names)
{
    struct wanted *list = NULL;
    for (; *names != NULL; names++) {
        char *why = NULL;
        struct plugin_config *plugin = host_config_plugin(s->config, *names, &why);
        if (plugin == NULL)
            take_bad_file(s, *names, why);
        else if (!plugin->enabled)
            plugin_config_free(plugin);
        else if (!want(&list, plugin))
            take_bad_file(s, *names, NULL);
    }
    return list;
}

static void tell(char why[WHY_MAX], char *text)
{
    (void)snprintf(why, WHY_MAX, "%s", text == NULL ? "out of memory" : text);
    free(text);
}

bool reload(struct supervisor *s, char why[WHY_MAX])
{
    char *text = NULL;
    struct host_config *config = host_config_read(s->config_file, &text);
    char **names = config == NULL ? NULL : host_config_names(config, &text);
    if (names == NULL) {
        tell(why, text);
        host_config_free(config);
        return false;
    }
    host_config_free(s->config);
    s->config = config;
    for (struct unit *unit = s->units; unit != NULL; unit = unit->next)
        unit->wanted = false;
    struct wanted *list = read_plugins(s, names);
    bool good = true;
    for (const struct wanted *wanted = list; wanted != NULL; wanted = wanted->next)
        good = bring_about(s, wanted) && good;
    for (struct unit *unit = s->units; good && unit != NULL; unit = unit->next)
        if (!unit->wanted && !unit->goes)
            unit_stop(unit);
    wanted_free(list);
    host_config_names_free(names);
    if (!good)
        tell(why, NULL);
    supervisor_look(s);
    return good;
}
