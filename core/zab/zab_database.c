/* zab_database.c - where log and tree stand, and the txns kept for learners. */
#include "core/base/mem.h"
#include "core/zab/zab_internal.h"

/* Observers that come back find more than the voters need, as long as it takes no more memory than that. */
static bool is_too_long(const struct zab *z)
{
    const struct zab_options *o = &z->options;
    const bool is_long = z->history.count > o->committed_count_max && z->history.bytes > o->observer_bytes_max;
    return is_long || (z->history.bytes > o->committed_bytes_max && z->history.bytes > o->observer_bytes_max);
}

static void trim_history(struct zab *z)
{
    while (is_too_long(z)) {
        struct entry *oldest = entries_take(&z->history);
        z->history_base = oldest->zxid;
        mem_free(oldest);
    }
}

/* Nothing is kept; everything up to `zxid` is in the tree. */
static void begin_history(struct zab *z, int64_t zxid)
{
    entries_clear(&z->history);
    z->history_base = zxid;
}

bool zab_follows(int64_t zxid, int64_t before)
{
    if (zxid - 1 == before)
        return ZXID_COUNTER(zxid) != 0;
    return ZXID_EPOCH(zxid) > ZXID_EPOCH(before) && ZXID_COUNTER(zxid) == 1;
}

/* Takes the entry over. A history with a hole would give learners a DIFF with one (4925). */
static void add_to_history(struct zab *z, struct entry *e)
{
    struct entries *history = &z->history;
    if (history->count > 0 && !zab_follows(e->zxid, entries_at(history, history->count - 1)->zxid))
        begin_history(z, -1);
    if (!zab_ok(z, entries_push(history, e))) {
        mem_free(e);
        return;
    }
    trim_history(z);
}

void zab_commit_entry(struct zab *z, struct entry *e)
{
    CHECK(e->zxid > z->committed_zxid);
    zab_emit_bytes(z, ZAB_COMMITTED, entry_bytes(e))->zxid = e->zxid;
    z->committed_zxid = e->zxid;
    if (z->status != ST_OK)
        mem_free(e);
    else
        add_to_history(z, e);
}

void zab_database_is(struct zab *z, int64_t zxid)
{
    z->last_seen_is_logged = false; /* its txn may have gone */
    z->log_floor = 0;               /* the log is another one */
    begin_history(z, zxid);
    z->loaded_zxid = zxid;
    z->logged_zxid = zxid;
    z->durable_zxid = zxid;
    z->committed_zxid = zxid;
}

/* The tree now holds all that the log does: so does the history, or there is none. */
static void extend_history(struct zab *z, int64_t zxid)
{
    while (z->tail.count > 0 && entries_at(&z->tail, 0)->zxid <= zxid && z->status == ST_OK)
        add_to_history(z, entries_take(&z->tail));
    entries_free(&z->tail);
    struct entries *history = &z->history;
    if (history->count == 0 || entries_at(history, history->count - 1)->zxid != zxid)
        begin_history(z, zxid);
}

void zab_loaded(struct zab *z, const struct zab_event *event)
{
    extend_history(z, event->zxid);
    z->accepted_epoch = event->accepted_epoch;
    z->current_epoch = event->current_epoch;
    z->loaded_zxid = event->zxid;
    z->logged_zxid = event->zxid;
    z->durable_zxid = event->zxid;
    z->committed_zxid = event->zxid;
}
