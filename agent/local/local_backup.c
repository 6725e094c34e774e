/* local_backup.c - the tree as it is when it is asked for, as a snapshot file in chunks: a slice of it each turn, and
 * no more than the client takes. */
#include "agent/local/local_streams.h"
#include "core/store/snapshot.h"

#include <uv.h>

enum {
    CHUNK_BYTES = 60 * 1024, /* of each frame but the last */
    NODES_AT_ONCE = 4,       /* encoded between two looks at the clock */
};

void local_backup_free(struct local_backup *b)
{
    if (b == NULL)
        return;
    local_flow_end(&b->flow);
    list_remove(&b->link);
    b->request->client->local->backup_count--;
    snapshot_writer_free(b->writer);
    buffer_free(&b->piece);
    mem_free(b);
}

static enum status begin(struct local_client *c, struct local_request *request, uint32_t window)
{
    struct local *l = c->local;
    struct replica *replica = l->parts.replica;
    struct local_backup *b = mem_calloc(1, sizeof *b);
    if (b == NULL)
        return ST_NO_MEMORY;
    b->zxid = replica_last_zxid(replica);
    b->writer = snapshot_exact_writer_new(replica_tree(replica), replica_sessions(replica), b->zxid,
                                          (size_t)l->settings->local_backup_bytes_max);
    if (b->writer == NULL) {
        mem_free(b);
        return ST_NO_MEMORY;
    }
    local_set_apart(request);
    b->flow = local_flow_of(c, window);
    b->request = request;
    request->backup = b;
    list_append(&l->backups, &b->link);
    l->backup_count++;
    pump_wake(l->parts.front.pump);
    return local_set_deadline(request, 0); /* for the first credit */
}

/* What is applied while the member has no leader may be taken back. */
enum status local_backup(struct local_client *c, struct local_request *request, const to_agent *m)
{
    struct local *l = c->local;
    if (!replica_serves_all(l->parts.replica))
        return local_refuse(request, ZOOID__LOCAL__CODE__NOT_SERVING,
                            "the member has no leader, or is not in step with it yet");
    if (l->backup_count >= (uint32_t)l->settings->local_backups_max)
        return local_refuse(request, ZOOID__LOCAL__CODE__LIMIT_REACHED, "zooid.localBackupsMax backups are under way");
    return begin(c, request, m->backup->window_bytes);
}

/* -- sent --------------------------------------------------------------------------------------------------------- */

/* Until there is a chunk, or all of it, or the time is up. */
static enum status encode(struct local_backup *b, uint64_t until_ns)
{
    enum status st = ST_OK;
    if (b->piece_at == b->piece.len)
        b->piece_at = b->piece.len = 0;
    while (st == ST_OK && !b->is_encoded && b->piece.len - b->piece_at < CHUNK_BYTES && uv_hrtime() < until_ns) {
        st = snapshot_encode_some(b->writer, NODES_AT_ONCE, &b->piece, &b->is_encoded);
        if (st == ST_OK && b->is_encoded)
            st = snapshot_encode_end(b->writer, b->zxid, &b->piece);
    }
    return st;
}

static enum status send_chunk(struct local_backup *b, struct buffer *say)
{
    from_agent m = ZOOID__LOCAL__FROM_AGENT__INIT;
    Zooid__Local__Chunk chunk = ZOOID__LOCAL__CHUNK__INIT;
    size_t left = b->piece.len - b->piece_at, before = say->len;
    chunk.has_bytes = true;
    chunk.bytes.data = b->piece.data + b->piece_at;
    chunk.bytes.len = left < CHUNK_BYTES ? left : CHUNK_BYTES;
    chunk.has_zxid = !b->is_told;
    chunk.zxid = b->zxid;
    m.has_id = m.has_more = m.more = true;
    m.id = b->request->id;
    m.body_case = ZOOID__LOCAL__FROM_AGENT__BODY_CHUNK;
    m.chunk = &chunk;
    enum status st = local_write(say, &m);
    if (st != ST_OK)
        return st;
    b->is_told = true;
    b->piece_at += chunk.bytes.len;
    local_flow_sent(&b->flow, say->len - before, b->piece.cap + snapshot_early(b->writer));
    return ST_OK;
}

static void finish(struct local_backup *b)
{
    from_agent m = ZOOID__LOCAL__FROM_AGENT__INIT;
    Zooid__Local__Chunk chunk = ZOOID__LOCAL__CHUNK__INIT;
    chunk.has_zxid = chunk.has_nodes = true;
    chunk.zxid = b->zxid;
    chunk.nodes = snapshot_nodes(b->writer);
    m.body_case = ZOOID__LOCAL__FROM_AGENT__BODY_CHUNK;
    m.chunk = &chunk;
    local_finish(b->request, &m);
}

static void fail(struct local_backup *b, enum status why)
{
    if (why == ST_NOT_FOUND)
        local_give_up(b->request, ZOOID__LOCAL__CODE__NOT_SERVING,
                      "the member has taken another tree from its leader meanwhile");
    else if (why == ST_LIMIT)
        local_give_up(b->request, ZOOID__LOCAL__CODE__FELL_BEHIND,
                      "the tree has changed by zooid.localBackupBytesMax before it was taken");
    else
        b->request->client->connection->failed = true;
}

static bool is_sent(const struct local_backup *b)
{
    return b->is_encoded && b->piece_at == b->piece.len;
}

static void go_on(struct local_backup *b)
{
    struct local_client *c = b->request->client;
    uint64_t until_ns = uv_hrtime() + (uint64_t)c->local->settings->checkpoint_slice_us * 1000;
    struct buffer *say = &c->connection->said;
    size_t start = say->len;
    enum status st = ST_OK;
    do {
        st = encode(b, until_ns);
        bool is_chunk = b->piece.len - b->piece_at >= CHUNK_BYTES || b->is_encoded;
        if (st == ST_OK && is_chunk)
            st = send_chunk(b, say);
    } while (st == ST_OK && !is_sent(b) && local_flow_has_room(&b->flow) && uv_hrtime() < until_ns);
    if (say->len > start)
        connection_say(c->connection);
    if (st != ST_OK)
        fail(b, st);
    else if (is_sent(b))
        finish(b);
}

static bool can_go_on(const struct local_backup *b)
{
    const struct connection *connection = b->request->client->connection;
    return !connection->failed && !connection->close_delivered && local_flow_has_room(&b->flow);
}

bool local_backups_are_ripe(const struct local *l)
{
    LIST_FOR_EACH(at, &l->backups)
    if (can_go_on(LIST_ENTRY(at, struct local_backup, link)))
        return true;
    return false;
}

void local_backups_go_on(struct local *l)
{
    LIST_FOR_EACH(at, &l->backups)
    {
        struct local_backup *b = LIST_ENTRY(at, struct local_backup, link);
        if (can_go_on(b))
            go_on(b);
    }
}
