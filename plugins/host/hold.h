/* hold.h - what the agent keeps for a plugin: tried again whenever it was lost or could not be had. */
#pragma once

#include "plugins/host/host.h"

struct hold;

struct hold_row {
    zooid_ticket (*wait)(struct hold *hold); /* asks for it; answered when it is held */
    zooid_ticket (*number)(const struct hold *hold);
    void (*give_back)(struct hold *hold);
};

struct hold {
    struct item item;
    struct listener listener;
    const struct hold_row *row;
    void *object;
    zooid_plugin_hold_fn *held;
    void *context;
    uv_timer_t *pause; /* until it is tried again; NULL: none */
    bool waits;        /* an answer is to come */
};

/* Begins to wait, for an object that was just made; NULL: it could not be. The handle, or 0. */
zooid_handle hold_begin(struct hold *hold, void *object);
struct hold *hold_new(zooid_host *host, const struct hold_row *row, zooid_plugin_hold_fn *held, void *context);
extern const struct item_kind hold_kind;
