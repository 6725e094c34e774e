/* tree_model.c - the slow and obvious tree. */
#include "tests/support/tree_model.h"

#include "tests/support/test.h"

#include <stdlib.h>
#include <zlib.h>

/* -- ACLs --------------------------------------------------------------------------------------------------------- */

static const struct {
    int32_t count, perms;
    const char *scheme, *id;
} acl_rows[MODEL_ACLS] = {
    {1, 31, "world", "anyone"},     {0, 0, "", ""},
    {1, 1, "world", "anyone"},      {1, 31, "digest", "u:Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ="},
    {1, 3, "ip", "192.168.0.0/16"},
};

static uint8_t *put_text(uint8_t *at, const char *text)
{
    size_t len = strlen(text);
    be32_put(at, (uint32_t)len);
    memcpy(at + 4, text, len);
    return at + 4 + len;
}

/* Takes no memory of ours: it is called while allocations are made to fail. */
struct acls model_acl(int index)
{
    static uint8_t memory[MODEL_ACLS][128];
    if (acl_rows[index].count == 0)
        return (struct acls){0, BYTES("")};
    uint8_t *start = memory[index];
    be32_put(start, (uint32_t)acl_rows[index].perms);
    uint8_t *end = put_text(put_text(start + 4, acl_rows[index].scheme), acl_rows[index].id);
    return (struct acls){1, bytes_make(start, (size_t)(end - start))};
}

/* -- the model ---------------------------------------------------------------------------------------------------- */

static struct model_node *add_node(struct model *m, const char *path)
{
    if (m->count == m->cap) {
        m->cap = m->cap == 0 ? 64 : m->cap * 2;
        m->nodes = realloc(m->nodes, m->cap * sizeof *m->nodes);
        assert_non_null(m->nodes);
    }
    struct model_node *n = &m->nodes[m->count++];
    *n = (struct model_node){0};
    snprintf(n->path, sizeof n->path, "%s", path);
    return n;
}

void model_init(struct model *m)
{
    *m = (struct model){0};
    add_node(m, "");
    add_node(m, "/zookeeper");
    add_node(m, "/zookeeper/quota");
    struct model_node *config = add_node(m, "/zookeeper/config");
    config->acl = 2;
    config->stat.aversion = -1;
}

void model_free(struct model *m)
{
    free(m->nodes);
    *m = (struct model){0};
}

void model_copy(struct model *to, const struct model *from)
{
    model_free(to);
    to->count = to->cap = from->count;
    to->nodes = malloc(from->count * sizeof *to->nodes);
    assert_non_null(to->nodes);
    memcpy(to->nodes, from->nodes, from->count * sizeof *to->nodes);
}

struct model_node *model_find(const struct model *m, const char *path)
{
    for (size_t i = 0; i < m->count; i++) {
        if (strcmp(m->nodes[i].path, path) == 0)
            return &m->nodes[i];
    }
    return NULL;
}

static struct model_node *parent_in(const struct model *m, const char *path)
{
    char parent[MODEL_PATH_MAX];
    snprintf(parent, sizeof parent, "%s", path);
    char *slash = strrchr(parent, '/');
    assert_non_null(slash);
    *slash = 0;
    return model_find(m, parent);
}

static bool is_below(const char *path, const char *top)
{
    size_t len = strlen(top);
    return strncmp(path, top, len) == 0 && path[len] == '/';
}

static uint32_t children_in(const struct model *m, const char *path)
{
    uint32_t count = 0;
    for (size_t i = 0; i < m->count; i++)
        count += is_below(m->nodes[i].path, path) && strchr(m->nodes[i].path + strlen(path) + 1, '/') == NULL;
    return count;
}

/* Written out here once more: the tree's own function is under test. */
static uint64_t digest_of_node(const struct model_node *n)
{
    if (strncmp(n->path, "/zookeeper/", 11) == 0)
        return 0;
    const struct stat_persisted *s = &n->stat;
    struct buffer b = {0};
    struct writer w = writer_to(&b);
    write_raw(&w, bytes_of(n->path));
    write_raw(&w, bytes_make(n->data, n->data_len));
    write_i64(&w, s->czxid);
    write_i64(&w, s->mzxid);
    write_i64(&w, s->pzxid);
    write_i64(&w, s->ctime);
    write_i64(&w, s->mtime);
    write_i32(&w, s->version);
    write_i32(&w, s->cversion);
    write_i32(&w, s->aversion);
    write_i64(&w, s->ephemeral_owner);
    assert_int_equal(w.status, ST_OK);
    uint64_t digest = crc32(0, b.data, (uInt)b.len);
    buffer_free(&b);
    return digest;
}

uint64_t model_digest(const struct model *m)
{
    uint64_t digest = 0;
    for (size_t i = 0; i < m->count; i++)
        digest += digest_of_node(&m->nodes[i]);
    return digest;
}

/* Stays at the largest. */
static int32_t after(int32_t version)
{
    return version == INT32_MAX ? version : version + 1;
}

/* -- applying ----------------------------------------------------------------------------------------------------- */

static void copy_data(struct model_node *n, const struct op *op)
{
    memcpy(n->data, op->data, op->data_len);
    n->data_len = op->data_len;
    n->null_data = op->null_data;
}

static enum status create_in(struct model *m, const struct op *op)
{
    struct model_node *parent = parent_in(m, op->path), *n = model_find(m, op->path);
    if (parent == NULL)
        return ST_NO_NODE;
    int32_t cversion = op->version;
    if (n == NULL && cversion == -1)
        cversion = after(parent->stat.cversion);
    if (cversion > parent->stat.cversion) {
        parent->stat.cversion = cversion;
        parent->stat.pzxid = op->zxid;
    }
    if (n != NULL) {
        n->acl = op->acl;
        return ST_NODE_EXISTS;
    }
    n = add_node(m, op->path);
    copy_data(n, op);
    n->acl = op->acl;
    n->stat = (struct stat_persisted){.czxid = op->zxid,
                                      .mzxid = op->zxid,
                                      .pzxid = op->zxid,
                                      .ctime = op->time_ms,
                                      .mtime = op->time_ms,
                                      .ephemeral_owner = op->owner};
    return ST_OK;
}

static enum status delete_in(struct model *m, const struct op *op)
{
    struct model_node *parent = parent_in(m, op->path);
    if (parent == NULL)
        return ST_NO_NODE;
    if (op->zxid > parent->stat.pzxid)
        parent->stat.pzxid = op->zxid;
    enum status st = ST_NO_NODE;
    for (size_t i = 0; i < m->count;) {
        bool is_it = strcmp(m->nodes[i].path, op->path) == 0;
        if (is_it)
            st = ST_OK;
        if (is_it || is_below(m->nodes[i].path, op->path))
            m->nodes[i] = m->nodes[--m->count];
        else
            i++;
    }
    return st;
}

static enum status set_data_in(struct model *m, const struct op *op)
{
    struct model_node *n = model_find(m, op->path);
    if (n == NULL)
        return ST_NO_NODE;
    copy_data(n, op);
    n->stat.version = op->version;
    n->stat.mzxid = op->zxid;
    n->stat.mtime = op->time_ms;
    return ST_OK;
}

static enum status set_acl_in(struct model *m, const struct op *op)
{
    struct model_node *n = model_find(m, op->path);
    if (n == NULL)
        return ST_NO_NODE;
    n->acl = op->acl;
    n->stat.aversion = op->version;
    return ST_OK;
}

enum status op_apply_model(struct model *m, const struct op *op)
{
    static enum status (*const apply[])(struct model * m, const struct op *op) = {
        [OP_KIND_CREATE] = create_in,
        [OP_KIND_DELETE] = delete_in,
        [OP_KIND_SET_DATA] = set_data_in,
        [OP_KIND_SET_ACL] = set_acl_in,
    };
    return apply[op->kind](m, op);
}

enum status op_apply_tree(struct tree *t, const struct op *op)
{
    struct bytes path = bytes_of(op->path);
    struct bytes data = op->null_data ? BYTES_NULL : bytes_make(op->data, op->data_len);
    const struct tree_create create = {path, data, model_acl(op->acl), op->owner, op->version, op->zxid, op->time_ms};
    switch (op->kind) {
    case OP_KIND_CREATE: return tree_create(t, &create);
    case OP_KIND_DELETE: return tree_delete(t, path, op->zxid);
    case OP_KIND_SET_DATA: return tree_set_data(t, path, data, op->version, op->zxid, op->time_ms);
    default: return tree_set_acl(t, path, model_acl(op->acl), op->version);
    }
}

/* -- random operations -------------------------------------------------------------------------------------------- */

static const int64_t owners[] = {
    0, 0, 0, 0, 0x1001, 0x1001, 0x1002, 0x1003, OWNER_CONTAINER, (int64_t)(OWNER_TTL_MASK | 1000),
};

static void fill_data(struct op *op, struct random *r)
{
    op->null_data = random_below(r, 10) == 0;
    op->data_len = op->null_data ? 0 : random_below(r, random_below(r, 2) == 0 ? 4 : MODEL_DATA_MAX);
    for (size_t i = 0; i < op->data_len; i++)
        op->data[i] = (uint8_t)random_next(r);
}

/* Anything but the nodes of the system. */
static const struct model_node *pick(const struct model *m, struct random *r)
{
    const struct model_node *n = &m->nodes[random_below(r, (uint32_t)m->count)];
    return n->path[0] == 0 || strncmp(n->path, "/zookeeper", 10) == 0 ? NULL : n;
}

static bool may_have_children(const struct model_node *n)
{
    int64_t owner = n->stat.ephemeral_owner;
    return owner == 0 || owner == OWNER_CONTAINER || ((uint64_t)owner & OWNER_TTL_MASK) == OWNER_TTL_MASK;
}

/* False: this parent cannot have that child. */
static bool random_create(struct op *op, struct random *r, const struct model *m)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "name-of-some-length", "0000000001", "\xc3\xa4"};
    const struct model_node *parent = pick(m, r);
    parent = parent == NULL || random_below(r, 4) == 0 ? model_find(m, "") : parent;
    if (!may_have_children(parent) || strlen(parent->path) > 60)
        return false;
    struct buffer path = {0};
    assert_int_equal(buffer_printf(&path, "%s/%s", parent->path, names[random_below(r, ARRAY_LEN(names))]), ST_OK);
    assert_true(path.len < sizeof op->path);
    memcpy(op->path, path.data, path.len + 1);
    buffer_free(&path);
    if (model_find(m, op->path) != NULL)
        return false;
    op->kind = OP_KIND_CREATE;
    op->owner = owners[random_below(r, ARRAY_LEN(owners))];
    op->acl = (int)random_below(r, MODEL_ACLS);
    op->version = after(parent->stat.cversion);
    fill_data(op, r);
    return true;
}

static bool random_change(struct op *op, struct random *r, const struct model *m)
{
    const struct model_node *n = pick(m, r);
    if (n == NULL)
        return false;
    snprintf(op->path, sizeof op->path, "%s", n->path);
    op->kind = (enum op_kind)(1 + random_below(r, 3));
    if (op->kind == OP_KIND_DELETE && children_in(m, n->path) > 0)
        op->kind = OP_KIND_SET_DATA;
    op->version = after(op->kind == OP_KIND_SET_ACL ? n->stat.aversion : n->stat.version);
    op->acl = (int)random_below(r, MODEL_ACLS);
    fill_data(op, r);
    return true;
}

void op_random(struct op *op, struct random *r, const struct model *m, int64_t zxid)
{
    bool done = false;
    while (!done) {
        *op = (struct op){.zxid = zxid, .time_ms = 1600000000000 + zxid};
        /* More creates than deletes, until there are a few hundred nodes. */
        bool create = random_below(r, 100) < (m->count < 300 ? 50u : 20u);
        done = create ? random_create(op, r, m) : random_change(op, r, m);
    }
}

/* -- comparing ---------------------------------------------------------------------------------------------------- */

bool stats_are_equal(const struct stat_persisted *a, const struct stat_persisted *b)
{
    struct buffer bytes_a = {0}, bytes_b = {0};
    struct writer writer_a = writer_to(&bytes_a), writer_b = writer_to(&bytes_b);
    stat_persisted_write(&writer_a, a);
    stat_persisted_write(&writer_b, b);
    bool equal = bytes_equal(buffer_bytes(&bytes_a), buffer_bytes(&bytes_b));
    buffer_free(&bytes_a);
    buffer_free(&bytes_b);
    return equal;
}

static void assert_node_is(struct tree *t, const struct model *m, const struct model_node *expected)
{
    const struct tree_node *n = tree_lookup(t, bytes_of(expected->path));
    assert_non_null(n);
    assert_ptr_equal(tree_by_number(t, n->number), n);
    struct stat_persisted stat;
    tree_stat_persisted(n, &stat);
    assert_true(stats_are_equal(&stat, &expected->stat));
    struct bytes data = expected->null_data ? BYTES_NULL : bytes_make(expected->data, expected->data_len);
    assert_true(bytes_equal(tree_data(n), data));
    struct acls acl = acl_get(tree_acls(t), n->acl), expected_acl = model_acl(expected->acl);
    assert_int_equal(acl.count, expected_acl.count);
    assert_true(bytes_equal(acl.raw, expected_acl.raw));
    struct node_stat shown;
    tree_stat(t, n, &shown);
    assert_int_equal(shown.num_children, children_in(m, expected->path));
    assert_int_equal((uint32_t)shown.cversion, (uint32_t)stat.cversion * 2 - (uint32_t)shown.num_children);
    assert_int_equal(shown.data_length, expected->data_len);
    assert_int_equal(shown.ephemeral_owner, tree_kind(t, n) == TREE_EPHEMERAL ? stat.ephemeral_owner : 0);
}

/* Every node once, parents first, with its own path. */
static void assert_walk_is_whole(struct tree *t, const struct model *m)
{
    size_t count = 0;
    const struct tree_node *root = tree_lookup(t, BYTES(""));
    for (const struct tree_node *n = root; n != NULL; n = tree_next_preorder(t, root, n), count++) {
        struct buffer path = {0};
        assert_int_equal(tree_path(t, n, &path), ST_OK);
        assert_ptr_equal(tree_lookup(t, buffer_bytes(&path)), n);
        buffer_free(&path);
    }
    assert_int_equal(count, m->count);
    assert_int_equal(tree_descendants(t, root), m->count - 1);
}

static size_t owned_by(const struct model *m, int64_t owner)
{
    size_t count = 0;
    for (size_t i = 0; i < m->count; i++)
        count += m->nodes[i].stat.ephemeral_owner == owner;
    return count;
}

static void assert_numbers_have_owner(struct tree *t, const uint32_t *numbers, size_t count, int64_t owner)
{
    for (size_t i = 0; i < count; i++) {
        const struct tree_node *n = tree_by_number(t, numbers[i]);
        assert_non_null(n);
        assert_int_equal(n->owner, owner);
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(numbers[i], numbers[j]);
    }
}

static void assert_owners_are(struct tree *t, const struct model *m)
{
    uint64_t ephemerals = 0;
    for (int64_t session = 0x1001; session <= 0x1003; session++) {
        size_t count = 0;
        const uint32_t *numbers = tree_ephemerals(t, session, &count);
        assert_int_equal(count, owned_by(m, session));
        assert_numbers_have_owner(t, numbers, count, session);
        ephemerals += count;
    }
    assert_int_equal(tree_ephemeral_count(t), ephemerals);
    size_t count = 0;
    tree_reapable(t, &count);
    assert_int_equal(count, owned_by(m, OWNER_CONTAINER) + owned_by(m, (int64_t)(OWNER_TTL_MASK | 1000)));
}

void assert_tree_is_model(struct tree *t, const struct model *m)
{
    uint64_t data_size = 1; /* the root's second path */
    assert_int_equal(tree_count(t), m->count + 1);
    for (size_t i = 0; i < m->count; i++) {
        assert_node_is(t, m, &m->nodes[i]);
        data_size += strlen(m->nodes[i].path) + m->nodes[i].data_len;
    }
    assert_int_equal(tree_data_size(t), data_size);
    assert_int_equal(tree_digest(t), model_digest(m));
    assert_walk_is_whole(t, m);
    assert_owners_are(t, m);
}
