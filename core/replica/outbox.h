/* outbox.h - the effects of one or more steps, in order of delivery.
 *
 * The shell carries them out once per loop turn and then resets the outbox: first `log` and the jobs are handed to the
 * disk, then what goes to other members leaves, then `audit` is handed on and the items are delivered to clients, each
 * list in its order. Memory is kept between turns up to a bound. Not thread-safe. */
#pragma once

#include "core/base/bytes.h"
#include "core/store/log_read.h"

enum outbox_kind {
    OUTBOX_BYTES,  /* whole frames for the client: `len` bytes at `offset` of `bytes` */
    OUTBOX_CLOSE,  /* send what stands before it, then close the connection */
    OUTBOX_PAUSE,  /* stop reading from the client */
    OUTBOX_RESUME, /* read from it again */
};

struct outbox_item {
    uint64_t client;
    enum outbox_kind kind;
    uint32_t len;
    size_t offset;
};

/* What a member of an ensemble says to the others, and does with its links to them. */
enum peer_kind {
    PEER_NOTIFY,           /* sid, bytes: one notification; replaces one that still waits */
    PEER_LISTEN,           /* open the quorum port */
    PEER_LISTEN_OBSERVERS, /* open the port for observers */
    PEER_UNLISTEN,         /* close both */
    PEER_CONNECT,          /* sid: a link to its quorum port, or with `to_master` to that for observers */
    PEER_BYTES,            /* link, bytes */
    PEER_FEED,             /* link: from now on it is sent what goes to the feed, too */
    PEER_FED_BYTES,        /* bytes, for every link that is in the feed */
    PEER_ROOM,             /* link: REPLICA_LINK_ROOM is wanted when little is unsent, at once if little is */
    PEER_READ_LOG,         /* link, log: of the log, as REPLICA_LOG_PIECE or REPLICA_LOG_REFUSED */
    PEER_CLOSE,            /* link */
    PEER_HOLD,             /* link: nothing more is to be read from it */
    PEER_GO,               /* link: what came meanwhile is offered again */
    PEER_CLOSE_ALL,        /* every link, and both ports */
    PEER_CONFIG, /* there are other servers to know: zab_committed, or zab_pending_config, has become another */
};

struct peer_item {
    enum peer_kind kind;
    bool to_master;
    int64_t sid;
    uint64_t link;
    struct log_wish log;
    size_t offset, len; /* of `bytes` */
};

/* Records that are to be appended. */
struct log_run {
    size_t len;                    /* bytes of `log`, behind the run before */
    int64_t first_zxid, last_zxid; /* 0: no record */
    uint32_t count;
};

enum disk_job_kind {
    JOB_STORE_ACCEPTED,
    JOB_STORE_CURRENT,
    JOB_TRUNCATE,       /* value: the zxid behind which the log is cut; the tree is made anew */
    JOB_RELOAD,         /* the tree is made anew from what is there */
    JOB_SNAPSHOT_BEGIN, /* value: zxid; a snapshot comes in */
    JOB_SNAPSHOT_DATA,  /* bytes: of its stream, as it came */
    JOB_SNAPSHOT_KEEP,  /* with the records up to `value`, which come next, it replaces all that is on the disk */
    JOB_SNAPSHOT_DROP,  /* it will not become whole */
    /* Untold, and if one fails the disk has. In front of the records and epochs that must not be durable without it. */
    JOB_STORE_LAST_SEEN, /* bytes: text of the configuration that is pending now; none: there is none any more */
    JOB_STORE_CONFIG,    /* bytes: text of the committed configuration, with its version= line */
};

/* For the same queue as the records: everything in `before` is appended first. */
struct disk_job {
    enum disk_job_kind kind;
    struct log_run before;
    uint64_t ticket;    /* told when it is durable; 0: nobody wants to know */
    int64_t value;      /* epoch or zxid */
    uint64_t digest;    /* JOB_SNAPSHOT_KEEP: of the tree at `value` */
    size_t offset, len; /* of `bytes` */
};

struct outbox {
    struct buffer bytes;
    struct outbox_item *items;
    size_t count, capacity;

    struct peer_item *peers;
    size_t peer_count, peer_capacity;

    struct disk_job *jobs;
    size_t job_count, job_capacity;

    struct buffer log;                     /* records as the log file has them, ready to be appended */
    int64_t log_first_zxid, log_last_zxid; /* of the records behind the last job; 0: none */
    uint32_t log_count;
    size_t log_start; /* where those begin in `log` */

    struct buffer audit; /* lines of the audit log, each with its end */

    size_t consumed; /* of the last REPLICA_LINK_BYTES */

    int64_t wake_us; /* when REPLICA_TICK is wanted at the latest (monotonic, microseconds); INT64_MAX: never */
};

/* Zero-initialise, then call. */
void outbox_init(struct outbox *o);

/* Empties it after delivery; gives memory back when it has grown large. */
void outbox_reset(struct outbox *o);
void outbox_free(struct outbox *o);

/* Adds an item other than bytes. ST_NO_MEMORY. */
enum status outbox_add(struct outbox *o, uint64_t client, enum outbox_kind kind);

/* One record was appended to `o->log`. */
void outbox_logged(struct outbox *o, int64_t zxid);

/* Adds to the peers' list, or to the disk's behind all that was logged so far; `data` is copied. ST_NO_MEMORY. */
enum status outbox_peer(struct outbox *o, const struct peer_item *item, struct bytes data);
enum status outbox_job(struct outbox *o, const struct disk_job *job, struct bytes data);

/* Everything appended to `o->bytes` since `start` (its len at that time) goes to the client; joined to the item before
 * it when that is for the same client. ST_NO_MEMORY: the bytes are taken back. */
enum status outbox_send(struct outbox *o, uint64_t client, size_t start);

/* Bytes that have been sent to somebody in this turn go to the client as well; they are kept once. ST_NO_MEMORY. */
enum status outbox_share(struct outbox *o, uint64_t client, size_t offset, size_t len);
