/* c_client.c - gets through ZooKeeper's own C library (libzookeeper_mt): a fixed number outstanding on one connection,
 * each reply handed to the program, which asks for the next. What `door --op get` is for libzooid. Prints one line of
 * JSON. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#define THREADED /* the library that brings its threads */
#include <zookeeper/zookeeper.h>

#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/options.h"
#include "tests/bench/lib/rate.h"

enum { SESSION_MS = 30000, WAIT_S = 20 };
#define NODE "/bench-door"

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool connected, over;
    struct rate rate;
    zhandle_t *handle;
} run = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void set(bool *what)
{
    (void)pthread_mutex_lock(&run.lock);
    *what = true;
    (void)pthread_cond_broadcast(&run.changed);
    (void)pthread_mutex_unlock(&run.lock);
}

static void wait_for(const bool *what, double seconds, const char *text)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S + (time_t)seconds;
    (void)pthread_mutex_lock(&run.lock);
    while (!*what)
        if (pthread_cond_timedwait(&run.changed, &run.lock, &until) != 0)
            die("%s", text);
    (void)pthread_mutex_unlock(&run.lock);
}

static void on_event(zhandle_t *handle, int type, int state, const char *path, void *context)
{
    (void)handle, (void)path, (void)context;
    if (type == ZOO_SESSION_EVENT && state == ZOO_CONNECTED_STATE)
        set(&run.connected);
}

static void ask(void);

/* In the library's thread of completions, of which there is one. */
static void on_data(int code, const char *value, int value_len, const struct Stat *stat, const void *data)
{
    (void)value, (void)value_len, (void)stat, (void)data;
    if (run.over)
        return;
    if (code != ZOK)
        die(NODE ": %s", zerror(code));
    if (rate_count(&run.rate, 1, clock_ns()))
        ask();
    else
        set(&run.over);
}

static void ask(void)
{
    int code = zoo_aget(run.handle, NODE, 0, on_data, NULL);
    if (code != ZOK)
        die(NODE ": %s", zerror(code));
}

int main(int argc, char **argv)
{
    static const char data[100];
    const char *server = NULL;
    uint64_t outstanding = 64, pid = 0;
    double seconds = 2, warmup = 0;
    const struct option_row rows[] = {
        {"server", "host:port", .text = &server},
        {"pid", "of the server, for its CPU", .number = &pid},
        {"outstanding", "requests at a time", .number = &outstanding},
        {"seconds", "how long", .real = &seconds},
        {"warmup", "before that", .real = &warmup},
    };
    if (options_parse(argc, argv, "c_client: gets through ZooKeeper's C library", rows, sizeof rows / sizeof rows[0]) !=
            argc ||
        server == NULL)
        die("--server is needed (see --help)");
    zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
    run.handle = zookeeper_init(server, on_event, SESSION_MS, NULL, NULL, 0);
    if (run.handle == NULL)
        die_errno("%s", server);
    wait_for(&run.connected, 0, "no session");
    int code = zoo_create(run.handle, NODE, data, sizeof data, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0);
    if (code != ZOK && code != ZNODEEXISTS)
        die(NODE ": %s", zerror(code));
    rate_start(&run.rate, pid, warmup, seconds);
    for (uint64_t i = 0; i < outstanding; i++)
        ask();
    wait_for(&run.over, seconds + warmup, "no reply");
    (void)zookeeper_close(run.handle);
    (void)printf("{");
    rate_print(&run.rate);
    (void)printf("}\n");
}
