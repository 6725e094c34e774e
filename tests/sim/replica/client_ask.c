/* client_ask.c - what clients ask: one row for each kind of request, with how often it comes. */
#include "core/base/array.h"
#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/jute/txn.h"
#include "core/ops/op.h"
#include "tests/sim/ensemble.h"
#include "tests/sim/replica/client.h"
#include "tests/sim/replica/member.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    XID_PING = -2,
    XID_SET_WATCHES = -8,
    FLAG_EPHEMERAL = 1,
    FLAG_SEQUENTIAL = 2,
    FLAGS_CONTAINER = 4,
    FLAGS_TTL = 5,
    WATCHES_ASKED_MAX = CLIENT_WATCHES_MAX - CLIENT_ASKED_MAX / 2,
    PARENTS = 4,
    CHILDREN = 3,
};

/* One request being written. */
struct asking {
    struct world *w;
    struct client *c;
    struct buffer frame;
    struct writer writer;
    struct asked asked;
};

/* -- parts ----------------------------------------------------------------------------------------------------------
 */

static void begin(struct asking *a, struct world *w, struct client *c, int32_t xid, int32_t type)
{
    const struct clients *clients = w->replicas->clients;
    *a = (struct asking){.w = w, .c = c};
    a->writer = writer_to(&a->frame);
    a->asked = (struct asked){.xid = xid, .type = type, .floor = clients->acked, .acks = clients->ack_count};
    request_header_write(&a->writer, &(struct request_header){xid, type});
}

static void finish(struct asking *a)
{
    struct client *c = a->c;
    CHECK(a->writer.status == ST_OK && c->count < CLIENT_ASKED_MAX);
    c->asked[(c->first + c->count++) % CLIENT_ASKED_MAX] = a->asked;
    client_send(a->w, c, buffer_bytes(&a->frame));
    buffer_free(&a->frame);
}

static uint32_t below(struct asking *a, uint32_t n)
{
    return random_below(&a->w->random, n);
}

/* "/n2" or "/n2/k1". */
static struct bytes choose_path(struct asking *a, bool child)
{
    uint32_t parent = below(a, PARENTS);
    int len = child ? snprintf(a->asked.path, CLIENT_PATH_MAX, "/n%" PRIu32 "/k%" PRIu32, parent, below(a, CHILDREN))
                    : snprintf(a->asked.path, CLIENT_PATH_MAX, "/n%" PRIu32, parent);
    return bytes_make(a->asked.path, (size_t)len);
}

static struct bytes any_path(struct asking *a)
{
    return choose_path(a, below(a, 3) > 0);
}

/* Data tells every write from every other. */
static void write_data(struct asking *a)
{
    char data[48];
    uint64_t number = ++a->w->replicas->clients->writes;
    int len = snprintf(data, sizeof data, "write %" PRIu64 " of %u", number, a->c->index);
    write_blob(&a->writer, bytes_make(data, (size_t)len));
}

static void write_open_acl(struct asking *a)
{
    write_i32(&a->writer, 1);
    acl_entry_write(&a->writer, &(struct acl_entry){31, BYTES("world"), BYTES("anyone")});
}

static int32_t any_version(struct asking *a)
{
    return below(a, 3) > 0 ? -1 : (int32_t)below(a, 4);
}

/* -- bodies ---------------------------------------------------------------------------------------------------------
 */

static int32_t create_flags(struct asking *a, struct bytes *path)
{
    switch (below(a, 6)) {
    case 0: return FLAG_EPHEMERAL;
    case 1:
    case 2: {
        /* "/n1/s-0000000007" */
        int len = snprintf(a->asked.path, CLIENT_PATH_MAX, "/n%" PRIu32 "/s-", below(a, PARENTS));
        *path = bytes_make(a->asked.path, (size_t)len);
        return below(a, 2) ? FLAG_SEQUENTIAL : FLAG_SEQUENTIAL | FLAG_EPHEMERAL;
    }
    default: return 0;
    }
}

static void body_create(struct asking *a)
{
    struct bytes path = any_path(a);
    int32_t flags = create_flags(a, &path);
    write_text(&a->writer, path);
    write_data(a);
    write_open_acl(a);
    write_i32(&a->writer, flags);
}

static void body_container(struct asking *a)
{
    write_text(&a->writer, any_path(a));
    write_data(a);
    write_open_acl(a);
    write_i32(&a->writer, FLAGS_CONTAINER);
}

static void body_ttl(struct asking *a)
{
    write_text(&a->writer, any_path(a));
    write_data(a);
    write_open_acl(a);
    write_i32(&a->writer, FLAGS_TTL);
    write_i64(&a->writer, 1 + below(a, 40 * (uint32_t)a->w->plan.tick_ms));
}

static void body_path_version(struct asking *a)
{
    write_text(&a->writer, any_path(a));
    write_i32(&a->writer, any_version(a));
}

static void body_set_data(struct asking *a)
{
    write_text(&a->writer, any_path(a));
    write_data(a);
    write_i32(&a->writer, any_version(a));
}

static void body_set_acl(struct asking *a)
{
    write_text(&a->writer, any_path(a));
    write_open_acl(a);
    write_i32(&a->writer, any_version(a));
}

static void body_read(struct asking *a)
{
    write_text(&a->writer, any_path(a));
    a->asked.watch = below(a, 2) == 0 && a->c->book.count < WATCHES_ASKED_MAX;
    write_boolean(&a->writer, a->asked.watch);
}

static void body_path(struct asking *a)
{
    write_text(&a->writer, any_path(a));
}

static void body_add_watch(struct asking *a)
{
    bool root = below(a, 8) == 0;
    if (root)
        (void)snprintf(a->asked.path, sizeof a->asked.path, "/");
    write_text(&a->writer, root ? BYTES("/") : any_path(a));
    a->asked.mode = (int32_t)below(a, 2);
    write_i32(&a->writer, a->asked.mode);
}

static void body_remove_watches(struct asking *a)
{
    write_text(&a->writer, any_path(a));
    write_i32(&a->writer, WATCHER_ANY);
}

/* Of what it takes the members to be; who leads knows better. */
static void body_reconfig(struct asking *a)
{
    struct config_change change;
    config_change_draw(a->w, a->w->config, &change);
    const struct reconfig_request request = config_change_request(&change);
    reconfig_request_write(&a->writer, &request);
    config_change_free(&change);
}

static void body_nothing(struct asking *a)
{
    (void)a;
}

static void body_multi(struct asking *a)
{
    static const struct {
        int32_t type;
        void (*write)(struct asking *a);
    } parts[] = {
        {TXN_CREATE, body_create},       {TXN_CREATE, body_create},      {TXN_SET_DATA, body_set_data},
        {TXN_DELETE, body_path_version}, {TXN_CHECK, body_path_version},
    };
    for (uint32_t i = 1 + below(a, 4); i > 0; i--) {
        uint32_t part = below(a, ARRAY_LEN(parts));
        multi_header_write(&a->writer, &(struct multi_header){parts[part].type, false, -1});
        parts[part].write(a);
    }
    multi_header_write(&a->writer, &(struct multi_header){-1, true, -1});
}

/* -- requests -------------------------------------------------------------------------------------------------------
 */

static const struct request_row {
    int32_t type;
    uint32_t share;
    void (*body)(struct asking *a);
} rows[] = {
    {TXN_CREATE, 14, body_create},
    {TXN_CREATE2, 6, body_create},
    {TXN_CREATE_CONTAINER, 1, body_container},
    {TXN_CREATE_TTL, 1, body_ttl},
    {TXN_DELETE, 10, body_path_version},
    {TXN_SET_DATA, 16, body_set_data},
    {TXN_SET_ACL, 2, body_set_acl},
    {TXN_MULTI, 10, body_multi},
    {OP_GET_DATA, 10, body_read},
    {OP_EXISTS, 8, body_read},
    {OP_GET_CHILDREN, 6, body_read},
    {OP_GET_CHILDREN2, 4, body_read},
    {OP_NUMBER_SYNC, 8, body_path},
    {OP_ADD_WATCH, 2, body_add_watch},
    {OP_REMOVE_WATCHES, 1, body_remove_watches},
    {TXN_CLOSE_SESSION, 1, body_nothing},
};

static void ask(struct world *w, struct client *c, const struct request_row *row)
{
    struct asking a;
    if (row->type == OP_ADD_WATCH && c->book.count >= WATCHES_ASKED_MAX)
        return;
    begin(&a, w, c, c->next_xid++, row->type);
    row->body(&a);
    if (row->type == TXN_CLOSE_SESSION) {
        void *xid = (void *)(uintptr_t)((uint32_t)a.asked.xid + 1);
        CHECK(map64_put(&w->replicas->clients->closes, (uint64_t)c->session, xid) == ST_OK);
        c->closing = true;
    }
    finish(&a);
}

void client_ask_something(struct world *w, struct client *c)
{
    if (w->plan.reconfigs && world_chance(w, w->plan.change_every)) {
        ask(w, c, &(struct request_row){TXN_RECONFIG, 0, body_reconfig});
        return;
    }
    uint32_t all = 0, at = 0;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        all += rows[i].share;
    uint32_t chosen = random_below(&w->random, all);
    size_t i = 0;
    while (chosen >= at + rows[i].share)
        at += rows[i++].share;
    ask(w, c, &rows[i]);
}

void client_ask_write(struct world *w, struct client *c)
{
    ask(w, c, &(struct request_row){TXN_SET_DATA, 0, body_set_data});
}

void client_ping(struct world *w, struct client *c)
{
    struct asking a;
    if (c->count >= CLIENT_ASKED_MAX)
        return;
    begin(&a, w, c, XID_PING, OP_NUMBER_PING);
    finish(&a);
}

/* -- setWatches -----------------------------------------------------------------------------------------------------
 */

static void write_kind(struct asking *a, enum watch_kind kind)
{
    const struct watch_book *book = &a->c->book;
    struct buffer raw = {0};
    struct writer writer = writer_to(&raw);
    int32_t count = 0;
    for (size_t i = 0; i < book->count; i++)
        if (book->items[i].kind == kind) {
            write_text(&writer, bytes_of(book->items[i].path));
            count++;
        }
    CHECK(writer.status == ST_OK);
    write_texts(&a->writer, (struct texts){count, buffer_bytes(&raw)});
    buffer_free(&raw);
}

void client_set_watches(struct world *w, struct client *c)
{
    struct asking a;
    begin(&a, w, c, XID_SET_WATCHES, OP_SET_WATCHES2);
    c->book.since = c->seen_zxid;
    write_i64(&a.writer, c->seen_zxid);
    for (int kind = OWED_DATA; kind <= OWED_RECURSIVE; kind++)
        write_kind(&a, (enum watch_kind)kind);
    finish(&a);
}
