/* history.h - the model of a database: the txns that made it, each a zxid and a number that no other txn has. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct txn_ref {
    int64_t zxid;
    uint64_t id;
};

/* Ascending by zxid. Zero-initialised it is empty. It stands at `label`: everything up to there is in it; what lies
 * beyond came with a snapshot that was taken while the tree moved on, and will be applied again. */
struct history {
    struct txn_ref *items;
    size_t count, capacity;
    int64_t label;
};

/* The zxid of its newest txn; 0: there is none. */
int64_t history_last(const struct history *h);

/* At the end, ascending, whatever the label. */
void history_append(struct history *h, struct txn_ref txn);

/* Applies the txn, which moves the label there. False: it contradicts what is there, or comes too late. */
bool history_apply(struct history *h, struct txn_ref txn);

/* Index of the first txn with at least that zxid; `count`: there is none. */
size_t history_find(const struct history *h, int64_t zxid);

/* Exactly this txn? */
bool history_has(const struct history *h, struct txn_ref txn);

/* How many of its first txns are the same in both. */
size_t history_common(const struct history *a, const struct history *b);

void history_copy(struct history *to, const struct history *from);
void history_free(struct history *h); /* empty and usable afterwards */
