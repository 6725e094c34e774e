/* maintenance.c - what time brings: sessions that expire, containers and TTL nodes that are no longer wanted
 * (client-protocol 4.4, 5.3). */
#include "core/base/mem.h"
#include "core/replica/replica_internal.h"

#include <inttypes.h>

enum {
    /* A storm of expiries goes out in slices, so that nobody waits behind it. */
    EXPIRIES_PER_STEP = 500,
    MINUTE_US = 60 * 1000 * 1000,
};

/* While nothing can be logged nobody can end a session either, and none is expired: its client may be waiting for us.
 * In an ensemble all this is the leader's to do. */
static bool can_write(const struct replica *r)
{
    return commit_is_ours(r) && !r->log_full && !r->log_failed && !r->stopping;
}

static int64_t expiry_due_us(const struct replica *r, const struct sessions *sessions)
{
    int64_t ms = sessions_next_expiry(sessions);
    int64_t due_us = ms > INT64_MAX / 1000 ? INT64_MAX : ms * 1000;
    return due_us < r->expiry_from_us ? r->expiry_from_us : due_us;
}

/* A step that comes late comes before what clients sent meanwhile is read: something has kept this process from its
 * work, not them from theirs. For as long again as it was late nobody expires. */
static bool must_listen_first(struct replica *r, int64_t due_us)
{
    int64_t late_us = r->now_us - due_us;
    if (late_us <= (int64_t)r->options.tick_ms * 1000)
        return false;
    LOG_WARN(r->log, "replica", "the step that expires sessions is %" PRId64 " ms late: none expires for as long again",
             late_us / 1000);
    r->expiry_from_us = r->now_us + late_us;
    return true;
}

/* Nobody reads what a paused client says, its pings neither: the time-out begins anew. */
static bool is_unheard(const struct replica *r, const struct session *session)
{
    const struct client *c = session->client == 0 ? NULL : client_find(r, session->client);
    return c != NULL && c->paused;
}

/* One of the ensemble's: its end is a txn. */
static enum status expire_global(struct replica *r, struct session *session, struct outbox *out)
{
    const union op_body body = {0};
    const struct proposal proposal = {
        .op = op_find(TXN_CLOSE_SESSION), .body = &body, .session_id = session->id, .received_us = r->now_us};
    return propose(r, &proposal, out);
}

typedef enum status expire_fn(struct replica *r, struct session *session, struct outbox *out);

static enum status expire_sessions(struct replica *r, struct sessions *sessions, expire_fn *expire, struct outbox *out)
{
    int64_t due_us = expiry_due_us(r, sessions);
    enum status st = ST_OK;
    if (due_us > r->now_us || must_listen_first(r, due_us))
        return ST_OK;
    for (int i = 0; i < EXPIRIES_PER_STEP && st == ST_OK && (sessions == r->local || can_write(r)); i++) {
        struct session *session = sessions_expired(sessions, now_ms(r));
        if (session == NULL)
            break;
        if (is_unheard(r, session)) {
            sessions_touch(sessions, session, now_ms(r));
            continue;
        }
        LOG_INFO(r->log, "replica", "session 0x%" PRIx64 " expired after %d ms", (uint64_t)session->id,
                 (int)session->timeout_ms);
        metrics_add(r->metrics, COUNTER_stale_sessions_expired, 1);
        st = expire(r, session, out);
    }
    return st;
}

static bool is_reapable(const struct replica *r, const struct tree_node *node)
{
    if (node->child_count > 0)
        return false;
    if (tree_kind(r->tree, node) == TREE_TTL)
        return r->wall_ms - node->mtime > tree_ttl_ms(node);
    int64_t never_used_ms = r->options.container_never_used_ms;
    return node->cversion > 0 || (never_used_ms > 0 && r->wall_ms - node->mtime > never_used_ms);
}

/* One that a txn in flight is about to change may be gone, used, renewed or another node by then: it is looked at again
 * at the next pass. */
static bool is_settled(const struct replica *r, struct bytes path, const struct tree_node *node)
{
    struct pending_node soon;
    pending_look(r->pending, path, &soon);
    return soon.exists && soon.child_count == 0 && soon.stat.czxid == node->czxid && soon.stat.mzxid == node->mzxid;
}

static enum status reap(struct replica *r, const struct tree_node *node, struct outbox *out)
{
    struct buffer path = {0};
    enum status st = tree_path(r->tree, node, &path);
    const union op_body body = {.path = {buffer_bytes(&path)}};
    const struct proposal proposal = {.op = op_find(TXN_DELETE_CONTAINER), .body = &body, .received_us = r->now_us};
    if (st == ST_OK && is_settled(r, buffer_bytes(&path), node)) {
        st = propose(r, &proposal, out);
        r->container_in_minute++;
    }
    buffer_free(&path);
    return st;
}

/* At most so many a minute; the others are found again at the next pass. A proposal may end this server's leading. */
static bool may_reap(const struct replica *r)
{
    uint32_t max = r->options.container_per_minute_max;
    return can_write(r) && (max == 0 || r->container_in_minute < max);
}

/* NULL: there are no more. To be asked for anew each time: a proposal may bring commits, and with them another list. */
static const struct tree_node *reapable_at(const struct tree *t, size_t i)
{
    size_t count;
    const uint32_t *numbers = tree_reapable(t, &count);
    const struct tree_node *node = i < count ? tree_by_number(t, numbers[i]) : NULL;
    CHECK(i >= count || node != NULL);
    return node;
}

static enum status reap_containers(struct replica *r, struct outbox *out)
{
    if (r->now_us - r->container_minute_us >= MINUTE_US) {
        r->container_minute_us = r->now_us;
        r->container_in_minute = 0;
    }
    const struct tree_node *node;
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && may_reap(r) && (node = reapable_at(r->tree, i)) != NULL; i++)
        if (is_reapable(r, node))
            st = reap(r, node, out);
    return st;
}

enum status maintenance_run(struct replica *r, struct outbox *out)
{
    enum status st = expire_sessions(r, r->local, local_session_expire, out);
    if (st != ST_OK || !can_write(r))
        return st;
    if (r->wants_session_key)
        st = password_make_key(r, out);
    if (st != ST_OK)
        return st;
    st = expire_sessions(r, r->sessions, expire_global, out);
    if (st == ST_OK && r->options.container_check_ms > 0 && r->now_us >= r->container_due_us) {
        r->container_due_us = r->now_us + r->options.container_check_ms * 1000;
        st = reap_containers(r, out);
    }
    return st;
}

int64_t maintenance_due_us(const struct replica *r)
{
    int64_t due_us = expiry_due_us(r, r->local);
    if (!can_write(r))
        return due_us;
    if (r->wants_session_key)
        return r->now_us;
    int64_t global_us = expiry_due_us(r, r->sessions);
    bool has_containers = r->options.container_check_ms > 0;
    due_us = global_us < due_us ? global_us : due_us;
    return has_containers && r->container_due_us < due_us ? r->container_due_us : due_us;
}
