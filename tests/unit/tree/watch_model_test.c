/* Random registrations, removals and changes, compared with a plain list of registrations that is searched each time;
 * and with each allocation failing in turn. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "core/base/check.h"
#include "core/tree/watch.h"
#include "tests/support/failing_memory.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

#include <stdlib.h>

#define WATCHERS 6
#define STEPS    30000

static const char *const paths[] = {"/", "/a", "/a/b", "/a/b/c", "/a/d", "/ab", "/b", "/b/a"};
#define PATHS (sizeof paths / sizeof paths[0])

struct run {
    struct random random;
    struct watches *watches;
    uint8_t modes[WATCHERS + 1][PATHS][2]; /* by watcher, path, table */
};

/* -- the obvious way ---------------------------------------------------------------------------------------------- */

/* Told are a set of watchers for the node and one for the children of its parent. */
struct told {
    uint32_t node, children;
    enum watch_event event;
    struct bytes path;
};

static uint32_t fire_at(struct run *run, size_t path, enum watch_table table)
{
    uint32_t told = 0;
    for (uint32_t watcher = 1; watcher <= WATCHERS; watcher++) {
        uint8_t *modes = &run->modes[watcher][path][table];
        if (*modes != 0)
            told |= 1u << watcher;
        *modes &= (uint8_t)~WATCH_STANDARD;
    }
    return told;
}

static bool is_ancestor(const char *ancestor, const char *path)
{
    size_t len = strlen(ancestor);
    if (len == 1)
        return strlen(path) > 1;
    return strncmp(path, ancestor, len) == 0 && path[len] == '/';
}

static uint32_t fire_above(const struct run *run, size_t path)
{
    uint32_t told = 0;
    for (uint32_t watcher = 1; watcher <= WATCHERS; watcher++) {
        for (size_t i = 0; i < PATHS; i++) {
            if ((run->modes[watcher][i][WATCH_DATA] & WATCH_RECURSIVE) != 0 && is_ancestor(paths[i], paths[path]))
                told |= 1u << watcher;
        }
    }
    return told;
}

static uint32_t fire_parent(struct run *run, size_t path)
{
    for (size_t i = 0; i < PATHS; i++) {
        size_t len = strlen(paths[i]) == 1 ? 0 : strlen(paths[i]);
        if (is_ancestor(paths[i], paths[path]) && strchr(paths[path] + len + 1, '/') == NULL)
            return fire_at(run, i, WATCH_CHILD);
    }
    return 0;
}

static struct told expect(struct run *run, size_t path, enum watch_event event)
{
    struct told told = {.event = event, .path = bytes_of(paths[path])};
    told.node = fire_at(run, path, WATCH_DATA) | fire_above(run, path);
    if (event == EVENT_NODE_DELETED)
        told.node |= fire_at(run, path, WATCH_CHILD);
    if (event != EVENT_NODE_DATA_CHANGED)
        told.children = fire_parent(run, path);
    return told;
}

/* -- the real way ------------------------------------------------------------------------------------------------- */

/* Nobody twice for the same, and children after the node. */
static void note(void *context, uint64_t watcher, enum watch_event event, struct bytes path)
{
    struct told *told = context;
    uint32_t bit = 1u << watcher;
    if (event == EVENT_NODE_CHILDREN_CHANGED) {
        assert_int_equal(told->children & bit, 0);
        told->children |= bit;
        return;
    }
    assert_int_equal(told->children, 0);
    assert_int_equal(told->node & bit, 0);
    assert_int_equal(event, told->event);
    assert_true(bytes_equal(path, told->path));
    told->node |= bit;
}

static void change(struct run *run)
{
    size_t path = random_below(&run->random, PATHS);
    enum watch_event event = (enum watch_event)(1 + random_below(&run->random, 3));
    struct told expected = expect(run, path, event);
    struct told told = {.event = event, .path = expected.path};
    uint32_t node, children = 0;
    if (event == EVENT_NODE_CREATED)
        node = watches_node_created(run->watches, told.path, note, &told, &children);
    else if (event == EVENT_NODE_DELETED)
        node = watches_node_deleted(run->watches, told.path, note, &told, &children);
    else
        node = watches_data_changed(run->watches, told.path, note, &told);
    assert_int_equal(told.node, expected.node);
    assert_int_equal(told.children, expected.children);
    assert_int_equal(node, __builtin_popcount(told.node));
    assert_int_equal(children, __builtin_popcount(told.children));
}

static enum status add_once(struct run *run, uint32_t watcher, size_t path, uint32_t how)
{
    struct bytes p = bytes_of(paths[path]);
    switch (how) {
    case 0: return watches_add(run->watches, watcher, p, WATCH_DATA, WATCH_STANDARD);
    case 1: return watches_add(run->watches, watcher, p, WATCH_CHILD, WATCH_STANDARD);
    case 2: return watches_add_persistent(run->watches, watcher, p, WATCH_PERSISTENT);
    default: return watches_add_persistent(run->watches, watcher, p, WATCH_RECURSIVE);
    }
}

static void assert_modes(const struct run *run)
{
    uint64_t total = 0, data = 0, data_watchers = 0;
    for (uint32_t watcher = 1; watcher <= WATCHERS; watcher++) {
        uint64_t data_before = data;
        for (size_t i = 0; i < PATHS; i++) {
            const uint8_t *modes = run->modes[watcher][i];
            struct bytes p = bytes_of(paths[i]);
            const struct watches *w = run->watches;
            total += (modes[WATCH_DATA] != 0) + (uint64_t)(modes[WATCH_CHILD] != 0);
            data += modes[WATCH_DATA] != 0;
            assert_int_equal(watches_has(w, watcher, p, WATCHER_DATA), (modes[WATCH_DATA] & WATCH_STANDARD) != 0);
            assert_int_equal(watches_has(w, watcher, p, WATCHER_CHILDREN), (modes[WATCH_CHILD] & WATCH_STANDARD) != 0);
            assert_int_equal(watches_has(w, watcher, p, WATCHER_PERSISTENT),
                             (modes[WATCH_DATA] & WATCH_PERSISTENT) != 0);
            assert_int_equal(watches_has(w, watcher, p, WATCHER_PERSISTENT_RECURSIVE),
                             (modes[WATCH_DATA] & WATCH_RECURSIVE) != 0);
            assert_int_equal(watches_has(w, watcher, p, WATCHER_ANY), (modes[WATCH_DATA] | modes[WATCH_CHILD]) != 0);
        }
        data_watchers += data > data_before;
    }
    struct watch_counts counts = watches_count(run->watches);
    assert_int_equal(counts.total, total);
    assert_int_equal(counts.data, data);
    assert_int_equal(counts.data_watchers, data_watchers);
}

/* Every allocation of it fails once, and then nothing is registered. */
static void add(struct run *run)
{
    uint32_t watcher = 1 + random_below(&run->random, WATCHERS), how = random_below(&run->random, 4);
    size_t path = random_below(&run->random, PATHS);
    enum status st = ST_NO_MEMORY;
    for (int count = 0; st == ST_NO_MEMORY; count++) {
        memory_fail_after(count);
        st = add_once(run, watcher, path, how);
        memory_fail_after(-1);
        if (st == ST_NO_MEMORY)
            assert_modes(run);
    }
    assert_int_equal(st, ST_OK);
    static const uint8_t modes[][2] = {
        {WATCH_STANDARD, 0}, {0, WATCH_STANDARD}, {WATCH_PERSISTENT, WATCH_PERSISTENT}, {WATCH_RECURSIVE, 0}};
    run->modes[watcher][path][WATCH_DATA] |= modes[how][0];
    run->modes[watcher][path][WATCH_CHILD] |= modes[how][1];
}

static void remove_some(struct run *run)
{
    static const uint8_t modes[][2] = {{0, 0},
                                       {0, WATCH_STANDARD},
                                       {WATCH_STANDARD, 0},
                                       {0xff, 0xff},
                                       {WATCH_PERSISTENT, WATCH_PERSISTENT},
                                       {WATCH_RECURSIVE, 0}};
    uint32_t watcher = 1 + random_below(&run->random, WATCHERS), type = 1 + random_below(&run->random, 5);
    size_t path = random_below(&run->random, PATHS);
    uint8_t *has = run->modes[watcher][path];
    bool some = (has[WATCH_DATA] & modes[type][0]) != 0 || (has[WATCH_CHILD] & modes[type][1]) != 0;
    assert_int_equal(watches_remove(run->watches, watcher, bytes_of(paths[path]), (enum watcher_type)type),
                     some ? ST_OK : ST_NO_WATCHER);
    has[WATCH_DATA] &= (uint8_t)~modes[type][0];
    has[WATCH_CHILD] &= (uint8_t)~modes[type][1];
}

static void drop(struct run *run)
{
    uint32_t watcher = 1 + random_below(&run->random, WATCHERS);
    watches_drop(run->watches, watcher);
    memset(run->modes[watcher], 0, sizeof run->modes[watcher]);
}

static void watches_agree_with_the_obvious_way(void **state)
{
    (void)state;
    const struct hash_key hash_key = {81, 82};
    struct run run = {.random.state = random_seed(), .watches = watches_new(&hash_key, 0)};
    assert_non_null(run.watches);
    for (int i = 0; i < STEPS; i++) {
        uint32_t dice = random_below(&run.random, 100);
        if (dice < 50)
            add(&run);
        else if (dice < 80)
            change(&run);
        else if (dice < 97)
            remove_some(&run);
        else
            drop(&run);
        if (i % 50 == 0)
            assert_modes(&run);
    }
    for (uint32_t watcher = 1; watcher <= WATCHERS; watcher++)
        watches_drop(run.watches, watcher);
    assert_int_equal(watches_count(run.watches).total, 0);
    assert_int_equal(watches_count(run.watches).data_paths, 0);
    watches_free(run.watches);
}

static void count_one(void *context, uint64_t watcher, enum watch_event event, struct bytes path)
{
    (void)watcher;
    (void)event;
    (void)path;
    ++*(uint32_t *)context;
}

/* A hundred thousand on one path: quadratic work anywhere would not end within the runner's limit. */
static void crowd_on_one_path(void **state)
{
    (void)state;
    enum { CROWD = 100000 };
    const struct hash_key hash_key = {83, 84};
    struct watches *w = watches_new(&hash_key, 0);
    assert_non_null(w);
    for (uint64_t i = 1; i <= CROWD; i++) {
        assert_int_equal(watches_add(w, i, BYTES("/a"), WATCH_DATA, WATCH_STANDARD), ST_OK);
        assert_int_equal(watches_add(w, i, BYTES("/a"), WATCH_CHILD, WATCH_STANDARD), ST_OK);
    }
    uint32_t told = 0, children;
    assert_int_equal(watches_node_deleted(w, BYTES("/a"), count_one, &told, &children), CROWD);
    assert_int_equal(told, CROWD);
    assert_int_equal(watches_count(w).total, 0);
    for (uint64_t i = 1; i <= CROWD; i++)
        assert_int_equal(watches_add_persistent(w, i, BYTES("/a"), WATCH_RECURSIVE), ST_OK);
    assert_int_equal(watches_data_changed(w, BYTES("/a/b"), count_one, &told), CROWD);
    for (uint64_t i = CROWD; i >= 1; i--)
        watches_drop(w, i);
    assert_int_equal(watches_count(w).total, 0);
    watches_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(watches_agree_with_the_obvious_way),
        cmocka_unit_test(crowd_on_one_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
