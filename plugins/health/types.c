/* types.c - the types of checks. */
#include "plugins/health/type.h"

#include <string.h>

static const struct check_type *const types[] = {
    &type_http, &type_tcp, &type_script, &type_process, &type_ttl, &type_file_age, &type_command,
};

const struct check_type *type_at(size_t index)
{
    return index < sizeof types / sizeof types[0] ? types[index] : NULL;
}

const struct check_type *type_find(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i]->name, name) == 0)
            return types[i];
    return NULL;
}
