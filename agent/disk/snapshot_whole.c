/* snapshot_whole.c - in pieces, since a tree may be as large as memory. */
#include "agent/disk/snapshot_whole.h"

#include "agent/disk/disk_posix.h"

enum { NODES_AT_ONCE = 256, FLUSH_BYTES = 1 << 20 };

static enum status flush(struct snapshot_file *file, struct buffer *data)
{
    enum status st = snapshot_file_append(file, buffer_bytes(data));
    data->len = 0;
    return st;
}

static enum status write_nodes(struct snapshot_writer *writer, int64_t zxid, struct snapshot_file *file)
{
    struct buffer data = {0};
    bool done = false;
    enum status st = ST_OK;
    while (st == ST_OK && !done) {
        st = snapshot_encode_some(writer, NODES_AT_ONCE, &data, &done);
        if (st == ST_OK && data.len >= FLUSH_BYTES)
            st = flush(file, &data);
    }
    if (st == ST_OK)
        st = snapshot_encode_end(writer, zxid, &data);
    if (st == ST_OK)
        st = flush(file, &data);
    buffer_free(&data);
    return st;
}

enum status snapshot_write_whole(const char *dir, struct tree *tree, const struct sessions *sessions, int64_t zxid)
{
    struct snapshot_file *file;
    enum status st = snapshot_file_create(&file, disk_posix(), dir, zxid);
    if (st != ST_OK)
        return st;
    struct snapshot_writer *writer = snapshot_writer_new(tree, sessions, zxid);
    st = writer == NULL ? ST_NO_MEMORY : write_nodes(writer, zxid, file);
    snapshot_writer_free(writer);
    if (st == ST_OK)
        return snapshot_file_commit(file);
    snapshot_file_abort(file);
    return st;
}
