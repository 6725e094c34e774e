/* properties.h - the syntax of Java property files, which zoo.cfg is written in.
 *
 * key=value, key: value or key value; # and ! begin comments; a backslash at the end of a line continues it; \t \n \r
 * \f \uXXXX and a backslash before any other character are escapes. Values are bytes as they stand in the file; \uXXXX
 * becomes UTF-8. Source: the documentation of java.util.Properties.load. Not thread-safe. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct properties {
    const char *text;
    const char *at;
    const char *end;
    unsigned line; /* of `at`, from 1 */
    char *to;      /* where the next decoded byte goes */
};

struct property {
    const char *key;   /* terminated, in the memory given to properties_open */
    const char *value; /* terminated, without blanks at either end */
    unsigned line;     /* where it begins */
    size_t from, to;   /* what it takes of the text, with its line end */
    const char *error; /* NULL, or why this one is malformed, static; key is then what could be read */
};

/* What properties_open needs for a text of `size` bytes. */
size_t properties_memory(size_t size);

/* Begins at the start of `text`, which need not be terminated. Both `text` and `memory`, of properties_memory(size)
 * bytes, stay the caller's and must outlive every property. */
void properties_open(struct properties *p, const char *text, size_t size, char *memory);

/* The next property; a malformed one does not end the reading. False: there are no more. */
bool properties_next(struct properties *p, struct property *out);
