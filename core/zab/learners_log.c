/* learners_log.c - a learner that lacks more than is kept in memory is sent it from the log, piece by piece, and then
 * the rest as any other (quorum-protocol 2.6, row 5).
 *
 * The first piece tells whether the log and the learner's are one up to where the learner stands. A log with a hole, as
 * a snapshot may leave in it (2846), must not be used: the shell knows where its log is whole, and what is read is
 * looked at besides. */
#include "core/zab/learners.h"

#include <inttypes.h>

/* Committed, on the disk, and not in memory. */
static int64_t readable_to(const struct zab *z)
{
    return z->durable_zxid < z->history_base ? z->durable_zxid : z->history_base;
}

bool learners_log_may_have(const struct zab *z, const struct peer *p)
{
    const int64_t zxid = p->loaded_zxid;
    return z->options.reads_log && !p->log_refused && zxid > 0 && zxid >= z->log_floor && zxid < readable_to(z);
}

static void ask(struct zab *z, struct peer *p)
{
    struct zab_effect *effect = zab_emit(z, ZAB_READ_LOG);
    effect->link = p->link;
    effect->zxid = p->sent_zxid;
    effect->until = readable_to(z);
    p->read_zxid = p->sent_zxid;
    peer_limit(z, p, z->options.init_limit);
}

void learners_log_begin(struct zab *z, struct peer *p)
{
    p->stage = PEER_READING;
    p->has_begun = false;
    p->sent_zxid = p->loaded_zxid;
    ask(z, p);
}

/* Behind DIFF no snapshot can follow, so the learner must come again; until this server's log is another one, or its
 * process, those that stand there are not sent it. */
static void on_refused(struct zab *z, struct peer *p, const struct zab_event *event)
{
    (void)event;
    if (p->has_begun) {
        z->log_floor = z->history_base;
        peer_drop(z, p, "lacks what cannot be read from the log behind 0x%" PRIx64 ", and is to be sent the tree",
                  p->sent_zxid);
        return;
    }
    learners_end_sync(p);
    p->stage = PEER_PROMISED;
    p->log_refused = true;
    p->deadline_ms = INT64_MAX;
    learners_sync(z, p);
}

static void on_found(struct zab *z, struct peer *p, const struct zab_event *event)
{
    const int64_t zxid = event->zxid;
    /* Or it stands where an epoch begins, with all of those before it. */
    const bool is_there = zxid == p->loaded_zxid || ZXID_COUNTER(p->loaded_zxid) == 0;
    if (p->has_begun)
        return;
    if (!is_there && !learners_may_cut_back(z, p->loaded_zxid, zxid)) {
        on_refused(z, p, event);
        return;
    }
    p->has_begun = true;
    p->sync_op = is_there ? PACKET_DIFF : PACKET_TRUNC;
    p->sent_zxid = is_there ? p->loaded_zxid : zxid;
    zab_send_plain(z, p->link, p->sync_op, is_there ? z->committed_zxid : zxid);
}

static void on_record(struct zab *z, struct peer *p, const struct zab_event *event)
{
    if (!p->has_begun || event->zxid <= p->sent_zxid || event->zxid > z->history_base)
        return;
    if (!zab_follows(event->zxid, p->sent_zxid)) {
        on_refused(z, p, event);
        return;
    }
    learners_send_committed(z, p, event->zxid, event->bytes);
    p->sent_zxid = event->zxid;
}

static void on_read(struct zab *z, struct peer *p, const struct zab_event *event)
{
    const bool is_stuck = p->sent_zxid == p->read_zxid && p->sent_zxid < z->history_base;
    if (!p->has_begun || z->history_base < 0 || is_stuck)
        on_refused(z, p, event);
    else if (p->sent_zxid >= z->history_base)
        learners_send_rest(z, p, entries_find(&z->history, p->sent_zxid + 1));
    else if (p->sent_zxid < readable_to(z))
        ask(z, p);
    else
        peer_drop(z, p, "lacks what is not in the log of this server yet");
}

void learners_log_event(struct zab *z, struct learners *set, const struct zab_event *event)
{
    struct peer *p = learners_get(set, event->link);
    if (p == NULL || p->stage != PEER_READING)
        return;
    switch (event->kind) {
    case ZAB_LOG_FOUND: on_found(z, p, event); break;
    case ZAB_LOG_RECORD: on_record(z, p, event); break;
    case ZAB_LOG_READ: on_read(z, p, event); break;
    default: on_refused(z, p, event); break;
    }
}
