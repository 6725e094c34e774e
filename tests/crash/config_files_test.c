/* The members of an ensemble change, and the power goes or a call fails anywhere while that is written beside zoo.cfg:
 * the next start finds the configuration before or the one after, whole, and forgets nothing that it had agreed to. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "agent/settings/config_files.h"
#include "agent/settings/settings.h"
#include "core/base/check.h"
#include "core/members/members.h"
#include "tests/support/disk_sim.h"
#include "tests/support/failing_memory.h"
#include "tests/support/test.h"
#include "tests/support/tmp.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREE "server.1=a:1:2:participant;2181\nserver.2=b:1:2:participant;2181\nserver.3=c:1:2:participant;2181\n"
#define FOUR  "server.10=d:1:2:observer;2181\nserver.1=a:11:12:participant;2191\nserver.2=b:1:2:participant;2181\n"
#define GONE  "server.2=b:1:2:participant;2181\nserver.3=c:1:2:participant;2181\n"

enum { CHOICES_ALL = 6, CHOICES_SAMPLE = 40, CALLS_MAX = 200 };

/* What a member is told to write, in this order. */
static const struct step {
    bool committed;
    const char *text;
    int64_t version;
} steps[] = {
    {false, THREE "version=100000000", 0x100000000},
    {true, THREE "version=100000000", 0x100000000},
    {false, "", 0x100000000},
    {false, FOUR "version=200000005", 0x200000005},
    {true, FOUR "version=200000005", 0x200000005},
    {false, "", 0x200000005},
    {false, GONE "version=200000009", 0x200000009},
    {true, GONE "version=200000009", 0x200000009},
    {false, "", 0x200000009},
};

struct rig {
    char *dir, *zoo_cfg;
    struct disk_sim *disk;
    struct config_files *files;
};

/* -- between the simulated disk and a directory that a start can read ---------------------------------------------- */

static void write_file(const char *path, struct bytes content)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    if (content.len > 0)
        assert_int_equal(fwrite(content.data, 1, content.len, file), content.len);
    assert_int_equal(fclose(file), 0);
}

static void remove_files(const char *dir)
{
    DIR *entries = opendir(dir);
    const struct dirent *entry;
    assert_non_null(entries);
    while ((entry = readdir(entries)) != NULL) {
        char *path = tmp_join(dir, entry->d_name);
        if (entry->d_name[0] != '.')
            (void)unlink(path);
        free(path);
    }
    (void)closedir(entries);
}

static void put_real(void *context, const char *path, struct bytes content)
{
    (void)context;
    write_file(path, content);
}

static struct settings *start(struct rig *rig)
{
    struct settings *settings = NULL;
    struct settings_report report = {0};
    remove_files(rig->dir);
    disk_sim_each(rig->disk, put_real, NULL);
    char *myid = tmp_join(rig->dir, "myid");
    write_file(myid, BYTES("1\n"));
    free(myid);
    if (settings_load(&settings, rig->zoo_cfg, NULL, 0, &report) != ST_OK)
        settings_report_print(&report, SETTINGS_ERROR, stdout);
    settings_report_free(&report);
    assert_non_null(settings);
    return settings;
}

/* -- one run ------------------------------------------------------------------------------------------------------- */

static void make_dirs(struct disk_sim *disk, const char *dir)
{
    char path[256];
    for (const char *slash = strchr(dir + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        (void)snprintf(path, sizeof path, "%.*s", (int)(slash - dir), dir);
        disk_sim_make_dir(disk, path);
    }
    disk_sim_make_dir(disk, dir);
}

static void open_files(struct rig *rig)
{
    struct buffer message = {0};
    struct settings *settings = start(rig);
    assert_int_equal(config_files_new(&rig->files, rig->zoo_cfg, 1, settings_own_member(settings), &message), ST_OK);
    settings_free(settings);
}

static void set_up(struct rig *rig)
{
    char *dir = tmp_make();
    struct buffer text = {0};
    *rig = (struct rig){.dir = realpath(dir, NULL), .disk = disk_sim_new()};
    free(dir);
    rig->zoo_cfg = tmp_join(rig->dir, "zoo.cfg");
    make_dirs(rig->disk, rig->dir);
    assert_int_equal(buffer_printf(&text,
                                   "# ours\ndataDir=%s\ninitLimit=10\nsyncLimit=5\nclientPort=2181\n"
                                   "zooid.sessionPasswords=apache\nreconfigEnabled=true\n" THREE,
                                   rig->dir),
                     ST_OK);
    disk_sim_put(rig->disk, rig->zoo_cfg, buffer_bytes(&text));
    buffer_free(&text);
    open_files(rig);
}

static void tear_down(struct rig *rig)
{
    config_files_free(rig->files);
    disk_sim_free(rig->disk);
    free(rig->zoo_cfg);
    tmp_remove(rig->dir);
}

static enum status run_step(struct rig *rig, size_t i)
{
    const struct store_io *io = disk_sim_io(rig->disk);
    struct bytes text = bytes_of(steps[i].text);
    return steps[i].committed ? config_files_store(rig->files, io, text)
                              : config_files_store_last_seen(rig->files, io, text);
}

/* -- what a start must find ---------------------------------------------------------------------------------------- */

/* The committed version after the first `done` steps. */
static int64_t committed_after(size_t done)
{
    int64_t version = 0;
    for (size_t i = 0; i < done; i++)
        version = steps[i].committed ? steps[i].version : version;
    return version;
}

/* The version agreed to last, committed or not. */
static int64_t seen_after(size_t done)
{
    int64_t version = 0;
    for (size_t i = 0; i < done; i++)
        version = steps[i].version > version ? steps[i].version : version;
    return version;
}

static void expect_start(struct rig *rig, size_t done, bool is_exact)
{
    struct settings *s = start(rig);
    const struct member *own = settings_own_member(s);
    int64_t committed = s->members->version;
    int64_t seen = s->pending == NULL ? committed : s->pending->version;
    size_t most = is_exact ? done : done + 1;
    assert_in_range(committed, committed_after(done), committed_after(most));
    assert_in_range(seen, seen_after(done), seen_after(most));
    assert_non_null(own);
    bool named = members_find(s->members, 1) != NULL;
    assert_int_equal(named, committed != 0x200000009);
    assert_int_equal(own->addresses[0].quorum_port, committed >= 0x200000005 ? 11 : 1);
    assert_int_equal(s->client_port, committed >= 0x200000005 ? 2191 : 2181);
    settings_free(s);
}

static void finish(struct rig *rig, size_t from)
{
    for (size_t i = from; i < ARRAY_LEN(steps); i++)
        assert_int_equal(run_step(rig, i), ST_OK);
    expect_start(rig, ARRAY_LEN(steps), true);
}

/* -- crash points -------------------------------------------------------------------------------------------------- */

struct choice {
    uint64_t bits;
    struct random *random; /* NULL: the bits */
};

static bool keep(void *context, size_t i)
{
    const struct choice *c = context;
    return c->random != NULL ? random_below(c->random, 2) == 1 : (c->bits >> i & 1) != 0;
}

/* Runs with a fault at the n-th call. False: there is none. `*done`: steps before the one that failed. */
static bool run_to_fault(struct rig *rig, enum disk_fault_kind kind, uint64_t n, size_t *done)
{
    const struct disk_fault fault = {.kind = kind, .calls = DISK_CHANGES, .n = n};
    disk_sim_fault(rig->disk, &fault);
    for (*done = 0; *done < ARRAY_LEN(steps); ++*done)
        if (run_step(rig, *done) != ST_OK)
            break;
    return disk_sim_has_failed(rig->disk);
}

static size_t cut_once(uint64_t n, struct choice *choice)
{
    struct rig rig;
    size_t done, choices = 0;
    set_up(&rig);
    if (run_to_fault(&rig, DISK_CUT, n, &done)) {
        choices = 1 + disk_sim_choices(rig.disk);
        disk_sim_fault(rig.disk, NULL);
        disk_sim_power_cut(rig.disk, keep, choice);
        expect_start(&rig, done, false);
        config_files_free(rig.files);
        open_files(&rig);
        finish(&rig, done);
    }
    tear_down(&rig);
    return choices;
}

static void every_power_cut_leaves_a_start_that_works(void **state)
{
    struct random random = {random_seed()};
    uint64_t n = 1;
    (void)state;
    for (; n < CALLS_MAX; n++) {
        struct choice choice = {0};
        size_t choices = cut_once(n, &choice);
        if (choices == 0)
            break;
        bool is_small = choices - 1 <= CHOICES_ALL;
        uint64_t runs = is_small ? UINT64_C(1) << (choices - 1) : CHOICES_SAMPLE;
        choice.random = is_small ? NULL : &random;
        for (choice.bits = 1; choice.bits < runs; choice.bits++)
            (void)cut_once(n, &choice);
    }
    print_message("%d power cuts\n", (int)n - 1);
    assert_in_range(n, 60, CALLS_MAX - 1);
}

/* No room, for one, and then there is. */
static void every_call_that_fails_may_be_done_again(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < CALLS_MAX; n++) {
        struct rig rig;
        size_t done;
        set_up(&rig);
        bool failed = run_to_fault(&rig, DISK_FAIL_ONCE, n, &done);
        if (failed) {
            disk_sim_fault(rig.disk, NULL);
            expect_start(&rig, done, false);
            finish(&rig, done);
        }
        tear_down(&rig);
        if (!failed)
            return;
    }
    fail();
}

static void every_allocation_that_fails_may_be_done_again(void **state)
{
    (void)state;
    for (int n = 0;; n++) {
        struct rig rig;
        size_t done = 0;
        set_up(&rig);
        memory_fail_after(n);
        while (done < ARRAY_LEN(steps) && run_step(&rig, done) == ST_OK)
            done++;
        bool failed = memory_has_failed();
        memory_fail_after(-1);
        if (failed)
            finish(&rig, done);
        tear_down(&rig);
        if (!failed)
            return;
    }
}

/* -- contents ------------------------------------------------------------------------------------------------------ */

static void expect_file(struct rig *rig, const char *name, const char *expected)
{
    char *path = tmp_join(rig->dir, name);
    struct bytes content = disk_sim_get(rig->disk, path);
    struct buffer text = {0};
    if (expected == NULL) {
        assert_true(bytes_is_null(content));
    } else {
        assert_int_equal(buffer_append(&text, content.data, content.len), ST_OK);
        assert_int_equal(buffer_append(&text, "", 1), ST_OK);
        assert_string_equal((const char *)text.data, expected);
    }
    buffer_free(&text);
    free(path);
}

static void the_files_are_those_of_apache(void **state)
{
    struct rig rig;
    char text[1024];
    (void)state;
    set_up(&rig);
    assert_int_equal(run_step(&rig, 0), ST_OK);
    expect_file(&rig, "zoo.cfg.dynamic.next", THREE "version=100000000");
    assert_int_equal(run_step(&rig, 1), ST_OK);
    assert_int_equal(run_step(&rig, 2), ST_OK);
    expect_file(&rig, "zoo.cfg.dynamic.next", NULL);
    expect_file(&rig, "zoo.cfg.dynamic.100000000",
                "server.1=a:1:2:participant;2181\nserver.2=b:1:2:participant;2181\nserver.3=c:1:2:participant;2181");
    snprintf(text, sizeof text,
             "# ours\ndataDir=%s\ninitLimit=10\nsyncLimit=5\nzooid.sessionPasswords=apache\nreconfigEnabled=true\n"
             "dynamicConfigFile=%s/zoo.cfg.dynamic.100000000\n",
             rig.dir, rig.dir);
    expect_file(&rig, "zoo.cfg", text);
    snprintf(text, sizeof text,
             "# ours\ndataDir=%s\ninitLimit=10\nsyncLimit=5\nclientPort=2181\nzooid.sessionPasswords=apache\n"
             "reconfigEnabled=true\n" THREE,
             rig.dir);
    expect_file(&rig, "zoo.cfg.bak", text);
    assert_int_equal(run_step(&rig, 4), ST_OK);
    expect_file(&rig, "zoo.cfg.dynamic.200000005",
                "server.10=d:1:2:observer;2181\nserver.1=a:11:12:participant;2191\nserver.2=b:1:2:participant;2181");
    expect_file(&rig, "zoo.cfg.bak", text); /* the first day's */
    assert_int_equal(run_step(&rig, 7), ST_OK);
    snprintf(text, sizeof text,
             "# ours\ndataDir=%s\ninitLimit=10\nsyncLimit=5\nzooid.sessionPasswords=apache\nreconfigEnabled=true\n"
             "zooid.serverAddress=a:11:12\nclientPort=2191\ndynamicConfigFile=%s/zoo.cfg.dynamic.200000009\n",
             rig.dir, rig.dir);
    expect_file(&rig, "zoo.cfg", text);
    tear_down(&rig);
}

static void what_is_no_configuration_is_not_written(void **state)
{
    struct rig rig;
    (void)state;
    set_up(&rig);
    assert_int_equal(config_files_store(rig.files, disk_sim_io(rig.disk), BYTES("version=1")), ST_CORRUPT);
    expect_file(&rig, "zoo.cfg.dynamic.1", NULL);
    tear_down(&rig);
}

/* In a process that may not write there, whoever runs the test. */
static int try_as_nobody(void)
{
    struct config_files *files = NULL;
    struct buffer message = {0};
    if (geteuid() == 0 && setuid(65534) != 0)
        return 2;
    enum status st = config_files_new(&files, "/etc/passwd", 1, NULL, &message);
    bool told = message.len > 0 && strstr((const char *)message.data, "/etc: must be writable") != NULL;
    buffer_free(&message);
    return st == ST_IO_ERROR && told ? 0 : 1;
}

static void a_directory_that_cannot_be_written_stops_the_start(void **state)
{
    struct config_files *files = NULL;
    struct buffer message = {0};
    int result = -1;
    (void)state;
    assert_int_equal(config_files_new(&files, "/nowhere/zoo.cfg", 1, NULL, &message), ST_IO_ERROR);
    assert_true(bytes_starts_with(buffer_bytes(&message), BYTES("/nowhere: cannot be found: ")));
    buffer_free(&message);
    pid_t child = fork();
    if (child == 0)
        _exit(try_as_nobody());
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_power_cut_leaves_a_start_that_works),
        cmocka_unit_test(every_call_that_fails_may_be_done_again),
        cmocka_unit_test(every_allocation_that_fails_may_be_done_again),
        cmocka_unit_test(the_files_are_those_of_apache),
        cmocka_unit_test(what_is_no_configuration_is_not_written),
        cmocka_unit_test(a_directory_that_cannot_be_written_stops_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
