/* members.c - see members.h. */
#include "tests/sim/checks/members.h"

#include "core/base/check.h"
#include "core/members/quorum.h"
#include "tests/sim/ensemble.h"
#include "tests/sim/machine.h"
#include "tests/sim/mutants.h"

#include <inttypes.h>

#define ZXID      "0x%" PRIx64
#define HEX(zxid) ((uint64_t)(zxid))

bool members_hold(const struct world *w, struct txn_ref txn, const struct members *next)
{
    struct quorum q = quorum_of(w->config, next);
    for (unsigned i = 0; i < w->count; i++)
        if (disk_has(&w->servers[i].disk, txn) || w->servers[i].lost_disk)
            (void)quorum_add(&q, w->servers[i].sid);
    return quorum_reached(&q);
}

void members_change(struct world *w, const struct members *config)
{
    struct proposal *p = map64_get(&w->proposals, (uint64_t)config->version);
    if (p != NULL)
        p->in_force = true;
    members_free(w->former);
    w->former = w->config;
    CHECK(members_copy(config, &w->config) == ST_OK);
    mark(w, MARK_RECONFIGURED);
}

const struct members *members_newer(const struct world *w, const struct server *leader)
{
    const struct members *committed = zab_committed(w->machine->zab(leader));
    return committed->version > w->config->version ? committed : NULL;
}

static int64_t version_of(const struct buffer *text)
{
    struct members *config = text->len > 0 ? ensemble_parse(buffer_bytes(text)) : NULL;
    int64_t version = config == NULL ? -1 : config->version;
    members_free(config);
    return version;
}

void members_check_known(struct world *w, const struct server *m, const struct proposal *p)
{
    const struct disk *d = &m->disk;
    if (p->config == NULL || mutant_by_outcome(w))
        return;
    if (version_of(&d->config) < p->txn.zxid && version_of(&d->last_seen) < p->txn.zxid)
        world_fail(w, "members: member %" PRId64 " has " ZXID " on its disk, and not its configuration", m->sid,
                   HEX(p->txn.zxid));
}

void check_replaced(struct world *w, const struct server *m)
{
    const struct history *base = &m->disk.base;
    for (size_t i = base->count; i > 0; i--) {
        const struct proposal *p = map64_get(&w->proposals, (uint64_t)base->items[i - 1].zxid);
        if (p == NULL || p->config == NULL)
            continue;
        members_check_known(w, m, p);
        return;
    }
}

/* Has it been committed? A leader may have left between that and the txn's being applied. */
static bool is_committed(struct world *w, const struct members *config)
{
    const struct proposal *p = map64_get(&w->proposals, (uint64_t)config->version);
    if (p == NULL || p->config == NULL || !members_same_content(config, p->config))
        return false;
    if (!p->in_force && members_hold(w, p->txn, p->config))
        members_change(w, p->config);
    return p->in_force;
}

/* A version without a counter is a name for the first one. */
static bool is_first(const struct world *w, const struct members *config)
{
    if (((uint64_t)config->version & 0xffffffffu) != 0)
        return false;
    struct members *first = ensemble_parse(buffer_bytes(&w->config_text));
    bool same = members_same_content(config, first);
    members_free(first);
    return same;
}

void check_config(struct world *w, const struct server *m)
{
    struct members *config = ensemble_parse(buffer_bytes(&m->disk.config));
    if (!mutant_by_outcome(w) && !is_first(w, config) && !is_committed(w, config))
        world_fail(w, "members: member %" PRId64 " takes " ZXID " for committed", m->sid, HEX(config->version));
    members_free(config);
}
