/* op_table.c - every operation, one row each (client-protocol 2, quorum-protocol 4.1). */
#include "core/ops/apply.h"
#include "core/ops/families.h"

/* clang-format off */
static const struct op rows[] = {
    {.number = -11, .name = "closeSession", .word = "CLOS", .kind = OP_WRITE,
     .prepare = close_session_prepare, .apply = close_session_apply,
     .audit_name = "ephemeralZNodeDeletionOnSessionCloseOrExpire", .audit = close_session_audit},
    {.number = -10, .name = "createSession", .word = "SESS", .kind = OP_INTERNAL,
     .prepare = create_session_prepare, .apply = create_session_apply},
    {.number = -1, .name = "error", .word = "NA", .kind = OP_INTERNAL,
     .apply = error_apply},
    {.number = 1, .name = "create", .word = "CREA", .kind = OP_WRITE, .flags = OP_IN_MULTI,
     .decode = create_decode, .makes_ephemeral = create_makes_ephemeral, .prepare = create_prepare,
     .apply = create_apply, .audit_name = "create", .audit = create_audit},
    {.number = 2, .name = "delete", .word = "DELE", .kind = OP_WRITE, .flags = OP_IN_MULTI,
     .decode = path_version_decode, .prepare = delete_prepare, .apply = delete_apply,
     .audit_name = "delete", .audit = delete_audit},
    {.number = 3, .name = "exists", .word = "EXIS", .kind = OP_READ,
     .decode = path_watch_decode, .answer = exists_answer},
    {.number = 4, .name = "getData", .word = "GETD", .kind = OP_READ, .flags = OP_IN_MULTI_READ,
     .decode = path_watch_decode, .answer = get_data_answer, .weigh = get_data_weigh},
    {.number = 5, .name = "setData", .word = "SETD", .kind = OP_WRITE, .flags = OP_IN_MULTI,
     .decode = set_data_decode, .prepare = set_data_prepare, .apply = set_data_apply,
     .audit_name = "setData", .audit = set_data_audit},
    {.number = 6, .name = "getACL", .word = "GETA", .kind = OP_READ,
     .decode = path_decode, .answer = get_acl_answer},
    {.number = 7, .name = "setACL", .word = "SETA", .kind = OP_WRITE,
     .decode = set_acl_decode, .prepare = set_acl_prepare, .apply = set_acl_apply,
     .audit_name = "setAcl", .audit = set_acl_audit},
    {.number = 8, .name = "getChildren", .word = "GETC", .kind = OP_READ, .flags = OP_IN_MULTI_READ,
     .decode = path_watch_decode, .answer = get_children_answer, .weigh = get_children_weigh},
    {.number = 9, .name = "sync", .word = "SYNC", .kind = OP_READ,
     .decode = path_decode, .answer = sync_answer},
    {.number = 11, .name = "ping", .word = "PING", .kind = OP_READ,
     .answer = ping_answer},
    {.number = 12, .name = "getChildren2", .word = "GETC", .kind = OP_READ,
     .decode = path_watch_decode, .answer = get_children2_answer, .weigh = get_children_weigh},
    {.number = 13, .name = "check", .word = "CHEC", .kind = OP_INTERNAL, .flags = OP_IN_MULTI,
     .decode = path_version_decode, .prepare = check_prepare, .apply = check_apply},
    {.number = 14, .name = "multi", .word = "MULT", .kind = OP_WRITE,
     .decode = multi_decode, .makes_ephemeral = multi_makes_ephemeral, .prepare = multi_prepare, .apply = multi_apply,
     .audit_name = "multiOperation", .audit = multi_audit},
    {.number = 15, .name = "create2", .word = "CREA", .kind = OP_WRITE, .flags = OP_IN_MULTI,
     .decode = create_decode, .makes_ephemeral = create_makes_ephemeral, .prepare = create_prepare,
     .apply = create_apply, .audit_name = "create", .audit = create_audit},
    {.number = 16, .name = "reconfig", .word = "RECO", .kind = OP_WRITE,
     .decode = reconfig_decode, .prepare = reconfig_prepare, .apply = reconfig_apply, .audit_name = "reconfig"},
    {.number = 17, .name = "checkWatches", .word = "CHKW", .kind = OP_READ,
     .decode = watcher_type_decode, .answer = check_watches_answer},
    {.number = 18, .name = "removeWatches", .word = "REMW", .kind = OP_READ,
     .decode = watcher_type_decode, .answer = remove_watches_answer},
    {.number = 19, .name = "createContainer", .word = "CREA", .kind = OP_WRITE, .flags = OP_IN_MULTI,
     .decode = create_decode, .prepare = create_prepare, .apply = create_container_apply,
     .audit_name = "create", .audit = create_audit},
    {.number = 20, .name = "deleteContainer", .word = "DELE", .kind = OP_INTERNAL,
     .decode = path_decode, .prepare = delete_container_prepare, .apply = delete_apply},
    {.number = 21, .name = "createTTL", .word = "CREA", .kind = OP_WRITE, .flags = OP_IN_MULTI,
     .decode = create_ttl_decode, .prepare = create_prepare, .apply = create_ttl_apply,
     .audit_name = "create", .audit = create_audit},
    {.number = 22, .name = "multiRead", .word = "MLTR", .kind = OP_READ,
     .decode = multi_read_decode, .answer = multi_read_answer, .weigh = multi_read_weigh},
    {.number = 100, .name = "auth", .word = "AUTH", .kind = OP_CONNECTION,
     .decode = auth_decode, .identify = auth_identify},
    {.number = 101, .name = "setWatches", .word = "SETW", .kind = OP_READ, .flags = OP_SETS_WATCHES,
     .decode = set_watches_decode, .answer = set_watches_answer},
    {.number = 102, .name = "sasl", .word = "SASL", .kind = OP_CONNECTION,
     .decode = sasl_decode, .identify = sasl_identify},
    {.number = 103, .name = "getEphemerals", .word = "GETE", .kind = OP_READ,
     .decode = path_or_null_decode, .answer = get_ephemerals_answer},
    {.number = 104, .name = "getAllChildrenNumber", .word = "GETACN", .kind = OP_READ,
     .decode = path_decode, .answer = get_all_children_number_answer},
    {.number = 105, .name = "setWatches2", .word = "STW2", .kind = OP_READ, .flags = OP_SETS_WATCHES,
     .decode = set_watches2_decode, .answer = set_watches_answer},
    {.number = 106, .name = "addWatch", .word = "ADDW", .kind = OP_READ,
     .decode = add_watch_decode, .answer = add_watch_answer},
    {.number = 107, .name = "whoAmI", .word = "HOMI", .kind = OP_READ,
     .answer = who_am_i_answer},
    {.number = 1001, .name = "listPage", .word = "LSTP", .kind = OP_READ, .flags = OP_LOCAL,
     .decode = list_page_decode, .answer = list_page_answer, .weigh = list_page_weigh},
    {.number = 1002, .name = "readMany", .word = "RDMN", .kind = OP_READ, .flags = OP_LOCAL,
     .decode = read_many_decode, .answer = read_many_answer, .weigh = read_many_weigh},
    {.number = 1003, .name = "subtree", .word = "SUBT", .kind = OP_READ, .flags = OP_LOCAL,
     .decode = subtree_decode, .answer = subtree_answer},
};
/* clang-format on */

const struct op *op_find(int32_t number)
{
    size_t low = 0, high = ARRAY_LEN(rows);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (rows[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < ARRAY_LEN(rows) && rows[low].number == number ? &rows[low] : NULL;
}

const struct op *op_rows(size_t *count)
{
    *count = ARRAY_LEN(rows);
    return rows;
}

enum status op_apply(struct apply *a, int32_t type, struct bytes record, struct writer *answer)
{
    const struct op *op = op_find(type);
    return op == NULL || op->apply == NULL ? ST_UNIMPLEMENTED : op->apply(a, record, answer);
}

enum status txn_apply(void *context, struct tree *tree, struct sessions *sessions, const struct txn *txn)
{
    struct changes *history = context;
    struct apply a = {.tree = tree, .sessions = sessions, .header = &txn->header, .history = history};
    enum status st = op_apply(&a, txn->header.type, txn->record, NULL);
    if (history != NULL)
        changes_applied(history, txn->header.zxid);
    return st;
}
