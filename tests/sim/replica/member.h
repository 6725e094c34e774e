/* member.h - a whole replica on a simulated server: tree, sessions, watches and clients, as the agent runs it.
 *
 * member.c steps it and lives its life, outbox.c carries its effects out, ports.c is its side of the net, observe.c
 * looks on what came of a step and has it checked, database.c makes trees from disks. Clients are in client.h, what
 * they must see in reference.h. */
#pragma once

#include "core/base/metrics.h"
#include "core/replica/replica.h"
#include "tests/sim/machine.h"

struct reference;
struct clients;

enum { REPLICAS_CLIENTS_MAX = 8 };

/* What a run of replicas knows besides the world. */
struct replicas {
    struct reference *reference;
    struct clients *clients;
    struct map64 entries;    /* zxid -> list of the entries that were ever logged with it */
    uint64_t next_entry;     /* number of the next one */
    struct map64 by_number;  /* number -> entry */
    struct map64 snapshots;  /* number of the connection -> txns of the snapshot that goes over it */
    struct map64 epochs;     /* link of a client at its member -> epoch in which it is served there, and one */
    struct metrics *metrics; /* nobody looks at them */
    int32_t session_ticks_max;
    uint32_t turn_us; /* a member's loop turns that often: what several events bring goes out at once; 0: each alone */
};

/* No epoch has a zxid for each client: sessions that do not outlive epochs would use up all that there are, and nothing
 * would ever settle. */
static inline bool replicas_are_short_of_zxids(const struct world *w)
{
    return w->plan.zxid_counter_max < REPLICAS_CLIENTS_MAX;
}

/* The quorum port's side of a link. */
struct peer_link {
    struct buffer unread;
    struct buffer tail; /* of the snapshot that goes over it: what may be the beginning of its end */
    bool giving;        /* what goes out is a snapshot */
    bool taking;        /* what comes in is one */
    bool took;          /* ... and has come in whole, in this step */
    bool held;
    bool fed;          /* is sent what goes to the feed */
    int64_t log_after; /* what is asked for of the log */
};

struct replica_body {
    struct replica *r;
    struct outbox out;
    struct log_sink log;
    struct world *w;
    struct server *m;
    struct map64 links;      /* struct peer_link */
    size_t log_seen;         /* of the outbox' records: known to observe.c */
    size_t controls_seen;    /* of the outbox' items */
    size_t peers_seen;       /* of what goes to other members: known to observe.c */
    bool turning;            /* the outbox is carried out soon */
    bool held;               /* what it logs in the next step was asked for before: it waited for an epoch */
    struct history ahead;    /* logged, or about to be, and not in the tree */
    struct history taken;    /* of the last snapshot that came in */
    const struct tree *tree; /* the one that m->tree tells of */
    struct map64 heard;      /* session -> when it was last heard, its own clock's milliseconds; of a learner: since it
                              * last told its leader */
    struct map64 seen;       /* leader: session -> when it was first seen, in the same way */
    int64_t looked_ms;       /* leader: when it was last looked for sessions that are overdue */
    int64_t stepped_ms;      /* when it did anything */
    int64_t patient_ms;      /* since when nothing has kept it from expiring sessions */
    int64_t config_version;  /* of the committed configuration */
    int64_t leading_ms;      /* since when it leads */
    size_t compared;         /* of its tree's txns: when it was last compared */
    struct changes *history; /* the replica's */
    size_t remembered;       /* of all txns: how far it was compared */
    bool serves;             /* since then */
};

/* -- member.c */

/* Steps the replica with the event, has it checked, and carries the effects out now or at the end of the turn. */
void replica_feed(struct world *w, struct server *m, struct replica_event event);

/* The machine's own affairs, by HAPPENS_OWN's `event`; zxid: the link. */
enum own_event {
    OWN_TURN,  /* the loop's turn ends */
    OWN_ROOM,  /* little is unsent on the link */
    OWN_OFFER, /* what is unread of the link */
    OWN_GONE,  /* the client's connection was closed by the member */
    OWN_READ,  /* the log, for the learner at the link */
};
void replica_own_at(struct world *w, struct server *m, int64_t at_us, enum own_event event, uint64_t link);

/* -- outbox.c */
void outbox_carry_out(struct world *w, struct server *m);

/* A client that has to be quiet must be so before the next frame is taken. */
void outbox_show_controls(struct world *w, struct server *m);

/* -- ports.c */
extern const struct net_port replica_ports[PORT_KINDS];
struct peer_link *port_link(const struct server *m, uint64_t link); /* NULL: none */
void port_forget(struct server *m, uint64_t link);
void port_forget_all(struct server *m);
void port_offer(struct world *w, struct server *m, uint64_t link);
void port_send(struct world *w, struct server *m, uint64_t link, struct bytes bytes);

/* OWN_READ. */
void port_read_log(struct world *w, struct server *m, uint64_t link);

/* The next bytes of a snapshot's stream on the link: does it end within them? Then `used` is how much of them belongs
 * to it. */
bool port_snapshot_ends(struct peer_link *at, struct bytes bytes, size_t *used);

/* -- observe.c */

/* What the step has brought. */
void observe_step(struct world *w, struct server *m);

/* The member was given these bytes of a link, which hold whole packets, perhaps with a snapshot between. */
void observe_taken(struct world *w, struct server *m, uint64_t link, struct peer_link *at, struct bytes bytes);

/* Its client sent a frame. */
void observe_frame(struct world *w, struct server *m, uint64_t link, struct bytes frame);

/* -- database.c */

/* The number of the entry. */
uint64_t database_entry_id(struct world *w, int64_t zxid, struct bytes entry);
struct bytes database_entry(const struct world *w, uint64_t id);
void database_free(struct replicas *all);

struct database {
    struct tree *tree;
    struct sessions *sessions;
    int64_t last_zxid;
};

/* As the disk has it. */
void database_load(const struct world *w, const struct disk *d, struct database *database);

/* A tree as every server begins with. */
struct tree *database_tree(void);

/* The disk's image becomes that of the tree, exactly. */
void database_keep(struct world *w, struct server *m);

/* Calls `fn` for each record of framed ones. */
void database_each_record(struct bytes records, void (*fn)(void *context, int64_t zxid, struct bytes entry),
                          void *context);
