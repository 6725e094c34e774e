/* checkpoint_load.c - a checkpoint back into a tree, and whether it is the tree it says it is. */
#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/store/checkpoint_format.h"

#include <inttypes.h>

struct load {
    const struct checkpoint_store *store;
    struct tree *tree;
    struct sessions *sessions;
    int64_t now_ms;
    const char *problem;
    uint32_t number; /* where the problem is; 0: nowhere in particular */
    uint64_t nodes;  /* taken so far */
};

static enum status problem(struct load *l, uint32_t number, enum status st, const char *text)
{
    l->problem = st == ST_UNSUPPORTED ? "it is of a newer format than this version reads" : text;
    l->number = number;
    return st == ST_UNSUPPORTED ? st : ST_CORRUPT;
}

static enum status take_node(void *context, uint32_t number, struct bytes value)
{
    struct load *l = context;
    struct checkpoint_node node;
    enum status st = checkpoint_node_decode(number, value, &node);
    if (st != ST_OK)
        return problem(l, number, st, "a node's value is damaged");
    l->nodes++;
    st = tree_load_numbered(l->tree, number, node.parent, node.name, node.data, node.acl, &node.stat);
    return st == ST_OK || st == ST_NO_MEMORY ? st : problem(l, number, st, "a node's value is impossible");
}

static enum status take_sessions(void *context, uint32_t key, struct bytes value)
{
    struct load *l = context;
    struct reader r;
    enum status st = checkpoint_value_open(CHECKPOINT_SESSIONS, key, value, &r);
    if (st == ST_OK && reader_left(&r) % CHECKPOINT_SESSION_LEN != 0)
        st = ST_CORRUPT;
    if (st != ST_OK)
        return problem(l, key, st, "a list of sessions is damaged");
    while (reader_left(&r) > 0 && st == ST_OK) {
        int64_t id = read_i64(&r);
        int32_t timeout_ms = read_i32(&r);
        st = sessions_put(l->sessions, id, timeout_ms, l->now_ms);
    }
    return st;
}

static enum status load_sessions(struct load *l, uint32_t values)
{
    enum status st = ST_OK;
    for (uint32_t i = 0; i < values && st == ST_OK; i++) {
        st = l->store->get(l->store->context, CHECKPOINT_SESSIONS, i, take_sessions, l);
        if (st == ST_NOT_FOUND)
            st = problem(l, i, ST_CORRUPT, "a list of sessions is missing");
    }
    return st;
}

static enum status load_nodes(struct load *l, const struct checkpoint_meta *meta)
{
    tree_load_begin(l->tree);
    enum status st = l->store->walk(l->store->context, CHECKPOINT_NODES, take_node, l);
    if (st == ST_OK && tree_by_number(l->tree, 1) == NULL)
        st = problem(l, 1, ST_CORRUPT, "the root is missing");
    uint64_t dropped = 0;
    if (st == ST_OK)
        st = tree_loaded(l->tree, &dropped);
    if (st != ST_OK || !meta->complete)
        return st;
    if (dropped != 0)
        return problem(l, 0, ST_CORRUPT, "there are nodes without a parent, or two of one name");
    /* The tree counts the root twice, and makes nodes of the system that are missing. */
    if (tree_count(l->tree) != meta->nodes || l->nodes + 1 != meta->nodes)
        return problem(l, 0, ST_CORRUPT, "the number of nodes is not the one recorded");
    if (tree_digest(l->tree) != meta->digest)
        return problem(l, 0, ST_CORRUPT, "the digest of the tree is not the one recorded");
    return ST_OK;
}

static enum status load(struct load *l, struct checkpoint_meta *meta)
{
    enum status st = checkpoint_read_meta(l->store, meta);
    if (st == ST_CORRUPT || st == ST_UNSUPPORTED)
        return problem(l, 0, st, "the record that says what it holds is damaged");
    if (st == ST_OK && !meta->complete && meta->from < 0)
        return ST_NOT_FOUND;
    if (st == ST_OK)
        st = load_nodes(l, meta);
    return st == ST_OK ? load_sessions(l, meta->session_values) : st;
}

enum status checkpoint_load(const struct checkpoint_store *store, const char *name, struct tree *tree,
                            struct sessions *sessions, int64_t now_ms, struct checkpoint_meta *meta,
                            enum finding_kind severity, struct findings *findings)
{
    struct load l = {.store = store, .tree = tree, .sessions = sessions, .now_ms = now_ms};
    enum status st = load(&l, meta);
    if (st == ST_OK || st == ST_NOT_FOUND || st == ST_NO_MEMORY)
        return st;
    enum status told = findings_add(findings, severity, name, 0,
                                    "the checkpoint cannot be used: %s (number %" PRIu32 ")",
                                    l.problem == NULL ? status_text(st) : l.problem, l.number);
    return told == ST_OK ? st : told;
}
