/* tree_model.h - a slow and obvious tree to compare core/tree with: an array of paths, searched from its start.
 *
 * It follows quorum-protocol 4.3 word by word. An operation is a value that can be applied to either. Failures end the
 * running cmocka test. */
#pragma once

#include "core/tree/tree.h"
#include "tests/support/random.h"

#define MODEL_PATH_MAX 256
#define MODEL_DATA_MAX 200
#define MODEL_ACLS     5

struct model_node {
    char path[MODEL_PATH_MAX]; /* "" is the root */
    uint8_t data[MODEL_DATA_MAX];
    size_t data_len;
    bool null_data;
    int acl; /* index into model_acl */
    struct stat_persisted stat;
};

struct model {
    struct model_node *nodes;
    size_t count, cap;
};

enum op_kind { OP_KIND_CREATE, OP_KIND_DELETE, OP_KIND_SET_DATA, OP_KIND_SET_ACL };

struct op {
    enum op_kind kind;
    char path[MODEL_PATH_MAX];
    uint8_t data[MODEL_DATA_MAX];
    size_t data_len;
    bool null_data;
    int acl;
    int64_t owner;
    int32_t version; /* the parent's cversion, the version, the aversion */
    int64_t zxid, time_ms;
};

/* One of a few lists; 0 is open, 1 is empty. */
struct acls model_acl(int index);

void model_init(struct model *m); /* as a fresh server */
void model_free(struct model *m);
void model_copy(struct model *to, const struct model *from);
struct model_node *model_find(const struct model *m, const char *path);
uint64_t model_digest(const struct model *m);

enum status op_apply_model(struct model *m, const struct op *op);
enum status op_apply_tree(struct tree *t, const struct op *op);

/* An operation that a server could have prepared on this tree: it succeeds. */
void op_random(struct op *op, struct random *r, const struct model *m, int64_t zxid);

/* Fails the test unless the tree is the model: nodes, stats, data, ACLs, digest, counts, owners, order of the walk. */
void assert_tree_is_model(struct tree *t, const struct model *m);

/* The two write the same bytes. */
bool stats_are_equal(const struct stat_persisted *a, const struct stat_persisted *b);
