/* disk_log.c - the log of a member's disk as it is read for a learner: what was logged on it since its last snapshot
 * from a leader, or since files were removed, also where a checkpoint holds it by now. */
#include "tests/sim/checks/zab.h"
#include "tests/sim/disk.h"
#include "tests/sim/machine.h"
#include "tests/sim/mutants.h"

enum { EXCERPT_CHANCE = 24 };

static bool is_readable(const struct disk *d, int64_t zxid)
{
    return zxid > d->log_from && (zxid <= d->hole_from || zxid > d->hole_to);
}

/* Calls it for each txn of the log. */
static void each(const struct disk *d, void (*fn)(void *context, struct txn_ref txn), void *context)
{
    for (size_t i = 0; i < d->base.count && d->base.items[i].zxid <= d->base.label; i++)
        if (is_readable(d, d->base.items[i].zxid))
            fn(context, d->base.items[i]);
    for (size_t i = 0; i < d->log.count; i++)
        if (is_readable(d, d->log.items[i].zxid))
            fn(context, d->log.items[i]);
}

struct reading {
    struct disk_excerpt *into;
    int64_t after, until;
    size_t max;
};

static void take(void *context, struct txn_ref txn)
{
    struct reading *r = context;
    if (txn.zxid <= r->after)
        r->into->before = txn.zxid;
    else if (txn.zxid <= r->until && r->into->txns.count < r->max)
        history_append(&r->into->txns, txn);
}

bool disk_read_log(struct world *w, const struct disk *d, int64_t after, int64_t until, struct disk_excerpt *excerpt)
{
    *excerpt = (struct disk_excerpt){.before = d->log_from};
    struct reading reading = {excerpt, after, until, 1 + random_below(&w->random, 8)};
    if (d->failed || after < d->log_from || (w->mutant == NULL && world_chance(w, EXCERPT_CHANCE)))
        return false;
    mark(w, MARK_LOG_READ);
    each(d, take, &reading);
    return true;
}
