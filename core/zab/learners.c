/* learners.c - links of learners that come, go and fall silent, and which packet may come when (quorum-protocol 2.9,
 * 3.6 and 3.12).
 *
 * A learner that breaks the rules loses its link, and nobody else notices. */
#include "core/zab/learners.h"

#include "core/base/mem.h"
#include "core/zab/request.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { WHY_MAX = 200 };

/* -- coming and going -----------------------------------------------------------------------------------------------
 */

void learners_init(struct learners *set)
{
    list_init(&set->all);
    list_init(&set->followers);
}

void learners_free(struct learners *set)
{
    LIST_FOR_EACH(at, &set->all)
    mem_free(PEER(at));
    map64_free(&set->by_link);
}

static int64_t in_ticks(const struct zab *z, int64_t ticks)
{
    return z->now_ms + ticks * z->options.tick_ms;
}

void peer_limit(const struct zab *z, struct peer *p, int64_t ticks)
{
    p->deadline_ms = in_ticks(z, ticks);
}

void learners_accept(struct zab *z, struct learners *set, uint64_t link)
{
    struct peer *p = mem_calloc(1, sizeof *p);
    if (p == NULL || !zab_ok(z, map64_put(&set->by_link, link, p))) {
        mem_free(p);
        zab_ok(z, ST_NO_MEMORY);
        return;
    }
    p->of = set;
    p->stage = PEER_NEW;
    p->link = link;
    p->sid = -1;
    p->heard_ms = z->now_ms;
    p->alive_ms = in_ticks(z, (int64_t)z->options.init_limit + z->options.sync_limit);
    peer_limit(z, p, z->options.init_limit);
    list_init(&p->in_followers);
    list_append(&set->all, &p->in_all);
    set->count++;
}

struct peer *learners_get(const struct learners *set, uint64_t link)
{
    return map64_get(&set->by_link, link);
}

static bool is_fed(const struct peer *p)
{
    return p->observer && p->stage >= PEER_SYNCING;
}

void learners_remove(struct peer *p)
{
    struct learners *set = p->of;
    set->fed -= is_fed(p);
    if (p->stage == PEER_SYNCING || p->stage == PEER_READING)
        learners_end_sync(p);
    list_remove(&p->in_all);
    list_remove(&p->in_followers);
    map64_remove(&set->by_link, p->link);
    set->count--;
    mem_free(p);
}

void peer_drop(struct zab *z, struct peer *p, const char *format, ...)
{
    char why[WHY_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    if (p->stage == PEER_NEW)
        zab_say(z, "a learner is sent away: it %s", why);
    else
        zab_say(z, "learner %" PRId64 " is sent away: it %s", p->sid, why);
    zab_close_link(z, p->link);
    learners_remove(p);
}

void learners_drop_older(struct zab *z, struct learners *set, int64_t sid)
{
    LIST_FOR_EACH(at, &set->all)
    {
        if (PEER(at)->stage != PEER_NEW && PEER(at)->sid == sid)
            peer_drop(z, PEER(at), "has come on another connection");
    }
}

/* -- time -----------------------------------------------------------------------------------------------------------
 */

void learners_drop_overdue(struct zab *z, struct learners *set)
{
    const int64_t limit_ms = (int64_t)z->options.sync_limit * z->options.tick_ms;
    LIST_FOR_EACH(at, &set->all)
    {
        struct peer *p = PEER(at);
        if (z->now_ms >= p->deadline_ms && p->stage == PEER_PROMISED)
            peer_drop(z, p, "would have waited too long for its sync, and is to come later");
        else if (z->now_ms >= p->deadline_ms && p->stage == PEER_READING)
            peer_drop(z, p, "was not sent the next piece of the log in time");
        else if (z->now_ms >= p->deadline_ms)
            peer_drop(z, p, "was not heard for %" PRId64 " ms", z->now_ms - p->heard_ms);
        else if (p->oldest.zxid != 0 && z->now_ms - p->oldest.ms > limit_ms)
            peer_drop(z, p, "has not acknowledged 0x%" PRIx64 " for %" PRId64 " ms", p->oldest.zxid,
                      z->now_ms - p->oldest.ms);
    }
}

void learners_ping_followers(struct zab *z, struct learners *set, int64_t zxid)
{
    set->pings++;
    LIST_FOR_EACH(at, &set->followers)
    {
        if (FOLLOWER(at)->stage == PEER_SERVING)
            zab_send_plain(z, FOLLOWER(at)->link, PACKET_PING, zxid);
    }
}

void learners_ping(struct zab *z, struct learners *set, int64_t zxid)
{
    set->pings++;
    LIST_FOR_EACH(at, &set->all)
    {
        const struct peer *p = PEER(at);
        if (p->stage >= PEER_SYNCING && !p->takes_snapshot)
            zab_send_plain(z, p->link, PACKET_PING, zxid);
    }
}

/* -- packets in -----------------------------------------------------------------------------------------------------
 */

void peer_pass(struct zab *z, struct peer *p, const struct packet *packet)
{
    if (p->stage == PEER_SERVING)
        zab_pass(z, p->link, packet);
}

bool peer_take_record(struct zab *z, struct peer *p, struct bytes tail)
{
    const enum status st = capabilities_decode(tail, &p->can);
    if (st == ST_CORRUPT) {
        peer_drop(z, p, "shows a damaged record of its capabilities");
        return false;
    }
    p->shows_capabilities = st == ST_OK;
    return true;
}

static const char *type_name(int32_t type)
{
    const char *name = packet_type_name(type);
    return name == NULL ? "a packet of unknown type" : name;
}

void peer_pass_over(struct zab *z, struct peer *p, const struct packet *packet)
{
    if (p->said_unknown)
        return;
    p->said_unknown = true;
    zab_say(z, "learner %" PRId64 " sent %s (%" PRId32 ", 0x%" PRIx64 "), which means nothing here", p->sid,
            type_name(packet->type), packet->type, packet->zxid);
}

static void refuse(struct zab *z, struct peer *p, const struct packet *packet, bool is_known)
{
    const bool may_pass_over = p->stage == PEER_SERVING || (p->stage == PEER_SYNCED && !is_known);
    if (may_pass_over)
        peer_pass_over(z, p, packet);
    else
        peer_drop(z, p, "sent %s out of turn", type_name(packet->type));
}

void peer_packet(struct zab *z, struct peer *p, const struct peer_packet_row *rows, size_t count,
                 const struct packet *packet)
{
    const int32_t type = packet->type;
    const bool is_known = type >= 0 && (size_t)type < count && rows[type].take != NULL;
    p->heard_ms = z->now_ms;
    p->packets++;
    p->requests += type == PACKET_REQUEST;
    if (p->stage == PEER_SERVING) {
        p->alive_ms = in_ticks(z, z->options.sync_limit);
        peer_limit(z, p, z->options.sync_limit);
    }
    if (is_known && (rows[type].stages & p->stage) != 0)
        rows[type].take(z, p, packet);
    else
        refuse(z, p, packet, is_known);
}

/* -- packets out ----------------------------------------------------------------------------------------------------
 */

void peer_send_leader_info(struct zab *z, struct peer *p, int64_t epoch)
{
    struct buffer data = {0};
    struct writer w = writer_to(&data);
    leader_info_encode(&w, &(struct leader_info){.protocol_version = QUORUM_PROTOCOL_VERSION});
    if (z->options.shows_capabilities)
        capabilities_encode(&w, &z->options.can);
    if (zab_ok(z, w.status)) {
        p->stage = PEER_ASKED;
        peer_limit(z, p, z->options.init_limit);
        zab_send(z, p->link,
                 &(struct packet){.type = PACKET_LEADERINFO, .zxid = EPOCH_ZXID(epoch), .data = buffer_bytes(&data)});
    }
    buffer_free(&data);
}

static void tell_capabilities(struct zab *z, const struct peer *p)
{
    if (p->shows_capabilities && z->agreement.len > 0)
        zab_send(z, p->link, &(struct packet){.type = PACKET_CAPABILITIES, .data = buffer_bytes(&z->agreement)});
}

/* Apache's follower falls over a COMMIT between NEWLEADER and UPTODATE (4394): it leaves, comes back with less than its
 * log has (2845), and logs once more what it had been proposed. UPTODATE is not long in coming. */
bool peer_holds_commits(const struct peer *p)
{
    return !p->shows_capabilities && !p->takes_snapshot && (p->stage == PEER_SYNCING || p->stage == PEER_SYNCED);
}

void peer_tell_held(struct zab *z, struct peer *p)
{
    for (int64_t zxid = p->held_from; zxid <= p->held_to && zxid != 0; zxid++)
        zab_send_plain(z, p->link, PACKET_COMMIT, zxid);
    p->held_from = p->held_to = 0;
}

void peer_hold(struct zab *z, struct peer *p, int64_t from, int64_t to)
{
    if (p->held_to != 0 && p->held_to + 1 != from)
        peer_tell_held(z, p);
    if (p->held_from == 0)
        p->held_from = from;
    p->held_to = to;
}

void peer_serve(struct zab *z, struct peer *p)
{
    p->stage = PEER_SERVING;
    p->pings_before = p->of->pings;
    p->alive_ms = in_ticks(z, z->options.sync_limit);
    peer_limit(z, p, z->options.sync_limit);
    tell_capabilities(z, p);
    zab_send_plain(z, p->link, PACKET_UPTODATE, -1);
    peer_tell_held(z, p);
}

void learners_tell_capabilities(struct zab *z, struct learners *set)
{
    LIST_FOR_EACH(at, &set->all)
    {
        if (PEER(at)->stage == PEER_SERVING)
            tell_capabilities(z, PEER(at));
    }
}

void learners_feed(struct zab *z, struct learners *set, struct bytes packets, int64_t zxid)
{
    if (set->fed > 0)
        zab_emit_bytes(z, ZAB_SEND_FED, packets);
    set->fed_zxid = zxid;
}

/* -- a new epoch ----------------------------------------------------------------------------------------------------
 */

void learners_drop_unserved(struct zab *z, struct learners *set)
{
    LIST_FOR_EACH(at, &set->all)
    {
        struct peer *p = PEER(at);
        if (p->stage != PEER_NEW && (p->stage != PEER_SERVING || p->can.of[CAPABILITY_HANDOVER] == 0))
            peer_drop(z, p, "is to come again in the epoch that begins");
    }
}

void learners_renewed(struct zab *z, struct learners *set, int64_t epoch)
{
    struct buffer bytes = {0};
    struct writer w = writer_to(&bytes);
    packet_encode(&w, &(struct packet){.type = PACKET_NEW_EPOCH, .zxid = EPOCH_ZXID(epoch)});
    if (zab_ok(z, w.status))
        learners_feed(z, set, buffer_bytes(&bytes), set->fed_zxid);
    buffer_free(&bytes);
    LIST_FOR_EACH(at, &set->all)
    {
        if (PEER(at)->stage == PEER_KNOWN)
            peer_send_leader_info(z, PEER(at), epoch);
    }
}

/* -- reports --------------------------------------------------------------------------------------------------------
 */

bool learners_report(const struct learners *set, const struct entries *outstanding, const void **at,
                     struct zab_learner_report *report)
{
    const struct list *next = *at == NULL ? set->all.next : ((const struct list *)*at)->next;
    if (next == &set->all)
        return false;
    const struct peer *p = PEER(next);
    const bool is_sent_all = p->stage >= PEER_SYNCING;
    const int64_t sent = is_fed(p) && set->fed_zxid > p->sent_zxid ? set->fed_zxid : p->sent_zxid;
    const bool owes = is_sent_all && !p->observer && outstanding != NULL;
    *at = next;
    *report = (struct zab_learner_report){
        .sid = p->sid,
        .link = p->link,
        .observer = p->observer,
        .synced = p->stage >= PEER_SYNCED,
        .last_zxid = is_sent_all ? sent : p->loaded_zxid,
        .heard_ms = p->heard_ms,
        .packets = p->packets,
        .requests = p->requests,
        .shows_capabilities = p->shows_capabilities,
        .can = p->can,
        .outstanding = owes ? outstanding->count - entries_find(outstanding, p->acked_zxid + 1) : 0,
    };
    return true;
}
