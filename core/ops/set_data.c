/* set_data.c - setData and check (client-protocol 3.2). */
#include "core/ops/audit.h"
#include "core/ops/families.h"
#include "core/ops/prepare_checks.h"
#include "core/ops/traffic.h"
#include "core/tree/path.h"

enum status set_data_decode(struct reader *r, union op_body *body)
{
    enum status st = set_data_request_read(r, &body->set_data);
    return st == ST_OK && bytes_is_null(body->set_data.path) ? ST_MARSHALLING_ERROR : st;
}

enum status set_data_prepare(struct prepare *p, const struct op *op, const union op_body *body, struct writer *record)
{
    (void)op;
    const struct set_data_request *request = &body->set_data;
    struct pending_node node;
    enum status st = path_validate(request->path);
    if (st == ST_OK)
        st = node_check(p, request->path, PERMISSION_WRITE, &node);
    if (st == ST_OK)
        st = quota_check(p, request->path, 0, (int64_t)request->data.len - (int64_t)node.data_len);
    if (st == ST_OK)
        st = version_check(request->version, node.stat.version);
    if (st != ST_OK)
        return st;
    node.stat.version = version_next(node.stat.version);
    node.stat.mzxid = p->zxid;
    node.stat.mtime = p->time_ms;
    node.data_len = (uint32_t)request->data.len;
    set_data_txn_write(record, &(struct set_data_txn){request->path, request->data, node.stat.version});
    return pending_change(p->pending, request->path, &node, &request->data);
}

enum status set_data_apply(struct apply *a, struct bytes record, struct writer *answer)
{
    struct reader r = reader_of(record);
    struct set_data_txn txn;
    if (set_data_txn_read(&r, &txn) != ST_OK)
        return ST_CORRUPT;
    enum status st = tree_set_data(a->tree, txn.path, txn.data, txn.version, a->header->zxid, a->header->time_ms);
    if (st != ST_OK)
        return st;
    if (a->changed != NULL)
        a->changed(a->context, EVENT_NODE_DATA_CHANGED, txn.path);
    if (a->history != NULL)
        changes_note(a->history, a->tree, a->header->zxid, CHANGE_DATA, txn.path);
    traffic_written(a->metrics, txn.path, txn.data.len);
    write_stat_of(a, txn.path, answer);
    return ST_OK;
}

/* The txn records the version that a change would have made, as Apache's does (quorum-protocol appendix A). */
enum status check_prepare(struct prepare *p, const struct op *op, const union op_body *body, struct writer *record)
{
    (void)op;
    struct bytes path = body->path_version.path;
    struct pending_node node;
    enum status st = path_validate(path);
    if (st == ST_OK)
        st = node_check(p, path, PERMISSION_READ, &node);
    if (st == ST_OK)
        st = version_check(body->path_version.version, node.stat.version);
    if (st == ST_OK)
        check_txn_write(record, &(struct check_txn){path, version_next(node.stat.version)});
    return st;
}

enum status check_apply(struct apply *a, struct bytes record, struct writer *answer)
{
    (void)a;
    (void)answer;
    struct reader r = reader_of(record);
    struct check_txn txn;
    return check_txn_read(&r, &txn) == ST_OK ? ST_OK : ST_CORRUPT;
}

void write_stat_of(const struct apply *a, struct bytes path, struct writer *answer)
{
    if (answer != NULL)
        write_stat(a->tree, tree_lookup(a->tree, path), a->shows_owners, answer);
}

void set_data_audit(const struct op *op, const union op_body *body, struct writer *note)
{
    audit_subject(note, op, &(struct audit_subject){.path = body->set_data.path});
}
