/* txn_load.h - a stream of txns as a leader would log them, and the tree and sessions after each: what the tests of
 * core/store write, lose, damage and compare with.
 *
 * Failures end the running cmocka test. */
#pragma once

#include "core/jute/txn.h"
#include "core/session/session.h"
#include "tests/support/tree_model.h"

/* What tree and sessions are at one zxid. */
struct txn_state {
    uint64_t digest, nodes, sessions; /* sessions: a sum over id and time-out */
};

struct txn_load {
    struct random random;
    struct model model;
    struct tree *tree;
    struct sessions *sessions;
    int64_t zxid;             /* of the last txn made */
    struct txn_state *states; /* by zxid, from 0 on */
    size_t data_max;          /* bytes of data that every eighth txn sets besides; 0: none */
};

void txn_load_init(struct txn_load *l, uint64_t seed);
void txn_load_free(struct txn_load *l);

/* Makes the next txn, applies it to l->tree and l->sessions and appends its entry, digest included. */
void txn_load_next(struct txn_load *l, struct buffer *entry);

/* The same, framed as the log has it. */
void txn_load_next_record(struct txn_load *l, struct buffer *records);

struct txn_state txn_state_of(const struct tree *t, const struct sessions *s);

/* Fails unless they are what they were at `zxid`. */
void assert_state_is(const struct txn_load *l, int64_t zxid, const struct tree *t, const struct sessions *s);
bool state_is(const struct txn_load *l, int64_t zxid, const struct tree *t, const struct sessions *s);

/* As recovery_apply_fn: the types that txn_load makes. */
enum status txn_load_apply(void *context, struct tree *tree, struct sessions *sessions, const struct txn *txn);

extern const struct tree_options txn_load_tree_options;
