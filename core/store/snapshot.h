/* snapshot.h - ZooKeeper's snapshot stream and file (quorum-protocol 2.7 and 6.2), written in slices and read from any
 * split.
 *
 *   file: header | sessions | ACL map | nodes, preorder | "/" | seal | digest | seal | last zxid | seal
 *   seal: Adler-32 of everything before it, "/"
 *
 * Files may end behind any seal; ours end behind the second, since the name tells the zxid.
 *
 * The writer appends to a buffer and touches no disk, so that the loop can encode while a disk thread writes; it puts
 * on paper a tree that changes under it: fuzzy, then what is newer than the label comes back by replay, or exact, for
 * those who have no log (backups). Not thread-safe. */
#pragma once

#include "core/session/session.h"
#include "core/store/findings.h"
#include "core/store/io.h"
#include "core/tree/tree.h"

/* -- writing ------------------------------------------------------------------------------------------------------ */

struct snapshot_writer; /* opaque */

/* `zxid`: the last txn applied to the tree, the label of the file. NULL: out of memory. */
struct snapshot_writer *snapshot_writer_new(struct tree *tree, const struct sessions *sessions, int64_t zxid);

/* A writer of the tree as it is now, whatever changes between the calls: what is about to change is kept first, up to
 * `early_max` bytes that wait for the next call. snapshot_encode_some may then give two more errors. ST_NOT_FOUND: the
 * tree is gone, or another was loaded into it; ST_LIMIT: more changed between two calls than may wait. Its end has to
 * be asked for with `zxid`. NULL: out of memory. */
struct snapshot_writer *snapshot_exact_writer_new(struct tree *tree, const struct sessions *sessions, int64_t zxid,
                                                  size_t early_max);
uint64_t snapshot_nodes(const struct snapshot_writer *w); /* written so far */
size_t snapshot_early(const struct snapshot_writer *w);   /* bytes that wait for the next call */

/* Also ends the tree's cursor when it is still out. */
void snapshot_writer_free(struct snapshot_writer *w);

/* Appends up to `nodes_max` further nodes (the first call also header, sessions and ACLs). `done`: the last node is
 * out, call snapshot_end next. The tree may change between calls. Errors as buffer_append; the snapshot is then spoilt.
 */
enum status snapshot_encode_some(struct snapshot_writer *w, size_t nodes_max, struct buffer *out, bool *done);

/* Appends terminator, digest and the seals; the digest is that of the tree as it is now, at `last_zxid`. */
enum status snapshot_encode_end(struct snapshot_writer *w, int64_t last_zxid, struct buffer *out);

/* The whole at once, for a tree that stands still: an exact snapshot. */
enum status snapshot_encode(struct tree *tree, const struct sessions *sessions, int64_t zxid, struct buffer *out);

/* The form between servers (quorum-protocol 2.7): the same sessions, ACLs and nodes, without header and seals, and a
 * signature behind "/". A writer for it is used as the other, but for its end: snapshot_stream_end. */
struct snapshot_writer *snapshot_stream_writer_new(struct tree *tree, const struct sessions *sessions, int64_t zxid);

/* Appends terminator and signature. Errors as buffer_append. */
enum status snapshot_stream_end(struct snapshot_writer *w, struct buffer *out);

/* A file that grows by what the writer gives: written to NAME.tmp, then synced, renamed and its directory synced, so
 * that a snapshot is either whole or not there. For the disk thread. */
struct snapshot_file; /* opaque */
enum status snapshot_file_create(struct snapshot_file **out, const struct store_io *io, const char *dir, int64_t zxid);
/* The same with another path, in the same directory, instead of NAME.tmp. */
enum status snapshot_file_create_as(struct snapshot_file **out, const struct store_io *io, const char *dir,
                                    int64_t zxid, const char *tmp_path);
enum status snapshot_file_append(struct snapshot_file *f, struct bytes data);
/* Frees `f` in any case; on an error nothing but perhaps the .tmp is left. */
enum status snapshot_file_commit(struct snapshot_file *f);
/* Content and name of the .tmp are on the disk afterwards. It may grow further, or be closed and left behind. */
enum status snapshot_file_sync(struct snapshot_file *f);
void snapshot_file_leave(struct snapshot_file *f);
void snapshot_file_abort(struct snapshot_file *f); /* removes the .tmp; NULL is allowed */

/* -- reading ------------------------------------------------------------------------------------------------------ */

struct snapshot_info {
    uint64_t nodes, sessions, acls;
    bool digest_section; /* there is one, as in files since 3.6 */
    bool has_digest;
    int64_t digest_zxid; /* the tree has this digest once everything up to this zxid is replayed */
    uint64_t digest;
    bool has_last_zxid;
    int64_t last_zxid;
    uint64_t bytes; /* uncompressed */
};

struct snapshot_reader; /* opaque */

/* Empties the tree (tree_load_begin) and fills it and the sessions. NULL: out of memory. */
struct snapshot_reader *snapshot_reader_new(struct tree *tree, struct sessions *sessions, int64_t now_ms);
void snapshot_reader_free(struct snapshot_reader *r);

/* Takes the next bytes, any number. ST_CORRUPT: snapshot_reader_problem tells what; ST_NO_MEMORY. */
enum status snapshot_feed(struct snapshot_reader *r, struct bytes data);

/* The stream has ended. Checks the seals and ends the load of the tree. ST_CORRUPT, ST_NO_MEMORY. */
enum status snapshot_finish(struct snapshot_reader *r, struct snapshot_info *info);

/* A reader of the form between servers; used with snapshot_stream_feed alone. No session, ACL or node may have more
 * than `element_max` bytes: so much of them is held until one is whole. Otherwise as snapshot_reader_new. */
struct snapshot_reader *snapshot_stream_reader_new(struct tree *tree, struct sessions *sessions, int64_t now_ms,
                                                   size_t element_max);

/* Takes the next bytes, any number, up to the end of the stream and none behind it. `used`: how many were taken, all of
 * them unless `done`: the tree is loaded, and the reader is to be fed no more. ST_CORRUPT: snapshot_reader_problem
 * tells what, the tree holds nothing of use; ST_NO_MEMORY. */
enum status snapshot_stream_feed(struct snapshot_reader *r, struct bytes data, size_t *used, bool *done);

/* What is wrong and where in the uncompressed bytes; text is static. */
const char *snapshot_reader_problem(const struct snapshot_reader *r, uint64_t *offset);

/* Reads a whole file, compressed with gzip or not, into the tree. On ST_CORRUPT and ST_UNSUPPORTED (snappy) a finding
 * of kind `severity` is added and the tree holds nothing of use. ST_NO_MEMORY, ST_IO_ERROR. */
enum status snapshot_load(const struct store_io *io, const char *path, struct tree *tree, struct sessions *sessions,
                          int64_t now_ms, struct snapshot_info *info, enum finding_kind severity,
                          struct findings *findings);

/* The last txn of which the file may hold effects, as its end tells; INT64_MAX: it does not tell. ST_NOT_FOUND,
 * ST_NO_MEMORY, ST_IO_ERROR. */
enum status snapshot_reaches(const struct store_io *io, const char *path, int64_t *zxid);

/* Apache's quick test: long enough, and it ends in a seal. Always true for a compressed file that is not empty. */
enum status snapshot_looks_whole(const struct store_io *io, const char *path, bool *whole);
