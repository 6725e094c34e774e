/* create.c - create, create2, createContainer, createTTL (client-protocol 3.2, 4.2, 4.3). */
#include "core/jute/txn.h"
#include "core/ops/access.h"
#include "core/ops/audit.h"
#include "core/ops/families.h"
#include "core/ops/prepare_checks.h"
#include "core/ops/traffic.h"
#include "core/tree/path.h"

enum status create_decode(struct reader *r, union op_body *body)
{
    struct create_request request;
    enum status st = create_request_read(r, &request);
    body->create = (struct create_ttl_request){request.path, request.data, request.acl, request.flags, -1};
    return st == ST_OK && bytes_is_null(request.path) ? ST_MARSHALLING_ERROR : st;
}

enum status create_ttl_decode(struct reader *r, union op_body *body)
{
    enum status st = create_ttl_request_read(r, &body->create);
    return st == ST_OK && bytes_is_null(body->create.path) ? ST_MARSHALLING_ERROR : st;
}

static bool is_ttl(int32_t flags)
{
    return flags == CREATE_FLAGS_TTL || flags == CREATE_FLAGS_TTL_SEQUENTIAL;
}

static bool is_sequential(int32_t flags)
{
    return flags == CREATE_FLAG_SEQUENTIAL || flags == (CREATE_FLAG_EPHEMERAL | CREATE_FLAG_SEQUENTIAL) ||
           flags == CREATE_FLAGS_TTL_SEQUENTIAL;
}

static bool is_ephemeral(int32_t flags)
{
    return flags == CREATE_FLAG_EPHEMERAL || flags == (CREATE_FLAG_EPHEMERAL | CREATE_FLAG_SEQUENTIAL);
}

bool create_makes_ephemeral(const union op_body *body)
{
    return is_ephemeral(body->create.flags);
}

/* createTTL with flags that are no TTL's passes Apache's checks when its ttl is -1, and kills the server when it is
 * applied, and again at each restart: here it is refused (client-protocol 3.2, "poison request"). */
static enum status check_flags(const struct op_rules *rules, const struct op *op,
                               const struct create_ttl_request *request)
{
    if (request->flags < 0 || request->flags > CREATE_FLAGS_LAST)
        return ST_BAD_ARGUMENTS;
    if (is_ttl(request->flags)) {
        if (!rules->extended_types)
            return ST_UNIMPLEMENTED;
        return request->ttl_ms >= 1 && request->ttl_ms <= TTL_MS_MAX ? ST_OK : ST_BAD_ARGUMENTS;
    }
    return op->number == TXN_CREATE_TTL ? ST_BAD_ARGUMENTS : ST_OK;
}

static int64_t owner_of(const struct prepare *p, const struct op *op, const struct create_ttl_request *request)
{
    if (op->number == TXN_CREATE_CONTAINER)
        return OWNER_CONTAINER;
    if (op->number == TXN_CREATE_TTL)
        return (int64_t)(OWNER_TTL_MASK | (uint64_t)request->ttl_ms);
    return is_ephemeral(request->flags) ? p->session_id : 0;
}

/* Ephemerals of sessions have no children; containers and TTL nodes may. */
bool owner_is_session(const struct op_rules *rules, int64_t owner)
{
    if (owner == 0 || owner == OWNER_CONTAINER)
        return false;
    return !(rules->extended_types && ((uint64_t)owner & OWNER_TTL_MASK) == OWNER_TTL_MASK);
}

/* The path with its sequence suffix, in the scratch. */
static enum status add_sequence(struct prepare *p, struct bytes *path, int32_t cversion)
{
    if (cversion == INT32_MAX)
        return ST_BAD_ARGUMENTS; /* the counter is used up; a name that wraps around would break every recipe */
    p->path_scratch->len = 0;
    enum status st = buffer_append(p->path_scratch, path->data, path->len);
    if (st == ST_OK)
        st = path_append_sequence(p->path_scratch, cversion);
    *path = buffer_bytes(p->path_scratch);
    return st;
}

static void write_record(struct writer *w, const struct op *op, const struct create_ttl_request *request,
                         struct bytes path, struct acls acl, int32_t parent_cversion)
{
    if (op->number == TXN_CREATE_CONTAINER) {
        create_container_txn_write(w, &(struct create_container_txn){path, request->data, acl, parent_cversion});
    } else if (op->number == TXN_CREATE_TTL) {
        create_ttl_txn_write(w, &(struct create_ttl_txn){path, request->data, acl, parent_cversion, request->ttl_ms});
    } else {
        bool ephemeral = is_ephemeral(request->flags);
        create_txn_write(w, &(struct create_txn){path, request->data, acl, ephemeral, parent_cversion});
    }
}

/* What parent and child will be. */
static enum status note_change(struct prepare *p, const struct tree_create *create, struct pending_node *parent)
{
    struct acl_table *acls = tree_acls(pending_tree(p->pending));
    struct pending_node node = {.exists = true, .data_len = (uint32_t)create->data.len};
    enum status st = acl_intern(acls, create->acl, &node.acl);
    if (st != ST_OK)
        return st;
    node.stat = (struct stat_persisted){.czxid = p->zxid,
                                        .mzxid = p->zxid,
                                        .ctime = p->time_ms,
                                        .mtime = p->time_ms,
                                        .ephemeral_owner = create->owner,
                                        .pzxid = p->zxid};
    if (create->parent_cversion > parent->stat.cversion) { /* as the tree does it, quorum-protocol 4.3 */
        parent->stat.cversion = create->parent_cversion;
        parent->stat.pzxid = p->zxid;
    }
    parent->child_count++;
    st = pending_change(p->pending, path_parent(create->path), parent, NULL);
    if (st == ST_OK)
        st = pending_change(p->pending, create->path, &node, &create->data);
    acl_release(acls, node.acl);
    return st;
}

/* Checks 8 to 13 of client-protocol 3.2; `create` has its path with the suffix afterwards. */
static enum status check_place(struct prepare *p, const struct create_ttl_request *request, struct tree_create *create,
                               struct pending_node *parent)
{
    pending_look(p->pending, path_parent(create->path), parent);
    if (!parent->exists)
        return ST_NO_NODE;
    enum status st = access_check(pending_tree(p->pending), p->rules, parent->acl, PERMISSION_CREATE, p->who);
    if (st == ST_OK && is_sequential(request->flags))
        st = add_sequence(p, &create->path, parent->stat.cversion);
    if (st == ST_OK)
        st = path_validate(create->path);
    if (st != ST_OK)
        return st;
    struct pending_node node;
    pending_look(p->pending, create->path, &node);
    if (node.exists)
        return ST_NODE_EXISTS;
    if (owner_is_session(p->rules, parent->stat.ephemeral_owner))
        return ST_NO_CHILDREN_FOR_EPHEMERALS;
    return quota_check(p, create->path, 1, (int64_t)request->data.len);
}

enum status create_decided(struct prepare *p, const struct op *op, const struct create_ttl_request *request,
                           struct tree_create *create, struct pending_node *parent, struct writer *record)
{
    create->parent_cversion = parent->stat.cversion < INT32_MAX ? parent->stat.cversion + 1 : INT32_MAX;
    write_record(record, op, request, create->path, create->acl, create->parent_cversion);
    return note_change(p, create, parent);
}

enum status create_prepare(struct prepare *p, const struct op *op, const union op_body *body, struct writer *record)
{
    const struct create_ttl_request *request = &body->create;
    struct tree_create create = {.path = request->path, .data = request->data, .owner = owner_of(p, op, request)};
    struct pending_node parent;
    enum status st = check_flags(p->rules, op, request);
    if (st == ST_OK && op->makes_ephemeral != NULL && is_ephemeral(request->flags))
        st = p->ephemerals;
    if (st == ST_OK && !path_has_parent(request->path))
        st = ST_BAD_ARGUMENTS;
    if (st == ST_OK)
        st = access_fix_up(p->rules, request->acl, p->who, p->acl_scratch, &create.acl);
    if (st == ST_OK)
        st = check_place(p, request, &create, &parent);
    return st == ST_OK ? create_decided(p, op, request, &create, &parent, record) : st;
}

/* The answer to opcode 1 has no stat (client-protocol 1.6). */
static void write_answer(struct apply *a, struct bytes path, struct writer *answer)
{
    if (answer == NULL)
        return;
    write_text(answer, path);
    if (a->header->type == TXN_CREATE)
        return;
    write_stat_of(a, path, answer);
}

static enum status apply(struct apply *a, struct tree_create *create, struct writer *answer)
{
    create->zxid = a->header->zxid;
    create->time_ms = a->header->time_ms;
    enum status st = tree_create(a->tree, create);
    if (st != ST_OK)
        return st;
    if (a->changed != NULL)
        a->changed(a->context, EVENT_NODE_CREATED, create->path);
    if (a->history != NULL)
        changes_note(a->history, a->tree, a->header->zxid, CHANGE_CREATED, create->path);
    traffic_written(a->metrics, create->path, create->data.len);
    write_answer(a, create->path, answer);
    return ST_OK;
}

enum status create_apply(struct apply *a, struct bytes record, struct writer *answer)
{
    struct create_txn txn;
    if (txn_read_create(record, &txn) != ST_OK)
        return ST_CORRUPT;
    return apply(a,
                 &(struct tree_create){.path = txn.path,
                                       .data = txn.data,
                                       .acl = txn.acl,
                                       .owner = txn.ephemeral ? a->header->client_id : 0,
                                       .parent_cversion = txn.parent_cversion},
                 answer);
}

enum status create_container_apply(struct apply *a, struct bytes record, struct writer *answer)
{
    struct reader r = reader_of(record);
    struct create_container_txn txn;
    if (create_container_txn_read(&r, &txn) != ST_OK)
        return ST_CORRUPT;
    return apply(a,
                 &(struct tree_create){.path = txn.path,
                                       .data = txn.data,
                                       .acl = txn.acl,
                                       .owner = OWNER_CONTAINER,
                                       .parent_cversion = txn.parent_cversion},
                 answer);
}

enum status create_ttl_apply(struct apply *a, struct bytes record, struct writer *answer)
{
    struct reader r = reader_of(record);
    struct create_ttl_txn txn;
    if (create_ttl_txn_read(&r, &txn) != ST_OK)
        return ST_CORRUPT;
    return apply(a,
                 &(struct tree_create){.path = txn.path,
                                       .data = txn.data,
                                       .acl = txn.acl,
                                       .owner = (int64_t)(OWNER_TTL_MASK | (uint64_t)txn.ttl_ms),
                                       .parent_cversion = txn.parent_cversion},
                 answer);
}

/* By the flags, whatever operation carries them: so does Apache's. Flags that say nothing are refused. */
void create_audit(const struct op *op, const union op_body *body, struct writer *note)
{
    static const char *const types[] = {
        [0] = "persistent",
        [CREATE_FLAG_EPHEMERAL] = "ephemeral",
        [CREATE_FLAG_SEQUENTIAL] = "persistent_sequential",
        [CREATE_FLAG_EPHEMERAL | CREATE_FLAG_SEQUENTIAL] = "ephemeral_sequential",
        [CREATE_FLAGS_CONTAINER] = "container",
        [CREATE_FLAGS_TTL] = "persistent_with_ttl",
        [CREATE_FLAGS_TTL_SEQUENTIAL] = "persistent_sequential_with_ttl",
    };
    int32_t flags = body->create.flags;
    bool is_type = flags >= 0 && flags <= CREATE_FLAGS_LAST;
    audit_subject(note, op,
                  &(struct audit_subject){.path = body->create.path, .znode_type = is_type ? types[flags] : NULL});
}
