/* pump.h - the one place where the replica is stepped: events in, effects out once per turn of the loop.
 *
 * During a turn doors and timers feed events; their effects gather in one outbox. At the end of the turn the log
 * records are handed to persistence, then replies and events go to the doors they are for, then persistence gets its
 * slice. So whatever one turn brought is one batch: one write to each connection, one append to the log.
 *
 * A door is a front: it owns the connections whose client numbers it took from its range. Loop thread only. */
#pragma once

#include "core/base/log.h"
#include "core/replica/replica.h"

#include <uv.h>

struct pump; /* opaque */
struct persistence;

/* What carries out those effects of the replica that are not for clients (agent/peers/ensemble.h). None may feed but
 * `work`.
 */
struct pump_ensemble {
    void *context;
    void (*peer)(void *context, const struct peer_item *item, struct bytes bytes);
    enum status (*job)(void *context, const struct disk_job *job, struct bytes bytes);
    void (*stepped)(void *context); /* right after each step; must not feed */
    void (*flush)(void *context);   /* everything of this turn was said to the peers */
    bool (*work)(void *context);    /* as a door's */
};

struct pump_parts {
    uv_loop_t *loop;
    struct replica *replica;
    struct persistence *persistence;
    const struct pump_ensemble *ensemble; /* NULL: the agent runs alone */
    const struct log_sink *log;
    /* The process must stop: memory ran out where the replica cannot do without. Nothing is stepped any more. */
    void (*failed)(void *context, enum status status);
    void *context;
    /* Lines of the audit log, before the clients of their turn are answered. Must not feed. NULL: there are never any.
     */
    void (*audited)(void *context, struct bytes lines);
};

/* ST_NO_MEMORY. */
enum status pump_new(struct pump **out, const struct pump_parts *parts);

/* Feeds REPLICA_START, and from here on takes part in each turn of the loop, which it keeps alive. */
void pump_start(struct pump *p);

struct pump_door {
    void *context;
    /* Right after the step that made it: OUTBOX_PAUSE, OUTBOX_RESUME, OUTBOX_CLOSE. No frame of a paused or closing
     * client may be fed. Must not feed. */
    void (*control)(void *context, uint64_t client, enum outbox_kind kind);
    /* At the end of the turn, in order: OUTBOX_BYTES with `bytes`, valid until `flush` returns, and OUTBOX_CLOSE for
     * what has to happen behind them. Must not feed. */
    void (*deliver)(void *context, const struct outbox_item *item, const uint8_t *bytes);
    /* Everything of this turn was delivered. Must not feed. */
    void (*flush)(void *context);
    /* Before the delivery of each turn: may feed. True: wants another turn at once. */
    bool (*work)(void *context);
    /* The pump is closed and will not turn again: connections are to be closed without waiting for anything. */
    void (*abandon)(void *context);
};

/* How many doors there may be. */
enum { PUMP_DOORS_MAX = 8 };

/* The door is copied. Returns its number. */
uint32_t pump_add_door(struct pump *p, const struct pump_door *door);

/* The door is called no more; what is still on the way to its clients is dropped. Its number stays taken. */
void pump_remove_door(struct pump *p, uint32_t door);

/* A client number for a connection of this door: never 0, never given twice. */
uint64_t pump_client_number(struct pump *p, uint32_t door);

/* Takes the time that the next events carry; to be called at the start of a callback that feeds. */
void pump_look_at_clock(struct pump *p);
int64_t pump_now_us(const struct pump *p);
int64_t pump_wall_ms(const struct pump *p);

/* Steps the replica with `event`, whose times are filled in. Its effects wait for the end of the turn.
 * False: the pump has failed, nothing happened. */
bool pump_feed(struct pump *p, struct replica_event *event);

/* An event without a client, with a fresh look at the clock: REPLICA_LOGGED and the like. */
bool pump_feed_plain(struct pump *p, enum replica_event_kind kind, int64_t zxid);

/* The ensemble is called no more: what is still said to peers, and jobs for the disk, are dropped. Records are not. */
void pump_leave_ensemble(struct pump *p);

/* What the last REPLICA_LINK_BYTES took of its bytes. */
size_t pump_consumed(const struct pump *p);

/* Bytes that wait in the outbox for the end of the turn. */
size_t pump_waiting_bytes(const struct pump *p);

/* Delivers now what waits, without waiting for the end of the turn. Not from within a door's functions, but at the end
 * of a callback. */
void pump_flush(struct pump *p);

/* A door has work for the next turn: the loop must not block. */
void pump_wake(struct pump *p);

/* Nothing waits to be delivered and no door has work left. */
bool pump_is_idle(const struct pump *p);

/* Steps no more, and has the doors that are still there close their connections at once. Frees itself from the loop,
 * when the doors are removed. NULL is allowed. */
void pump_close(struct pump *p);
