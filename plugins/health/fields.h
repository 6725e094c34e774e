/* fields.h - a JSON object read into a struct by a table: which keys there are, what each takes, and where it goes.
 *
 * What is wrong is told with the path of its key ("checks.[2].interval_ms"), and nothing is taken in silence: a key
 * that no table has is an error too. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum field_kind {
    FIELD_TEXT,   /* char *; not empty, unless min is 0 */
    FIELD_TEXTS,  /* char **, ended by NULL; a list of strings */
    FIELD_NUMBER, /* int64_t, between min and max */
    FIELD_SWITCH, /* bool */
    FIELD_CHOICE, /* int, the number of the word in `words` */
    FIELD_JSON,   /* json_t *, of any kind */
    FIELD_OTHER   /* known, and read by somebody else */
};

struct field {
    const char *key;
    enum field_kind kind;
    bool required;
    size_t offset;
    int64_t min, max;         /* a text's or a list's length, a number's value */
    const char *const *words; /* ended by NULL */
};

struct field_table {
    const struct field *rows;
    size_t count;
};

/* What is wrong, or, when `key` and `message` are empty, that there was no memory. */
struct complaint {
    char key[256];
    char message[256];
};

/* `key` is set behind what stands there: the path of the object that is read. Returns false, for the caller's own. */
bool complain(struct complaint *complaint, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool complain_no_memory(struct complaint *complaint);

/* Puts the number of a list's element behind the path, and takes it away again. */
size_t complaint_enter(struct complaint *complaint, const char *key, size_t index);
void complaint_leave(struct complaint *complaint, size_t mark);

/* Fills `target`, which holds the defaults and must be given to fields_free() in either case. */
bool fields_read(const struct field_table *tables, size_t count, const json_t *object, void *target,
                 struct complaint *complaint);
void fields_free(const struct field_table *table, void *target);

void texts_free(char **texts);
