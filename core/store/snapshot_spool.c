/* snapshot_spool.c - header, body and seals of a file whose body somebody else has written.
 *
 * The last bytes that came are held back: they may be the signature, which the file does not have. */
#include "core/store/snapshot_spool.h"

#include "core/base/mem.h"
#include "core/jute/records.h"
#include "core/store/snapshot_format.h"

#include <inttypes.h>
#include <zlib.h>

enum { SYNC_BYTES = 8 << 20 }; /* so much at most is left for the sync at the end, for which the leader waits */

struct snapshot_spool {
    struct snapshot_file *file;
    int64_t zxid;
    uLong adler; /* of what the file has */
    uint8_t tail[SNAPSHOT_SIGNATURE_LEN];
    size_t tail_len;
    size_t unsynced;
    bool sealed;
};

static enum status put(struct snapshot_spool *s, struct bytes data)
{
    enum status st = data.len == 0 ? ST_OK : snapshot_file_append(s->file, data);
    if (st == ST_OK && data.len > 0) {
        s->adler = adler32_z(s->adler, data.data, data.len);
        s->unsynced += data.len;
    }
    return st;
}

static enum status put_header(struct snapshot_spool *s)
{
    struct buffer out = {0};
    struct writer w = writer_to(&out);
    const struct file_header header = {SNAPSHOT_MAGIC, SNAPSHOT_VERSION, SNAPSHOT_DBID};
    file_header_write(&w, &header);
    enum status st = w.status == ST_OK ? put(s, buffer_bytes(&out)) : w.status;
    buffer_free(&out);
    return st;
}

enum status snapshot_spool_path(struct buffer *path, const char *dir, int64_t zxid)
{
    return buffer_printf(path, "%s/" SNAPSHOT_SPOOL_PREFIX "%" PRIx64, dir, (uint64_t)zxid);
}

enum status snapshot_spool_begin(struct snapshot_spool **out, const struct store_io *io, const char *dir, int64_t zxid)
{
    struct snapshot_spool *s = mem_calloc(1, sizeof *s);
    if (s == NULL)
        return ST_NO_MEMORY;
    s->zxid = zxid;
    s->adler = adler32_z(0, NULL, 0);
    struct buffer path = {0};
    enum status st = snapshot_spool_path(&path, dir, zxid);
    if (st == ST_OK)
        st = snapshot_file_create_as(&s->file, io, dir, zxid, (const char *)path.data);
    buffer_free(&path);
    if (st == ST_OK)
        st = put_header(s);
    if (st == ST_OK)
        *out = s;
    else
        snapshot_spool_free(s, true);
    return st;
}

int64_t snapshot_spool_zxid(const struct snapshot_spool *s)
{
    return s->zxid;
}

/* One write, so that it can be repeated: either all of it counts or nothing. */
enum status snapshot_spool_append(struct snapshot_spool *s, struct bytes data)
{
    if (s->tail_len + data.len <= sizeof s->tail) {
        if (data.len > 0)
            memcpy(s->tail + s->tail_len, data.data, data.len);
        s->tail_len += data.len;
        return ST_OK;
    }
    struct buffer all = {0};
    enum status st = buffer_reserve(&all, s->tail_len + data.len);
    if (st == ST_OK)
        st = buffer_append(&all, s->tail, s->tail_len);
    if (st == ST_OK)
        st = buffer_append(&all, data.data, data.len);
    size_t body = s->tail_len + data.len - sizeof s->tail;
    if (st == ST_OK)
        st = put(s, bytes_make(all.data, body));
    if (st == ST_OK) {
        memcpy(s->tail, all.data + body, sizeof s->tail);
        s->tail_len = sizeof s->tail;
    }
    buffer_free(&all);
    if (st == ST_OK && s->unsynced >= SYNC_BYTES) {
        s->unsynced = 0;
        st = snapshot_file_sync(s->file);
        return st == ST_NO_SPACE ? ST_IO_ERROR : st; /* a second sync would say nothing of these bytes */
    }
    return st;
}

static bool has_signature(const struct snapshot_spool *s)
{
    return s->tail_len == sizeof s->tail && be32_get(s->tail) == SNAPSHOT_SIGNATURE.len &&
           memcmp(s->tail + 4, SNAPSHOT_SIGNATURE.data, SNAPSHOT_SIGNATURE.len) == 0;
}

static void write_seal(const struct snapshot_spool *s, struct buffer *out, struct writer *w)
{
    uLong adler = out->len == 0 ? s->adler : adler32_z(s->adler, out->data, out->len);
    write_i64(w, (int64_t)adler);
    write_text(w, SNAPSHOT_END);
}

static enum status put_seals(struct snapshot_spool *s, int64_t until, const uint64_t *digest)
{
    struct buffer out = {0};
    struct writer w = writer_to(&out);
    write_seal(s, &out, &w);
    if (digest != NULL) {
        const struct txn_digest record = {SNAPSHOT_DIGEST_VERSION, (int64_t)*digest};
        write_i64(&w, until);
        txn_digest_write(&w, &record);
        if (w.status == ST_OK)
            write_seal(s, &out, &w);
    }
    enum status st = w.status == ST_OK ? put(s, buffer_bytes(&out)) : w.status;
    s->sealed = st == ST_OK;
    buffer_free(&out);
    return st;
}

enum status snapshot_spool_seal(struct snapshot_spool *s, int64_t until, const uint64_t *digest)
{
    if (!has_signature(s))
        return ST_CORRUPT;
    enum status st = s->sealed ? ST_OK : put_seals(s, until, digest);
    if (st != ST_OK)
        return st;
    st = snapshot_file_sync(s->file);
    return st == ST_NO_SPACE ? ST_IO_ERROR : st;
}

void snapshot_spool_free(struct snapshot_spool *s, bool remove)
{
    if (s == NULL)
        return;
    if (remove)
        snapshot_file_abort(s->file);
    else if (s->file != NULL)
        snapshot_file_leave(s->file);
    mem_free(s);
}
