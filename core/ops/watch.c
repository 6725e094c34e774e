/* watch.c - setWatches, setWatches2, addWatch, checkWatches, removeWatches (client-protocol 6). */
#include "core/ops/families.h"

enum add_watch_mode {
    ADD_WATCH_PERSISTENT = 0,
    ADD_WATCH_RECURSIVE = 1,
};

enum status set_watches_decode(struct reader *r, union op_body *body)
{
    struct set_watches_request request;
    enum status st = set_watches_request_read(r, &request);
    const struct texts none = {0, {NULL, 0}};
    body->set_watches = (struct set_watches2_request){request.relative_zxid, request.data, request.exist,
                                                      request.child,         none,         none};
    bool has_null = request.data.count < 0 || request.exist.count < 0 || request.child.count < 0;
    return st == ST_OK && has_null ? ST_MARSHALLING_ERROR : st;
}

enum status set_watches2_decode(struct reader *r, union op_body *body)
{
    struct set_watches2_request *request = &body->set_watches;
    enum status st = set_watches2_request_read(r, request);
    bool has_null = request->data.count < 0 || request->exist.count < 0 || request->child.count < 0 ||
                    request->persistent.count < 0 || request->persistent_recursive.count < 0;
    return st == ST_OK && has_null ? ST_MARSHALLING_ERROR : st;
}

/* What one list of setWatches asks about a path: the event that was missed meanwhile, or 0. */
typedef enum watch_event missed_fn(const struct tree_node *node, int64_t since);

static enum watch_event missed_data(const struct tree_node *node, int64_t since)
{
    if (node == NULL)
        return EVENT_NODE_DELETED;
    return node->mzxid > since ? EVENT_NODE_DATA_CHANGED : 0;
}

static enum watch_event missed_creation(const struct tree_node *node, int64_t since)
{
    (void)since;
    return node != NULL ? EVENT_NODE_CREATED : 0;
}

static enum watch_event missed_children(const struct tree_node *node, int64_t since)
{
    if (node == NULL)
        return EVENT_NODE_DELETED;
    return node->pzxid > since ? EVENT_NODE_CHILDREN_CHANGED : 0;
}

static enum status set_again(const struct read_context *context, struct texts paths, int64_t since, missed_fn *missed,
                             enum watch_table table)
{
    struct reader r = reader_of(paths.raw);
    enum status st = ST_OK;
    for (int32_t i = 0; i < paths.count && st == ST_OK; i++) {
        struct bytes path = read_text(&r);
        if (bytes_is_null(path))
            return ST_MARSHALLING_ERROR;
        enum watch_event event = missed(tree_lookup(context->tree, path), since);
        st = event != 0 ? context->send_event(context->context, event, path)
                        : watches_add(context->watches, context->client, path, table, WATCH_STANDARD);
    }
    return st;
}

static enum status set_persistent_again(const struct read_context *context, struct texts paths, enum watch_mode mode)
{
    struct reader r = reader_of(paths.raw);
    enum status st = ST_OK;
    for (int32_t i = 0; i < paths.count && st == ST_OK; i++) {
        struct bytes path = read_text(&r);
        st = bytes_is_null(path) ? ST_MARSHALLING_ERROR
                                 : watches_add_persistent(context->watches, context->client, path, mode);
    }
    return st;
}

/* The lists in the order of client-protocol 6.5: a path that stands in two gets two events. */
enum status set_watches_answer(const struct read_context *context, const union op_body *body, struct writer *w)
{
    (void)w;
    const struct set_watches2_request *request = &body->set_watches;
    int64_t since = request->relative_zxid;
    enum status st = set_again(context, request->data, since, missed_data, WATCH_DATA);
    if (st == ST_OK)
        st = set_again(context, request->exist, since, missed_creation, WATCH_DATA);
    if (st == ST_OK)
        st = set_again(context, request->child, since, missed_children, WATCH_CHILD);
    if (st == ST_OK)
        st = set_persistent_again(context, request->persistent, WATCH_PERSISTENT);
    if (st == ST_OK)
        st = set_persistent_again(context, request->persistent_recursive, WATCH_RECURSIVE);
    return st;
}

enum status add_watch_decode(struct reader *r, union op_body *body)
{
    enum status st = path_type_request_read(r, &body->path_type);
    int32_t mode = body->path_type.type;
    bool bad = bytes_is_null(body->path_type.path) || (mode != ADD_WATCH_PERSISTENT && mode != ADD_WATCH_RECURSIVE);
    return st == ST_OK && bad ? ST_MARSHALLING_ERROR : st;
}

enum status add_watch_answer(const struct read_context *context, const union op_body *body, struct writer *w)
{
    enum watch_mode mode = body->path_type.type == ADD_WATCH_RECURSIVE ? WATCH_RECURSIVE : WATCH_PERSISTENT;
    enum status st = watches_add_persistent(context->watches, context->client, body->path_type.path, mode);
    if (st == ST_OK)
        write_i32(w, 0);
    return st;
}

enum status watcher_type_decode(struct reader *r, union op_body *body)
{
    enum status st = path_type_request_read(r, &body->path_type);
    int32_t type = body->path_type.type;
    bool bad = bytes_is_null(body->path_type.path) || type < WATCHER_CHILDREN || type > WATCHER_PERSISTENT_RECURSIVE;
    return st == ST_OK && bad ? ST_MARSHALLING_ERROR : st;
}

enum status check_watches_answer(const struct read_context *context, const union op_body *body, struct writer *w)
{
    (void)w;
    const struct path_type_request *request = &body->path_type;
    bool has = watches_has(context->watches, context->client, request->path, (enum watcher_type)request->type);
    return has ? ST_OK : ST_NO_WATCHER;
}

enum status remove_watches_answer(const struct read_context *context, const union op_body *body, struct writer *w)
{
    (void)w;
    const struct path_type_request *request = &body->path_type;
    return watches_remove(context->watches, context->client, request->path, (enum watcher_type)request->type);
}
