/* snapshot_load.c - a snapshot file, compressed or not, into a tree. */
#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/store/files.h"
#include "core/store/snapshot.h"
#include "core/store/snapshot_format.h"
#include "core/store/window.h"

#include <inttypes.h>
#define ZLIB_CONST
#include <zlib.h>

enum {
    PIECE = 1 << 18,
    SEAL_LEN = 13,
    DIGEST_SECTION_LEN = 20 + SEAL_LEN,
    LAST_ZXID_SECTION_LEN = 8 + SEAL_LEN,
    TAIL_LEN = SEAL_LEN + DIGEST_SECTION_LEN + LAST_ZXID_SECTION_LEN,
};

/* Where the bytes of a file go on their way to the reader. */
struct source {
    struct snapshot_reader *reader;
    const char *problem; /* of the compressed form; NULL: none */
    bool gzip;
    bool ended; /* the compressed stream is complete */
    z_stream stream;
    uint8_t *plain; /* PIECE bytes */
};

static voidpf zlib_alloc(voidpf opaque, uInt items, uInt size)
{
    (void)opaque;
    return mem_calloc(items, size);
}

static void zlib_free(voidpf opaque, voidpf block)
{
    (void)opaque;
    mem_free(block);
}

static enum status source_open(struct source *s, struct snapshot_reader *reader, bool gzip)
{
    *s = (struct source){.reader = reader};
    if (!gzip)
        return ST_OK;
    s->stream.zalloc = zlib_alloc;
    s->stream.zfree = zlib_free;
    s->plain = mem_alloc(PIECE);
    if (s->plain == NULL || inflateInit2(&s->stream, 15 + 16) != Z_OK)
        return ST_NO_MEMORY;
    s->gzip = true;
    return ST_OK;
}

static void source_close(struct source *s)
{
    if (s->gzip)
        inflateEnd(&s->stream);
    mem_free(s->plain);
}

static enum status inflate_piece(struct source *s)
{
    s->stream.next_out = s->plain;
    s->stream.avail_out = PIECE;
    int code = inflate(&s->stream, Z_NO_FLUSH);
    if (code == Z_MEM_ERROR)
        return ST_NO_MEMORY;
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
        s->problem = "the compressed data is damaged";
        return ST_CORRUPT;
    }
    s->ended = code == Z_STREAM_END;
    return snapshot_feed(s->reader, bytes_make(s->plain, PIECE - s->stream.avail_out));
}

static enum status source_feed(struct source *s, struct bytes data)
{
    if (!s->gzip)
        return snapshot_feed(s->reader, data);
    s->stream.next_in = data.data;
    s->stream.avail_in = (uInt)data.len;
    enum status st = ST_OK;
    do {
        if (s->ended && s->stream.avail_in > 0) {
            s->problem = "something follows the compressed data";
            return ST_CORRUPT;
        }
        if (!s->ended)
            st = inflate_piece(s);
    } while (st == ST_OK && (s->stream.avail_in > 0 || (!s->ended && s->stream.avail_out == 0)));
    return st;
}

static enum status source_end(struct source *s, struct snapshot_info *info)
{
    if (s->gzip && !s->ended) {
        s->problem = "the compressed data ends too early";
        return ST_CORRUPT;
    }
    return snapshot_finish(s->reader, info);
}

static enum status feed_file(struct source *s, struct window *w)
{
    enum status st = ST_OK;
    for (uint64_t at = 0; at < w->size && st == ST_OK;) {
        size_t len = w->size - at < PIECE ? (size_t)(w->size - at) : PIECE;
        const uint8_t *data;
        st = window_get(w, at, len, &data);
        if (st == ST_OK)
            st = source_feed(s, bytes_make(data, len));
        at += len;
    }
    return st;
}

static enum status tell(const struct source *s, const char *path, enum status st, enum finding_kind severity,
                        struct findings *findings)
{
    if (st != ST_CORRUPT)
        return st;
    uint64_t offset;
    const char *problem = snapshot_reader_problem(s->reader, &offset);
    enum status told = findings_add(findings, severity, path, s->problem == NULL ? offset : 0,
                                    "the snapshot is damaged: %s%s", s->problem == NULL ? problem : s->problem,
                                    s->gzip ? " (offset in the uncompressed data)" : "");
    return told == ST_OK ? st : told;
}

static enum status load(struct snapshot_reader *reader, struct window *w, bool gzip, struct snapshot_info *info,
                        enum finding_kind severity, struct findings *findings)
{
    struct source source;
    enum status st = source_open(&source, reader, gzip);
    if (st == ST_OK)
        st = feed_file(&source, w);
    if (st == ST_OK)
        st = source_end(&source, info);
    st = tell(&source, w->path, st, severity, findings);
    source_close(&source);
    return st;
}

static enum store_compression compression_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    struct store_file file = {.compression = STORE_PLAIN};
    store_file_parse(slash == NULL ? path : slash + 1, STORE_SNAPSHOT, &file);
    return file.compression;
}

enum status snapshot_load(const struct store_io *io, const char *path, struct tree *tree, struct sessions *sessions,
                          int64_t now_ms, struct snapshot_info *info, enum finding_kind severity,
                          struct findings *findings)
{
    *info = (struct snapshot_info){0};
    enum store_compression compression = compression_of(path);
    if (compression == STORE_SNAPPY) {
        enum status told = findings_add(
            findings, severity, path, 0,
            "snapshots compressed with snappy are not read; set snapshot.compression.method=gz (or "
            "leave it out) at the ZooKeeper server and let it write another one");
        return told == ST_OK ? ST_UNSUPPORTED : told;
    }
    struct window w;
    enum status st = window_open(&w, io, path);
    if (st != ST_OK) {
        enum status told = findings_add(findings, severity, path, 0, "the snapshot cannot be opened: %s",
                                        status_text(st));
        return told == ST_OK ? st : told;
    }
    struct snapshot_reader *reader = snapshot_reader_new(tree, sessions, now_ms);
    st = reader == NULL ? ST_NO_MEMORY : load(reader, &w, compression == STORE_GZIP, info, severity, findings);
    snapshot_reader_free(reader);
    window_close(&w);
    return st;
}

/* Is there a digest section, between two seals and as long as our version of it, that ends at `end` of the tail? */
static bool digest_section_at(struct bytes tail, size_t end, int64_t *zxid)
{
    static const uint8_t seal[] = {0, 0, 0, 1, '/'};
    if (end < DIGEST_SECTION_LEN + sizeof seal || end > tail.len)
        return false;
    const uint8_t *section = tail.data + end - DIGEST_SECTION_LEN;
    bool sealed = memcmp(section - sizeof seal, seal, sizeof seal) == 0 &&
                  memcmp(tail.data + end - sizeof seal, seal, sizeof seal) == 0;
    *zxid = (int64_t)be64_get(section);
    return sealed && be32_get(section + 8) == SNAPSHOT_DIGEST_VERSION;
}

enum status snapshot_reaches(const struct store_io *io, const char *path, int64_t *zxid)
{
    struct window w;
    *zxid = INT64_MAX;
    enum status st = window_open(&w, io, path);
    if (st != ST_OK)
        return st;
    const uint8_t *end;
    size_t len = w.size < TAIL_LEN ? (size_t)w.size : TAIL_LEN;
    if (compression_of(path) == STORE_PLAIN && len > 0) {
        st = window_get(&w, w.size - len, len, &end);
        int64_t found;
        struct bytes tail = bytes_make(end, st == ST_OK ? len : 0);
        if (digest_section_at(tail, tail.len, &found) ||
            (tail.len > LAST_ZXID_SECTION_LEN && digest_section_at(tail, tail.len - LAST_ZXID_SECTION_LEN, &found)))
            *zxid = found;
    }
    window_close(&w);
    return st;
}

enum status snapshot_looks_whole(const struct store_io *io, const char *path, bool *whole)
{
    static const uint8_t seal[] = {0, 0, 0, 1, '/'};
    struct window w;
    *whole = false;
    enum status st = window_open(&w, io, path);
    if (st != ST_OK)
        return st;
    if (compression_of(path) != STORE_PLAIN) {
        *whole = w.size > 0;
    } else if (w.size >= 2 * sizeof seal) {
        const uint8_t *end;
        st = window_get(&w, w.size - sizeof seal, sizeof seal, &end);
        *whole = st == ST_OK && memcmp(end, seal, sizeof seal) == 0;
    }
    window_close(&w);
    return st;
}
