/* machine.h - what runs on the simulated servers, as the world, its disks and its net see it.
 *
 * There are two: core/zab alone, over a list of txns where a tree would be (zab/), which is quick and goes deep, and
 * whole replicas with trees, sessions and clients (replica/). */
#pragma once

#include "tests/sim/net.h"
#include "tests/sim/world.h"

/* What a disk tells besides what it has done. */
enum disk_news {
    NEWS_FULL,
    NEWS_ROOM,
    NEWS_FAILED,
    NEWS_LOGGED, /* MUTANT_ACK_BEFORE_DURABLE: it says so of `zxid` */
};

struct machine {
    const char *name;

    /* The run's own affairs: clients, and what is known of them. */
    void (*begin)(struct world *w);
    void (*end)(struct world *w);

    /* A process: it is there, its disk has been read, it is gone. */
    void (*start)(struct world *w, struct server *m);
    void (*loaded)(struct world *w, struct server *m);
    void (*stop)(struct world *w, struct server *m);

    void (*tick)(struct world *w, struct server *m);
    void (*note)(struct world *w, struct server *m, int64_t sid, struct bytes bytes);
    void (*news)(struct world *w, struct server *m, enum disk_news news, int64_t zxid);
    /* An op of the disk's queue is durable, or was refused. `last`: no other log entry follows it in its batch. */
    void (*stored)(struct world *w, struct server *m, const struct disk_op *op, bool done, bool last);
    void (*drained)(struct world *w, struct server *m); /* the queue has become empty */
    /* What is committed and durable goes from the log to the base. */
    void (*checkpoint)(struct world *w, struct server *m);
    const struct net_port *ports; /* by enum net_port_kind */

    void (*client)(struct world *w, const struct happening *h); /* HAPPENS_CLIENT */
    void (*own)(struct world *w, const struct happening *h);    /* HAPPENS_OWN */

    void (*committed)(struct world *w, const struct server *m, struct txn_ref txn); /* the next one of all; or NULL */

    /* The end of a run, when faults are over; those that may be NULL have nothing to say. */
    bool (*settled)(const struct world *w);                           /* do clients, too, wait for nothing? or NULL */
    void (*describe)(const struct world *w, char *text, size_t size); /* what they wait for; or NULL */
    bool (*write)(struct world *w);                                   /* one write; false: nobody can */
    void (*check_end)(struct world *w);                               /* are all equal? or NULL */
    /* Something follows, and within that time more (true microseconds) all settle once again; or NULL. */
    int64_t (*farewell)(struct world *w);

    const struct zab *(*zab)(const struct server *m); /* NULL: it is down */
};

/* Both name the functions of a member's life alike. */
#define MACHINE_LIFE                                                                                        \
    .begin = begin, .end = end, .start = start, .loaded = loaded, .stop = stop, .tick = tick, .note = note, \
    .news = news, .stored = stored, .drained = drained, .checkpoint = checkpoint, .zab = zab_of

extern const struct machine zab_machine, replica_machine;
