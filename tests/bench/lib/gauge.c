/* gauge.c - the watching thread. */
#include "tests/bench/lib/gauge.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/process.h"

enum { SAMPLE_MS = 20, REST_KB = 1024 };
static const uint64_t rest_ns = 2 * (uint64_t)NS_PER_S;

struct gauge {
    pthread_t thread;
    int pid;
    atomic_bool stopping;
    atomic_ullong peak_kb;
    atomic_ullong written;
    atomic_ullong moved_ns;       /* when it last wrote, or its memory last left the band */
    unsigned long long anchor_kb; /* middle of that band */
};

static void sample(struct gauge *g)
{
    unsigned long long anon = process_memory_read(g->pid).anon_kb, written = process_written_bytes(g->pid);
    unsigned long long away = anon > g->anchor_kb ? anon - g->anchor_kb : g->anchor_kb - anon;
    if (written != atomic_load(&g->written) || away > REST_KB) {
        atomic_store(&g->moved_ns, clock_ns());
        g->anchor_kb = anon;
    }
    atomic_store(&g->written, written);
    if (anon > atomic_load(&g->peak_kb))
        atomic_store(&g->peak_kb, anon);
}

static void *gauge_main(void *argument)
{
    struct gauge *g = argument;
    while (!atomic_load(&g->stopping)) {
        sample(g);
        (void)poll(NULL, 0, SAMPLE_MS);
    }
    return NULL;
}

struct gauge *gauge_start(int pid)
{
    struct gauge *g = need_memory(1, sizeof *g);
    g->pid = pid;
    if (process_memory_read(pid).rss_kb == 0)
        die("there is no process %d", pid);
    sample(g);
    if (pthread_create(&g->thread, NULL, gauge_main, g) != 0)
        die("the gauge cannot be started");
    return g;
}

uint64_t gauge_take_peak_kb(struct gauge *g)
{
    return atomic_exchange(&g->peak_kb, 0);
}

uint64_t gauge_written_bytes(struct gauge *g)
{
    return atomic_load(&g->written);
}

bool gauge_wait_rest(struct gauge *g, uint64_t limit_s)
{
    uint64_t start = clock_ns();
    atomic_store(&g->moved_ns, start);
    for (uint64_t now = start; now - start < limit_s * NS_PER_S; now = clock_ns()) {
        uint64_t moved = atomic_load(&g->moved_ns);
        if (now > moved && now - moved >= rest_ns)
            return true;
        (void)poll(NULL, 0, SAMPLE_MS);
    }
    return false;
}

void gauge_stop(struct gauge *g)
{
    atomic_store(&g->stopping, true);
    if (pthread_join(g->thread, NULL) != 0)
        die("the gauge cannot be joined");
    free(g);
}
