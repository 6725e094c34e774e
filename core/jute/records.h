/* records.h - struct, reader, writer and printer of every record in records.def.
 *
 * For a record `name`:
 *   struct name
 *   enum status name_read(struct reader *r, struct name *record)          ST_TRUNCATED: not whole
 *   void        name_write(struct writer *w, const struct name *record)   errors stick in the writer
 *   enum status name_print(struct buffer *out, const struct name *record) one line "name field=value ..."
 * What is read points into the bytes that were read. Pure. */
#pragma once

#include "core/jute/codec.h"

typedef int32_t jute_i32;
typedef int64_t jute_i64;
typedef bool jute_boolean;
typedef struct bytes jute_blob;
typedef struct bytes jute_text;
typedef struct texts jute_texts;
typedef struct acls jute_acls;

#define FIELD(type, name) jute_##type name;
#define RECORD(name, fields)                                        \
    struct name {                                                   \
        fields                                                      \
    };                                                              \
    enum status name##_read(struct reader *r, struct name *record); \
    void name##_write(struct writer *w, const struct name *record); \
    enum status name##_print(struct buffer *out, const struct name *record);
#include "core/jute/records.def"
#undef RECORD
#undef FIELD
