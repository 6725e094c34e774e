/* snapshot_write.c - a tree put on paper while it changes.
 *
 * The label is the zxid at the beginning. Nodes created later are left out, those changed later are written as they are
 * when their turn comes: replay from the label brings both to the same end (quorum-protocol 4.6). The ACL map stands at
 * the front, so the lists in it are held until the end, and a node that got a list which is not in it is written with
 * one that permits nothing; the setACL that did it is replayed too.
 *
 * An exact one writes what is about to change, and all that is above it, before it changes, ahead of its turn; so no
 * node is written later than the label, and parents still come before their children. */
#include "core/base/array.h"
#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/store/snapshot.h"
#include "core/store/snapshot_format.h"

#include <stdlib.h>
#include <zlib.h>

struct snapshot_writer {
    struct tree *tree;
    struct tree_cursor cursor;
    int64_t zxid;
    uint32_t *acls; /* numbers in the map, rising; a list's id is its place, from 1 on */
    size_t acl_count, acl_cap;
    struct buffer sessions; /* as the file has them */
    struct buffer path;
    uLong adler;
    bool started;
    bool stream; /* between servers: no header, no seals */
    uint64_t nodes;

    /* Of an exact one. */
    bool exact;
    uint64_t digest;   /* at the label */
    uint64_t *written; /* a bit for each number that there was at the beginning */
    uint32_t numbers;
    struct buffer early; /* what could not wait for its turn */
    enum status early_status;
};

/* -- ACLs --------------------------------------------------------------------------------------------------------- */

static enum status add_acl(struct snapshot_writer *w, uint32_t number)
{
    uint32_t *acls = array_room(w->acls, w->acl_count, &w->acl_cap, sizeof *acls, 16);
    if (acls == NULL)
        return ST_NO_MEMORY;
    w->acls = acls;
    acl_hold(tree_acls(w->tree), number);
    w->acls[w->acl_count++] = number;
    return ST_OK;
}

static enum status hold_acls(struct snapshot_writer *w)
{
    const struct acl_table *t = tree_acls(w->tree);
    enum status st = ST_OK;
    for (uint32_t n = acl_next(t, 0); n != 0 && st == ST_OK; n = acl_next(t, n + 1))
        st = add_acl(w, n);
    return st;
}

static int order_of_numbers(const void *key, const void *item)
{
    uint32_t a = *(const uint32_t *)key, b = *(const uint32_t *)item;
    return (a > b) - (a < b);
}

/* Behind the lists of the map stand the empty list and the one that permits nothing. */
static int64_t acl_id(const struct snapshot_writer *w, uint32_t number)
{
    if (number == ACL_OPEN)
        return SNAPSHOT_ACL_OPEN;
    if (number == ACL_NONE)
        return (int64_t)w->acl_count + 1;
    const uint32_t *found = w->acl_count == 0
                                ? NULL
                                : bsearch(&number, w->acls, w->acl_count, sizeof *w->acls, order_of_numbers);
    return found == NULL ? (int64_t)w->acl_count + 2 : (int64_t)(found - w->acls) + 1;
}

static void write_acl_map(struct snapshot_writer *w, struct writer *out)
{
    static const struct acls empty = {0, {NULL, 0}};
    static const struct acls nobody = {1, {(const uint8_t *)"\0\0\0\0\0\0\0\005world\0\0\0\006anyone", 23}};
    write_i32(out, (int32_t)w->acl_count + 2);
    for (size_t i = 0; i < w->acl_count; i++) {
        write_i64(out, (int64_t)i + 1);
        write_acls(out, acl_get(tree_acls(w->tree), w->acls[i]));
    }
    write_i64(out, (int64_t)w->acl_count + 1);
    write_acls(out, empty);
    write_i64(out, (int64_t)w->acl_count + 2);
    write_acls(out, nobody);
}

/* -- sessions ----------------------------------------------------------------------------------------------------- */

static void add_session(void *context, const struct session *session)
{
    struct writer *out = context;
    write_i64(out, session->id);
    write_i32(out, session->timeout_ms);
}

static enum status copy_sessions(struct snapshot_writer *w, const struct sessions *sessions)
{
    struct writer out = writer_to(&w->sessions);
    write_i32(&out, (int32_t)sessions_count(sessions));
    sessions_each(sessions, add_session, &out);
    return out.status;
}

/* -- the stream --------------------------------------------------------------------------------------------------- */

struct snapshot_writer *snapshot_writer_new(struct tree *tree, const struct sessions *sessions, int64_t zxid)
{
    struct snapshot_writer *w = mem_calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    w->tree = tree;
    list_init(&w->cursor.link);
    w->zxid = zxid;
    w->adler = adler32_z(0, NULL, 0);
    enum status st = hold_acls(w);
    if (st == ST_OK)
        st = copy_sessions(w, sessions);
    if (st != ST_OK) {
        snapshot_writer_free(w);
        return NULL;
    }
    tree_cursor_start(tree, &w->cursor);
    return w;
}

void snapshot_writer_free(struct snapshot_writer *w)
{
    if (w == NULL)
        return;
    tree_cursor_stop(&w->cursor);
    for (size_t i = 0; i < w->acl_count && !w->cursor.lost; i++)
        acl_release(tree_acls(w->tree), w->acls[i]);
    mem_free(w->acls);
    buffer_free(&w->sessions);
    buffer_free(&w->path);
    buffer_free(&w->early);
    mem_free(w->written);
    mem_free(w);
}

struct snapshot_writer *snapshot_stream_writer_new(struct tree *tree, const struct sessions *sessions, int64_t zxid)
{
    struct snapshot_writer *w = snapshot_writer_new(tree, sessions, zxid);
    if (w != NULL)
        w->stream = true;
    return w;
}

static void write_start(struct snapshot_writer *w, struct writer *out)
{
    const struct file_header header = {SNAPSHOT_MAGIC, SNAPSHOT_VERSION, SNAPSHOT_DBID};
    if (!w->stream)
        file_header_write(out, &header);
    write_raw(out, buffer_bytes(&w->sessions));
    write_acl_map(w, out);
    buffer_free(&w->sessions);
    w->started = true;
}

static enum status write_node(struct snapshot_writer *w, struct writer *out, const struct tree_node *n)
{
    w->path.len = 0;
    enum status st = tree_path(w->tree, n, &w->path);
    if (st != ST_OK)
        return st;
    struct stat_persisted stat;
    tree_stat_persisted(n, &stat);
    write_text(out, w->path.len == 1 ? BYTES("") : buffer_bytes(&w->path)); /* the root's is "/" elsewhere */
    write_blob(out, tree_data(n));
    write_i64(out, acl_id(w, n->acl));
    stat_persisted_write(out, &stat);
    w->nodes++;
    return out->status;
}

/* -- exact ones --------------------------------------------------------------------------------------------------- */

/* What came later counts as written: it is left out. */
static bool is_written(const struct snapshot_writer *w, const struct tree_node *n)
{
    return n->czxid > w->zxid || n->number >= w->numbers || (w->written[n->number / 64] >> n->number % 64 & 1) != 0;
}

static enum status write_once(struct snapshot_writer *w, struct writer *out, const struct tree_node *n)
{
    if (is_written(w, n))
        return ST_OK;
    w->written[n->number / 64] |= UINT64_C(1) << n->number % 64;
    return write_node(w, out, n);
}

/* The node and what is above it, from the top on. Whatever is written has everything above it written. */
static void write_early(void *context, uint32_t number, const struct tree_node *n)
{
    struct snapshot_writer *w = context;
    struct writer out = writer_to(&w->early);
    (void)number;
    while (w->early_status == ST_OK && !is_written(w, n)) {
        const struct tree_node *top = n, *above;
        while ((above = tree_by_number(w->tree, top->parent)) != NULL && !is_written(w, above))
            top = above;
        w->early_status = write_once(w, &out, top);
    }
    if (w->early_status != ST_OK)
        buffer_free(&w->early);
}

struct snapshot_writer *snapshot_exact_writer_new(struct tree *tree, const struct sessions *sessions, int64_t zxid,
                                                  size_t early_max)
{
    struct snapshot_writer *w = snapshot_writer_new(tree, sessions, zxid);
    if (w == NULL)
        return NULL;
    w->exact = true;
    w->digest = tree_digest(tree);
    w->numbers = tree_numbers(tree);
    w->early.max = early_max;
    w->written = mem_calloc(w->numbers / 64 + 1, sizeof *w->written);
    if (w->written == NULL) {
        snapshot_writer_free(w);
        return NULL;
    }
    tree_cursor_show_changes(&w->cursor, write_early, w);
    return w;
}

static enum status put_early(struct snapshot_writer *w, struct buffer *out)
{
    enum status st = w->cursor.lost ? ST_NOT_FOUND : w->early_status;
    if (st == ST_OK && w->early.len > 0) {
        st = buffer_append(out, w->early.data, w->early.len);
        buffer_free(&w->early);
    }
    return st;
}

/* -- both --------------------------------------------------------------------------------------------------------- */

static void add_to_checksum(struct snapshot_writer *w, const struct buffer *out, size_t from)
{
    if (out->len > from && !w->stream)
        w->adler = adler32_z(w->adler, out->data + from, out->len - from);
}

enum status snapshot_encode_some(struct snapshot_writer *w, size_t nodes_max, struct buffer *out, bool *done)
{
    size_t from = out->len;
    struct writer to = writer_to(out);
    if (!w->started)
        write_start(w, &to);
    enum status st = to.status == ST_OK ? put_early(w, out) : to.status;
    *done = false;
    for (size_t i = 0; i < nodes_max && st == ST_OK && !*done; i++) {
        const struct tree_node *n = tree_cursor_next(w->tree, &w->cursor);
        if (n == NULL)
            *done = true;
        else if (w->exact)
            st = write_once(w, &to, n);
        else if (n->czxid <= w->zxid)
            st = write_node(w, &to, n);
    }
    add_to_checksum(w, out, from);
    return st;
}

static void write_seal(struct snapshot_writer *w, struct writer *out, size_t *from)
{
    if (out->status != ST_OK)
        return;
    add_to_checksum(w, out->out, *from);
    *from = out->out->len;
    write_i64(out, (int64_t)w->adler);
    write_text(out, SNAPSHOT_END);
}

enum status snapshot_encode_end(struct snapshot_writer *w, int64_t last_zxid, struct buffer *out)
{
    CHECK(w->started && !w->stream && last_zxid >= w->zxid && (!w->exact || last_zxid == w->zxid));
    size_t from = out->len;
    struct writer to = writer_to(out);
    write_text(&to, SNAPSHOT_END);
    write_seal(w, &to, &from);
    /* At zxid 0 there is no digest to compare: nothing was ever applied. */
    uint64_t number = last_zxid == 0 ? 0 : w->exact ? w->digest : tree_digest(w->tree);
    const struct txn_digest digest = {SNAPSHOT_DIGEST_VERSION, (int64_t)number};
    write_i64(&to, last_zxid);
    txn_digest_write(&to, &digest);
    write_seal(w, &to, &from);
    return to.status;
}

uint64_t snapshot_nodes(const struct snapshot_writer *w)
{
    return w->nodes;
}

size_t snapshot_early(const struct snapshot_writer *w)
{
    return w->early.len;
}

enum status snapshot_stream_end(struct snapshot_writer *w, struct buffer *out)
{
    CHECK(w->started && w->stream);
    struct writer to = writer_to(out);
    write_text(&to, SNAPSHOT_END);
    write_text(&to, SNAPSHOT_SIGNATURE);
    return to.status;
}

enum status snapshot_encode(struct tree *tree, const struct sessions *sessions, int64_t zxid, struct buffer *out)
{
    struct snapshot_writer *w = snapshot_writer_new(tree, sessions, zxid);
    if (w == NULL)
        return ST_NO_MEMORY;
    bool done = false;
    enum status st = snapshot_encode_some(w, SIZE_MAX, out, &done);
    if (st == ST_OK)
        st = snapshot_encode_end(w, zxid, out);
    snapshot_writer_free(w);
    return st;
}
