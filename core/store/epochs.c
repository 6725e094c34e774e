/* epochs.c - two small files with a decimal number each. */
#include "core/store/epochs.h"

#include "core/base/check.h"
#include "core/store/atomic_file.h"
#include "core/store/files.h"
#include "core/store/window.h"

#include <inttypes.h>

enum { DIGITS_MAX = 19 };

static const char *const names[] = {[EPOCH_ACCEPTED] = "acceptedEpoch", [EPOCH_CURRENT] = "currentEpoch"};

/* Decimal digits, white space around them; false: anything else, or more than fits. */
static bool parse(struct bytes text, int64_t *value)
{
    size_t from = 0, to = text.len;
    while (from < to && (text.data[from] == ' ' || text.data[from] == '\n' || text.data[from] == '\r'))
        from++;
    while (to > from && (text.data[to - 1] == ' ' || text.data[to - 1] == '\n' || text.data[to - 1] == '\r'))
        to--;
    if (to == from || to - from > DIGITS_MAX)
        return false;
    uint64_t v = 0;
    for (; from < to; from++) {
        if (text.data[from] < '0' || text.data[from] > '9')
            return false;
        v = v * 10 + (uint64_t)(text.data[from] - '0');
    }
    *value = (int64_t)v;
    return v <= INT64_MAX;
}

/* ST_NOT_FOUND: no such file. */
static enum status read_file(const struct store_io *io, const char *path, int64_t *value)
{
    struct window w;
    enum status st = window_open(&w, io, path);
    if (st != ST_OK)
        return st;
    const uint8_t *data = NULL;
    size_t len = w.size > 64 ? 64 : (size_t)w.size;
    st = len == 0 ? ST_CORRUPT : window_get(&w, 0, len, &data);
    if (st == ST_OK && !parse(bytes_make(data, len), value))
        st = ST_CORRUPT;
    window_close(&w);
    return st;
}

static enum status path_of(struct buffer *path, const char *dir, const char *name, const char *suffix)
{
    path->len = 0;
    return buffer_printf(path, "%s/%s%s", dir, name, suffix);
}

/* Reads one, which may be missing. A .tmp that holds no number was never finished and counts as missing. */
static enum status read_one(const struct store_io *io, struct buffer *path, const char *dir, const char *name,
                            const char *suffix, bool *has, int64_t *value, struct findings *findings)
{
    enum status st = path_of(path, dir, name, suffix);
    if (st == ST_OK)
        st = read_file(io, (const char *)path->data, value);
    *has = st == ST_OK;
    if (st == ST_NOT_FOUND || (st == ST_CORRUPT && suffix[0] != '\0'))
        return ST_OK;
    if (st == ST_OK || st == ST_NO_MEMORY)
        return st;
    enum status told = findings_add(findings, FINDING_DAMAGE, (const char *)path->data, 0,
                                    st == ST_CORRUPT ? "the file holds no number; remove it, or put a copy back"
                                                     : "the file cannot be read; check the disk");
    return told == ST_OK ? st : told;
}

static enum status look_for_marker(const struct store_io *io, struct buffer *path, const char *dir, bool *has)
{
    struct window w;
    enum status st = path_of(path, dir, "updatingEpoch", "");
    if (st != ST_OK)
        return st;
    st = window_open(&w, io, (const char *)path->data);
    *has = st == ST_OK;
    if (st == ST_OK)
        window_close(&w);
    return st == ST_NOT_FOUND ? ST_OK : st;
}

enum status epochs_read(const struct store_io *io, const char *dir, struct epochs *epochs, struct findings *findings)
{
    *epochs = (struct epochs){.has_accepted = false};
    struct buffer path = {0};
    enum status st = read_one(io, &path, dir, names[EPOCH_ACCEPTED], "", &epochs->has_accepted, &epochs->accepted,
                              findings);
    if (st == ST_OK)
        st = read_one(io, &path, dir, names[EPOCH_CURRENT], "", &epochs->has_current, &epochs->current, findings);
    if (st == ST_OK)
        st = read_one(io, &path, dir, names[EPOCH_CURRENT], ".tmp", &epochs->has_current_tmp, &epochs->current_tmp,
                      findings);
    if (st == ST_OK)
        st = look_for_marker(io, &path, dir, &epochs->has_updating);
    buffer_free(&path);
    return st;
}

/* -- writing ------------------------------------------------------------------------------------------------------ */

enum status epochs_write(const struct store_io *io, const char *dir, enum epoch_kind kind, int64_t epoch)
{
    struct buffer path = {0}, text = {0};
    enum status st = path_of(&path, dir, names[kind], "");
    if (st == ST_OK)
        st = buffer_printf(&text, "%" PRId64, epoch);
    if (st == ST_OK)
        st = atomic_file_write(io, dir, (const char *)path.data, buffer_bytes(&text), NULL);
    buffer_free(&path);
    buffer_free(&text);
    return st;
}

/* -- judging ------------------------------------------------------------------------------------------------------ */

static const struct verdict_row {
    enum finding_kind kind;
    const char *name, *text;
} verdict_rows[] = {
    [EPOCHS_SOUND] = {FINDING_NOTE, "", ""},
    [EPOCHS_MISSING] = {FINDING_NOTE, "currentEpoch",
                        "not both epoch files are there, as in a standalone server; they begin with the epoch of "
                        "the last zxid"},
    [EPOCHS_TAKE_TMP] = {FINDING_REPAIR, "currentEpoch",
                         "the server stopped while it raised the epoch; the value in currentEpoch.tmp is taken"},
    [EPOCHS_TAKE_ZXID] = {FINDING_REPAIR, "updatingEpoch",
                          "the server stopped while it raised the epoch; that of the last zxid is taken"},
    [EPOCHS_STALE] = {FINDING_REPAIR, "currentEpoch",
                      "the log has an epoch above currentEpoch: as a member of an ensemble it takes a fresh snapshot "
                      "from the leader"},
    [EPOCHS_CONTRARY] = {FINDING_DAMAGE, "acceptedEpoch",
                         "acceptedEpoch is below currentEpoch, which no server writes; move the data directory "
                         "away and let the member take its data from the others"},
};

static enum epochs_verdict judge(const struct epochs *e, int64_t epoch, struct epochs *repaired)
{
    enum epochs_verdict verdict = EPOCHS_SOUND;
    if (!e->has_current || !e->has_accepted)
        verdict = EPOCHS_MISSING;
    if (!e->has_current)
        repaired->current = epoch;
    if (!e->has_accepted)
        repaired->accepted = repaired->current > epoch ? repaired->current : epoch;
    if (epoch > repaired->current) {
        verdict = e->has_current_tmp && e->current_tmp >= epoch ? EPOCHS_TAKE_TMP
                  : e->has_updating                             ? EPOCHS_TAKE_ZXID
                                                                : EPOCHS_STALE;
        if (verdict != EPOCHS_STALE)
            repaired->current = verdict == EPOCHS_TAKE_TMP ? e->current_tmp : epoch;
    }
    return repaired->accepted < repaired->current ? EPOCHS_CONTRARY : verdict;
}

enum status epochs_judge(const struct epochs *epochs, const char *dir, int64_t last_zxid, enum epochs_verdict *verdict,
                         struct epochs *repaired, struct findings *findings)
{
    *repaired = *epochs;
    repaired->has_accepted = repaired->has_current = true;
    *verdict = judge(epochs, (int64_t)zxid_epoch(last_zxid), repaired);
    if (*verdict == EPOCHS_SOUND)
        return ST_OK;
    const struct verdict_row *row = &verdict_rows[*verdict];
    struct buffer path = {0};
    enum status st = path_of(&path, dir, row->name, "");
    if (st == ST_OK)
        st = findings_add(findings, row->kind, (const char *)path.data, 0, "%s", row->text);
    buffer_free(&path);
    return st;
}
