/* leader_rig.c - one leader, with a disk and learners that are nothing but numbers. */
#include "tests/support/leader_rig.h"

#include "core/base/check.h"
#include "core/zab/notification.h"
#include "core/zab/request.h"
#include "core/zab/zab_text.h"
#include "tests/support/reconfig_entry.h"

#define ZXID(epoch, counter) ((int64_t)((uint64_t)(epoch) << 32 | (uint64_t)(counter)))
#define COUNTER(zxid)        ((int64_t)((uint64_t)(zxid)&0xffffffffu))
#define CONFIG                                                                             \
    "server.1=127.0.0.1:2888:3888:participant\nserver.2=127.0.0.1:2889:3889:participant\n" \
    "server.3=127.0.0.1:2890:3890:participant\nserver.9=127.0.0.1:2891:3891:observer\nversion=0"

enum { MUCH = 1 << 30, ELECTION_STEPS_MAX = 1000 };

static struct leader_rig_link *link_of(struct leader_rig *r, uint64_t link)
{
    CHECK(link > 0 && link <= r->link_count);
    return &r->links[link - 1];
}

/* -- what must hold, whatever the learners do ------------------------------------------------------------------------
 */

static bool has_acked(const struct leader_rig_link *l, int64_t zxid)
{
    const size_t at = (size_t)COUNTER(zxid);
    return at < LEADER_RIG_TXNS && (l->acked[at / 8] & 1u << at % 8) != 0;
}

static void note_ack(struct leader_rig *r, struct leader_rig_link *l, int64_t zxid)
{
    const size_t at = (size_t)COUNTER(zxid);
    if (zxid == ZXID(r->epoch, 0) && l->is_synced && !l->has_adopted) {
        l->has_adopted = true;
        r->adopted[r->adopted_count++] = l->sid; /* also of a voter that believes that it observes */
    } else if (l->is_synced && zxid >> 32 == r->epoch && zxid <= l->queued_zxid && at < LEADER_RIG_TXNS) {
        l->acked[at / 8] |= (uint8_t)(1u << at % 8);
    }
}

/* Who has to agree to a txn: the voters of what was in force when it was proposed. */
static struct quorum electorate(const struct leader_rig *r, int64_t zxid)
{
    if (r->former != NULL && zxid <= r->joint_until)
        return quorum_of(r->former, r->committed);
    return quorum_of(r->committed, r->pending != NULL && zxid >= r->pending->version ? r->pending : NULL);
}

static void check_commit(const struct leader_rig *r, int64_t zxid)
{
    struct quorum logged = electorate(r, zxid);
    if (r->log_zxid >= zxid)
        quorum_add(&logged, r->sid);
    for (size_t i = 0; i < r->link_count; i++) {
        const struct leader_rig_link *l = &r->links[i];
        if (l->is_open && l->is_follower && l->has_adopted && has_acked(l, zxid))
            quorum_add(&logged, l->sid);
    }
    CHECK(quorum_reached(&logged));
}

/* What is pending, or has just been committed, counts too. */
static void check_served(struct leader_rig *r)
{
    struct quorum adopted = quorum_of(r->committed, r->pending);
    if (r->is_served)
        return;
    r->is_served = true;
    CHECK(r->current_epoch == r->epoch);
    quorum_add(&adopted, r->sid);
    for (size_t i = 0; i < r->adopted_count; i++)
        quorum_add(&adopted, r->adopted[i]);
    CHECK(quorum_reached(&adopted));
}

static void begin_epoch(struct leader_rig *r, int64_t epoch)
{
    if (r->epoch == epoch)
        return;
    r->epoch = epoch;
    r->adopted_count = 0;
    r->is_served = false;
}

static bool follows(int64_t zxid, int64_t before)
{
    return zxid == before + 1 || (zxid >> 32 > before >> 32 && COUNTER(zxid) == 1);
}

static void on_txn_sent(struct leader_rig_link *l, int64_t zxid)
{
    CHECK(follows(zxid, l->queued_zxid));
    l->queued_zxid = zxid;
}

static void on_packet_sent(struct leader_rig *r, struct leader_rig_link *l, const struct packet *packet)
{
    switch (packet->type) {
    case PACKET_LEADERINFO:
        CHECK(r->accepted_epoch == packet->zxid >> 32);
        begin_epoch(r, packet->zxid >> 32);
        break;
    case PACKET_TRUNC:
    case PACKET_SNAP: l->queued_zxid = packet->zxid; break;
    case PACKET_PROPOSAL:
    case PACKET_INFORM:
    case PACKET_INFORM_AND_ACTIVATE: on_txn_sent(l, packet->zxid); break;
    case PACKET_COMMIT:
    case PACKET_COMMIT_AND_ACTIVATE:
        CHECK(l->is_follower || !l->is_synced);
        CHECK(packet->zxid <= l->queued_zxid);
        break;
    case PACKET_NEWLEADER: l->is_synced = true; break;
    case PACKET_UPTODATE:
        CHECK(l->has_adopted);
        check_served(r);
        break;
    default: break;
    }
}

/* -- effects ---------------------------------------------------------------------------------------------------------
 */

static void say(struct leader_rig *r, const struct zab_effect *effect)
{
    CHECK(zab_print_effect(&r->out, effect, &r->said) == ST_OK);
    CHECK(buffer_append(&r->said, "\n", 1) == ST_OK);
}

const char *leader_rig_said(struct leader_rig *r)
{
    CHECK(buffer_append(&r->said, "", 1) == ST_OK);
    r->said.len = 0;
    return (const char *)r->said.data;
}

static void send_to(struct leader_rig *r, uint64_t link, struct bytes bytes)
{
    struct leader_rig_link *l = link_of(r, link);
    CHECK(l->is_open);
    CHECK(buffer_append(&r->sent[link - 1], bytes.data, bytes.len) == ST_OK);
    while (bytes.len > 0) {
        struct packet packet;
        size_t used;
        CHECK(packet_decode(bytes, MUCH, &packet, &used) == ST_OK);
        bytes = bytes_from(bytes, used);
        on_packet_sent(r, l, &packet);
    }
}

static void send_fed(struct leader_rig *r, struct bytes bytes)
{
    for (uint64_t link = 1; link <= r->link_count; link++)
        if (r->links[link - 1].is_open && r->links[link - 1].is_fed)
            send_to(r, link, bytes);
}

static void on_committed(struct leader_rig *r, int64_t zxid)
{
    CHECK(follows(zxid, r->committed_zxid));
    check_commit(r, zxid);
    r->committed_zxid = zxid;
}

static void on_asked(struct leader_rig *r, const struct zab_effect *effect)
{
    CHECK(r->asked_count < LEADER_RIG_TXNS);
    r->asked[r->asked_count++] = *effect;
}

static struct members *parse(const char *config)
{
    struct members *m = NULL;
    struct members_error error;
    CHECK(members_parse(bytes_of(config == NULL ? CONFIG : config), 0, &m, &error) == ST_OK);
    return m;
}

static struct members *config_in(const struct leader_rig *r, const struct zab_effect *effect)
{
    const struct bytes text = zab_effect_bytes(&r->out, effect);
    struct members *m = NULL;
    struct members_error error;
    CHECK(bytes_is_null(text) || members_parse(text, 0, &m, &error) == ST_OK);
    return m;
}

static void on_config(struct leader_rig *r, const struct zab_effect *effect)
{
    if (effect->kind == ZAB_STORE_LAST_SEEN) {
        members_free(r->pending);
        r->pending = config_in(r, effect);
        return;
    }
    members_free(r->former);
    r->former = r->committed;
    r->committed = config_in(r, effect);
    r->joint_until = r->proposed_zxid;
}

static void on_left(struct leader_rig *r)
{
    r->has_left = true;
    r->is_leading = false;
    for (size_t i = 0; i < r->link_count; i++)
        r->links[i].is_open = false;
}

static void on_role(struct leader_rig *r, const struct zab_effect *effect)
{
    if (effect->role == ZAB_LEADING && effect->phase == ZAB_BROADCAST)
        check_served(r);
    r->is_leading = effect->role == ZAB_LEADING;
}

static void on_notify(struct leader_rig *r, const struct zab_effect *effect)
{
    struct notification n;
    CHECK(notification_decode(zab_effect_bytes(&r->out, effect), &n) == ST_OK);
    r->round = n.round;
}

static void on_effect(struct leader_rig *r, const struct zab_effect *effect)
{
    switch (effect->kind) {
    case ZAB_NOTIFY: on_notify(r, effect); return;
    case ZAB_SEND: send_to(r, effect->link, zab_effect_bytes(&r->out, effect)); break;
    case ZAB_FEED:
        CHECK(link_of(r, effect->link)->is_open && !link_of(r, effect->link)->is_follower);
        link_of(r, effect->link)->is_fed = true;
        break;
    case ZAB_SEND_FED: send_fed(r, zab_effect_bytes(&r->out, effect)); break;
    case ZAB_CLOSE:
        CHECK(link_of(r, effect->link)->is_open);
        link_of(r, effect->link)->is_open = false;
        break;
    case ZAB_COMMITTED: on_committed(r, effect->zxid); break;
    case ZAB_LOG:
    case ZAB_STORE_ACCEPTED:
    case ZAB_STORE_CURRENT: on_asked(r, effect); break;
    case ZAB_STORE_LAST_SEEN:
    case ZAB_STORE_CONFIG: on_config(r, effect); break;
    case ZAB_LEAVE: on_left(r); break;
    case ZAB_ROLE: on_role(r, effect); break;
    default: break;
    }
    say(r, effect);
}

static void feed(struct leader_rig *r, struct zab_event event)
{
    if (r->is_out_of_memory)
        return;
    event.now_ms = r->now_ms;
    zab_output_reset(&r->out);
    if (r->around_step != NULL) {
        zab_output_free(&r->out); /* it is to be allocated, too */
        r->around_step(true);
    }
    enum status st = zab_step(r->z, &event, &r->out);
    if (r->around_step != NULL)
        r->around_step(false);
    r->is_out_of_memory = st != ST_OK;
    if (r->is_out_of_memory) {
        CHECK(st == ST_NO_MEMORY && r->around_step != NULL);
        return;
    }
    r->wake_ms = r->out.wake_ms;
    for (size_t i = 0; i < r->out.count; i++)
        on_effect(r, &r->out.effects[i]);
}

/* -- the disk --------------------------------------------------------------------------------------------------------
 */

static void carry_out(struct leader_rig *r, const struct zab_effect *asked)
{
    if (asked->kind == ZAB_LOG) {
        CHECK(follows(asked->zxid, r->log_zxid));
        r->log_zxid = asked->zxid;
        feed(r, (struct zab_event){.kind = ZAB_LOGGED, .zxid = asked->zxid});
        return;
    }
    if (asked->kind == ZAB_STORE_ACCEPTED)
        r->accepted_epoch = asked->epoch;
    else
        r->current_epoch = asked->epoch;
    if (asked->kind == ZAB_STORE_ACCEPTED) /* also where there is nobody to be told */
        begin_epoch(r, asked->epoch);
    feed(r, (struct zab_event){.kind = ZAB_STORED, .ticket = asked->ticket});
}

void leader_rig_disk(struct leader_rig *r, size_t count)
{
    for (; count > 0 && r->asked_count > 0; count--) {
        const struct zab_effect asked = r->asked[0];
        memmove(&r->asked[0], &r->asked[1], --r->asked_count * sizeof r->asked[0]);
        carry_out(r, &asked);
    }
}

/* -- learners --------------------------------------------------------------------------------------------------------
 */

uint64_t leader_rig_accept(struct leader_rig *r)
{
    CHECK(r->link_count < LEADER_RIG_LINKS);
    r->links[r->link_count++] = (struct leader_rig_link){.is_open = true};
    feed(r, (struct zab_event){.kind = ZAB_LINK_ACCEPTED, .link = r->link_count});
    return r->link_count;
}

void leader_rig_closed(struct leader_rig *r, uint64_t link)
{
    if (!link_of(r, link)->is_open)
        return;
    link_of(r, link)->is_open = false;
    feed(r, (struct zab_event){.kind = ZAB_LINK_CLOSED, .link = link});
}

static void note_info(struct leader_rig_link *l, const struct packet *packet)
{
    struct learner_info info;
    const bool is_info = packet->type == PACKET_FOLLOWERINFO || packet->type == PACKET_OBSERVERINFO;
    if (!is_info || l->sid != 0 || learner_info_decode(packet->data, &info) != ST_OK)
        return;
    l->sid = info.sid;
    l->is_follower = packet->type == PACKET_FOLLOWERINFO;
}

void leader_rig_packet(struct leader_rig *r, uint64_t link, const struct packet *packet)
{
    struct leader_rig_link *l = link_of(r, link);
    if (!l->is_open)
        return;
    note_info(l, packet);
    if (packet->type == PACKET_ACKEPOCH && !l->is_synced)
        l->queued_zxid = packet->zxid;
    if (packet->type == PACKET_ACK)
        note_ack(r, l, packet->zxid);
    feed(r, (struct zab_event){.kind = ZAB_LINK_PACKET, .link = link, .packet = packet});
}

void leader_rig_plain(struct leader_rig *r, uint64_t link, int32_t type, int64_t zxid)
{
    leader_rig_packet(r, link, &(struct packet){.type = type, .zxid = zxid});
}

void leader_rig_info(struct leader_rig *r, uint64_t link, int32_t type, int64_t sid, int64_t accepted_epoch,
                     int64_t config_version)
{
    struct buffer data = {0};
    struct writer w = writer_to(&data);
    learner_info_encode(&w, &(struct learner_info){.sid = sid,
                                                   .protocol_version = QUORUM_PROTOCOL_VERSION,
                                                   .config_version = config_version});
    CHECK(w.status == ST_OK);
    const struct packet info = {.type = type, .zxid = ZXID(accepted_epoch, 0), .data = buffer_bytes(&data)};
    leader_rig_packet(r, link, &info);
    buffer_free(&data);
}

void leader_rig_ack_epoch(struct leader_rig *r, uint64_t link, int64_t zxid, int32_t epoch)
{
    uint8_t data[4];
    be32_put(data, (uint32_t)epoch);
    const struct packet ack = {.type = PACKET_ACKEPOCH, .zxid = zxid, .data = bytes_make(data, sizeof data)};
    leader_rig_packet(r, link, &ack);
}

void leader_rig_snapshot_sent(struct leader_rig *r, uint64_t link)
{
    if (link_of(r, link)->is_open)
        feed(r, (struct zab_event){.kind = ZAB_SNAPSHOT_SENT, .link = link});
}

static void notify(struct leader_rig *r, int64_t sid, struct vote vote)
{
    struct buffer frame = {0}, text = {0};
    struct writer w = writer_to(&frame);
    CHECK(members_print(r->config, &text) == ST_OK);
    notification_encode(
        &w, &(struct notification){
                .state = SERVER_LOOKING, .vote = vote, .round = r->round, .version = 2, .config = buffer_bytes(&text)});
    CHECK(w.status == ST_OK);
    feed(r, (struct zab_event){.kind = ZAB_NOTIFICATION, .sid = sid, .bytes = buffer_bytes(&frame)});
    buffer_free(&frame);
    buffer_free(&text);
}

void leader_rig_looking(struct leader_rig *r, int64_t sid)
{
    notify(r, sid, (struct vote){.leader = sid});
}

/* -- the layer above, and time ---------------------------------------------------------------------------------------
 */

void leader_rig_propose(struct leader_rig *r, struct bytes entry)
{
    const int64_t zxid = zab_next_zxid(r->z);
    r->proposed_zxid = zxid;
    feed(r, (struct zab_event){.kind = ZAB_PROPOSE, .zxid = zxid, .bytes = entry});
}

void leader_rig_reconfig(struct leader_rig *r, const char *lines)
{
    struct buffer entry = {0};
    const int64_t zxid = zab_next_zxid(r->z);
    if (zxid == 0 || zab_pending_config(r->z) != NULL || r->is_out_of_memory)
        return;
    reconfig_entry_write(&entry, 1, zxid, lines);
    leader_rig_propose(r, buffer_bytes(&entry));
    buffer_free(&entry);
}

void leader_rig_pass_time(struct leader_rig *r, int64_t ms)
{
    const int64_t until_ms = r->now_ms + ms;
    while (r->wake_ms <= until_ms && !r->is_out_of_memory) {
        if (r->wake_ms > r->now_ms)
            r->now_ms = r->wake_ms;
        feed(r, (struct zab_event){.kind = ZAB_TICK});
    }
    r->now_ms = until_ms;
    feed(r, (struct zab_event){.kind = ZAB_TICK});
}

static void vote_for_it(struct leader_rig *r, const struct members *m)
{
    const struct vote vote = {.leader = r->sid, .zxid = r->log_zxid, .peer_epoch = r->current_epoch};
    for (size_t i = 0; i < m->count && !r->is_leading; i++)
        if (m->items[i]->sid != r->sid && members_is_voter(m, m->items[i]->sid))
            notify(r, m->items[i]->sid, vote);
}

/* All others vote for it, of what is pending too; unless it leads, or follows, without their votes. */
static void elect(struct leader_rig *r)
{
    feed(r, (struct zab_event){.kind = ZAB_LOADED,
                               .zxid = r->log_zxid,
                               .accepted_epoch = r->accepted_epoch,
                               .current_epoch = r->current_epoch});
    if (r->is_out_of_memory || zab_role(r->z) != ZAB_LOOKING)
        return;
    vote_for_it(r, r->committed);
    if (r->pending != NULL)
        vote_for_it(r, r->pending);
    for (int i = 0; i < ELECTION_STEPS_MAX && !r->is_leading && !r->is_out_of_memory; i++) {
        CHECK(r->wake_ms != INT64_MAX);
        r->now_ms = r->wake_ms > r->now_ms ? r->wake_ms : r->now_ms;
        feed(r, (struct zab_event){.kind = ZAB_TICK});
    }
    CHECK(r->is_leading || r->is_out_of_memory);
}

bool leader_rig_return(struct leader_rig *r)
{
    CHECK(r->has_left || r->is_out_of_memory);
    leader_rig_disk(r, SIZE_MAX);
    r->has_left = false;
    r->committed_zxid = r->log_zxid;
    if (!r->is_out_of_memory && members_is_voter(r->committed, r->sid))
        elect(r);
    return r->is_leading;
}

/* -- start and stop --------------------------------------------------------------------------------------------------
 */

void leader_rig_start(struct leader_rig *r, const struct leader_rig_setup *setup)
{
    *r = (struct leader_rig){.now_ms = 1000, .wake_ms = INT64_MAX, .sid = setup->sid == 0 ? 3 : setup->sid};
    const struct zab_options options = {
        .sid = r->sid,
        .reconfig_enabled = setup->reconfig_enabled,
        .tick_ms = 2000,
        .init_limit = 10,
        .sync_limit = 5,
        .notification_ms_min = 200,
        .notification_ms_max = 60000,
        .finalize_wait_ms = 200,
        .connect_retry_ms = 100,
        .snapshot_syncs_max = setup->syncs_max == 0 ? 10 : setup->syncs_max,
        .diff_syncs_max = setup->syncs_max == 0 ? 100 : setup->syncs_max,
        .committed_count_max = setup->committed_count_max == 0 ? 500 : setup->committed_count_max,
        .committed_bytes_max = 1 << 20,
        .pending_bytes_max = 1 << 20,
        .zxid_counter_max = setup->zxid_counter_max == 0 ? 0xfffffffe : setup->zxid_counter_max,
    };
    r->around_step = setup->around_step;
    r->config = parse(setup->config);
    r->committed = parse(setup->config);
    r->accepted_epoch = setup->accepted_epoch;
    r->current_epoch = setup->current_epoch;
    r->epoch = -1;
    r->log_zxid = setup->zxid;
    r->committed_zxid = setup->zxid;
    r->z = zab_new(&options, parse(setup->config), NULL);
    CHECK(r->z != NULL);
    elect(r);
    leader_rig_said(r);
}

void leader_rig_stop(struct leader_rig *r)
{
    zab_free(r->z);
    zab_output_free(&r->out);
    members_free(r->config);
    members_free(r->committed);
    members_free(r->former);
    members_free(r->pending);
    buffer_free(&r->said);
    for (size_t i = 0; i < LEADER_RIG_LINKS; i++)
        buffer_free(&r->sent[i]);
}
