/* client_take.c - what clients hear: each reply is in its turn, and says what the one history says at its zxid.
 *
 *   writes         the answer of the txn with that zxid, which is the client's own; later than all that anybody had
 * been told of when it was asked: so they are linearizable, in the order of their zxids reads          what the path
 * was at that zxid, never before what this session has seen sync           at or behind all that anybody had been told
 * of when it was asked watch events   before any reply that shows the change (client_watch.c) */
#include "core/base/array.h"
#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/jute/txn.h"
#include "core/ops/op.h"
#include "tests/sim/plan.h"
#include "tests/sim/replica/client.h"
#include "tests/sim/replica/member.h"
#include "tests/sim/replica/reference.h"

#include <inttypes.h>

enum {
    XID_EVENT = -1,
};

#define ZXID      "0x%" PRIx64
#define HEX(zxid) ((uint64_t)(zxid))

/* -- the answer to the connect request -------------------------------------------------------------------------------
 */

/* In which its member served when it first spoke to the client. */
static int64_t epoch_of_link(const struct world *w, const struct client *c)
{
    return (int64_t)(uintptr_t)map64_get(&w->replicas->epochs, c->link ^ 1) - 1;
}

static void refused(struct world *w, struct client *c)
{
    const struct clients *clients = w->replicas->clients;
    bool lives = c->known && sessions_get(reference_sessions(w->replicas->reference), c->session) != NULL;
    if (c->session == 0)
        world_fail(w, "client %u is refused a session", c->index);
    else if (epoch_of_link(w, c) < w->newest_epoch)
        mark(w, MARK_REFUSED_BY_PAST); /* a leader that does not know yet that it is none any more */
    else if (lives && map64_get(&clients->closing, (uint64_t)c->session) == NULL)
        world_fail(w, "sessions: client %u is told by %" PRId64 " that 0x%" PRIx64 " has expired", c->index,
                   c->server->sid, HEX(c->session));
    mark(w, MARK_SESSION_REFUSED);
    client_drop(w, c);
    client_forget_session(c);
}

static void note_passage(struct client *c)
{
    struct passage *passages = array_room(c->passages, c->passage_count, &c->passage_capacity, sizeof *passages, 4);
    CHECK(passages != NULL);
    c->passages = passages;
    passages[c->passage_count++] = (struct passage){c->next_xid, c->server->index};
}

static void take_greeting(struct world *w, struct client *c, struct bytes frame)
{
    struct reader reader = reader_of(frame);
    struct connect_response response;
    CHECK(connect_response_read(&reader, &response) == ST_OK && response.password.len == sizeof c->password);
    if (response.session_id == 0) {
        refused(w, c);
        return;
    }
    if (c->session != 0 && response.session_id != c->session)
        world_fail(w, "client %u asked for 0x%" PRIx64 " and is given 0x%" PRIx64, c->index, HEX(c->session),
                   HEX(response.session_id));
    if (c->ended && epoch_of_link(w, c) >= w->newest_epoch)
        world_fail(w, "sessions: client %u is given 0x%" PRIx64 " by %" PRId64 ", which had ended", c->index,
                   HEX(c->session), c->server->sid);
    if (c->session != 0)
        mark(w, MARK_SESSION_MOVED);
    c->reads = read_boolean(&reader);
    c->session = response.session_id;
    memcpy(c->password, response.password.data, sizeof c->password);
    c->state = CLIENT_ACTIVE;
    CHECK(map64_put(&w->replicas->clients->sessions, c->link ^ 1, (void *)(uintptr_t)c->session) == ST_OK);
    note_passage(c);
    if (c->book.count > 0)
        client_set_watches(w, c);
    else
        c->book.set = true;
}

/* -- replies ---------------------------------------------------------------------------------------------------------
 */

static void acknowledge(struct clients *clients, int64_t zxid)
{
    int64_t *acks = array_room(clients->acks, clients->ack_count, &clients->ack_capacity, sizeof *acks, 64);
    CHECK(acks != NULL);
    clients->acks = acks;
    acks[clients->ack_count++] = zxid;
    clients->acked = zxid > clients->acked ? zxid : clients->acked;
}

static bool same_bytes(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Each member has a stat of its own of the configuration (quorum-protocol 2.7). */
static bool is_answer(const struct reference_txn *txn, const struct asked *asked, struct bytes body)
{
    struct reader told = reader_of(body), due = reader_of(buffer_bytes(&txn->answer));
    if (asked->type != TXN_RECONFIG || txn->err != 0)
        return same_bytes(body, buffer_bytes(&txn->answer));
    return same_bytes(read_blob(&told), read_blob(&due));
}

/* Its session is a local one, and what it asked never came to the leader. */
static bool is_local_answer(const struct world *w, const struct client *c, const struct asked *asked,
                            const struct reply_header *h)
{
    if (!w->plan.local_sessions || reference_knew_session(w->replicas->reference, c->session))
        return false;
    return (asked->type == TXN_CLOSE_SESSION && h->err == 0) ||
           (!w->plan.upgrades && h->err == status_code(ST_EPHEMERAL_ON_LOCAL_SESSION));
}

static void take_write(struct world *w, struct client *c, const struct asked *asked, const struct reply_header *h,
                       struct bytes body)
{
    if (is_local_answer(w, c, asked, h)) {
        mark(w, MARK_LOCAL_ANSWER);
        return;
    }
    const struct reference_txn *txn = reference_find(w->replicas->reference, h->zxid);
    if (txn == NULL || txn->session != c->session || txn->cxid != asked->xid)
        world_fail(w, "client %u: its xid %" PRId32 " is not what was committed at " ZXID, c->index, asked->xid,
                   HEX(h->zxid));
    else if (txn->err != h->err || !is_answer(txn, asked, body))
        world_fail(w, "client %u: the answer to xid %" PRId32 " at " ZXID " is another one: %" PRId32 ", not %" PRId32,
                   c->index, asked->xid, HEX(h->zxid), h->err, txn->err);
    if (h->zxid <= asked->floor)
        world_fail(w, "linearizability: xid %" PRId32 " of client %u got " ZXID ", asked when " ZXID " had been told",
                   asked->xid, c->index, HEX(h->zxid), HEX(asked->floor));
    acknowledge(w->replicas->clients, h->zxid);
}

/* What had been told of when the sync was asked. Whoever leads an epoch without knowing of a later one answers for what
 * is of its own and before. */
static int64_t floor_of_sync(const struct world *w, const struct client *c, const struct asked *asked)
{
    const struct clients *clients = w->replicas->clients;
    if (SIM_SYNC_IS_LINEARIZABLE)
        return asked->floor;
    int64_t epoch = epoch_of_link(w, c), floor = 0;
    for (size_t i = 0; i < asked->acks; i++)
        if ((int64_t)((uint64_t)clients->acks[i] >> 32) <= epoch && clients->acks[i] > floor)
            floor = clients->acks[i];
    return floor;
}

static void take_sync(struct world *w, struct client *c, const struct asked *asked, const struct reply_header *h,
                      struct bytes body)
{
    (void)body;
    int64_t floor = floor_of_sync(w, c, asked);
    if (h->err == 0 && h->zxid < floor)
        world_fail(w, "linearizability: sync %" PRId32 " of client %u at " ZXID ", asked when " ZXID " had been told",
                   asked->xid, c->index, HEX(h->zxid), HEX(floor));
    /* A leader that has just begun an epoch calls itself by a zxid that no txn has. */
    const struct reference *ref = w->replicas->reference;
    size_t shown = reference_after(ref, h->zxid);
    if (h->err == 0 && SIM_SYNC_IS_LINEARIZABLE && shown > 0)
        acknowledge(w->replicas->clients, reference_at(ref, shown - 1)->zxid);
}

static bool stat_is(struct bytes body, const struct node_stat *stat)
{
    struct buffer expected = {0};
    struct writer writer = writer_to(&expected);
    node_stat_write(&writer, stat);
    CHECK(writer.status == ST_OK);
    bool same = bytes_equal(body, buffer_bytes(&expected));
    buffer_free(&expected);
    return same;
}

static bool data_is(struct reader *reader, const struct node_version *at)
{
    struct bytes data = read_blob(reader);
    return at->null_data ? bytes_is_null(data)
                         : data.len == at->data.len && memcmp(data.data, at->data.data, data.len) == 0;
}

static bool children_are(struct reader *reader, const struct node_version *at)
{
    uint64_t sum = 0;
    int32_t count = read_i32(reader);
    for (int32_t i = 0; i < count; i++)
        sum += reference_hash_name(read_text(reader));
    return reader->status == ST_OK && count == at->stat.num_children && sum == at->children;
}

static bool body_is(const struct asked *asked, struct bytes body, const struct node_version *at)
{
    struct reader reader = reader_of(body);
    if (asked->type == OP_GET_DATA && !data_is(&reader, at))
        return false;
    bool children = asked->type == OP_GET_CHILDREN || asked->type == OP_GET_CHILDREN2;
    if (children && !children_are(&reader, at))
        return false;
    return asked->type == OP_GET_CHILDREN ? reader_left(&reader) == 0
                                          : stat_is(bytes_make(reader.at, reader_left(&reader)), &at->stat);
}

static void leave_watch(struct client *c, const struct asked *asked, bool exists)
{
    bool children = asked->type == OP_GET_CHILDREN || asked->type == OP_GET_CHILDREN2;
    if (!asked->watch || (!exists && asked->type != OP_EXISTS))
        return;
    book_add(&c->book, children ? OWED_CHILD : exists ? OWED_DATA : OWED_EXIST, asked->path);
}

/* True, and whether it was there: what it is told stood there at the zxid of the reply. */
static bool check_read(struct world *w, const struct client *c, const struct asked *asked, const struct reply_header *h,
                       struct bytes body, bool *exists)
{
    const struct node_version *at = reference_look(w->replicas->reference, bytes_of(asked->path), h->zxid);
    *exists = at != NULL && at->exists;
    int32_t expected = *exists ? 0 : status_code(ST_NO_NODE);
    if (h->err == expected && (!*exists || body_is(asked, body, at)))
        return true;
    world_fail(w, "reads: client %u is told (%" PRId32 ") of %s by %" PRId64 " what it was not at " ZXID, c->index,
               h->err, asked->path, c->server->sid, HEX(h->zxid));
    return false;
}

static void take_read(struct world *w, struct client *c, const struct asked *asked, const struct reply_header *h,
                      struct bytes body)
{
    bool exists;
    if (check_read(w, c, asked, h, body, &exists))
        leave_watch(c, asked, exists);
}

static void take_add_watch(struct world *w, struct client *c, const struct asked *asked, const struct reply_header *h,
                           struct bytes body)
{
    (void)w, (void)body;
    if (h->err == 0)
        book_add(&c->book, asked->mode == 0 ? OWED_PERSISTENT : OWED_RECURSIVE, asked->path);
}

static void take_remove_watches(struct world *w, struct client *c, const struct asked *asked,
                                const struct reply_header *h, struct bytes body)
{
    (void)body;
    bool was_there = book_remove(&c->book, asked->path);
    if ((h->err == 0) != was_there)
        world_fail(w, "watches: client %u removes those of %s and is told %" PRId32, c->index, asked->path, h->err);
}

static void take_set_watches(struct world *w, struct client *c, const struct asked *asked, const struct reply_header *h,
                             struct bytes body)
{
    (void)asked, (void)body;
    book_take_set(w, c, h->zxid);
}

static void take_close(struct world *w, struct client *c, const struct asked *asked, const struct reply_header *h,
                       struct bytes body)
{
    take_write(w, c, asked, h, body);
    client_drop(w, c);
    client_forget_session(c);
}

static void take_ping(struct world *w, struct client *c, const struct asked *asked, const struct reply_header *h,
                      struct bytes body)
{
    (void)w, (void)c, (void)asked, (void)h, (void)body;
}

static const struct take_row {
    int32_t type;
    void (*take)(struct world *w, struct client *c, const struct asked *asked, const struct reply_header *h,
                 struct bytes body);
} rows[] = {
    {OP_NUMBER_PING, take_ping},
    {OP_NUMBER_SYNC, take_sync},
    {OP_GET_DATA, take_read},
    {OP_EXISTS, take_read},
    {OP_GET_CHILDREN, take_read},
    {OP_GET_CHILDREN2, take_read},
    {OP_ADD_WATCH, take_add_watch},
    {OP_REMOVE_WATCHES, take_remove_watches},
    {OP_SET_WATCHES2, take_set_watches},
    {TXN_CLOSE_SESSION, take_close},
};

/* What is read there may yet turn out never to have been committed. Where the txn that the reply names was, so was all
 * before it; and before the first one there is nothing. */
static void take_read_without_leader(struct world *w, const struct client *c, const struct asked *asked,
                                     const struct reply_header *h, struct bytes body)
{
    bool exists;
    if (h->zxid != 0 && reference_find(w->replicas->reference, h->zxid) == NULL)
        return;
    if (check_read(w, c, asked, h, body, &exists))
        mark(w, MARK_READ_ONLY_COMPARED);
}

static bool is_read(const struct asked *asked)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].type == asked->type)
            return rows[i].take == take_read;
    return false;
}

/* Nothing is written, and nobody asked. */
static void take_read_only(struct world *w, struct client *c, const struct asked *asked, const struct reply_header *h,
                           struct bytes body)
{
    const struct op *op = op_find(asked->type);
    const bool ends = asked->type == TXN_CLOSE_SESSION;
    const bool needs_leader = asked->type == OP_NUMBER_SYNC || (op->kind == OP_WRITE && !ends);
    mark(w, MARK_READ_ONLY);
    if (needs_leader != (h->err == status_code(ST_NOT_READ_ONLY)))
        world_fail(w, "read-only: client %u is told %" PRId32 " by %" PRId64 " when it asks for %s", c->index, h->err,
                   c->server->sid, op->name);
    if (is_read(asked))
        take_read_without_leader(w, c, asked, h, body);
    if (ends)
        client_drop(w, c);
}

static void take_reply(struct world *w, struct client *c, const struct reply_header *h, struct bytes body)
{
    const struct asked asked = c->asked[c->first];
    if (c->count == 0 || asked.xid != h->xid) {
        world_fail(w, "client %u is answered xid %" PRId32 " where %" PRId32 " should be", c->index, h->xid,
                   c->count == 0 ? 0 : asked.xid);
        return;
    }
    c->first = (c->first + 1) % CLIENT_ASKED_MAX;
    c->count--;
    if (c->reads) {
        take_read_only(w, c, &asked, h, body);
        return;
    }
    /* Where an epoch begins there is no txn: whoever is in step with its leader shows the same without that zxid. */
    const struct reference *ref = w->replicas->reference;
    if (reference_after(ref, h->zxid) < reference_after(ref, c->seen_zxid))
        world_fail(w, "reads: client %u has seen " ZXID " and is shown " ZXID " by %" PRId64, c->index,
                   HEX(c->seen_zxid), HEX(h->zxid), c->server->sid);
    c->seen_zxid = h->zxid;
    if (asked.type != OP_SET_WATCHES2)
        book_take_reply(w, c, h->zxid);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].type == asked.type) {
            rows[i].take(w, c, &asked, h, body);
            return;
        }
    take_write(w, c, &asked, h, body);
}

static void take_event(struct world *w, struct client *c, const struct reply_header *h, struct reader *reader)
{
    struct watcher_event event;
    CHECK(watcher_event_read(reader, &event) == ST_OK);
    if (c->reads)
        return;
    book_take_event(w, c, h->zxid, (enum watch_event)event.type, event.path);
    if (h->zxid > c->seen_zxid)
        c->seen_zxid = h->zxid;
}

void client_take(struct world *w, struct client *c, struct bytes frame)
{
    if (c->state == CLIENT_GREETING) {
        take_greeting(w, c, frame);
        return;
    }
    struct reader reader = reader_of(frame);
    struct reply_header h;
    CHECK(reply_header_read(&reader, &h) == ST_OK);
    if (h.xid == XID_EVENT)
        take_event(w, c, &h, &reader);
    else
        take_reply(w, c, &h, bytes_make(reader.at, reader_left(&reader)));
}
