/* snapshot_spool.h - a snapshot stream from the leader on its way to the disk: its bytes become a snapshot file as they
 * come (quorum-protocol 2.7, 6.2), which is named incoming.<zxid> until it takes the place of everything else
 * (replacement.h): a name of its own, so that nobody who removes what other writers left unfinished takes it for that.
 *
 * The same bytes are judged by whoever loads the tree from them; here only the signature is looked at. For a disk
 * thread. A call that failed for want of room may be repeated as it was. */
#pragma once

#include "core/store/snapshot.h"

struct snapshot_spool; /* opaque */

#define SNAPSHOT_SPOOL_PREFIX "incoming."

/* Appends "DIR/incoming.<hex>", terminated. Errors as buffer_append. */
enum status snapshot_spool_path(struct buffer *path, const char *dir, int64_t zxid);

/* Begins the file, over one of an earlier try. */
enum status snapshot_spool_begin(struct snapshot_spool **out, const struct store_io *io, const char *dir, int64_t zxid);

int64_t snapshot_spool_zxid(const struct snapshot_spool *s);

/* The next bytes of the stream, up to its signature and not further. */
enum status snapshot_spool_append(struct snapshot_spool *s, struct bytes data);

/* The stream is complete: the file is sealed and, with its name, on the disk. `until`: it may hold effects of txns up
 * to this one; `digest`: of the tree at it, or NULL, then the file says nothing of the two. ST_CORRUPT: the stream has
 * no signature. */
enum status snapshot_spool_seal(struct snapshot_spool *s, int64_t until, const uint64_t *digest);

/* The file stays, sealed or not, unless `remove`. NULL is allowed. */
void snapshot_spool_free(struct snapshot_spool *s, bool remove);
