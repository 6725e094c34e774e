/* acl.c - getACL and setACL (client-protocol 3.2, 8). */
#include "core/ops/access.h"
#include "core/ops/audit.h"
#include "core/ops/families.h"
#include "core/ops/prepare_checks.h"
#include "core/tree/path.h"

enum status set_acl_decode(struct reader *r, union op_body *body)
{
    enum status st = set_acl_request_read(r, &body->set_acl);
    return st == ST_OK && bytes_is_null(body->set_acl.path) ? ST_MARSHALLING_ERROR : st;
}

enum status set_acl_prepare(struct prepare *p, const struct op *op, const union op_body *body, struct writer *record)
{
    (void)op;
    const struct set_acl_request *request = &body->set_acl;
    struct pending_node node;
    struct acls acl = request->acl;
    enum status st = path_validate(request->path);
    if (st == ST_OK)
        st = access_fix_up(p->rules, request->acl, p->who, p->acl_scratch, &acl);
    if (st == ST_OK)
        st = node_check(p, request->path, PERMISSION_ADMIN, &node);
    if (st == ST_OK)
        st = version_check(request->version, node.stat.aversion);
    if (st != ST_OK)
        return st;
    node.stat.aversion = version_next(node.stat.aversion);
    set_acl_txn_write(record, &(struct set_acl_txn){request->path, acl, node.stat.aversion});
    struct acl_table *acls = tree_acls(pending_tree(p->pending));
    st = acl_intern(acls, acl, &node.acl);
    if (st != ST_OK)
        return st;
    st = pending_change(p->pending, request->path, &node, NULL);
    acl_release(acls, node.acl);
    return st;
}

enum status set_acl_apply(struct apply *a, struct bytes record, struct writer *answer)
{
    struct reader r = reader_of(record);
    struct set_acl_txn txn;
    if (set_acl_txn_read(&r, &txn) != ST_OK)
        return ST_CORRUPT;
    if (a->history != NULL)
        changes_before_acl(a->history, a->tree, txn.path);
    enum status st = tree_set_acl(a->tree, txn.path, txn.acl, txn.version);
    if (st != ST_OK)
        return st;
    if (a->history != NULL)
        changes_note(a->history, a->tree, a->header->zxid, CHANGE_ACL, txn.path);
    write_stat_of(a, txn.path, answer);
    return ST_OK;
}

void set_acl_audit(const struct op *op, const union op_body *body, struct writer *note)
{
    audit_subject(note, op, &(struct audit_subject){.path = body->set_acl.path, .acl = &body->set_acl.acl});
}

/* Whoever may not change the list is not shown the hashes of passwords in it. */
static void write_masked(struct writer *w, struct acls list)
{
    struct reader r = reader_of(list.raw);
    struct acl_entry entry;
    write_i32(w, list.count);
    while (acls_next(&r, &entry)) {
        const uint8_t *colon = entry.id.len > 0 ? memchr(entry.id.data, ':', entry.id.len) : NULL;
        if (!bytes_equal(entry.scheme, BYTES("digest")) || colon == NULL) {
            acl_entry_write(w, &entry);
            continue;
        }
        size_t user = (size_t)(colon - entry.id.data);
        write_i32(w, entry.perms);
        write_text(w, entry.scheme);
        write_i32(w, (int32_t)(user + 2));
        write_raw(w, bytes_make(entry.id.data, user));
        write_raw(w, BYTES(":x"));
    }
}

enum status get_acl_answer(const struct read_context *context, const union op_body *body, struct writer *w)
{
    const struct tree_node *node = tree_lookup(context->tree, body->path.path);
    if (node == NULL)
        return ST_NO_NODE;
    enum status st = access_check(context->tree, context->rules, node->acl, PERMISSION_READ | PERMISSION_ADMIN,
                                  context->who);
    if (st != ST_OK)
        return st;
    struct acls list = acl_get(tree_acls(context->tree), node->acl);
    if (access_check(context->tree, context->rules, node->acl, PERMISSION_ADMIN, context->who) == ST_OK)
        write_acls(w, list);
    else
        write_masked(w, list);
    write_stat(context->tree, node, context->shows_owners, w);
    return ST_OK;
}
