/* member_config.c - the ensemble's configuration as clients see it and change it (quorum-protocol 2.7, 5.3). */
#include "core/base/mem.h"
#include "core/replica/member.h"

#include <inttypes.h>

enum status member_show_config(struct replica *r)
{
    const struct members *config = zab_committed(r->member->zab);
    struct buffer text = {0};
    enum status st = members_print(config, &text);
    if (st == ST_OK)
        st = tree_set_data(r->tree, BYTES("/zookeeper/config"), buffer_bytes(&text), -1, config->version, r->wall_ms);
    buffer_free(&text);
    return st == ST_NO_NODE ? ST_OK : st;
}

/* Followers that have acknowledged NEWLEADER, and this server itself. */
static size_t list_synced(const struct replica *r, int64_t *sids)
{
    size_t count = 0;
    const void *at = NULL;
    struct zab_learner_report learner;
    sids[count++] = zab_leader(r->member->zab);
    while (zab_learner_next(r->member->zab, &at, &learner))
        if (learner.synced && !learner.observer)
            sids[count++] = learner.sid;
    return count;
}

static void say_why(const struct replica *r, const struct members_error *error)
{
    if (error->why[0] != '\0')
        LOG_WARN(r->log, "ensemble", "a reconfig is refused: %s%s%s", error->key, error->key[0] == '\0' ? "" : " ",
                 error->why);
}

enum status member_prepare_reconfig(struct replica *r, const struct proposal *proposal, struct prepare *p,
                                    struct writer *record)
{
    const struct zab *zab = r->member->zab;
    int64_t *sids = mem_calloc(zab_learner_count(zab) + 1, sizeof *sids);
    if (sids == NULL)
        return ST_NO_MEMORY;
    const struct members *pending = zab_pending_config(zab);
    struct ensemble_view view = {.committed = zab_committed(zab),
                                 .last_seen = pending == NULL ? zab_committed(zab) : pending,
                                 .synced = sids,
                                 .synced_count = list_synced(r, sids),
                                 .standalone_enabled = r->options.standalone_enabled,
                                 .multi_address = r->options.multi_address};
    p->ensemble = &view;
    enum status st = zab_is_renewing(zab) ? ST_RECONFIG_IN_PROGRESS
                                          : proposal->op->prepare(p, proposal->op, proposal->body, record);
    p->ensemble = NULL;
    say_why(r, &view.error);
    mem_free(sids);
    return st;
}
