/* dropin.h - a file of services.d taken apart: libconfig's syntax, one or more services, errors with file and line. */
#pragma once

#include "plugins/discovery/definition.h"

/* "web.conf:7: services.[0].port: must be ..." */
enum { DROPIN_ERROR = 1024 };

struct dropin {
    struct definition *items;
    size_t count;
};

/* Text of a file called `name`. False: `error` says what is wrong, and nothing is to be freed. */
bool dropin_read(struct dropin *d, const char *name, const char *text, const struct definition_defaults *defaults,
                 char error[DROPIN_ERROR]);
void dropin_free(struct dropin *d);
