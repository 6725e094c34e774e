/* member.c - a member made and stepped; between two roles tree and log are brought to one point. */
#include "core/replica/member.h"

#include "core/base/mem.h"

/* -- making and ending -------------------------------------------------------------------------------------------- */

enum status replica_join(struct replica *r, const struct zab_options *options, struct members *committed,
                         struct members *last_seen, const struct replica_past *past)
{
    struct membership *m = mem_calloc(1, sizeof *m);
    if (m == NULL)
        return ST_NO_MEMORY;
    m->zab = zab_new(options, committed, last_seen);
    if (m->zab == NULL) {
        mem_free(m);
        return ST_NO_MEMORY;
    }
    m->output.wake_ms = INT64_MAX;
    m->read_only_due_us = INT64_MAX;
    m->accepted_epoch = past->accepted_epoch;
    m->current_epoch = past->current_epoch;
    m->claims_less = past->zxid != r->last_zxid;
    m->claimed_zxid = past->zxid;
    list_init(&m->links);
    list_init(&m->sending);
    list_init(&m->entries);
    list_init(&m->syncs);
    list_init(&m->revalidations);
    list_init(&m->learner_syncs);
    r->member = m;
    r->service = SERVICE_NONE;
    return ST_OK;
}

void member_forget_entries(struct membership *m)
{
    LIST_FOR_EACH(at, &m->entries)
    {
        struct member_entry *entry = LIST_ENTRY(at, struct member_entry, link);
        list_remove(&entry->link);
        mem_free(entry);
    }
}

void member_free(struct replica *r)
{
    struct membership *m = r->member;
    if (m == NULL)
        return;
    member_links_free(m);
    member_forget_entries(m);
    member_forget_all(m);
    member_forget_syncs(m);
    map64_free(&m->by_session);
    map64_free(&m->touched);
    zab_output_free(&m->output);
    zab_free(m->zab);
    mem_free(m);
    r->member = NULL;
}

int64_t replica_heard_ms(const struct replica *r)
{
    int64_t heard = r->member == NULL ? 0 : zab_heard_ms(r->member->zab);
    return heard > 0 ? heard : -1;
}

const struct zab *replica_zab(const struct replica *r)
{
    return r->member == NULL ? NULL : r->member->zab;
}

int64_t member_due_us(const struct replica *r)
{
    int64_t ms = r->member->output.wake_ms, read_only_us = r->member->read_only_due_us;
    int64_t zab_us = ms >= INT64_MAX / 1000 ? INT64_MAX : ms * 1000;
    return zab_us < read_only_us ? zab_us : read_only_us;
}

/* -- steps -------------------------------------------------------------------------------------------------------- */

/* What the role before has logged and not applied is applied now; what it has only prepared (zab_is_renewing) is gone:
 * the log is what counts at the next election, and the tree must not be behind it (quorum-protocol 7.2,
 * ZOOKEEPER-2845). */
static enum status catch_up(struct replica *r, struct outbox *out)
{
    struct membership *m = r->member;
    enum status st = commit_until(r, m->logged_zxid, out);
    enum status forgotten = commit_forget(r, out);
    st = st == ST_OK ? forgotten : st;
    LIST_FOR_EACH(at, &m->entries)
    {
        const struct member_entry *entry = LIST_ENTRY(at, struct member_entry, link);
        if (st == ST_OK)
            st = member_commit(r, entry->zxid, bytes_make(entry->bytes, entry->len), out);
    }
    return st == ST_OK ? member_renew_pending(r) : st;
}

/* Whoever led and committed nothing stands where it did before: what a member claims is what its log has. */
static void forget_begun(struct replica *r)
{
    struct membership *m = r->member;
    if (m->begun_zxid != 0 && r->last_zxid == m->begun_zxid)
        r->last_zxid = m->before_zxid;
    m->begun_zxid = 0;
}

static enum status tell_loaded(struct replica *r, struct outbox *out)
{
    struct membership *m = r->member;
    forget_begun(r);
    m->leaving = false;
    m->logged_zxid = 0;
    m->durable_zxid = 0;
    r->prepared_zxid = r->logged_zxid = r->last_zxid;
    if (audit_give_up(r, &r->unheard, out) != ST_OK)
        return ST_NO_MEMORY;
    struct zab_event event = {.kind = ZAB_LOADED,
                              .zxid = m->claims_less ? m->claimed_zxid : r->last_zxid,
                              .accepted_epoch = m->accepted_epoch,
                              .current_epoch = m->current_epoch};
    return member_step(r, &event, out);
}

/* Its clients go elsewhere; what it has is put aside for what the leader has. */
static enum status give_up_tree(struct replica *r, struct outbox *out)
{
    r->member->diverged = false;
    return member_tell(r, ZAB_DIVERGED, out);
}

/* A sync that broke off behind its snapshot: the tree that the disk has counts, and the log behind it (3642). */
static enum status reload(struct replica *r, struct outbox *out)
{
    struct membership *m = r->member;
    m->tree_is_borrowed = false;
    m->jobs++;
    member_forget_entries(m);
    enum status st = outbox_job(out, &(struct disk_job){.kind = JOB_SNAPSHOT_DROP}, BYTES_NULL);
    return st == ST_OK ? outbox_job(out, &(struct disk_job){.kind = JOB_RELOAD}, BYTES_NULL) : st;
}

static enum status settle(struct replica *r, struct outbox *out)
{
    struct membership *m = r->member;
    if (m->diverged && !m->carrying)
        return give_up_tree(r, out);
    if (!m->leaving || m->carrying || m->jobs > 0 || m->durable_zxid < m->logged_zxid || r->log_failed)
        return ST_OK;
    if (m->tree_is_borrowed)
        return reload(r, out);
    enum status st = catch_up(r, out);
    return st == ST_OK ? tell_loaded(r, out) : st;
}

enum status member_step(struct replica *r, struct zab_event *event, struct outbox *out)
{
    struct membership *m = r->member;
    event->now_ms = now_ms(r);
    enum status st = zab_step(m->zab, event, &m->output);
    if (st != ST_OK || m->carrying)
        return st;
    st = member_carry_out(r, out);
    return st == ST_OK ? settle(r, out) : st;
}

enum status member_tell(struct replica *r, enum zab_event_kind kind, struct outbox *out)
{
    struct zab_event event = {.kind = kind};
    return member_step(r, &event, out);
}

enum status member_start(struct replica *r, struct outbox *out)
{
    return tell_loaded(r, out);
}

enum status member_can_propose(struct replica *r, bool *can, struct outbox *out)
{
    const struct zab *z = r->member->zab;
    int64_t zxid = zab_next_zxid(z);
    struct zab_event event = {.kind = ZAB_PROPOSE, .zxid = zxid};
    *can = zxid != 0 && !zab_is_spent(z);
    if (*can)
        r->prepared_zxid = zxid - 1; /* the epoch may have become another */
    return *can || zxid == 0 ? ST_OK : member_step(r, &event, out);
}

enum status member_propose(struct replica *r, int64_t zxid, struct outbox *out)
{
    struct zab_event event = {.kind = ZAB_PROPOSE, .zxid = zxid, .bytes = buffer_bytes(&r->entry)};
    return member_step(r, &event, out);
}

enum status member_logged(struct replica *r, int64_t zxid, struct outbox *out)
{
    struct membership *m = r->member;
    m->durable_zxid = zxid;
    struct zab_event event = {.kind = ZAB_LOGGED, .zxid = zxid};
    return m->leaving ? settle(r, out) : member_step(r, &event, out);
}

/* -- what the disk has done ---------------------------------------------------------------------------------------- */

enum status member_replace_tree(struct replica *r, struct tree *tree, struct sessions *sessions, int64_t zxid,
                                bool is_exact)
{
    struct pending *pending = pending_new(tree, &r->options.hash_key, r->options.log_digests);
    if (pending == NULL)
        return ST_NO_MEMORY;
    pending_free(r->pending);
    tree_free(r->tree);
    sessions_free(r->sessions);
    r->pending = pending;
    r->tree = tree;
    r->sessions = sessions;
    r->last_zxid = r->prepared_zxid = r->logged_zxid = zxid;
    if (r->history != NULL && is_exact)
        changes_cut(r->history, zxid);
    else if (r->history != NULL)
        changes_pause(r->history); /* until it is served from (member_effects.c) */
    return ST_OK;
}

/* What has no ticket, as a reload, is no epoch, also where none is pending. */
static void note_epoch(uint64_t *pending, uint64_t ticket, int64_t *epoch, int64_t next)
{
    if (ticket == 0 || *pending != ticket)
        return;
    *pending = 0;
    *epoch = next;
}

/* One that was not kept leaves its records nowhere, too: nobody will tell that they are durable. */
static void note_kept(struct replica *r, bool refused)
{
    struct membership *m = r->member;
    m->tree_is_borrowed = refused;
    if (refused)
        m->logged_zxid = m->durable_zxid;
    else
        member_resync_is_kept(r);
}

static enum status on_stored(struct replica *r, const struct replica_event *event, struct outbox *out)
{
    struct membership *m = r->member;
    enum status st = ST_OK;
    bool refused = event->kind == REPLICA_STORE_REFUSED;
    m->jobs--;
    if (!refused) {
        note_epoch(&m->accepted_ticket, event->ticket, &m->accepted_epoch, m->accepted_next);
        note_epoch(&m->current_ticket, event->ticket, &m->current_epoch, m->current_next);
    }
    if (event->ticket != 0 && event->ticket == m->keep_ticket)
        note_kept(r, refused);
    if (event->tree != NULL)
        st = member_replace_tree(r, event->tree, event->sessions, event->zxid, true);
    if (st != ST_OK)
        return st;
    struct zab_event stored = {.kind = refused ? ZAB_STORE_REFUSED : ZAB_STORED, .ticket = event->ticket};
    return m->leaving ? settle(r, out) : member_step(r, &stored, out);
}

/* -- what the peers say -------------------------------------------------------------------------------------------- */

static enum status on_link(struct replica *r, const struct replica_event *event, enum zab_event_kind kind,
                           struct outbox *out)
{
    enum status st = ST_OK;
    struct member_link *link = member_link_find(r->member, event->link);
    if (kind != ZAB_LINK_CLOSED)
        st = member_link_open(r, event->link);
    else if (link != NULL)
        st = member_link_drop(r, link, out);
    struct zab_event told = {.kind = kind, .link = event->link};
    return st == ST_OK ? member_step(r, &told, out) : st;
}

enum status member_event(struct replica *r, const struct replica_event *event, struct outbox *out)
{
    struct zab_event notification = {.kind = ZAB_NOTIFICATION, .sid = event->sid, .bytes = event->frame};
    CHECK(r->member != NULL);
    switch (event->kind) {
    case REPLICA_NOTIFICATION: return member_step(r, &notification, out);
    case REPLICA_LINK_CONNECTED: return on_link(r, event, ZAB_LINK_CONNECTED, out);
    case REPLICA_LINK_ACCEPTED: return on_link(r, event, ZAB_LINK_ACCEPTED, out);
    case REPLICA_LINK_CLOSED: return on_link(r, event, ZAB_LINK_CLOSED, out);
    case REPLICA_LINK_BYTES: return member_link_bytes(r, event, out);
    case REPLICA_LINK_ROOM: return member_link_room(r, event->link, out);
    case REPLICA_LOG_PIECE:
    case REPLICA_LOG_REFUSED: return member_log_piece(r, event, out);
    case REPLICA_STORED:
    case REPLICA_STORE_REFUSED: return on_stored(r, event, out);
    default: return ST_OK;
    }
}
