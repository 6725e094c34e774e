/* checkpoint_format.c - what a value looks like, and how damage in it is noticed. */
#include "core/store/checkpoint_format.h"

#include "core/base/check.h"
#include "core/base/crc.h"

enum { CRC_LEN = 4 };

static uint32_t checksum(enum checkpoint_space space, uint32_t key, struct bytes rest)
{
    uint8_t head[5] = {(uint8_t)space};
    be32_put(head + 1, key);
    return crc32_continue(crc32_continue(0, bytes_make(head, sizeof head)), rest);
}

struct checkpoint_value checkpoint_value_begin(struct writer *w)
{
    struct checkpoint_value value = {w->out, w->out->len};
    write_i32(w, 0);
    write_i32(w, CHECKPOINT_FORMAT);
    return value;
}

void checkpoint_value_end(const struct checkpoint_value *value, struct writer *w, enum checkpoint_space space,
                          uint32_t key)
{
    if (w->status != ST_OK)
        return;
    struct bytes whole = bytes_from(buffer_bytes(value->out), value->start);
    write_i32_at(w, value->start, (int32_t)checksum(space, key, bytes_from(whole, CRC_LEN)));
}

enum status checkpoint_value_open(enum checkpoint_space space, uint32_t key, struct bytes value, struct reader *r)
{
    *r = reader_of(value);
    uint32_t crc = (uint32_t)read_i32(r);
    if (r->status != ST_OK || crc != checksum(space, key, bytes_from(value, CRC_LEN)))
        return ST_CORRUPT;
    int32_t format = read_i32(r);
    if (r->status != ST_OK || format < 1)
        return ST_CORRUPT;
    return format > CHECKPOINT_FORMAT ? ST_UNSUPPORTED : ST_OK;
}

/* -- nodes -------------------------------------------------------------------------------------------------------- */

/* A null list stands for the open one, which nearly every node has. */
static const uint8_t open_entry[] = {0,   0, 0, 31, 0, 0,   0,   5,   'w', 'o', 'r', 'l',
                                     'd', 0, 0, 0,  6, 'a', 'n', 'y', 'o', 'n', 'e'};

static bool is_open(struct acls acl)
{
    return acl.count == 1 && bytes_equal(acl.raw, bytes_make(open_entry, sizeof open_entry));
}

enum status checkpoint_node_encode(struct buffer *out, uint32_t number, const struct checkpoint_node *node)
{
    struct writer w = writer_to(out);
    struct checkpoint_value value = checkpoint_value_begin(&w);
    write_i32(&w, (int32_t)node->parent);
    write_text(&w, node->name);
    write_blob(&w, node->data);
    write_acls(&w, is_open(node->acl) ? (struct acls){-1, {NULL, 0}} : node->acl);
    stat_persisted_write(&w, &node->stat);
    checkpoint_value_end(&value, &w, CHECKPOINT_NODES, number);
    return w.status;
}

enum status checkpoint_node_decode(uint32_t number, struct bytes value, struct checkpoint_node *node)
{
    struct reader r;
    enum status st = checkpoint_value_open(CHECKPOINT_NODES, number, value, &r);
    if (st != ST_OK)
        return st;
    node->parent = (uint32_t)read_i32(&r);
    node->name = read_text(&r);
    node->data = read_blob(&r);
    node->acl = read_acls(&r);
    if (node->acl.count < 0)
        node->acl = (struct acls){1, {open_entry, sizeof open_entry}};
    if (stat_persisted_read(&r, &node->stat) != ST_OK || reader_left(&r) != 0 || bytes_is_null(node->name))
        return ST_CORRUPT;
    return ST_OK;
}

/* -- meta --------------------------------------------------------------------------------------------------------- */

void checkpoint_meta_encode(struct writer *w, const struct checkpoint_meta *meta)
{
    struct checkpoint_value value = checkpoint_value_begin(w);
    write_i64(w, meta->from);
    write_i64(w, meta->to);
    write_boolean(w, meta->complete);
    write_i64(w, (int64_t)meta->nodes);
    write_i64(w, (int64_t)meta->digest);
    write_i32(w, (int32_t)meta->session_values);
    write_i64(w, meta->dbid);
    checkpoint_value_end(&value, w, CHECKPOINT_META, CHECKPOINT_META_KEY);
}

static enum status decode_meta(void *context, uint32_t key, struct bytes value)
{
    struct checkpoint_meta *meta = context;
    struct reader r;
    enum status st = checkpoint_value_open(CHECKPOINT_META, key, value, &r);
    if (st != ST_OK)
        return st;
    meta->from = read_i64(&r);
    meta->to = read_i64(&r);
    meta->complete = read_boolean(&r);
    meta->nodes = (uint64_t)read_i64(&r);
    meta->digest = (uint64_t)read_i64(&r);
    meta->session_values = (uint32_t)read_i32(&r);
    meta->dbid = read_i64(&r);
    bool sane = r.status == ST_OK && reader_left(&r) == 0 && meta->to >= 0 && meta->from <= meta->to;
    return sane && (!meta->complete || meta->from == meta->to) ? ST_OK : ST_CORRUPT;
}

enum status checkpoint_read_meta(const struct checkpoint_store *store, struct checkpoint_meta *meta)
{
    *meta = (struct checkpoint_meta){.from = -1, .to = -1};
    return store->get(store->context, CHECKPOINT_META, CHECKPOINT_META_KEY, decode_meta, meta);
}
