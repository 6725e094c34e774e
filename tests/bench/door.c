/* door.c - the local door through libzooid, and what a bare Unix socket gives in its place.
 *
 *   --op echo       the yardstick: a request and a reply of fixed sizes, one outstanding, to `echo --socket`
 *   --op get        zooid_get of one node, or with --outstanding so many submitted gets at a time
 *   --op subscribe  a subscription to a prefix while another client changes it at a steady --rate: every change has to
 *                   come, in order; how long after it was sent, and after its own reply
 *   --op death      a process that has an ephemeral at --socket is killed: until a watch at --other tells that it is
 *                   gone; --rounds times
 *
 * --cpu N runs it on that CPU alone. Prints one line of JSON. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bindings/c/include/zooid.h"
#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/histogram.h"
#include "tests/bench/lib/options.h"
#include "tests/bench/lib/rate.h"

enum { BUFFER_SIZE = 64 * 1024, WAIT_MS = 20000, CHANGED_NODES = 100 };
#define NODE   "/bench-door"
#define PREFIX "/bench-changes"

struct plan {
    const char *op, *socket, *other;
    uint64_t request, reply, outstanding, rate, rounds, cpu, pid;
    double seconds, warmup;
};

static zooid_client *open_at(const char *socket)
{
    struct zooid_options options = ZOOID_OPTIONS_INIT;
    zooid_client *client = NULL;
    zooid_reply *why = NULL;
    options.socket = socket;
    if (zooid_open(&client, &options, &why) != ZOOID_OK)
        die("%s: %s", socket, zooid_reply_message(why));
    return client;
}

static void need(int code, const char *what)
{
    if (code != ZOOID_OK)
        die("%s: %s", what, zooid_code_text(code));
}

static zooid_event *next_of(zooid_client *client, enum zooid_event_kind kind)
{
    for (;;) {
        zooid_event *event = zooid_next_event(client, WAIT_MS);
        if (event == NULL)
            die("no event came");
        if (zooid_event_kind(event) == kind)
            return event;
        zooid_event_free(event);
    }
}

/* -- round trips --------------------------------------------------------------------------------------------------- */

/* What is done once: from `state`, so many operations. */
typedef uint64_t step_fn(void *state);

static void measure(const struct plan *p, step_fn *step, void *state)
{
    static struct histogram times;
    struct rate rate;
    uint64_t done, before, now = clock_ns();
    rate_start(&rate, p->pid, p->warmup, p->seconds);
    do {
        before = now;
        done = step(state);
        now = clock_ns();
        if (rate_has_begun(&rate))
            histogram_record(&times, now - before);
    } while (rate_count(&rate, done, now));
    (void)printf("{");
    rate_print(&rate);
    (void)printf(",");
    histogram_print_us(&times);
    (void)printf("}\n");
}

struct echo {
    int fd;
    uint64_t request, reply;
};

static uint64_t echo_once(void *state)
{
    static uint8_t data[BUFFER_SIZE];
    const struct echo *e = state;
    if (send(e->fd, data, e->request, MSG_NOSIGNAL) != (ssize_t)e->request ||
        recv(e->fd, data, e->reply, MSG_WAITALL) != (ssize_t)e->reply)
        die_errno("the echo server does not answer");
    return 1;
}

static void run_echo(const struct plan *p)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct echo e = {socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), p->request, p->reply};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", p->socket);
    if (e.fd < 0 || connect(e.fd, (const struct sockaddr *)&address, sizeof address) != 0)
        die_errno("%s", p->socket);
    measure(p, echo_once, &e);
    (void)close(e.fd);
}

static uint64_t get_once(void *state)
{
    need(zooid_get(state, NODE, WAIT_MS, NULL), NODE);
    return 1;
}

/* One reply is taken, and another request made. */
static uint64_t get_next(void *state)
{
    zooid_event *event = next_of(state, ZOOID_EVENT_REPLY);
    zooid_reply *reply = zooid_event_take_reply(event);
    need(zooid_reply_code(reply), NODE);
    zooid_reply_free(reply);
    zooid_event_free(event);
    return zooid_submit(state, zooid_request_get(NODE), WAIT_MS, NULL) != 0 ? 1 : 0;
}

static void run_get(const struct plan *p)
{
    static const uint8_t data[100];
    zooid_client *client = open_at(p->socket);
    int code = zooid_create(client, NODE, data, sizeof data, ZOOID_PERSISTENT, WAIT_MS, NULL);
    if (code != ZOOID_NODE_EXISTS)
        need(code, NODE);
    for (uint64_t i = 0; p->outstanding > 1 && i < p->outstanding; i++)
        if (zooid_submit(client, zooid_request_get(NODE), WAIT_MS, NULL) == 0)
            die("no memory");
    measure(p, p->outstanding > 1 ? get_next : get_once, client);
    zooid_close(client);
}

/* -- a stream of changes ------------------------------------------------------------------------------------------- */

struct change {
    uint64_t number, sent_ns;
};

struct writer {
    const struct plan *plan;
    uint64_t count; /* to be made */
    uint64_t *replied_ns;
};

static void take_replies(zooid_client *client, struct writer *w, uint64_t *replies, uint32_t wait_ms)
{
    for (zooid_event *event; (event = zooid_next_event(client, wait_ms)) != NULL; wait_ms = 0) {
        if (zooid_event_kind(event) == ZOOID_EVENT_REPLY) {
            zooid_reply *reply = zooid_event_take_reply(event);
            need(zooid_reply_code(reply), PREFIX);
            zooid_reply_free(reply);
            w->replied_ns[(*replies)++] = clock_ns(); /* they come in the order of the requests */
        }
        zooid_event_free(event);
    }
}

/* As many as are due by the clock, whatever the replies. */
static void *write_changes(void *argument)
{
    struct writer *w = argument;
    zooid_client *client = open_at(w->plan->socket);
    uint64_t begin = clock_ns(), replies = 0, number = 0;
    while (replies < w->count) {
        uint64_t due = (uint64_t)((double)(clock_ns() - begin) * (double)w->plan->rate / NS_PER_S);
        for (; number < w->count && number < due; number++) {
            char path[64];
            struct change change = {number, clock_ns()};
            (void)snprintf(path, sizeof path, PREFIX "/%u", (unsigned)(number % CHANGED_NODES));
            if (zooid_submit(client, zooid_request_set(path, &change, sizeof change, ZOOID_ANY_VERSION), WAIT_MS,
                             NULL) == 0)
                die("no memory");
        }
        take_replies(client, w, &replies, 1);
    }
    zooid_close(client);
    return NULL;
}

static void take_changes(zooid_client *client, const struct writer *w, struct histogram *times, uint64_t *come_ns)
{
    for (uint64_t expected = 0; expected < w->count; expected++) {
        struct change change;
        zooid_event *event = next_of(client, ZOOID_EVENT_CHANGE);
        if (zooid_event_data_len(event) != sizeof change)
            die("a change without its data");
        memcpy(&change, zooid_event_data(event), sizeof change);
        if (change.number != expected)
            die("change %u came where %u was due", (unsigned)change.number, (unsigned)expected);
        come_ns[expected] = clock_ns();
        histogram_record(times, come_ns[expected] - change.sent_ns);
        zooid_event_free(event);
    }
}

static void make_nodes(zooid_client *client)
{
    need(zooid_delete_recursive(client, PREFIX, WAIT_MS, NULL), PREFIX);
    need(zooid_create(client, PREFIX, "", 0, ZOOID_PERSISTENT, WAIT_MS, NULL), PREFIX);
    for (unsigned i = 0; i < CHANGED_NODES; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, PREFIX "/%u", i);
        need(zooid_create(client, path, "", 0, ZOOID_PERSISTENT, WAIT_MS, NULL), path);
    }
}

static void run_subscribe(const struct plan *p)
{
    static struct histogram times, behind;
    struct writer w = {p, (uint64_t)(p->seconds * (double)p->rate), NULL};
    uint64_t *come_ns = need_memory(w.count, sizeof *come_ns);
    w.replied_ns = need_memory(w.count, sizeof *w.replied_ns);
    zooid_client *client = open_at(p->socket);
    make_nodes(client);
    zooid_request *request = zooid_request_subscribe(PREFIX);
    need(zooid_request_set_without_snapshot(request), PREFIX);
    if (zooid_submit(client, request, ZOOID_NO_DEADLINE, NULL) == 0)
        die("no memory");
    need(zooid_sync(client, WAIT_MS, NULL), PREFIX); /* it stands */
    pthread_t thread;
    uint64_t begin = clock_ns();
    if (pthread_create(&thread, NULL, write_changes, &w) != 0)
        die_errno("no thread");
    take_changes(client, &w, &times, come_ns);
    uint64_t passed = clock_ns() - begin;
    if (pthread_join(thread, NULL) != 0)
        die_errno("the writer");
    for (uint64_t i = 0; i < w.count; i++)
        histogram_record(&behind, come_ns[i] > w.replied_ns[i] ? come_ns[i] - w.replied_ns[i] : 0);
    (void)printf("{\"changes_per_s\":%.1f,\"behind_reply_p50_us\":%.1f,", (double)w.count * NS_PER_S / (double)passed,
                 (double)histogram_quantile(&behind, 0.5) / NS_PER_US);
    histogram_print_us(&times);
    (void)printf("}\n");
    zooid_close(client);
}

/* -- the end of a process ------------------------------------------------------------------------------------------ */

static pid_t start_holder(const struct plan *p)
{
    int pipe_fds[2];
    char byte;
    if (pipe(pipe_fds) != 0)
        die_errno("pipe");
    pid_t pid = fork();
    if (pid < 0)
        die_errno("fork");
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        zooid_client *client = open_at(p->socket);
        need(zooid_create(client, NODE "-held", "", 0, ZOOID_EPHEMERAL, WAIT_MS, NULL), NODE);
        if (write(pipe_fds[1], "", 1) != 1)
            die_errno("pipe");
        for (;;)
            (void)pause();
    }
    (void)close(pipe_fds[1]);
    if (read(pipe_fds[0], &byte, 1) != 1)
        die("the process has no ephemeral");
    (void)close(pipe_fds[0]);
    return pid;
}

static uint64_t kill_once(const struct plan *p)
{
    pid_t pid = start_holder(p);
    zooid_client *client = open_at(p->other); /* behind the fork, which it would not outlive */
    need(zooid_sync(client, WAIT_MS, NULL), NODE);
    zooid_request *request = zooid_request_exists(NODE "-held");
    need(zooid_request_set_watch(request), NODE);
    need(zooid_perform(client, request, WAIT_MS, NULL), NODE "-held");
    uint64_t begin = clock_ns();
    if (kill(pid, SIGKILL) != 0)
        die_errno("kill");
    zooid_event *event = next_of(client, ZOOID_EVENT_WATCH);
    uint64_t passed = clock_ns() - begin;
    if (zooid_event_change(event) != ZOOID_DELETED)
        die("another event than that of the deletion");
    zooid_event_free(event);
    zooid_close(client);
    if (waitpid(pid, NULL, 0) != pid)
        die_errno("waitpid");
    return passed;
}

static void run_death(const struct plan *p)
{
    static struct histogram times;
    for (uint64_t i = 0; i < p->rounds; i++)
        histogram_record(&times, kill_once(p));
    (void)printf("{");
    histogram_print_us(&times);
    (void)printf("}\n");
}

static void stay_on(uint64_t cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0)
        die_errno("CPU %u", (unsigned)cpu);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(const struct plan *p);
    } ops[] = {{"echo", run_echo}, {"get", run_get}, {"subscribe", run_subscribe}, {"death", run_death}};
    struct plan p = {.request = 32, .reply = 192, .outstanding = 1, .rate = 20000, .rounds = 50, .cpu = UINT64_MAX};
    p.op = "get";
    p.seconds = 2;
    const struct option_row rows[] = {
        {"op", "echo, get, subscribe or death", .text = &p.op},
        {"socket", "of the agent, or of the echo server", .text = &p.socket},
        {"other", "death: socket of another member", .text = &p.other},
        {"request", "echo: bytes of a request", .number = &p.request},
        {"reply", "echo: bytes of a reply", .number = &p.reply},
        {"outstanding", "get: requests at a time", .number = &p.outstanding},
        {"rate", "subscribe: changes a second", .number = &p.rate},
        {"rounds", "death: how often", .number = &p.rounds},
        {"seconds", "how long", .real = &p.seconds},
        {"warmup", "before that", .real = &p.warmup},
        {"pid", "of the agent, for its CPU", .number = &p.pid},
        {"cpu", "run on this one alone", .number = &p.cpu},
    };
    if (options_parse(argc, argv, "door: the local door", rows, sizeof rows / sizeof rows[0]) != argc ||
        p.socket == NULL || p.request > BUFFER_SIZE || p.reply > BUFFER_SIZE)
        die("--socket is needed (see --help)");
    if (p.cpu != UINT64_MAX)
        stay_on(p.cpu);
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        if (strcmp(ops[i].name, p.op) == 0) {
            ops[i].run(&p);
            return 0;
        }
    die("unknown operation %s", p.op);
}
