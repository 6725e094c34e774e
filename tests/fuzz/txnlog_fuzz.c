/* txnlog_fuzz.c - any bytes as a log file: records in order, a verdict that stays the same once its cut is made, and
 * what is read of it for a learner.
 *
 * With an odd first byte the checksums of whatever looks like a record are put right first, so that what lies behind
 * them is reached. */
#include "core/base/check.h"
#include "core/jute/txn.h"
#include "core/store/log_read.h"
#include "core/store/txnlog.h"
#include "core/store/txnlog_scan.h"
#include "tests/support/disk_sim.h"

#include <zlib.h>

#define DIR "/log"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    int64_t last;
    uint64_t count;
};

static void look_into(struct bytes entry)
{
    struct txn txn;
    if (txn_decode(entry, &txn) != ST_OK)
        return;
    CHECK(txn_type_name(txn.header.type) != NULL);
    struct buffer again = {0};
    struct writer w = writer_to(&again);
    txn_encode(&w, &txn);
    CHECK(w.status == ST_OK && again.len <= entry.len && memcmp(again.data, entry.data, TXN_HEADER_LEN) == 0);
    buffer_free(&again);
    struct reader at;
    int32_t left;
    struct sub_txn sub;
    if (txn.header.type != TXN_MULTI || txn_multi_begin(txn.record, &at, &left) != ST_OK)
        return;
    while (txn_next_sub(&at, &left, &sub))
        CHECK(txn_type_name(sub.type) != NULL);
    CHECK(at.status == ST_OK && left == 0);
}

static enum status take(void *context, const struct txnlog_record *record)
{
    struct seen *seen = context;
    CHECK(record->zxid > seen->last);
    seen->last = record->zxid;
    seen->count++;
    look_into(record->entry);
    return ST_OK;
}

static void put_checksums_right(uint8_t *file, size_t len)
{
    for (size_t at = TXNLOG_HEADER_LEN; at + TXNLOG_FRAME_LEN <= len;) {
        uint32_t entry_len = be32_get(file + at + 8);
        if (entry_len == 0 || entry_len > len - at - TXNLOG_FRAME_LEN)
            return;
        be64_put(file + at, adler32(adler32(0, NULL, 0), file + at + 12, entry_len));
        file[at + 12 + entry_len] = 'B';
        at += TXNLOG_FRAME_LEN + entry_len;
    }
}

static struct txnlog_scan_result scan(struct disk_sim *disk, struct seen *seen, struct findings *findings)
{
    const struct txnlog_scan options = {
        .io = disk_sim_io(disk), .dir = DIR, .any_start = true, .fn = take, .context = seen};
    struct txnlog_scan_result result;
    CHECK(txnlog_scan(&options, &result, findings) == ST_OK);
    CHECK(result.records == seen->count);
    CHECK((result.verdict == TXNLOG_CORRUPT) == (findings_worst(findings) == FINDING_DAMAGE));
    return result;
}

static void cut(struct disk_sim *disk, const struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->items[i].cut) {
            struct bytes content = disk_sim_get(disk, DIR "/log.1");
            CHECK(findings->items[i].offset < content.len);
            disk_sim_put(disk, DIR "/log.1", bytes_make(content.data, findings->items[i].offset));
        }
    }
}

static int64_t check_piece(struct bytes records, int64_t last)
{
    struct bytes entry;
    while (txnlog_unframe(&records, &entry) == ST_OK) {
        struct txn_header header;
        CHECK(txn_decode_header(entry, &header) == ST_OK && header.zxid > last);
        last = header.zxid;
    }
    return last;
}

/* As it is read for a learner, from behind its first record on. */
static void read_log(struct disk_sim *disk)
{
    struct log_reading reading = {
        .io = disk_sim_io(disk), .dir = DIR, .piece_max = 100, .wish = {.after = 1, .until = INT64_MAX}};
    struct log_piece piece = {0};
    int64_t last = 1, before = 0, whole_from;
    while (last > before && log_read(&reading, &piece) == ST_OK) {
        before = last;
        last = check_piece(buffer_bytes(&piece.records), last);
        reading.wish.after = last;
        reading.wish.place = piece.place;
        piece.records.len = 0;
    }
    buffer_free(&piece.records);
    for (int known = 0; known < 2; known++)
        CHECK(log_whole_from(disk_sim_io(disk), DIR, last, known == 1, &whole_from) == ST_OK && whole_from <= last);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct disk_sim *disk = disk_sim_new();
    disk_sim_make_dir(disk, DIR);
    disk_sim_put(disk, DIR "/log.1", bytes_make(data + 1, size - 1));
    if (data[0] & 1)
        put_checksums_right((uint8_t *)disk_sim_get(disk, DIR "/log.1").data, size - 1);
    struct findings findings = {0};
    struct seen first = {0}, second = {0};
    struct txnlog_scan_result result = scan(disk, &first, &findings);
    if (result.verdict != TXNLOG_CORRUPT) {
        cut(disk, &findings);
        findings_free(&findings);
        CHECK(scan(disk, &second, &findings).verdict == TXNLOG_SOUND);
        CHECK(second.count == first.count && second.last == first.last);
    }
    findings_free(&findings);
    read_log(disk);
    disk_sim_free(disk);
    return 0;
}
