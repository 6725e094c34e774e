/* session.c - createSession, closeSession and the error txn (client-protocol 5, quorum-protocol 4.1). */
#include "core/ops/families.h"
#include "core/tree/path.h"

enum {
    CLOSE_PATHS_BYTES_MAX = 512 * 1024,
    CLOSE_TXN_BYTES = 64, /* of the txn without the paths, generously */
};

enum status create_session_prepare(struct prepare *p, const struct op *op, const union op_body *body,
                                   struct writer *record)
{
    (void)p;
    (void)op;
    create_session_txn_write(record, &body->create_session);
    return ST_OK;
}

enum status create_session_apply(struct apply *a, struct bytes record, struct writer *answer)
{
    (void)answer;
    struct reader r = reader_of(record);
    struct create_session_txn txn;
    if (create_session_txn_read(&r, &txn) != ST_OK)
        return ST_CORRUPT;
    return sessions_put(a->sessions, a->header->client_id, txn.timeout_ms, a->now_ms);
}

/* The ephemerals of a session, collected as a vector of texts. */
struct collect {
    struct writer w;
    int32_t count;
};

static enum status collect_path(void *context, struct bytes path)
{
    struct collect *c = context;
    write_text(&c->w, path);
    c->count++;
    return c->w.status;
}

static enum status note_deletions(struct prepare *p, struct texts paths)
{
    struct reader r = reader_of(paths.raw);
    enum status st = ST_OK;
    for (int32_t i = 0; i < paths.count && st == ST_OK; i++)
        st = delete_note(p, read_text(&r));
    return st;
}

/* A list of paths that is too long is left out of the txn, as old leaders always did: whoever applies it finds the
 * ephemerals by their owner. So the end of a session is never refused for its size. */
static bool has_room_for(const struct op_rules *rules, size_t list_len)
{
    size_t max = rules->txn_bytes_max == 0 ? SIZE_MAX : rules->txn_bytes_max;
    return list_len <= CLOSE_PATHS_BYTES_MAX && list_len + CLOSE_TXN_BYTES <= max;
}

enum status close_session_prepare(struct prepare *p, const struct op *op, const union op_body *body,
                                  struct writer *record)
{
    (void)op;
    (void)body;
    struct buffer list = {0};
    struct collect c = {.w = writer_to(&list)};
    enum status st = pending_each_ephemeral(p->pending, p->session_id, collect_path, &c);
    struct texts paths = {c.count, buffer_bytes(&list)};
    if (st == ST_OK)
        st = note_deletions(p, paths);
    if (st == ST_OK && p->rules->close_session_txn && has_room_for(p->rules, list.len))
        close_session_txn_write(record, &(struct close_session_txn){paths});
    buffer_free(&list);
    return st;
}

/* Whatever the session still owns: nothing, when the txn listed its paths. */
static enum status delete_owned(struct apply *a)
{
    struct buffer path = {0};
    size_t count;
    const uint32_t *numbers;
    enum status st = ST_OK;
    while (st == ST_OK && (numbers = tree_ephemerals(a->tree, a->header->client_id, &count), count > 0)) {
        path.len = 0;
        st = tree_path(a->tree, tree_by_number(a->tree, numbers[count - 1]), &path);
        if (st == ST_OK)
            st = delete_node(a, buffer_bytes(&path));
    }
    buffer_free(&path);
    return st;
}

/* A body that cannot be read counts as none (quorum-protocol 4.1). */
enum status close_session_apply(struct apply *a, struct bytes record, struct writer *answer)
{
    (void)answer;
    struct reader r = reader_of(record);
    struct close_session_txn txn;
    sessions_remove(a->sessions, a->header->client_id);
    if (close_session_txn_read(&r, &txn) == ST_OK) {
        struct reader paths = reader_of(txn.paths.raw);
        for (int32_t i = 0; i < txn.paths.count; i++) {
            enum status st = delete_node(a, read_text(&paths));
            if (st == ST_NO_MEMORY)
                return st;
        }
    }
    return delete_owned(a);
}

/* It has no part of its own: what is told of it are the deletions (audit_deletion). */
void close_session_audit(const struct op *op, const union op_body *body, struct writer *note)
{
    (void)op;
    (void)body;
    (void)note;
}

/* Keeps the place of a write that was refused. */
enum status error_apply(struct apply *a, struct bytes record, struct writer *answer)
{
    (void)a;
    (void)answer;
    struct reader r = reader_of(record);
    struct error_txn txn;
    return error_txn_read(&r, &txn) == ST_OK ? ST_OK : ST_CORRUPT;
}
