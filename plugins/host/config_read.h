/* config_read.h - reading libconfig files by tables of keys, for config.c and config_host.c. */
#pragma once

#include "plugins/host/config.h"

#include <libconfig.h>

struct reading {
    void *into;
    const char *file;
    char **why;
};

struct config_key {
    const char *name;
    bool (*read)(const struct reading *r, const config_setting_t *at);
};

/* False, so that callers may return it; *why says what is wrong, with file and line. The first complaint stays. */
bool config_complain(const struct reading *r, const config_setting_t *at, const char *what);
bool config_take_text(char **member, const config_setting_t *at, const struct reading *r);
/* Ended by NULL; the texts live as long as the source. */
bool config_take_texts(const char ***member, const config_setting_t *at, const struct reading *r);
bool config_take_number(uint32_t *member, uint32_t least, uint32_t most, const config_setting_t *at,
                        const struct reading *r);
bool config_take_limits(struct plugin_limits *limits, const config_setting_t *at, const struct reading *r);
struct plugin_limits config_standard_limits(void);
/* Reads the file into `source`, then each key by its row. `known` names them, for people. */
bool config_read_keys(const struct reading *r, config_t *source, const struct config_key *keys, size_t count,
                      const char *known);
/* NULL: out of memory. */
config_t *config_new(void);
void config_end(config_t *source);
