/* probe.c - the pinging thread. */
#include "tests/bench/lib/probe.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/process.h"
#include "tests/bench/lib/session.h"
#include "tests/bench/lib/wire.h"

enum { PAUSE_NS = 100 * NS_PER_US };

struct probe {
    pthread_t thread;
    int session, server_pid;
    bool realtime;
    atomic_bool stopping;
    pthread_mutex_t lock; /* of gaps */
    struct probe_gaps gaps;
};

static void *probe_main(void *argument)
{
    static const struct timespec pause = {.tv_nsec = PAUSE_NS};
    struct probe *p = argument;
    uint8_t frame[WIRE_FRAME_OVERHEAD];
    size_t size = wire_bare(frame, WIRE_XID_PING, WIRE_PING);
    uint64_t last = clock_ns(), waited = process_cpu_wait_ns(p->server_pid);
    while (!atomic_load(&p->stopping)) {
        if (session_call(p->session, frame, size) != 0)
            die_errno("the prober's session is lost");
        uint64_t now = clock_ns(), waited_now = process_cpu_wait_ns(p->server_pid);
        uint64_t gap = now - last, wait = waited_now - waited;
        (void)pthread_mutex_lock(&p->lock);
        histogram_record(&p->gaps.all, gap);
        histogram_record(&p->gaps.running, gap > wait ? gap - wait : 0);
        (void)pthread_mutex_unlock(&p->lock);
        last = now;
        waited = waited_now;
        (void)ppoll(NULL, 0, &pause, NULL);
    }
    return NULL;
}

struct probe *probe_start(const struct sockaddr_in *endpoint, int server_pid)
{
    const struct sched_param lowest = {.sched_priority = sched_get_priority_min(SCHED_FIFO)};
    struct probe *p = need_memory(1, sizeof *p);
    p->server_pid = server_pid;
    p->session = session_open(endpoint);
    if (p->session < 0)
        die_errno("the prober cannot connect");
    if (pthread_mutex_init(&p->lock, NULL) != 0 || pthread_create(&p->thread, NULL, probe_main, p) != 0)
        die("the prober cannot be started");
    p->realtime = pthread_setschedparam(p->thread, SCHED_FIFO, &lowest) == 0;
    return p;
}

void probe_take(struct probe *p, struct probe_gaps *gaps)
{
    (void)pthread_mutex_lock(&p->lock);
    *gaps = p->gaps;
    memset(&p->gaps, 0, sizeof p->gaps);
    (void)pthread_mutex_unlock(&p->lock);
}

bool probe_is_realtime(const struct probe *p)
{
    return p->realtime;
}

void probe_stop(struct probe *p)
{
    atomic_store(&p->stopping, true);
    if (pthread_join(p->thread, NULL) != 0)
        die("the prober cannot be joined");
    session_close(p->session);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}
