/* txnlog_tail.c - the rule that tells a torn tail from damage (design 4.5).
 *
 * Records reach the file in batches, each synced before the next is written. A power cut keeps any subset of the
 * sectors of the last batch; the others still hold the zeros that were there before, or the file ends. So of a torn
 * batch
 *   - the first record that fails has a sector of zeros in it, or the file, or all that was written, ends in it;
 *   - nothing is written further behind than one batch: what lies there proves that the failing record had been synced.
 * A checksum that fails without such a hole is damage, and so is a hole with more than a batch behind it. */
#include "core/store/txnlog_tail.h"

#include "core/base/check.h"
#include "core/jute/txn.h"
#include "core/store/txnlog.h"
#include "core/store/txnlog_format.h"

enum {
    SECTOR = 512,
    CHECKSUM_ZEROS = 4, /* a long holds 32 bits */
};
/* Bytes that a search for records may checksum before it gives up and calls the file damaged. */
#define SEARCH_BUDGET ((uint64_t)512 << 20)
#define SEARCH_MAX    ((uint64_t)256 << 20)

struct tail {
    struct window *w;
    uint64_t at;     /* of the record that fails */
    uint64_t end;    /* behind the last byte that is not zero */
    uint64_t extent; /* where the record ends by its own length; 0: its length means nothing */
    uint32_t len;    /* as it stands there */
    bool head_whole; /* the file has all of checksum and length */
    uint64_t checksum;
};

enum status txnlog_record_at(struct window *w, uint64_t at, struct bytes *entry)
{
    const uint8_t *p;
    enum status st = window_get(w, at, TXNLOG_RECORD_HEAD_LEN, &p);
    if (st != ST_OK)
        return st;
    uint64_t checksum = be64_get(p);
    uint32_t len = be32_get(p + 8);
    if (len < TXN_HEADER_LEN || len > INT32_MAX || checksum > UINT32_MAX)
        return ST_END;
    st = window_get(w, at, (size_t)len + TXNLOG_FRAME_LEN, &p);
    if (st != ST_OK)
        return st;
    *entry = bytes_make(p + TXNLOG_RECORD_HEAD_LEN, len);
    if (p[TXNLOG_RECORD_HEAD_LEN + len] != TXNLOG_END_MARK || txnlog_checksum(*entry) != checksum)
        return ST_END;
    return ST_OK;
}

static enum status read_head(struct tail *t)
{
    const uint8_t *p;
    enum status st = window_get(t->w, t->at, TXNLOG_RECORD_HEAD_LEN, &p);
    if (st == ST_END)
        return ST_OK;
    if (st != ST_OK)
        return st;
    t->head_whole = true;
    t->checksum = be64_get(p);
    t->len = be32_get(p + 8);
    if (t->len > 0 && t->len <= INT32_MAX)
        t->extent = t->at + TXNLOG_FRAME_LEN + t->len;
    return ST_OK;
}

/* Is there a record of the right checksum anywhere in [from, end)? Found is also said when looking costs too much.
 * `base` holds the bytes from t->at on. */
static bool holds_record(const uint8_t *base, size_t from, size_t end)
{
    uint64_t budget = SEARCH_BUDGET;
    for (size_t o = from; o + TXNLOG_FRAME_LEN + TXN_HEADER_LEN <= end; o++) {
        const uint8_t *p = base + o;
        uint32_t len = be32_get(p + 8);
        if (len < TXN_HEADER_LEN || len > end - o - TXNLOG_FRAME_LEN || be32_get(p) != 0 ||
            p[TXNLOG_RECORD_HEAD_LEN + len] != TXNLOG_END_MARK)
            continue;
        if (len > budget)
            return true;
        budget -= len;
        if (txnlog_checksum(bytes_make(p + TXNLOG_RECORD_HEAD_LEN, len)) == be64_get(p))
            return true;
    }
    return false;
}

/* The record would be whole with the length that its bytes have: then only the length is damaged. */
static bool length_is_damaged(const struct tail *t, const uint8_t *base)
{
    size_t len = (size_t)(t->end - t->at);
    return t->head_whole && len > TXNLOG_FRAME_LEN && base[len - 1] == TXNLOG_END_MARK &&
           txnlog_checksum(bytes_make(base + TXNLOG_RECORD_HEAD_LEN, len - TXNLOG_FRAME_LEN)) == t->checksum;
}

/* Some sector within [at, to) holds nothing but zeros, from `at` on in the first. The first bytes of a checksum are
 * always zero and prove nothing. */
static enum status has_hole(const struct tail *t, uint64_t to, bool *hole)
{
    *hole = false;
    for (uint64_t from = t->at; from < to && from < t->w->size && !*hole;) {
        uint64_t next = (from / SECTOR + 1) * SECTOR;
        if (next - t->at > CHECKSUM_ZEROS) {
            enum status st = window_is_zero(t->w, from, next, hole);
            if (st != ST_OK)
                return st;
        }
        from = next;
    }
    return ST_OK;
}

/* The file, or what was written of it, ends within the record. */
static bool ends_within(const struct tail *t)
{
    if (!t->head_whole || t->end <= t->at + TXNLOG_RECORD_HEAD_LEN)
        return true;
    return t->extent != 0 && (t->extent > t->w->size || t->end < t->extent);
}

static enum status judge(const struct tail *t, enum tail_verdict *verdict, const char **why)
{
    *verdict = TAIL_DAMAGED;
    if (t->end - t->at > SEARCH_MAX) {
        *why = "too much is written behind a record that cannot be read";
        return ST_OK;
    }
    /* Where to look for holes: in the record, or in its head alone when that does not tell how long it is. */
    bool hole = false;
    uint64_t reach = t->extent == 0 ? t->at + TXNLOG_RECORD_HEAD_LEN : t->extent < t->end ? t->extent : t->end;
    enum status st = has_hole(t, reach, &hole);
    const uint8_t *base = NULL;
    if (st == ST_OK)
        st = window_get(t->w, t->at, (size_t)(t->end - t->at), &base);
    if (st != ST_OK)
        return st;
    size_t len = (size_t)(t->end - t->at);
    bool further = holds_record(base, 1, len);
    if (hole && (t->end - t->at <= TXNLOG_BATCH_MAX || !further))
        *verdict = TAIL_TORN;
    else if (!further && ends_within(t) && !length_is_damaged(t, base))
        *verdict = TAIL_TORN;
    else
        *why = further ? "the record is damaged and sound records follow it" : "the record is damaged";
    return ST_OK;
}

enum status txnlog_judge_tail(struct window *w, uint64_t at, enum tail_verdict *verdict, const char **why)
{
    struct tail t = {.w = w, .at = at};
    enum status st = window_last_nonzero(w, at, &t.end);
    if (st != ST_OK)
        return st;
    if (t.end == at) {
        *verdict = TAIL_CLEAN;
        return ST_OK;
    }
    st = read_head(&t);
    return st == ST_OK ? judge(&t, verdict, why) : st;
}
