/* config_host.h - plugins.conf: what all plugins of a host have in common, and where their own files are. */
#pragma once

#include "plugins/host/config.h"
#include "plugins/include/zooid_plugin.h"

struct host_config {
    char *file;
    char *directory;          /* of the plugins' files: DIR/NAME.conf */
    const char **plugin_path; /* ended by NULL; NULL: the usual */
    char *socket, *state_dir, *host_name;
    enum zooid_plugin_level log_level; /* lines above it are left out */
    struct plugin_limits limits;       /* of plugins that do not say otherwise */
#define SUPERVISION(name, standard, least, most, help) uint32_t name;
#include "plugins/host/supervision.def"
#undef SUPERVISION
    struct config_t *source;
};

/* NULL: *why, which is the caller's, says why, with file and line. */
struct host_config *host_config_read(const char *file, char **why);
void host_config_free(struct host_config *config);

/* The names of all plugins, in order, ended by NULL; free each, and the whole. NULL: *why. */
char **host_config_names(const struct host_config *config, char **why);
void host_config_names_free(char **names);

/* As plugin_config_read, of that name. */
struct plugin_config *host_config_plugin(const struct host_config *config, const char *name, char **why);

/* Where the plugin is that a file names: an absolute path, or a name that is looked up in the plugin path. The
 * caller's; NULL: *why. `config` NULL: the usual path. */
char *host_config_find(const struct host_config *config, const char *plugin, char **why);
