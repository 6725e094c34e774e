/* load_c.c - plugins in C: a shared object with the symbol `zooid_plugin`, and whether it fits this host. It stays
 * loaded until the process ends: whatever it may have left behind stays callable. */
#include "plugins/host/host.h"

#include <dlfcn.h>

enum { NEEDED = offsetof(struct zooid_plugin, start) + sizeof(((struct zooid_plugin *)NULL)->start) };

/* NULL: it fits. */
static char *misfit(const struct zooid_plugin *plugin, const char *file)
{
    if (plugin->abi != ZOOID_PLUGIN_ABI)
        return text_of("%s: it is built for ABI %u of plugins, this host has %d: build it again with this host's "
                       "zooid_plugin.h",
                       file, plugin->abi, ZOOID_PLUGIN_ABI);
    if (plugin->size < NEEDED)
        return text_of("%s: its descriptor has %u bytes, too few to be one", file, plugin->size);
    if (plugin->api_size > sizeof(struct zooid_host_api))
        return text_of("%s: it needs %u bytes of the host's functions, this host has %zu: it is built for a newer host",
                       file, plugin->api_size, sizeof(struct zooid_host_api));
    if (plugin->name == NULL || plugin->version == NULL || plugin->start == NULL)
        return text_of("%s: its descriptor lacks a name, a version or start()", file);
    return NULL;
}

const struct zooid_plugin *load_c(const char *file, char **why)
{
    void *object = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL) {
        *why = text_of("it cannot be loaded: %s", dlerror());
        return NULL;
    }
    const struct zooid_plugin *plugin = dlsym(object, "zooid_plugin");
    *why = plugin == NULL ? text_of("%s: it has no symbol zooid_plugin, so it is no plugin", file)
                          : misfit(plugin, file);
    if (plugin != NULL && *why == NULL)
        return plugin;
    (void)dlclose(object);
    return NULL;
}
