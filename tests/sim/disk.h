/* disk.h - a member's disk: one queue of what was asked for, and what of it is durable.
 *
 * What a crash leaves is what was completed and any beginning of the queue behind it. A txn is known by its number
 * here, a database by the txns that it holds; beside those lies its `image`, the bytes of a snapshot of it, for
 * machines that have a real tree. */
#pragma once

#include "core/base/bytes.h"
#include "tests/sim/history.h"

struct world;
struct server;

enum disk_op_kind {
    DISK_LOG,       /* number: zxid, id */
    DISK_ACCEPTED,  /* number: epoch */
    DISK_CURRENT,   /* number: epoch */
    DISK_TRUNCATE,  /* number: zxid of the last txn that stays */
    DISK_RELOAD,    /* nothing changes: the answer has what is there */
    DISK_SPOOL,     /* bytes: of a snapshot that comes in */
    DISK_DROP,      /* it will not become whole */
    DISK_CONFIG,    /* bytes: text of the committed configuration */
    DISK_LAST_SEEN, /* bytes: of the one that is pending; none: there is none */
    DISK_KEEP,      /* content, spooled bytes: replaces all; number: with the entries up to this zxid that follow */
};

struct disk_op {
    enum disk_op_kind kind;
    uint64_t ticket;
    int64_t number;
    uint64_t id;
    struct history content;
    struct buffer bytes;
    bool stale; /* MUTANT_LOG_OF_OLD_ROLE: of a role that has ended */
};

struct disk {
    /* Durable. */
    int64_t accepted_epoch, current_epoch;
    struct buffer config, last_seen;
    struct history base; /* a checkpoint or snapshot; its label may be below its newest txn */
    struct buffer image;
    struct history log; /* behind it */
    int64_t log_from;   /* what was logged behind it is still there to be read for learners, without a hole ... */
    int64_t hole_from, hole_to; /* MUTANT_LOG_WITH_HOLE: ... but for what lies between these */

    /* A snapshot that replaces both when the log entries up to `next_until` have followed it; until then it does not
     * count. */
    bool replacing;
    bool giving_up; /* there was no room for it: what belongs to it, the epoch behind it too, is not written */
    int64_t next_until;
    uint64_t next_ticket;
    struct history next_base, next_log;
    struct buffer spool; /* what has come of it */

    /* Asked for. */
    struct disk_op *ops;
    size_t first, count, capacity;
    bool busy;
    bool failed;
    int64_t full_until_us, slow_until_us;
};

/* The zxid at which what is durable stands. */
int64_t disk_zxid(const struct disk *d);

/* Is the txn durable? */
bool disk_has(const struct disk *d, struct txn_ref txn);

/* Base and log, as a start would find them: appended to `tree`, which is emptied first. */
void disk_read(const struct disk *d, struct history *tree);

/* Some of the log, in order: that behind `after`, up to `until` at most. */
struct disk_excerpt {
    int64_t before; /* the last txn of the log that is not above `after` */
    struct history txns;
};

/* False: it cannot be had. To be freed in any case (txns). */
bool disk_read_log(struct world *w, const struct disk *d, int64_t after, int64_t until, struct disk_excerpt *excerpt);

/* Asks for it; the op is taken over. machine->stored tells what came of it. */
void disk_ask(struct world *w, struct server *m, struct disk_op op);

/* HAPPENS_DISK: something of the queue is done. */
void disk_done(struct world *w, struct server *m);

/* Starts on what waits, if it can. */
void disk_go_on(struct world *w, struct server *m);

/* A crash: `all` of the queue, or any beginning of it, has reached the disk. */
void disk_crash(struct world *w, struct server *m, bool all);

/* Everything is gone: another disk stands in its place. The member is down. */
void disk_lose(struct world *w, struct server *m);

/* Errors from now on, until a restart. */
void disk_fail(struct world *w, struct server *m);

/* No log entry fits until then. */
void disk_fill(struct world *w, struct server *m, int64_t until_us);

/* HAPPENS_ROOM. */
void disk_has_room(struct world *w, struct server *m);

/* MUTANT_LOG_OF_OLD_ROLE: the queue goes on behind the machine's back. */
void disk_outlive_role(struct server *m);

/* Moves the log's entries up to `zxid`, which are committed and in the tree, to the base; of older ones the files may
 * go meanwhile. False: there are none. */
bool disk_checkpoint(struct world *w, struct disk *d, int64_t zxid);

void disk_free(struct disk *d);
