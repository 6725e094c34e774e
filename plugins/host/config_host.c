/* config_host.c - plugins.conf, and the files of the plugins beside it. */
#include "plugins/host/config_host.h"

#include "bindings/c/include/zooid.h"
#include "plugins/host/config_read.h"
#include "plugins/host/log_print.h"

#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct host_config *into(const struct reading *r)
{
    return r->into;
}

static bool read_socket(const struct reading *r, const config_setting_t *at)
{
    return config_take_text(&into(r)->socket, at, r);
}

static bool read_state_dir(const struct reading *r, const config_setting_t *at)
{
    return config_take_text(&into(r)->state_dir, at, r);
}

static bool read_host_name(const struct reading *r, const config_setting_t *at)
{
    return config_take_text(&into(r)->host_name, at, r);
}

static bool read_include(const struct reading *r, const config_setting_t *at)
{
    return config_take_text(&into(r)->directory, at, r);
}

static bool read_plugin_path(const struct reading *r, const config_setting_t *at)
{
    return config_take_texts(&into(r)->plugin_path, at, r);
}

static bool read_log_level(const struct reading *r, const config_setting_t *at)
{
    const char *word = config_setting_get_string(at);
    if (word == NULL || !log_word_parse(word, &into(r)->log_level))
        return config_complain(r, at, "it has to be \"error\", \"warning\", \"info\" or \"debug\"");
    return true;
}

static bool read_limits(const struct reading *r, const config_setting_t *at)
{
    return config_take_limits(&into(r)->limits, at, r);
}

#define SUPERVISION(name, standard, least, most, help)                           \
    static bool read_##name(const struct reading *r, const config_setting_t *at) \
    {                                                                            \
        return config_take_number(&into(r)->name, least, most, at, r);           \
    }
#include "plugins/host/supervision.def"
#undef SUPERVISION

static const struct config_key keys[] = {
    {"socket", read_socket},       {"state_dir", read_state_dir},     {"host_name", read_host_name},
    {"include", read_include},     {"plugin_path", read_plugin_path}, {"limits", read_limits},
    {"log_level", read_log_level},
#define SUPERVISION(name, standard, least, most, help) {#name, read_##name},
#include "plugins/host/supervision.def"
#undef SUPERVISION
};

#define SUPERVISION(name, standard, least, most, help) ", " #name
static const char known[] = "socket, state_dir, host_name, include, plugin_path, limits, log_level"
#include "plugins/host/supervision.def"
    ;
#undef SUPERVISION

/* "plugins.d" beside the file. */
static char *directory_beside(const char *file)
{
    char *directory = NULL;
    const char *slash = strrchr(file, '/');
    int before = slash == NULL ? 0 : (int)(slash - file + 1);
    return asprintf(&directory, "%.*splugins.d", before, file) < 0 ? NULL : directory;
}

static bool fill(struct host_config *config, const char *file)
{
    config->source = config_new();
    config->file = strdup(file);
    config->directory = directory_beside(file);
    config->limits = config_standard_limits();
    config->log_level = ZOOID_PLUGIN_INFO;
#define SUPERVISION(name, standard, least, most, help) config->name = standard;
#include "plugins/host/supervision.def"
#undef SUPERVISION
    return config->source != NULL && config->file != NULL && config->directory != NULL;
}

struct host_config *host_config_read(const char *file, char **why)
{
    *why = NULL;
    struct host_config *config = calloc(1, sizeof *config);
    const struct reading r = {config, file, why};
    if (config != NULL && fill(config, file) && config_read_keys(&r, config->source, keys, COUNT_OF(keys), known))
        return config;
    if (*why == NULL)
        *why = strdup("out of memory while the settings were read");
    host_config_free(config);
    return NULL;
}

void host_config_free(struct host_config *config)
{
    if (config == NULL)
        return;
    config_end(config->source);
    char *const texts[] = {config->file, config->directory, config->socket, config->state_dir, config->host_name};
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        free(texts[i]);
    free(config->plugin_path);
    free(config);
}

/* -- the plugins' files
 * ------------------------------------------------------------------------------------------------ */

/* NAME.conf, with a NAME that may be a provider's, too. */
static int is_plugin_file(const struct dirent *entry)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    const char *name = entry->d_name, *dot = strrchr(name, '.');
    return dot != NULL && dot != name && strcmp(dot, ".conf") == 0 && name[strspn(name, letters)] == '\0' &&
           name[0] != '.' && name[0] != '-' && dot - name <= 64;
}

static void free_entries(struct dirent **entries, int count)
{
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
}

char **host_config_names(const struct host_config *config, char **why)
{
    struct dirent **entries = NULL;
    *why = NULL;
    int count = scandir(config->directory, &entries, is_plugin_file, alphasort);
    if (count < 0) {
        if (asprintf(why, "%s: cannot be read: %m", config->directory) < 0)
            *why = NULL;
        return NULL;
    }
    char **names = calloc((size_t)count + 1, sizeof *names);
    for (int i = 0; names != NULL && i < count; i++) {
        names[i] = strndup(entries[i]->d_name, strlen(entries[i]->d_name) - strlen(".conf"));
        if (names[i] == NULL) {
            host_config_names_free(names);
            names = NULL;
        }
    }
    free_entries(entries, count);
    return names;
}

void host_config_names_free(char **names)
{
    for (char **name = names; name != NULL && *name != NULL; name++)
        free(*name);
    free(names);
}

struct plugin_config *host_config_plugin(const struct host_config *config, const char *name, char **why)
{
    char *file = NULL;
    *why = NULL;
    if (asprintf(&file, "%s/%s.conf", config->directory, name) < 0)
        return NULL;
    struct plugin_config *plugin = plugin_config_read_of(name, file, config, why);
    free(file);
    return plugin;
}

/* -- the plugin path --------------------------------------------------------------------------------------------------
 */

static char *if_there(const char *directory, const char *plugin, const char *suffix)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s%s", directory, plugin, suffix) < 0)
        return NULL;
    if (access(path, R_OK) == 0)
        return path;
    free(path);
    return NULL;
}

static char *find_in(const char *directory, const char *plugin)
{
    static const char *const suffixes[] = {"", ".so", ".lua"};
    char *path = NULL;
    for (size_t i = strchr(plugin, '.') != NULL ? 0 : 1; path == NULL && i < COUNT_OF(suffixes); i++)
        path = if_there(directory, plugin, suffixes[i]);
    return path;
}

/* Beside libzooid, wherever that is, and in the share of the host's own prefix. */
static void usual_path(char directories[2][PATH_MAX])
{
    Dl_info info;
    char own[PATH_MAX] = "";
    ssize_t len = readlink("/proc/self/exe", own, sizeof own - 1);
    char *slash = len <= 0 ? NULL : strrchr(own, '/');
    if (slash != NULL)
        *slash = '\0';
    (void)snprintf(directories[1], PATH_MAX, "%.*s/../share/zooid/plugins", PATH_MAX - 32, own);
    directories[0][0] = '\0';
    if (dladdr((const void *)zooid_version, &info) != 0 && info.dli_fname != NULL &&
        strrchr(info.dli_fname, '/') != NULL)
        (void)snprintf(directories[0], PATH_MAX, "%.*s/zooid/plugins",
                       (int)(strrchr(info.dli_fname, '/') - info.dli_fname), info.dli_fname);
}

char *host_config_find(const struct host_config *config, const char *plugin, char **why)
{
    char usual[2][PATH_MAX];
    const char *usual_list[] = {usual[0], usual[1], NULL};
    const char **path = config == NULL || config->plugin_path == NULL ? usual_list : config->plugin_path;
    char *found = plugin[0] == '/' ? strdup(plugin) : NULL;
    usual_path(usual);
    for (; found == NULL && plugin[0] != '/' && *path != NULL; path++)
        found = find_in(*path, plugin);
    if (found == NULL && asprintf(why, "there is no plugin %s in the plugin path", plugin) < 0)
        *why = NULL;
    return found;
}
