/* Whoever follows the changes of a tree from a cursor is given exactly what came behind it, or told that it is
 * forgotten: at random, compared with a list of all there ever was; with little room, with memory that runs out, and
 * across cuts. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "core/tree/changes.h"
#include "tests/support/failing_memory.h"
#include "tests/support/tree_model.h"

#include "tests/support/test.h"

#include <stdlib.h>

enum { OPERATIONS = 6000, RING_BYTES = 64 * 1024 };

static const struct tree_options options = {.hash_key = {31, 32}, .extended_types = true};

struct known {
    enum change_kind kind;
    struct change_cursor at;
    char path[MODEL_PATH_MAX];
    uint8_t data[MODEL_DATA_MAX];
    size_t data_len;
    bool null_data;
    int acl, acl_before;
    int32_t version;
};

struct world {
    struct tree *tree;
    struct changes *changes;
    struct model model;
    struct random random;
    struct known *all;
    size_t count;
    int64_t zxid;
    bool in_txn; /* the next change is of the same one */
};

static void world_init(struct world *w)
{
    *w = (struct world){.random = {random_seed()}, .zxid = 1};
    model_init(&w->model);
    w->tree = tree_new(&options);
    w->changes = changes_new(&options.hash_key, RING_BYTES);
    w->all = calloc(OPERATIONS, sizeof *w->all);
    assert_true(w->tree != NULL && w->changes != NULL && w->all != NULL);
}

static void world_free(struct world *w)
{
    changes_free(w->changes);
    tree_free(w->tree);
    model_free(&w->model);
    free(w->all);
}

static void take_down(struct world *w, const struct op *op, int acl_before)
{
    static const enum change_kind kinds[] = {CHANGE_CREATED, CHANGE_DELETED, CHANGE_DATA, CHANGE_ACL};
    struct known *k = &w->all[w->count];
    bool follows = w->count > 0 && k[-1].at.zxid == op->zxid;
    *k = (struct known){.kind = kinds[op->kind], .at = {op->zxid, follows ? k[-1].at.index + 1 : 1}};
    w->count++;
    const struct model_node *node = model_find(&w->model, op->path);
    (void)snprintf(k->path, sizeof k->path, "%s", op->path);
    k->null_data = op->kind == OP_KIND_DELETE || node->null_data;
    if (!k->null_data)
        memcpy(k->data, node->data, k->data_len = node->data_len);
    k->acl = node->acl;
    k->acl_before = op->kind == OP_KIND_SET_ACL ? acl_before : k->acl;
    k->version = node->stat.version;
}

/* One random operation on tree and model, told to the changes as core/ops does it. `failing`: the allocation that fails
 * while they are told; below 0: none. */
static void step_failing(struct world *w, int failing)
{
    struct op op;
    w->zxid += w->in_txn ? 0 : 1;
    op_random(&op, &w->random, &w->model, w->zxid);
    const struct model_node *node = model_find(&w->model, op.path);
    int acl_before = node == NULL ? 0 : node->acl;
    static const enum change_kind kinds[] = {CHANGE_CREATED, CHANGE_DELETED, CHANGE_DATA, CHANGE_ACL};
    memory_fail_once_after(failing);
    if (op.kind == OP_KIND_SET_ACL)
        changes_before_acl(w->changes, w->tree, bytes_of(op.path));
    if (op.kind == OP_KIND_DELETE) {
        take_down(w, &op, 0);
        changes_note(w->changes, w->tree, op.zxid, CHANGE_DELETED, bytes_of(op.path));
    }
    memory_fail_once_after(-1); /* the tree itself has enough */
    assert_int_equal(op_apply_tree(w->tree, &op), op_apply_model(&w->model, &op));
    memory_fail_once_after(failing);
    if (op.kind != OP_KIND_DELETE) {
        take_down(w, &op, acl_before);
        changes_note(w->changes, w->tree, op.zxid, kinds[op.kind], bytes_of(op.path));
    }
    memory_fail_once_after(-1);
    w->in_txn = random_below(&w->random, 4) == 0;
    if (!w->in_txn)
        changes_applied(w->changes, op.zxid);
}

static void step(struct world *w)
{
    step_failing(w, -1);
}

static bool acl_is(struct acls acl, int index)
{
    struct acls wanted = model_acl(index);
    return (acl.count <= 0 && wanted.count <= 0) || (acl.count == wanted.count && bytes_equal(acl.raw, wanted.raw));
}

static void assert_is(const struct tree_change *change, const struct known *k)
{
    struct bytes path = bytes_of(k->path[0] == '\0' ? "/" : k->path);
    struct bytes data = k->null_data ? BYTES_NULL : bytes_make(k->data, k->data_len);
    assert_int_equal(change->kind, k->kind);
    assert_int_equal(change->at.zxid, k->at.zxid);
    assert_int_equal(change->at.index, k->at.index);
    assert_true(bytes_equal(change->path, path));
    assert_true(bytes_equal(change->data, data));
    assert_true(acl_is(change->acl, k->acl) && acl_is(change->acl_before, k->acl_before));
    assert_int_equal(change->stat.version, k->version);
}

/* From a place somewhere among the known ones on. Whether it was still remembered. */
static bool follow(struct world *w, size_t from)
{
    struct change_place place;
    struct tree_change change;
    struct change_cursor behind = from == 0 ? (struct change_cursor){1, CHANGES_WHOLE_TXN} : w->all[from - 1].at;
    if (!changes_find(w->changes, behind, &place))
        return false;
    for (size_t i = from; i < w->count; i++) {
        assert_int_equal(changes_next(w->changes, &place, &change), CHANGES_NEXT);
        assert_is(&change, &w->all[i]);
    }
    assert_int_equal(changes_next(w->changes, &place, &change), CHANGES_AT_END);
    return true;
}

static void followers_are_given_all_or_told_that_it_is_forgotten(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    changes_begin(w.changes, w.zxid);
    size_t oldest = 0;
    while (w.count < OPERATIONS) {
        step(&w);
        size_t from = random_below(&w.random, (uint32_t)w.count + 1);
        while (oldest < w.count && !follow(&w, oldest))
            oldest++; /* what is forgotten stays so */
        assert_int_equal(follow(&w, from), from >= oldest);
    }
    assert_true(oldest > 0 && w.count - oldest > 50);
    world_free(&w);
}

static void without_memory_all_is_forgotten_and_nothing_is_wrong(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    changes_begin(w.changes, w.zxid);
    while (w.count < OPERATIONS / 2) {
        step_failing(&w, random_below(&w.random, 50) == 0 ? (int)random_below(&w.random, 3) : -1);
        (void)follow(&w, random_below(&w.random, (uint32_t)w.count + 1));
        assert_true(follow(&w, w.count));
    }
    world_free(&w);
}

static void a_place_that_is_overtaken_says_so(void **state)
{
    (void)state;
    struct world w;
    struct change_place place = {0}, end;
    struct tree_change change;
    world_init(&w);
    assert_int_equal(changes_next(w.changes, &place, &change), CHANGES_GONE);
    step(&w); /* nothing is kept yet */
    assert_false(changes_find(w.changes, changes_end(w.changes), &place));
    changes_begin(w.changes, w.zxid);
    w.count = 0;
    assert_true(changes_find(w.changes, changes_end(w.changes), &place));
    while (w.count < OPERATIONS - 1)
        step(&w);
    assert_int_equal(changes_next(w.changes, &place, &change), CHANGES_GONE);
    assert_true(changes_find(w.changes, changes_end(w.changes), &end));
    changes_pause(w.changes);
    assert_int_equal(changes_next(w.changes, &end, &change), CHANGES_GONE);
    world_free(&w);
}

static void what_is_cut_never_was(void **state)
{
    (void)state;
    struct world w;
    struct change_place place;
    world_init(&w);
    changes_begin(w.changes, w.zxid);
    while (w.count < 100)
        step(&w);
    int64_t until = w.all[80].at.zxid;
    struct change_cursor last = w.all[w.count - 1].at;
    changes_cut(w.changes, until);
    while (w.all[w.count - 1].at.zxid > until)
        w.count--;
    assert_true(follow(&w, 0) && follow(&w, w.count));
    assert_false(changes_find(w.changes, last, &place));
    w.zxid = last.zxid;
    w.in_txn = false;
    while (w.count < 300)
        step(&w);
    assert_true(follow(&w, 0));
    changes_cut(w.changes, 0); /* before all that is known */
    assert_false(changes_find(w.changes, w.all[10].at, &place));
    world_free(&w);
}

static void what_is_too_large_is_not_kept(void **state)
{
    (void)state;
    struct world w;
    struct change_place place;
    static uint8_t data[RING_BYTES];
    world_init(&w);
    changes_begin(w.changes, w.zxid);
    const struct tree_create create = {BYTES("/large"), bytes_make(data, sizeof data), model_acl(0), 0, -1, 7, 8};
    assert_int_equal(tree_create(w.tree, &create), ST_OK);
    changes_note(w.changes, w.tree, 7, CHANGE_CREATED, create.path);
    assert_false(changes_find(w.changes, (struct change_cursor){1, CHANGES_WHOLE_TXN}, &place));
    assert_true(changes_find(w.changes, changes_end(w.changes), &place));
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(followers_are_given_all_or_told_that_it_is_forgotten),
        cmocka_unit_test(without_memory_all_is_forgotten_and_nothing_is_wrong),
        cmocka_unit_test(a_place_that_is_overtaken_says_so),
        cmocka_unit_test(what_is_cut_never_was),
        cmocka_unit_test(what_is_too_large_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
