/* fill.c - a tree of a given size: what a znode weighs, and whether a checkpoint of many changes stops the service.
 *
 * Creates N nodes with data under a thousand parents, waits until the server has come to rest (its checkpoint is over),
 * and divides what its memory has grown by N. With --modify M it then changes M distinct nodes spread over the tree
 * while a prober notes the longest time without an answer, until the server rests again, as many times as it is told.
 * The load has few requests in flight and a lower priority than the server, so that the gap is not a queue of its own
 * making. Prints one line of JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/gauge.h"
#include "tests/bench/lib/loop.h"
#include "tests/bench/lib/options.h"
#include "tests/bench/lib/probe.h"
#include "tests/bench/lib/servers.h"
#include "tests/bench/lib/session.h"
#include "tests/bench/lib/wire.h"

enum {
    PARENTS = 1000,
    PATH_SIZE = 48,
    NODES_MAX = 10000000,
    FILL_CONNECTIONS = 4,
    FILL_OUTSTANDING = 256,
    MODIFY_OUTSTANDING = 32,
    LOAD_NICE = 5,
    STRIDE = 7919, /* a prime: consecutive changes lie under different parents and no node comes twice */
};

struct settings {
    const char *server, *pid;
    struct servers servers;
    uint64_t nodes, size, modify, modify_rounds, rest_limit_s;
};

struct tree {
    uint64_t nodes, next, end;
    const uint8_t *data;
    size_t size;
};

static const char *node_path(char *path, uint64_t number)
{
    (void)snprintf(path, PATH_SIZE, "/fill/p%04u/n%07u", (unsigned)(number % PARENTS), (unsigned)(number / PARENTS));
    return path;
}

static size_t next_create(void *context, uint32_t connection, int32_t xid, uint8_t *out)
{
    struct tree *tree = context;
    char path[PATH_SIZE];
    (void)connection;
    if (tree->next == tree->end)
        return 0;
    return wire_create(out, xid, node_path(path, tree->next++), tree->data, tree->size);
}

static size_t next_change(void *context, uint32_t connection, int32_t xid, uint8_t *out)
{
    struct tree *tree = context;
    char path[PATH_SIZE];
    (void)connection;
    if (tree->next == tree->end)
        return 0;
    uint64_t number = tree->next++ * STRIDE % tree->nodes;
    return wire_set(out, xid, node_path(path, number), tree->data, tree->size);
}

static void make_parents(const struct sockaddr_in *endpoint)
{
    int session = session_open(endpoint);
    if (session < 0)
        die_errno("no session");
    session_need_node(session, "/fill", NULL, 0);
    for (unsigned i = 0; i < PARENTS; i++) {
        char path[PATH_SIZE];
        (void)snprintf(path, sizeof path, "/fill/p%04u", i);
        session_need_node(session, path, NULL, 0);
    }
    session_close(session);
}

static void print_gaps(const char *name, struct probe *probe)
{
    struct probe_gaps *gaps = need_memory(1, sizeof *gaps);
    probe_take(probe, gaps);
    (void)printf("\"%s\":{\"pings\":%" PRIu64 ",", name, gaps->all.count);
    histogram_print_us(&gaps->all);
    (void)printf(",\"running_max_us\":%.1f},", (double)gaps->running.max / NS_PER_US);
    free(gaps);
}

static void fill(const struct settings *s, struct loop_plan *plan, struct tree *tree, struct gauge *gauge)
{
    const struct request_source creates = {tree, next_create, WIRE_FRAME_OVERHEAD + PATH_SIZE + s->size,
                                           WIRE_REPLY_HEADER_SIZE};
    struct loop_result *result = need_memory(1, sizeof *result);
    struct process_memory before = servers_memory(plan->servers);
    make_parents(servers_endpoint(plan->servers, 0));
    *plan = (struct loop_plan){
        .servers = plan->servers, .connections = FILL_CONNECTIONS, .outstanding = FILL_OUTSTANDING};
    tree->next = 0;
    tree->end = tree->nodes;
    loop_run(plan, &creates, result);
    bool rested = gauge_wait_rest(gauge, s->rest_limit_s);
    struct process_memory after = servers_memory(plan->servers);
    (void)printf("\"fill\":{");
    loop_result_print(result);
    (void)printf(",\"rested\":%s,\"peak_rss_anon_kb\":%" PRIu64 ",", rested ? "true" : "false",
                 gauge_take_peak_kb(gauge));
    process_memory_print("before_", before);
    (void)printf(",");
    process_memory_print("after_", after);
    (void)printf(",\"anon_bytes_per_node\":%.1f,\"rss_bytes_per_node\":%.1f,\"file_bytes_per_node\":%.1f},",
                 ((double)after.anon_kb - (double)before.anon_kb) * 1024 / (double)tree->nodes,
                 ((double)after.rss_kb - (double)before.rss_kb) * 1024 / (double)tree->nodes,
                 ((double)after.file_kb - (double)before.file_kb) * 1024 / (double)tree->nodes);
    free(result);
}

/* Of one round: the gaps while nothing happens, while nodes are changed, and until the server has come to rest. */
static void modify_once(const struct settings *s, struct loop_plan *plan, const struct request_source *changes,
                        struct gauge *gauge, struct probe *probe)
{
    struct loop_result *result = need_memory(1, sizeof *result);
    uint64_t anon_before = servers_memory(plan->servers).anon_kb, written = gauge_written_bytes(gauge);
    (void)gauge_wait_rest(gauge, s->rest_limit_s);
    (void)printf("{");
    print_gaps("gaps_quiet", probe);
    (void)gauge_take_peak_kb(gauge);
    loop_run(plan, changes, result);
    print_gaps("gaps_changing", probe);
    bool rested = gauge_wait_rest(gauge, s->rest_limit_s);
    print_gaps("gaps_after", probe);
    uint64_t peak = gauge_take_peak_kb(gauge);
    loop_result_print(result);
    (void)printf(",\"rested\":%s,\"probe_realtime\":%s,\"written_bytes\":%" PRIu64 ",\"anon_before_kb\":%" PRIu64
                 ",\"peak_anon_kb\":%" PRIu64 "}",
                 rested ? "true" : "false", probe_is_realtime(probe) ? "true" : "false",
                 gauge_written_bytes(gauge) - written, anon_before, peak);
    free(result);
}

/* Each round changes other nodes. */
static void modify(const struct settings *s, struct loop_plan *plan, struct tree *tree, struct gauge *gauge)
{
    const struct request_source changes = {tree, next_change, WIRE_FRAME_OVERHEAD + PATH_SIZE + s->size,
                                           WIRE_REPLY_HEADER_SIZE + WIRE_STAT_SIZE};
    struct probe *probe = probe_start(servers_endpoint(plan->servers, 0), plan->servers->pids[0]);
    if (setpriority(PRIO_PROCESS, 0, LOAD_NICE) != 0)
        die_errno("setpriority");
    plan->connections = 1;
    plan->outstanding = MODIFY_OUTSTANDING;
    (void)printf("\"modify\":[");
    for (uint64_t round = 0; round < s->modify_rounds; round++) {
        tree->next = round * s->modify;
        tree->end = tree->next + s->modify;
        (void)printf("%s", round > 0 ? "," : "");
        modify_once(s, plan, &changes, gauge, probe);
    }
    (void)printf("],");
    probe_stop(probe);
}

int main(int argc, char **argv)
{
    struct settings s = {.nodes = 200000, .size = 100, .modify_rounds = 1, .rest_limit_s = 60};
    const struct option_row rows[] = {
        {"server", "host:port", .text = &s.server},
        {"nodes", "how many to create", .number = &s.nodes},
        {"size", "bytes of data", .number = &s.size},
        {"modify", "distinct nodes to change afterwards, in each round", .number = &s.modify},
        {"modify-rounds", "how often that", .number = &s.modify_rounds},
        {"pid", "server process", .text = &s.pid},
        {"rest-limit", "seconds to wait for the server to come to rest", .number = &s.rest_limit_s},
    };
    if (options_parse(argc, argv, "fill: a tree of a given size", rows, sizeof rows / sizeof rows[0]) != argc ||
        s.server == NULL || s.pid == NULL || s.nodes == 0 || s.nodes > NODES_MAX || s.modify_rounds == 0 ||
        s.modify > s.nodes / s.modify_rounds || s.nodes % STRIDE == 0 || s.size > 100000)
        die("--server and --pid are needed, numbers must be in range (see --help)");
    uint8_t *data = need_memory(1, s.size + 1);
    memset(data, 'x', s.size);
    struct tree tree = {.nodes = s.nodes, .data = data, .size = s.size};
    s.servers = servers_parse(s.server, s.pid);
    struct loop_plan plan = {.servers = &s.servers};
    struct gauge *gauge = gauge_start(s.servers.pids[0]);
    (void)printf("{\"nodes\":%" PRIu64 ",", s.nodes);
    fill(&s, &plan, &tree, gauge);
    if (s.modify > 0)
        modify(&s, &plan, &tree, gauge);
    (void)printf("\"modified\":%" PRIu64 "}\n", s.modify);
    gauge_stop(gauge);
    free(data);
    return 0;
}
