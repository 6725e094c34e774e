/* window.c - reads ahead in large pieces, and looks for zeros. */
#include "core/store/window.h"

#include "core/base/check.h"

enum { READ_AHEAD = 1 << 18 };

enum status window_open(struct window *w, const struct store_io *io, const char *path)
{
    *w = (struct window){.io = io, .path = path};
    enum status st = io->open(io->context, path, IO_READ, &w->file);
    if (st != ST_OK)
        return st;
    st = io->size(io->context, w->file, &w->size);
    if (st != ST_OK)
        window_close(w);
    return st;
}

void window_close(struct window *w)
{
    if (w->file != NULL)
        w->io->close(w->io->context, w->file);
    w->file = NULL;
    buffer_free(&w->held);
}

static bool is_held(const struct window *w, uint64_t offset, size_t len)
{
    return offset >= w->from && offset + len <= w->from + w->held.len;
}

/* Less was there to be read than the file was long. The zeros that a log is written ahead with are given back when its
 * file ends, also while somebody reads it. */
static enum status cut_short(struct window *w, uint64_t end)
{
    uint64_t size = 0;
    enum status st = w->io->size(w->io->context, w->file, &size);
    if (st != ST_OK)
        return st;
    bool was_cut = size < w->size && size < end;
    w->size = size;
    return was_cut ? ST_END : ST_IO_ERROR;
}

enum status window_get(struct window *w, uint64_t offset, size_t len, const uint8_t **data)
{
    if (offset > w->size || len > w->size - offset)
        return ST_END;
    if (!is_held(w, offset, len)) {
        uint64_t rest = w->size - offset;
        size_t want = len < READ_AHEAD ? READ_AHEAD : len;
        if (want > rest)
            want = (size_t)rest;
        w->held.len = 0;
        enum status st = buffer_reserve(&w->held, want);
        size_t got = 0;
        if (st == ST_OK)
            st = w->io->read_at(w->io->context, w->file, offset, w->held.data, want, &got);
        if (st != ST_OK)
            return st;
        w->from = offset;
        w->held.len = got;
        w->bytes_read += got;
        if (got < len)
            return cut_short(w, offset + len);
    }
    *data = w->held.data + (offset - w->from);
    return ST_OK;
}

static bool all_zero(const uint8_t *p, size_t len)
{
    return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

enum status window_last_nonzero(struct window *w, uint64_t from, uint64_t *end)
{
    uint64_t to = w->size;
    while (to > from) {
        size_t len = to - from < READ_AHEAD ? (size_t)(to - from) : READ_AHEAD;
        const uint8_t *p;
        enum status st = window_get(w, to - len, len, &p);
        if (st == ST_END && w->size < to) {
            to = w->size;
            continue;
        }
        if (st != ST_OK)
            return st;
        to -= len;
        if (!all_zero(p, len)) {
            while (p[len - 1] == 0)
                len--;
            *end = to + len;
            return ST_OK;
        }
    }
    *end = from;
    return ST_OK;
}

enum status window_is_zero(struct window *w, uint64_t from, uint64_t to, bool *zero)
{
    if (to > w->size)
        to = w->size;
    *zero = true;
    while (from < to && *zero) {
        size_t len = to - from < READ_AHEAD ? (size_t)(to - from) : READ_AHEAD;
        const uint8_t *p;
        enum status st = window_get(w, from, len, &p);
        if (st == ST_END && w->size < to) {
            to = w->size;
            continue;
        }
        if (st != ST_OK)
            return st;
        *zero = all_zero(p, len);
        from += len;
    }
    return ST_OK;
}
