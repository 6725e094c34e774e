/* rig_replay.c - what was logged is applied again, as recovery would do it. */
#include "core/base/check.h"
#include "core/jute/txn.h"
#include "core/ops/apply.h"
#include "core/replica/status_report.h"
#include "core/store/snapshot.h"
#include "core/store/txnlog.h"
#include "tests/support/rig_internal.h"

#include <inttypes.h>
#include <stdio.h>

enum { FRAME_HEAD = TXNLOG_FRAME_LEN - 1, BASE_ELEMENT_MAX = 4 << 20 };

struct replay {
    struct tree *tree;
    struct sessions *sessions;
    int64_t last_zxid;
    uint64_t wrong_digests;
    bool has_gaps; /* where epochs begin */
    bool is_fuzzy; /* what is replayed may be in the snapshot: in the end the tree is right, not on the way */
    bool is_whole; /* each entry can be read and applied, and zxids rise, by one unless there are gaps */
};

static void replay_one(struct replay *replay, struct bytes entry)
{
    struct txn txn;
    CHECK(txn_decode(entry, &txn) == ST_OK);
    enum status st = txn_apply(NULL, replay->tree, replay->sessions, &txn);
    bool follows = replay->has_gaps ? txn.header.zxid > replay->last_zxid : txn.header.zxid == replay->last_zxid + 1;
    replay->is_whole &= (st == ST_OK || replay->is_fuzzy) && follows;
    replay->last_zxid = txn.header.zxid;
    replay->wrong_digests += txn.has_digest && !replay->is_fuzzy &&
                             (uint64_t)txn.digest.tree_digest != tree_digest(replay->tree);
}

static void load_base(const struct rig *rig, struct replay *replay)
{
    size_t used;
    bool done = false;
    struct snapshot_reader *reader = snapshot_stream_reader_new(replay->tree, replay->sessions, 0, BASE_ELEMENT_MAX);
    CHECK(reader != NULL && snapshot_stream_feed(reader, buffer_bytes(&rig->base), &used, &done) == ST_OK && done);
    snapshot_reader_free(reader);
    replay->last_zxid = rig->base_zxid;
    replay->is_fuzzy = true;
}

static struct replay replay_of(const struct rig *rig)
{
    struct replay replay = {.tree = rig_new_tree(rig),
                            .sessions = sessions_new(rig->options.tick_ms),
                            .has_gaps = rig->ensemble != NULL,
                            .is_whole = true};
    CHECK(replay.sessions != NULL);
    if (rig->base.len > 0)
        load_base(rig, &replay);
    return replay;
}

static void replay_all(struct replay *replay, struct bytes log)
{
    for (size_t at = 0; at < log.len;) {
        size_t len = be32_get(log.data + at + 8);
        replay_one(replay, bytes_make(log.data + at + FRAME_HEAD, len));
        at += len + TXNLOG_FRAME_LEN;
    }
}

void rig_replay_log(const struct rig *rig, struct tree **tree, struct sessions **sessions, int64_t *zxid)
{
    struct replay replay = replay_of(rig);
    replay_all(&replay, buffer_bytes(&rig->log));
    CHECK(replay.is_whole);
    *tree = replay.tree;
    *sessions = replay.sessions;
    *zxid = replay.last_zxid;
}

void rig_cut_log(struct rig *rig, int64_t zxid)
{
    size_t at = 0;
    while (at < rig->log.len) {
        size_t len = be32_get(rig->log.data + at + 8);
        struct txn txn;
        CHECK(txn_decode(bytes_make(rig->log.data + at + FRAME_HEAD, len), &txn) == ST_OK);
        if (txn.header.zxid > zxid)
            break;
        at += len + TXNLOG_FRAME_LEN;
    }
    rig->log.len = at;
}

void rig_put_base(struct rig *rig, struct buffer *base, int64_t zxid, size_t log_start)
{
    CHECK(log_start <= rig->log.len);
    if (rig->log.len > log_start)
        memmove(rig->log.data, rig->log.data + log_start, rig->log.len - log_start);
    rig->log.len -= log_start;
    buffer_free(&rig->base);
    rig->base = *base;
    rig->base_zxid = zxid;
    *base = (struct buffer){0};
}

/* A member's configuration node differs from what its log says (quorum-protocol 2.7); it is in no digest. */
static bool is_same(const struct rig *rig, const struct replay *replay)
{
    struct tree *live = replica_tree(rig->replica);
    bool same_tree = tree_digest(replay->tree) == tree_digest(live) && tree_count(replay->tree) == tree_count(live) &&
                     (rig->ensemble != NULL || tree_data_size(replay->tree) == tree_data_size(live));
    bool same_sessions = sessions_count(replay->sessions) == sessions_count(replica_sessions(rig->replica));
    if (!replay->is_whole || replay->wrong_digests > 0 || !same_tree || !same_sessions)
        printf("replayed: whole %d, wrong digests %" PRIu64 ", same tree %d, same sessions %d\n", replay->is_whole,
               replay->wrong_digests, same_tree, same_sessions);
    return replay->is_whole && replay->wrong_digests == 0 && same_tree && same_sessions;
}

/* Once everything is durable nobody waits for anything, nor is anybody paused. */
static bool is_idle(struct rig *rig)
{
    struct replica_status status;
    size_t paused = 0;
    replica_status(rig->replica, &status);
    for (size_t i = 0; i < rig->client_count; i++)
        paused += !rig->clients[i]->gone && rig->clients[i]->paused;
    if (status.outstanding != 0 || status.in_flight != 0 || paused > 0)
        printf("outstanding %" PRIu64 ", in flight %" PRIu64 ", paused %zu\n", status.outstanding, status.in_flight,
               paused);
    return status.outstanding == 0 && status.in_flight == 0 && paused == 0;
}

bool rig_replays(struct rig *rig)
{
    if (rig->replica == NULL)
        return true;
    struct buffer ignored = {0};
    rig->holds = false;
    rig_release(rig, rig->logged_zxid, &ignored);
    buffer_free(&ignored);
    struct replay replay = replay_of(rig);
    replay_all(&replay, buffer_bytes(&rig->log));
    bool is_good = is_same(rig, &replay) && is_idle(rig);
    tree_free(replay.tree);
    sessions_free(replay.sessions);
    return is_good;
}
