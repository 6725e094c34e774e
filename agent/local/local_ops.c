/* local_ops.c - every kind of request of a local client, one row each, in the place of its number. */
#include "agent/local/local_ops.h"
#include "agent/local/local_calls.h"
#include "agent/local/local_monitor.h"
#include "agent/local/local_streams.h"

#include "core/ops/op.h"

#define BODY(name) ZOOID__LOCAL__TO_AGENT__BODY_##name

/* clang-format off */
static const struct local_op rows[] = {
    [BODY(OPEN_SESSION)] = {.name = "open_session", .class = LOCAL_USE, .own = local_session_asked},
    [BODY(CLOSE_SESSION)] = {.name = "close_session", .class = LOCAL_USE, .number = TXN_CLOSE_SESSION,
     .encode = encode_nothing, .own = local_session_close},
    [BODY(AUTH)] = {.name = "auth", .class = LOCAL_READ, .number = 100, .encode = encode_auth},
    [BODY(WHO_AM_I)] = {.name = "who_am_i", .class = LOCAL_READ, .number = 107,
     .encode = encode_nothing, .decode = decode_identities},
    [BODY(GET)] = {.name = "get", .class = LOCAL_READ, .has_path = true, .number = 4,
     .encode = encode_get, .decode = decode_data, .freshness = freshness_get},
    [BODY(EXISTS)] = {.name = "exists", .class = LOCAL_READ, .has_path = true, .number = 3,
     .encode = encode_exists, .decode = decode_stat, .freshness = freshness_exists},
    [BODY(LIST)] = {.name = "list", .class = LOCAL_READ, .has_path = true, .number = OP_NUMBER_LIST_PAGE,
     .encode = encode_list, .decode = decode_page, .freshness = freshness_list},
    [BODY(GET_ACL)] = {.name = "get_acl", .class = LOCAL_READ, .has_path = true, .number = 6,
     .encode = encode_get_acl, .decode = decode_acls, .freshness = freshness_get_acl},
    [BODY(READ_MANY)] = {.name = "read_many", .class = LOCAL_READ, .number = OP_NUMBER_READ_MANY,
     .encode = encode_read_many, .decode = decode_many, .freshness = freshness_read_many},
    [BODY(SUBTREE)] = {.name = "subtree", .class = LOCAL_READ, .has_path = true, .number = OP_NUMBER_SUBTREE,
     .encode = encode_subtree, .decode = decode_subtree, .freshness = freshness_subtree},
    [BODY(EPHEMERALS)] = {.name = "ephemerals", .class = LOCAL_READ, .number = 103,
     .encode = encode_ephemerals, .decode = decode_paths},
    [BODY(COUNT_DESCENDANTS)] = {.name = "count_descendants", .class = LOCAL_READ, .has_path = true, .number = 104,
     .encode = encode_count, .decode = decode_count},
    [BODY(SYNC)] = {.name = "sync", .class = LOCAL_READ, .number = OP_NUMBER_SYNC, .encode = encode_sync},
    [BODY(WAIT)] = {.name = "wait", .class = LOCAL_READ, .own = local_waited},
    [BODY(CREATE)] = {.name = "create", .class = LOCAL_USE, .has_path = true, .needs_session = true,
     .number = TXN_CREATE2,
     .encode = encode_create, .decode = decode_created},
    [BODY(DELETE)] = {.name = "delete", .class = LOCAL_USE, .has_path = true, .needs_session = true,
     .number = TXN_DELETE,
     .encode = encode_delete},
    [BODY(SET)] = {.name = "set", .class = LOCAL_USE, .has_path = true, .needs_session = true,
     .number = TXN_SET_DATA,
     .encode = encode_set, .decode = decode_stat},
    [BODY(SET_ACL)] = {.name = "set_acl", .class = LOCAL_USE, .has_path = true, .needs_session = true,
     .number = TXN_SET_ACL,
     .encode = encode_set_acl, .decode = decode_stat},
    [BODY(MULTI)] = {.name = "multi", .class = LOCAL_USE, .needs_session = true, .number = TXN_MULTI,
     .encode = encode_multi, .decode = decode_results},
    [BODY(RECONFIGURE)] = {.name = "reconfigure", .class = LOCAL_USE, .needs_session = true,
     .number = TXN_RECONFIG,
     .encode = encode_reconfigure, .decode = decode_data},
    [BODY(ADD_WATCH)] = {.name = "add_watch", .class = LOCAL_READ, .has_path = true,
     .number = 106, .encode = encode_add_watch},
    [BODY(REMOVE_WATCH)] = {.name = "remove_watch", .class = LOCAL_READ, .has_path = true, .number = 18,
     .encode = encode_remove_watch},
    [BODY(COMMAND)] = {.name = "command", .class = LOCAL_READ, .own = local_command},
    [BODY(MONITOR)] = {.name = "monitor", .class = LOCAL_ADMIN, .own = local_monitor},
    [BODY(PROVIDE)] = {.name = "provide", .class = LOCAL_PROVIDE, .own = local_provide},
    [BODY(CALL)] = {.name = "call", .class = LOCAL_READ, .own = local_call},
    [BODY(SUBSCRIBE)] = {.name = "subscribe", .class = LOCAL_READ, .has_path = true, .own = local_subscribe},
    [BODY(BACKUP)] = {.name = "backup", .class = LOCAL_ADMIN, .own = local_backup},
    [BODY(RESTORE_WATCHES)] = {.name = "restore_watches", .class = LOCAL_READ, .number = 105,
     .encode = encode_restore_watches},
};
/* clang-format on */

const struct local_op *local_op_find(Zooid__Local__ToAgent__BodyCase body)
{
    return (size_t)body < ARRAY_LEN(rows) && rows[body].name != NULL ? &rows[body] : NULL;
}

int32_t local_op_number(const struct local_op *op, const to_agent *m)
{
    if (m->body_case != ZOOID__LOCAL__TO_AGENT__BODY_CREATE)
        return op->number;
    return create_number(m->create);
}

enum status local_waited(struct local_client *c, struct local_request *request, const to_agent *m)
{
    from_agent nothing = ZOOID__LOCAL__FROM_AGENT__INIT;
    (void)c;
    (void)m;
    return local_answer(request, &nothing); /* it was held until now */
}
