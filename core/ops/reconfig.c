/* reconfig.c - the ensemble gets another configuration: a txn that writes it to the configuration node, and that
 * core/zab gives its meaning (client-protocol 3.2 and 10, quorum-protocol 5.3). */
#include "core/members/quorum.h"
#include "core/ops/families.h"
#include "core/ops/prepare_checks.h"

#define CONFIG_PATH BYTES("/zookeeper/config")

enum { CONFIG_NODE_VERSION = -1 }; /* the node never has another */

enum status reconfig_decode(struct reader *r, union op_body *body)
{
    return reconfig_request_read(r, &body->reconfig);
}

/* Are enough of those who will vote in step with the leader? Otherwise nothing could be committed behind it. */
static bool is_synced(const struct ensemble_view *view, const struct members *next)
{
    struct quorum synced = quorum_of(next, NULL);
    for (size_t i = 0; i < view->synced_count; i++)
        quorum_add(&synced, view->synced[i]);
    return quorum_reached(&synced);
}

static enum status note(struct prepare *p, struct pending_node *node, struct bytes text, struct writer *record)
{
    node->stat.version = CONFIG_NODE_VERSION;
    node->stat.mzxid = p->zxid;
    node->stat.mtime = p->time_ms;
    node->data_len = (uint32_t)text.len;
    set_data_txn_write(record, &(struct set_data_txn){CONFIG_PATH, text, CONFIG_NODE_VERSION});
    return pending_change(p->pending, CONFIG_PATH, node, &text);
}

static enum status propose_config(struct prepare *p, const struct members *next, struct writer *record)
{
    struct pending_node node;
    struct buffer text = {0};
    if (!is_synced(p->ensemble, next))
        return ST_NEW_CONFIG_NO_QUORUM;
    enum status st = node_check(p, CONFIG_PATH, PERMISSION_WRITE, &node);
    if (st == ST_OK)
        st = members_print(next, &text);
    if (st == ST_LIMIT)
        st = ST_BAD_ARGUMENTS;
    if (st == ST_OK)
        st = note(p, &node, buffer_bytes(&text), record);
    buffer_free(&text);
    return st;
}

enum status reconfig_prepare(struct prepare *p, const struct op *op, const union op_body *body, struct writer *record)
{
    (void)op;
    struct members *next = NULL;
    struct ensemble_view *view = p->ensemble;
    if (!p->rules->reconfig_enabled)
        return ST_RECONFIG_DISABLED;
    if (view == NULL)
        return ST_UNIMPLEMENTED;
    const struct members_reconfig from = {.committed = view->committed,
                                          .last_seen = view->last_seen,
                                          .zxid = p->zxid,
                                          .standalone_enabled = view->standalone_enabled,
                                          .multi_address = view->multi_address};
    enum status st = members_reconfig(&from, &body->reconfig, &next, &view->error);
    if (st == ST_OK)
        st = propose_config(p, next, record);
    members_free(next);
    return st;
}

/* Whoever asked is shown the configuration as a getData would. */
enum status reconfig_apply(struct apply *a, struct bytes record, struct writer *answer)
{
    struct reader r = reader_of(record);
    struct set_data_txn txn;
    if (set_data_txn_read(&r, &txn) != ST_OK)
        return ST_CORRUPT;
    if (answer != NULL)
        write_blob(answer, txn.data);
    return set_data_apply(a, record, answer);
}
