/* secret.c - nodes that nobody may see. */
#include "core/ops/secret.h"

#include "core/ops/families.h"
#include "core/tree/path.h"

enum { KEY_VERSION = 1 };

/* One entry without a permission, for an id that no list of a client can have. */
static struct acls nobody(void)
{
    static const uint8_t entry[] = {0,   0, 0, 0, 0, 0,   0,   5,   'z', 'o', 'o', 'i',
                                    'd', 0, 0, 0, 6, 'n', 'o', 'b', 'o', 'd', 'y'};
    return (struct acls){.count = 1, .raw = bytes_make(entry, sizeof entry)};
}

bool secret_is_list(struct acls list)
{
    return list.count == 1 && bytes_equal(list.raw, nobody().raw);
}

bool secret_is(const struct tree *tree, uint32_t acl)
{
    if (acl == ACL_OPEN || acl == ACL_NONE)
        return false;
    return secret_is_list(acl_get(tree_acls((struct tree *)tree), acl));
}

struct bytes secret_session_key(const struct tree *tree)
{
    const struct tree_node *node = tree_lookup(tree, BYTES(SECRET_SESSION_KEY));
    const struct bytes data = node == NULL ? BYTES_NULL : tree_data(node);
    const bool is_known = data.len == 1 + SECRET_KEY_LEN && data.data[0] == KEY_VERSION;
    return is_known ? bytes_from(data, 1) : BYTES_NULL;
}

void secret_key_encode(struct writer *w, const uint8_t key[SECRET_KEY_LEN])
{
    static const uint8_t version = KEY_VERSION;
    write_raw(w, bytes_make(&version, 1));
    write_raw(w, bytes_make(key, SECRET_KEY_LEN));
}

static enum status secret_prepare(struct prepare *p, const struct op *op, const union op_body *body,
                                  struct writer *record)
{
    const struct create_ttl_request *request = &body->create;
    struct tree_create create = {.path = request->path, .data = request->data, .acl = nobody()};
    struct pending_node node, parent;
    pending_look(p->pending, request->path, &node);
    pending_look(p->pending, path_parent(request->path), &parent);
    if (node.exists)
        return ST_NODE_EXISTS;
    return parent.exists ? create_decided(p, op, request, &create, &parent, record) : ST_NO_NODE;
}

const struct op *secret_op(void)
{
    static const struct op op = {
        .number = TXN_CREATE, .name = "create", .word = "CREA", .kind = OP_INTERNAL, .prepare = secret_prepare};
    return &op;
}
