/* ensemble_disk.c - outbox to the disk, and what it answers back to the replica. */
#include "agent/peers/ensemble_internal.h"

#include <inttypes.h>

/* -- to the replica ------------------------------------------------------------------------------------------------ */

void ensemble_stored(struct ensemble *e, const struct persistence_stored *stored)
{
    struct replica_event event = {.kind = stored->refused ? REPLICA_STORE_REFUSED : REPLICA_STORED,
                                  .ticket = stored->ticket,
                                  .tree = stored->tree,
                                  .sessions = stored->sessions,
                                  .zxid = stored->last_zxid};
    if (e->closing) {
        tree_free(stored->tree);
        sessions_free(stored->sessions);
        return;
    }
    ensemble_feed(e, &event);
}

void ensemble_spool_room(struct ensemble *e)
{
    uint64_t link = e->spool_link;
    e->spool_link = 0;
    if (link != 0)
        peers_go(e->peers, link);
}

void ensemble_log_piece(struct ensemble *e, uint64_t link, enum status status, const struct log_piece *piece)
{
    struct replica_event event = {.kind = status == ST_OK ? REPLICA_LOG_PIECE : REPLICA_LOG_REFUSED,
                                  .link = link,
                                  .zxid = piece->before,
                                  .place = piece->place,
                                  .frame = buffer_bytes(&piece->records)};
    if (status != ST_OK && status != ST_NOT_FOUND && status != ST_LIMIT)
        LOG_WARN(e->parts.log, "ensemble", "link %" PRIu64 ": the log cannot be read for it: %s", link,
                 status_text(status));
    snapshot_room_spend(&e->room, piece->records.len);
    ensemble_feed(e, &event);
}

/* -- from the outbox ----------------------------------------------------------------------------------------------- */

enum status ensemble_job(void *context, const struct disk_job *job, struct bytes bytes)
{
    struct ensemble *e = context;
    struct persistence *p = e->parts.persistence;
    switch (job->kind) {
    case JOB_STORE_ACCEPTED: return persistence_store_epoch(p, ACCEPTED_EPOCH, job->value, job->ticket);
    case JOB_STORE_CURRENT: return persistence_store_epoch(p, CURRENT_EPOCH, job->value, job->ticket);
    case JOB_TRUNCATE: return persistence_truncate(p, job->value, job->ticket);
    case JOB_RELOAD: return persistence_reload(p, job->ticket);
    case JOB_SNAPSHOT_BEGIN: return persistence_spool_begin(p, job->value);
    case JOB_SNAPSHOT_DATA: return persistence_spool(p, bytes);
    case JOB_SNAPSHOT_KEEP: return persistence_keep_snapshot(p, job->value, NULL, job->ticket);
    case JOB_SNAPSHOT_DROP: return persistence_spool_drop(p);
    case JOB_STORE_LAST_SEEN: return persistence_store_last_seen(p, bytes);
    case JOB_STORE_CONFIG: return persistence_store_config(p, bytes);
    }
    return ST_OK;
}

/* Without memory to ask, the learner's time runs out, and it comes again. */
void ensemble_read_log(struct ensemble *e, uint64_t link, const struct log_wish *wish)
{
    if (persistence_read_log(e->parts.persistence, link, wish) != ST_OK)
        LOG_ERROR(e->parts.log, "ensemble", "link %" PRIu64 ": no memory to read the log for it", link);
}
