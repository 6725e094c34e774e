/* reference.c - see reference.h. */
#include "tests/sim/replica/reference.h"

#include "core/base/array.h"
#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/ops/op.h"
#include "core/ops/secret.h"
#include "core/tree/path.h"
#include "tests/sim/checks/sessions.h"
#include "tests/sim/replica/client.h"
#include "tests/sim/replica/member.h"

#include <inttypes.h>

struct node_history {
    char *path;
    struct node_version *versions; /* by zxid */
    size_t count, capacity;
};

struct reference {
    struct tree *tree;
    struct sessions *sessions;
    struct reference_txn *txns;
    size_t count, capacity;
    struct map nodes;     /* struct node_history */
    struct map64 created; /* sessions that ever were the ensemble's */
    struct map64 cxids;   /* session -> the last cxid of its txns that were not refused, and one */
};

static const struct hash_key key = {3, 4};

static struct bytes path_of(const void *item)
{
    return bytes_of(((const struct node_history *)item)->path);
}

/* -- nodes --------------------------------------------------------------------------------------------------------- */

static char *copy_path(struct bytes path)
{
    char *copy = mem_alloc(path.len + 1);
    CHECK(copy != NULL);
    memcpy(copy, path.data, path.len);
    copy[path.len] = '\0';
    return copy;
}

uint64_t reference_hash_name(struct bytes name)
{
    return hash_bytes(&key, 0, name);
}

static struct node_history *history_of(struct reference *ref, struct bytes path)
{
    struct node_history *node = map_get(&ref->nodes, path);
    if (node != NULL)
        return node;
    node = mem_calloc(1, sizeof *node);
    CHECK(node != NULL);
    node->path = copy_path(path);
    CHECK(map_add(&ref->nodes, node) == ST_OK);
    return node;
}

static void fill_version(const struct reference *ref, const struct tree_node *n, struct node_version *version)
{
    struct bytes data = tree_data(n);
    version->exists = true;
    tree_stat(ref->tree, n, &version->stat);
    version->null_data = bytes_is_null(data);
    CHECK(buffer_append(&version->data, data.data, data.len) == ST_OK);
    for (const struct tree_node *c = tree_first_child(ref->tree, n); c != NULL; c = tree_next_sibling(ref->tree, c))
        version->children += reference_hash_name(tree_name(c));
}

/* As it is now. */
static void note_version(struct reference *ref, struct bytes path, int64_t zxid)
{
    struct node_history *node = history_of(ref, path);
    struct node_version *versions = array_room(node->versions, node->count, &node->capacity, sizeof *versions, 4);
    const struct tree_node *n = tree_lookup(ref->tree, path);
    CHECK(versions != NULL);
    node->versions = versions;
    if (node->count > 0 && versions[node->count - 1].zxid == zxid)
        buffer_free(&versions[--node->count].data);
    struct node_version *version = &versions[node->count++];
    *version = (struct node_version){.zxid = zxid};
    if (n != NULL)
        fill_version(ref, n, version);
}

static struct bytes parent_of(struct bytes path)
{
    struct bytes parent = path_parent(path);
    return parent.len > 0 ? parent : BYTES("/");
}

/* -- making -------------------------------------------------------------------------------------------------------- */

struct reference *reference_new(struct world *w)
{
    struct reference *ref = mem_calloc(1, sizeof *ref);
    CHECK(ref != NULL);
    ref->tree = database_tree();
    ref->sessions = sessions_new(w->plan.tick_ms);
    CHECK(ref->sessions != NULL);
    map_init(&ref->nodes, &key, path_of);
    note_version(ref, BYTES("/"), 0);
    return ref;
}

void reference_free(struct reference *ref)
{
    MAP_FOR_EACH(slot, &ref->nodes)
    {
        struct node_history *node = slot->item;
        for (size_t i = 0; i < node->count; i++)
            buffer_free(&node->versions[i].data);
        mem_free(node->versions);
        mem_free(node->path);
        mem_free(node);
    }
    map_free(&ref->nodes);
    for (size_t i = 0; i < ref->count; i++) {
        struct reference_txn *txn = &ref->txns[i];
        for (size_t k = 0; k < txn->change_count; k++)
            mem_free((char *)(uintptr_t)txn->changes[k].path);
        mem_free(txn->changes);
        buffer_free(&txn->answer);
    }
    mem_free(ref->txns);
    map64_free(&ref->cxids);
    map64_free(&ref->created);
    tree_free(ref->tree);
    sessions_free(ref->sessions);
    mem_free(ref);
}

/* -- looking ------------------------------------------------------------------------------------------------------- */

const struct node_version *reference_look(const struct reference *ref, struct bytes path, int64_t zxid)
{
    const struct node_history *node = map_get(&ref->nodes, path);
    size_t low = 0, high = node == NULL ? 0 : node->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (node->versions[middle].zxid <= zxid)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? NULL : &node->versions[low - 1];
}

/* -- txns ---------------------------------------------------------------------------------------------------------- */

size_t reference_count(const struct reference *ref)
{
    return ref->count;
}

const struct reference_txn *reference_at(const struct reference *ref, size_t i)
{
    return &ref->txns[i];
}

size_t reference_after(const struct reference *ref, int64_t zxid)
{
    size_t low = 0, high = ref->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ref->txns[middle].zxid <= zxid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct reference_txn *reference_find(const struct reference *ref, int64_t zxid)
{
    size_t i = reference_after(ref, zxid);
    return i > 0 && ref->txns[i - 1].zxid == zxid ? &ref->txns[i - 1] : NULL;
}

static void changed(void *context, enum watch_event event, struct bytes path)
{
    struct reference_txn *txn = context;
    if (bytes_equal(path, BYTES(SECRET_FOLDER)) || path_is_within(path, BYTES(SECRET_FOLDER)))
        return; /* of which clients hear nothing */
    struct change *changes = array_room(txn->changes, txn->change_count, &txn->change_capacity, sizeof *changes, 2);
    CHECK(changes != NULL);
    txn->changes = changes;
    changes[txn->change_count++] = (struct change){event, copy_path(path)};
}

static void apply(struct world *w, struct reference *ref, const struct txn *txn, struct reference_txn *done)
{
    struct apply a = {
        .tree = ref->tree, .sessions = ref->sessions, .header = &txn->header, .changed = changed, .context = done};
    struct writer writer = writer_to(&done->answer);
    enum status st = op_apply(&a, txn->header.type, txn->record, &writer);
    CHECK(writer.status == ST_OK && st != ST_NO_MEMORY);
    if (txn->header.type != TXN_ERROR && st != ST_OK)
        world_fail(w, "integrity: txn 0x%" PRIx64 " cannot be applied: %s", (uint64_t)txn->header.zxid,
                   status_text(st));
    done->err = txn->header.type == TXN_ERROR ? (int32_t)be32_get(txn->record.data) : status_code(st);
    if (done->err != 0)
        done->answer.len = 0;
    if (txn->has_digest && (uint64_t)txn->digest.tree_digest != tree_digest(ref->tree))
        world_fail(w, "the leader foretold another digest for 0x%" PRIx64, (uint64_t)txn->header.zxid);
    done->digest = tree_digest(ref->tree);
    done->sessions = sessions_count(ref->sessions);
}

static void note_versions(struct reference *ref, const struct txn *txn, const struct reference_txn *done)
{
    for (size_t i = 0; i < done->change_count; i++) {
        struct bytes path = bytes_of(done->changes[i].path);
        note_version(ref, path, done->zxid);
        if (done->changes[i].event != EVENT_NODE_DATA_CHANGED)
            note_version(ref, parent_of(path), done->zxid);
    }
    struct set_acl_txn set_acl;
    struct reader reader = reader_of(txn->record);
    if (txn->header.type == TXN_SET_ACL && set_acl_txn_read(&reader, &set_acl) == ST_OK)
        note_version(ref, set_acl.path, done->zxid);
}

/* FIFO order of each client: what it asked later is committed later. */
static void check_order(struct world *w, struct reference *ref, const struct reference_txn *done)
{
    /* Where there are local sessions a late request of one that has ended may be one of those, for all that the leader
     * knows, as with Apache's. */
    const bool has_ended = sessions_get(ref->sessions, done->session) == NULL && done->type != TXN_CLOSE_SESSION;
    if (done->err != 0 || done->cxid <= 0 || (w->plan.local_sessions && has_ended))
        return;
    int32_t last = (int32_t)(uintptr_t)map64_get(&ref->cxids, (uint64_t)done->session) - 1;
    if (done->cxid <= last)
        world_fail(w, "order of a client: 0x%" PRIx64 " is cxid %" PRId32 " of session 0x%" PRIx64 ", behind %" PRId32,
                   (uint64_t)done->zxid, done->cxid, (uint64_t)done->session, last);
    CHECK(map64_put(&ref->cxids, (uint64_t)done->session, (void *)(uintptr_t)((uint32_t)done->cxid + 1)) == ST_OK);
}

/* One that a client has already was a local one until then. */
static void note_session(struct world *w, struct reference *ref, int64_t session)
{
    CHECK(map64_put(&ref->created, (uint64_t)session, ref) == ST_OK);
    if (clients_have(w, session))
        mark(w, MARK_SESSION_UPGRADED);
}

void reference_commit(struct world *w, const struct server *m, struct txn_ref t)
{
    (void)m;
    struct reference *ref = w->replicas->reference;
    struct reference_txn *txns = array_room(ref->txns, ref->count, &ref->capacity, sizeof *txns, 64);
    struct txn txn;
    CHECK(txns != NULL && txn_decode(database_entry(w, t.id), &txn) == ST_OK);
    ref->txns = txns;
    struct reference_txn *done = &txns[ref->count++];
    *done = (struct reference_txn){
        .zxid = t.zxid, .session = txn.header.client_id, .cxid = txn.header.cxid, .type = txn.header.type};
    apply(w, ref, &txn, done);
    if (done->type == TXN_CREATE_SESSION)
        note_session(w, ref, done->session);
    note_versions(ref, &txn, done);
    check_order(w, ref, done);
    check_owners(w, ref->tree, ref->sessions, t.zxid);
}

bool reference_knew_session(const struct reference *ref, int64_t session)
{
    return map64_get(&ref->created, (uint64_t)session) != NULL;
}

const struct tree *reference_tree(const struct reference *ref)
{
    return ref->tree;
}

const struct sessions *reference_sessions(const struct reference *ref)
{
    return ref->sessions;
}
