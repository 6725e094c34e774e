/* persistence_here.c - when the loop's own thread writes the log, instead of calling the log thread and being called by
 * it: while that holds nobody up. */
#include "agent/base/thread.h"
#include "agent/disk/persistence_internal.h"

enum {
    COUNT_MAX = 8,      /* of txns: of more the thread makes one batch, while the loop serves their clients */
    PAUSE_FIRST_MS = 5, /* for which the thread has the log when somebody has waited; doubles each time */
    PAUSE_MAX_MS = 320, /* so that a loop which has others to serve too hardly ever stands still */
};

static void pause_here(struct persistence_here *h, uint64_t now_us, uint32_t ms)
{
    h->not_before_us = now_us + (uint64_t)ms * 1000;
}

bool persistence_may_write_here(const struct persistence *p, uint32_t count)
{
    const struct persistence_here *h = &p->here;
    return h->offered && !h->under_way && count <= COUNT_MAX && p->settings->loop_sync_us > 0 &&
           thread_clock_us() >= h->not_before_us;
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
    uint64_t now_us = thread_clock_us();
    h->under_way = false;
    h->pause_ms = delay == DELAY_NONE ? 0 : h->pause_ms == 0 ? PAUSE_FIRST_MS : h->pause_ms * 2;
    if (h->pause_ms > PAUSE_MAX_MS)
        h->pause_ms = PAUSE_MAX_MS;
    pause_here(h, now_us, h->pause_ms);
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
