/* read.c - exists, getData, getChildren, getChildren2, getAllChildrenNumber, getEphemerals, multiRead's parts
 * (client-protocol 3.2: which check comes first, and when the watch is set). */
#include "core/ops/access.h"
#include "core/ops/families.h"
#include "core/ops/traffic.h"
#include "core/tree/path.h"

enum {
    NAME_BYTES_GUESSED = 32 /* of one child in an answer */
};

enum status path_watch_decode(struct reader *r, union op_body *body)
{
    enum status st = path_watch_request_read(r, &body->path_watch);
    return st == ST_OK && bytes_is_null(body->path_watch.path) ? ST_MARSHALLING_ERROR : st;
}

enum status path_decode(struct reader *r, union op_body *body)
{
    enum status st = path_request_read(r, &body->path);
    return st == ST_OK && bytes_is_null(body->path.path) ? ST_MARSHALLING_ERROR : st;
}

enum status path_or_null_decode(struct reader *r, union op_body *body)
{
    return path_request_read(r, &body->path);
}

static enum status add_watch(const struct read_context *context, const struct path_watch_request *request,
                             enum watch_table table)
{
    if (!request->watch || context->watches == NULL)
        return ST_OK;
    return watches_add(context->watches, context->client, request->path, table, WATCH_STANDARD);
}

void write_stat(const struct tree *tree, const struct tree_node *node, bool owned, struct writer *w)
{
    struct node_stat stat;
    if (owned)
        tree_stat_owned(node, &stat);
    else
        tree_stat(tree, node, &stat);
    node_stat_write(w, &stat);
}

/* The node, if it exists and may be read; then the watch, if it is wanted. */
static enum status open_node(const struct read_context *context, const struct path_watch_request *request,
                             const struct tree_node **node)
{
    *node = tree_lookup(context->tree, request->path);
    if (*node == NULL)
        return ST_NO_NODE;
    enum status st = access_check(context->tree, context->rules, (*node)->acl, PERMISSION_READ, context->who);
    return st == ST_OK ? add_watch(context, request, WATCH_DATA) : st;
}

/* The same for its children's names. */
static enum status open_children(const struct read_context *context, const struct path_watch_request *request,
                                 const struct tree_node **node)
{
    *node = tree_lookup(context->tree, request->path);
    if (*node == NULL)
        return ST_NO_NODE;
    enum status st = access_check_names(context->tree, context->rules, (*node)->acl, context->who);
    return st == ST_OK ? add_watch(context, request, WATCH_CHILD) : st;
}

/* A missing node leaves the watch: that is how one waits for a node. One that may not be read leaves none, and is
 * refused since 3.7.3 (CVE-2024-23944's sibling ZOOKEEPER-4799). */
enum status exists_answer(const struct read_context *context, const union op_body *body, struct writer *w)
{
    const struct path_watch_request *request = &body->path_watch;
    if (memchr(request->path.data, 0, request->path.len) != NULL)
        return ST_BAD_ARGUMENTS;
    const struct tree_node *node;
    enum status st = open_node(context, request, &node);
    if (st == ST_NO_NODE && add_watch(context, request, WATCH_DATA) != ST_OK)
        return ST_SYSTEM_ERROR;
    if (st == ST_OK)
        write_stat(context->tree, node, context->shows_owners, w);
    if (st == ST_OK)
        traffic_read(context->metrics, request->path, 0);
    return st;
}

enum status get_data_answer(const struct read_context *context, const union op_body *body, struct writer *w)
{
    const struct tree_node *node;
    enum status st = open_node(context, &body->path_watch, &node);
    if (st != ST_OK)
        return st;
    write_blob(w, tree_data(node));
    write_stat(context->tree, node, context->shows_owners, w);
    traffic_read(context->metrics, body->path_watch.path, tree_data(node).len);
    return ST_OK;
}

size_t get_data_weigh(const struct pending *pending, const union op_body *body)
{
    struct pending_node node;
    pending_look(pending, body->path_watch.path, &node);
    return node.data_len;
}

size_t get_children_weigh(const struct pending *pending, const union op_body *body)
{
    struct pending_node node;
    pending_look(pending, body->path_watch.path, &node);
    return (size_t)node.child_count * NAME_BYTES_GUESSED;
}

size_t write_names_of_children(const struct tree *tree, const struct tree_node *node, struct writer *w)
{
    size_t bytes = 0;
    write_i32(w, (int32_t)node->child_count);
    for (const struct tree_node *child = tree_first_child(tree, node); child != NULL;
         child = tree_next_sibling(tree, child)) {
        write_text(w, tree_name(child));
        bytes += tree_name(child).len;
    }
    return bytes;
}

static void write_children(const struct read_context *context, struct bytes path, const struct tree_node *node,
                           struct writer *w)
{
    traffic_read(context->metrics, path, write_names_of_children(context->tree, node, w));
}

enum status get_children_answer(const struct read_context *context, const union op_body *body, struct writer *w)
{
    const struct tree_node *node;
    enum status st = open_children(context, &body->path_watch, &node);
    if (st == ST_OK)
        write_children(context, body->path_watch.path, node, w);
    return st;
}

enum status get_children2_answer(const struct read_context *context, const union op_body *body, struct writer *w)
{
    const struct tree_node *node;
    enum status st = open_children(context, &body->path_watch, &node);
    if (st != ST_OK)
        return st;
    write_children(context, body->path_watch.path, node, w);
    write_stat(context->tree, node, context->shows_owners, w);
    return ST_OK;
}

enum status get_all_children_number_answer(const struct read_context *context, const union op_body *body,
                                           struct writer *w)
{
    const struct path_watch_request request = {body->path.path, false};
    const struct tree_node *node;
    enum status st = open_children(context, &request, &node);
    if (st == ST_OK)
        write_i32(w, (int32_t)tree_descendants(context->tree, node));
    return st;
}

/* Prefixes are compared as text, as Apache does: "/a" finds "/ab" too. */
enum status get_ephemerals_answer(const struct read_context *context, const union op_body *body, struct writer *w)
{
    struct bytes prefix = body->path.path;
    size_t count_at = w->out->len, count = 0;
    int32_t found = 0;
    struct buffer path = {0};
    const uint32_t *numbers = tree_ephemerals(context->tree, context->session_id, &count);
    enum status st = ST_OK;
    write_i32(w, 0);
    for (size_t i = 0; i < count && st == ST_OK; i++) {
        path.len = 0;
        st = tree_path(context->tree, tree_by_number(context->tree, numbers[i]), &path);
        if (st == ST_OK && bytes_starts_with(buffer_bytes(&path), prefix)) {
            write_text(w, buffer_bytes(&path));
            found++;
        }
    }
    write_i32_at(w, count_at, found);
    buffer_free(&path);
    return st;
}

enum status ping_answer(const struct read_context *context, const union op_body *body, struct writer *w)
{
    (void)context;
    (void)body;
    (void)w;
    return ST_OK;
}

/* By the time it is answered every txn prepared before it has been applied: the replica sees to that. */
enum status sync_answer(const struct read_context *context, const union op_body *body, struct writer *w)
{
    (void)context;
    write_text(w, body->path.path);
    return ST_OK;
}
