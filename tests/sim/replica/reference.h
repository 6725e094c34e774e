/* reference.h - the one history that all replicas must show: each committed txn applied, in order, to a tree of its
 * own, with what it answers, what it changes, and what every path looked like after each.
 *
 * Zxids order all writes, so nothing has to be searched: a reply says at which zxid it was made, and is compared with
 * what stood there. */
#pragma once

#include "core/jute/records.h"
#include "core/tree/watch.h"
#include "tests/sim/world.h"

struct reference; /* opaque */

struct reference *reference_new(struct world *w);
void reference_free(struct reference *ref);

/* machine->committed: the next committed txn of all. */
void reference_commit(struct world *w, const struct server *m, struct txn_ref txn);

struct change {
    enum watch_event event; /* of the node itself */
    const char *path;
};

struct reference_txn {
    int64_t zxid;
    int64_t session;
    int32_t cxid, type; /* of the txn's header */
    int32_t err;        /* code of the reply */
    struct buffer answer;
    uint64_t digest;
    size_t sessions; /* how many there are after it */
    struct change *changes;
    size_t change_count, change_capacity;
};

/* All, in order; the i-th is that of w->committed.items[i]. */
size_t reference_count(const struct reference *ref);
const struct reference_txn *reference_at(const struct reference *ref, size_t i);
size_t reference_after(const struct reference *ref, int64_t zxid); /* index of the first behind that zxid */
const struct reference_txn *reference_find(const struct reference *ref, int64_t zxid); /* NULL: none */

struct node_version {
    int64_t zxid; /* from here on */
    bool exists;
    struct node_stat stat;
    struct buffer data;
    bool null_data;
    uint64_t children; /* hash of their names, whatever their order */
};

/* How the path was at that zxid; NULL: it had never been there. */
const struct node_version *reference_look(const struct reference *ref, struct bytes path, int64_t zxid);

/* A sum over names, to compare sets of them. */
uint64_t reference_hash_name(struct bytes name);

/* Was it ever the ensemble's? */
bool reference_knew_session(const struct reference *ref, int64_t session);

const struct tree *reference_tree(const struct reference *ref);
const struct sessions *reference_sessions(const struct reference *ref);

/* After a step of the member: is its tree what the txns that it has applied make of it? */
void reference_compare(struct world *w, struct server *m);

/* machine->check_end: every node, stat and session of every member. */
void reference_check_end(struct world *w);
