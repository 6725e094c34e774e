/* persistence_join.c - what a member of an ensemble may claim of its disk when it starts (quorum-protocol 6.4, 6.6). */
#include "agent/disk/disk_posix.h"
#include "agent/disk/persistence_internal.h"
#include "agent/settings/config_files.h"
#include "core/base/mem.h"
#include "core/store/epochs.h"
#include "core/store/files.h"

#include <inttypes.h>

static enum status failed(const struct persistence *p, const char *what, enum status st, struct buffer *message)
{
    const char *why = disk_posix_error();
    (void)buffer_printf(message, "%s: %s: %s", p->dir.snapshots, what, why[0] != '\0' ? why : status_text(st));
    return st;
}

static void tell(const struct persistence *p, const struct findings *findings, struct buffer *message)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *f = &findings->items[i];
        if (f->kind == FINDING_DAMAGE)
            (void)buffer_printf(message, "%s: %s", f->file, f->text);
        else
            LOG_INFO(p->log, "storage", "%s: %s", f->file, f->text);
    }
}

/* An epoch was accepted before its first record came, and that was handed over behind all that came before it: the log
 * is a whole history, and only the note that the synchronization was done is missing. */
static void believe_log(const struct persistence *p, enum epochs_verdict *verdict, struct epochs *e)
{
    int64_t epoch = (int64_t)zxid_epoch(p->logged_zxid);
    if (*verdict != EPOCHS_STALE || e->accepted < epoch)
        return;
    LOG_INFO(p->log, "storage",
             "the log has come to epoch %" PRId64 " before currentEpoch (%" PRId64 ") was raised: raised now", epoch,
             e->current);
    e->current = epoch;
    *verdict = EPOCHS_SOUND;
}

static enum status judge(struct persistence *p, struct epochs *found, struct epochs *epochs,
                         enum epochs_verdict *verdict, struct buffer *message)
{
    struct findings findings = {0};
    const char *dir = p->dir.snapshots;
    enum status st = epochs_read(disk_posix(), dir, found, &findings);
    if (st == ST_OK)
        st = epochs_judge(found, dir, p->logged_zxid, verdict, epochs, &findings);
    tell(p, &findings, message);
    findings_free(&findings);
    if (st == ST_OK && *verdict == EPOCHS_CONTRARY)
        st = ST_CORRUPT;
    if (st == ST_OK)
        believe_log(p, verdict, epochs);
    else if (message->len == 0)
        return failed(p, "cannot read the epochs", st, message);
    return st;
}

/* acceptedEpoch first: in no moment it is behind currentEpoch. */
static enum status store(struct persistence *p, const struct epochs *found, const struct epochs *epochs,
                         struct buffer *message)
{
    enum status st = ST_OK;
    if (!found->has_accepted || found->accepted != epochs->accepted)
        st = epochs_write(disk_posix(), p->dir.snapshots, EPOCH_ACCEPTED, epochs->accepted);
    if (st == ST_OK && (!found->has_current || found->current != epochs->current))
        st = epochs_write(disk_posix(), p->dir.snapshots, EPOCH_CURRENT, epochs->current);
    return st == ST_OK ? ST_OK : failed(p, "cannot store the epochs", st, message);
}

/* Whether the marker was there; it counts once. */
static enum status take_initialize(struct persistence *p, bool *was_there, struct buffer *message)
{
    const struct store_io *io = disk_posix();
    char *path = path_join(p->dir.root, "initialize");
    enum status st = path == NULL ? ST_NO_MEMORY : io->remove(io->context, path);
    *was_there = st == ST_OK;
    if (st == ST_OK)
        st = io->sync_dir(io->context, p->dir.root);
    mem_free(path);
    if (st == ST_OK || st == ST_NOT_FOUND)
        return ST_OK;
    return failed(p, "cannot remove the marker \"initialize\"", st, message);
}

static enum status open_config_files(struct persistence *p, struct buffer *message)
{
    const struct settings *s = p->settings;
    if (!s->is_ensemble || !s->reconfig_enabled || s->file == NULL)
        return ST_OK;
    return config_files_new(&p->member.disk.config, s->file, s->server_id, settings_own_member(s), message);
}

enum status persistence_config_path(const struct persistence *p, int64_t version, struct buffer *path)
{
    const struct config_files *config = p->member.disk.config;
    return config == NULL ? ST_OK : config_files_path(config, version, path);
}

enum status persistence_join(struct persistence *p, bool autocreate, struct member_history *history,
                             struct buffer *message)
{
    struct epochs found, epochs;
    enum epochs_verdict verdict;
    bool initialize = false;
    disk_posix_error_clear();
    enum status st = judge(p, &found, &epochs, &verdict, message);
    if (st == ST_OK && verdict != EPOCHS_STALE)
        st = store(p, &found, &epochs, message);
    if (st == ST_OK)
        st = take_initialize(p, &initialize, message);
    if (st == ST_OK)
        st = open_config_files(p, message);
    if (st != ST_OK)
        return st;
    bool missing = p->is_empty && !autocreate && !initialize;
    *history = (struct member_history){.accepted_epoch = epochs.accepted,
                                       .current_epoch = epochs.current,
                                       .zxid = p->logged_zxid,
                                       .stale = verdict == EPOCHS_STALE};
    if (missing || history->stale)
        history->zxid = -1;
    if (missing)
        LOG_WARN(p->log, "storage",
                 "%s: there is no data and no marker \"initialize\": this member takes its data from the others and "
                 "cannot be elected before",
                 p->dir.root);
    return ST_OK;
}
