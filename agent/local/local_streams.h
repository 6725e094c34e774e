/* local_streams.h - what is sent to a local client without being asked for again: changes, the whole tree; and the
 * credit for it. */
#pragma once

#include "agent/local/local_internal.h"

/* -- local_flow.c */

/* What one stream of frames may send before its client has dealt with it. */
struct local_flow {
    struct local_client *client;
    uint64_t window, unacknowledged;
    uint64_t counted; /* of the user's bytes */
};

struct local_flow local_flow_of(struct local_client *c, uint64_t window);
bool local_flow_has_room(const struct local_flow *f);
/* So many bytes were sent, and so many wait: both at the user's account. */
void local_flow_sent(struct local_flow *f, size_t bytes, size_t waiting);
void local_flow_end(struct local_flow *f);
void local_take_credit(struct local_client *c, const Zooid__Local__Credit *credit);

/* -- local_backup.c */

struct local_backup {
    struct list link; /* local->backups */
    struct local_request *request;
    struct snapshot_writer *writer;
    struct local_flow flow;
    int64_t zxid;
    bool is_told, is_encoded;
    struct buffer piece; /* what has been encoded and has not left, from piece_at on */
    size_t piece_at;
};

enum status local_backup(struct local_client *c, struct local_request *request, const to_agent *m);
bool local_backups_are_ripe(const struct local *l);
/* Sends a slice of each. */
void local_backups_go_on(struct local *l);
void local_backup_free(struct local_backup *b);

/* -- local_subscribe.c */

struct local_subscription {
    struct list link; /* local->subscriptions */
    struct local_request *request;
    struct path_set prefixes;
    struct buffer texts; /* of the prefixes */
    bool without_data, without_snapshot;
    bool has_cursor;  /* the client has said where to begin */
    bool is_told;     /* its first frame has left */
    bool is_placed;   /* `cursor` and `place` say where it stands; otherwise it needs a snapshot */
    bool fell_behind; /* that is why */
    struct change_cursor cursor;
    struct change_place place;
    struct change_place ahead; /* there is nothing for it between the next change that it is told of and this */
    uint64_t told_at;          /* what changes_written was when it was last told anything */
    struct local_flow flow;
    struct buffer backlog; /* of a snapshot: frames that have not left */
    size_t backlog_at;
};

enum status local_subscribe(struct local_client *c, struct local_request *request, const to_agent *m);
bool local_subscriptions_are_ripe(struct local *l);
/* Tells all of them what is new. */
void local_subscriptions_tell(struct local *l);
void local_subscription_free(struct local_subscription *s);

/* -- local_changes.c */

/* Writes the tree below the prefixes as frames into the backlog, and moves the subscription to where it stands.
 * ST_ANSWER_TOO_LONG: it would be more than zooid.localAnswerMax, or a node more than a frame. ST_NO_MEMORY. */
enum status local_write_snapshot(struct local_subscription *s);

/* Writes a frame with what comes next, at most about `room` bytes, unless there is nothing to tell; `*is_at_end`:
 * nothing follows for now. ST_NOT_FOUND: the place has been overtaken. Others as local_write_snapshot. */
enum status local_write_changes(struct local_subscription *s, size_t room, struct buffer *say, bool *is_at_end);
