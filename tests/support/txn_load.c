/* txn_load.c - random operations as txns. */
#include "tests/support/txn_load.h"

#include "core/store/txnlog.h"
#include "tests/support/test.h"

#include <stdlib.h>

enum { TICK_MS = 2000, SESSIONS_MAX = 8, OWNERS = 3 };

const struct tree_options txn_load_tree_options = {.hash_key = {7, 9}, .extended_types = true};

/* -- states ------------------------------------------------------------------------------------------------------- */

static void add_session(void *context, const struct session *session)
{
    uint64_t *sum = context;
    *sum += hash_u64((uint64_t)session->id ^ (uint64_t)session->timeout_ms << 32);
}

struct txn_state txn_state_of(const struct tree *t, const struct sessions *s)
{
    struct txn_state state = {tree_digest(t), tree_count(t), 0};
    sessions_each(s, add_session, &state.sessions);
    return state;
}

bool state_is(const struct txn_load *l, int64_t zxid, const struct tree *t, const struct sessions *s)
{
    struct txn_state state = txn_state_of(t, s);
    const struct txn_state *right = &l->states[zxid];
    return state.digest == right->digest && state.nodes == right->nodes && state.sessions == right->sessions;
}

void assert_state_is(const struct txn_load *l, int64_t zxid, const struct tree *t, const struct sessions *s)
{
    struct txn_state state = txn_state_of(t, s);
    assert_in_range(zxid, 0, l->zxid);
    assert_int_equal(state.digest, l->states[zxid].digest);
    assert_int_equal(state.nodes, l->states[zxid].nodes);
    assert_int_equal(state.sessions, l->states[zxid].sessions);
}

/* -- txns --------------------------------------------------------------------------------------------------------- */

static enum status apply_create(struct tree *tree, const struct txn_header *h, struct create_txn *c, int64_t owner)
{
    const struct tree_create create = {c->path, c->data, c->acl, owner, c->parent_cversion, h->zxid, h->time_ms};
    return tree_create(tree, &create);
}

static enum status apply_record(struct tree *tree, struct sessions *sessions, const struct txn_header *h,
                                struct bytes record);

static enum status apply_multi(struct tree *tree, struct sessions *sessions, const struct txn_header *h,
                               struct bytes record)
{
    struct reader at;
    int32_t left;
    struct sub_txn sub;
    enum status st = txn_multi_begin(record, &at, &left), first = ST_OK;
    while (st == ST_OK && txn_next_sub(&at, &left, &sub)) {
        struct txn_header part = *h;
        part.type = sub.type;
        enum status result = apply_record(tree, sessions, &part, sub.record);
        first = first == ST_OK ? result : first;
    }
    return first;
}

static enum status apply_record(struct tree *tree, struct sessions *sessions, const struct txn_header *h,
                                struct bytes record)
{
    struct reader r = reader_of(record);
    struct create_txn create;
    struct create_ttl_txn ttl;
    struct create_container_txn container;
    struct delete_txn del;
    struct set_data_txn set;
    struct set_acl_txn acl;
    struct create_session_txn session;
    switch (h->type) {
    case TXN_CREATE:
        txn_read_create(record, &create);
        return apply_create(tree, h, &create, create.ephemeral ? h->client_id : 0);
    case TXN_CREATE_TTL:
        create_ttl_txn_read(&r, &ttl);
        create = (struct create_txn){ttl.path, ttl.data, ttl.acl, false, ttl.parent_cversion};
        return apply_create(tree, h, &create, (int64_t)(OWNER_TTL_MASK | (uint64_t)ttl.ttl_ms));
    case TXN_CREATE_CONTAINER:
        create_container_txn_read(&r, &container);
        create = (struct create_txn){container.path, container.data, container.acl, false, container.parent_cversion};
        return apply_create(tree, h, &create, OWNER_CONTAINER);
    case TXN_DELETE: delete_txn_read(&r, &del); return tree_delete(tree, del.path, h->zxid);
    case TXN_SET_DATA:
        set_data_txn_read(&r, &set);
        return tree_set_data(tree, set.path, set.data, set.version, h->zxid, h->time_ms);
    case TXN_SET_ACL: set_acl_txn_read(&r, &acl); return tree_set_acl(tree, acl.path, acl.acl, acl.version);
    case TXN_CREATE_SESSION:
        create_session_txn_read(&r, &session);
        return sessions_put(sessions, h->client_id, session.timeout_ms, 0);
    case TXN_CLOSE_SESSION: sessions_remove(sessions, h->client_id); return ST_OK;
    default: return h->type == TXN_MULTI ? apply_multi(tree, sessions, h, record) : ST_OK;
    }
}

enum status txn_load_apply(void *context, struct tree *tree, struct sessions *sessions, const struct txn *txn)
{
    (void)context;
    return apply_record(tree, sessions, &txn->header, txn->record);
}

/* -- making them -------------------------------------------------------------------------------------------------- */

static void write_create(struct writer *w, struct txn_header *h, const struct op *op, struct bytes data)
{
    struct bytes path = bytes_of(op->path);
    struct acls acl = model_acl(op->acl);
    if (op->owner == OWNER_CONTAINER) {
        h->type = TXN_CREATE_CONTAINER;
        create_container_txn_write(w, &(struct create_container_txn){path, data, acl, op->version});
    } else if (((uint64_t)op->owner & OWNER_TTL_MASK) == OWNER_TTL_MASK) {
        h->type = TXN_CREATE_TTL;
        int64_t ttl_ms = (int64_t)((uint64_t)op->owner & ~OWNER_TTL_MASK);
        create_ttl_txn_write(w, &(struct create_ttl_txn){path, data, acl, op->version, ttl_ms});
    } else {
        h->type = TXN_CREATE;
        h->client_id = op->owner != 0 ? op->owner : h->client_id;
        create_txn_write(w, &(struct create_txn){path, data, acl, op->owner != 0, op->version});
    }
}

static void write_op(struct writer *w, struct txn_header *h, const struct op *op)
{
    struct bytes path = bytes_of(op->path);
    struct bytes data = op->null_data ? BYTES_NULL : bytes_make(op->data, op->data_len);
    switch (op->kind) {
    case OP_KIND_CREATE: write_create(w, h, op, data); break;
    case OP_KIND_DELETE:
        h->type = TXN_DELETE;
        delete_txn_write(w, &(struct delete_txn){path});
        break;
    case OP_KIND_SET_DATA:
        h->type = TXN_SET_DATA;
        set_data_txn_write(w, &(struct set_data_txn){path, data, op->version});
        break;
    case OP_KIND_SET_ACL:
        h->type = TXN_SET_ACL;
        set_acl_txn_write(w, &(struct set_acl_txn){path, model_acl(op->acl), op->version});
        break;
    }
}

static bool is_ephemeral(const struct op *op)
{
    return op->kind == OP_KIND_CREATE && op->owner > 0;
}

static void write_next_op(struct txn_load *l, struct writer *w, struct txn_header *h, bool ephemerals)
{
    struct op op;
    do {
        op_random(&op, &l->random, &l->model, h->zxid);
    } while (is_ephemeral(&op) && !ephemerals);
    op.time_ms = h->time_ms;
    assert_int_equal(op_apply_model(&l->model, &op), ST_OK);
    write_op(w, h, &op);
}

static void write_multi(struct txn_load *l, struct writer *w, struct txn_header *h)
{
    int32_t count = 1 + (int32_t)random_below(&l->random, 3);
    write_i32(w, count);
    for (int32_t i = 0; i < count; i++) {
        struct buffer part = {0};
        struct writer to = writer_to(&part);
        write_next_op(l, &to, h, false);
        sub_txn_write(w, &(struct sub_txn){h->type, buffer_bytes(&part)});
        buffer_free(&part);
    }
    h->type = TXN_MULTI;
}

static void write_session(struct txn_load *l, struct writer *w, struct txn_header *h)
{
    /* The first three are those that own the ephemerals; they stay. */
    h->client_id = l->zxid <= OWNERS ? 0x1000 + l->zxid : 0x100 + (int64_t)random_below(&l->random, SESSIONS_MAX);
    if (sessions_get(l->sessions, h->client_id) == NULL) {
        h->type = TXN_CREATE_SESSION;
        create_session_txn_write(w, &(struct create_session_txn){4000 + (int32_t)random_below(&l->random, 9) * 1000});
    } else {
        h->type = TXN_CLOSE_SESSION;
        close_session_txn_write(w, &(struct close_session_txn){{0, {NULL, 0}}});
    }
}

/* Data of a size that crosses sectors and pages. */
static void write_large(struct txn_load *l, struct writer *w, struct txn_header *h)
{
    struct bytes data = {calloc(1, l->data_max), random_below(&l->random, (uint32_t)l->data_max)};
    assert_non_null(data.data);
    for (size_t i = 0; i < data.len; i++)
        ((uint8_t *)data.data)[i] = (uint8_t)(random_next(&l->random) | 1);
    struct model_node *n = model_find(&l->model, "/zookeeper/config");
    h->type = TXN_SET_DATA;
    n->stat.version++;
    set_data_txn_write(w, &(struct set_data_txn){BYTES("/zookeeper/config"), data, n->stat.version});
    free((void *)data.data);
}

static void write_record(struct txn_load *l, struct writer *w, struct txn_header *h)
{
    uint32_t dice = random_below(&l->random, 16);
    if (dice < 2 || l->zxid <= OWNERS)
        write_session(l, w, h);
    else if (dice < 4 && l->data_max > 0)
        write_large(l, w, h);
    else if (dice == 4)
        write_multi(l, w, h);
    else
        write_next_op(l, w, h, true);
}

void txn_load_init(struct txn_load *l, uint64_t seed)
{
    *l = (struct txn_load){.random = {seed}};
    model_init(&l->model);
    l->tree = tree_new(&txn_load_tree_options);
    l->sessions = sessions_new(TICK_MS);
    l->states = calloc(1, sizeof *l->states);
    assert_true(l->tree != NULL && l->sessions != NULL && l->states != NULL);
    l->states[0] = txn_state_of(l->tree, l->sessions);
}

void txn_load_free(struct txn_load *l)
{
    model_free(&l->model);
    tree_free(l->tree);
    sessions_free(l->sessions);
    free(l->states);
}

void txn_load_next(struct txn_load *l, struct buffer *entry)
{
    struct buffer record = {0};
    struct writer w = writer_to(&record);
    struct txn txn = {.header = {.client_id = 0x100, .cxid = (int32_t)l->zxid, .zxid = ++l->zxid}};
    txn.header.time_ms = 1600000000000 + l->zxid;
    write_record(l, &w, &txn.header);
    assert_int_equal(w.status, ST_OK);
    txn.record = buffer_bytes(&record);
    assert_int_equal(txn_load_apply(NULL, l->tree, l->sessions, &txn), ST_OK);
    l->states = realloc(l->states, ((size_t)l->zxid + 1) * sizeof *l->states);
    assert_non_null(l->states);
    l->states[l->zxid] = txn_state_of(l->tree, l->sessions);
    txn.has_digest = true;
    txn.digest = (struct txn_digest){2, (int64_t)tree_digest(l->tree)};
    struct writer to = writer_to(entry);
    txn_encode(&to, &txn);
    assert_int_equal(to.status, ST_OK);
    buffer_free(&record);
}

void txn_load_next_record(struct txn_load *l, struct buffer *records)
{
    struct buffer entry = {0};
    txn_load_next(l, &entry);
    assert_int_equal(txnlog_frame(records, buffer_bytes(&entry)), ST_OK);
    buffer_free(&entry);
}
