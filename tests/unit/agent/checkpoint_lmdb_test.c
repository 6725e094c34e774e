/* checkpoint_lmdb_test.c - the database keeps what was committed, gives it back in order, and a checkpoint in it is the
 * tree again; a damaged file is an error, or ends the process that reads it, and is never a wrong tree. */
#include "agent/disk/checkpoint_lmdb.h"
#include "tests/support/test.h"
#include "tests/support/tmp.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE_MAX_BYTES = 1 << 30, NODES = 3000 };

struct rig {
    char *dir, *path;
};

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    if (rig == NULL)
        return 1;
    rig->dir = tmp_make();
    rig->path = tmp_join(rig->dir, "checkpoint");
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;
    tmp_remove(rig->dir);
    free(rig->path);
    free(rig);
    return 0;
}

static struct checkpoint_lmdb *open_write(const struct rig *rig)
{
    struct checkpoint_lmdb *db;
    enum status st = checkpoint_lmdb_open_write(&db, rig->path, SIZE_MAX_BYTES);
    assert_int_equal(st, ST_OK);
    return db;
}

static struct checkpoint_lmdb *open_read(const struct rig *rig)
{
    struct checkpoint_lmdb *db;
    assert_int_equal(checkpoint_lmdb_open(&db, rig->path, true), ST_OK);
    return db;
}

/* -- the table of functions --------------------------------------------------------------------------------------- */

struct seen {
    uint32_t keys[16];
    size_t count;
    char last[16];
};

static enum status see(void *context, uint32_t key, struct bytes value)
{
    struct seen *seen = context;
    seen->keys[seen->count++ % 16] = key;
    snprintf(seen->last, sizeof seen->last, "%.*s", BYTES_PRINT(value));
    return ST_OK;
}

static void put(const struct checkpoint_store *s, enum checkpoint_space space, uint32_t key, const char *value)
{
    assert_int_equal(s->put(s->context, space, key, bytes_of(value)), ST_OK);
}

static void keys_come_back_in_order_whatever_order_they_went_in(void **state)
{
    struct checkpoint_lmdb *db = open_write(*state);
    const struct checkpoint_store *s = checkpoint_lmdb_store(db);
    static const uint32_t keys[] = {5, 9, 1, 0x01000000, 7, 0x00ffffff, 2};
    assert_int_equal(s->begin(s->context), ST_OK);
    for (size_t i = 0; i < 7; i++)
        put(s, CHECKPOINT_NODES, keys[i], "value");
    put(s, CHECKPOINT_NODES, 5, "other");
    put(s, CHECKPOINT_META, 0, "meta");
    assert_int_equal(s->del(s->context, CHECKPOINT_NODES, 9), ST_OK);
    assert_int_equal(s->del(s->context, CHECKPOINT_NODES, 9), ST_NOT_FOUND);
    assert_int_equal(s->commit(s->context), ST_OK);
    checkpoint_lmdb_close(db);

    static const uint32_t expected[] = {1, 2, 5, 7, 0x00ffffff, 0x01000000};
    struct seen seen = {0};
    db = open_read(*state);
    s = checkpoint_lmdb_store(db);
    assert_int_equal(s->walk(s->context, CHECKPOINT_NODES, see, &seen), ST_OK);
    assert_int_equal(seen.count, 6);
    assert_memory_equal(seen.keys, expected, sizeof expected);
    assert_int_equal(s->get(s->context, CHECKPOINT_NODES, 5, see, &seen), ST_OK);
    assert_string_equal(seen.last, "other");
    assert_int_equal(s->get(s->context, CHECKPOINT_NODES, 9, see, &seen), ST_NOT_FOUND);
    seen.count = 0;
    assert_int_equal(s->walk(s->context, CHECKPOINT_SESSIONS, see, &seen), ST_OK);
    assert_int_equal(seen.count, 0);
    checkpoint_lmdb_close(db);
}

static void an_abort_leaves_nothing_and_a_clear_everything_away(void **state)
{
    struct checkpoint_lmdb *db = open_write(*state);
    const struct checkpoint_store *s = checkpoint_lmdb_store(db);
    struct seen seen = {0};
    assert_int_equal(s->begin(s->context), ST_OK);
    put(s, CHECKPOINT_SESSIONS, 1, "one");
    assert_int_equal(s->commit(s->context), ST_OK);
    assert_int_equal(s->begin(s->context), ST_OK);
    put(s, CHECKPOINT_SESSIONS, 2, "two");
    s->abort(s->context);
    assert_int_equal(s->walk(s->context, CHECKPOINT_SESSIONS, see, &seen), ST_OK);
    assert_int_equal(seen.count, 1);
    assert_int_equal(s->begin(s->context), ST_OK);
    assert_int_equal(s->clear(s->context, CHECKPOINT_SESSIONS), ST_OK);
    put(s, CHECKPOINT_SESSIONS, 0, "new");
    assert_int_equal(s->commit(s->context), ST_OK);
    seen.count = 0;
    assert_int_equal(s->walk(s->context, CHECKPOINT_SESSIONS, see, &seen), ST_OK);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.last, "new");
    checkpoint_lmdb_close(db);
}

static void a_file_that_is_not_there_or_empty_is_no_checkpoint(void **state)
{
    const struct rig *rig = *state;
    struct checkpoint_lmdb *db;
    assert_int_equal(checkpoint_lmdb_open(&db, rig->path, true), ST_NOT_FOUND);
    assert_null(db);
    assert_int_equal(close(open(rig->path, O_WRONLY | O_CREAT, 0600)), 0);
    assert_int_equal(checkpoint_lmdb_open(&db, rig->path, true), ST_NOT_FOUND);
}

static void the_largest_size_is_a_full_disk(void **state)
{
    const struct rig *rig = *state;
    struct checkpoint_lmdb *db;
    enum status st = ST_OK;
    char *value = calloc(1, 65536);
    assert_non_null(value);
    assert_int_equal(checkpoint_lmdb_open_write(&db, rig->path, 1 << 20), ST_OK);
    const struct checkpoint_store *s = checkpoint_lmdb_store(db);
    assert_int_equal(s->begin(s->context), ST_OK);
    for (uint32_t i = 0; st == ST_OK && i < 100; i++)
        st = s->put(s->context, CHECKPOINT_NODES, i, bytes_make(value, 65536));
    assert_int_equal(st, ST_NO_SPACE);
    assert_non_null(strstr(checkpoint_lmdb_error(db), "zooid.checkpointMapSize"));
    s->abort(s->context);
    checkpoint_lmdb_close(db);
    free(value);
}

/* -- whole checkpoints -------------------------------------------------------------------------------------------- */

struct world {
    struct tree *tree;
    struct sessions *sessions;
    int64_t zxid;
    unsigned seed;
};

static const struct tree_options tree_options = {.hash_key = {1, 2}};

static void world_open(struct world *w)
{
    *w = (struct world){.tree = tree_new(&tree_options), .sessions = sessions_new(1000), .seed = 7};
    assert_non_null(w->tree);
    assert_non_null(w->sessions);
}

static void world_close(struct world *w)
{
    tree_free(w->tree);
    sessions_free(w->sessions);
}

static void create_node(struct world *w, unsigned i)
{
    char path[64], data[400];
    memset(data, 'a' + (char)(i % 26), sizeof data);
    int len = snprintf(path, sizeof path, "/node-%u", i);
    const struct tree_create create = {.path = bytes_make(path, (size_t)len),
                                       .data = bytes_make(data, i % 400),
                                       .acl = {.count = 1, .raw = BYTES("\0\0\0\37\0\0\0\5world\0\0\0\6anyone")},
                                       .owner = 0,
                                       .parent_cversion = -1,
                                       .zxid = ++w->zxid,
                                       .time_ms = 1000 + i};
    assert_int_equal(tree_create(w->tree, &create), ST_OK);
}

/* Some nodes are set anew, some go, some come. */
static void change_some(struct world *w, int count)
{
    for (int i = 0; i < count; i++) {
        char path[64], data[64];
        unsigned which = (unsigned)rand_r(&w->seed) % NODES;
        struct bytes p = bytes_make(path, (size_t)snprintf(path, sizeof path, "/node-%u", which));
        struct bytes d = bytes_make(data, (size_t)snprintf(data, sizeof data, "set at %" PRId64, w->zxid));
        if (tree_lookup(w->tree, p) == NULL)
            create_node(w, which);
        else if (which % 3 == 0)
            assert_int_equal(tree_delete(w->tree, p, ++w->zxid), ST_OK);
        else
            assert_int_equal(tree_set_data(w->tree, p, d, 5, w->zxid + 1, 77), ST_OK), w->zxid++;
    }
    assert_int_equal(sessions_put(w->sessions, w->zxid, 4000, 0), ST_OK);
}

/* Writes a checkpoint while the tree changes; `batches_max`: stops without an end behind so many. */
static bool write_checkpoint(const struct rig *rig, struct world *w, bool full, int batches_max)
{
    struct checkpoint_lmdb *db = open_write(rig);
    struct checkpoint_encoder *encoder;
    struct checkpoint_writer *writer;
    struct checkpoint_end end;
    const struct checkpoint_options options = {.zxid = w->zxid, .full = full, .transaction_bytes_max = 20000};
    bool done = false;
    assert_int_equal(checkpoint_encoder_new(&encoder, w->tree, w->sessions, w->zxid), ST_OK);
    assert_int_equal(checkpoint_begin(&writer, checkpoint_lmdb_store(db), &options), ST_OK);
    for (int i = 0; !done && i < batches_max; i++) {
        struct buffer batch = {0};
        assert_int_equal(checkpoint_encode_some(encoder, 100, &batch, &done), ST_OK);
        assert_int_equal(checkpoint_put_batch(writer, buffer_bytes(&batch)), ST_OK);
        buffer_free(&batch);
        if (i % 4 == 0)
            change_some(w, 3);
    }
    if (done) {
        checkpoint_encoder_end(encoder, &end);
        assert_int_equal(checkpoint_commit(writer, &end), ST_OK);
    } else {
        checkpoint_abort(writer);
    }
    checkpoint_encoder_free(encoder, done);
    checkpoint_lmdb_close(db);
    return done;
}

/* Loads into `w`, which is emptied. */
static enum status load(const struct rig *rig, struct world *w, struct checkpoint_meta *meta)
{
    struct checkpoint_lmdb *db;
    struct findings findings = {0};
    enum status st = checkpoint_lmdb_open(&db, rig->path, true);
    if (st == ST_OK) {
        tree_load_begin(w->tree);
        st = checkpoint_load(checkpoint_lmdb_store(db), rig->path, w->tree, w->sessions, 0, meta, FINDING_REPAIR,
                             &findings);
    }
    checkpoint_lmdb_close(db);
    findings_free(&findings);
    return st;
}

static void assert_loads(const struct rig *rig, int64_t zxid, uint64_t count, uint64_t digest)
{
    struct world loaded;
    struct checkpoint_meta meta;
    world_open(&loaded);
    assert_int_equal(load(rig, &loaded, &meta), ST_OK);
    assert_true(meta.complete);
    assert_int_equal(meta.to, zxid);
    assert_int_equal(tree_count(loaded.tree), count);
    assert_int_equal(tree_digest(loaded.tree), digest);
    world_close(&loaded);
}

static void a_checkpoint_is_the_tree_as_it_was_and_so_is_each_that_follows(void **state)
{
    struct world w;
    world_open(&w);
    for (unsigned i = 0; i < NODES; i++)
        create_node(&w, i);
    for (int round = 0; round < 8; round++) {
        int64_t zxid = w.zxid;
        uint64_t count = tree_count(w.tree), digest = tree_digest(w.tree);
        assert_true(write_checkpoint(*state, &w, round == 0, 1000));
        assert_loads(*state, zxid, count, digest);
        change_some(&w, 400);
    }
    world_close(&w);
}

static void an_interrupted_one_says_from_where_to_replay(void **state)
{
    struct world w, loaded;
    struct checkpoint_meta meta;
    world_open(&w);
    for (unsigned i = 0; i < NODES; i++)
        create_node(&w, i);
    int64_t first = w.zxid;
    assert_true(write_checkpoint(*state, &w, true, 1000));
    change_some(&w, 1000);
    assert_false(write_checkpoint(*state, &w, false, 4));
    world_open(&loaded);
    assert_int_equal(load(*state, &loaded, &meta), ST_OK);
    assert_int_equal(meta.from, first);
    assert_true(meta.complete == (meta.to == first));
    /* What was frozen counts as changed again: the next one is whole. */
    int64_t zxid = w.zxid;
    uint64_t count = tree_count(w.tree), digest = tree_digest(w.tree);
    assert_true(write_checkpoint(*state, &w, false, 1000));
    assert_loads(*state, zxid, count, digest);
    world_close(&loaded);
    world_close(&w);
}

/* -- damage ------------------------------------------------------------------------------------------------------- */

enum { CHILD_REFUSED = 10, CHILD_RIGHT, CHILD_WRONG };

static int judge_in_child(const struct rig *rig, uint64_t count, uint64_t digest)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct world loaded = {.tree = tree_new(&tree_options), .sessions = sessions_new(1000)};
        struct checkpoint_meta meta;
        static const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
        for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
            (void)signal(crashes[i], SIG_DFL); /* not cmocka's, which would go on with the next test */
        (void)dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        (void)alarm(60);
        if (load(rig, &loaded, &meta) != ST_OK || !meta.complete)
            _exit(CHILD_REFUSED);
        _exit(tree_count(loaded.tree) == count && tree_digest(loaded.tree) == digest ? CHILD_RIGHT : CHILD_WRONG);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(!WIFSIGNALED(status) || WTERMSIG(status) != SIGALRM);
    return WIFEXITED(status) ? WEXITSTATUS(status) : CHILD_REFUSED; /* the mark in the directory is for this */
}

static off_t size_of(const char *path)
{
    struct stat stat_of;
    assert_int_equal(stat(path, &stat_of), 0);
    return stat_of.st_size;
}

static void copy(const char *from, const char *to)
{
    off_t len = size_of(from);
    char *data = malloc((size_t)len);
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(data != NULL && in >= 0 && out >= 0);
    assert_int_equal(read(in, data, (size_t)len), len);
    assert_int_equal(write(out, data, (size_t)len), len);
    free(data);
    assert_int_equal(close(in) | close(out), 0);
}

static void damage(const char *path, unsigned *seed, int kind)
{
    off_t len = size_of(path), at = (off_t)((unsigned)rand_r(seed) % (unsigned)len);
    uint8_t block[4096];
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = kind == 1 ? 0 : (uint8_t)rand_r(seed);
    if (kind == 0)
        assert_int_equal(pwrite(fd, block, 1, at), 1);
    else if (kind == 3)
        assert_int_equal(ftruncate(fd, at), 0);
    else
        assert_int_equal(pwrite(fd, block, sizeof block, at / 4096 * 4096), sizeof block);
    assert_int_equal(close(fd), 0);
}

static void a_damaged_file_is_never_a_wrong_tree(void **state)
{
    struct rig *rig = *state;
    struct world w;
    char *whole = tmp_join(rig->dir, "whole");
    unsigned seed = (unsigned)getpid();
    int refused = 0;
    world_open(&w);
    for (unsigned i = 0; i < NODES; i++)
        create_node(&w, i);
    uint64_t count = tree_count(w.tree), digest = tree_digest(w.tree);
    assert_true(write_checkpoint(rig, &w, true, 1000));
    assert_int_equal(rename(rig->path, whole), 0);
    print_message("seed %u\n", seed);
    for (int i = 0; i < 200; i++) {
        copy(whole, rig->path);
        damage(rig->path, &seed, i % 4);
        int verdict = judge_in_child(rig, count, digest);
        assert_int_not_equal(verdict, CHILD_WRONG);
        refused += verdict == CHILD_REFUSED;
    }
    assert_true(refused > 50);
    world_close(&w);
    free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_come_back_in_order_whatever_order_they_went_in, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_abort_leaves_nothing_and_a_clear_everything_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_is_not_there_or_empty_is_no_checkpoint, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_largest_size_is_a_full_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_checkpoint_is_the_tree_as_it_was_and_so_is_each_that_follows, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_interrupted_one_says_from_where_to_replay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_file_is_never_a_wrong_tree, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
