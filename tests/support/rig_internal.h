/* rig_internal.h - what the files of the rig share.
 *
 * replica_rig.c is the world and steps; rig_commands.c runs commands; rig_options.c sets options; rig_request.c writes
 * requests; rig_print.c says what came out, rig_reply.c the bodies in it; rig_replay.c applies the log again. */
#pragma once

#include "core/jute/records.h"
#include "core/replica/replica.h"
#include "tests/support/replica_rig.h"

enum { RIG_STRINGS = 4 };

/* A request that waits for its reply. The reply of a page with nodes, or of several nodes with their children, is read
 * differently: RIG_DETAILED is added to its operation. */
enum { RIG_DETAILED = 100000 };
struct rig_asked {
    int32_t xid, op;
};

struct rig_client {
    char name[16];
    uint64_t number;
    int64_t session_id;
    uint8_t password[16];
    int32_t next_xid;
    bool spoke, greeted, gone, gone_told, paused;
    int64_t seen_zxid;       /* the highest in a reply */
    struct rig_asked *asked; /* from `asked_first` on */
    size_t asked_first, asked_count, asked_cap;
};

struct rig {
    struct replica_options options;
    struct replica *replica;
    struct metrics *metrics;
    struct outbox outbox;
    struct rig_client **clients;
    size_t client_count, client_cap;
    uint64_t next_number;
    int64_t now_ms;
    struct buffer log;  /* all that was logged, as the file has it, ... */
    struct buffer base; /* ... behind this snapshot, in the form between servers; empty: there is none */
    int64_t base_zxid;
    int64_t logged_zxid, released_zxid;
    bool holds, stopped, broken, has_orphans;
    int64_t wake_us;               /* as the last step said */
    size_t consumed;               /* of the last REPLICA_LINK_BYTES */
    int64_t sid;                   /* of a member */
    struct ensemble_rig *ensemble; /* NULL: it runs alone */
    void (*around)(void *context, bool inside);
    void *around_context;
    char strings[RIG_STRINGS][256];
    const char *schemes[2];
};

/* -- rig_options.c */

void rig_default_options(struct replica_options *options);
void rig_set_option(struct rig *rig, const char *name, const char *value);

/* -- rig_request.c */

/* Flips, cuts or adds bytes behind the xid, as the seed says. */
void rig_bend(struct buffer *frame, uint64_t seed);

/* -- rig_reply.c */

/* Appends the body of a reply of the operation. */
void rig_print_body(int32_t op, struct reader *r, struct buffer *out);

/* -- rig_print.c */

void rig_apache_password(int64_t session_id, uint8_t password[16]);
void rig_printf(struct buffer *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What is not printable as \xNN; for rig_print_text in quotes, or null. */
void rig_put(struct buffer *out, struct bytes text);
void rig_print_text(struct buffer *out, struct bytes text);

/* A number; behind the first epoch "epoch:counter", both in hexadecimal. */
void rig_print_zxid(struct buffer *out, int64_t zxid);

/* One item of the outbox. */
void rig_print_item(struct rig *rig, const struct outbox_item *item, struct buffer *out);

/* Each line of the audit log, with "audit" and in an ensemble the member in front, and bars for tabs. */
void rig_print_audit(struct rig *rig, struct buffer *out);

void rig_print_status(struct rig *rig, struct buffer *out);

/* -- replica_rig.c */

/* Makes the replica; nothing has happened to it yet. */
void rig_make(struct rig *rig);

struct rig_client *rig_client_numbered(struct rig *rig, uint64_t number);

/* The last one of this name: a name may be taken again. NULL: there is none. */
struct rig_client *rig_client_named(const struct rig *rig, const char *name);
struct rig_client *rig_add_client(struct rig *rig, const char *name);

/* The next frame that is no event answers a connect request. */
void rig_expect_session(struct rig *rig, const char *name);

/* A step, the end of the connections that it closed, and the acknowledgement of what it logged, unless that is held. */
void rig_step(struct rig *rig, struct replica_event event, struct buffer *out);
void rig_release(struct rig *rig, int64_t zxid, struct buffer *out);
struct tree *rig_new_tree(const struct rig *rig);

/* -- rig_replay.c */

/* Tree and sessions as the log says they are, and the last zxid in it. */
void rig_replay_log(const struct rig *rig, struct tree **tree, struct sessions **sessions, int64_t *zxid);

/* The log ends behind that txn. */
void rig_cut_log(struct rig *rig, int64_t zxid);

/* The snapshot, which is taken over, is what counts, with what is in the log from `log_start` on. */
void rig_put_base(struct rig *rig, struct buffer *base, int64_t zxid, size_t log_start);
