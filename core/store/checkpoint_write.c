/* checkpoint_write.c - the checkpoint thread's side: batches into transactions, between two states of the meta record.
 */
#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/store/checkpoint_format.h"

/* Counted for each record beside its value: a page that it changes is held until the commit, and a removal changes one
 * as well. */
enum { RECORD_COST = 100 };

struct checkpoint_writer {
    const struct checkpoint_store *store;
    struct checkpoint_options options;
    struct checkpoint_meta meta; /* as the database has it until the end */
    uint64_t bytes;              /* put since the transaction began */
    struct buffer value;
};

static enum status put_meta(struct checkpoint_writer *w)
{
    w->value.len = 0;
    struct writer out = writer_to(&w->value);
    checkpoint_meta_encode(&out, &w->meta);
    if (out.status != ST_OK)
        return out.status;
    return w->store->put(w->store->context, CHECKPOINT_META, CHECKPOINT_META_KEY, buffer_bytes(&w->value));
}

/* What the nodes of the database are a mixture of from now on. */
static enum status read_start(struct checkpoint_writer *w)
{
    enum status st = checkpoint_read_meta(w->store, &w->meta);
    bool usable = st == ST_OK && !w->options.full;
    if (st == ST_NOT_FOUND || (st == ST_CORRUPT && w->options.full))
        st = ST_OK;
    w->meta.from = !usable ? -1 : w->meta.complete ? w->meta.to : w->meta.from;
    w->meta.session_values = usable ? w->meta.session_values : 0;
    w->meta.to = w->options.zxid;
    w->meta.complete = false;
    w->meta.dbid = w->options.dbid;
    return st;
}

static enum status begin(struct checkpoint_writer *w)
{
    enum status st = read_start(w);
    if (st == ST_OK)
        st = w->store->begin(w->store->context);
    if (st != ST_OK)
        return st;
    if (w->options.full)
        st = w->store->clear(w->store->context, CHECKPOINT_NODES);
    if (st == ST_OK)
        st = put_meta(w);
    if (st != ST_OK)
        w->store->abort(w->store->context);
    return st;
}

enum status checkpoint_begin(struct checkpoint_writer **out, const struct checkpoint_store *store,
                             const struct checkpoint_options *options)
{
    struct checkpoint_writer *w = mem_calloc(1, sizeof *w);
    if (w == NULL)
        return ST_NO_MEMORY;
    w->store = store;
    w->options = *options;
    enum status st = begin(w);
    if (st != ST_OK) {
        buffer_free(&w->value);
        mem_free(w);
        return st;
    }
    *out = w;
    return ST_OK;
}

static enum status next_transaction(struct checkpoint_writer *w)
{
    enum status st = w->store->commit(w->store->context);
    w->bytes = 0;
    return st == ST_OK ? w->store->begin(w->store->context) : st;
}

static enum status put_record(struct checkpoint_writer *w, struct reader *batch)
{
    uint32_t number = (uint32_t)read_i32(batch);
    struct bytes value = read_blob(batch);
    if (batch->status != ST_OK)
        return ST_CORRUPT;
    enum status st;
    if (bytes_is_null(value)) {
        st = w->store->del(w->store->context, CHECKPOINT_NODES, number);
        st = st == ST_NOT_FOUND ? ST_OK : st; /* made and gone between two checkpoints */
    } else {
        st = w->store->put(w->store->context, CHECKPOINT_NODES, number, value);
    }
    w->bytes += value.len + RECORD_COST;
    return st;
}

enum status checkpoint_put_batch(struct checkpoint_writer *w, struct bytes batch)
{
    struct reader r = reader_of(batch);
    enum status st = ST_OK;
    while (st == ST_OK && reader_left(&r) > 0) {
        if (w->options.transaction_bytes_max != 0 && w->bytes >= w->options.transaction_bytes_max)
            st = next_transaction(w);
        if (st == ST_OK)
            st = put_record(w, &r);
    }
    return st;
}

static enum status put_session_value(struct checkpoint_writer *w, uint32_t key, struct bytes pairs)
{
    w->value.len = 0;
    struct writer out = writer_to(&w->value);
    struct checkpoint_value value = checkpoint_value_begin(&out);
    write_raw(&out, pairs);
    checkpoint_value_end(&value, &out, CHECKPOINT_SESSIONS, key);
    if (out.status != ST_OK)
        return out.status;
    return w->store->put(w->store->context, CHECKPOINT_SESSIONS, key, buffer_bytes(&w->value));
}

static enum status put_sessions(struct checkpoint_writer *w, struct bytes sessions)
{
    const size_t len_max = (size_t)CHECKPOINT_SESSIONS_PER_VALUE * CHECKPOINT_SESSION_LEN;
    enum status st = w->store->clear(w->store->context, CHECKPOINT_SESSIONS);
    uint32_t key = 0;
    for (size_t at = 0; at < sessions.len && st == ST_OK; at += len_max) {
        size_t len = sessions.len - at < len_max ? sessions.len - at : len_max;
        st = put_session_value(w, key++, bytes_make(sessions.data + at, len));
    }
    w->meta.session_values = key;
    return st;
}

static void writer_free(struct checkpoint_writer *w)
{
    buffer_free(&w->value);
    mem_free(w);
}

enum status checkpoint_commit(struct checkpoint_writer *w, const struct checkpoint_end *end)
{
    CHECK(end->zxid == w->options.zxid);
    enum status st = put_sessions(w, end->sessions);
    w->meta.from = w->meta.to;
    w->meta.complete = true;
    w->meta.nodes = end->nodes;
    w->meta.digest = end->digest;
    if (st == ST_OK)
        st = put_meta(w);
    if (st == ST_OK)
        st = w->store->commit(w->store->context);
    if (st != ST_OK)
        w->store->abort(w->store->context);
    writer_free(w);
    return st;
}

void checkpoint_abort(struct checkpoint_writer *w)
{
    if (w == NULL)
        return;
    w->store->abort(w->store->context);
    writer_free(w);
}
