/* learner_config.c - configurations at a learner: told by NEWLEADER, proposed, and activated (quorum-protocol 2.8, 5.4
 * and 5.5). */
#include "core/zab/learner_internal.h"
#include "core/zab/request.h"

#include <inttypes.h>

enum { TEXT_LEN_MIN = 2 }; /* a shorter one is that of a leader that knows no configurations */

/* The leader has said what no member may act upon. */
static void refuse(struct zab *z, const struct members_error *error)
{
    learner_fail(z, "leader %" PRId64 " sent a configuration that is none: %s %s", z->vote.leader, error->key,
                 error->why);
}

bool learner_config_is_sound(struct zab *z, struct bytes entry)
{
    struct members *config;
    struct members_error error;
    enum status st = zab_read_reconfig(z, entry, &config, &error);
    if (st == ST_BAD_ARGUMENTS)
        refuse(z, &error);
    else if (zab_ok(z, st))
        members_free(config);
    return st == ST_OK;
}

/* -- NEWLEADER and UPTODATE ---------------------------------------------------------------------------------------- */

bool learner_read_config(struct zab *z, struct learner *l, struct bytes text)
{
    struct members_error error;
    if (text.len < TEXT_LEN_MIN || !z->options.reconfig_enabled)
        return true;
    enum status st = zab_read_config(z, text, &l->config, &error);
    if (st == ST_BAD_ARGUMENTS)
        refuse(z, &error);
    return zab_ok(z, st);
}

/* Is it one that this very leader has proposed, and not committed yet? It may come to nothing. An Apache leader tells
 * it to those that come late all the same. */
static bool is_open(const struct learner *l, int64_t version)
{
    return ZXID_EPOCH(version) == l->epoch && ZXID_COUNTER(version) > 0 && version > l->agreed_zxid;
}

void learner_see_config(struct zab *z, struct learner *l)
{
    struct members *config = l->config;
    if (config == NULL || config->version <= z->committed->version || is_open(l, config->version))
        return;
    l->config = NULL;
    l->config_version = config->version;
    if (z->last_seen != NULL && z->last_seen->version == config->version)
        members_free(config);
    else
        (void)zab_set_last_seen(z, config);
}

void learner_settle_config(struct zab *z, struct learner *l)
{
    learner_see_config(z, l);
    l->leader_knows_none = l->config != NULL && l->config->version <= z->committed->version;
    members_free(l->config);
    l->config = NULL;
}

void learner_forget_config(struct zab *z, const struct learner *l)
{
    if (l->leader_knows_none && z->last_seen != NULL)
        (void)zab_set_last_seen(z, NULL);
}

static void leave(struct zab *z)
{
    if (z->skips_election)
        learner_fail(z, "the configuration is another: server %" PRId64 " leads", z->vote.leader);
    else
        learner_fail(z, "the configuration is another: who leads has to be found");
}

bool learner_has_outgrown(struct zab *z, struct learner *l)
{
    const struct members *last_seen = z->last_seen;
    if (last_seen != NULL && l->config_version > 0 && last_seen->version == l->config_version)
        z->has_outgrown_role |= zab_activate_last_seen(z);
    if (z->has_outgrown_role)
        leave(z);
    return z->has_outgrown_role;
}

/* -- activating ---------------------------------------------------------------------------------------------------- */

/* True: the role must be left. */
static bool activate(struct zab *z, const struct entry *e, int64_t designated)
{
    struct members *config = zab_config_of(z, e);
    return config != NULL && zab_activate(z, config, designated);
}

/* A leader that activates what is no reconfiguration only commits it. */
void learner_commit_and_activate(struct zab *z, struct learner *l, const struct packet *packet)
{
    int64_t designated;
    if (designated_leader_decode(packet->data, &designated) != ST_OK) {
        learner_fail(z, "leader %" PRId64 " sent a damaged COMMITANDACTIVATE", z->vote.leader);
        return;
    }
    const struct entry *next = l->proposals.count == 0 ? NULL : entries_at(&l->proposals, 0);
    const bool must_leave = next != NULL && next->zxid == packet->zxid && activate(z, next, designated);
    learner_commit(z, l, packet);
    if (must_leave)
        leave(z);
}

static bool take_activated(struct zab *z, const struct packet *packet, int64_t *designated, struct bytes *entry)
{
    if (activated_entry_decode(packet->data, designated, entry) == ST_OK)
        return true;
    learner_fail(z, "leader %" PRId64 " sent a damaged INFORMANDACTIVATE", z->vote.leader);
    return false;
}

void learner_inform_and_activate(struct zab *z, struct learner *l, const struct packet *packet)
{
    int64_t designated;
    struct bytes bytes;
    if (!take_activated(z, packet, &designated, &bytes))
        return;
    const struct entry *e = learner_take(z, l, packet->zxid, bytes);
    if (e == NULL)
        return;
    const bool must_leave = activate(z, e, designated);
    l->agreed++;
    learner_apply_agreed(z, l);
    if (must_leave)
        leave(z);
}

/* -- the same in a sync -------------------------------------------------------------------------------------------- */

/* The last one that was agreed; what is done for it is undone by no end of the sync. */
static void activate_agreed(struct zab *z, struct learner *l, int64_t zxid, int64_t designated)
{
    if (z->is_leaving || l->agreed == 0 || entries_at(&l->proposals, l->agreed - 1)->zxid != zxid)
        return;
    if (activate(z, entries_at(&l->proposals, l->agreed - 1), designated))
        leave(z);
}

void learner_sync_commit_and_activate(struct zab *z, struct learner *l, const struct packet *packet)
{
    int64_t designated;
    if (designated_leader_decode(packet->data, &designated) != ST_OK) {
        learner_fail(z, "leader %" PRId64 " sent a damaged COMMITANDACTIVATE", z->vote.leader);
        return;
    }
    learner_sync_commit(z, l, packet);
    activate_agreed(z, l, packet->zxid, designated);
}

void learner_sync_inform_and_activate(struct zab *z, struct learner *l, const struct packet *packet)
{
    int64_t designated;
    struct bytes bytes;
    if (!take_activated(z, packet, &designated, &bytes))
        return;
    learner_sync_inform(z, l, &(struct packet){.type = PACKET_INFORM, .zxid = packet->zxid, .data = bytes});
    activate_agreed(z, l, packet->zxid, designated);
}
