/* persistence_here.c - when the loop's own thread writes the log, instead of calling the log thread and being called by
 * it: while that holds nobody up. */
#include "agent/base/thread.h"
#include "agent/disk/persistence_internal.h"

/* No settings: they shape how a setting, zooid.loopSyncUs, is kept to, and nobody meets them as a limit. */
enum {
    COUNT_MAX = 8,      /* of txns: of more the thread makes one batch, while the loop serves their clients */
    PAUSE_FIRST_MS = 5, /* for which the thread has the log when somebody has waited; doubles each time */
    PAUSE_MAX_MS = 320, /* so that a loop which has others to serve too hardly ever stands still */
};

/* For how long the thread has the log, behind one that was written here. */
static uint32_t pause_behind(uint32_t last_ms, bool was_in_the_way)
{
    if (!was_in_the_way)
        return 0;
    if (last_ms == 0)
        return PAUSE_FIRST_MS;
    return last_ms < PAUSE_MAX_MS / 2 ? last_ms * 2 : PAUSE_MAX_MS;
}

static void judge(struct persistence_here *h, bool was_in_the_way)
{
    h->in_doubt = false;
    h->pause_ms = pause_behind(h->pause_ms, was_in_the_way);
    h->not_before_us = thread_clock_us() + (uint64_t)h->pause_ms * 1000;
}

bool persistence_may_write_here(struct persistence *p, uint32_t count)
{
    struct persistence_here *h = &p->here;
    if (h->in_doubt) /* the next write was waiting */
        judge(h, true);
    return h->offered && !h->under_way && count <= COUNT_MAX && p->settings->loop_sync_us > 0 &&
           thread_clock_us() >= h->not_before_us;
}

/* Acknowledgements and commits of other members, and news of our own threads, lose nothing by having waited: each of
 * them is about a write that this sync was for, or comes behind it anyway. */
void persistence_here_turned(struct persistence *p)
{
    struct persistence_here *h = &p->here;
    if (h->in_doubt)
        judge(h, metrics_counter(p->metrics, COUNTER_packets_received) != h->packets);
}

static uint32_t wanted(void *context)
{
    struct persistence *p = context;
    if (!p->here.due)
        return 0;
    p->here.due = false;
    p->here.under_way = log_thread_here_begin(p->log_thread);
    return p->here.under_way ? (uint32_t)p->settings->loop_sync_us : 0;
}

static void run(void *context)
{
    struct persistence *p = context;
    log_thread_here_write(p->log_thread);
}

static void late(void *context)
{
    struct persistence *p = context;
    log_thread_here_end(p->log_thread, true);
}

static void done(void *context, enum turns_delay delay)
{
    struct persistence *p = context;
    struct persistence_here *h = &p->here;
    h->under_way = false;
    h->in_doubt = delay == DELAY_WAITED;
    h->packets = metrics_counter(p->metrics, COUNTER_packets_received);
    if (!h->in_doubt)
        judge(h, delay == DELAY_LATE);
    if (delay == DELAY_LATE) /* the log thread's way was taken: the news have come, or are about to */
        return;
    log_thread_here_end(p->log_thread, false);
    persistence_take_log_news(p);
}

void persistence_offer_errand(struct persistence *p, struct turns *turns)
{
    const struct turns_errand errand = {.context = p, .wanted = wanted, .run = run, .late = late, .done = done};
    p->here.offered = true;
    turns_offer(turns, &errand);
}

bool persistence_errand_is_due(const struct persistence *p)
{
    return p->here.due;
}
