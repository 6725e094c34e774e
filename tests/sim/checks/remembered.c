/* remembered.c - see remembered.h: from the oldest cursor that a member takes, and from then on txn by txn, its changes
 * are those of the one history. A gap would be told to nobody. */
#include "tests/sim/checks/remembered.h"

#include "core/ops/secret.h"
#include "core/tree/path.h"
#include "tests/sim/replica/member.h"
#include "tests/sim/replica/reference.h"

#include <inttypes.h>

static const enum change_kind kinds[] = {
    [EVENT_NODE_CREATED] = CHANGE_CREATED,
    [EVENT_NODE_DELETED] = CHANGE_DELETED,
    [EVENT_NODE_DATA_CHANGED] = CHANGE_DATA,
};

/* Where somebody stands who has heard of so many txns. */
static bool find_behind(const struct reference *ref, const struct changes *h, size_t count, struct change_place *place)
{
    const int64_t zxid = count == 0 ? 0 : reference_at(ref, count - 1)->zxid;
    return changes_find(h, (struct change_cursor){zxid, CHANGES_WHOLE_TXN}, place);
}

/* The fewest txns that one may have heard of who goes on there. */
static size_t oldest(const struct reference *ref, const struct changes *h, size_t count)
{
    struct change_place place;
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (find_behind(ref, h, middle, &place))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* The next one that is told to clients; of ACLs the reference has no list. */
static bool next_told(const struct changes *h, struct change_place *place, struct tree_change *change)
{
    const struct bytes secret = BYTES(SECRET_FOLDER);
    while (changes_next(h, place, change) == CHANGES_NEXT)
        if (change->kind != CHANGE_ACL && !bytes_equal(change->path, secret) && !path_is_within(change->path, secret))
            return true;
    return false;
}

static bool is_of(const struct tree_change *change, const struct reference_txn *txn, size_t i)
{
    return i < txn->change_count && change->kind == kinds[txn->changes[i].event] &&
           bytes_equal(change->path, bytes_of(txn->changes[i].path));
}

static void compare(struct world *w, const struct server *m, size_t from, size_t count, struct change_place place)
{
    const struct changes *h = replica_changes(m->replica->r);
    struct tree_change change;
    bool more = next_told(h, &place, &change);
    for (size_t at = from; at < count; at++) {
        const struct reference_txn *txn = reference_at(w->replicas->reference, at);
        size_t i = 0;
        for (; more && change.at.zxid == txn->zxid && is_of(&change, txn, i); i++)
            more = next_told(h, &place, &change);
        if (i == txn->change_count && (!more || change.at.zxid > txn->zxid))
            continue;
        world_fail(w, "member %" PRId64 " remembers %zu of the %zu changes of 0x%" PRIx64 ", then %.*s at 0x%" PRIx64,
                   m->sid, i, txn->change_count, (uint64_t)txn->zxid,
                   BYTES_PRINT(more ? change.path : BYTES("nothing")), more ? (uint64_t)change.at.zxid : 0);
        return;
    }
}

void check_remembered(struct world *w, struct server *m)
{
    const struct reference *ref = w->replicas->reference;
    struct replica_body *body = m->replica;
    const struct changes *h = replica_changes(body->r);
    struct change_place place;
    if (!replica_serves_all(body->r)) {
        body->serves = false;
        return;
    }
    const size_t count = reference_after(ref, replica_last_zxid(body->r));
    size_t from = body->remembered;
    if (!body->serves || from > count || !find_behind(ref, h, from, &place)) /* or it has forgotten some since */
        from = oldest(ref, h, count);
    if (from < count && find_behind(ref, h, from, &place))
        compare(w, m, from, count, place);
    body->serves = true;
    body->remembered = count;
}
