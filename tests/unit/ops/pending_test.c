/* The pending view against the obvious one: a second tree that has every txn as soon as it is prepared.
 *
 * Random writes are prepared ahead of the tree that serves, to a random depth; whatever is looked at through the
 * pending view must be as in the tree that is ahead, the digest too. */
#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/jute/txn.h"
#include "core/ops/op.h"
#include "core/ops/prepare_checks.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

enum { STEPS = 6000, DEPTH_MAX = 40, SESSIONS = 3, SESSION_FIRST = 0x1001, PARTS_MAX = 5 };

struct flight {
    struct flight *next;
    struct pending_changes changes;
    struct txn_header header;
    struct buffer record;
};

struct world {
    struct random random;
    struct op_rules rules;
    struct tree *serving, *ahead;
    struct sessions *sessions, *sessions_ahead;
    struct pending *pending;
    struct flight *first, *last;
    size_t depth;
    int64_t zxid;
    struct buffer path_scratch, acl_scratch, record;
};

static const char *const paths[] = {"/",      "/a",     "/b",     "/c",        "/a/1",   "/a/2",
                                    "/a/1/x", "/a/1/y", "/b/1",   "/b/1/deep", "/c/",    "/none/x",
                                    "/a//",   "nope",   "/a/./x", "/c/1",      "/b/1/2", "/zookeeper/quota/q"};

static const struct identity somebody[] = {{{(const uint8_t *)"ip", 2}, {(const uint8_t *)"127.0.0.1", 9}},
                                           {{(const uint8_t *)"digest", 6}, {(const uint8_t *)"u:hash", 6}}};

static uint32_t below(struct world *w, uint32_t limit)
{
    return random_below(&w->random, limit);
}

static void world_init(struct world *w)
{
    const struct tree_options options = {{3, 4}, true};
    *w = (struct world){.random = {random_seed()}, .rules = {.extended_types = true, .digest_enabled = true}};
    w->rules.close_session_txn = true;
    w->serving = tree_new(&options);
    w->ahead = tree_new(&options);
    w->sessions = sessions_new(1000);
    w->sessions_ahead = sessions_new(1000);
    assert_true(w->serving != NULL && w->ahead != NULL && w->sessions != NULL && w->sessions_ahead != NULL);
    w->pending = pending_new(w->serving, &options.hash_key, true);
    assert_non_null(w->pending);
}

static void world_free(struct world *w)
{
    pending_free(w->pending);
    tree_free(w->serving);
    tree_free(w->ahead);
    sessions_free(w->sessions);
    sessions_free(w->sessions_ahead);
    buffer_free(&w->path_scratch);
    buffer_free(&w->acl_scratch);
    buffer_free(&w->record);
}

/* -- random requests ----------------------------------------------------------------------------------------------- */

static void write_random_acl(struct world *w, struct writer *out)
{
    static const char *const schemes[][2] = {{"world", "anyone"}, {"digest", "u:hash"}, {"auth", ""}, {"bad", "x"}};
    uint32_t kind = below(w, 12);
    uint32_t count = kind == 0 ? 0 : 1 + below(w, 2);
    write_i32(out, (int32_t)count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t which = kind < 8 ? 0 : below(w, 4);
        write_i32(out, kind < 8 ? 31 : (int32_t)below(w, 32));
        write_text(out, bytes_of(schemes[which][0]));
        write_text(out, bytes_of(schemes[which][1]));
    }
}

static void write_random_path(struct world *w, struct writer *out)
{
    write_text(out, bytes_of(paths[below(w, ARRAY_LEN(paths))]));
}

static void write_random_data(struct world *w, struct writer *out)
{
    static const uint8_t data[20] = {1, 2, 3};
    write_blob(out, below(w, 5) == 0 ? BYTES_NULL : bytes_make(data, below(w, sizeof data)));
}

static void write_random_create(struct world *w, struct writer *out, bool with_ttl)
{
    static const int32_t flags[] = {0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7};
    write_random_path(w, out);
    write_random_data(w, out);
    write_random_acl(w, out);
    write_i32(out, with_ttl ? 5 + (int32_t)below(w, 2) : flags[below(w, ARRAY_LEN(flags))]);
    if (with_ttl)
        write_i64(out, below(w, 20));
}

/* The body of a random operation that may stand in a multi, or setACL. Returns the operation. */
static const struct op *write_random_part(struct world *w, struct writer *out, bool in_multi)
{
    static const int32_t numbers[] = {1, 15, 1, 2, 2, 5, 5, 13, 19, 21, 7};
    const struct op *op = op_find(numbers[below(w, in_multi ? 10 : 11)]);
    if (in_multi)
        multi_header_write(out, &(struct multi_header){op->number, false, -1});
    switch (op->number) {
    case 1:
    case 15:
    case 19:
    case 21: write_random_create(w, out, op->number == 21); break;
    case 5:
        write_random_path(w, out);
        write_random_data(w, out);
        write_i32(out, (int32_t)below(w, 4) - 1);
        break;
    case 7:
        write_random_path(w, out);
        write_random_acl(w, out);
        write_i32(out, (int32_t)below(w, 3) - 1);
        break;
    default:
        write_random_path(w, out);
        write_i32(out, (int32_t)below(w, 4) - 1);
        break;
    }
    return op;
}

static const struct op *write_random_request(struct world *w, struct writer *out)
{
    uint32_t kind = below(w, 20);
    if (kind == 0)
        return op_find(TXN_CLOSE_SESSION);
    if (kind > 5)
        return write_random_part(w, out, false);
    for (uint32_t i = below(w, PARTS_MAX); i > 0; i--)
        write_random_part(w, out, true);
    multi_header_write(out, &(struct multi_header){-1, true, -1});
    return op_find(TXN_MULTI);
}

/* -- steps --------------------------------------------------------------------------------------------------------- */

static enum status prepare(struct world *w, const struct op *op, const union op_body *body, int64_t session)
{
    struct writer record = writer_to(&w->record);
    struct prepare p = {.rules = &w->rules,
                        .pending = w->pending,
                        .who = {somebody, 1 + below(w, 2)},
                        .session_id = session,
                        .zxid = w->zxid + 1,
                        .time_ms = 5000 + w->zxid,
                        .path_scratch = &w->path_scratch,
                        .acl_scratch = &w->acl_scratch};
    w->record.len = w->path_scratch.len = w->acl_scratch.len = 0;
    pending_begin(w->pending, p.zxid);
    enum status st = op->prepare(&p, op, body, &record);
    assert_int_equal(record.status, ST_OK);
    return st;
}

static void apply_to(struct tree *tree, struct sessions *sessions, const struct flight *f)
{
    struct apply a = {.tree = tree, .sessions = sessions, .header = &f->header};
    assert_int_equal(op_apply(&a, f->header.type, buffer_bytes(&f->record), NULL), ST_OK);
}

static void launch(struct world *w, const struct op *op, int64_t session)
{
    struct flight *f = mem_calloc(1, sizeof *f);
    assert_non_null(f);
    assert_int_equal(pending_commit(w->pending, &f->changes), ST_OK);
    w->zxid++;
    f->header = (struct txn_header){session, 0, w->zxid, 5000 + w->zxid - 1, op->number};
    assert_int_equal(buffer_append(&f->record, w->record.data, w->record.len), ST_OK);
    if (w->first == NULL)
        w->first = f;
    else
        w->last->next = f;
    w->last = f;
    w->depth++;
    apply_to(w->ahead, w->sessions_ahead, f);
}

/* The oldest txn becomes part of the tree that serves. */
static void land(struct world *w)
{
    struct flight *f = w->first;
    apply_to(w->serving, w->sessions, f);
    pending_applied(w->pending, &f->changes, f->header.zxid);
    w->first = f->next;
    w->depth--;
    buffer_free(&f->record);
    mem_free(f);
}

static void request(struct world *w)
{
    struct buffer frame = {0};
    struct writer out = writer_to(&frame);
    union op_body body;
    memset(&body, 0, sizeof body);
    assert_int_equal(buffer_reserve(&frame, 1), ST_OK);
    const struct op *op = write_random_request(w, &out);
    struct reader r = reader_of(buffer_bytes(&frame));
    int64_t session = SESSION_FIRST + below(w, SESSIONS);
    uint64_t digest = pending_digest(w->pending);
    if (op->decode != NULL)
        assert_int_equal(op->decode(&r, &body), ST_OK);
    enum status st = prepare(w, op, &body, session);
    if (st == ST_OK && below(w, 10) > 0) {
        launch(w, op, session);
    } else {
        pending_rollback(w->pending, 0);
        assert_int_equal(pending_digest(w->pending), digest);
    }
    buffer_free(&frame);
}

/* -- comparing ----------------------------------------------------------------------------------------------------- */

static void assert_same_acl(struct world *w, uint32_t pending_acl, uint32_t ahead_acl)
{
    struct acls ours = acl_get(tree_acls(w->serving), pending_acl), theirs = acl_get(tree_acls(w->ahead), ahead_acl);
    assert_int_equal(ours.count, theirs.count);
    assert_true(ours.raw.len == theirs.raw.len && memcmp(ours.raw.data, theirs.raw.data, ours.raw.len) == 0);
}

/* As written, since a struct has gaps. */
static void assert_same_stat(const struct stat_persisted *a, const struct stat_persisted *b)
{
    struct buffer bytes = {0};
    struct writer w = writer_to(&bytes);
    stat_persisted_write(&w, a);
    size_t len = bytes.len;
    stat_persisted_write(&w, b);
    assert_int_equal(w.status, ST_OK);
    assert_memory_equal(bytes.data, bytes.data + len, len);
    buffer_free(&bytes);
}

static void assert_same_node(struct world *w, struct bytes path, const struct tree_node *node)
{
    struct pending_node seen;
    struct stat_persisted stat;
    pending_look(w->pending, path, &seen);
    assert_int_equal(seen.exists, node != NULL);
    if (node == NULL)
        return;
    tree_stat_persisted(node, &stat);
    assert_same_stat(&seen.stat, &stat);
    assert_int_equal(seen.child_count, node->child_count);
    assert_int_equal(seen.data_len, node->data_len);
    assert_same_acl(w, seen.acl, node->acl);
}

struct seen_ephemerals {
    const struct tree *ahead;
    int64_t session;
    size_t count;
};

static enum status see_ephemeral(void *context, struct bytes path)
{
    struct seen_ephemerals *seen = context;
    const struct tree_node *node = tree_lookup(seen->ahead, path);
    assert_true(node != NULL && node->owner == seen->session);
    seen->count++;
    return ST_OK;
}

static void assert_same_ephemerals(struct world *w, int64_t session)
{
    size_t count;
    struct seen_ephemerals seen = {.ahead = w->ahead, .session = session};
    tree_ephemerals(w->ahead, session, &count);
    assert_int_equal(pending_each_ephemeral(w->pending, session, see_ephemeral, &seen), ST_OK);
    assert_int_equal(seen.count, count);
}

static void assert_same_view(struct world *w)
{
    struct buffer path = {0};
    const struct tree_node *root = tree_lookup(w->ahead, BYTES(""));
    for (const struct tree_node *n = root; n != NULL; n = tree_next_preorder(w->ahead, root, n)) {
        path.len = 0;
        assert_int_equal(tree_path(w->ahead, n, &path), ST_OK);
        assert_same_node(w, buffer_bytes(&path), n);
    }
    buffer_free(&path);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        assert_same_node(w, bytes_of(paths[i]), tree_lookup(w->ahead, bytes_of(paths[i])));
    for (int i = 0; i < SESSIONS; i++)
        assert_same_ephemerals(w, SESSION_FIRST + i);
    assert_int_equal(pending_digest(w->pending), tree_digest(w->ahead));
}

static void view_is_the_tree_to_come(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    for (int i = 0; i < STEPS; i++) {
        request(&w);
        assert_same_view(&w);
        uint32_t landing = below(&w, 60) == 0 ? DEPTH_MAX : below(&w, 3);
        while (w.depth > 0 && (landing-- > 0 || w.depth > DEPTH_MAX))
            land(&w);
    }
    while (w.depth > 0)
        land(&w);
    assert_same_view(&w);
    assert_int_equal(tree_digest(w.serving), tree_digest(w.ahead));
    assert_true(w.zxid > STEPS / 10);
    world_free(&w);
}

/* A parent whose counter is used up: neither it nor its pzxid moves any more, in both views alike. */
static void used_up_counter_keeps_pzxid(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    const struct stat_persisted full = {.cversion = INT32_MAX, .pzxid = 0}, plain = {0};
    struct tree *trees[] = {w.serving, w.ahead};
    for (size_t i = 0; i < ARRAY_LEN(trees); i++) {
        uint64_t dropped;
        tree_load_begin(trees[i]);
        struct acls open = acl_get(tree_acls(trees[i]), ACL_OPEN);
        assert_int_equal(tree_load(trees[i], BYTES(""), BYTES(""), open, &plain), ST_OK);
        assert_int_equal(tree_load(trees[i], BYTES("/a"), BYTES(""), open, &full), ST_OK);
        assert_int_equal(tree_loaded(trees[i], &dropped), ST_OK);
    }
    pending_free(w.pending);
    w.pending = pending_new(w.serving, &(struct hash_key){3, 4}, true);
    union op_body body = {.create = {BYTES("/a/x"), BYTES(""), acl_get(tree_acls(w.serving), ACL_OPEN), 0, -1}};
    assert_int_equal(prepare(&w, op_find(TXN_CREATE), &body, SESSION_FIRST), ST_OK);
    launch(&w, op_find(TXN_CREATE), SESSION_FIRST);
    assert_same_view(&w);
    land(&w);
    assert_same_view(&w);
    /* A name that wrapped around would break every recipe. */
    body.create.flags = 2;
    assert_int_equal(prepare(&w, op_find(TXN_CREATE), &body, SESSION_FIRST), ST_BAD_ARGUMENTS);
    pending_rollback(w.pending, 0);
    world_free(&w);
}

/* [7.4 4743] -1 asks for any version, so that no node may come to it. */
static void no_version_is_the_number_of_any(void **state)
{
    (void)state;
    assert_int_equal(version_next(0), 1);
    assert_int_equal(version_next(INT32_MAX), INT32_MIN);
    assert_int_equal(version_next(-3), -2);
    assert_int_equal(version_next(-2), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_version_is_the_number_of_any),
        cmocka_unit_test(view_is_the_tree_to_come),
        cmocka_unit_test(used_up_counter_keeps_pzxid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
