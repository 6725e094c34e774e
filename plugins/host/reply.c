/* reply.c - a reply of libzooid as plugins see it. */
#include "plugins/host/ask.h"

#include <assert.h>
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

static_assert((int)ZOOID_PLUGIN_KIND_PERSISTENT == (int)ZOOID_PERSISTENT, "the numbers of zooid.h");
static_assert((int)ZOOID_PLUGIN_KIND_EPHEMERAL == (int)ZOOID_EPHEMERAL, "the numbers of zooid.h");
static_assert((int)ZOOID_PLUGIN_KIND_CONTAINER == (int)ZOOID_CONTAINER, "the numbers of zooid.h");
static_assert((int)ZOOID_PLUGIN_KIND_TTL == (int)ZOOID_TTL, "the numbers of zooid.h");

enum zooid_plugin_node_kind reply_kind(const struct zooid_stat *from)
{
    return from == NULL ? ZOOID_PLUGIN_KIND_PERSISTENT : (enum zooid_plugin_node_kind)from->kind;
}

static struct zooid_plugin_node node_of(const zooid_reply *from, size_t index, enum zooid_plugin_node_kind *kind)
{
    const struct zooid_node *node = zooid_reply_node(from, index);
    *kind = reply_kind(node->stat);
    return (struct zooid_plugin_node){
        .path = node->path,
        .data = node->data,
        .len = node->data_len,
        .stat = reply_stat(node->stat),
        .code = node->code,
    };
}

static struct zooid_plugin_node name_of(const zooid_reply *from, size_t index, enum zooid_plugin_node_kind *kind)
{
    *kind = ZOOID_PLUGIN_KIND_PERSISTENT;
    return (struct zooid_plugin_node){.path = zooid_reply_name(from, index)};
}

static struct zooid_plugin_node one_of(const zooid_reply *from, size_t index, enum zooid_plugin_node_kind *kind)
{
    (void)index;
    *kind = reply_kind(zooid_reply_stat(from));
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
    struct zooid_plugin_node (*node)(const zooid_reply *from, size_t index, enum zooid_plugin_node_kind *kind);
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
    view->kinds = calloc(count, sizeof *view->kinds);
    if (view->nodes == NULL || view->kinds == NULL) {
        view->reply.code = ZOOID_PLUGIN_NO_MEMORY;
        view->reply.message = zooid_code_text(ZOOID_NO_MEMORY);
        return;
    }
    for (size_t i = 0; i < count; i++)
        view->nodes[i] = shapes[shape].node(from, i, &view->kinds[i]);
    view->reply.nodes = view->nodes;
    view->reply.node_kinds = view->kinds;
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
    free(view->kinds);
}
