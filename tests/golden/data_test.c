/* Data directories that Apache ZooKeeper 3.8.0 left behind when it was killed: the whole tree, every stat and every
 * session is there, also when snapshots are lost as long as the log reaches back; and what cannot be whole is refused.
 */
#include "core/base/mem.h"
#include "core/ops/apply.h"
#include "core/store/recovery.h"
#include "tests/support/disk_sim.h"
#include "tests/support/test.h"

#include <inttypes.h>
#include <stdlib.h>

#define DIR "/version-2"

static const struct tree_options tree_options = {.hash_key = {3, 4}, .extended_types = true};

struct rig {
    struct disk_sim *disk;
    const char *name;
    struct recovery r;
};

static void real_path(char *path, size_t size, const char *name, const char *file)
{
    const char *root = getenv("ZOOID_ROOT");
    snprintf(path, size, "%s/tests/golden/vectors/%s/%s", root == NULL ? "." : root, name, file);
}

static void set_up(struct rig *rig, const char *name, const char *dir)
{
    char path[512];
    *rig = (struct rig){.disk = disk_sim_new(), .name = name};
    real_path(path, sizeof path, name, dir);
    disk_sim_import(rig->disk, DIR, path);
}

static void tear_down(struct rig *rig)
{
    recovery_free(&rig->r);
    disk_sim_free(rig->disk);
}

static enum status recover(struct rig *rig)
{
    const struct recovery_options options = {.io = disk_sim_io(rig->disk),
                                             .snap_dir = DIR,
                                             .log_dir = DIR,
                                             .tree = &tree_options,
                                             .tick_ms = 2000,
                                             .apply = txn_apply};
    recovery_free(&rig->r);
    rig->r = (struct recovery){0};
    return recovery_run(&options, &rig->r);
}

static void print_findings(const struct rig *rig)
{
    struct buffer text = {0};
    findings_print(&rig->r.findings, &text);
    printf("%.*s", BYTES_PRINT(buffer_bytes(&text)));
    buffer_free(&text);
}

/* -- the recorded tree -------------------------------------------------------------------------------------------- */

static void append_acl(struct buffer *out, struct acls list)
{
    struct reader at = reader_of(list.raw);
    struct acl_entry entry;
    for (const char *comma = ""; acls_next(&at, &entry); comma = ",")
        buffer_printf(out, "%s%d:%.*s:%.*s", comma, entry.perms, BYTES_PRINT(entry.scheme), BYTES_PRINT(entry.id));
}

static void append_data(struct buffer *out, struct bytes data)
{
    buffer_printf(out, bytes_is_null(data) ? "null" : "0x");
    for (size_t i = 0; i < data.len; i++)
        buffer_printf(out, "%02x", data.data[i]);
}

static void describe(const struct rig *rig, const struct tree_node *n, const char *path, struct buffer *out)
{
    struct node_stat s;
    tree_stat(rig->r.tree, n, &s);
    out->len = 0;
    buffer_printf(out, "node %s ", path);
    append_data(out, tree_data(n));
    buffer_printf(out, " ");
    append_acl(out, acl_get(tree_acls(rig->r.tree), n->acl));
    buffer_printf(out, " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %d %d %d %" PRId64 " %d %d %" PRId64, s.czxid,
                  s.mzxid, s.ctime, s.mtime, s.version, s.cversion, s.aversion, s.ephemeral_owner, s.data_length,
                  s.num_children, s.pzxid);
}

static void assert_node_is(const struct rig *rig, const char *line)
{
    char path[512];
    struct buffer found = {0};
    assert_int_equal(sscanf(line, "node %511s", path), 1);
    const struct tree_node *n = tree_lookup(rig->r.tree, bytes_of(path));
    assert_non_null(n);
    describe(rig, n, path, &found);
    /* Each server counts what a quota's path uses for itself. */
    if (strstr(path, "zookeeper_stats") == NULL)
        assert_string_equal((const char *)found.data, line);
    buffer_free(&found);
}

static void assert_session_is(const struct rig *rig, const char *line)
{
    uint64_t id;
    int timeout_ms;
    assert_int_equal(sscanf(line, "session 0x%" SCNx64 " %d", &id, &timeout_ms), 2);
    const struct session *session = sessions_get(rig->r.sessions, (int64_t)id);
    assert_non_null(session);
    assert_int_equal(session->timeout_ms, timeout_ms);
}

/* Line by line, and nothing besides. */
static void assert_tree_is_recorded(const struct rig *rig)
{
    char path[512], line[4096];
    uint64_t nodes = 0, sessions = 0;
    real_path(path, sizeof path, rig->name, "tree");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        bool is_node = strncmp(line, "node ", 5) == 0;
        if (is_node)
            assert_node_is(rig, line);
        else
            assert_session_is(rig, line);
        nodes += is_node;
        sessions += !is_node;
    }
    fclose(file);
    assert_int_equal(nodes + 1, tree_count(rig->r.tree)); /* which counts the root twice */
    assert_int_equal(sessions, sessions_count(rig->r.sessions));
    assert_int_equal(rig->r.sessions_added, 0);
}

static void assert_recovers(struct rig *rig)
{
    enum status st = recover(rig);
    if (st != ST_OK)
        print_findings(rig);
    assert_int_equal(st, ST_OK);
    assert_tree_is_recorded(rig);
}

static void assert_refuses(struct rig *rig, const char *word)
{
    assert_int_equal(recover(rig), ST_CORRUPT);
    assert_null(rig->r.tree);
    struct buffer text = {0};
    findings_print(&rig->r.findings, &text);
    if (strstr((const char *)text.data, word) == NULL)
        printf("no \"%s\" in: %s", word, (const char *)text.data);
    assert_non_null(strstr((const char *)text.data, word));
    assert_non_null(strstr((const char *)text.data, "damage: "));
    buffer_free(&text);
}

/* -- cases -------------------------------------------------------------------------------------------------------- */

static void every_directory_is_read_whole(void **state)
{
    (void)state;
    static const char *const names[] = {"data-3.8.0/plain", "data-3.8.0/restarted", "data-3.8.0/rolling",
                                        "data-3.8.0/gz"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct rig rig;
        set_up(&rig, names[i], "version-2");
        assert_recovers(&rig);
        assert_int_equal(rig.r.base, RECOVERY_SNAPSHOT);
        assert_int_equal(findings_worst(&rig.r.findings), FINDING_NOTE);
        tear_down(&rig);
    }
}

static void a_tree_from_the_log_alone(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig, "data-3.8.0/plain", "version-2");
    disk_sim_remove(rig.disk, DIR "/snapshot.0");
    assert_recovers(&rig);
    assert_int_equal(rig.r.base, RECOVERY_NOTHING);
    assert_true(rig.r.findings.count > 0);
    /* Not when its beginning is missing. */
    tear_down(&rig);
    set_up(&rig, "data-3.8.0/rolling", "version-2");
    struct store_files files = {0};
    assert_int_equal(store_files_list(disk_sim_io(rig.disk), DIR, STORE_SNAPSHOT, &files), ST_OK);
    for (size_t i = 0; i < files.count; i++)
        disk_sim_remove(rig.disk, files.items[i].path);
    store_files_free(&files);
    assert_recovers(&rig);
    disk_sim_remove(rig.disk, DIR "/log.1");
    assert_refuses(&rig, "does not begin with the first transaction");
    tear_down(&rig);
}

static void damaged_snapshots_give_way_to_older_ones(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig, "data-3.8.0/restarted", "version-2");
    static const char *const snapshots[] = {DIR "/snapshot.18", DIR "/snapshot.10", DIR "/snapshot.8",
                                            DIR "/snapshot.0"};
    for (size_t i = 0; i < sizeof snapshots / sizeof *snapshots; i++) {
        struct bytes content = disk_sim_get(rig.disk, snapshots[i]);
        ((uint8_t *)content.data)[content.len / 2] ^= 1;
        assert_recovers(&rig);
        assert_int_equal(findings_worst(&rig.r.findings), FINDING_REPAIR);
    }
    disk_sim_remove(rig.disk, DIR "/log.9");
    assert_refuses(&rig, "missing");
    tear_down(&rig);
}

/* The end of a snapshot file decides whether it is looked at; what a crashed writer left is passed over. */
static void unfinished_snapshots_are_passed_over(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig, "data-3.8.0/restarted", "version-2");
    struct bytes whole = disk_sim_get(rig.disk, DIR "/snapshot.18");
    struct bytes part = bytes_copy(bytes_make(whole.data, whole.len - 20));
    disk_sim_put(rig.disk, DIR "/snapshot.18", part);
    assert_recovers(&rig);
    assert_int_equal(rig.r.snapshot_zxid, 0x10);
    mem_free((void *)part.data);
    tear_down(&rig);
}

static void a_missing_log_is_noticed(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig, "data-3.8.0/restarted", "version-2");
    /* Older logs do not matter to the newest snapshot. */
    disk_sim_remove(rig.disk, DIR "/log.9");
    assert_recovers(&rig);
    disk_sim_remove(rig.disk, DIR "/snapshot.18");
    disk_sim_remove(rig.disk, DIR "/log.11");
    assert_refuses(&rig, "missing");
    tear_down(&rig);
}

static void snappy_is_refused_by_name(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig, "data-3.8.0/snappy", "version-2");
    assert_recovers(&rig); /* from the log, which is whole here */
    disk_sim_remove(rig.disk, DIR "/log.1");
    assert_refuses(&rig, "snappy");
    tear_down(&rig);
}

/* An ensemble's log over its first snapshot gives the digest that its later snapshot has. */
static void an_ensemble_s_log_leads_to_its_snapshot(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig, "quorum", ".");
    disk_sim_remove(rig.disk, DIR "/snapshot.10000001f");
    assert_int_equal(recover(&rig), ST_OK);
    assert_int_equal(rig.r.last_zxid, 0x10000001f);
    assert_int_equal(tree_digest(rig.r.tree), 25428133470);
    assert_int_equal(rig.r.txns, 31);
    tear_down(&rig);
    set_up(&rig, "quorum", ".");
    assert_int_equal(recover(&rig), ST_OK);
    assert_int_equal(rig.r.base_zxid, 0x10000001f);
    assert_int_equal(rig.r.txns, 0);
    assert_int_equal(tree_digest(rig.r.tree), 25428133470);
    assert_int_equal(sessions_count(rig.r.sessions), 2);
    tear_down(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_directory_is_read_whole),
        cmocka_unit_test(a_tree_from_the_log_alone),
        cmocka_unit_test(damaged_snapshots_give_way_to_older_ones),
        cmocka_unit_test(unfinished_snapshots_are_passed_over),
        cmocka_unit_test(a_missing_log_is_noticed),
        cmocka_unit_test(snappy_is_refused_by_name),
        cmocka_unit_test(an_ensemble_s_log_leads_to_its_snapshot),
    };
    return cmocka_run_group_tests_name("data", tests, NULL, NULL);
}
