/* type.h - a type of check: a row with its keys and its functions. The rows are in types.c, each type's code in a file
 * of its own. */
#pragma once

#include "plugins/health/definition.h"

struct check;

struct check_type {
    const char *name;
    struct field_table fields;
    bool trusted;      /* it acts with the plugin's rights: only who is trusted may define it */
    bool by_heartbeat; /* it is told its results; when it is due none came in time */
    void (*preset)(struct definition *definition);                             /* the defaults, before reading */
    bool (*judge)(struct definition *definition, struct complaint *complaint); /* after it; NULL: all is well */
    /* Begins a run, which ends with run_end(), within start() or later. False: no memory; no run_end() comes. */
    bool (*start)(struct check *check);
    void (*cancel)(struct check *check); /* ends a run without a result; NULL: start() never leaves one */
    void (*leave)(struct check *check);  /* ends what goes on between runs, before the check goes; NULL: nothing does */
};

extern const struct check_type type_http, type_tcp, type_script, type_process, type_ttl, type_file_age, type_command;

const struct check_type *type_find(const char *name); /* NULL: there is none */
const struct check_type *type_at(size_t index);       /* NULL: there are no more */
