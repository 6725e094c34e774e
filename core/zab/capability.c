/* capability.c - the record, by one table of names. */
#include "core/zab/capability.h"

#include "core/base/array.h"
#include "core/base/check.h"
#include "core/base/mem.h"

enum { MAGIC = 0x7a6f6f69, VERSION = 1, ROSTER_FIRST = 8 };

static const struct row {
    const char *name;
    bool needs_observers;
} rows[] = {
    /* A client may move to an observer, which has to know the password. */
    [CAPABILITY_SESSION_PASSWORDS] = {"session-passwords", true},
    [CAPABILITY_FAILURE_DETECTION] = {"failure-detection", false},
    /* An observer's log must not run ahead of the epoch that it knows. */
    [CAPABILITY_HANDOVER] = {"handover", true},
};
static_assert(ARRAY_LEN(rows) == CAPABILITY_COUNT, "one row for each capability");

const char *capability_name(enum capability capability)
{
    return rows[capability].name;
}

bool capability_needs_observers(enum capability capability)
{
    return rows[capability].needs_observers;
}

bool capabilities_equal(const struct capabilities *a, const struct capabilities *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

struct capabilities capabilities_common(const struct capabilities *a, const struct capabilities *b)
{
    struct capabilities both = {0};
    for (size_t i = 0; i < CAPABILITY_COUNT; i++)
        if (a->of[i] > 0 && b->of[i] > 0)
            both.of[i] = a->of[i] > b->of[i] ? a->of[i] : b->of[i];
    return both;
}

/* -- records ------------------------------------------------------------------------------------------------------- */

static enum status take_value(struct capabilities *can, struct bytes name, struct bytes value)
{
    struct reader r = reader_of(value);
    for (size_t i = 0; i < CAPABILITY_COUNT; i++) {
        if (!bytes_equal(name, bytes_of(rows[i].name)))
            continue;
        can->of[i] = read_i32(&r);
        return r.status == ST_OK && can->of[i] > 0 ? ST_OK : ST_CORRUPT;
    }
    return ST_OK;
}

static enum status take_values(struct reader *r, struct capabilities *can)
{
    const int32_t count = read_i32(r);
    if (r->status != ST_OK || count < 0 || count > CAPABILITY_NAMES_MAX)
        return ST_CORRUPT;
    for (int32_t i = 0; i < count; i++) {
        const struct bytes name = read_text(r);
        const struct bytes value = read_blob(r);
        if (r->status != ST_OK || take_value(can, name, value) != ST_OK)
            return ST_CORRUPT;
    }
    return ST_OK;
}

enum status capabilities_decode(struct bytes tail, struct capabilities *can)
{
    struct reader r = reader_of(tail);
    *can = (struct capabilities){0};
    const bool is_record = read_i32(&r) == MAGIC && r.status == ST_OK;
    if (!is_record)
        return ST_NOT_FOUND;
    if (tail.len > CAPABILITY_RECORD_MAX)
        return ST_CORRUPT;
    const int32_t version = read_i32(&r);
    if (r.status != ST_OK)
        return ST_CORRUPT;
    return version == VERSION ? take_values(&r, can) : ST_OK;
}

void capabilities_encode(struct writer *w, const struct capabilities *can)
{
    uint8_t value[4];
    int32_t count = 0;
    for (size_t i = 0; i < CAPABILITY_COUNT; i++)
        count += can->of[i] > 0;
    write_i32(w, MAGIC);
    write_i32(w, VERSION);
    write_i32(w, count);
    for (size_t i = 0; i < CAPABILITY_COUNT; i++) {
        if (can->of[i] <= 0)
            continue;
        be32_put(value, (uint32_t)can->of[i]);
        write_text(w, bytes_of(rows[i].name));
        write_blob(w, bytes_make(value, sizeof value));
    }
}

/* -- the roster ---------------------------------------------------------------------------------------------------- */

static struct roster_entry *find(const struct roster *r, int64_t sid)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->items[i].sid == sid)
            return &r->items[i];
    return NULL;
}

const struct capabilities *roster_of(const struct roster *r, int64_t sid)
{
    const struct roster_entry *entry = find(r, sid);
    return entry == NULL ? NULL : &entry->can;
}

enum status roster_put(struct roster *r, int64_t sid, const struct capabilities *can)
{
    struct roster_entry *entry = find(r, sid);
    if (entry == NULL) {
        struct roster_entry *room = array_room(r->items, r->count, &r->capacity, sizeof *room, ROSTER_FIRST);
        if (room == NULL)
            return ST_NO_MEMORY;
        r->items = room;
        entry = &room[r->count++];
        entry->sid = sid;
    }
    entry->can = *can;
    return ST_OK;
}

void roster_remove(struct roster *r, int64_t sid)
{
    struct roster_entry *entry = find(r, sid);
    if (entry != NULL)
        *entry = r->items[--r->count];
}

void roster_free(struct roster *r)
{
    mem_free(r->items);
    *r = (struct roster){0};
}

/* -- what is on ---------------------------------------------------------------------------------------------------- */

/* Here a record has to be. */
static enum status known(enum status st)
{
    return st == ST_NOT_FOUND ? ST_CORRUPT : st;
}

enum status agreement_decode(struct bytes data, struct capabilities *on, struct roster *roster)
{
    struct reader r = reader_of(data);
    enum status st = known(capabilities_decode(read_blob(&r), on));
    const int32_t count = read_i32(&r);
    if (r.status != ST_OK || count < 0 || count > AGREEMENT_VOTERS_MAX)
        return ST_CORRUPT;
    for (int32_t i = 0; i < count && st == ST_OK; i++) {
        struct capabilities can;
        const int64_t sid = read_i64(&r);
        st = known(capabilities_decode(read_blob(&r), &can));
        if (st == ST_OK && r.status != ST_OK)
            st = ST_CORRUPT;
        if (st == ST_OK)
            st = roster_put(roster, sid, &can);
    }
    return st;
}

static void write_record(struct writer *w, const struct capabilities *can)
{
    const size_t at = w->out->len;
    write_i32(w, 0);
    capabilities_encode(w, can);
    if (w->status == ST_OK)
        write_i32_at(w, at, (int32_t)(w->out->len - at - 4));
}

void agreement_encode(struct writer *w, const struct capabilities *on, const struct roster *roster)
{
    write_record(w, on);
    write_i32(w, (int32_t)roster->count);
    for (size_t i = 0; i < roster->count; i++) {
        write_i64(w, roster->items[i].sid);
        write_record(w, &roster->items[i].can);
    }
}
