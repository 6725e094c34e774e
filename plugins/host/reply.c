/* reply.c - a reply of libzooid as plugins see it. */
#include "plugins/host/ask.h"

#include <stdlib.h>

struct zooid_plugin_stat reply_stat(const struct zooid_stat *from)
{
    if (from == NULL)
        return (struct zooid_plugin_stat){0};
    return (struct zooid_plugin_stat){
        .czxid = from->czxid,
        .mzxid = from->mzxid,
        .pzxid = from->pzxid,
        .ctime_ms = from->ctime,
        .mtime_ms = from->mtime,
        .version = from->version,
        .cversion = from->cversion,
        .aversion = from->aversion,
        .ephemeral_owner = from->ephemeral_owner,
        .data_length = from->data_length,
        .num_children = from->num_children,
    };
}

static struct zooid_plugin_node node_of(const zooid_reply *from, size_t index)
{
    const struct zooid_node *node = zooid_reply_node(from, index);
    return (struct zooid_plugin_node){
        .path = node->path,
        .data = node->data,
        .len = node->data_len,
        .stat = reply_stat(node->stat),
        .code = node->code,
    };
}

static struct zooid_plugin_node name_of(const zooid_reply *from, size_t index)
{
    return (struct zooid_plugin_node){.path = zooid_reply_name(from, index)};
}

static struct zooid_plugin_node one_of(const zooid_reply *from, size_t index)
{
    (void)index;
    return (struct zooid_plugin_node){
        .path = zooid_reply_path(from),
        .data = zooid_reply_data(from),
        .len = zooid_reply_data_len(from),
        .stat = reply_stat(zooid_reply_stat(from)),
    };
}

static size_t one(const zooid_reply *from)
{
    return zooid_reply_code(from) == ZOOID_OK;
}

static size_t none(const zooid_reply *from)
{
    (void)from;
    return 0;
}

static const struct {
    size_t (*count)(const zooid_reply *from);
    struct zooid_plugin_node (*node)(const zooid_reply *from, size_t index);
} shapes[] = {
    [REPLY_NODES] = {zooid_reply_node_count, node_of},
    [REPLY_NAMES] = {zooid_reply_name_count, name_of},
    [REPLY_ONE] = {one, one_of},
    [REPLY_BYTES] = {none, one_of},
    [REPLY_NOTHING] = {none, one_of},
};

static void take_nodes(struct reply_view *view, const zooid_reply *from, enum reply_shape shape)
{
    size_t count = shapes[shape].count(from);
    if (count == 0)
        return;
    view->nodes = calloc(count, sizeof *view->nodes);
    if (view->nodes == NULL) {
        view->reply.code = ZOOID_PLUGIN_NO_MEMORY;
        view->reply.message = zooid_code_text(ZOOID_NO_MEMORY);
        return;
    }
    for (size_t i = 0; i < count; i++)
        view->nodes[i] = shapes[shape].node(from, i);
    view->reply.nodes = view->nodes;
    view->reply.node_count = count;
}

void reply_view_make(struct reply_view *view, const zooid_reply *from, enum reply_shape shape)
{
    int code = from == NULL ? ZOOID_NO_MEMORY : zooid_reply_code(from);
    *view = (struct reply_view){.reply = {
                                    .size = sizeof view->reply,
                                    .code = code,
                                    .message = code == ZOOID_OK ? NULL : zooid_code_text(code),
                                }};
    if (from == NULL)
        return;
    if (code != ZOOID_OK)
        view->reply.message = zooid_reply_message(from);
    view->reply.retry = zooid_reply_retry(from);
    view->reply.outcome_unknown = zooid_reply_outcome_unknown(from);
    view->reply.zxid = zooid_reply_zxid(from);
    view->reply.age_ms = zooid_reply_age_ms(from);
    if (shape == REPLY_BYTES) {
        view->reply.bytes = zooid_reply_data(from);
        view->reply.bytes_len = zooid_reply_data_len(from);
    }
    take_nodes(view, from, shape);
}

void reply_view_end(struct reply_view *view)
{
    free(view->nodes);
}
