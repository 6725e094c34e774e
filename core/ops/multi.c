/* multi.c - multi and multiRead (client-protocol 7, quorum-protocol 4.5). */
#include "core/ops/families.h"

#include "core/base/check.h"
#include "core/ops/audit.h"

enum {
    WEIGHED_BYTES_MAX = 16 * 1024 * 1024 /* of an answer that is known to be large, the rest is not looked at */
};

/* Walks the sub-operations; false at the terminator. A body that was decoded once is known to be whole. Who may stand
 * here is asked before a body is read: a multi in a multi in a multi would use up the stack. */
static bool next_sub(struct reader *r, uint32_t family, const struct op **op, union op_body *body, enum status *st)
{
    struct multi_header header;
    *st = multi_header_read(r, &header);
    if (*st != ST_OK || header.done)
        return false;
    *op = op_find(header.type);
    bool may_be_here = *op != NULL && ((*op)->flags & family) != 0;
    *st = may_be_here ? (*op)->decode(r, body) : ST_MARSHALLING_ERROR;
    return *st == ST_OK;
}

static enum status decode_family(struct reader *r, union op_body *body, uint32_t family)
{
    const uint8_t *start = r->at;
    const struct op *op;
    union op_body sub;
    enum status st;
    while (next_sub(r, family, &op, &sub, &st))
        ;
    body->multi = bytes_make(start, (size_t)(r->at - start));
    return st;
}

enum status multi_decode(struct reader *r, union op_body *body)
{
    return decode_family(r, body, OP_IN_MULTI);
}

enum status multi_read_decode(struct reader *r, union op_body *body)
{
    return decode_family(r, body, OP_IN_MULTI_READ);
}

/* In a multi the flags say what is created, not the opcode: Apache's server rebuilds each create from them, so that a
 * create2 is answered as a create, and a container is one by its flags (recorded in vectors/client/multi_ok). */
static const struct op *row_in_multi(const struct op *op, const union op_body *body)
{
    if (op->decode != create_decode)
        return op;
    return op_find(body->create.flags == CREATE_FLAGS_CONTAINER ? TXN_CREATE_CONTAINER : TXN_CREATE);
}

bool multi_makes_ephemeral(const union op_body *body)
{
    struct reader r = reader_of(body->multi);
    const struct op *op;
    union op_body sub;
    enum status st;
    while (next_sub(&r, OP_IN_MULTI, &op, &sub, &st)) {
        op = row_in_multi(op, &sub);
        if (op->makes_ephemeral != NULL && op->makes_ephemeral(&sub))
            return true;
    }
    return false;
}

/* Writes one sub-txn; its record is written in place and its length put in afterwards. */
static enum status prepare_sub(struct prepare *p, const struct op *op, const union op_body *body, struct writer *record)
{
    size_t start = record->out->len;
    op = row_in_multi(op, body);
    write_i32(record, op->number);
    write_i32(record, 0);
    p->path_scratch->len = 0;
    p->acl_scratch->len = 0;
    enum status st = op->prepare(p, op, body, record);
    if (st != ST_OK) {
        record->out->len = start;
        return st;
    }
    write_i32_at(record, start + 4, (int32_t)(record->out->len - start - 8));
    return record->status;
}

static void write_error_sub(struct writer *record, enum status st)
{
    write_i32(record, TXN_ERROR);
    write_i32(record, 4);
    error_txn_write(record, &(struct error_txn){status_code(st)});
}

/* Atomic: at the first refusal everything noted so far is taken back, and the rest is not looked at. A refused multi is
 * still a txn, which says what each part came to. */
enum status multi_prepare(struct prepare *p, const struct op *op, const union op_body *body, struct writer *record)
{
    (void)op;
    struct reader r = reader_of(body->multi);
    const struct op *sub;
    union op_body sub_body;
    enum status st, refused = ST_OK;
    size_t mark = pending_mark(p->pending), count_at = record->out->len;
    int32_t count = 0;
    write_i32(record, 0);
    while (next_sub(&r, OP_IN_MULTI, &sub, &sub_body, &st)) {
        enum status sub_st = refused != ST_OK ? ST_RUNTIME_INCONSISTENCY : prepare_sub(p, sub, &sub_body, record);
        if (sub_st == ST_NO_MEMORY)
            return ST_NO_MEMORY;
        if (sub_st != ST_OK)
            write_error_sub(record, sub_st);
        if (sub_st != ST_OK && refused == ST_OK) {
            refused = sub_st;
            pending_rollback(p->pending, mark);
        }
        count++;
    }
    CHECK(st == ST_OK);
    write_i32_at(record, count_at, count);
    return record->status;
}

static void write_result(struct writer *answer, int32_t type, int32_t err)
{
    if (answer != NULL)
        multi_header_write(answer, &(struct multi_header){type, false, err});
}

static void write_error_result(struct writer *answer, int32_t err)
{
    write_result(answer, -1, err);
    if (answer != NULL)
        write_i32(answer, err);
}

static void write_end(struct writer *answer)
{
    if (answer != NULL)
        multi_header_write(answer, &(struct multi_header){-1, true, -1});
}

/* A refused multi: those before the refusal have code 0, whatever their record says. */
static void write_refusal(struct bytes subs, int32_t count, struct writer *answer)
{
    struct reader r = reader_of(subs);
    struct sub_txn sub;
    for (int32_t i = 0; i < count && sub_txn_read(&r, &sub) == ST_OK; i++) {
        struct reader error = reader_of(sub.record);
        write_error_result(answer, sub.type == TXN_ERROR ? read_i32(&error) : 0);
    }
    write_end(answer);
}

/* Are the parts whole, and is one of them a refusal? */
static enum status survey(struct bytes subs, int32_t count, bool *refused)
{
    struct reader r = reader_of(subs);
    struct sub_txn sub;
    *refused = false;
    for (int32_t i = 0; i < count; i++) {
        if (sub_txn_read(&r, &sub) != ST_OK || bytes_is_null(sub.record))
            return ST_CORRUPT;
        *refused |= sub.type == TXN_ERROR;
    }
    return ST_OK;
}

/* containers and TTL nodes answer as create2 (client-protocol 7.2). */
static int32_t result_type(int32_t type)
{
    bool has_stat = type == TXN_CREATE_CONTAINER || type == TXN_CREATE_TTL;
    return has_stat ? TXN_CREATE2 : type;
}

static enum status apply_sub(struct apply *a, const struct sub_txn *sub, struct writer *answer)
{
    struct txn_header header = *a->header;
    header.type = sub->type;
    struct apply sub_apply = *a;
    sub_apply.header = &header;
    write_result(answer, result_type(sub->type), 0);
    return op_apply(&sub_apply, sub->type, sub->record, answer);
}

enum status multi_apply(struct apply *a, struct bytes record, struct writer *answer)
{
    struct reader r = reader_of(record);
    int32_t count = read_i32(&r);
    struct bytes subs = bytes_make(r.at, reader_left(&r));
    bool refused;
    if (r.status != ST_OK || survey(subs, count, &refused) != ST_OK)
        return ST_CORRUPT;
    if (refused) {
        write_refusal(subs, count, answer);
        return ST_OK;
    }
    for (int32_t i = 0; i < count; i++) {
        struct sub_txn sub;
        sub_txn_read(&r, &sub);
        enum status st = apply_sub(a, &sub, answer);
        /* Replay over a fuzzy snapshot may find parts done already; the others still have to be. */
        if (st == ST_NO_MEMORY || st == ST_CORRUPT || st == ST_UNIMPLEMENTED)
            return st;
    }
    write_end(answer);
    return ST_OK;
}

/* Each part has its place, also those of which nothing is said. */
void multi_audit(const struct op *op, const union op_body *body, struct writer *note)
{
    struct reader r = reader_of(body->multi);
    const struct op *part;
    union op_body part_body;
    enum status st;
    (void)op;
    while (next_sub(&r, OP_IN_MULTI, &part, &part_body, &st)) {
        if (part->audit != NULL)
            part->audit(part, &part_body, note);
        else
            audit_subject(note, part, &(struct audit_subject){.path = BYTES_NULL});
    }
}

/* A watch is set by no part (client-protocol 6.1). */
static void answer_part(const struct read_context *context, const struct op *op, const union op_body *body,
                        struct writer *w)
{
    struct read_context unwatched = *context;
    unwatched.watches = NULL;
    size_t start = w->out->len;
    write_result(w, op->number, 0);
    enum status st = op->answer(&unwatched, body, w);
    if (st != ST_OK) {
        w->out->len = start;
        write_error_result(w, status_code(st));
    }
}

/* Each part stands for itself (client-protocol 7.4). The answer is bounded, since a small request can ask for a large
 * node over and over; the parts that have no room in it are refused. */
enum status multi_read_answer(const struct read_context *context, const union op_body *body, struct writer *w)
{
    struct reader r = reader_of(body->multi);
    const struct op *op;
    union op_body part;
    enum status st;
    size_t start = w->out->len, max = context->rules->multi_read_bytes_max;
    while (next_sub(&r, OP_IN_MULTI_READ, &op, &part, &st)) {
        if (max > 0 && w->out->len - start > max)
            write_error_result(w, status_code(ST_LIMIT));
        else
            answer_part(context, op, &part, w);
    }
    write_end(w);
    return st;
}

size_t multi_read_weigh(const struct pending *pending, const union op_body *body)
{
    struct reader r = reader_of(body->multi);
    const struct op *op;
    union op_body part;
    enum status st;
    size_t sum = 0;
    while (sum <= WEIGHED_BYTES_MAX && next_sub(&r, OP_IN_MULTI_READ, &op, &part, &st))
        sum += op->weigh == NULL ? 0 : op->weigh(pending, &part);
    return sum;
}
