/* health.h - the three states of a check and of an instance, and their names in JSON. */
#pragma once

#include <stdbool.h>

enum health { HEALTH_PASSING, HEALTH_WARNING, HEALTH_CRITICAL }; /* the worse the higher */

const char *health_name(enum health health);
/* False: no such name. NULL is none. */
bool health_parse(const char *name, enum health *health);
