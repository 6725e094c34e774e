/* session.h - who is alive: ids, time-outs and their expiry in buckets of one tick (client-protocol 5.2, 5.3).
 *
 * Times are milliseconds of a monotonic clock that the caller hands in. A touch is O(1) and costs nothing when the
 * session stays in its bucket. Not thread-safe. */
#pragma once

#include "core/base/list.h"
#include "core/base/map.h"

struct session {
    int64_t id;
    int32_t timeout_ms;
    uint64_t client;    /* the connection that has it now; 0: none */
    uint64_t owner;     /* leader, and follower with observers: by whom it was last created or revalidated
                         * (quorum-protocol 3.8); 0: not known */
    int64_t expires_ms; /* edge of its bucket */
    bool closing;       /* a closeSession is in flight */
    bool from_apache;   /* came with a directory of Apache's server: its password is by the public rule */
    struct list link;   /* in its bucket */
};

struct sessions; /* opaque */

/* `tick_ms`: width of a bucket, at least 1. NULL: out of memory. */
struct sessions *sessions_new(int32_t tick_ms);
void sessions_free(struct sessions *s);

/* Adds a session or gives a known one the new time-out, as replay needs it; its expiry starts at `now_ms`, even when
 * that is earlier than before. ST_NO_MEMORY. */
enum status sessions_put(struct sessions *s, int64_t id, int32_t timeout_ms, int64_t now_ms);

struct session *sessions_get(const struct sessions *s, int64_t id); /* NULL: not known; valid until removed */

/* The session is gone; false: it was not there. */
bool sessions_remove(struct sessions *s, int64_t id);

/* Moves the expiry to the end of the bucket of now + timeout: (floor((now + timeout) / tick) + 1) * tick. Never moves
 * it back, and leaves a session that is closing where it is. */
void sessions_touch(struct sessions *s, struct session *session, int64_t now_ms);

/* Gives every session its full time-out again from `now_ms`: after a start or a change of leader. */
void sessions_touch_all(struct sessions *s, int64_t now_ms);

/* The edge of the earliest bucket; INT64_MAX: there is no session. */
int64_t sessions_next_expiry(const struct sessions *s);

/* A session whose bucket's edge is <= now_ms, that is not closing; it is taken out of its bucket (not removed), so that
 * each is given once. NULL: none left. */
struct session *sessions_expired(struct sessions *s, int64_t now_ms);

/* All are gone. */
void sessions_clear(struct sessions *s);

size_t sessions_count(const struct sessions *s);

/* In order of expiry; a session that was given by sessions_expired comes last. */
void sessions_each(const struct sessions *s, void (*fn)(void *context, const struct session *session), void *context);
