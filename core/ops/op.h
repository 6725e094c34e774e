/* op.h - one row for each operation (design 4.3).
 *
 * A row says everything about an operation: number, names, kind, how its body is read, and its functions. Fronts,
 * multi, recovery and metrics look rows up; nobody else tells operations apart.
 *
 * A request is decoded and checked whole before it enters any ordered stage. A write is then prepared against the tree
 * as it will be after everything in flight, which may refuse it, and later applied, which may not. Times and zxids are
 * given; nothing here reads a clock. Not thread-safe. */
#pragma once

#include "core/jute/txn.h"
#include "core/members/members.h"
#include "core/ops/pending.h"
#include "core/session/session.h"
#include "core/tree/changes.h"
#include "core/tree/tree.h"
#include "core/tree/watch.h"

enum op_kind {
    OP_READ,       /* answered from the local tree */
    OP_WRITE,      /* goes through the log and uses up a zxid, refused or not */
    OP_CONNECTION, /* changes who the connection is, at once (auth, sasl) */
    OP_INTERNAL,   /* a row for a txn that no client may ask for */
};

/* Numbers that the replica has to know, besides those of txns (core/jute/txn.h). */
enum op_number {
    OP_NUMBER_SYNC = 9,
    OP_NUMBER_PING = 11,

    /* Those of the local door, beyond any that ZooKeeper will have. */
    OP_NUMBER_LIST_PAGE = 1001,
    OP_NUMBER_READ_MANY = 1002,
    OP_NUMBER_SUBTREE = 1003,
};

enum op_flag {
    OP_IN_MULTI = 1,      /* may stand in a multi */
    OP_IN_MULTI_READ = 2, /* may stand in a multiRead */
    OP_SETS_WATCHES = 4,  /* xid and order as usual, events of its own before the reply */
    OP_LOCAL = 8,         /* for clients of the local door; unknown to all others */
};

/* A decoded body; its slices point into the frame. */
union op_body {
    struct create_ttl_request create; /* of all four creates; ttl_ms is -1 unless it is createTTL */
    struct path_version_request path_version;
    struct path_watch_request path_watch;
    struct path_request path;
    struct set_data_request set_data;
    struct set_acl_request set_acl;
    struct path_type_request path_type;
    struct auth_request auth;
    struct set_watches2_request set_watches;
    struct sasl_request sasl;
    struct reconfig_request reconfig;
    struct list_page_request list_page;
    struct read_many_request read_many;
    struct subtree_request subtree;
    struct create_session_txn create_session;
    struct bytes multi; /* the sub-operations, each known to be whole */
};

/* What the operator decided; the same for every request. */
struct op_rules {
    bool extended_types, enforce_quota, skip_acl;
    bool close_session_txn;
    bool reconfig_enabled;
    bool digest_enabled;
    const char *digest_algorithm;
    const char *super_digest;      /* NULL: none */
    const char *x509_super_user;   /* NULL: none */
    const char *ensemble_names;    /* of the scheme ensemble, as "a,b", or "": any; NULL: no such scheme */
    uint32_t txn_bytes_max;        /* 0: no limit; a larger txn is refused */
    uint32_t acl_entries_max;      /* 0: no limit; a longer list is refused */
    uint32_t multi_read_bytes_max; /* 0: no limit; beyond it no further part of a multiRead's answer is begun */
    uint32_t answer_bytes_max;     /* of the local door's operations; 0: no limit */
};

/* What a read may see and do. */
struct read_context {
    const struct op_rules *rules;
    struct tree *tree;
    struct watches *watches;
    uint64_t client;
    int64_t session_id;
    struct identities who;
    bool shows_owners;       /* stats have the owner that is stored, which tells the kind: for the local door */
    struct metrics *metrics; /* NULL: nobody counts what is read */
    /* Sends a watch event to the client before the reply (setWatches). */
    enum status (*send_event)(void *context, enum watch_event event, struct bytes path);
    void *context;
};

/* What a reconfiguration is judged by: the ensemble as its leader sees it. Borrowed. */
struct ensemble_view {
    const struct members *committed, *last_seen; /* the same when none is pending */
    const int64_t *synced;                       /* sids of followers that have all there is, and of the leader */
    size_t synced_count;
    bool standalone_enabled, multi_address;
    struct members_error error; /* filled in: why the new configuration is none; empty: another reason */
};

/* What a prepare sees and fills in. */
struct prepare {
    const struct op_rules *rules;
    struct pending *pending;
    struct identities who;
    int64_t session_id;
    enum status ephemerals; /* ST_OK, or why the session may have none */
    int64_t zxid, time_ms;
    struct buffer *path_scratch;    /* for a path that the request does not have as it stands */
    struct buffer *acl_scratch;     /* for an ACL that had to be fixed up */
    struct ensemble_view *ensemble; /* of a reconfig; NULL: this server leads none */
};

/* What an apply changes, and whom it tells. */
struct apply {
    struct tree *tree;
    struct sessions *sessions;
    const struct txn_header *header;
    int64_t now_ms; /* monotonic, for sessions */
    /* Told of each change: for a deletion just before it, for all else just after it. NULL: nobody listens (recovery).
     */
    void (*changed)(void *context, enum watch_event event, struct bytes path);
    void *context;
    struct changes *history; /* takes down each change; NULL: none is kept */
    struct metrics *metrics; /* NULL: nobody counts what is written (recovery) */
    bool shows_owners;       /* as in a read's context, of the answer */
};

/* How a connection comes to be someone more. */
struct identify {
    const struct op_rules *rules;
    struct identities who;
    struct metrics *metrics;
    /* Adds an identity to the connection, unless it is there. ST_NO_MEMORY. */
    enum status (*add)(void *context, struct bytes scheme, struct bytes id);
    void *context;
};

struct op {
    int32_t number;
    const char *name; /* as in the protocol: "getData" */
    const char *word; /* as `cons` shows it: "GETD" */
    enum op_kind kind;
    uint32_t flags;

    /* NULL: the body is empty or not looked at. ST_MARSHALLING_ERROR or ST_TRUNCATED: cannot be decoded. */
    enum status (*decode)(struct reader *r, union op_body *body);

    /* Reads: writes the answer's body. An error means a reply without a body. */
    enum status (*answer)(const struct read_context *context, const union op_body *body, struct writer *w);

    /* Reads whose answer can be large: about how many bytes it will have once all in flight is done. NULL: few. */
    size_t (*weigh)(const struct pending *pending, const union op_body *body);

    /* Writes: does it ask for an ephemeral, whose owner must be known to every member? NULL: never. */
    bool (*makes_ephemeral)(const union op_body *body);

    /* Writes: checks in Apache's order (client-protocol 3.2), notes in `pending` what will be, writes the txn's record.
     */
    enum status (*prepare)(struct prepare *p, const struct op *op, const union op_body *body, struct writer *record);

    /* Connection: takes effect when the request is read, while its answer waits its turn. ST_AUTH_FAILED: reply, then
     * close. ST_NOT_FOUND: close without a reply, since this is not the ensemble that the client looks for. */
    enum status (*identify)(const struct identify *i, const union op_body *body, struct writer *answer);

    /* What the audit log calls such a request (audit.h). NULL: it says nothing of it. */
    const char *audit_name;

    /* Writes the request's parts for the audit log, with audit_subject. NULL: it is its name alone. */
    void (*audit)(const struct op *op, const union op_body *body, struct writer *note);

    /* Does what a record of this type says and writes the answer's body, unless `answer` is NULL. Errors but
     * ST_NO_MEMORY are those of a replay that meets what it has done already. */
    enum status (*apply)(struct apply *a, struct bytes record, struct writer *answer);
};

/* The row, or NULL. */
const struct op *op_find(int32_t number);

/* All rows, in order of number, for tests, metrics and documentation. */
const struct op *op_rows(size_t *count);

/* Applies one txn to tree and sessions. Errors as op.apply; ST_UNIMPLEMENTED: no such type; ST_CORRUPT: the record is
 * not whole. */
enum status op_apply(struct apply *a, int32_t type, struct bytes record, struct writer *answer);
