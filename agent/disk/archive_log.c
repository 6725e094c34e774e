/* archive_log.c - the log beside a backup, kept up to date: what is committed and not there yet, in a file of its own.
 *
 * Only what is committed may be in an archive, since a member may cut what is not. So the log can be that of any
 * member, today of this one and tomorrow of that; and its end, where somebody may be writing, is never looked at. That
 * it goes on where the archive ends is seen by the archive's last record, when the log still has it, else by the zxid.
 */
#include "agent/disk/data_dir.h"
#include "agent/disk/disk_posix.h"
#include "agent/disk/restore_internal.h"
#include "core/base/mem.h"
#include "core/store/txnlog.h"
#include "core/store/txnlog_format.h"

enum { FLUSH_BYTES = 1 << 20 };

struct archive {
    const struct store_io *io;
    const char *dir;
    int64_t last_zxid; /* 0: it has none */
    struct buffer last_entry;

    /* What is added. */
    int64_t until, first_zxid, added_zxid;
    uint64_t records;
    bool is_gap, is_other; /* why it stopped */
    struct buffer data, path, tmp_path;
    struct io_file *file;
    uint64_t size;
};

static void archive_free(struct archive *a)
{
    if (a->file != NULL) {
        a->io->close(a->io->context, a->file);
        a->io->remove(a->io->context, (const char *)a->tmp_path.data);
    }
    buffer_free(&a->last_entry);
    buffer_free(&a->data);
    buffer_free(&a->path);
    buffer_free(&a->tmp_path);
}

/* -- what is there ------------------------------------------------------------------------------------------------ */

static enum status note_last(void *context, const struct txnlog_record *record)
{
    struct archive *a = context;
    a->last_zxid = record->zxid;
    a->last_entry.len = 0;
    return buffer_append(&a->last_entry, record->entry.data, record->entry.len);
}

/* Only the last file is read. */
static int find_end(struct archive *a, struct buffer *message)
{
    struct store_files files = {0};
    struct findings findings = {0};
    struct txnlog_scan_result result = {.verdict = TXNLOG_SOUND};
    enum status st = store_files_list(a->io, a->dir, STORE_LOG, &files);
    if (st == ST_OK && files.count > 0) {
        const struct txnlog_scan scan = {.io = a->io,
                                         .dir = a->dir,
                                         .after = files.items[files.count - 1].zxid - 1,
                                         .any_start = true,
                                         .fn = note_last,
                                         .context = a};
        st = txnlog_scan(&scan, &result, &findings);
    }
    store_files_free(&files);
    bool is_sound = st == ST_OK && result.verdict == TXNLOG_SOUND;
    if (!is_sound)
        restore_say_findings(message, &findings, FINDING_REPAIR);
    findings_free(&findings);
    return is_sound ? 0 : restore_say_failed(message, a->dir, "read the archive", st == ST_OK ? ST_CORRUPT : st);
}

/* -- what is added ------------------------------------------------------------------------------------------------ */

static enum status flush(struct archive *a)
{
    enum status st = a->io->write_at(a->io->context, a->file, a->size, a->data.data, a->data.len);
    a->size += a->data.len;
    a->data.len = 0;
    return st;
}

static enum status begin_file(struct archive *a, int64_t zxid)
{
    struct writer w = writer_to(&a->data);
    const struct file_header header = {(int32_t)TXNLOG_MAGIC, TXNLOG_VERSION, 0};
    a->first_zxid = zxid;
    enum status st = store_file_path(&a->path, a->dir, STORE_LOG, zxid);
    if (st == ST_OK)
        st = buffer_printf(&a->tmp_path, "%s.tmp", (const char *)a->path.data);
    if (st == ST_OK)
        st = buffer_append(&a->tmp_path, "", 1);
    if (st != ST_OK)
        return st;
    (void)a->io->remove(a->io->context, (const char *)a->tmp_path.data); /* of a try before */
    st = a->io->open(a->io->context, (const char *)a->tmp_path.data, IO_CREATE, &a->file);
    if (st == ST_OK)
        file_header_write(&w, &header);
    return st == ST_OK ? w.status : st;
}

static bool is_last(const struct archive *a, const struct txnlog_record *record)
{
    return bytes_equal(record->entry, buffer_bytes(&a->last_entry));
}

/* ST_END: nothing further is wanted. */
static enum status take(void *context, const struct txnlog_record *record)
{
    struct archive *a = context;
    enum status st = ST_OK;
    if (record->zxid > a->until)
        return ST_END;
    if (record->zxid == a->last_zxid) {
        a->is_other = !is_last(a, record);
        return a->is_other ? ST_END : ST_OK;
    }
    if (a->file == NULL) {
        a->is_gap = a->last_zxid > 0 && !zxid_follows(a->last_zxid, record->zxid);
        st = a->is_gap ? ST_END : begin_file(a, record->zxid);
    }
    if (st == ST_OK)
        st = txnlog_frame(&a->data, record->entry);
    if (st == ST_OK && a->data.len >= FLUSH_BYTES)
        st = flush(a);
    if (st != ST_OK)
        return st;
    a->added_zxid = record->zxid;
    a->records++;
    return record->zxid == a->until ? ST_END : ST_OK;
}

static enum status commit(struct archive *a)
{
    if (a->file == NULL)
        return ST_OK;
    enum status st = flush(a);
    if (st == ST_OK)
        st = a->io->sync(a->io->context, a->file);
    if (st != ST_OK)
        return st;
    st = a->io->close(a->io->context, a->file);
    a->file = NULL;
    if (st == ST_OK)
        st = a->io->rename(a->io->context, (const char *)a->tmp_path.data, (const char *)a->path.data);
    return st == ST_OK ? a->io->sync_dir(a->io->context, a->dir) : st;
}

/* Reads the log from the archive's last record on. */
static int add(struct archive *a, const char *log_dir, struct buffer *message)
{
    struct findings findings = {0};
    struct txnlog_scan_result result;
    const struct txnlog_scan scan = {.io = a->io,
                                     .dir = log_dir,
                                     .after = a->last_zxid > 0 ? a->last_zxid - 1 : 0,
                                     .any_start = true,
                                     .fn = take,
                                     .context = a};
    enum status st = txnlog_scan(&scan, &result, &findings);
    int code = 0;
    if (a->is_other)
        code = restore_say(message, log_dir,
                           "another txn has zxid 0x%" PRIx64 " here than in the archive: they are of "
                           "different ensembles, or one was restored. Begin another backup",
                           (uint64_t)a->last_zxid);
    else if (a->is_gap)
        code = restore_say(message, log_dir,
                           "the log behind zxid 0x%" PRIx64 ", where the archive ends, is no longer "
                           "here. Begin another backup, and archive more often, or keep more log "
                           "(zooid.logRetainBytes)",
                           (uint64_t)a->last_zxid);
    else if (st == ST_OK && a->last_zxid < a->until && a->added_zxid < a->until) {
        restore_say_findings(message, &findings, FINDING_REPAIR);
        code = restore_say(message, log_dir, "the log ends before zxid 0x%" PRIx64, (uint64_t)a->until);
    } else if (st != ST_OK && st != ST_END) {
        restore_say_findings(message, &findings, FINDING_REPAIR);
        code = restore_say_failed(message, log_dir, "archive the log", st);
    }
    findings_free(&findings);
    return code;
}

static int run(struct archive *a, const char *log_dir, struct buffer *message)
{
    disk_posix_error_clear();
    int code = find_end(a, message);
    if (code == 0 && a->last_zxid < a->until)
        code = add(a, log_dir, message);
    if (code != 0)
        return code;
    enum status st = commit(a);
    if (st != ST_OK)
        return restore_say_failed(message, a->dir, "write the archive", st);
    int64_t end = a->records > 0 ? a->added_zxid : a->last_zxid;
    (void)restore_say(message, a->dir, "%" PRIu64 " txns added, up to zxid 0x%" PRIx64, a->records, (uint64_t)end);
    return 0;
}

int archive_log(const char *log_dir, const char *backup, int64_t until, struct buffer *message)
{
    char *from = restore_files_dir(log_dir), *to = restore_files_dir(backup);
    int code = 1;
    if (from != NULL && to != NULL) {
        struct archive a = {.io = disk_posix(), .dir = to, .until = until};
        code = run(&a, from, message);
        archive_free(&a);
    } else {
        (void)restore_say(message, backup, "out of memory");
    }
    mem_free(from);
    mem_free(to);
    return code;
}
