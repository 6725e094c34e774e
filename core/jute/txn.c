/* txn.c - where the record of each type ends, as one table. */
#include "core/jute/txn.h"

#include "core/base/check.h"

/* Walks over one record; the reader's status says whether it was whole. */
typedef void skip_fn(struct reader *r);

#define SKIP(record_name)                            \
    static void skip_##record_name(struct reader *r) \
    {                                                \
        struct record_name record;                   \
        record_name##_read(r, &record);              \
    }

SKIP(create_session_txn)
SKIP(error_txn)
SKIP(create_container_txn)
SKIP(create_ttl_txn)
SKIP(delete_txn)
SKIP(set_data_txn)
SKIP(set_acl_txn)
SKIP(check_txn)

/* May what is left behind a record be there? Nothing, or a digest. */
static bool ends_well(const struct reader *r)
{
    size_t left = reader_left(r);
    return r->status == ST_OK && (left == 0 || left == TXN_DIGEST_LEN);
}

/* The oldest releases had no parent version, nor a digest behind it (quorum-protocol 4.1). */
static void skip_create(struct reader *r)
{
    struct reader start = *r;
    struct create_txn create;
    create_txn_read(r, &create);
    if (ends_well(r))
        return;
    struct create_txn_v0 old;
    struct reader again = start;
    if (create_txn_v0_read(&again, &old) == ST_OK && reader_left(&again) == 0)
        *r = again;
}

/* A body that cannot be read counts as none: older leaders wrote none, but a digest may stand there. */
static void skip_close_session(struct reader *r)
{
    struct reader start = *r;
    struct close_session_txn close;
    bool digest_alone = reader_left(r) == TXN_DIGEST_LEN && be32_get(r->at) == 2;
    if (!digest_alone && close_session_txn_read(r, &close) == ST_OK && ends_well(r))
        return;
    *r = start;
    if (!digest_alone)
        r->end = r->at;
}

static void skip_multi(struct reader *r);

static const struct txn_row {
    int32_t type;
    const char *name;
    skip_fn *skip;
} txn_rows[] = {
    {TXN_CREATE_SESSION, "createSession", skip_create_session_txn},
    {TXN_CLOSE_SESSION, "closeSession", skip_close_session},
    {TXN_ERROR, "error", skip_error_txn},
    {TXN_CREATE, "create", skip_create},
    {TXN_DELETE, "delete", skip_delete_txn},
    {TXN_SET_DATA, "setData", skip_set_data_txn},
    {TXN_SET_ACL, "setACL", skip_set_acl_txn},
    {TXN_CHECK, "check", skip_check_txn},
    {TXN_MULTI, "multi", skip_multi},
    {TXN_CREATE2, "create2", skip_create},
    {TXN_RECONFIG, "reconfig", skip_set_data_txn},
    {TXN_CREATE_CONTAINER, "createContainer", skip_create_container_txn},
    {TXN_DELETE_CONTAINER, "deleteContainer", skip_delete_txn},
    {TXN_CREATE_TTL, "createTTL", skip_create_ttl_txn},
};

static const struct txn_row *row_of(int32_t type)
{
    for (size_t i = 0; i < ARRAY_LEN(txn_rows); i++) {
        if (txn_rows[i].type == type)
            return &txn_rows[i];
    }
    return NULL;
}

/* A part of a multi is whole when its type is known, is no multi itself, and nothing is left behind its record. */
static bool sub_is_whole(const struct sub_txn *sub)
{
    const struct txn_row *row = row_of(sub->type);
    if (row == NULL || sub->type == TXN_MULTI || bytes_is_null(sub->record))
        return false;
    struct reader r = reader_of(sub->record);
    row->skip(&r);
    return r.status == ST_OK && reader_left(&r) == 0;
}

static void skip_multi(struct reader *r)
{
    int32_t count = read_i32(r);
    for (int32_t i = 0; i < count && r->status == ST_OK; i++) {
        struct sub_txn sub;
        if (sub_txn_read(r, &sub) == ST_OK && !sub_is_whole(&sub))
            r->status = ST_CORRUPT;
    }
    if (count < 0)
        r->status = ST_CORRUPT;
}

enum status txn_decode_header(struct bytes entry, struct txn_header *header)
{
    struct reader r = reader_of(entry);
    return txn_header_read(&r, header) == ST_OK ? ST_OK : ST_CORRUPT;
}

enum status txn_decode(struct bytes entry, struct txn *txn)
{
    *txn = (struct txn){.has_digest = false};
    struct reader r = reader_of(entry);
    if (txn_header_read(&r, &txn->header) != ST_OK)
        return ST_CORRUPT;
    const struct txn_row *row = row_of(txn->header.type);
    if (row == NULL)
        return ST_CORRUPT;
    const uint8_t *start = r.at, *end = r.end;
    row->skip(&r);
    if (!ends_well(&r))
        return ST_CORRUPT;
    txn->record = bytes_make(start, (size_t)(r.at - start));
    r.end = end;
    if (reader_left(&r) == TXN_DIGEST_LEN)
        txn->has_digest = txn_digest_read(&r, &txn->digest) == ST_OK;
    return ST_OK;
}

void txn_encode(struct writer *w, const struct txn *txn)
{
    txn_header_write(w, &txn->header);
    write_raw(w, txn->record);
    if (txn->has_digest)
        txn_digest_write(w, &txn->digest);
}

enum status txn_read_create(struct bytes record, struct create_txn *create)
{
    struct reader r = reader_of(record);
    if (create_txn_read(&r, create) == ST_OK && reader_left(&r) == 0)
        return ST_OK;
    struct create_txn_v0 old;
    r = reader_of(record);
    if (create_txn_v0_read(&r, &old) != ST_OK || reader_left(&r) != 0)
        return ST_CORRUPT;
    *create = (struct create_txn){old.path, old.data, old.acl, old.ephemeral, -1};
    return ST_OK;
}

enum status txn_multi_begin(struct bytes record, struct reader *at, int32_t *count)
{
    *at = reader_of(record);
    *count = read_i32(at);
    return at->status == ST_OK && *count >= 0 ? ST_OK : ST_CORRUPT;
}

bool txn_next_sub(struct reader *at, int32_t *left, struct sub_txn *sub)
{
    if (*left <= 0)
        return false;
    (*left)--;
    return sub_txn_read(at, sub) == ST_OK;
}

const char *txn_type_name(int32_t type)
{
    const struct txn_row *row = row_of(type);
    return row == NULL ? NULL : row->name;
}
