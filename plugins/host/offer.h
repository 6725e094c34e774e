/* offer.h - a plugin's commands as the agent offers them to others: all of them under the plugin's name. */
#pragma once

#include "plugins/host/host.h"

struct command {
    struct item item;
    char *name, *help;
    bool admin;
    zooid_plugin_command_fn *run;
    void *context;
};

extern const struct item_kind command_kind;

/* What is offered has changed: it is offered anew when the loop turns. Nothing is, before the plugin is ready. */
void offer_later(zooid_host *host);
/* Whether whoever waits for the plugin to be ready may be told: it can be called by then, unless the agent is away. */
bool offer_is_known(zooid_host *host);
void offer_end(zooid_host *host); /* at the plugin's end */
