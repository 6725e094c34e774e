/* load.c - one scenario of load on one server; prints one line of JSON.
 *
 * A closed loop with a fixed number of requests outstanding on each connection (see lib/loop.h for what that means for
 * latencies). With --threads each thread runs the same loop over connections of its own. What a create run made is
 * deleted again with --cleanup, so that samples do not weigh on each other. SIGTERM ends the measured time early. */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/options.h"
#include "tests/bench/lib/servers.h"
#include "tests/bench/lib/session.h"
#include "tests/bench/lib/sources.h"

enum { PREPARE_OUTSTANDING = 128, THREADS_MAX = 16 };

struct settings {
    const char *server, *pid;
    const char *op;
    struct servers servers;
    uint64_t connections, outstanding, threads;
    double seconds, warmup;
    uint64_t ops, size, keys, set_percent, multi_ops;
    bool cleanup;
};

struct worker {
    pthread_t thread;
    const struct settings *settings;
    enum source_kind kind;
    struct sources *sources;
    struct loop_plan plan;
    struct loop_result result;
};

static void parse(struct settings *s, int argc, char **argv)
{
    const struct option_row rows[] = {
        {"server", "host:port, or some with commas between: connections are spread over them", .text = &s->server},
        {"op", "get exists getset set create delete multi echo", .text = &s->op},
        {"connections", "of each thread", .number = &s->connections},
        {"outstanding", "requests in flight on each connection", .number = &s->outstanding},
        {"threads", "of the generator", .number = &s->threads},
        {"seconds", "measured", .real = &s->seconds},
        {"warmup", "seconds before that", .real = &s->warmup},
        {"ops", "requests of each thread, instead of a time; delete: how many nodes", .number = &s->ops},
        {"size", "bytes of data; echo: of the whole request", .number = &s->size},
        {"keys", "nodes to choose from", .number = &s->keys},
        {"set-percent", "getset: share of sets", .number = &s->set_percent},
        {"multi-ops", "multi: sets in each", .number = &s->multi_ops},
        {"pid", "server processes, for the sum of their CPU time and memory", .text = &s->pid},
        {"cleanup", "delete what was created", .flag = &s->cleanup},
    };
    if (options_parse(argc, argv, "load: one scenario on one server", rows, sizeof rows / sizeof rows[0]) != argc)
        die("no arguments are expected behind the options");
    if (s->server == NULL || s->op == NULL)
        die("--server and --op are needed (see --help)");
    s->servers = servers_parse(s->server, s->pid);
    if (s->connections == 0 || s->outstanding == 0 || s->keys == 0 || s->threads == 0 || s->threads > THREADS_MAX ||
        s->connections > 10000 || s->outstanding > 100000 || s->size > 1000000 || s->keys > 9999999)
        die("connections, outstanding, keys, size or threads out of range");
}

static void worker_init(struct worker *w, const struct settings *s, enum source_kind kind, uint32_t number)
{
    w->settings = s;
    w->kind = kind;
    const struct source_sizes sizes = {
        .keys = (uint32_t)s->keys,
        .data_size = (uint32_t)s->size,
        .set_percent = (uint32_t)s->set_percent,
        .multi_ops = (uint32_t)s->multi_ops,
        .requests_max = s->ops,
        .connections = (uint32_t)s->connections,
        .name_first = number * (uint32_t)s->connections,
    };
    w->sources = sources_new(&sizes);
    w->plan = (struct loop_plan){
        .servers = &s->servers,
        .connections = (uint32_t)s->connections,
        .outstanding = (uint32_t)s->outstanding,
        .without_session = kind == SOURCE_ECHO,
        .warmup_ns = s->ops != 0 ? 0 : (uint64_t)(s->warmup * NS_PER_S),
        .measure_ns = s->ops != 0 ? 0 : (uint64_t)(s->seconds * NS_PER_S),
    };
}

/* Runs a source to its end outside the measurement. */
static void run_aside(struct worker *w, enum source_kind kind, uint32_t connections, uint32_t outstanding)
{
    struct loop_plan plan = w->plan;
    plan.connections = connections;
    plan.outstanding = outstanding;
    plan.warmup_ns = plan.measure_ns = 0;
    struct request_source source = source_of(w->sources, kind);
    struct loop_result *result = need_memory(1, sizeof *result);
    loop_run(&plan, &source, result);
    free(result);
}

static void worker_prepare(struct worker *w, bool first)
{
    if (w->kind == SOURCE_ECHO)
        return;
    sources_make_directories(w->sources, servers_endpoint(w->plan.servers, 0));
    if (w->kind == SOURCE_DELETE)
        run_aside(w, SOURCE_CREATE, w->plan.connections, PREPARE_OUTSTANDING);
    else if (w->kind != SOURCE_CREATE && first)
        run_aside(w, SOURCE_PREPARE, 1, PREPARE_OUTSTANDING);
}

static void on_term(int number)
{
    (void)number;
    loop_end_early();
}

static void *worker_main(void *argument)
{
    struct worker *w = argument;
    struct request_source source = source_of(w->sources, w->kind);
    loop_run(&w->plan, &source, &w->result);
    return NULL;
}

static void run_workers(struct worker *workers, uint64_t count)
{
    for (uint64_t i = 1; i < count; i++) {
        if (pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]) != 0)
            die("thread %u cannot be started", (unsigned)i);
    }
    (void)worker_main(&workers[0]);
    for (uint64_t i = 1; i < count; i++) {
        if (pthread_join(workers[i].thread, NULL) != 0)
            die("thread %u cannot be joined", (unsigned)i);
    }
}

/* The threads' windows overlap but for the opening of their connections: rates are added as counts over the longest
 * window, and the server's CPU time is the first thread's reading. */
static void merge_results(struct loop_result *into, const struct loop_result *from)
{
    into->ops += from->ops;
    into->errors += from->errors;
    into->client_cpu_ns += from->client_cpu_ns;
    if (into->first_error == 0)
        into->first_error = from->first_error;
    if (from->elapsed_ns > into->elapsed_ns)
        into->elapsed_ns = from->elapsed_ns;
    histogram_merge(&into->latency, &from->latency);
}

int main(int argc, char **argv)
{
    struct settings s = {.connections = 16,
                         .outstanding = 16,
                         .threads = 1,
                         .seconds = 3,
                         .warmup = 1,
                         .size = 100,
                         .keys = 1000,
                         .set_percent = 10,
                         .multi_ops = 4};
    parse(&s, argc, argv);
    raise_descriptor_limit();
    const struct sigaction early = {.sa_handler = on_term};
    if (sigaction(SIGTERM, &early, NULL) != 0)
        die_errno("sigaction");
    enum source_kind kind = source_kind_parse(s.op);
    if (kind == SOURCE_DELETE && s.ops == 0)
        die("delete needs --ops");
    if (kind == SOURCE_ECHO && s.size < WIRE_REPLY_HEADER_SIZE)
        die("an echo request has at least %d bytes", WIRE_REPLY_HEADER_SIZE);
    struct worker *workers = need_memory(s.threads, sizeof *workers);
    for (uint32_t i = 0; i < s.threads; i++) {
        worker_init(&workers[i], &s, kind, i);
        worker_prepare(&workers[i], i == 0);
    }
    run_workers(workers, s.threads);
    struct process_memory memory = servers_memory(&s.servers);
    for (uint32_t i = 0; i < s.threads; i++) {
        if (s.cleanup && kind == SOURCE_CREATE)
            run_aside(&workers[i], SOURCE_DELETE, workers[i].plan.connections, PREPARE_OUTSTANDING);
        sources_free(workers[i].sources);
        if (i > 0)
            merge_results(&workers[0].result, &workers[i].result);
    }
    (void)printf("{\"op\":\"%s\",", s.op);
    loop_result_print(&workers[0].result);
    (void)printf(",");
    process_memory_print("server_", memory);
    (void)printf("}\n");
    free(workers);
    return 0;
}
