/* client.h - clients of a run of replicas: sessions, requests, watches, reconnects to other members.
 *
 * Each does one thing after another, as the seed says, and knows what its replies and events must be: client.c is its
 * life, client_ask.c what it asks, client_take.c what it hears, client_watch.c which events it is owed. It behaves as a
 * client library does: pings, another member when it hears nothing, setWatches when it is back. */
#pragma once

#include "core/jute/codec.h"
#include "core/tree/watch.h"
#include "tests/sim/world.h"

enum { CLIENT_ASKED_MAX = 24, CLIENT_PATH_MAX = 48, CLIENT_WATCHES_MAX = 24 };

/* Operations that have no txn. */
enum {
    OP_EXISTS = 3,
    OP_GET_DATA = 4,
    OP_GET_CHILDREN = 8,
    OP_GET_CHILDREN2 = 12,
    OP_REMOVE_WATCHES = 18,
    OP_SET_WATCHES2 = 105,
    OP_ADD_WATCH = 106,
};

enum client_state {
    CLIENT_AWAY,     /* not connected */
    CLIENT_DIALING,  /* to a member */
    CLIENT_GREETING, /* has said whose session it is */
    CLIENT_ACTIVE,
};

/* A request that waits for its reply. */
struct asked {
    int32_t xid, type;
    char path[CLIENT_PATH_MAX];
    bool watch;
    int32_t mode;  /* of addWatch */
    int64_t floor; /* the last acknowledged zxid of all when it was asked */
    size_t acks;   /* how many acknowledgements there had been */
};

enum watch_kind { OWED_DATA, OWED_EXIST, OWED_CHILD, OWED_PERSISTENT, OWED_RECURSIVE };

struct owed_watch {
    enum watch_kind kind;
    char path[CLIENT_PATH_MAX];
};

struct owed_event {
    int64_t zxid;
    enum watch_event event;
    char path[CLIENT_PATH_MAX];
};

struct watch_book {
    struct owed_watch items[CLIENT_WATCHES_MAX];
    size_t count;
    bool set;       /* the member knows of them */
    int64_t cursor; /* what happened up to there is in `owed`, or was told */
    int64_t since;  /* of the setWatches under way */
    struct owed_event *owed;
    size_t owed_count, owed_capacity;
    struct owed_event *missed; /* told while setWatches was under way */
    size_t missed_count, missed_capacity;
};

/* From which request on it was connected to which member. */
struct passage {
    int32_t first_xid;
    unsigned server;
};

struct client {
    unsigned index, end;
    enum client_state state;
    uint64_t timers; /* those of before are void */
    uint64_t link;
    struct server *server;
    int64_t dialed_us, heard_us, pinged_us;

    int64_t session;
    uint8_t password[16];
    int32_t timeout_ms;
    int64_t seen_zxid;
    int32_t next_xid;
    bool reads; /* without a leader, at a member that serves readers alone; its session ends with the connection */
    bool known; /* its session was the ensemble's when it greeted */
    bool ended; /* ... or had been, and had ended, also when it greeted the time before: an answer may be that time's */
    bool ended_once;
    bool closing; /* closeSession was sent */
    bool gone;    /* for good */

    struct asked asked[CLIENT_ASKED_MAX];
    size_t first, count;
    struct watch_book book;
    struct passage *passages;
    size_t passage_count, passage_capacity;
};

struct clients {
    struct client items[SIM_CLIENTS_MAX];
    unsigned count;
    int64_t *acks; /* zxids of writes and syncs, in the order in which clients were told */
    size_t ack_count, ack_capacity;
    int64_t acked;         /* the largest */
    struct map64 sessions; /* link at the member -> session of whoever was there at last, even if it has gone */
    struct map64 closes;   /* session -> xid of its closeSession, and one */
    struct map64 closing;  /* session -> a closeSession of it was proposed */
    uint64_t writes;       /* to tell one from the other */
    unsigned active_once;  /* clients that have had a session */
    bool quiet;            /* nothing new is asked */
    bool farewell;         /* all have gone; their sessions expire */
};

struct clients *clients_new(struct world *w);
void clients_free(struct clients *clients);

/* -- for the machine ------------------------------------------------------------------------------------------------
 */

void clients_happen(struct world *w, const struct happening *h); /* HAPPENS_CLIENT */
void clients_connected(struct world *w, unsigned end, uint64_t link);
void clients_lost(struct world *w, unsigned end, uint64_t link);
void clients_take(struct world *w, unsigned end, uint64_t link, struct bytes bytes);

/* The member has something for the client at its side of that link. */
void clients_told(struct world *w, const struct server *m, uint64_t link);

/* Of a client, by the member's side of its link, though it may be gone; 0: none, or not known to the client yet. */
int64_t clients_session(const struct world *w, uint64_t link);

/* Has one of them that session now? */
bool clients_have(const struct world *w, int64_t session);

/* A write by one of them; false: none has a session now. */
bool clients_write(struct world *w);

/* Has everybody a session, and an answer to everything? */
bool clients_settled(const struct world *w);
void clients_describe(const struct world *w, char *text, size_t size);

/* They end without a word. Gives the time within which what was theirs has gone. */
int64_t clients_farewell(struct world *w);

/* -- for the checks -------------------------------------------------------------------------------------------------
 */

/* Did the session's client ask with that xid for its end? Notes that it is asked for, in any case. */
bool clients_closes(struct world *w, int64_t session, int32_t xid);

/* Did the client ask that of another member than the one that has taken up its session since? */
bool clients_has_moved(const struct world *w, int64_t session, int32_t xid);

/* -- within: client.c */
void client_send(struct world *w, struct client *c, struct bytes frame);
void client_drop(struct world *w, struct client *c); /* the connection; another one follows */
void client_forget_session(struct client *c);        /* a new one follows */

/* -- client_ask.c */
void client_ask_something(struct world *w, struct client *c);
void client_ask_write(struct world *w, struct client *c);
void client_ping(struct world *w, struct client *c);
void client_set_watches(struct world *w, struct client *c);

/* -- client_take.c */
void client_take(struct world *w, struct client *c, struct bytes frame);

/* -- client_watch.c */
void book_add(struct watch_book *book, enum watch_kind kind, const char *path);
bool book_remove(struct watch_book *book, const char *path); /* all of the path; false: there was none */
void book_leave(struct watch_book *book);                    /* the connection is gone, and what was owed on it */
void book_free(struct watch_book *book);

/* An event came, or a reply that was made at `zxid`: is it what was owed, and was everything told before? */
void book_take_event(struct world *w, struct client *c, int64_t zxid, enum watch_event event, struct bytes path);
void book_take_reply(struct world *w, struct client *c, int64_t zxid);

/* The answer to setWatches. */
void book_take_set(struct world *w, struct client *c, int64_t zxid);
