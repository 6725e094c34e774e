/* fanout.c - what each of a thousand observers costs their leader: messages and bytes for each, and the CPU for a
 * write.
 *
 * Runs core/zab itself, the leader's whole protocol and nothing else: no socket, no disk, no tree. Two followers
 * acknowledge, observers come, are brought up to date, are sent what is committed and answer pings; time is a number
 * that goes on as the rate of writes says. A message is a packet. `encoded` is what the leader has written down,
 * however many it goes to; `sent` is what the links carry. Prints one line of JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/members/members.h"
#include "core/zab/notification.h"
#include "core/zab/request.h"
#include "core/zab/zab.h"
#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/options.h"

#define CONFIG                                                                 \
    "server.1=127.0.0.1:1:2:participant\nserver.2=127.0.0.1:3:4:participant\n" \
    "server.3=127.0.0.1:5:6:participant\nversion=0"
#define EPOCH INT64_C(2)
#define BEGUN (INT64_C(1) << 32 | 5) /* where all of them stand */

enum {
    OBSERVERS_MAX = 100000,
    TXN_HEAD = 32 + 4 + 15 + 4 + 4 + 12, /* header, path, length of the data, version, digest: of a setData */
    TICK_MS = 2000,
    FOLLOWERS = 2,
    FIRST_OBSERVER = 100, /* its number */
    US_PER_MS = 1000
};

struct tally {
    uint64_t messages, bytes;
};

/* Of one learner, by what they are for; of a follower, all but pings is the sync. */
struct bill {
    struct tally sync, inform, ping;
};

struct rig {
    struct zab *z;
    struct zab_output out;
    int64_t now_us;
    uint64_t observers;
    struct bill *bills;    /* by link, from 1 on: the followers come first */
    struct tally fed;      /* to each that is in the feed */
    uint64_t encoded;      /* bytes for observers, each once */
    uint64_t effects;      /* for observers */
    uint64_t cpu_ns;       /* in the leader */
    int64_t logged, acked; /* to be told to the leader: its own disk, and the followers */
    uint64_t tickets[8], ticket_count;
};

static void feed(struct rig *r, struct zab_event event)
{
    event.now_ms = r->now_us / US_PER_MS;
    const uint64_t start = clock_ns();
    if (zab_step(r->z, &event, &r->out) != ST_OK)
        die("out of memory");
    r->cpu_ns += clock_ns() - start;
}

/* -- what the leader says -------------------------------------------------------------------------------------------
 */

static struct tally *account(struct rig *r, uint64_t link, int32_t type)
{
    struct bill *bill = &r->bills[link - 1];
    return type == PACKET_PING ? &bill->ping : &bill->sync;
}

static void count_packets(struct rig *r, uint64_t link, struct bytes bytes)
{
    r->encoded += link == 0 || link > FOLLOWERS ? bytes.len : 0;
    r->effects += link == 0 || link > FOLLOWERS;
    while (bytes.len > 0) {
        struct packet packet;
        size_t used;
        if (packet_decode(bytes, bytes.len, &packet, &used) != ST_OK)
            die("the leader sends what is no packet");
        struct tally *to = link == 0 ? &r->fed : account(r, link, packet.type);
        to->messages++;
        to->bytes += used;
        bytes = bytes_from(bytes, used);
    }
}

static void take(struct rig *r, const struct zab_effect *e)
{
    if (e->kind == ZAB_SEND)
        count_packets(r, e->link, zab_effect_bytes(&r->out, e));
    else if (e->kind == ZAB_SEND_FED)
        count_packets(r, 0, zab_effect_bytes(&r->out, e));
    else if (e->kind == ZAB_LOG)
        r->logged = e->zxid;
    else if (e->ticket != 0 && r->ticket_count < sizeof r->tickets / sizeof r->tickets[0])
        r->tickets[r->ticket_count++] = e->ticket;
    else if (e->kind == ZAB_LEAVE || e->kind == ZAB_LOG_LINE)
        die("the leader complains: %.*s", BYTES_PRINT(zab_effect_bytes(&r->out, e)));
}

static void carry_out(struct rig *r)
{
    for (size_t i = 0; i < r->out.count; i++)
        take(r, &r->out.effects[i]);
    zab_output_reset(&r->out);
    while (r->ticket_count > 0) {
        feed(r, (struct zab_event){.kind = ZAB_STORED, .ticket = r->tickets[--r->ticket_count]});
        for (size_t i = 0; i < r->out.count; i++)
            take(r, &r->out.effects[i]);
        zab_output_reset(&r->out);
    }
}

static void say(struct rig *r, uint64_t link, struct packet packet)
{
    feed(r, (struct zab_event){.kind = ZAB_LINK_PACKET, .link = link, .packet = &packet});
    carry_out(r);
}

/* -- how it comes to lead -------------------------------------------------------------------------------------------
 */

static void elect(struct rig *r)
{
    feed(r, (struct zab_event){.kind = ZAB_LOADED, .zxid = BEGUN, .accepted_epoch = 1, .current_epoch = 1});
    for (int64_t sid = 1; sid <= FOLLOWERS; sid++) {
        struct buffer frame = {0};
        struct writer w = writer_to(&frame);
        notification_encode(&w,
                            &(struct notification){.state = SERVER_LOOKING,
                                                   .vote = {.leader = FOLLOWERS + 1, .zxid = BEGUN, .peer_epoch = 1},
                                                   .round = 1,
                                                   .config = BYTES(CONFIG)});
        feed(r, (struct zab_event){.kind = ZAB_NOTIFICATION, .sid = sid, .bytes = buffer_bytes(&frame)});
        buffer_free(&frame);
    }
    carry_out(r);
    if (zab_role(r->z) != ZAB_LEADING)
        die("it was not elected");
}

static void join(struct rig *r, uint64_t link, int32_t type, int64_t sid)
{
    struct buffer data = {0};
    struct writer w = writer_to(&data);
    learner_info_encode(&w, &(struct learner_info){.sid = sid, .protocol_version = QUORUM_PROTOCOL_VERSION});
    feed(r, (struct zab_event){.kind = ZAB_LINK_ACCEPTED, .link = link});
    say(r, link, (struct packet){.type = type, .zxid = INT64_C(1) << 32, .data = buffer_bytes(&data)});
    say(r, link, (struct packet){.type = PACKET_ACKEPOCH, .zxid = BEGUN, .data = BYTES("\0\0\0\1")});
    buffer_free(&data);
}

static void adopt(struct rig *r, uint64_t link)
{
    say(r, link, (struct packet){.type = PACKET_ACK, .zxid = EPOCH << 32});
}

/* -- what happens ---------------------------------------------------------------------------------------------------
 */

/* Every learner answers every ping, and has heard one session. */
static void answer_pings(struct rig *r, uint64_t *answered)
{
    static const uint8_t touch[12] = {1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0x75, 0x30};
    for (; *answered < r->bills[0].ping.messages; ++*answered)
        for (uint64_t link = 1; link <= FOLLOWERS + r->observers; link++)
            say(r, link, (struct packet){.type = PACKET_PING, .zxid = r->logged, .data = bytes_make(touch, 12)});
}

/* `batch` writes are proposed, and then acknowledged together. */
static void write_some(struct rig *r, uint64_t batch, struct bytes txn)
{
    for (uint64_t i = 0; i < batch; i++) {
        feed(r, (struct zab_event){.kind = ZAB_PROPOSE, .zxid = zab_next_zxid(r->z), .bytes = txn});
        carry_out(r);
    }
    for (; r->acked < r->logged; r->acked++)
        say(r, 1, (struct packet){.type = PACKET_ACK, .zxid = r->acked + 1});
    feed(r, (struct zab_event){.kind = ZAB_LOGGED, .zxid = r->logged});
    carry_out(r);
}

static void run(struct rig *r, uint64_t writes, uint64_t rate, uint64_t batch, struct bytes txn)
{
    uint64_t answered = 0;
    for (uint64_t done = 0; done < writes; done += batch) {
        r->now_us += (int64_t)(batch * 1000000 / rate);
        write_some(r, batch, txn);
        answer_pings(r, &answered);
    }
    if (zab_last_committed(r->z) != r->logged)
        die("not all was committed");
}

static void open_leader(struct rig *r)
{
    const struct zab_options options = {.sid = FOLLOWERS + 1,
                                        .tick_ms = TICK_MS,
                                        .init_limit = 10,
                                        .sync_limit = 5,
                                        .notification_ms_min = 200,
                                        .notification_ms_max = 60000,
                                        .finalize_wait_ms = 200,
                                        .connect_retry_ms = 100,
                                        .committed_count_max = 500,
                                        .committed_bytes_max = 1 << 26,
                                        .snapshot_syncs_max = 10,
                                        .diff_syncs_max = 100,
                                        .pending_bytes_max = 1 << 26,
                                        .zxid_counter_max = 0xfffffffe};
    struct members *config = NULL;
    struct members_error error;
    if (members_parse(BYTES(CONFIG), 0, &config, &error) != ST_OK)
        die("the configuration is none");
    r->z = zab_new(&options, config, NULL);
    r->bills = need_memory(FOLLOWERS + r->observers, sizeof *r->bills);
    elect(r);
    for (uint64_t link = 1; link <= FOLLOWERS; link++) {
        join(r, link, PACKET_FOLLOWERINFO, (int64_t)link);
        adopt(r, link);
    }
    r->acked = r->logged = EPOCH << 32;
}

/* Returns the CPU time that it took. */
static uint64_t open_observers(struct rig *r)
{
    const uint64_t before = r->cpu_ns;
    for (uint64_t i = 0; i < r->observers; i++)
        join(r, FOLLOWERS + 1 + i, PACKET_OBSERVERINFO, FIRST_OBSERVER + (int64_t)i);
    for (uint64_t i = 0; i < r->observers; i++)
        adopt(r, FOLLOWERS + 1 + i);
    return r->cpu_ns - before;
}

static void print_tally(const char *name, const struct tally *t, const char *behind)
{
    (void)printf("\"%s\":{\"messages\":%" PRIu64 ",\"bytes\":%" PRIu64 "}%s", name, t->messages, t->bytes, behind);
}

static void print(const struct rig *r, uint64_t writes, uint64_t join_ns)
{
    const struct bill *each = &r->bills[FOLLOWERS + r->observers - 1];
    const uint64_t sent = r->observers * (r->fed.bytes + each->sync.bytes + each->ping.bytes);
    (void)printf("{\"observers\":%" PRIu64 ",\"writes\":%" PRIu64 ",\"each\":{", r->observers, writes);
    print_tally("sync", &each->sync, ",");
    print_tally("inform", &r->fed, ",");
    print_tally("ping", &each->ping, "},");
    (void)printf("\"sent_bytes\":%" PRIu64 ",\"encoded_bytes\":%" PRIu64 ",\"effects\":%" PRIu64 ",", sent, r->encoded,
                 r->effects);
    (void)printf("\"join_cpu_us_each\":%.3f,\"cpu_us_per_write\":%.3f}\n",
                 (double)join_ns / NS_PER_US / (double)r->observers, (double)r->cpu_ns / NS_PER_US / (double)writes);
}

int main(int argc, char **argv)
{
    struct rig r = {.observers = 1000, .now_us = 1000000};
    uint64_t writes = 50000, rate = 5000, size = 100, batch = 1;
    const struct option_row rows[] = {
        {"observers", "how many", .number = &r.observers},
        {"writes", "how many", .number = &writes},
        {"rate", "writes a second, for the time that passes", .number = &rate},
        {"size", "bytes of data in a write", .number = &size},
        {"batch", "writes that are acknowledged together", .number = &batch},
    };
    if (options_parse(argc, argv, "fanout: observers and their leader", rows, sizeof rows / sizeof rows[0]) != argc ||
        r.observers == 0 || r.observers > OBSERVERS_MAX || rate == 0 || batch == 0 || size > 1000000)
        die("numbers must be in range (see --help)");
    uint8_t *txn = need_memory(1, TXN_HEAD + size);
    open_leader(&r);
    const uint64_t join_ns = open_observers(&r);
    r.cpu_ns = 0;
    run(&r, writes, rate, batch, bytes_make(txn, TXN_HEAD + size));
    print(&r, writes, join_ns);
    zab_free(r.z);
    zab_output_free(&r.out);
    free(txn);
    free(r.bills);
    return 0;
}
