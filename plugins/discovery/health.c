/* health.c - see health.h. */
#include "plugins/discovery/health.h"

#include <stddef.h>
#include <string.h>

static const char *const names[] =
    {[HEALTH_PASSING] = "passing", [HEALTH_WARNING] = "warning", [HEALTH_CRITICAL] = "critical"};

const char *health_name(enum health health)
{
    return names[health];
}

bool health_parse(const char *name, enum health *health)
{
    for (size_t i = 0; name != NULL && i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], name) == 0) {
            *health = (enum health)i;
            return true;
        }
    return false;
}
