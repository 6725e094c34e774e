/* findings.h - what reading a data directory found: one line each, with file, offset and advice, and what is to be
 * done.
 *
 * Not thread-safe. */
#pragma once

#include "core/base/bytes.h"

enum finding_kind {
    FINDING_NOTE,   /* worth a line, nothing wrong: an older snapshot was used, an empty file is there */
    FINDING_REPAIR, /* a start puts it right by itself: a torn tail */
    FINDING_DAMAGE, /* nothing here may be served before an operator has acted */
};

struct finding {
    enum finding_kind kind;
    char *file;      /* path; owned */
    uint64_t offset; /* in the file */
    char *text;      /* what is wrong and what to do, one line; owned */
    bool cut;        /* the repair: the file is to end at `offset` */
};

/* Zero-initialise. */
struct findings {
    struct finding *items;
    size_t count, capacity;
};

/* Adds one; `file` is copied. ST_NO_MEMORY. */
enum status findings_add(struct findings *f, enum finding_kind kind, const char *file, uint64_t offset,
                         const char *format, ...) __attribute__((format(printf, 5, 6)));

/* As findings_add with FINDING_REPAIR, and the file is to be cut at `offset`. */
enum status findings_add_cut(struct findings *f, const char *file, uint64_t offset, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The worst kind among them; FINDING_NOTE when there is none. */
enum finding_kind findings_worst(const struct findings *f);

/* Forgets all but the first `count`. */
void findings_truncate(struct findings *f, size_t count);

/* Appends "note|repair|damage: FILE at byte N: TEXT" lines. Errors as buffer_append. */
enum status findings_print(const struct findings *f, struct buffer *out);

void findings_free(struct findings *f); /* empty and usable afterwards */
