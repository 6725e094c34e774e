/* zab_config.c - the two configurations of a member: the committed one, and one that is pending (quorum-protocol 5).
 *
 * Whatever changes here is handed to the disk in the same breath. What keeps an ensemble from falling apart is what a
 * member knows that may lead, whenever it crashes:
 *
 *   - who has a reconfig txn in its log knows that configuration, so last-seen is stored in front of the txn;
 *   - who has one as last-seen has all that was proposed before it, so last-seen is stored behind that. A member for
 *     which this is not so, since a snapshot was on its way or another program kept its files in another order, has
 *     agreed to nothing of it and forgets it. */
#include "core/jute/txn.h"
#include "core/zab/zab_internal.h"

#include <inttypes.h>

enum { HEADER_TYPE_AT = TXN_HEADER_LEN - 4 };

const struct members *zab_pending_config(const struct zab *z)
{
    const bool newer = z->last_seen != NULL && z->last_seen->version > z->committed->version;
    return newer ? z->last_seen : NULL;
}

bool zab_is_voter(const struct zab *z)
{
    return members_is_voter(z->committed, z->options.sid);
}

bool zab_votes(const struct zab *z, int64_t sid)
{
    const struct members *pending = zab_pending_config(z);
    return members_is_voter(z->committed, sid) || (pending != NULL && members_is_voter(pending, sid));
}

bool zab_is_observer(const struct zab *z)
{
    const struct member *own = members_find(z->committed, z->options.sid);
    return own == NULL ? z->options.observer : own->role == MEMBER_OBSERVER;
}

/* -- changing them ------------------------------------------------------------------------------------------------- */

bool zab_set_last_seen(struct zab *z, struct members *m)
{
    struct buffer text = {0};
    const bool printed = m == NULL || zab_ok(z, members_print(m, &text));
    if (printed) {
        members_free(z->last_seen);
        z->last_seen = m;
        z->last_seen_is_logged = false;
        zab_emit_bytes(z, ZAB_STORE_LAST_SEEN, m == NULL ? BYTES_NULL : buffer_bytes(&text));
    } else {
        members_free(m);
    }
    buffer_free(&text);
    return printed;
}

/* Where the quorums are the same it does not matter. Behind the epoch that is current, and behind the log, the next txn
 * is the first that could have been missed. */
static bool lacks_txns_before(const struct zab *z, const struct members *m)
{
    const int64_t begun = EPOCH_ZXID(z->current_epoch);
    const int64_t last = z->loaded_zxid > begun ? z->loaded_zxid : begun;
    return m->version > last + 1 && !members_same_content(m, z->committed);
}

/* What is agreed to is logged first, with all that stands before it: whoever leads without this server's agreement
 * finds the configuration in the log of one that did agree, and where nobody did, it has come to nothing. */
void zab_forget_config_ahead(struct zab *z)
{
    const struct members *pending = zab_pending_config(z);
    if (pending == NULL || !lacks_txns_before(z, pending))
        return;
    zab_say(z,
            "configuration %" PRIx64 " is forgotten: txns before it are missing here, so that it was never agreed to",
            (uint64_t)pending->version);
    (void)zab_set_last_seen(z, NULL);
}

bool zab_set_committed(struct zab *z, struct members *m)
{
    struct buffer text = {0};
    if (!zab_ok(z, members_print(m, &text))) {
        buffer_free(&text);
        members_free(m);
        return false;
    }
    buffer_free(&z->committed_text);
    z->committed_text = text;
    members_free(z->former);
    z->former = z->committed;
    z->committed = m;
    zab_emit_bytes(z, ZAB_STORE_CONFIG, buffer_bytes(&z->committed_text));
    if (z->last_seen != NULL && z->last_seen->version <= m->version)
        (void)zab_set_last_seen(z, NULL);
    zab_emit(z, ZAB_CONFIG);
    zab_review_capabilities(z);
    return z->status == ST_OK;
}

/* -- activation (quorum-protocol 5.5) ------------------------------------------------------------------------------ */

bool zab_leads_in_both(const struct members *before, const struct members *after, int64_t sid)
{
    const struct member *was = members_find(before, sid), *is = members_find(after, sid);
    return members_is_voter(before, sid) && members_is_voter(after, sid) && member_same_quorum_address(was, is);
}

/* The next role is that in which the designated leader leads, and no election is needed for it. */
static void follow_designated(struct zab *z, int64_t designated, int64_t zxid)
{
    if (z->vote.leader != designated)
        z->vote = (struct vote){.leader = designated, .zxid = zxid, .peer_epoch = z->current_epoch};
    z->skips_election = true;
}

bool zab_activate(struct zab *z, struct members *m, int64_t designated)
{
    if (m->version <= z->committed->version) {
        members_free(m);
        return false;
    }
    const int64_t zxid = m->version;
    if (!zab_set_committed(z, m) || members_same_content(z->committed, z->former))
        return false;
    const bool is_other_leader = designated == ZAB_NOBODY ? !zab_leads_in_both(z->former, z->committed, z->vote.leader)
                                                          : designated != z->vote.leader;
    const bool is_other_role = z->role != ZAB_LEADING && (z->role == ZAB_OBSERVING) != zab_is_observer(z);
    if (!is_other_leader && !is_other_role)
        return false;
    if (designated != ZAB_NOBODY)
        follow_designated(z, designated, zxid);
    return true;
}

bool zab_activate_last_seen(struct zab *z)
{
    struct members *m = z->last_seen;
    z->last_seen = NULL;
    const bool must_leave = zab_activate(z, m, ZAB_NOBODY);
    (void)zab_set_last_seen(z, NULL);
    return must_leave;
}

/* -- txns that are reconfigurations -------------------------------------------------------------------------------- */

static bool is_reconfig(const struct zab *z, struct bytes entry)
{
    return z->options.reconfig_enabled && entry.len > TXN_HEADER_LEN &&
           be32_get(entry.data + HEADER_TYPE_AT) == TXN_RECONFIG;
}

enum status zab_read_config(const struct zab *z, struct bytes text, struct members **m, struct members_error *error)
{
    return members_parse(text, z->options.multi_address ? (unsigned)MEMBERS_MULTI_ADDRESS : 0, m, error);
}

enum status zab_read_reconfig(const struct zab *z, struct bytes entry, struct members **m, struct members_error *error)
{
    *m = NULL;
    *error = (struct members_error){.why = "it is not whole"};
    if (!is_reconfig(z, entry))
        return ST_OK;
    struct reader r = reader_of(bytes_from(entry, TXN_HEADER_LEN));
    struct set_data_txn txn;
    return set_data_txn_read(&r, &txn) == ST_OK ? zab_read_config(z, txn.data, m, error) : ST_BAD_ARGUMENTS;
}

struct members *zab_config_of(struct zab *z, const struct entry *e)
{
    struct members *m;
    struct members_error error;
    enum status st = zab_read_reconfig(z, entry_bytes(e), &m, &error);
    CHECK(st == ST_OK || st == ST_NO_MEMORY); /* it was read when it came, or printed here */
    return zab_ok(z, st) ? m : NULL;
}

bool zab_is_reconfig(const struct zab *z, const struct entry *e)
{
    return is_reconfig(z, entry_bytes(e));
}

/* No second one is proposed while one is pending (5.3): behind another reconfig txn, the one before it was committed,
 * whether that was told or not. */
static void commit_one_before(struct zab *z)
{
    if (z->last_seen != NULL && z->last_seen_is_logged)
        z->has_outgrown_role |= zab_activate_last_seen(z);
}

void zab_see_config(struct zab *z, const struct entry *e)
{
    struct members *m = zab_config_of(z, e);
    const struct members *pending = zab_pending_config(z);
    const struct members *newest = pending == NULL ? z->committed : pending;
    if (m == NULL || m->version <= newest->version) {
        members_free(m);
        return;
    }
    commit_one_before(z);
    if (zab_set_last_seen(z, m))
        z->last_seen_is_logged = true;
}
