/* member_effects.c - what core/zab wants, one function for each kind of effect.
 *
 * Clients are answered while effects are carried out, and what they sent meanwhile may be proposed at once: such a step
 * within a step only adds effects, which are carried out behind those that are there. */
#include "core/base/mem.h"
#include "core/replica/member.h"
#include "core/store/txnlog.h"
#include "core/zab/zab_text.h"

#include <inttypes.h>

/* -- the disk ----------------------------------------------------------------------------------------------------- */

/* A learner keeps the entry until it is committed, or until its role ends. */
static enum status keep_entry(struct membership *m, int64_t zxid, struct bytes bytes)
{
    struct member_entry *entry = mem_alloc(sizeof *entry + bytes.len);
    if (entry == NULL)
        return ST_NO_MEMORY;
    entry->zxid = zxid;
    entry->len = bytes.len;
    memcpy(entry->bytes, bytes.data, bytes.len);
    list_append(&m->entries, &entry->link);
    return ST_OK;
}

/* What a leader proposes is in flight here, with what it needs to be applied. So it is where a role ends in the very
 * step that it proposes or commits something in: that role is over already when it is carried out. */
static bool is_leaders(const struct replica *r)
{
    return zab_role(r->member->zab) == ZAB_LEADING || r->service == SERVICE_LEADING;
}

static enum status do_log(struct replica *r, const struct zab_effect *e, struct bytes bytes, struct outbox *out)
{
    struct membership *m = r->member;
    enum status st = txnlog_frame(&out->log, bytes);
    if (st == ST_OK && !is_leaders(r))
        st = keep_entry(m, e->zxid, bytes);
    if (st != ST_OK)
        return st;
    outbox_logged(out, e->zxid);
    m->logged_zxid = e->zxid;
    return ST_OK;
}

static enum status do_job(struct replica *r, enum disk_job_kind kind, uint64_t ticket, int64_t value,
                          struct outbox *out)
{
    const struct disk_job job = {.kind = kind, .ticket = ticket, .value = value, .digest = tree_digest(r->tree)};
    r->member->jobs++;
    return outbox_job(out, &job, BYTES_NULL);
}

static enum status do_store_accepted(struct replica *r, const struct zab_effect *e, struct bytes bytes,
                                     struct outbox *out)
{
    (void)bytes;
    r->member->accepted_ticket = e->ticket;
    r->member->accepted_next = e->epoch;
    return do_job(r, JOB_STORE_ACCEPTED, e->ticket, e->epoch, out);
}

static enum status do_store_current(struct replica *r, const struct zab_effect *e, struct bytes bytes,
                                    struct outbox *out)
{
    (void)bytes;
    r->member->current_ticket = e->ticket;
    r->member->current_next = e->epoch;
    return do_job(r, JOB_STORE_CURRENT, e->ticket, e->epoch, out);
}

static enum status do_truncate(struct replica *r, const struct zab_effect *e, struct bytes bytes, struct outbox *out)
{
    (void)bytes;
    return do_job(r, JOB_TRUNCATE, e->ticket, e->zxid, out);
}

static enum status do_keep_snapshot(struct replica *r, const struct zab_effect *e, struct bytes bytes,
                                    struct outbox *out)
{
    (void)bytes;
    r->member->keep_ticket = e->ticket;
    return do_job(r, JOB_SNAPSHOT_KEEP, e->ticket, e->zxid, out);
}

static enum status tell_config(struct outbox *out)
{
    return outbox_peer(out, &(struct peer_item){.kind = PEER_CONFIG}, BYTES_NULL);
}

/* Whoever is new in it can be reached from now on. */
static enum status do_store_last_seen(struct replica *r, const struct zab_effect *e, struct bytes bytes,
                                      struct outbox *out)
{
    (void)r;
    (void)e;
    enum status st = outbox_job(out, &(struct disk_job){.kind = JOB_STORE_LAST_SEEN}, bytes);
    return st == ST_OK ? tell_config(out) : st;
}

static enum status do_store_config(struct replica *r, const struct zab_effect *e, struct bytes bytes,
                                   struct outbox *out)
{
    (void)r;
    (void)e;
    return outbox_job(out, &(struct disk_job){.kind = JOB_STORE_CONFIG}, bytes);
}

/* -- the peers ---------------------------------------------------------------------------------------------------- */

static enum status do_notify(struct replica *r, const struct zab_effect *e, struct bytes bytes, struct outbox *out)
{
    (void)r;
    return outbox_peer(out, &(struct peer_item){.kind = PEER_NOTIFY, .sid = e->sid}, bytes);
}

static enum status do_listen(struct replica *r, const struct zab_effect *e, struct bytes bytes, struct outbox *out)
{
    (void)r;
    (void)bytes;
    enum peer_kind kind = e->kind == ZAB_LISTEN ? PEER_LISTEN : PEER_UNLISTEN;
    if (e->kind == ZAB_LISTEN_OBSERVERS)
        kind = PEER_LISTEN_OBSERVERS;
    return outbox_peer(out, &(struct peer_item){.kind = kind}, BYTES_NULL);
}

static enum status do_connect(struct replica *r, const struct zab_effect *e, struct bytes bytes, struct outbox *out)
{
    (void)r;
    (void)bytes;
    const struct peer_item item = {.kind = PEER_CONNECT, .sid = e->sid, .to_master = e->to_master};
    return outbox_peer(out, &item, BYTES_NULL);
}

static enum status do_send(struct replica *r, const struct zab_effect *e, struct bytes bytes, struct outbox *out)
{
    return member_link_send(r, e->link, bytes, out);
}

static enum status do_feed(struct replica *r, const struct zab_effect *e, struct bytes bytes, struct outbox *out)
{
    (void)bytes;
    return member_link_feed(r, e->link, out);
}

static enum status do_send_fed(struct replica *r, const struct zab_effect *e, struct bytes bytes, struct outbox *out)
{
    (void)e;
    return member_feed_send(r, bytes, out);
}

static enum status do_close(struct replica *r, const struct zab_effect *e, struct bytes bytes, struct outbox *out)
{
    (void)bytes;
    struct member_link *link = member_link_find(r->member, e->link);
    enum status st = link == NULL ? ST_OK : member_link_drop(r, link, out);
    return st == ST_OK ? outbox_peer(out, &(struct peer_item){.kind = PEER_CLOSE, .link = e->link}, BYTES_NULL) : st;
}

static enum status do_hold(struct replica *r, const struct zab_effect *e, struct bytes bytes, struct outbox *out)
{
    (void)bytes;
    struct member_link *link = member_link_find(r->member, e->link);
    if (link == NULL)
        return ST_OK;
    link->held = e->kind == ZAB_HOLD;
    enum peer_kind kind = link->held ? PEER_HOLD : PEER_GO;
    return outbox_peer(out, &(struct peer_item){.kind = kind, .link = e->link}, BYTES_NULL);
}

static enum status do_pass(struct replica *r, const struct zab_effect *e, struct bytes bytes, struct outbox *out)
{
    (void)bytes;
    if (r->service == SERVICE_LEADING)
        return member_leader_packet(r, e->link, r->member->packet, out);
    if (r->service != SERVICE_LEARNING)
        return ST_OK;
    const bool is_leaders = e->link == zab_leader_link(r->member->zab);
    return is_leaders ? member_learner_packet(r, r->member->packet, out)
                      : member_relay(r, e->link, r->member->packet, out);
}

static enum status do_take_snapshot(struct replica *r, const struct zab_effect *e, struct bytes bytes,
                                    struct outbox *out)
{
    (void)bytes;
    struct member_link *link = member_link_find(r->member, e->link);
    return link == NULL ? ST_OK : snapshot_take_begin(r, link, e->zxid, out);
}

static enum status do_send_snapshot(struct replica *r, const struct zab_effect *e, struct bytes bytes,
                                    struct outbox *out)
{
    (void)bytes;
    struct member_link *link = member_link_find(r->member, e->link);
    return link == NULL ? ST_OK : snapshot_send_begin(r, link, e->zxid, out);
}

static enum status do_read_log(struct replica *r, const struct zab_effect *e, struct bytes bytes, struct outbox *out)
{
    (void)bytes;
    struct member_link *link = member_link_find(r->member, e->link);
    return link == NULL ? ST_OK : member_log_want(r, link, e->zxid, e->until, out);
}

/* -- roles -------------------------------------------------------------------------------------------------------- */

static void settle_session(void *context, const struct session *session)
{
    struct session *s = sessions_get(context, session->id);
    s->closing = false;
    s->owner = 0;
}

enum status member_renew_pending(struct replica *r)
{
    struct pending *pending = pending_new(r->tree, &r->options.hash_key, r->options.log_digests);
    if (pending == NULL)
        return ST_NO_MEMORY;
    pending_free(r->pending);
    r->pending = pending;
    return ST_OK;
}

/* Nobody knows where the sessions are now, so each has its full time-out again (quorum-protocol 3.8). */
static enum status serve(struct replica *r, enum replica_service service)
{
    r->service = service;
    if (r->history != NULL)
        changes_resume(r->history, r->last_zxid);
    sessions_each(r->sessions, settle_session, r->sessions);
    sessions_touch_all(r->sessions, now_ms(r));
    session_forget_coming(r);
    r->member->claims_less = false;
    r->member->differs_since_us = 0;
    enum status st = member_show_config(r);
    if (st != ST_OK)
        return st;
    if (service != SERVICE_LEADING)
        return ST_OK;
    if (replica_serves_host_only(r))
        LOG_INFO(r->log, "ensemble", "while this member leads, others serve the clients that are not of this host");
    r->member->before_zxid = r->last_zxid;
    r->member->begun_zxid = zab_next_zxid(r->member->zab) - 1;
    r->last_zxid = r->member->begun_zxid;
    r->prepared_zxid = r->last_zxid;
    r->container_due_us = r->now_us + r->options.container_check_ms * 1000;
    return member_renew_pending(r);
}

static enum status do_role(struct replica *r, const struct zab_effect *e, struct bytes bytes, struct outbox *out)
{
    static const char *const roles[] = {"looking", "following", "leading", "observing"};
    static const char *const phases[] = {"loading", "election", "discovery", "synchronization", "broadcast", "halted"};
    static const enum zab_role numbers[] = {ZAB_LOOKING, ZAB_FOLLOWING, ZAB_LEADING, ZAB_OBSERVING};
    (void)bytes;
    size_t role = 0;
    while (numbers[role] != e->role)
        role++;
    LOG_INFO(r->log, "ensemble", "%s, %s: leader %" PRId64 ", epoch %" PRId64, roles[role], phases[e->phase], e->leader,
             e->epoch);
    if (e->phase == ZAB_ELECTION)
        read_only_wait(r);
    enum status st = e->phase == ZAB_ELECTION ? ST_OK : read_only_end(r, out);
    if (st != ST_OK || e->phase != ZAB_BROADCAST)
        return st;
    return serve(r, e->role == ZAB_LEADING ? SERVICE_LEADING : SERVICE_LEARNING);
}

/* The role is over: whoever was served has to find another member. */
static enum status do_leave(struct replica *r, const struct zab_effect *e, struct bytes bytes, struct outbox *out)
{
    struct membership *m = r->member;
    (void)e;
    LOG_WARN(r->log, "ensemble", "%.*s", BYTES_PRINT(bytes));
    m->read_only_due_us = INT64_MAX;
    enum status st = client_close_all(r, out);
    if (st == ST_OK)
        st = member_links_drop(r, out);
    if (st == ST_OK)
        st = outbox_peer(out, &(struct peer_item){.kind = PEER_CLOSE_ALL}, BYTES_NULL);
    sessions_clear(r->local);
    member_forget_all(m);
    member_forget_syncs(m);
    r->service = SERVICE_NONE;
    m->leaving = true;
    return st;
}

static enum status do_committed(struct replica *r, const struct zab_effect *e, struct bytes bytes, struct outbox *out)
{
    if (!is_leaders(r))
        return member_commit(r, e->zxid, bytes, out);
    return commit_until(r, e->zxid, out);
}

static enum status do_confirmed(struct replica *r, const struct zab_effect *e, struct bytes bytes, struct outbox *out)
{
    (void)bytes;
    return member_confirmed(r, e->ticket, out);
}

/* Who led as the only voter may have clients that others are to serve from now on. */
static enum status do_config(struct replica *r, const struct zab_effect *e, struct bytes bytes, struct outbox *out)
{
    (void)e;
    (void)bytes;
    enum status st = client_close_unserved(r, out);
    return st == ST_OK ? tell_config(out) : st;
}

static enum status do_capabilities(struct replica *r, const struct zab_effect *e, struct bytes bytes,
                                   struct outbox *out)
{
    struct buffer text = {0};
    (void)e;
    (void)bytes;
    (void)out;
    r->wants_session_key = true;
    enum status st = zab_print_capabilities(zab_capabilities(r->member->zab), &text);
    if (st == ST_OK)
        LOG_INFO(r->log, "ensemble", "agents among themselves: on%.*s", BYTES_PRINT(buffer_bytes(&text)));
    buffer_free(&text);
    return st;
}

static enum status do_renewed(struct replica *r, const struct zab_effect *e, struct bytes bytes, struct outbox *out)
{
    (void)bytes;
    (void)out;
    LOG_INFO(r->log, "ensemble", "epoch %" PRId64 " has begun without an election", e->epoch);
    return ST_OK;
}

static enum status do_log_line(struct replica *r, const struct zab_effect *e, struct bytes bytes, struct outbox *out)
{
    (void)e;
    (void)out;
    LOG_INFO(r->log, "ensemble", "%.*s", BYTES_PRINT(bytes));
    return ST_OK;
}

/* -- steps -------------------------------------------------------------------------------------------------------- */

typedef enum status carry_out_fn(struct replica *r, const struct zab_effect *e, struct bytes bytes, struct outbox *out);

static carry_out_fn *const handlers[] = {
    [ZAB_NOTIFY] = do_notify,
    [ZAB_LISTEN] = do_listen,
    [ZAB_LISTEN_OBSERVERS] = do_listen,
    [ZAB_UNLISTEN] = do_listen,
    [ZAB_CONNECT] = do_connect,
    [ZAB_SEND] = do_send,
    [ZAB_FEED] = do_feed,
    [ZAB_SEND_FED] = do_send_fed,
    [ZAB_CLOSE] = do_close,
    [ZAB_HOLD] = do_hold,
    [ZAB_GO] = do_hold,
    [ZAB_PASS] = do_pass,
    [ZAB_TAKE_SNAPSHOT] = do_take_snapshot,
    [ZAB_SEND_SNAPSHOT] = do_send_snapshot,
    [ZAB_READ_LOG] = do_read_log,
    [ZAB_LOG] = do_log,
    [ZAB_STORE_ACCEPTED] = do_store_accepted,
    [ZAB_STORE_CURRENT] = do_store_current,
    [ZAB_TRUNCATE] = do_truncate,
    [ZAB_KEEP_SNAPSHOT] = do_keep_snapshot,
    [ZAB_STORE_LAST_SEEN] = do_store_last_seen,
    [ZAB_STORE_CONFIG] = do_store_config,
    [ZAB_COMMITTED] = do_committed,
    [ZAB_CONFIRMED] = do_confirmed,
    [ZAB_ROLE] = do_role,
    [ZAB_LEAVE] = do_leave,
    [ZAB_CONFIG] = do_config,
    [ZAB_RENEWED] = do_renewed,
    [ZAB_CAPABILITIES] = do_capabilities,
    [ZAB_LOG_LINE] = do_log_line,
};

enum status member_carry_out(struct replica *r, struct outbox *out)
{
    struct membership *m = r->member;
    enum status st = ST_OK;
    m->carrying = true;
    for (size_t i = 0; i < m->output.count && st == ST_OK; i++) {
        const struct zab_effect effect = m->output.effects[i]; /* a step within may move them */
        const struct bytes bytes = zab_effect_bytes(&m->output, &effect);
        member_count_effect(r, &effect, bytes);
        st = handlers[effect.kind](r, &effect, bytes, out);
    }
    m->carrying = false;
    int64_t wake_ms = m->output.wake_ms;
    zab_output_reset(&m->output);
    m->output.wake_ms = wake_ms;
    return st;
}
