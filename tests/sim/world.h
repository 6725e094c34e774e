/* world.h - one simulated ensemble: its members, one true time, and the order in which things happen.
 *
 * A run is its seed: every choice comes from one generator, and what happens next is the earliest of what is due. What
 * runs on the members is a machine (machine.h): the real core/zab alone, or whole replicas; net, disk, clock and faults
 * are the simulation around them, the same for both, and checks/ is what must hold. All times are true microseconds
 * unless they say otherwise. Running out of memory ends the process: nothing here returns it. */
#pragma once

#include "core/base/map.h"
#include "core/members/members.h"
#include "core/zab/zab.h"
#include "tests/sim/clock.h"
#include "tests/sim/disk.h"
#include "tests/sim/history.h"
#include "tests/sim/marks.h"
#include "tests/support/random.h"

#include <stdio.h>

enum {
    SIM_MEMBERS_MAX = 16,
    SIM_CLIENTS_MAX = 24,
    SIM_ENDS = SIM_MEMBERS_MAX + SIM_CLIENTS_MAX, /* of connections: members by index, clients behind them */
    SIM_MILLISECOND = 1000,
    SIM_SECOND = 1000000,
};

/* What the seed decides before anything happens. */
struct plan {
    unsigned voters, observers;
    unsigned spares; /* hosts that may become members */
    bool reconfigs;
    uint32_t change_every; /* so many writes of clients, one is a reconfiguration */
    bool groups, observer_masters;
    int32_t tick_ms, init_limit, sync_limit;
    int32_t notification_ms_min, notification_ms_max, finalize_wait_ms;
    uint32_t pending_bytes_max;
    uint32_t committed_count_max;
    int64_t zxid_counter_max, zxid_margin;
    int32_t detection_ms; /* 0: no member shows capabilities */
    bool passwords;       /* ... that of keyed ones among them */
    bool mixed;           /* some show none, and may change with a restart: servers are exchanged one by one */
    bool local_sessions, upgrades, read_only;
    uint32_t faults; /* those that this run has: bits by place in the table of faults.c */
    uint32_t fault_us, client_us, latency_us, disk_us, load_us; /* means */
    int64_t faults_end_us;
    bool late_tells; /* completions of the disk are still told between ZAB_LEAVE and ZAB_LOADED */
};

enum happening_kind {
    HAPPENS_WAKE,      /* member, what: wake_no */
    HAPPENS_LOADED,    /* member, what: life */
    HAPPENS_DISK,      /* member, what: life */
    HAPPENS_NEWS,      /* member, what: life, event: enum disk_news, zxid */
    HAPPENS_ROOM,      /* member: its disk was full and may not be so any more */
    HAPPENS_RESTART,   /* member, what: life; it is down */
    HAPPENS_HOST,      /* member: it is there from now on */
    HAPPENS_REPAIR,    /* member, what: life; it is up, with a failed disk */
    HAPPENS_OWN,       /* member, what: life, event, zxid: the machine's own affair */
    HAPPENS_PARCEL,    /* what: link of the side to which it comes */
    HAPPENS_DIALED,    /* what: link of the side that dialed */
    HAPPENS_NOTE_SENT, /* member, what: to whom */
    HAPPENS_NOTE,      /* member: the sender; what: to whom */
    HAPPENS_NOTE_DIAL, /* member, what: the two */
    HAPPENS_CLIENT,    /* event, what: the machine's clients know */
    HAPPENS_FAULT,
};

struct happening {
    int64_t at_us;
    uint64_t order; /* of those at the same time the first that was asked for */
    enum happening_kind kind;
    unsigned member;
    uint64_t what;
    int64_t event, zxid;
};

struct server {
    unsigned index;
    int64_t sid;
    bool observer;  /* what it is when no configuration names it */
    bool installed; /* there is such a host */
    bool silent;    /* shows no capabilities, as an Apache server */
    uint16_t port;  /* on which it listens, or would: the quorum port */
    bool up;
    bool loading; /* the disk is being read, before anything else can be done */
    bool claims;  /* its next notification is the first since it has loaded */
    bool listening, takes_observers;
    bool lost_disk;    /* it has lost all data, and has not been brought up again */
    bool dies_writing; /* when its disk next has several things to do */
    uint64_t life;     /* another one after each start and each crash */
    uint64_t wake_no;
    struct clock clock;
    int64_t shown_us; /* what it has seen on its clock */
    struct disk disk;
    struct history tree; /* the txns that its tree holds */
    size_t agreed;       /* of its tree's txns: found equal to the committed ones since it serves clients */

    enum zab_role role;
    enum zab_phase phase;
    int64_t epoch;
    int64_t told_epoch; /* of the last LEADERINFO that it was given in this role */

    /* What runs on it, by the kind of the machine; NULL: nothing does. */
    struct zab_body *zab;
    struct replica_body *replica;
};

/* A txn that a client asked for. */
struct proposal {
    struct txn_ref txn;
    int64_t sid;
    struct members *config; /* of a reconfiguration; else NULL */
    bool committed;
    bool in_force; /* that configuration, sometime */
};

struct world {
    uint64_t seed;
    struct random random;
    struct plan plan;
    int64_t now_us;
    uint64_t steps;
    FILE *trace; /* NULL: none */
    const struct machine *machine;
    struct replicas *replicas; /* what that machine knows of the run */
    const struct mutant *mutant;

    struct happening *heap;
    size_t heap_count, heap_capacity;
    uint64_t next_order;

    unsigned count; /* of members */
    struct server servers[SIM_MEMBERS_MAX];
    int64_t stopped_until_us[SIM_ENDS]; /* as by SIGSTOP */
    struct members *config;             /* in force: that of the last committed reconfiguration */
    struct members *former;             /* the one before, by which some may judge still; NULL: none */
    struct buffer config_text;
    struct net *net;

    bool calm;                /* no more faults, no more clients */
    struct map64 proposals;   /* by zxid */
    struct map64 entries;     /* of core/zab alone: number of a txn -> its bytes */
    struct map64 established; /* epoch -> who led it */
    int64_t newest_epoch;     /* of those */
    struct history committed; /* by whoever led first; the members' must be beginnings of it */
    uint64_t next_id;
    unsigned marks[MARK_COUNT];
    unsigned fault_counts[32]; /* by place in the table of faults.c */

    bool failed;
    char failure[4200];
};

/* Lets the next thing happen. */
void world_step(struct world *w);

/* Something will happen at `at_us`, or now if that is past. */
void world_at(struct world *w, int64_t at_us, struct happening happening);

/* The member's process ends. `power`: nobody is told, and of what the disk had not acknowledged any beginning may be
 * there; otherwise the kernel closes its connections. */
void world_crash(struct world *w, struct server *m, bool power);
void world_start(struct world *w, struct server *m);

/* -- for machines: a member's affairs ------------------------------------------------------------------------------ */

/* What its clock shows, microseconds; never goes back. */
int64_t world_own_us(struct world *w, struct server *m);

/* A timer of the member: machine->tick when its clock shows that, at the earliest; INT64_MAX: never. Instead of the one
 * before. */
void world_wake(struct world *w, struct server *m, int64_t own_us);

/* Its disk is read: machine->loaded comes after a while. */
void world_load(struct world *w, struct server *m);

struct server *world_member(struct world *w, int64_t sid); /* NULL: there is none */

/* -- for all ------------------------------------------------------------------------------------------------------- */

/* The run ends with this text; the first one counts. */
void world_fail(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A line of the trace, when there is one. */
void world_trace(struct world *w, const struct server *m, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* 0 .. 2 * mean, now and then much more. */
int64_t world_about(struct world *w, uint32_t mean_us);
/* True once in n. */
bool world_chance(struct world *w, uint32_t n);
