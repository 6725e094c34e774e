/* zab_internal.h - the state that the files of core/zab share, and what they lend each other.
 *
 * zab.c dispatches events and changes roles; zab_database.c knows where log and tree stand; zab_config.c keeps the
 * configurations; zab_output.c collects effects; election*.c look for a leader; learner*.c follow one; leader*.c lead.
 * An error in memory sticks in `status` and ends the step; everything else that goes wrong ends in zab_leave or in a
 * closed link. */
#pragma once

#include "core/base/list.h"
#include "core/members/quorum.h"
#include "core/zab/ballots.h"
#include "core/zab/entries.h"
#include "core/zab/notification.h"
#include "core/zab/patience.h"
#include "core/zab/zab.h"

#define ZXID_EPOCH(zxid)   ((int64_t)((uint64_t)(zxid) >> 32))
#define ZXID_COUNTER(zxid) ((int64_t)((uint64_t)(zxid)&0xffffffffu))
#define EPOCH_ZXID(epoch)  ((int64_t)((uint64_t)(epoch) << 32))

enum { EPOCH_MAX = INT32_MAX }; /* epochs are ints on the wire */

struct election; /* election_internal.h */
struct learner;  /* learner.c */
struct leader;   /* leader.c */
struct learners; /* learners.c */

struct zab {
    struct zab_options options;
    struct members *committed, *last_seen; /* last_seen NULL: the same as committed */
    struct members *former;                /* committed before; NULL: it has not changed yet */
    bool last_seen_is_logged;              /* its txn is known to be in the log */
    bool has_outgrown_role;                /* what was found to be committed says that the role is another */
    bool skips_election;                   /* the next role is that which z->vote says */
    struct buffer committed_text;          /* of `committed`, canonical */
    struct roster roster;                  /* what its voters have shown, to this server or to a leader of it */
    struct capabilities on;                /* in this role */
    struct buffer agreement;               /* the data of CAPABILITIES that says so; empty: none was made */
    struct patience patience;              /* with silent peers */
    int64_t alarm_ms;                      /* the limit by which `alarm_leader` was given up; 0: it was not */
    int64_t alarm_leader;

    enum zab_role role;
    enum zab_phase phase;
    int64_t now_ms;
    int64_t heard_ms; /* a learner: of the leader's last packet */
    bool disk_failed, disk_full;

    /* On the disk. */
    int64_t accepted_epoch, current_epoch;
    int64_t epoch_floor; /* not on it: promised by a member that this server could not take in when it led */
    int64_t loaded_zxid; /* where the disk and the tree stood when the role began; -1: the database is incomplete */
    int64_t logged_zxid; /* last that was handed to the log in this role */
    int64_t durable_zxid;
    int64_t committed_zxid; /* last that was given to the layer above, or was in the tree when the role began */

    struct entries history; /* the last committed ones, without a gap; kept over roles where the database is */
    int64_t history_base;   /* what stands before them: all behind it that is committed is in there; -1: not known */
    int64_t log_floor;      /* who lacks txns up to it is not sent them from the log, which was found not to be whole */
    struct entries tail;    /* between roles: what was in the log behind them; may become history when it is loaded */

    struct vote vote; /* the current vote: with which the last election ended */
    int64_t vote_round;
    int64_t round;     /* logical clock of elections */
    bool rejoin_empty; /* what was to be truncated was not there, or the tree has diverged: the next leader is offered
                          no zxid and sends SNAP */

    uint64_t random;     /* of this member alone, so that many do not do the same at the same time */
    int64_t last_master; /* whom the learner of before was connected to; -1: nobody */
    int64_t next_master; /* who is known to take observers, for the role that comes next; -1: nobody is */
    bool has_observed;   /* the role before was ZAB_OBSERVING */

    uint64_t next_ticket;
    struct election *election; /* exactly that of the role is there; NULL in ZAB_LOADING and ZAB_HALTED */
    struct learner *learner;
    struct leader *leader;
    struct ballots early; /* what came in while ZAB_LOADING, for the election that follows */

    struct zab_output *out; /* during a step */
    enum status status;
    int64_t wake_ms; /* stays until that moment comes and is stepped as ZAB_TICK, or the role ends */

    /* A role ends when the code that ended it has returned: until then its state stays where it is, and what it still
     * emits is dropped. */
    bool is_leaving, is_entering;
    enum zab_role entering;
    struct zab_effect spare; /* what callers write to when there is no room, or nothing is wanted */
};

/* -- zab.c */

/* Leaves the role, whatever it is: emits ZAB_LEAVE with the text, frees the role's state when the step is over, waits
 * for ZAB_LOADED. What the step emits after it is dropped; a second call does nothing. */
void zab_leave(struct zab *z, const char *why);

/* The election has ended, z->vote and z->vote_round are set: enters LEADING, FOLLOWING or OBSERVING when the code that
 * says so has returned. */
void zab_enter(struct zab *z, enum zab_role role);

/* Changes the phase within the role and emits ZAB_ROLE. */
void zab_set_phase(struct zab *z, enum zab_phase phase);

/* The role goes on in this epoch, which the disk knows: votes and reports say so. */
void zab_renewed(struct zab *z, int64_t epoch);

/* Sticks when it is ST_NO_MEMORY. True: it is ST_OK, and nothing has stuck before. */
bool zab_ok(struct zab *z, enum status st);

/* From 0 on and below `bound`; 0 when that is not above 0. */
int64_t zab_random_below(struct zab *z, int64_t bound);

/* -- zab_database.c */

/* Takes what ZAB_LOADED says; the history grows or goes with it. */
void zab_loaded(struct zab *z, const struct zab_event *event);

/* Emits ZAB_COMMITTED and puts the entry, which is taken over, into the history. In order of zxid. */
void zab_commit_entry(struct zab *z, struct entry *e);

/* Does a txn follow another without one between them, as far as zxids tell? One that is missed by a learner, or in what
 * it is sent, would be missing for ever (4925). */
bool zab_follows(int64_t zxid, int64_t before);

/* The database was replaced or cut back: forgets the history, everything stands at `zxid`. */
void zab_database_is(struct zab *z, int64_t zxid);

/* -- zab_config.c */

/* The configuration becomes the committed one, and is taken over: it is to be stored, and told with ZAB_CONFIG. One
 * that was pending and is not newer is forgotten; z->former is what was committed before. False: out of memory, `m` is
 * taken all the same. */
bool zab_set_committed(struct zab *z, struct members *m);

/* It becomes the last-seen one, is taken over and is to be stored; NULL: there is none any more. False: out of memory,
 * nothing has changed and `m` is freed. */
bool zab_set_last_seen(struct zab *z, struct members *m);

#define ZAB_NOBODY INT64_MIN

/* Takes the configuration over as the committed one when it is newer (quorum-protocol 5.5). `designated` leads in it;
 * ZAB_NOBODY: nobody is known to. True: the role must be left, since the leader is another or this server is to be
 * something else; if somebody was designated it goes on without an election. */
bool zab_activate(struct zab *z, struct members *m, int64_t designated);

/* The same for the last-seen one, which is there. */
bool zab_activate_last_seen(struct zab *z);

/* Does the server vote before and after, and is it reached by the same quorum port? */
bool zab_leads_in_both(const struct members *before, const struct members *after, int64_t sid);

/* Reads a text by this member's options. Errors as members_parse. */
enum status zab_read_config(const struct zab *z, struct bytes text, struct members **m, struct members_error *error);

/* The configuration that a txn brings; `*m` NULL: it brings none, or none that counts, since they do not change here.
 * ST_BAD_ARGUMENTS: one that is none; `error` says why. */
enum status zab_read_reconfig(const struct zab *z, struct bytes entry, struct members **m, struct members_error *error);

/* The same of an entry that was looked at when it came. NULL also when memory ran out. */
struct members *zab_config_of(struct zab *z, const struct entry *e);
bool zab_is_reconfig(const struct zab *z, const struct entry *e);

/* The entry is about to be logged: what it proposes is last-seen from now on. */
void zab_see_config(struct zab *z, const struct entry *e);

/* With the database loaded: drops the pending configuration when something that was proposed before it is missing. */
void zab_forget_config_ahead(struct zab *z);

/* What the committed configuration says of this server; or, where it does not know it, what zoo.cfg does. */
bool zab_is_observer(const struct zab *z);

/* Does this server vote in the committed configuration? */
bool zab_is_voter(const struct zab *z);

/* Does the server vote in the committed configuration, or in the pending one? */
bool zab_votes(const struct zab *z, int64_t sid);

/* -- zab_capabilities.c */

/* What the server has shown, or a leader has told of it; kept over roles for those that vote in the committed
 * configuration, others are passed over. */
void zab_note_capabilities(struct zab *z, int64_t sid, const struct capabilities *can);

/* These are on from now on, as the data of CAPABILITIES says; emits ZAB_CAPABILITIES when it were others. False: memory
 * ran out, or the data is what it was. */
bool zab_set_agreement(struct zab *z, const struct capabilities *on, struct bytes data);

/* The role is over. */
void zab_forget_agreement(struct zab *z);

/* Milliseconds of silence after which an agent gives up its leader, or a leader its followers; 0: it is not on, and
 * what counts is syncLimit alone, which it never exceeds. */
int64_t zab_silence_limit(const struct zab *z);

/* The same for a leader that does not serve this member yet: 0 unless it is known for an agent that has it. */
int64_t zab_silence_limit_of(const struct zab *z, int64_t leader);

/* A limit was reached: `leader`, perhaps this server, is about to be left. Should it lead again at once, the alarm was
 * false, and the limit grows (zab_alarm_over). */
void zab_alarm(struct zab *z, int64_t leader, int64_t limit_ms);
void zab_alarm_over(struct zab *z);

/* The committed configuration has become another: who does not vote any more is forgotten, for it may come back as
 * another program; a leader adds up anew. */
void zab_review_capabilities(struct zab *z);

/* -- zab_output.c: each appends one effect; on a lack of memory z->status is set and nothing is appended */

/* The effect, to be filled in by the caller; a dummy when memory ran out, so that callers need not ask. */
struct zab_effect *zab_emit(struct zab *z, enum zab_effect_kind kind);

/* With bytes. */
struct zab_effect *zab_emit_bytes(struct zab *z, enum zab_effect_kind kind, struct bytes bytes);

void zab_send(struct zab *z, uint64_t link, const struct packet *packet);
void zab_send_plain(struct zab *z, uint64_t link, int32_t type, int64_t zxid); /* no data, no ids */
void zab_close_link(struct zab *z, uint64_t link);
void zab_pass(struct zab *z, uint64_t link, const struct packet *packet);
void zab_log_entry(struct zab *z, const struct entry *e); /* ZAB_LOG; moves logged_zxid */
void zab_notify(struct zab *z, int64_t sid, const struct notification *n);

/* A disk effect; returns its ticket. */
uint64_t zab_store(struct zab *z, enum zab_effect_kind kind, int64_t epoch_or_zxid);

/* One line for the operator. */
void zab_say(struct zab *z, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The step must be called again at `at_ms` or before. What was wished stays until then; the ZAB_TICK that is stepped at
 * that moment clears it, so whoever handles ZAB_TICK wishes anew for every deadline that is left. A role gets its
 * ZAB_TICK also when another event comes at, or after, that moment: behind that event. */
void zab_wake_at(struct zab *z, int64_t at_ms);

/* -- election.c, election_notified.c: enter on ZAB_LOADED */
void election_enter(struct zab *z);

/* Does a reconfiguration say who leads? Then it has been entered upon what follows from it (quorum-protocol 5.5). */
bool election_is_skipped(struct zab *z);
void election_step(struct zab *z, const struct zab_event *event);
void election_free(struct election *e);

/* Sends a notification with the state of this server and the committed configuration, which has participants: a text
 * without them would make an Apache server deaf. */
void election_tell(struct zab *z, int64_t sid, const struct vote *vote, int64_t round);

/* A notification of a voter while looking. */
void election_hear(struct zab *z, int64_t sid, const struct notification *n);

/* What is voted for; NULL: nothing yet. */
const struct vote *election_proposal(const struct election *e);

/* A notification in any state: answers who does not vote or is looking, and in ZAB_ELECTION counts it
 * (quorum-protocol 1.5). */
void election_notified(struct zab *z, int64_t sid, struct bytes frame);

/* -- learner*.c: following and observing */
void learner_enter(struct zab *z);
void learner_step(struct zab *z, const struct zab_event *event);
void learner_free(struct learner *l);
uint64_t learner_link(const struct learner *l);
bool learner_follows_agent(const struct learner *l);
int64_t learner_master(const struct learner *l);                   /* sid; -1: nobody */
const struct learners *learner_observers(const struct learner *l); /* NULL: there are none */
struct entries *learner_tail(struct learner *l);                   /* as leader_tail */

/* -- leader.c, leader_epoch.c, leader_broadcast.c, leader_capabilities.c */
void leader_enter(struct zab *z);
void leader_step(struct zab *z, const struct zab_event *event);
void leader_free(struct leader *l);
int64_t leader_next_zxid(const struct zab *z);
bool leader_is_renewing(const struct leader *l);
const struct learners *leader_learners(const struct leader *l);
const struct entries *leader_outstanding(const struct leader *l);
int64_t leader_heard_ms(const struct zab *z);

/* The proposals behind the last committed one, in order and without a gap: asked for when the role ends, and taken out.
 * Those which the log holds when it is loaded go into the history. */
struct entries *leader_tail(struct leader *l);

/* Looks anew at what all voters can do, and tells when that, or what is known of them, has changed. */
void leader_agree(struct zab *z);

/* Another server that took part in the election is looking again (quorum-protocol 2.3). */
void leader_saw_looking(struct zab *z, int64_t sid);
