/* records.c - readers, writers and printers, all made from records.def. */
#include "core/jute/records.h"

#include <inttypes.h>

/* -- those that always take the same number of bytes, which are looked for once ------------------------------------ */

enum { SIZE_i32 = 4, SIZE_i64 = 8, SIZE_boolean = 1 };

static inline int32_t get_i32(const uint8_t *at)
{
    return (int32_t)be32_get(at);
}

static inline int64_t get_i64(const uint8_t *at)
{
    return (int64_t)be64_get(at);
}

static inline bool get_boolean(const uint8_t *at)
{
    return *at != 0;
}

static inline void put_i32(uint8_t *at, int32_t v)
{
    be32_put(at, (uint32_t)v);
}

static inline void put_i64(uint8_t *at, int64_t v)
{
    be64_put(at, (uint64_t)v);
}

static inline void put_boolean(uint8_t *at, bool v)
{
    *at = v;
}

#define RECORD(name, fields)
#define FIELD(type, name)   +SIZE_##type
#define FIXED(name, fields) enum { name##_size = 0 fields };
#include "core/jute/records.def"
#undef FIELD

#define FIELD(type, name)          \
    record->name = get_##type(at); \
    at += SIZE_##type;
#define FIXED(name, fields)                                        \
    enum status name##_read(struct reader *r, struct name *record) \
    {                                                              \
        const uint8_t *at = reader_take(r, name##_size);           \
        if (at == NULL) {                                          \
            *record = (struct name){0};                            \
            return r->status;                                      \
        }                                                          \
        fields return ST_OK;                                       \
    }
#include "core/jute/records.def"
#undef FIELD

#define FIELD(type, name)         \
    put_##type(at, record->name); \
    at += SIZE_##type;
#define FIXED(name, fields)                                        \
    void name##_write(struct writer *w, const struct name *record) \
    {                                                              \
        uint8_t *at = writer_room(w, name##_size);                 \
        if (at == NULL)                                            \
            return;                                                \
        fields                                                     \
    }
#include "core/jute/records.def"
#undef FIELD
#undef RECORD

/* -- the others ---------------------------------------------------------------------------------------------------- */

#define FIXED(name, fields)
#define FIELD(type, name) record->name = read_##type(r);
#define RECORD(name, fields)                                       \
    enum status name##_read(struct reader *r, struct name *record) \
    {                                                              \
        fields return r->status;                                   \
    }
#include "core/jute/records.def"
#undef RECORD
#undef FIELD

#define FIXED(name, fields)
#define FIELD(type, name) write_##type(w, record->name);
#define RECORD(name, fields)                                       \
    void name##_write(struct writer *w, const struct name *record) \
    {                                                              \
        fields                                                     \
    }
#include "core/jute/records.def"
#undef RECORD
#undef FIELD

/* -- as text ------------------------------------------------------------------------------------------------------- */

static enum status print_i32(struct buffer *out, int32_t v)
{
    return buffer_printf(out, "%" PRId32, v);
}

/* zxids and session ids are read in hexadecimal everywhere else too. */
static enum status print_i64(struct buffer *out, int64_t v)
{
    return buffer_printf(out, "0x%" PRIx64, (uint64_t)v);
}

static enum status print_boolean(struct buffer *out, bool v)
{
    return buffer_printf(out, "%s", v ? "true" : "false");
}

/* Printable bytes as they are, others as \xNN, so that a line stays a line. */
static enum status print_text(struct buffer *out, struct bytes v)
{
    if (bytes_is_null(v))
        return buffer_printf(out, "null");
    enum status st = buffer_printf(out, "\"");
    for (size_t i = 0; i < v.len && st == ST_OK; i++) {
        bool plain = v.data[i] >= 0x20 && v.data[i] < 0x7f && v.data[i] != '"' && v.data[i] != '\\';
        st = plain ? buffer_append(out, &v.data[i], 1) : buffer_printf(out, "\\x%02x", v.data[i]);
    }
    return st == ST_OK ? buffer_printf(out, "\"") : st;
}

static enum status print_blob(struct buffer *out, struct bytes v)
{
    return bytes_is_null(v) ? buffer_printf(out, "null") : buffer_printf(out, "%zu bytes", v.len);
}

static enum status print_texts(struct buffer *out, struct texts v)
{
    struct reader r = reader_of(v.raw);
    enum status st = buffer_printf(out, "[");
    for (int32_t i = 0; i < v.count && st == ST_OK; i++) {
        st = i > 0 ? buffer_printf(out, " ") : ST_OK;
        if (st == ST_OK)
            st = print_text(out, read_text(&r));
    }
    return st == ST_OK ? buffer_printf(out, "]") : st;
}

static enum status print_acls(struct buffer *out, struct acls v)
{
    struct reader r = reader_of(v.raw);
    enum status st = buffer_printf(out, "[");
    for (int32_t i = 0; i < v.count && st == ST_OK; i++) {
        int32_t perms = read_i32(&r);
        struct bytes scheme = read_text(&r), id = read_text(&r);
        st = buffer_printf(out, "%s%" PRId32 ":", i > 0 ? " " : "", perms);
        if (st == ST_OK)
            st = print_text(out, scheme);
        if (st == ST_OK)
            st = print_text(out, id);
    }
    return st == ST_OK ? buffer_printf(out, "]") : st;
}

#define FIELD(type, name)                       \
    if (st == ST_OK)                            \
        st = buffer_printf(out, " " #name "="); \
    if (st == ST_OK)                            \
        st = print_##type(out, record->name);
#define RECORD(name, fields)                                                \
    enum status name##_print(struct buffer *out, const struct name *record) \
    {                                                                       \
        enum status st = buffer_printf(out, #name);                         \
        fields return st;                                                   \
    }
#include "core/jute/records.def"
#undef RECORD
#undef FIELD
