/* fake_host.h - a host of plugins without a process, an agent or a clock, for the Lua runtime's tests: the tree is a
 * short list of nodes, time passes when the test says so, and what a plugin says is kept as text. */
#pragma once

#include "plugins/include/zooid_plugin.h"

struct fake_host; /* a zooid_host */

zooid_host *fake_host_new(void);
void fake_host_free(zooid_host *host);
const struct zooid_host_api *fake_host_api(void);

/* What settings() answers. */
void fake_host_settings(zooid_host *host, const char *json);
/* Everything that is due until then happens: replies, timers. */
void fake_host_advance(zooid_host *host, uint32_t ms);
/* A change for all subscriptions. */
void fake_host_change(zooid_host *host, enum zooid_plugin_change_kind kind, const char *path, const char *data);
/* The command's answer, as "code json"; lives until the next call. */
const char *fake_host_command(zooid_host *host, const char *name, const char *arguments);
/* All that was logged, and what else the plugin told ("ready", "status ..."), line by line. */
const char *fake_host_log(zooid_host *host);
/* How many handles are open. */
size_t fake_host_open_handles(zooid_host *host);
