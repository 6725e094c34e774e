/* config_json.h - a libconfig setting as JSON. */
#pragma once

struct config_setting_t;

/* The caller's; NULL: out of memory. */
char *setting_json(const struct config_setting_t *setting);
