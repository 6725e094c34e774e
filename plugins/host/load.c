/* load.c - which loader takes a file: by its suffix. */
#include "plugins/host/host.h"

#include <string.h>

static const struct {
    const char *suffix;
    load_fn *load;
} loaders[] = {
    {".so", load_c},
    {".lua", load_lua},
};

const struct zooid_plugin *load_file(const char *file, char **why)
{
    size_t len = strlen(file);
    for (size_t i = 0; i < COUNT_OF(loaders); i++) {
        size_t end = strlen(loaders[i].suffix);
        if (len > end && strcmp(file + len - end, loaders[i].suffix) == 0)
            return loaders[i].load(file, why);
    }
    *why = text_of("%s: no loader knows its suffix", file);
    return NULL;
}
