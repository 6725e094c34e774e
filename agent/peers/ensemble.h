/* ensemble.h - the agent as member of an ensemble: ties the replica to its links and to its disk.
 *
 * What the outbox says to peers and disk is carried out here, at the end of each turn; what they answer is fed to the
 * replica. An agent that runs alone has none. Loop thread only. */
#pragma once

#include "agent/base/turns.h"
#include "agent/disk/persistence.h"
#include "agent/pump.h"
#include "agent/settings/settings.h"

struct ensemble; /* opaque */
struct peers;

struct ensemble_parts {
    uv_loop_t *loop;
    struct streams *streams; /* of the loop; borrowed */
    struct replica *replica;
    struct persistence *persistence;
    const struct settings *settings;
    struct metrics *metrics;
    const struct log_sink *log;
    /* Clients are served so from now on. */
    void (*serving)(void *context, enum replica_service service);
    /* Another configuration has become the committed one. */
    void (*configured)(void *context, const struct members *committed);
    void *context;
};

/* Reads the TLS stores and the epochs (persistence_join), makes the replica a member, and the links; nothing listens
 * yet. An error appends to `message`. */
enum status ensemble_new(struct ensemble **out, const struct ensemble_parts *parts, struct buffer *message);

/* What the pump calls; `pump_new` takes it. */
const struct pump_ensemble *ensemble_hooks(const struct ensemble *e);

/* Opens the election port; before pump_start. The turns of the loop stay awake while it waits for other members, for
 * up to zooid.loopAwakeUs. */
void ensemble_open(struct ensemble *e, struct pump *pump, struct turns *turns);

/* Takes over the TLS stores from settings that have changed (SIGHUP). An error is logged and leaves the old state.
 * NULL: nothing is done. */
void ensemble_reload(struct ensemble *e, const struct settings *settings);

/* From persistence's callbacks. */
void ensemble_stored(struct ensemble *e, const struct persistence_stored *stored);
void ensemble_spool_room(struct ensemble *e);
void ensemble_log_piece(struct ensemble *e, uint64_t link, enum status status, const struct log_piece *piece);

/* For reports. */
const struct peers *ensemble_peers(const struct ensemble *e);

/* Closes every link, then frees itself and calls `done` from the loop. NULL: `done`, when there is one, is called at
 * once. */
void ensemble_close(struct ensemble *e, void (*done)(void *context), void *context);
