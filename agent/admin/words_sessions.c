/* words_sessions.c - the words that list sessions, connections and watches: cons, dump, wchs, wchc, wchp.
 *
 * What they print grows with the number of clients, so it is bounded: the words are for people, and the loop waits
 * while they are made (CVE-2017-5637). */
#include "agent/admin/words_text.h"

#include "agent/admin/ensemble_report.h"
#include "agent/base/address.h"
#include "core/base/array.h"
#include "core/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

enum { LISTING_BYTES_MAX = 8 << 20, ROWS_FIRST = 64 };

struct listing {
    const struct overview *overview;
    struct buffer *text;
    const struct sessions *sessions; /* whose buckets are being printed */
    int64_t last_key;                /* session or bucket whose lines are being printed */
    struct bytes last_path;
    uint64_t count;
    bool is_cut;
    enum status status;
};

/* True: no more room, or something failed. */
static bool is_done(struct listing *l)
{
    l->is_cut |= l->text->len > LISTING_BYTES_MAX;
    return l->is_cut || l->status != ST_OK;
}

static enum status finish(struct listing *l)
{
    if (l->status == ST_OK && l->is_cut)
        l->status = buffer_printf(l->text, "(cut after %d bytes)\n", (int)LISTING_BYTES_MAX);
    return l->status;
}

static void list_connection(void *context, const struct front_connection *c)
{
    struct listing *l = context;
    struct replica_client i = {0};
    if (is_done(l))
        return;
    replica_client(l->overview->replica, c->client, &i);
    l->status = buffer_printf(l->text, " %s[%" PRIx32 "](queued=%" PRIu32 ",recved=%" PRIu64 ",sent=%" PRIu64,
                              c->remote, c->interest_ops, i.queued, i.received, i.sent);
    if (l->status == ST_OK && i.session_id != 0) {
        l->status = buffer_printf(l->text, ",sid=0x%" PRIx64 ",lop=%s,est=%" PRId64 ",to=%d", (uint64_t)i.session_id,
                                  i.last_op, i.established_ms, (int)i.timeout_ms);
        if (l->status == ST_OK && i.last_cxid >= 0)
            l->status = buffer_printf(l->text, ",lcxid=0x%" PRIx32, (uint32_t)i.last_cxid);
        if (l->status == ST_OK)
            l->status = buffer_printf(l->text,
                                      ",lzxid=0x%" PRIx64 ",lresp=%" PRId64 ",llat=%" PRId64 ",minlat=%" PRId64
                                      ",avglat=%" PRId64 ",maxlat=%" PRId64,
                                      (uint64_t)i.last_zxid, i.last_response_ms, i.latency_ms_last, i.latency_ms_min,
                                      (int64_t)i.latency_ms_avg, i.latency_ms_max);
    }
    if (l->status == ST_OK)
        l->status = buffer_printf(l->text, ")\n");
}

enum status words_cons(const struct overview *o, struct bytes argument, struct buffer *text)
{
    (void)argument;
    struct listing l = {.overview = o, .text = text};
    front_each_connection(doors_front(o->doors), list_connection, &l);
    enum status st = finish(&l);
    return st == ST_OK ? buffer_printf(text, "\n") : st;
}

/* -- dump --------------------------------------------------------------------------------------------------------- */

/* As Java's Date prints it: "Sun Nov 22 11:01:00 UTC 2026". */
static enum status write_expiry(struct buffer *text, uint64_t count, int64_t monotonic_ms)
{
    int64_t from_now_ms = monotonic_ms - (int64_t)(uv_hrtime() / 1000000);
    time_t when = time(NULL) + (time_t)(from_now_ms / 1000);
    struct tm utc;
    char date[64];
    gmtime_r(&when, &utc);
    strftime(date, sizeof date, "%a %b %d %H:%M:%S UTC %Y", &utc);
    return buffer_printf(text, "%" PRIu64 " expire at %s:\n", count, date);
}

static void count_bucket(void *context, const struct session *session)
{
    struct listing *l = context;
    l->count += session->expires_ms != l->last_key;
    l->last_key = session->expires_ms;
}

/* Sessions of one bucket come in a row; the line above them says how many they are. */
struct bucket_size {
    int64_t expires_ms;
    uint64_t count;
};

static void count_in_bucket(void *context, const struct session *session)
{
    struct bucket_size *size = context;
    size->count += session->expires_ms == size->expires_ms;
}

static void list_session(void *context, const struct session *session)
{
    struct listing *l = context;
    if (is_done(l))
        return;
    if (session->expires_ms != l->last_key) {
        struct bucket_size size = {session->expires_ms, 0};
        sessions_each(l->sessions, count_in_bucket, &size);
        l->last_key = session->expires_ms;
        l->status = write_expiry(l->text, size.count, session->expires_ms);
    }
    if (l->status == ST_OK)
        l->status = buffer_printf(l->text, "\t0x%" PRIx64 "\n", (uint64_t)session->id);
}

static void count_owner(void *context, int64_t session, const uint32_t *numbers, size_t count)
{
    (void)session;
    (void)numbers;
    (void)count;
    ((struct listing *)context)->count++;
}

static void list_owner(void *context, int64_t session, const uint32_t *numbers, size_t count)
{
    struct listing *l = context;
    struct tree *tree = replica_tree(l->overview->replica);
    if (is_done(l))
        return;
    l->status = buffer_printf(l->text, "0x%" PRIx64 ":\n", (uint64_t)session);
    for (size_t i = 0; i < count && !is_done(l); i++) {
        l->status = buffer_printf(l->text, "\t");
        if (l->status == ST_OK)
            l->status = tree_path(tree, tree_by_number(tree, numbers[i]), l->text);
        if (l->status == ST_OK)
            l->status = buffer_printf(l->text, "\n");
    }
}

/* A connection, as it is listed, and when it ends unless more is heard of it: in whole seconds, as it is shown. */
struct socket_row {
    int64_t expires_ms, session;
    char remote[ADDRESS_TEXT_SIZE];
};

struct socket_rows {
    struct listing *listing;
    struct socket_row *items;
    size_t count, cap;
};

/* With its session, which every member touches for its own clients; before there is one, for want of it; now, while the
 * session that it asked for is not there yet, or it is closed already. */
static int64_t socket_expires_ms(const struct replica *r, const struct front_connection *c, int64_t id)
{
    const struct session *session = sessions_get(replica_local_sessions(r), id);
    if (session == NULL)
        session = sessions_get(replica_sessions(r), id);
    const int64_t now_ms = (int64_t)(uv_hrtime() / 1000000);
    const int64_t ms = session != NULL ? session->expires_ms : c->deadline_ms != 0 ? c->deadline_ms : now_ms;
    return ms / 1000 * 1000;
}

static void add_socket(void *context, const struct front_connection *c)
{
    struct socket_rows *rows = context;
    struct listing *l = rows->listing;
    l->is_cut |= rows->count * sizeof *rows->items > LISTING_BYTES_MAX;
    if (is_done(l))
        return;
    struct socket_row *items = array_room(rows->items, rows->count, &rows->cap, sizeof *items, ROWS_FIRST);
    if (items == NULL) {
        l->status = ST_NO_MEMORY;
        return;
    }
    rows->items = items;
    struct socket_row *row = &items[rows->count++];
    row->session = replica_client_session(l->overview->replica, c->client);
    row->expires_ms = socket_expires_ms(l->overview->replica, c, row->session);
    (void)snprintf(row->remote, sizeof row->remote, "%s", c->remote);
}

static int compare_sockets(const void *a, const void *b)
{
    const struct socket_row *one = a, *other = b;
    return (one->expires_ms > other->expires_ms) - (one->expires_ms < other->expires_ms);
}

/* How many from here on end at once. */
static size_t set_size(const struct socket_rows *rows, size_t from)
{
    size_t size = 1;
    while (from + size < rows->count && rows->items[from + size].expires_ms == rows->items[from].expires_ms)
        size++;
    return size;
}

static void list_sockets(struct listing *l)
{
    struct socket_rows rows = {.listing = l};
    struct front_status front;
    size_t sets = 0;
    front_status(doors_front(l->overview->doors), &front);
    front_each_connection(doors_front(l->overview->doors), add_socket, &rows);
    if (rows.count > 0)
        qsort(rows.items, rows.count, sizeof *rows.items, compare_sockets);
    for (size_t i = 0; i < rows.count; i += set_size(&rows, i))
        sets++;
    if (l->status == ST_OK)
        l->status = buffer_printf(l->text, "Connections dump:\nConnections Sets (%zu)/(%" PRIu32 "):\n", sets,
                                  front.connections);
    for (size_t i = 0, next = 0; i < rows.count && l->status == ST_OK; i++) {
        if (i == next) {
            l->status = write_expiry(l->text, set_size(&rows, i), rows.items[i].expires_ms);
            next += set_size(&rows, i);
        }
        if (l->status == ST_OK)
            l->status = buffer_printf(l->text, "\tip: %s sessionId: 0x%" PRIx64 "\n", rows.items[i].remote,
                                      (uint64_t)rows.items[i].session);
    }
    mem_free(rows.items);
}

/* A learner leaves the expiry of the ensemble's sessions to its leader. */
static void list_global_session(void *context, const struct session *session)
{
    struct listing *l = context;
    if (!is_done(l))
        l->status = buffer_printf(l->text, "0x%" PRIx64 "\t%" PRId32 "ms\n", (uint64_t)session->id,
                                  session->timeout_ms);
}

/* `kind` stands before what Apache's tracker of those sessions prints. */
static void list_buckets(struct listing *l, const char *kind, const struct sessions *sessions)
{
    l->count = 0;
    l->last_key = INT64_MIN;
    sessions_each(sessions, count_bucket, l);
    if (l->status == ST_OK)
        l->status = buffer_printf(l->text, "%sSession Sets (%" PRIu64 ")/(%zu):\n", kind, l->count,
                                  sessions_count(sessions));
    l->last_key = INT64_MIN;
    l->sessions = sessions;
    sessions_each(sessions, list_session, l);
}

static void list_sessions(struct listing *l)
{
    const struct overview *o = l->overview;
    const struct sessions *sessions = replica_sessions(o->replica);
    struct ensemble_report report;
    ensemble_report(o, &report);
    bool has_local = report.is_ensemble && (o->settings->local_sessions_enabled || o->is_read_only);
    l->status = buffer_printf(l->text, "SessionTracker dump:\n");
    if (has_local)
        list_buckets(l, "Local ", replica_local_sessions(o->replica));
    if (!report.is_ensemble || report.role == ZAB_LEADING) {
        list_buckets(l, has_local ? "Global " : "", sessions);
        return;
    }
    if (l->status == ST_OK)
        l->status = buffer_printf(l->text, "Global Sessions(%zu):\n", sessions_count(sessions));
    sessions_each(sessions, list_global_session, l);
}

enum status words_dump(const struct overview *o, struct bytes argument, struct buffer *text)
{
    (void)argument;
    struct tree *tree = replica_tree(o->replica);
    struct listing l = {.overview = o, .text = text, .last_key = INT64_MIN};
    list_sessions(&l);
    l.count = 0;
    tree_each_owner(tree, count_owner, &l);
    if (l.status == ST_OK)
        l.status = buffer_printf(text, "ephemeral nodes dump:\nSessions with Ephemerals (%" PRIu64 "):\n", l.count);
    tree_each_owner(tree, list_owner, &l);
    list_sockets(&l);
    return finish(&l);
}

/* -- watches ------------------------------------------------------------------------------------------------------ */

enum status words_wchs(const struct overview *o, struct bytes argument, struct buffer *text)
{
    (void)argument;
    struct watch_counts counts = watches_count(replica_watches(o->replica));
    return buffer_printf(text, "%" PRIu64 " connections watching %" PRIu64 " paths\nTotal watches:%" PRIu64 "\n",
                         counts.data_watchers, counts.data_paths, counts.data);
}

static void list_by_watcher(void *context, uint64_t watcher, struct bytes path)
{
    struct listing *l = context;
    if (is_done(l))
        return;
    int64_t session = replica_client_session(l->overview->replica, watcher);
    if (session != l->last_key)
        l->status = buffer_printf(l->text, "0x%" PRIx64 "\n", (uint64_t)session);
    l->last_key = session;
    if (l->status == ST_OK)
        l->status = buffer_printf(l->text, "\t%.*s\n", BYTES_PRINT(path));
}

enum status words_wchc(const struct overview *o, struct bytes argument, struct buffer *text)
{
    (void)argument;
    struct listing l = {.overview = o, .text = text};
    watches_each_by_watcher(replica_watches(o->replica), list_by_watcher, &l);
    enum status st = finish(&l);
    return st == ST_OK ? buffer_printf(text, "\n") : st;
}

static void list_by_path(void *context, uint64_t watcher, struct bytes path)
{
    struct listing *l = context;
    if (is_done(l))
        return;
    if (!bytes_equal(path, l->last_path))
        l->status = buffer_printf(l->text, "%.*s\n", BYTES_PRINT(path));
    l->last_path = path;
    int64_t session = replica_client_session(l->overview->replica, watcher);
    if (l->status == ST_OK)
        l->status = buffer_printf(l->text, "\t0x%" PRIx64 "\n", (uint64_t)session);
}

enum status words_wchp(const struct overview *o, struct bytes argument, struct buffer *text)
{
    (void)argument;
    struct listing l = {.overview = o, .text = text};
    watches_each_by_path(replica_watches(o->replica), list_by_path, &l);
    enum status st = finish(&l);
    return st == ST_OK ? buffer_printf(text, "\n") : st;
}
