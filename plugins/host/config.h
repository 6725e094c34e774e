/* config.h - the settings of a plugin: a libconfig file, with the place of everything in it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config_t;

struct plugin_limits {
#define LIMIT(name, standard, least, most, help) uint32_t name;
#include "plugins/host/limits.def"
#undef LIMIT
};

/* NAME.conf. All of it is the struct's. */
struct plugin_config {
    char *name; /* the instance: the file's name */
    char *file; /* NULL: there is none, all is as it is without settings */
    char *plugin, *group;
    bool enabled;
    const char **grants; /* ended by NULL */
    struct plugin_limits limits;
    char *settings;                       /* JSON, an object */
    char *host_name, *socket, *state_dir; /* what all plugins of a host have in common; NULL: the usual */
    struct config_t *source;
};

struct host_config;

/* NULL: *why, which is the caller's, says why, with file and line. `file` may be NULL. */
struct plugin_config *plugin_config_read(const char *name, const char *file, char **why);
/* With what all plugins of a host have in common. */
struct plugin_config *plugin_config_read_of(const char *name, const char *file, const struct host_config *common,
                                            char **why);
void plugin_config_free(struct plugin_config *config);

/* "FILE:LINE: " of a key in the plugin's settings, of what stands above it when it is missing; the caller's. NULL: out
 * of memory. */
char *plugin_config_place(const struct plugin_config *config, const char *key);
