/* A million nodes with 100 bytes each must cost at most 245 bytes of memory a node, and finding one must not get slow.
 * Says on the way what it measured; only memory is judged, time is left to the benchmarks. */
/* sanitizers: no (their memory would be measured) */
#include "core/base/check.h"
#include "core/tree/tree.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <time.h>

#define DIRECTORIES  1000
#define NODES        1000000
#define DATA_LEN     100
#define BYTES_A_NODE 245
#define LOOKUPS      1000000
#define PATH_LEN_MAX 64

/* Anonymous resident memory, bytes; -1: not to be had. */
static long rss_anon(void)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    long kilobytes = -1;
    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
        if (sscanf(line, "RssAnon: %ld kB", &kilobytes) == 1)
            break;
    }
    if (status != NULL)
        fclose(status);
    return kilobytes < 0 ? -1 : kilobytes * 1024;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void create(struct tree *t, const char *path, struct bytes data, int64_t zxid)
{
    const struct tree_create create = {bytes_of(path), data, acl_get(tree_acls(t), ACL_OPEN), 0, -1, zxid, zxid};
    assert_int_equal(tree_create(t, &create), ST_OK);
}

static void node_path(char path[PATH_LEN_MAX], uint32_t i)
{
    snprintf(path, PATH_LEN_MAX, "/app/dir%03u/group/n%07u", i % DIRECTORIES, i);
}

static void fill(struct tree *t)
{
    char path[PATH_LEN_MAX];
    static const uint8_t data[DATA_LEN] = {1};
    create(t, "/app", BYTES(""), 1);
    for (uint32_t i = 0; i < DIRECTORIES; i++) {
        snprintf(path, sizeof path, "/app/dir%03u", i);
        create(t, path, BYTES(""), 2);
        snprintf(path, sizeof path, "/app/dir%03u/group", i);
        create(t, path, BYTES(""), 2);
    }
    for (uint32_t i = 0; i < NODES; i++) {
        node_path(path, i);
        create(t, path, bytes_make(data, sizeof data), 3);
    }
}

/* The paths are made beforehand, in an order that no cache likes. */
static void look_up_all(struct tree *t)
{
    static char paths[1024][PATH_LEN_MAX];
    for (uint32_t i = 0; i < ARRAY_LEN(paths); i++)
        node_path(paths[i], (uint32_t)(i * 2654435761u) % NODES);
    double start = seconds();
    for (uint32_t i = 0; i < LOOKUPS; i++)
        assert_non_null(tree_lookup(t, bytes_of(paths[i % ARRAY_LEN(paths)])));
    print_message("%.0f ns a lookup of four components\n", (seconds() - start) * 1e9 / LOOKUPS);
}

static void million_nodes_are_small(void **state)
{
    (void)state;
    const struct tree_options options = {.hash_key = {5, 6}};
    struct tree *t = tree_new(&options);
    assert_non_null(t);
    long before = rss_anon();
    double start = seconds();
    fill(t);
    print_message("%.0f ns a create\n", (seconds() - start) * 1e9 / NODES);
    long after = rss_anon();
    double each = (double)(after - before) / NODES;
    print_message("%.1f bytes a node\n", each);
    look_up_all(t);
    if (before >= 0)
        assert_true(each <= BYTES_A_NODE);
    start = seconds();
    tree_free(t);
    print_message("%.0f ms to free\n", (seconds() - start) * 1e3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(million_nodes_are_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
