/* ensemble_rig_internal.h - what the files of the rig share: ensemble_rig.c is the commands and the time,
 * ensemble_rig_net.c the links and the disks. */
#pragma once

#include "tests/support/ensemble_rig.h"
#include "tests/support/rig_internal.h"

enum { ENSEMBLE_MEMBERS_MAX = 8 };

enum parcel_kind {
    PARCEL_NOTE,
    PARCEL_CONNECTED,
    PARCEL_ACCEPTED,
    PARCEL_BYTES,
    PARCEL_ROOM,
    PARCEL_NO_LOG,
    PARCEL_CLOSED
};

/* On its way to a member. */
struct parcel {
    struct list link;
    enum parcel_kind kind;
    int64_t from, to; /* sids */
    uint64_t end;
    int64_t due_ms; /* not before; 0: at once */
    struct buffer bytes;
};

/* One side of a link; its number is that of the link at the replica. */
struct link_end {
    int64_t sid;
    uint64_t other;
    bool open, held, fed;
    struct buffer unread;
};

/* What the disk has been asked for and has not done. */
struct disk_entry {
    struct list link;
    bool is_job;
    int64_t zxid; /* of the last record; of a job: its value */
    enum disk_job_kind job;
    uint64_t ticket;
    struct buffer bytes; /* of a snapshot */
    size_t log_start;    /* of what is logged behind this job */
};

struct ensemble_member {
    struct rig *rig;
    bool listening, takes_observers, cut;
    struct list disk;
    struct buffer spool; /* the snapshot that comes in */
    int64_t spool_zxid;
};

struct ensemble_rig {
    struct rig *patterns;                                     /* has the options; runs nothing */
    struct ensemble_member members[ENSEMBLE_MEMBERS_MAX + 1]; /* by sid */
    bool keyed[ENSEMBLE_MEMBERS_MAX + 1];
    int64_t count, voters;
    bool observer_masters;
    int64_t now_ms;
    int64_t zxid_counter_max;
    bool stalled[ENSEMBLE_MEMBERS_MAX + 1][ENSEMBLE_MEMBERS_MAX + 1];
    struct list parcels;
    struct link_end *ends; /* by number, from 1 on */
    uint64_t end_count, end_cap;
};

/* -- ensemble_rig.c */

/* NULL: there is none of this name at any member. */
const struct rig_client *ensemble_rig_client(const struct ensemble_rig *e, const char *name);

/* -- ensemble_rig_net.c */

/* What a step of the member wants of disk and peers, out of its outbox. */
void ensemble_rig_carry_out(struct rig *rig);

/* Delivers, and lets the disks do, whatever is not held up; false: there was nothing. */
bool ensemble_rig_deliver_one(struct ensemble_rig *e, struct buffer *out);

/* For the last link between the two that is open at `to`. False: there is none. */
bool ensemble_rig_send(struct ensemble_rig *e, int64_t from, int64_t to, struct bytes bytes);

/* Every link of the member breaks. */
void ensemble_rig_break_links(struct ensemble_rig *e, int64_t sid);
void ensemble_rig_drop_parcels(struct ensemble_rig *e);
