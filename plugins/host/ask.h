/* ask.h - one request to the plugin's client, or to an object of it, and who gets the reply. */
#pragma once

#include "plugins/host/host.h"

struct ask;

/* The reply stays the caller's. NULL: memory ran out. True: it has asked again, with ask_submit. */
typedef bool answered_fn(struct ask *ask, const zooid_reply *reply);

/* First member of what needs to know more. Its item lives until the reply is there, cancelled or not. */
struct ask {
    struct item item;
    struct listener listener; /* the tag to submit with */
    zooid_ticket ticket;
    answered_fn *answered;
    void (*forget)(struct ask *ask); /* frees what the larger struct holds; NULL: nothing */
};

/* `size` is that of the larger struct. NULL: out of memory, which has been logged. */
void *ask_new(zooid_host *host, size_t size, answered_fn *answered);
/* After the submission of anything with &ask->listener as its tag. The handle; 0: the ticket was, and it is freed. */
zooid_handle ask_sent(struct ask *ask, zooid_ticket ticket);
/* Both in one. NULL for a request that could not be made is allowed. deadline_ms 0: none of our own. */
zooid_handle ask_submit(struct ask *ask, zooid_request *request, uint32_t deadline_ms);

/* -- replies as plugins see them: reply.c -----------------------------------------------------------------------------
 */

struct reply_view {
    struct zooid_plugin_reply reply;
    struct zooid_plugin_node *nodes;
    enum zooid_plugin_node_kind *kinds;
};

/* Which nodes a reply has: those of its list, names only, one, or none. */
enum reply_shape { REPLY_NODES, REPLY_NAMES, REPLY_ONE, REPLY_BYTES, REPLY_NOTHING };

/* What it points to lives as long as `from`. reply_view_end frees the rest. */
void reply_view_make(struct reply_view *view, const zooid_reply *from, enum reply_shape shape);
void reply_view_end(struct reply_view *view);
struct zooid_plugin_stat reply_stat(const struct zooid_stat *from); /* NULL gives zeros */
enum zooid_plugin_node_kind reply_kind(const struct zooid_stat *from);
