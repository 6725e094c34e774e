/* txnlog_scan.c - the files one after the other, and the order of the zxids in them. */
#include "core/store/txnlog_scan.h"

#include "core/base/mem.h"
#include "core/jute/txn.h"
#include "core/store/txnlog.h"
#include "core/store/txnlog_format.h"
#include "core/store/txnlog_tail.h"

#include <inttypes.h>

#define ADVICE                                                                                                         \
    "restore the file from a copy, or let the member take its data from the others: move the data directory away and " \
    "start again"

struct scan {
    const struct txnlog_scan *in;
    struct txnlog_scan_result *result;
    struct findings *findings;
    struct window window;
    const char *path; /* of the file that is being read */
    int64_t previous; /* the last valid zxid; -1: none yet */
    size_t cuts_from; /* findings from here on may be cuts that a later record makes unnecessary */
    bool stopped;     /* the verdict is final */
};

static enum status corrupt(struct scan *s, uint64_t offset, const char *what)
{
    s->result->verdict = TXNLOG_CORRUPT;
    s->stopped = true;
    return findings_add(s->findings, FINDING_DAMAGE, s->path, offset, "%s; " ADVICE, what);
}

static enum status unreadable(struct scan *s, uint64_t offset, enum status why)
{
    if (why == ST_NO_MEMORY)
        return why;
    enum status st = findings_add(s->findings, FINDING_DAMAGE, s->path, offset,
                                  "the file cannot be read (%s); check the disk, then " ADVICE, status_text(why));
    return st == ST_OK ? ST_IO_ERROR : st;
}

/* -- order -------------------------------------------------------------------------------------------------------- */

static enum status missing(struct scan *s, uint64_t offset, int64_t last, int64_t next)
{
    s->result->verdict = TXNLOG_CORRUPT;
    s->result->gap = true;
    s->stopped = true;
    return findings_add(
        s->findings, FINDING_DAMAGE, s->path, offset,
        "zxid 0x%" PRIx64 " comes here though 0x%" PRIx64
        " is the last before it: transactions are missing between them; put the missing log file back, or "
        "provide a snapshot from 0x%" PRIx64 " on",
        (uint64_t)next, (uint64_t)last, (uint64_t)next - 1);
}

/* Strictly rising within the log, and from `after` on with none missing. */
static enum status check_order(struct scan *s, uint64_t offset, int64_t zxid)
{
    if (s->previous >= 0 && zxid <= s->previous)
        return corrupt(s, offset, "the record's zxid is not above that of the record before it");
    if (zxid <= s->in->after)
        return ST_OK;
    bool first = s->result->records == 0;
    if (first && s->in->any_start)
        return ST_OK;
    int64_t last = first ? s->in->after : s->previous;
    return zxid_follows(last, zxid) ? ST_OK : missing(s, offset, last, zxid);
}

/* -- records ------------------------------------------------------------------------------------------------------ */

/* The log goes on behind files that end in the middle of a record, so there is nothing to cut there. */
static void keep_tails(struct scan *s)
{
    for (size_t i = s->cuts_from; i < s->findings->count; i++) {
        if (s->findings->items[i].cut) {
            s->findings->items[i].cut = false;
            s->findings->items[i].kind = FINDING_NOTE;
        }
    }
    s->cuts_from = s->findings->count;
    s->result->verdict = TXNLOG_SOUND;
}

static enum status take_record(struct scan *s, uint64_t offset, struct bytes entry)
{
    struct txn_header header;
    if (txn_decode_header(entry, &header) != ST_OK || header.zxid <= 0)
        return corrupt(s, offset, "the record has no transaction in it");
    enum status st = check_order(s, offset, header.zxid);
    if (st != ST_OK || s->stopped)
        return st;
    if (s->result->verdict == TXNLOG_TORN)
        keep_tails(s);
    s->previous = s->result->last_zxid = header.zxid;
    if (header.zxid <= s->in->after)
        return ST_OK;
    if (s->result->records++ == 0)
        s->result->first_zxid = header.zxid;
    if (s->in->fn == NULL)
        return ST_OK;
    const struct txnlog_record record = {header.zxid, entry, s->path, offset};
    return s->in->fn(s->in->context, &record);
}

static enum status end_file(struct scan *s, uint64_t at)
{
    enum tail_verdict verdict;
    const char *why = NULL;
    enum status st = txnlog_judge_tail(&s->window, at, &verdict, &why);
    if (st != ST_OK)
        return unreadable(s, at, st);
    if (verdict == TAIL_CLEAN)
        return ST_OK;
    if (verdict == TAIL_DAMAGED)
        return corrupt(s, at, why);
    s->result->verdict = TXNLOG_TORN;
    return findings_add_cut(s->findings, s->path, at,
                            "the last write before a crash is not whole; nothing of it was acknowledged, and it is cut "
                            "off behind zxid 0x%" PRIx64,
                            (uint64_t)(s->previous < 0 ? 0 : s->previous));
}

static enum status read_records(struct scan *s)
{
    uint64_t at = TXNLOG_HEADER_LEN;
    while (!s->stopped) {
        struct bytes entry;
        enum status st = txnlog_record_at(&s->window, at, &entry);
        if (st == ST_END)
            return end_file(s, at);
        if (st != ST_OK)
            return unreadable(s, at, st);
        st = take_record(s, at, entry);
        if (st != ST_OK)
            return st;
        at += TXNLOG_FRAME_LEN + entry.len;
    }
    return ST_OK;
}

/* -- files -------------------------------------------------------------------------------------------------------- */

/* A file whose header never reached the disk: empty, or all of its first batch torn. */
static enum status read_headless(struct scan *s, const uint8_t *header, size_t len)
{
    uint8_t whole[8];
    be32_put(whole, TXNLOG_MAGIC);
    be32_put(whole + 4, TXNLOG_VERSION);
    static const uint8_t zeros[TXNLOG_HEADER_LEN];
    if (memcmp(header, zeros, len) == 0)
        return end_file(s, 0);
    if (len < TXNLOG_HEADER_LEN && memcmp(header, whole, len < sizeof whole ? len : sizeof whole) == 0)
        return findings_add_cut(s->findings, s->path, 0, "the file was being created when the server stopped");
    if (len == TXNLOG_HEADER_LEN && be32_get(header) == TXNLOG_MAGIC)
        return corrupt(s, 4, "the file is of another version than 2");
    return corrupt(s, 0, "the file does not begin like a transaction log");
}

static enum status read_file(struct scan *s)
{
    const uint8_t *header = NULL;
    size_t len = s->window.size < TXNLOG_HEADER_LEN ? (size_t)s->window.size : TXNLOG_HEADER_LEN;
    s->result->files++;
    if (len == 0)
        return ST_OK;
    enum status st = window_get(&s->window, 0, len, &header);
    if (st != ST_OK)
        return unreadable(s, 0, st);
    if (len == TXNLOG_HEADER_LEN && be32_get(header) == TXNLOG_MAGIC && be32_get(header + 4) == TXNLOG_VERSION)
        return read_records(s);
    return read_headless(s, header, len);
}

/* The name of a file without a record still tells which one was to be the first, hence that all before it were there.
 */
static enum status check_name(struct scan *s, int64_t zxid)
{
    int64_t last = s->previous > s->in->after ? s->previous : s->in->after;
    if (zxid <= last + 1 || zxid_follows(last, zxid) || (s->in->any_start && s->result->records == 0))
        return ST_OK;
    return missing(s, 0, last, zxid);
}

static enum status scan_file(struct scan *s, const struct store_file *file)
{
    s->path = file->path;
    enum status st = window_open(&s->window, s->in->io, file->path);
    if (st != ST_OK)
        return unreadable(s, 0, st);
    int64_t previous = s->previous;
    st = read_file(s);
    s->result->bytes += s->window.bytes_read;
    window_close(&s->window);
    if (st == ST_OK && !s->stopped && s->previous == previous)
        st = check_name(s, file->zxid);
    return st;
}

/* The file that may hold `after` + 1: the last whose name is not above it. */
static size_t first_file(const struct store_files *files, int64_t after)
{
    size_t first = 0;
    for (size_t i = 1; i < files->count && files->items[i].zxid <= after + 1; i++)
        first = i;
    return first;
}

/* What looked like a write that a crash cut short had been synced. */
static enum status below_floor(struct scan *s)
{
    struct finding *cut = &s->findings->items[s->cuts_from];
    uint64_t offset = cut->offset;
    char *path = cut->file;
    cut->file = NULL;
    findings_truncate(s->findings, s->cuts_from);
    s->path = path;
    s->result->below_floor = true;
    enum status st = corrupt(s, offset, "records are damaged that had been synced, as checkpoint or end mark tell");
    mem_free(path);
    return st;
}

enum status txnlog_scan(const struct txnlog_scan *scan, struct txnlog_scan_result *result, struct findings *findings)
{
    *result = (struct txnlog_scan_result){.verdict = TXNLOG_SOUND};
    struct scan s = {.in = scan, .result = result, .findings = findings, .previous = -1, .cuts_from = findings->count};
    struct store_files files = {0};
    enum status st = store_files_list(scan->io, scan->dir, STORE_LOG, &files);
    if (st != ST_OK) {
        s.path = scan->dir;
        return unreadable(&s, 0, st);
    }
    for (size_t i = first_file(&files, scan->after); i < files.count && st == ST_OK && !s.stopped; i++)
        st = scan_file(&s, &files.items[i]);
    if (st == ST_OK && result->verdict == TXNLOG_TORN && result->last_zxid < scan->floor)
        st = below_floor(&s);
    store_files_free(&files);
    return st;
}

static enum status note_first(void *context, const struct txnlog_record *record)
{
    *(int64_t *)context = record->zxid;
    return ST_END;
}

enum status txnlog_first(const struct store_io *io, const char *dir, int64_t *zxid, struct findings *findings)
{
    struct txnlog_scan_result result;
    const size_t before = findings->count;
    const struct txnlog_scan scan = {.io = io, .dir = dir, .any_start = true, .fn = note_first, .context = zxid};
    *zxid = 0;
    enum status st = txnlog_scan(&scan, &result, findings);
    if (st != ST_OK && st != ST_END)
        return st;
    findings_truncate(findings, before);
    return ST_OK;
}
