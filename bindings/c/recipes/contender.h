/* contender.h - who contends for a lock: names of nodes as kazoo makes them, and their order. Pure.
 *
 * A contender's node is called UNIQUE__lock__NNNNNNNNNN, one that only wants to read UNIQUE__rlock__NNNNNNNNNN; the
 * digits are the parent's counter, which orders them. */
#pragma once

#include "bindings/c/include/zooid.h"

#define NAME_OF_LOCK      "__lock__"
#define NAME_OF_READ      "__rlock__"
#define GATE_OF_SEMAPHORE "-__lock__" /* behind the semaphore's path: who takes a lease next */

/* Whether the contender's kind of name is `kind`; if so, its place in the order. */
bool contender_is(const char *name, const char *kind, int64_t *place);

/* Of any kind of name. */
bool contender_place(const char *name, int64_t *place);

/* Whether that contender keeps one of our kind waiting that comes behind it. */
bool contender_bars(const char *name, enum zooid_lock_kind ours, int64_t *place);
