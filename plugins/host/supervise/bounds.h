/* bounds.h - what a process lays upon itself before it loads its plugins. */
#pragma once

#include "plugins/host/config.h"

/* Several plugins in one process share their limits: what can be added up is, of the rest the greatest counts. */
struct plugin_limits bounds_of(const struct plugin_config *const *plugins, size_t count);
/* False: the system does not let it. */
bool bounds_set(const struct plugin_limits *limits);
