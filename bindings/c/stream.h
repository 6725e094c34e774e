/* stream.h - what comes without being asked for again: frames of subscriptions and backups, as events. */
#pragma once

#include "bindings/c/internal.h"

/* -- stream.c */

/* One frame. It lives as long as an event that points into it. */
struct stream_frame {
    from_agent *m;
    zooid_ticket ticket;
    uint64_t link_number; /* credit of another connection means nothing */
    size_t size;
    uint32_t untaken; /* events that wait in the queue; under the client's lock */
    atomic_uint holders;
};

/* Events in a row; `failed`: memory ran out. */
struct event_row {
    struct zooid_event *first, **last;
    bool failed;
};

/* Its reply comes in parts without an order of their own: a subscription, a backup. */
bool call_is_streamed(const struct call *call);
/* A part of the reply to such a call; it is taken over. False: memory ran out. */
bool stream_take_locked(zooid_client *c, struct call *call, from_agent *m, size_t size);
/* The program has taken the event. */
void stream_taken_locked(zooid_client *c, const struct zooid_event *event);
void stream_frame_release(struct stream_frame *frame);
/* An event that points into the frame. NULL: out of memory. */
struct zooid_event *stream_event(struct stream_frame *frame, const struct call *call, enum zooid_event_kind kind);
void event_row_add(struct event_row *row, struct zooid_event *event); /* NULL: memory ran out */

/* -- subscription.c */

void subscription_events(struct stream_frame *frame, const struct call *call, struct event_row *row);
/* Where it will go on after a reconnect. */
void subscription_note_place(struct call *call, const Zooid__Local__Changes *told);

/* -- backup.c */

struct zooid_event *backup_event(struct stream_frame *frame, const struct call *call);
