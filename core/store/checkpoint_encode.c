/* checkpoint_encode.c - the loop's side: the frozen numbers in slices, and what changes before its turn. */
#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/store/checkpoint_format.h"

struct checkpoint_encoder {
    struct tree *tree;
    int64_t zxid;
    uint64_t nodes, digest;
    uint32_t next;          /* frozen numbers below it have been taken */
    struct buffer held;     /* records of nodes that changed before their turn */
    struct buffer sessions; /* (id, time-out) pairs */
    enum status status;     /* of what could not be kept */
};

enum { DELETED = -1 };

/* Appends number, length and value; a vacant number has no value. On an error nothing is appended. */
static enum status append_record(struct buffer *out, const struct tree *tree, uint32_t number,
                                 const struct tree_node *n)
{
    size_t start = out->len;
    struct writer w = writer_to(out);
    write_i32(&w, (int32_t)number);
    write_i32(&w, DELETED);
    enum status st = w.status;
    if (st == ST_OK && n != NULL) {
        struct checkpoint_node node = {.parent = n->parent, .name = tree_name(n), .data = tree_data(n)};
        node.acl = acl_get(tree_acls((struct tree *)tree), n->acl);
        tree_stat_persisted(n, &node.stat);
        st = checkpoint_node_encode(out, number, &node);
        if (st == ST_OK)
            write_i32_at(&w, start + 4, (int32_t)(out->len - start - 8));
    }
    if (st != ST_OK)
        out->len = start;
    return st;
}

static void keep_old(void *context, uint32_t number, const struct tree_node *n)
{
    struct checkpoint_encoder *e = context;
    if (e->status == ST_OK)
        e->status = append_record(&e->held, e->tree, number, n);
}

static void add_session(void *context, const struct session *session)
{
    struct writer *w = context;
    write_i64(w, session->id);
    write_i32(w, session->timeout_ms);
}

enum status checkpoint_encoder_new(struct checkpoint_encoder **out, struct tree *tree, const struct sessions *sessions,
                                   int64_t zxid)
{
    struct checkpoint_encoder *e = mem_calloc(1, sizeof *e);
    if (e == NULL)
        return ST_NO_MEMORY;
    *e = (struct checkpoint_encoder){
        .tree = tree, .zxid = zxid, .nodes = tree_count(tree), .digest = tree_digest(tree)};
    struct writer w = writer_to(&e->sessions);
    sessions_each(sessions, add_session, &w);
    enum status st = w.status;
    if (st == ST_OK)
        st = tree_freeze(tree, keep_old, e);
    if (st != ST_OK) {
        buffer_free(&e->sessions);
        mem_free(e);
        return st;
    }
    *out = e;
    return ST_OK;
}

static enum status move_held(struct checkpoint_encoder *e, struct buffer *out)
{
    enum status st = buffer_append(out, e->held.data, e->held.len);
    if (st == ST_OK)
        buffer_free(&e->held);
    return st;
}

enum status checkpoint_encode_some(struct checkpoint_encoder *e, size_t records_max, struct buffer *out, bool *done)
{
    *done = false;
    if (e->status == ST_OK)
        e->status = move_held(e, out);
    for (size_t i = 0; i < records_max && e->status == ST_OK; i++) {
        uint32_t number = tree_next_frozen(e->tree, e->next);
        if (number == 0) {
            *done = true;
            break;
        }
        e->next = number + 1;
        e->status = append_record(out, e->tree, number, tree_by_number(e->tree, number));
    }
    return e->status;
}

void checkpoint_encoder_end(const struct checkpoint_encoder *e, struct checkpoint_end *end)
{
    *end = (struct checkpoint_end){e->zxid, e->nodes, e->digest, buffer_bytes(&e->sessions)};
}

void checkpoint_encoder_free(struct checkpoint_encoder *e, bool stored)
{
    if (e == NULL)
        return;
    tree_thaw(e->tree, stored);
    buffer_free(&e->held);
    buffer_free(&e->sessions);
    mem_free(e);
}
