/* txnlog_frame.c - records as the file has them. */
#include "core/base/check.h"
#include "core/store/txnlog.h"
#include "core/store/txnlog_format.h"

#include <zlib.h>

enum {
    LEN_AT = 8,
    ZXID_AT = TXNLOG_RECORD_HEAD_LEN + 12, /* behind session and cxid */
};

enum status txnlog_frame(struct buffer *out, struct bytes entry)
{
    enum status st = entry.len > INT32_MAX ? ST_LIMIT : buffer_reserve(out, entry.len + TXNLOG_FRAME_LEN);
    if (st != ST_OK)
        return st;
    uint8_t *record = out->data + out->len;
    be64_put(record, txnlog_checksum(entry));
    be32_put(record + LEN_AT, (uint32_t)entry.len);
    if (entry.len > 0)
        memcpy(record + TXNLOG_RECORD_HEAD_LEN, entry.data, entry.len);
    record[TXNLOG_RECORD_HEAD_LEN + entry.len] = TXNLOG_END_MARK;
    out->len += entry.len + TXNLOG_FRAME_LEN;
    return ST_OK;
}

struct bytes txnlog_piece(struct bytes records, int64_t *first_zxid, int64_t *last_zxid)
{
    size_t len = 0;
    while (len < records.len) {
        CHECK(records.len - len > TXNLOG_FRAME_LEN);
        size_t record = TXNLOG_FRAME_LEN + (size_t)be32_get(records.data + len + LEN_AT);
        CHECK(record >= ZXID_AT + 8 && record <= records.len - len);
        if (len > 0 && len + record > TXNLOG_BATCH_MAX)
            break;
        int64_t zxid = (int64_t)be64_get(records.data + len + ZXID_AT);
        if (len == 0)
            *first_zxid = zxid;
        *last_zxid = zxid;
        len += record;
    }
    return bytes_make(records.data, len);
}

enum status txnlog_unframe(struct bytes *records, struct bytes *entry)
{
    if (records->len == 0)
        return ST_END;
    CHECK(records->len >= TXNLOG_FRAME_LEN);
    const size_t len = be32_get(records->data + LEN_AT);
    CHECK(len <= records->len - TXNLOG_FRAME_LEN);
    *entry = bytes_make(records->data + TXNLOG_RECORD_HEAD_LEN, len);
    *records = bytes_from(*records, len + TXNLOG_FRAME_LEN);
    return ST_OK;
}

uint64_t txnlog_checksum(struct bytes entry)
{
    return adler32_z(adler32_z(0, NULL, 0), entry.data, entry.len);
}
