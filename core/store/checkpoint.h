/* checkpoint.h - what a checkpoint holds, how it is encoded, and when it may be believed (design 4.6).
 *
 *   space     key                  value
 *   nodes     the node's number    CRC-32 | format | parent | name | data | ACL | stat
 *   sessions  0, 1, 2, ...         CRC-32 | format | up to 4096 of (id, time-out)
 *   meta      0                    CRC-32 | format | from | to | complete | number of nodes | digest | number of
 * session values | dbid
 *
 * Every CRC also covers the key. The database behind it is a table of functions like the disk:
 * agent/disk/checkpoint_lmdb.c, or memory in tests. Two sides: the encoder works on the loop thread, in slices, on the
 * numbers that changed; the writer on the checkpoint thread puts its batches into one or several transactions:
 *
 *   loop:   checkpoint_encoder_new -> checkpoint_encode_some ... -> checkpoint_encode_end -> checkpoint_encoder_free
 *   thread: checkpoint_begin -> checkpoint_put_batch ... -> checkpoint_commit (or checkpoint_abort)
 *
 * Between the first and the last of several transactions the meta record says incomplete: the nodes are then of any
 * moment from `from` to `to`, and replay from `from` brings them to `to`. */
#pragma once

#include "core/session/session.h"
#include "core/store/findings.h"
#include "core/tree/tree.h"

#define CHECKPOINT_FORMAT 1

enum checkpoint_space { CHECKPOINT_NODES, CHECKPOINT_SESSIONS, CHECKPOINT_META, CHECKPOINT_SPACES };

/* Takes one value, valid during the call; any status but ST_OK stops the walk and is returned by it. */
typedef enum status checkpoint_value_fn(void *context, uint32_t key, struct bytes value);

/* The database. begin, put, del, clear, commit and abort are one write transaction at a time; get and walk are called
 * outside of one. Any error of commit leaves the database as it was before begin. Errors: ST_NO_SPACE, ST_NO_MEMORY,
 * ST_IO_ERROR, ST_CORRUPT (it does not hold together). */
struct checkpoint_store {
    void *context;
    enum status (*begin)(void *context);
    enum status (*put)(void *context, enum checkpoint_space space, uint32_t key, struct bytes value);
    enum status (*del)(void *context, enum checkpoint_space space, uint32_t key); /* ST_NOT_FOUND: was not there */
    enum status (*clear)(void *context, enum checkpoint_space space);             /* removes all keys of the space */
    enum status (*commit)(void *context);
    void (*abort)(void *context); /* harmless when no transaction is open, as after a commit that failed */
    /* Calls `fn` with the value, or returns ST_NOT_FOUND. */
    enum status (*get)(void *context, enum checkpoint_space space, uint32_t key, checkpoint_value_fn *fn,
                       void *fn_context);
    /* Calls `fn` for every key of the space in rising order. */
    enum status (*walk)(void *context, enum checkpoint_space space, checkpoint_value_fn *fn, void *fn_context);
};

struct checkpoint_meta {
    int64_t from, to; /* zxids; equal when complete. from -1, incomplete: a first or full one was not finished, nothing
                         can be read from it */
    bool complete;
    uint64_t nodes;  /* tree_count at `to` */
    uint64_t digest; /* tree_digest at `to` */
    uint32_t session_values;
    int64_t dbid; /* kept for the caller */
};

/* ST_NOT_FOUND: there has never been a checkpoint; ST_UNSUPPORTED: of a newer format; ST_CORRUPT. */
enum status checkpoint_read_meta(const struct checkpoint_store *store, struct checkpoint_meta *meta);

/* -- loop side ---------------------------------------------------------------------------------------------------- */

struct checkpoint_encoder; /* opaque */

/* Freezes what has changed (tree_freeze) and copies the sessions, as they are at `zxid`, the last txn applied.
 * ST_NO_MEMORY. */
enum status checkpoint_encoder_new(struct checkpoint_encoder **out, struct tree *tree, const struct sessions *sessions,
                                   int64_t zxid);

/* Appends up to `records_max` records to `out`, a batch that the writer understands; the caller measures the time and
 * chooses how many. `done`: none are left. The tree may change between calls: the encoder keeps the old version of what
 * does. ST_NO_MEMORY: also when that could not be kept; the checkpoint must be given up. */
enum status checkpoint_encode_some(struct checkpoint_encoder *e, size_t records_max, struct buffer *out, bool *done);

/* What closes the checkpoint: to be given to checkpoint_commit. Valid until checkpoint_encoder_free. */
struct checkpoint_end {
    int64_t zxid;
    uint64_t nodes, digest;
    struct bytes sessions; /* (id, time-out) pairs as encoded */
};
void checkpoint_encoder_end(const struct checkpoint_encoder *e, struct checkpoint_end *end);

/* Thaws the tree: `stored` when checkpoint_commit succeeded; otherwise what was frozen counts as changed again. */
void checkpoint_encoder_free(struct checkpoint_encoder *e, bool stored);

/* -- thread side -------------------------------------------------------------------------------------------------- */

struct checkpoint_writer; /* opaque */

struct checkpoint_options {
    int64_t zxid; /* the encoder's */
    bool full; /* every node will come: what is stored now is dropped first. Needed when the tree was not loaded from a
                  complete checkpoint of this store */
    uint64_t transaction_bytes_max; /* after so many the transaction is committed and another begun; 0: all in one */
    int64_t dbid;
};

/* Begins; `from` is what the store holds now. ST_NO_MEMORY or an error of the store: nothing has changed. */
enum status checkpoint_begin(struct checkpoint_writer **out, const struct checkpoint_store *store,
                             const struct checkpoint_options *options);

/* Puts what checkpoint_encode_some gave; a batch may be given whole or in pieces that end where one of its calls ended.
 * After an error: checkpoint_abort. */
enum status checkpoint_put_batch(struct checkpoint_writer *w, struct bytes batch);

/* Writes sessions and the meta record and commits; to be called only when the log is synced up to `end->zxid`
 * (design 4.6: what a checkpoint holds can also be found in the log). Frees `w` in any case. */
enum status checkpoint_commit(struct checkpoint_writer *w, const struct checkpoint_end *end);
void checkpoint_abort(struct checkpoint_writer *w); /* NULL is allowed */

/* -- loading ------------------------------------------------------------------------------------------------------ */

/* Fills an emptied tree and the sessions. A complete one must give the node count and digest that the meta record has.
 * After an incomplete one replay must go from meta->from to beyond meta->to before anything is served. ST_NOT_FOUND:
 * there is none that can be used; ST_CORRUPT, ST_UNSUPPORTED: with a finding of kind `severity` whose file is `name`;
 * ST_NO_MEMORY, ST_IO_ERROR. */
enum status checkpoint_load(const struct checkpoint_store *store, const char *name, struct tree *tree,
                            struct sessions *sessions, int64_t now_ms, struct checkpoint_meta *meta,
                            enum finding_kind severity, struct findings *findings);

/* One value, as --check-data and the fuzzer need it. */
struct checkpoint_node {
    uint32_t parent;
    struct bytes name, data;
    struct acls acl;
    struct stat_persisted stat;
};
enum status checkpoint_node_decode(uint32_t number, struct bytes value,
                                   struct checkpoint_node *node); /* ST_CORRUPT, ST_UNSUPPORTED */
enum status checkpoint_node_encode(struct buffer *out, uint32_t number, const struct checkpoint_node *node);
