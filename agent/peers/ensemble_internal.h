/* ensemble_internal.h - what the files of an agent's membership share: ensemble.c speaks with the peers,
 * ensemble_disk.c with the disk. */
#pragma once

#include "agent/peers/ensemble.h"
#include "agent/peers/held_links.h"
#include "agent/peers/peers.h"
#include "agent/peers/snapshot_room.h"

struct ensemble {
    struct ensemble_parts parts;
    struct pump *pump;
    struct turns *turns; /* NULL: not opened yet */
    struct tls *tls;     /* NULL: servers speak without it */
    struct peers *peers;
    struct pump_ensemble hooks;
    uint32_t door;
    size_t unsent_mark;
    struct snapshot_room room;
    struct held_links observers; /* of this follower, that wait until the leader has read more */
    uint64_t spool_link;         /* held until the disk has room for its snapshot; 0: none */
    int64_t config_version;      /* of the committed configuration */
    enum replica_service service;
    bool closing;
    void (*done)(void *context);
    void *context;
};

/* To the replica, unless the agent is about to end. Not while the outbox is delivered. */
void ensemble_feed(struct ensemble *e, struct replica_event *event);

/* -- ensemble_disk.c: from the outbox */

enum status ensemble_job(void *context, const struct disk_job *job, struct bytes bytes);
void ensemble_read_log(struct ensemble *e, uint64_t link, const struct log_wish *wish);
