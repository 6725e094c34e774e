/* Watches: what fires on which change, once for each watcher, row by row (client-protocol 6.1, 6.2, 6.6). */
#include "core/tree/watch.h"

#include "core/base/check.h"
#include "tests/support/test.h"

#include <inttypes.h>

static const struct hash_key hash_key = {71, 72};

static struct watches *new_watches(uint32_t max)
{
    struct watches *w = watches_new(&hash_key, max);
    assert_non_null(w);
    return w;
}

/* -- one line for each registration and each event ---------------------------------------------------------------- */

/* "1 data /a": standard; "1 persistent /a", "1 recursive /a": addWatch. */
static void register_line(struct watches *w, const char *line)
{
    uint64_t watcher;
    char how[16], path[32];
    assert_int_equal(sscanf(line, "%" SCNu64 " %15s %31s", &watcher, how, path), 3);
    enum status st = ST_BAD_ARGUMENTS;
    if (strcmp(how, "data") == 0)
        st = watches_add(w, watcher, bytes_of(path), WATCH_DATA, WATCH_STANDARD);
    else if (strcmp(how, "child") == 0)
        st = watches_add(w, watcher, bytes_of(path), WATCH_CHILD, WATCH_STANDARD);
    else if (strcmp(how, "persistent") == 0)
        st = watches_add_persistent(w, watcher, bytes_of(path), WATCH_PERSISTENT);
    else if (strcmp(how, "recursive") == 0)
        st = watches_add_persistent(w, watcher, bytes_of(path), WATCH_RECURSIVE);
    assert_int_equal(st, ST_OK);
}

struct events {
    char text[512];
    size_t len;
    uint32_t node, children;
};

static void note(void *context, uint64_t watcher, enum watch_event event, struct bytes path)
{
    static const char *const names[] = {[EVENT_NODE_CREATED] = "created",
                                        [EVENT_NODE_DELETED] = "deleted",
                                        [EVENT_NODE_DATA_CHANGED] = "changed",
                                        [EVENT_NODE_CHILDREN_CHANGED] = "children"};
    struct events *e = context;
    e->len += (size_t)snprintf(e->text + e->len, sizeof e->text - e->len, "%s%" PRIu64 " %s %.*s",
                               e->len == 0 ? "" : ", ", watcher, names[event], BYTES_PRINT(path));
    assert_true(e->len < sizeof e->text);
}

/* "create /a", "delete /a", "set /a" */
static struct events fire_line(struct watches *w, const char *line)
{
    static struct events e;
    e = (struct events){{0}, 0, 0, 0};
    const char *space = strchr(line, ' ');
    assert_non_null(space);
    struct bytes path = bytes_of(space + 1);
    if (strncmp(line, "create ", 7) == 0)
        e.node = watches_node_created(w, path, note, &e, &e.children);
    else if (strncmp(line, "delete ", 7) == 0)
        e.node = watches_node_deleted(w, path, note, &e, &e.children);
    else
        e.node = watches_data_changed(w, path, note, &e);
    return e;
}

/* -- the rules ---------------------------------------------------------------------------------------------------- */

static const struct row {
    const char *registered[4];
    const char *change, *events, *events_again; /* the same change a second time */
} rows[] = {
    /* One-shot, data table: also on a missing node. */
    {{"1 data /a"}, "create /a", "1 created /a", ""},
    {{"1 data /a"}, "set /a", "1 changed /a", ""},
    {{"1 data /a"}, "delete /a", "1 deleted /a", ""},
    {{"1 data /a"}, "create /a/b", "", ""},
    {{"1 data /a"}, "create /ab", "", ""},
    {{"1 data /a", "1 data /a"}, "set /a", "1 changed /a", ""},
    {{"1 data /a", "2 data /a"}, "set /a", "1 changed /a, 2 changed /a", ""},
    {{"1 data /"}, "set /", "1 changed /", ""},
    /* One-shot, child table. */
    {{"1 child /a"}, "create /a/b", "1 children /a", ""},
    {{"1 child /a"}, "delete /a/b", "1 children /a", ""},
    {{"1 child /a"}, "delete /a", "1 deleted /a", ""},
    {{"1 child /a"}, "create /a", "", ""},
    {{"1 child /a"}, "set /a", "", ""},
    {{"1 child /a"}, "set /a/b", "", ""},
    {{"1 child /a"}, "create /a/b/c", "", ""},
    {{"1 child /"}, "create /a", "1 children /", ""},
    /* Both on one node: a delete is told once, and both are gone. */
    {{"1 data /a", "1 child /a"}, "delete /a", "1 deleted /a", ""},
    {{"1 data /a", "2 child /a"}, "delete /a", "1 deleted /a, 2 deleted /a", ""},
    /* The node first, then its parent's children. */
    {{"1 child /", "1 data /a"}, "create /a", "1 created /a, 1 children /", ""},
    {{"1 child /", "1 data /a"}, "delete /a", "1 deleted /a, 1 children /", ""},
    /* Persistent: both tables, and it stays. */
    {{"1 persistent /a"}, "create /a", "1 created /a", "1 created /a"},
    {{"1 persistent /a"}, "set /a", "1 changed /a", "1 changed /a"},
    {{"1 persistent /a"}, "delete /a", "1 deleted /a", "1 deleted /a"},
    {{"1 persistent /a"}, "create /a/b", "1 children /a", "1 children /a"},
    {{"1 persistent /a"}, "set /a/b", "", ""},
    {{"1 persistent /"}, "create /a", "1 children /", "1 children /"},
    /* Recursive: the path and all below, never children. */
    {{"1 recursive /a"}, "create /a", "1 created /a", "1 created /a"},
    {{"1 recursive /a"}, "set /a/b/c", "1 changed /a/b/c", "1 changed /a/b/c"},
    {{"1 recursive /a"}, "create /a/b", "1 created /a/b", "1 created /a/b"},
    {{"1 recursive /a"}, "delete /a/b", "1 deleted /a/b", "1 deleted /a/b"},
    {{"1 recursive /a"}, "create /ab", "", ""},
    {{"1 recursive /"}, "create /a/b", "1 created /a/b", "1 created /a/b"},
    {{"1 recursive /"}, "set /", "1 changed /", "1 changed /"},
    {{"1 recursive /a", "1 recursive /a/b", "1 recursive /"}, "set /a/b", "1 changed /a/b", "1 changed /a/b"},
    /* All of them at once give one event each. */
    {{"1 recursive /a", "1 child /a"}, "create /a/c", "1 created /a/c, 1 children /a", "1 created /a/c"},
    {{"1 data /a", "1 persistent /a", "1 recursive /a"}, "set /a", "1 changed /a", "1 changed /a"},
    {{"1 data /a", "1 persistent /a", "1 recursive /", "1 child /a"}, "delete /a", "1 deleted /a", "1 deleted /a"},
    {{"1 data /a", "2 recursive /"}, "set /a", "1 changed /a, 2 changed /a", "2 changed /a"},
};

static void each_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct watches *w = new_watches(0);
        for (size_t j = 0; j < ARRAY_LEN(rows[i].registered) && rows[i].registered[j] != NULL; j++)
            register_line(w, rows[i].registered[j]);
        struct events e = fire_line(w, rows[i].change);
        if (strcmp(e.text, rows[i].events) != 0)
            fail_msg("row %zu, %s: %s", i, rows[i].change, e.text);
        e = fire_line(w, rows[i].change);
        if (strcmp(e.text, rows[i].events_again) != 0)
            fail_msg("row %zu, %s again: %s", i, rows[i].change, e.text);
        watches_free(w);
    }
}

static void told_are_counted(void **state)
{
    (void)state;
    struct watches *w = new_watches(0);
    register_line(w, "1 persistent /a");
    register_line(w, "2 recursive /a");
    register_line(w, "3 child /a");
    struct events e = fire_line(w, "create /a/b");
    assert_int_equal(e.node, 1);
    assert_int_equal(e.children, 2);
    e = fire_line(w, "delete /a");
    assert_int_equal(e.node, 2);
    assert_int_equal(e.children, 0);
    watches_free(w);
}

/* -- asking and removing ------------------------------------------------------------------------------------------ */

static const struct type_row {
    const char *registered[4];
    const char *path;
    enum watcher_type type;
    bool is_there;
    uint64_t left; /* registrations, when removed */
} type_rows[] = {
    {{"1 data /a"}, "/a", WATCHER_DATA, true, 0},
    {{"1 data /a"}, "/a", WATCHER_CHILDREN, false, 1},
    {{"1 data /a"}, "/a", WATCHER_ANY, true, 0},
    {{"1 data /a"}, "/a", WATCHER_PERSISTENT, false, 1},
    {{"1 data /a"}, "/b", WATCHER_ANY, false, 1},
    {{"2 data /a"}, "/a", WATCHER_ANY, false, 1},
    {{"1 child /a"}, "/a", WATCHER_CHILDREN, true, 0},
    {{"1 child /a"}, "/a", WATCHER_DATA, false, 1},
    {{"1 child /a", "1 data /a"}, "/a", WATCHER_ANY, true, 0},
    {{"1 child /a", "1 data /a"}, "/a", WATCHER_CHILDREN, true, 1},
    {{"1 persistent /a"}, "/a", WATCHER_PERSISTENT, true, 0},
    {{"1 persistent /a"}, "/a", WATCHER_DATA, false, 2},
    {{"1 persistent /a"}, "/a", WATCHER_CHILDREN, false, 2},
    {{"1 persistent /a"}, "/a", WATCHER_PERSISTENT_RECURSIVE, false, 2},
    {{"1 persistent /a"}, "/a", WATCHER_ANY, true, 0},
    {{"1 recursive /a"}, "/a", WATCHER_PERSISTENT_RECURSIVE, true, 0},
    {{"1 recursive /a"}, "/a", WATCHER_PERSISTENT, false, 1},
    {{"1 recursive /a"}, "/a/b", WATCHER_ANY, false, 1},
    {{"1 persistent /a", "1 data /a", "1 recursive /a"}, "/a", WATCHER_DATA, true, 2},
    {{"1 persistent /a", "1 data /a", "1 recursive /a"}, "/a", WATCHER_PERSISTENT, true, 1},
    {{"1 persistent /a", "1 data /a", "1 recursive /a"}, "/a", WATCHER_PERSISTENT_RECURSIVE, true, 2},
    {{"1 persistent /a", "1 data /a", "2 recursive /a"}, "/a", WATCHER_ANY, true, 1},
    {{"1 data /"}, "", WATCHER_DATA, true, 0},
};

static void each_type(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(type_rows); i++) {
        const struct type_row *row = &type_rows[i];
        struct watches *w = new_watches(0);
        for (size_t j = 0; j < ARRAY_LEN(row->registered) && row->registered[j] != NULL; j++)
            register_line(w, row->registered[j]);
        bool has = watches_has(w, 1, bytes_of(row->path), row->type);
        enum status st = watches_remove(w, 1, bytes_of(row->path), row->type);
        if (has != row->is_there || st != (row->is_there ? ST_OK : ST_NO_WATCHER) ||
            watches_count(w).total != row->left)
            fail_msg("row %zu: has %d, status %d, left %" PRIu64, i, has, (int)st, watches_count(w).total);
        assert_false(watches_has(w, 1, bytes_of(row->path), row->type));
        watches_free(w);
    }
}

/* After the recursive bit is gone, changes below are none of its business any more. */
static void removed_mode_does_not_fire(void **state)
{
    (void)state;
    struct watches *w = new_watches(0);
    register_line(w, "1 recursive /a");
    register_line(w, "1 data /a");
    register_line(w, "2 recursive /a");
    assert_int_equal(watches_remove(w, 1, BYTES("/a"), WATCHER_PERSISTENT_RECURSIVE), ST_OK);
    assert_string_equal(fire_line(w, "set /a/b").text, "2 changed /a/b");
    assert_string_equal(fire_line(w, "set /a").text, "2 changed /a, 1 changed /a");
    assert_string_equal(fire_line(w, "set /a").text, "2 changed /a");
    watches_free(w);
}

/* -- limits, counts, lists ---------------------------------------------------------------------------------------- */

static void limit_is_kept(void **state)
{
    (void)state;
    struct watches *w = new_watches(3);
    register_line(w, "1 data /a");
    register_line(w, "1 persistent /b");
    register_line(w, "1 data /a");      /* there already */
    register_line(w, "1 recursive /a"); /* another mode of what is there */
    register_line(w, "1 persistent /b");
    assert_int_equal(watches_add(w, 1, BYTES("/c"), WATCH_DATA, WATCH_STANDARD), ST_LIMIT);
    assert_int_equal(watches_add_persistent(w, 1, BYTES("/a"), WATCH_PERSISTENT), ST_LIMIT);
    assert_int_equal(watches_count(w).total, 3);
    assert_string_equal(fire_line(w, "set /a").text, "1 changed /a");
    register_line(w, "2 data /c"); /* the limit is each one's own */
    watches_drop(w, 1);
    assert_int_equal(watches_count(w).total, 1);
    register_line(w, "1 persistent /d");
    watches_free(w);
}

/* Two are needed and one is left: nothing is added. */
static void limit_takes_both_or_none(void **state)
{
    (void)state;
    struct watches *w = new_watches(2);
    register_line(w, "1 data /a");
    assert_int_equal(watches_add_persistent(w, 1, BYTES("/b"), WATCH_PERSISTENT), ST_LIMIT);
    assert_int_equal(watches_count(w).total, 1);
    register_line(w, "1 persistent /a");
    assert_int_equal(watches_count(w).total, 2);
    watches_free(w);
}

static void counts(void **state)
{
    (void)state;
    struct watches *w = new_watches(0);
    register_line(w, "1 data /a");
    register_line(w, "2 data /a");
    register_line(w, "2 data /b");
    register_line(w, "3 child /a");
    register_line(w, "4 persistent /c");
    struct watch_counts c = watches_count(w);
    assert_int_equal(c.total, 6);
    assert_int_equal(c.data, 4);
    assert_int_equal(c.data_paths, 3);
    assert_int_equal(c.data_watchers, 3);
    watches_drop(w, 2);
    watches_drop(w, 3);
    watches_drop(w, 99);
    watches_drop(w, 2); /* is nobody any more */
    c = watches_count(w);
    assert_int_equal(c.total, 3);
    assert_int_equal(c.data_paths, 2);
    assert_int_equal(c.data_watchers, 2);
    watches_free(w);
}

static void sum_up(void *context, uint64_t watcher, struct bytes path)
{
    uint64_t *sum = context;
    *sum += watcher * 1000 + path.data[1];
}

static void lists_hold_the_data_table(void **state)
{
    (void)state;
    struct watches *w = new_watches(0);
    register_line(w, "1 data /a");
    register_line(w, "2 recursive /b");
    register_line(w, "2 child /c");
    register_line(w, "3 persistent /d");
    uint64_t by_path = 0, by_watcher = 0, expected = 6000 + 'a' + 'b' + 'd';
    watches_each_by_path(w, sum_up, &by_path);
    watches_each_by_watcher(w, sum_up, &by_watcher);
    assert_int_equal(by_path, expected);
    assert_int_equal(by_watcher, expected);
    watches_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule),     cmocka_unit_test(told_are_counted),
        cmocka_unit_test(each_type),     cmocka_unit_test(removed_mode_does_not_fire),
        cmocka_unit_test(limit_is_kept), cmocka_unit_test(limit_takes_both_or_none),
        cmocka_unit_test(counts),        cmocka_unit_test(lists_hold_the_data_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
