/* local_decode.c - bodies of the replica's answers as messages to local clients. */
#include "agent/local/local_ops.h"

#include "core/ops/op.h"

#define FROM(name) ZOOID__LOCAL__FROM_AGENT__BODY_##name

/* -- what messages are made of ------------------------------------------------------------------------------------ */

static void *take(struct local_decoding *d, size_t size)
{
    void *block = arena_alloc(d->arena, size);
    if (block == NULL)
        d->status = ST_NO_MEMORY;
    return block;
}

static char *take_text(struct local_decoding *d, struct bytes text)
{
    char *copy = arena_text(d->arena, text.data, text.len);
    if (copy == NULL)
        d->status = ST_NO_MEMORY;
    return copy;
}

/* Room for as many pointers as the answer can hold: each element has a length of four bytes at least. */
static void *take_array(struct local_decoding *d, const struct reader *r, int32_t count)
{
    size_t most = reader_left(r) / 4 + 1;
    size_t wanted = count < 0 ? 0 : (size_t)count;
    return take(d, (wanted < most ? wanted : most) * sizeof(void *) + 1);
}

static Zooid__Local__Stat *take_stat(struct local_decoding *d, struct reader *r)
{
    struct node_stat stat;
    Zooid__Local__Stat *to = take(d, sizeof *to);
    node_stat_read(r, &stat);
    if (to != NULL)
        local_fill_stat(to, &stat, replica_tree(d->request->client->local->parts.replica));
    return to;
}

static Zooid__Local__Node *take_node(struct local_decoding *d)
{
    Zooid__Local__Node *node = take(d, sizeof *node);
    if (node != NULL)
        zooid__local__node__init(node);
    return node;
}

static void put_data(Zooid__Local__Node *node, struct bytes data)
{
    node->has_data = !bytes_is_null(data);
    node->data = (ProtobufCBinaryData){data.len, (uint8_t *)(uintptr_t)data.data};
}

static Zooid__Local__Node *put_node(struct local_decoding *d)
{
    Zooid__Local__Node *node = take_node(d);
    d->message->body_case = FROM(NODE);
    d->message->node = node;
    return node;
}

/* -- one node ----------------------------------------------------------------------------------------------------- */

void decode_data(struct local_decoding *d, struct reader *r)
{
    Zooid__Local__Node *node = put_node(d);
    struct bytes data = read_blob(r);
    if (node == NULL)
        return;
    put_data(node, data);
    node->stat = take_stat(d, r);
}

void decode_stat(struct local_decoding *d, struct reader *r)
{
    Zooid__Local__Node *node = put_node(d);
    if (node != NULL)
        node->stat = take_stat(d, r);
}

void decode_created(struct local_decoding *d, struct reader *r)
{
    Zooid__Local__Node *node = put_node(d);
    struct bytes path = read_text(r);
    if (node == NULL)
        return;
    node->path = take_text(d, path);
    node->stat = take_stat(d, r);
}

/* -- many --------------------------------------------------------------------------------------------------------- */

/* A code, then data and stat when it is 0. */
static void read_coded_node(struct local_decoding *d, struct reader *r, Zooid__Local__Node *node)
{
    node->has_code = true;
    node->code = read_i32(r);
    if (node->code != 0)
        return;
    put_data(node, read_blob(r));
    node->stat = take_stat(d, r);
}

static char **read_names(struct local_decoding *d, struct reader *r, size_t *n)
{
    int32_t count = read_i32(r);
    char **names = take_array(d, r, count);
    *n = 0;
    for (int32_t i = 0; i < count && r->status == ST_OK && d->status == ST_OK; i++) {
        struct bytes name = read_text(r);
        names[(*n)++] = take_text(d, name);
    }
    return names;
}

void decode_page(struct local_decoding *d, struct reader *r)
{
    Zooid__Local__Children *children = take(d, sizeof *children);
    int32_t count = read_i32(r);
    if (children == NULL)
        return;
    zooid__local__children__init(children);
    d->message->body_case = FROM(CHILDREN);
    d->message->children = children;
    children->name = take_array(d, r, count);
    children->node = d->request->with_nodes ? take_array(d, r, count) : NULL;
    for (int32_t i = 0; i < count && r->status == ST_OK && d->status == ST_OK; i++) {
        struct bytes name = read_text(r);
        children->name[children->n_name++] = take_text(d, name);
        Zooid__Local__Node *node = d->request->with_nodes ? take_node(d) : NULL;
        if (node == NULL)
            continue;
        read_coded_node(d, r, node);
        children->node[children->n_node++] = node;
    }
    children->has_complete = true;
    children->complete = read_boolean(r);
    children->stat = take_stat(d, r);
}

static Zooid__Local__Nodes *put_nodes(struct local_decoding *d, const struct reader *r, int32_t count)
{
    Zooid__Local__Nodes *nodes = take(d, sizeof *nodes);
    if (nodes == NULL)
        return NULL;
    zooid__local__nodes__init(nodes);
    nodes->node = take_array(d, r, count);
    d->message->body_case = FROM(NODES);
    d->message->nodes = nodes;
    return nodes->node == NULL ? NULL : nodes;
}

void decode_many(struct local_decoding *d, struct reader *r)
{
    int32_t count = read_i32(r);
    Zooid__Local__Nodes *nodes = put_nodes(d, r, count);
    for (int32_t i = 0; nodes != NULL && i < count && r->status == ST_OK; i++) {
        Zooid__Local__Node *node = take_node(d);
        if (node == NULL)
            return;
        read_coded_node(d, r, node);
        if (d->request->with_children && node->code == 0)
            node->child = read_names(d, r, &node->n_child);
        nodes->node[nodes->n_node++] = node;
    }
}

void decode_subtree(struct local_decoding *d, struct reader *r)
{
    int32_t count = read_i32(r);
    Zooid__Local__Nodes *nodes = put_nodes(d, r, count);
    for (int32_t i = 0; nodes != NULL && i < count && r->status == ST_OK; i++) {
        Zooid__Local__Node *node = take_node(d);
        struct bytes path = read_text(r), data = read_blob(r);
        if (node == NULL)
            return;
        node->path = take_text(d, path);
        put_data(node, data);
        node->stat = take_stat(d, r);
        nodes->node[nodes->n_node++] = node;
    }
}

void decode_paths(struct local_decoding *d, struct reader *r)
{
    Zooid__Local__Paths *paths = take(d, sizeof *paths);
    if (paths == NULL)
        return;
    zooid__local__paths__init(paths);
    paths->path = read_names(d, r, &paths->n_path);
    d->message->body_case = FROM(PATHS);
    d->message->paths = paths;
}

void decode_count(struct local_decoding *d, struct reader *r)
{
    Zooid__Local__Count *count = take(d, sizeof *count);
    int32_t number = read_i32(r);
    if (count == NULL)
        return;
    zooid__local__count__init(count);
    count->has_count = true;
    count->count = number < 0 ? 0 : (uint64_t)number;
    d->message->body_case = FROM(COUNT);
    d->message->count = count;
}

/* -- ACLs and identities ------------------------------------------------------------------------------------------ */

void decode_acls(struct local_decoding *d, struct reader *r)
{
    struct acls list = read_acls(r);
    struct reader entries = reader_of(list.raw);
    struct acl_entry entry;
    Zooid__Local__Acls *acls = take(d, sizeof *acls);
    if (acls == NULL)
        return;
    zooid__local__acls__init(acls);
    acls->acl = take_array(d, &entries, list.count);
    while (acls->acl != NULL && acls_next(&entries, &entry)) {
        acls->acl[acls->n_acl] = local_acl_read(d->arena, &entry);
        if (acls->acl[acls->n_acl++] == NULL) {
            d->status = ST_NO_MEMORY;
            return;
        }
    }
    acls->stat = take_stat(d, r);
    d->message->body_case = FROM(ACLS);
    d->message->acls = acls;
}

static void add_identity(struct local_decoding *d, Zooid__Local__Identities *list, const char *scheme, struct bytes id)
{
    Zooid__Local__Identity *identity = take(d, sizeof *identity);
    if (identity == NULL)
        return;
    zooid__local__identity__init(identity);
    identity->scheme = take_text(d, bytes_of(scheme));
    identity->id = take_text(d, id);
    list->identity[list->n_identity++] = identity;
}

static void add_numbered(struct local_decoding *d, Zooid__Local__Identities *list, const char *kind, unsigned number)
{
    char id[32];
    (void)snprintf(id, sizeof id, "%s:%u", kind, number);
    add_identity(d, list, "unix", bytes_of(id));
}

/* ZooKeeper's answer has of a digest only what stands before the colon: the kernel's word comes from the client itself.
 */
void decode_identities(struct local_decoding *d, struct reader *r)
{
    const struct local_client *c = d->request->client;
    int32_t count = read_i32(r);
    Zooid__Local__Identities *list = take(d, sizeof *list);
    if (list == NULL)
        return;
    zooid__local__identities__init(list);
    list->identity = take_array(d, r, count);
    if (list->identity == NULL)
        return;
    add_numbered(d, list, "uid", (unsigned)c->uid);
    for (size_t i = 0; i < c->group_count; i++)
        add_numbered(d, list, "gid", (unsigned)c->groups[i]);
    for (int32_t i = 0; i < count && r->status == ST_OK && d->status == ST_OK; i++) {
        struct client_info info;
        client_info_read(r, &info);
        if (!bytes_equal(info.user, BYTES("unix-uid")) && !bytes_equal(info.user, BYTES("unix-gid"))) {
            char scheme[32];
            (void)snprintf(scheme, sizeof scheme, "%.*s", BYTES_PRINT(info.scheme));
            add_identity(d, list, scheme, info.user);
        }
    }
    d->message->body_case = FROM(IDENTITIES);
    d->message->identities = list;
}

/* -- multi -------------------------------------------------------------------------------------------------------- */

static void read_result(struct local_decoding *d, struct reader *r, const struct multi_header *header,
                        Zooid__Local__Result *result)
{
    result->has_code = true;
    result->code = header->err;
    if (header->type == TXN_ERROR) {
        result->code = read_i32(r);
        return;
    }
    bool has_path = header->type == TXN_CREATE || header->type == TXN_CREATE2;
    bool has_stat = header->type == TXN_CREATE2 || header->type == TXN_SET_DATA;
    if (!has_path && !has_stat)
        return;
    result->node = take_node(d);
    struct bytes path = has_path ? read_text(r) : BYTES_NULL;
    if (result->node == NULL)
        return;
    result->node->path = has_path ? take_text(d, path) : NULL;
    result->node->stat = has_stat ? take_stat(d, r) : NULL;
}

/* The first real failure is the multi's own; the others stand for those that were not run. */
static void note_failure(struct local_decoding *d, const Zooid__Local__Results *results)
{
    for (size_t i = 0; i < results->n_result; i++) {
        int32_t code = results->result[i]->code;
        if (code == 0 || code == ZOOID__LOCAL__CODE__NOT_RUN)
            continue;
        Zooid__Local__Error *error = take(d, sizeof *error);
        if (error == NULL)
            return;
        zooid__local__error__init(error);
        error->has_code = error->has_retry = true;
        error->code = code;
        error->message = (char *)(uintptr_t)status_text(status_from_code(code));
        error->retry = local_may_retry(code);
        d->message->error = error;
        return;
    }
}

void decode_results(struct local_decoding *d, struct reader *r)
{
    Zooid__Local__Results *results = take(d, sizeof *results);
    if (results == NULL)
        return;
    zooid__local__results__init(results);
    results->result = take_array(d, r, INT32_MAX);
    struct multi_header header;
    while (results->result != NULL && multi_header_read(r, &header) == ST_OK && !header.done) {
        Zooid__Local__Result *result = take(d, sizeof *result);
        if (result == NULL)
            return;
        zooid__local__result__init(result);
        read_result(d, r, &header, result);
        results->result[results->n_result++] = result;
    }
    d->message->body_case = FROM(RESULTS);
    d->message->results = results;
    note_failure(d, results);
}
