/* local.c - operations of the local door: children in pages, several nodes at one zxid, subtrees at one zxid.
 *
 * What may not be read is left out of a page's data and of a subtree; of several nodes each has a code of its own. An
 * answer that would grow beyond the limit is refused whole. */
#include "core/base/mem.h"
#include "core/ops/access.h"
#include "core/ops/families.h"
#include "core/ops/traffic.h"
#include "core/tree/path_set.h"

enum {
    NAME_BYTES_GUESSED = 32, /* of one child in an answer */
    PAGE_NAMES_MAX = 10000,  /* however many are asked for */
};

static bool may_read(const struct read_context *context, const struct tree_node *node)
{
    return access_check(context->tree, context->rules, node->acl, PERMISSION_READ, context->who) == ST_OK;
}

static bool is_too_long(const struct read_context *context, const struct writer *w, size_t start)
{
    uint32_t max = context->rules->answer_bytes_max;
    return max > 0 && w->out->len - start > max;
}

/* -- a page of children ------------------------------------------------------------------------------------------- */

enum status list_page_decode(struct reader *r, union op_body *body)
{
    enum status st = list_page_request_read(r, &body->list_page);
    return st == ST_OK && bytes_is_null(body->list_page.path) ? ST_MARSHALLING_ERROR : st;
}

size_t list_page_weigh(const struct pending *pending, const union op_body *body)
{
    struct pending_node node;
    pending_look(pending, body->list_page.path, &node);
    size_t count = (size_t)node.child_count < PAGE_NAMES_MAX ? (size_t)node.child_count : PAGE_NAMES_MAX;
    return count * NAME_BYTES_GUESSED;
}

/* The smallest names behind `after`, as a heap with the largest on top: one walk, whatever the order of the children,
 * and no more memory than a page. */
struct page {
    const struct tree_node **nodes;
    size_t count, limit;
    bool complete; /* nothing was left out */
};

static bool is_before(const struct tree_node *a, const struct tree_node *b)
{
    return bytes_compare(tree_name(a), tree_name(b)) < 0;
}

static void sink(struct page *page, size_t at, size_t count)
{
    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && is_before(page->nodes[child], page->nodes[child + 1]))
            child++;
        if (!is_before(page->nodes[at], page->nodes[child]))
            return;
        const struct tree_node *moved = page->nodes[at];
        page->nodes[at] = page->nodes[child];
        page->nodes[child] = moved;
        at = child;
    }
}

static void page_add(struct page *page, const struct tree_node *node)
{
    if (page->count < page->limit) {
        page->nodes[page->count++] = node;
        for (size_t at = page->count == page->limit ? page->limit / 2 : 0; at > 0; at--)
            sink(page, at - 1, page->count); /* it has become a heap only now that it is full */
        return;
    }
    page->complete = false;
    if (is_before(node, page->nodes[0])) {
        page->nodes[0] = node;
        sink(page, 0, page->count);
    }
}

static void page_sort(struct page *page)
{
    for (size_t at = page->count / 2; at > 0; at--)
        sink(page, at - 1, page->count);
    for (size_t end = page->count; end > 1; end--) {
        const struct tree_node *largest = page->nodes[0];
        page->nodes[0] = page->nodes[end - 1];
        page->nodes[end - 1] = largest;
        sink(page, 0, end - 1);
    }
}

/* ST_NO_MEMORY; the nodes are the caller's to free. */
static enum status page_fill(const struct read_context *context, const struct tree_node *parent,
                             const struct list_page_request *request, struct page *page)
{
    size_t wanted = request->limit > 0 && request->limit < PAGE_NAMES_MAX ? (size_t)request->limit : PAGE_NAMES_MAX;
    *page = (struct page){.limit = parent->child_count < wanted ? parent->child_count : wanted, .complete = true};
    page->nodes = mem_alloc((page->limit + 1) * sizeof(struct tree_node *));
    if (page->nodes == NULL)
        return ST_NO_MEMORY;
    for (const struct tree_node *child = tree_first_child(context->tree, parent); child != NULL;
         child = tree_next_sibling(context->tree, child))
        if (bytes_is_null(request->after) || bytes_compare(tree_name(child), request->after) > 0)
            page_add(page, child);
    page_sort(page);
    return ST_OK;
}

/* A code, then data and stat when it is 0. Returns the bytes of the data. */
static size_t write_node(const struct read_context *context, const struct tree_node *node, struct writer *w)
{
    bool readable = node != NULL && may_read(context, node);
    write_i32(w, status_code(node == NULL ? ST_NO_NODE : readable ? ST_OK : ST_NO_AUTH));
    if (!readable)
        return 0;
    write_blob(w, tree_data(node));
    write_stat(context->tree, node, true, w);
    return tree_data(node).len;
}

/* A page with data ends early rather than growing too long: the first node always has its place. Returns the bytes of
 * names and data. */
static size_t write_page(const struct read_context *context, struct page *page, bool with_nodes, struct writer *w)
{
    size_t start = w->out->len;
    write_i32(w, 0);
    size_t written = 0, bytes = 0;
    while (written < page->count && (written == 0 || !is_too_long(context, w, start))) {
        write_text(w, tree_name(page->nodes[written]));
        bytes += tree_name(page->nodes[written]).len;
        if (with_nodes)
            bytes += write_node(context, page->nodes[written], w);
        written++;
    }
    if (w->status == ST_OK)
        write_i32_at(w, start, (int32_t)written);
    write_boolean(w, page->complete && written == page->count);
    return bytes;
}

enum status list_page_answer(const struct read_context *context, const union op_body *body, struct writer *w)
{
    const struct list_page_request *request = &body->list_page;
    const struct tree_node *node = tree_lookup(context->tree, request->path);
    struct page page;
    if (node == NULL)
        return ST_NO_NODE;
    if (access_check_names(context->tree, context->rules, node->acl, context->who) != ST_OK)
        return ST_NO_AUTH;
    enum status st = request->watch
                         ? watches_add(context->watches, context->client, request->path, WATCH_CHILD, WATCH_STANDARD)
                         : ST_OK;
    if (st == ST_OK)
        st = page_fill(context, node, request, &page);
    if (st != ST_OK)
        return st;
    traffic_read(context->metrics, request->path, write_page(context, &page, request->with_nodes, w));
    write_stat(context->tree, node, true, w);
    mem_free(page.nodes);
    return w->status;
}

/* None of them is null. */
static enum status check_paths(const struct texts *texts)
{
    struct reader paths = reader_of(texts->raw);
    enum status st = ST_OK;
    for (int32_t i = 0; st == ST_OK && i < texts->count; i++)
        if (bytes_is_null(read_text(&paths)))
            st = ST_MARSHALLING_ERROR;
    return st;
}

/* -- several nodes ------------------------------------------------------------------------------------------------ */

enum status read_many_decode(struct reader *r, union op_body *body)
{
    enum status st = read_many_request_read(r, &body->read_many);
    return st == ST_OK ? check_paths(&body->read_many.paths) : st;
}

size_t read_many_weigh(const struct pending *pending, const union op_body *body)
{
    struct reader paths = reader_of(body->read_many.paths.raw);
    size_t sum = 0;
    for (int32_t i = 0; i < body->read_many.paths.count; i++) {
        struct pending_node node;
        pending_look(pending, read_text(&paths), &node);
        sum += node.data_len;
        sum += body->read_many.with_children ? (size_t)node.child_count * NAME_BYTES_GUESSED : 0;
    }
    return sum;
}

static void write_one_of_many(const struct read_context *context, struct bytes path, bool with_children,
                              struct writer *w)
{
    const struct tree_node *node = tree_lookup(context->tree, path);
    size_t bytes = write_node(context, node, w);
    if (node == NULL || !may_read(context, node))
        return;
    if (with_children)
        bytes += write_names_of_children(context->tree, node, w);
    traffic_read(context->metrics, path, bytes);
}

enum status read_many_answer(const struct read_context *context, const union op_body *body, struct writer *w)
{
    const struct read_many_request *request = &body->read_many;
    struct reader paths = reader_of(request->paths.raw);
    size_t start = w->out->len;
    int32_t count = request->paths.count > 0 ? request->paths.count : 0;
    write_i32(w, count);
    for (int32_t i = 0; i < count; i++) {
        write_one_of_many(context, read_text(&paths), request->with_children, w);
        if (is_too_long(context, w, start))
            return ST_ANSWER_TOO_LONG;
    }
    return w->status;
}

/* -- subtrees ----------------------------------------------------------------------------------------------------- */

enum status subtree_decode(struct reader *r, union op_body *body)
{
    enum status st = subtree_request_read(r, &body->subtree);
    return st == ST_OK ? check_paths(&body->subtree.paths) : st;
}

static int32_t depth_below(const struct tree *tree, const struct tree_node *root, const struct tree_node *node)
{
    int32_t depth = 0;
    for (; node != root; node = tree_by_number(tree, node->parent))
        depth++;
    return depth;
}

/* An answer that is being written. */
struct subtree_walk {
    const struct read_context *context;
    int32_t depth_max; /* 0: none */
    bool without_data;
    struct buffer path;
    size_t start;
    int32_t count;
};

static enum status write_member(struct subtree_walk *walk, const struct tree_node *node, struct writer *w)
{
    walk->path.len = 0;
    enum status st = tree_path(walk->context->tree, node, &walk->path);
    if (st != ST_OK)
        return st;
    write_text(w, buffer_bytes(&walk->path));
    write_blob(w, walk->without_data ? BYTES_NULL : tree_data(node));
    write_stat(walk->context->tree, node, true, w);
    traffic_read(walk->context->metrics, buffer_bytes(&walk->path), walk->without_data ? 0 : tree_data(node).len);
    walk->count++;
    if (w->status != ST_OK)
        return w->status;
    return is_too_long(walk->context, w, walk->start) ? ST_ANSWER_TOO_LONG : ST_OK;
}

/* What lies no deeper below it than `told` has been written already: it lies below another of the paths. */
static enum status write_subtree(struct subtree_walk *walk, const struct tree_node *root, int32_t told,
                                 struct writer *w)
{
    const struct tree *tree = walk->context->tree;
    enum status st = ST_OK;
    for (const struct tree_node *node = tree_next_preorder(tree, root, NULL); node != NULL && st == ST_OK;
         node = tree_next_preorder(tree, root, node)) {
        int32_t depth = walk->depth_max > 0 ? depth_below(tree, root, node) : 0;
        if (depth <= walk->depth_max && depth > told && may_read(walk->context, node))
            st = write_member(walk, node, w);
    }
    return st;
}

static int32_t steps_between(struct bytes ancestor, struct bytes path)
{
    int32_t steps = 0;
    for (size_t i = ancestor.len; i < path.len; i++)
        steps += path.data[i] == '/';
    return steps;
}

static enum status write_each(struct subtree_walk *walk, const struct path_set *set, struct writer *w)
{
    enum status st = ST_OK;
    for (size_t i = 0; i < set->count && st == ST_OK; i++) {
        const struct path_set_entry *entry = &set->entries[i];
        const struct tree_node *root = tree_lookup(walk->context->tree, entry->path);
        bool is_below = entry->above >= 0;
        int32_t told = -1;
        if (is_below)
            told = walk->depth_max - steps_between(set->entries[entry->above].path, entry->path);
        if (root != NULL && !(is_below && walk->depth_max == 0))
            st = write_subtree(walk, root, told, w);
    }
    return st;
}

/* One path alone has to be there. */
static enum status check_alone(const struct read_context *context, struct bytes path)
{
    const struct tree_node *root = tree_lookup(context->tree, path);
    if (root == NULL)
        return ST_NO_NODE;
    return may_read(context, root) ? ST_OK : ST_NO_AUTH;
}

static enum status fill_path_set(struct path_set *set, struct texts texts)
{
    struct reader paths = reader_of(texts.raw);
    enum status st = path_set_begin(set, texts.count > 0 ? (size_t)texts.count : 0);
    for (int32_t i = 0; st == ST_OK && i < texts.count; i++)
        path_set_add(set, read_text(&paths));
    if (st == ST_OK)
        path_set_order(set);
    return st;
}

enum status subtree_answer(const struct read_context *context, const union op_body *body, struct writer *w)
{
    const struct subtree_request *request = &body->subtree;
    struct subtree_walk walk = {.context = context,
                                .depth_max = request->depth > 0 ? request->depth : 0,
                                .without_data = request->without_data,
                                .start = w->out->len};
    struct path_set set;
    enum status st = fill_path_set(&set, request->paths);
    if (st == ST_OK && request->paths.count == 1)
        st = check_alone(context, set.entries[0].path);
    write_i32(w, 0);
    if (st == ST_OK)
        st = write_each(&walk, &set, w);
    if (st == ST_OK)
        write_i32_at(w, walk.start, walk.count);
    buffer_free(&walk.path);
    path_set_free(&set);
    return st;
}
