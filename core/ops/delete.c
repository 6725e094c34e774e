/* delete.c - delete, and deleteContainer, which the container manager alone asks for (client-protocol 3.2, 4.4). */
#include "core/ops/access.h"
#include "core/ops/audit.h"
#include "core/ops/families.h"
#include "core/ops/prepare_checks.h"
#include "core/ops/traffic.h"
#include "core/tree/path.h"

enum status path_version_decode(struct reader *r, union op_body *body)
{
    enum status st = path_version_request_read(r, &body->path_version);
    return st == ST_OK && bytes_is_null(body->path_version.path) ? ST_MARSHALLING_ERROR : st;
}

enum status delete_note(struct prepare *p, struct bytes path)
{
    struct pending_node parent, node;
    pending_look(p->pending, path_parent(path), &parent);
    pending_look(p->pending, path, &node);
    parent.child_count--;
    if (p->zxid > parent.stat.pzxid)
        parent.stat.pzxid = p->zxid;
    node.exists = false;
    enum status st = pending_change(p->pending, path_parent(path), &parent, NULL);
    return st == ST_OK ? pending_change(p->pending, path, &node, NULL) : st;
}

enum status delete_prepare(struct prepare *p, const struct op *op, const union op_body *body, struct writer *record)
{
    (void)op;
    struct bytes path = body->path_version.path;
    struct pending_node parent, node;
    if (!path_has_parent(path) || path_is_system(path))
        return ST_BAD_ARGUMENTS;
    enum status st = node_check(p, path_parent(path), PERMISSION_DELETE, &parent);
    if (st != ST_OK)
        return st;
    pending_look(p->pending, path, &node);
    if (!node.exists)
        return ST_NO_NODE;
    st = version_check(body->path_version.version, node.stat.version);
    if (st == ST_OK && node.child_count > 0)
        st = ST_NOT_EMPTY;
    if (st != ST_OK)
        return st;
    delete_txn_write(record, &(struct delete_txn){path});
    return delete_note(p, path);
}

/* No permission is asked: the server itself wants it, and only of what is childless and owned by no session. */
enum status delete_container_prepare(struct prepare *p, const struct op *op, const union op_body *body,
                                     struct writer *record)
{
    (void)op;
    struct bytes path = body->path.path;
    struct pending_node node;
    pending_look(p->pending, path, &node);
    if (!node.exists)
        return ST_NO_NODE;
    if (node.child_count > 0)
        return ST_NOT_EMPTY;
    if (owner_is_session(p->rules, node.stat.ephemeral_owner))
        return ST_BAD_VERSION;
    delete_txn_write(record, &(struct delete_txn){path});
    return delete_note(p, path);
}

enum status delete_node(struct apply *a, struct bytes path)
{
    if (a->changed != NULL && tree_lookup(a->tree, path) != NULL)
        a->changed(a->context, EVENT_NODE_DELETED, path);
    if (a->history != NULL)
        changes_note(a->history, a->tree, a->header->zxid, CHANGE_DELETED, path);
    traffic_written(a->metrics, path, 0);
    return tree_delete(a->tree, path, a->header->zxid);
}

enum status delete_apply(struct apply *a, struct bytes record, struct writer *answer)
{
    (void)answer; /* has no body */
    struct reader r = reader_of(record);
    struct delete_txn txn;
    if (delete_txn_read(&r, &txn) != ST_OK)
        return ST_CORRUPT;
    return delete_node(a, txn.path);
}

void delete_audit(const struct op *op, const union op_body *body, struct writer *note)
{
    audit_subject(note, op, &(struct audit_subject){.path = body->path_version.path});
}
