/* log_read.c - finding the place, reading on from it, and what the headers say. */
#include "core/store/log_read.h"

#include "core/jute/txn.h"
#include "core/store/files.h"
#include "core/store/txnlog.h"
#include "core/store/txnlog_format.h"
#include "core/store/txnlog_tail.h"

/* One file under way. */
struct cursor {
    const struct log_reading *in;
    struct log_piece *piece;
    struct store_files files;
    size_t at; /* which of them */
    struct window window;
    uint64_t offset;
    bool open;
};

static void leave(struct cursor *c)
{
    if (c->open)
        window_close(&c->window);
    c->open = false;
}

static enum status enter(struct cursor *c, size_t at, uint64_t offset)
{
    leave(c);
    c->at = at;
    c->offset = offset;
    enum status st = window_open(&c->window, c->in->io, c->files.items[at].path);
    c->open = st == ST_OK;
    return st;
}

/* ST_END: the file ends here. */
static enum status peek(struct cursor *c, struct bytes *entry, int64_t *zxid)
{
    struct txn_header header;
    enum status st = txnlog_record_at(&c->window, c->offset, entry);
    if (st != ST_OK)
        return st;
    if (txn_decode_header(*entry, &header) != ST_OK)
        return ST_CORRUPT;
    *zxid = header.zxid;
    return ST_OK;
}

static void skip(struct cursor *c, struct bytes entry)
{
    c->offset += TXNLOG_FRAME_LEN + entry.len;
}

static bool is_last(const struct cursor *c)
{
    return c->at + 1 == c->files.count;
}

/* From the end of a file to the next one; behind the last it is the writer's. A record that is there in part only would
 * be a hole. */
static enum status next_file(struct cursor *c)
{
    enum tail_verdict verdict;
    const char *why;
    if (is_last(c))
        return ST_END;
    enum status st = txnlog_judge_tail(&c->window, c->offset, &verdict, &why);
    if (st == ST_OK && verdict != TAIL_CLEAN)
        st = ST_CORRUPT;
    return st == ST_OK ? enter(c, c->at + 1, TXNLOG_HEADER_LEN) : st;
}

/* -- finding it ---------------------------------------------------------------------------------------------------- */

/* The last file that may begin with the txn behind `after`, or before it. ST_NOT_FOUND. */
static enum status file_before(const struct cursor *c, int64_t after, size_t *at)
{
    size_t count = 0;
    while (count < c->files.count && c->files.items[count].zxid <= after + 1)
        count++;
    *at = count - 1;
    return count > 0 ? ST_OK : ST_NOT_FOUND;
}

/* Passes over what lies before it in its file. `before`: the last of that; -1: nothing does. */
static enum status pass_over(struct cursor *c, int64_t after, int64_t *before)
{
    struct bytes entry;
    int64_t zxid = 0;
    enum status st;
    *before = -1;
    while ((st = peek(c, &entry, &zxid)) == ST_OK && zxid <= after) {
        *before = zxid;
        skip(c, entry);
    }
    if (st == ST_OK && *before < 0 && zxid == after + 1)
        *before = after; /* whose record is in the file before, or is the tree that the log begins with */
    return st == ST_END ? ST_OK : st;
}

/* The bytes of records from where it stands to the file with `until`. */
static enum status bytes_left(struct cursor *c, uint64_t *bytes)
{
    const struct log_wish *wish = &c->in->wish;
    uint64_t end = 0;
    size_t at = c->at;
    enum status st = window_last_nonzero(&c->window, c->offset, &end);
    *bytes = end - c->offset;
    while (st == ST_OK && ++at < c->files.count && c->files.items[at].zxid <= wish->until) {
        struct window w;
        st = window_open(&w, c->in->io, c->files.items[at].path);
        if (st != ST_OK)
            break;
        st = w.size < TXNLOG_HEADER_LEN ? ST_CORRUPT : window_last_nonzero(&w, TXNLOG_HEADER_LEN, &end);
        *bytes += st == ST_OK ? end - TXNLOG_HEADER_LEN : 0;
        window_close(&w);
    }
    return st;
}

static enum status find(struct cursor *c)
{
    const struct log_wish *wish = &c->in->wish;
    size_t at = 0;
    uint64_t bytes = 0;
    if (wish->after < c->in->whole_from)
        return ST_NOT_FOUND;
    enum status st = file_before(c, wish->after, &at);
    if (st == ST_OK)
        st = enter(c, at, TXNLOG_HEADER_LEN);
    if (st == ST_OK)
        st = pass_over(c, wish->after, &c->piece->before);
    if (st == ST_OK && c->piece->before < 0)
        st = ST_NOT_FOUND;
    if (st == ST_OK && c->piece->before < c->in->whole_from)
        c->piece->before = c->in->whole_from;
    if (st == ST_OK && wish->bytes_max > 0)
        st = bytes_left(c, &bytes);
    return st == ST_OK && bytes > wish->bytes_max ? ST_LIMIT : st;
}

/* Where the piece before has ended. */
static enum status find_again(struct cursor *c)
{
    const struct log_place *place = &c->in->wish.place;
    c->piece->before = c->in->wish.after;
    for (size_t i = 0; i < c->files.count; i++)
        if (c->files.items[i].zxid == place->file_zxid)
            return enter(c, i, place->offset);
    return ST_NOT_FOUND;
}

/* -- reading ------------------------------------------------------------------------------------------------------- */

static enum status take(struct cursor *c)
{
    const struct log_wish *wish = &c->in->wish;
    struct log_piece *piece = c->piece;
    struct bytes entry;
    int64_t zxid = 0, last = wish->after;
    while (piece->records.len < c->in->piece_max && last < wish->until) {
        enum status st = peek(c, &entry, &zxid);
        if (st == ST_OK && zxid <= last)
            return ST_CORRUPT;
        if (st == ST_OK && zxid > wish->until)
            break;
        if (st == ST_OK)
            st = txnlog_frame(&piece->records, entry);
        if (st == ST_OK) {
            skip(c, entry);
            last = zxid;
        } else if (st == ST_END) {
            st = next_file(c);
            if (st == ST_END)
                break;
        }
        if (st != ST_OK)
            return st;
    }
    piece->place = (struct log_place){c->files.items[c->at].zxid, c->offset};
    return ST_OK;
}

enum status log_read(const struct log_reading *reading, struct log_piece *piece)
{
    struct cursor c = {.in = reading, .piece = piece};
    enum status st = store_files_list(reading->io, reading->dir, STORE_LOG, &c.files);
    if (st == ST_OK)
        st = reading->wish.place.file_zxid == 0 ? find(&c) : find_again(&c);
    if (st == ST_OK)
        st = take(&c);
    leave(&c);
    store_files_free(&c.files);
    return st;
}

/* -- where it is whole --------------------------------------------------------------------------------------------- */

/* Negative, as no number of Apache's is. */
int64_t log_whole_encode(int64_t whole_from)
{
    return ~whole_from;
}

/* What the header says; `last_zxid` when the file is not ours. */
static enum status read_header(struct cursor *c, int64_t last_zxid, int64_t *zxid)
{
    const uint8_t *header = NULL;
    enum status st = window_get(&c->window, 0, TXNLOG_HEADER_LEN, &header);
    if (st != ST_OK)
        return st;
    const int64_t number = (int64_t)be64_get(header + 8);
    *zxid = number < 0 && ~number <= last_zxid ? ~number : last_zxid;
    return ST_OK;
}

/* ST_END: the file has no record. `last`: of the last one, or where the log is known to end. */
static enum status read_last(struct cursor *c, int64_t known, int64_t *last)
{
    struct bytes entry;
    int64_t zxid = 0;
    enum status st = peek(c, &entry, &zxid);
    *last = known;
    return st != ST_OK || known != 0 ? st : pass_over(c, INT64_MAX - 1, last);
}

/* The newest file with a record. What no reader gets past is no log to be read: it begins anew. */
static enum status enter_newest(struct cursor *c, int64_t known, int64_t *last)
{
    enum status st = ST_END;
    for (size_t i = c->files.count; i > 0 && st == ST_END; i--) {
        st = enter(c, i - 1, TXNLOG_HEADER_LEN);
        if (st == ST_OK)
            st = read_last(c, known, last);
    }
    return st;
}

enum status log_whole_from(const struct store_io *io, const char *dir, int64_t last_zxid, bool ends_there,
                           int64_t *zxid)
{
    struct cursor c = {.in = &(struct log_reading){.io = io, .dir = dir}};
    int64_t last = 0;
    *zxid = last_zxid;
    enum status st = store_files_list(io, dir, STORE_LOG, &c.files);
    if (st == ST_OK)
        st = enter_newest(&c, ends_there ? last_zxid : 0, &last);
    if (st == ST_OK && last == last_zxid)
        st = read_header(&c, last_zxid, zxid);
    leave(&c);
    store_files_free(&c.files);
    return st == ST_END || st == ST_CORRUPT ? ST_OK : st;
}
