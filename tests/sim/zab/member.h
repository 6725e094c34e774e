/* member.h - core/zab alone on a simulated server: its tree is a list of txns.
 *
 * member.c steps the machine and lives its life, shell.c carries its effects out, ports.c is its side of the net,
 * snapshots included, workload.c are the clients: they write at whoever leads. */
#pragma once

#include "core/zab/notification.h"
#include "core/zab/zab.h"
#include "tests/sim/machine.h"

struct zab_body {
    struct zab *z;
    struct zab_output out;
    bool draining;           /* the disk's queue must be empty before it can load */
    int64_t taken_zxid;      /* label of the last snapshot that it took */
    struct map64 taking;     /* links on which a snapshot comes next; the value is its label, and one */
    struct map64 ghosts;     /* MUTANT_COUNTED_TWICE: link -> the link of its ghost */
    struct map64 fed;        /* links that are sent what goes to the feed */
    struct vote told, stale; /* MUTANT_VOTE_STALE: the last one that it told, ever and before it had a role */
};

/* Steps the member's machine with the event and carries the effects out. */
void member_feed(struct world *w, struct server *m, struct zab_event event);

/* The machine has left its role: everything goes that belonged to it, and it loads. */
void member_left(struct world *w, struct server *m);

/* -- shell.c */

/* All effects of the member's last step, in their order. */
void shell_carry_out(struct world *w, struct server *m);

/* -- ports.c */
extern const struct net_port zab_ports[PORT_KINDS];
void ports_send(struct world *w, struct server *m, uint64_t link, struct bytes packets);
void ports_feed(struct world *w, struct server *m, uint64_t link);
void ports_send_fed(struct world *w, struct server *m, struct bytes packets);
void ports_close(struct world *w, struct server *m, uint64_t link);
void ports_take_snapshot(struct world *w, struct server *m, uint64_t link, int64_t zxid);
void ports_send_snapshot(struct world *w, struct server *m, uint64_t link, int64_t zxid);
void ports_forget(struct zab_body *body);

/* HAPPENS_OWN: the snapshot on that link (zxid) is complete. Until now it may have grown by what was committed
 * meanwhile. */
enum { OWN_FREEZE = 0 };
void ports_freeze(struct world *w, const struct happening *h);

/* Likewise, with any other event: what the log has behind the txn of that zxid, for the learner at that link. Also what
 * lies beyond all that may be asked for. */
void ports_ask_log(struct world *w, struct server *m, uint64_t link, int64_t after);
void ports_read_log(struct world *w, const struct happening *h);

/* -- workload.c */

/* HAPPENS_CLIENT. */
void workload_happens(struct world *w, const struct happening *h);

/* One write at some leader. False: nobody leads. */
bool workload_write(struct world *w);

/* The bytes of the txn with that number; null: there is none. */
struct bytes workload_entry(const struct world *w, uint64_t id);
void workload_forget(struct world *w);

/* The number of the txn in its bytes; 0: it is none. */
uint64_t workload_entry_id(struct world *w, int64_t zxid, struct bytes entry);
