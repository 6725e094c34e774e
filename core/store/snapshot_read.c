/* snapshot_read.c - a snapshot taken in as it comes, file or stream: one element after the other, each only once it is
 * there whole. */
#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/store/snapshot_format.h"
#include "core/store/snapshot_internal.h"

enum {
    TAIL_MAX = 1024,        /* bytes that may stand behind the last node: three seals and what they seal */
    NODE_TAIL_LEN = 8 + 60, /* ACL and stat, behind a node's data */
};

struct acl_item {
    int32_t count;
    size_t len;
    uint8_t raw[];
};

/* -- elements: ST_TRUNCATED asks for more bytes -------------------------------------------------------------------- */

static enum status step_signature(struct snapshot_reader *r, struct reader *in);
static enum status step_node(struct snapshot_reader *r, struct reader *in);
static enum status step_acl(struct snapshot_reader *r, struct reader *in);
static enum status step_acl_count(struct snapshot_reader *r, struct reader *in);
static enum status step_session(struct snapshot_reader *r, struct reader *in);
static enum status step_session_count(struct snapshot_reader *r, struct reader *in);

static enum status step_header(struct snapshot_reader *r, struct reader *in)
{
    struct file_header header;
    enum status st = file_header_read(in, &header);
    if (st != ST_OK)
        return st;
    if (header.magic != SNAPSHOT_MAGIC)
        return snapshot_corrupt(r, "the file does not begin like a snapshot");
    if (header.version != SNAPSHOT_VERSION)
        return snapshot_corrupt(r, "the file is of another version than 2");
    r->step = step_session_count;
    return ST_OK;
}

static enum status step_session_count(struct snapshot_reader *r, struct reader *in)
{
    r->left = read_i32(in);
    if (in->status != ST_OK)
        return in->status;
    if (r->left < 0)
        return snapshot_corrupt(r, "the number of sessions is negative");
    r->step = r->left > 0 ? step_session : step_acl_count;
    return ST_OK;
}

static enum status step_session(struct snapshot_reader *r, struct reader *in)
{
    int64_t id = read_i64(in);
    int32_t timeout_ms = read_i32(in);
    if (in->status != ST_OK)
        return in->status;
    r->info.sessions++;
    if (--r->left == 0)
        r->step = step_acl_count;
    return sessions_put(r->sessions, id, timeout_ms, r->now_ms);
}

static enum status step_acl_count(struct snapshot_reader *r, struct reader *in)
{
    r->left = read_i32(in);
    if (in->status != ST_OK)
        return in->status;
    if (r->left < 0)
        return snapshot_corrupt(r, "the number of ACLs is negative");
    r->step = r->left > 0 ? step_acl : step_node;
    return ST_OK;
}

static enum status keep_acl(struct snapshot_reader *r, int64_t id, struct acls list)
{
    if (map64_get(&r->acls, (uint64_t)id) != NULL)
        return snapshot_corrupt(r, "two ACLs have one id");
    struct acl_item *item = mem_alloc(sizeof *item + list.raw.len);
    if (item == NULL)
        return ST_NO_MEMORY;
    item->count = list.count;
    item->len = list.raw.len;
    if (list.raw.len > 0)
        memcpy(item->raw, list.raw.data, list.raw.len);
    enum status st = map64_put(&r->acls, (uint64_t)id, item);
    if (st != ST_OK)
        mem_free(item);
    return st;
}

static enum status step_acl(struct snapshot_reader *r, struct reader *in)
{
    int64_t id = read_i64(in);
    struct acls list = read_acls(in);
    if (in->status != ST_OK)
        return in->status;
    r->info.acls++;
    if (--r->left == 0)
        r->step = step_node;
    return keep_acl(r, id, list);
}

/* The root, or absolute without an empty part; the tree itself checks that the parent is there. */
static bool path_is_sane(struct bytes path)
{
    if (path.len == 0)
        return !bytes_is_null(path);
    if (path.data[0] != '/' || path.data[path.len - 1] == '/')
        return false;
    for (size_t i = 1; i < path.len; i++) {
        if (path.data[i] == '/' && path.data[i - 1] == '/')
            return false;
    }
    return true;
}

static enum status load_node(struct snapshot_reader *r, struct bytes path, struct bytes data, int64_t acl,
                             const struct stat_persisted *stat)
{
    static const struct acls open = {1, {(const uint8_t *)"\0\0\0\037\0\0\0\005world\0\0\0\006anyone", 23}};
    const struct acl_item *item = acl == SNAPSHOT_ACL_OPEN ? NULL : map64_get(&r->acls, (uint64_t)acl);
    if (acl != SNAPSHOT_ACL_OPEN && item == NULL)
        return snapshot_corrupt(r, "a node has an ACL that is not in the file");
    if (!path_is_sane(path))
        return snapshot_corrupt(r, "a node has an impossible path");
    struct acls list = item == NULL ? open : (struct acls){item->count, {item->raw, item->len}};
    enum status st = tree_load(r->tree, path, data, list, stat);
    if (st == ST_OK || st == ST_NO_MEMORY)
        return st;
    return snapshot_corrupt(r, st == ST_NO_NODE ? "a node comes before its parent"
                                                : "a node cannot be taken in, or comes twice");
}

static enum status step_node(struct snapshot_reader *r, struct reader *in)
{
    struct bytes path = read_text(in);
    if (in->status != ST_OK)
        return in->status;
    if (bytes_equal(path, SNAPSHOT_END)) {
        r->step = r->element_max > 0 ? step_signature : NULL;
        return ST_OK;
    }
    struct bytes data = read_blob(in);
    int64_t acl = read_i64(in);
    struct stat_persisted stat;
    if (stat_persisted_read(in, &stat) != ST_OK)
        return in->status;
    r->info.nodes++;
    return load_node(r, path, data, acl, &stat);
}

static enum status step_signature(struct snapshot_reader *r, struct reader *in)
{
    bool wrong = reader_left(in) >= 4 && be32_get(in->at) != SNAPSHOT_SIGNATURE.len;
    struct bytes text = read_text(in);
    if (!wrong && in->status != ST_OK)
        return in->status;
    if (wrong || !bytes_equal(text, SNAPSHOT_SIGNATURE))
        return snapshot_corrupt(r, "the signature behind the last node is missing");
    r->step = NULL;
    return ST_OK;
}

/* How many bytes the node that begins there has at least, as far as its lengths have come. */
static enum status node_size(struct snapshot_reader *r, struct bytes in, uint64_t *size)
{
    *size = 4;
    if (in.len < *size)
        return ST_OK;
    int32_t path_len = (int32_t)be32_get(in.data);
    *size += 4 + (uint32_t)path_len;
    if (path_len < 0 || (in.len >= *size && (int32_t)be32_get(in.data + *size - 4) < -1))
        return snapshot_corrupt(r, "a length in a node is negative");
    if (in.len < *size)
        return ST_OK;
    int32_t data_len = (int32_t)be32_get(in.data + *size - 4);
    *size += (data_len > 0 ? (uint32_t)data_len : 0) + NODE_TAIL_LEN;
    return ST_OK;
}

/* -- feeding ------------------------------------------------------------------------------------------------------ */

static struct snapshot_reader *reader_new(struct tree *tree, struct sessions *sessions, int64_t now_ms)
{
    struct snapshot_reader *r = mem_calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    *r = (struct snapshot_reader){.tree = tree, .sessions = sessions, .now_ms = now_ms, .step = step_header};
    r->adler = adler32_z(0, NULL, 0);
    tree_load_begin(tree);
    return r;
}

struct snapshot_reader *snapshot_reader_new(struct tree *tree, struct sessions *sessions, int64_t now_ms)
{
    return reader_new(tree, sessions, now_ms);
}

struct snapshot_reader *snapshot_stream_reader_new(struct tree *tree, struct sessions *sessions, int64_t now_ms,
                                                   size_t element_max)
{
    CHECK(element_max > 0);
    struct snapshot_reader *r = reader_new(tree, sessions, now_ms);
    if (r != NULL) {
        r->element_max = element_max;
        r->step = step_session_count;
    }
    return r;
}

void snapshot_reader_free(struct snapshot_reader *r)
{
    if (r == NULL)
        return;
    MAP64_FOR_EACH(slot, &r->acls)
    mem_free(slot->value);
    map64_free(&r->acls);
    buffer_free(&r->held);
    mem_free(r);
}

static void take(struct snapshot_reader *r, size_t len)
{
    if (len == 0)
        return;
    if (r->element_max == 0)
        r->adler = adler32_z(r->adler, r->held.data, len);
    r->taken += len;
    buffer_consume(&r->held, len);
}

/* Of a file, an element that is not whole yet is tried again only when twice as much is there, lest a large one be
 * walked each time. Of a stream, nothing may come behind an element before it has been taken: it is tried as soon as
 * it can be whole. */
static enum status wait_for_more(struct snapshot_reader *r)
{
    uint64_t size = r->held.len;
    enum status st = ST_OK;
    if (r->element_max == 0) {
        r->retry_at = r->held.len < 4096 ? 0 : r->held.len * 2;
        return ST_OK;
    }
    if (r->step == step_node)
        st = node_size(r, buffer_bytes(&r->held), &size);
    if (st == ST_OK && (size > r->element_max || r->held.len > r->element_max))
        return snapshot_corrupt(r, "an element is larger than is allowed");
    r->retry_at = (size_t)size;
    return st;
}

enum status snapshot_take_elements(struct snapshot_reader *r)
{
    enum status st = ST_OK;
    size_t used = 0;
    while (st == ST_OK && r->step != NULL && r->held.len > used) {
        struct reader in = reader_of(bytes_from(buffer_bytes(&r->held), used));
        st = r->step(r, &in);
        if (st == ST_OK)
            used = (size_t)(in.at - r->held.data);
    }
    take(r, used);
    r->retry_at = 0;
    return st == ST_TRUNCATED ? wait_for_more(r) : st;
}

enum status snapshot_feed(struct snapshot_reader *r, struct bytes data)
{
    if (r->status != ST_OK || data.len == 0)
        return r->status;
    r->info.bytes += data.len;
    r->status = buffer_append(&r->held, data.data, data.len);
    if (r->status == ST_OK && r->step != NULL && r->held.len >= r->retry_at)
        r->status = snapshot_take_elements(r);
    if (r->status == ST_OK && r->step == NULL && r->held.len > TAIL_MAX)
        r->status = snapshot_corrupt(r, "something follows the last node that is no part of a snapshot");
    return r->status;
}

enum status snapshot_loaded(struct snapshot_reader *r)
{
    uint64_t dropped = 0;
    enum status st = tree_loaded(r->tree, &dropped);
    return st == ST_OK && dropped != 0 ? snapshot_corrupt(r, "nodes have no parent") : st;
}

enum status snapshot_stream_feed(struct snapshot_reader *r, struct bytes data, size_t *used, bool *done)
{
    CHECK(r->element_max > 0 && (r->step != NULL || r->status != ST_OK));
    *used = 0;
    *done = false;
    if (r->status != ST_OK || data.len == 0)
        return r->status;
    r->status = buffer_append(&r->held, data.data, data.len);
    if (r->status == ST_OK && r->held.len >= r->retry_at)
        r->status = snapshot_take_elements(r);
    if (r->status != ST_OK)
        return r->status;
    *used = data.len;
    if (r->step != NULL)
        return ST_OK;
    CHECK(r->held.len <= data.len);
    *used -= r->held.len;
    *done = true;
    r->status = snapshot_loaded(r);
    return r->status;
}

const char *snapshot_reader_problem(const struct snapshot_reader *r, uint64_t *offset)
{
    *offset = r->taken;
    return r->problem == NULL ? status_text(r->status) : r->problem;
}
