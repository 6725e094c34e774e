/* request.h - what stands in the data of packets: REQUEST, REVALIDATE, PING and the handshake
 * (quorum-protocol 2.2, 3.3, 3.6 to 3.8).
 *
 * Every decode takes the data of one packet, null included, and reads as Apache does: too short is ST_CORRUPT, for
 * which the connection is to be closed; what stands behind the fields is passed over, or is the `tail`. A tail is where
 * agents put what Apache does not read; the null slice when there is none. Encodes append exactly what was decoded,
 * unless said otherwise; errors stick in the writer. Slices point into the data. Pure; thread-safe.
 *
 * Not here: PROPOSAL and INFORM (core/jute/txn.h), NEWLEADER (the text of a configuration). */
#pragma once

#include "core/jute/codec.h"

/* -- handshake ----------------------------------------------------------------------------------------------------- */

enum { QUORUM_PROTOCOL_VERSION = 0x10000 };

/* FOLLOWERINFO and OBSERVERINFO. */
struct learner_info {
    int64_t sid;
    int32_t protocol_version; /* 1 when not told: before 3.4, without LEADERINFO and ACKEPOCH */
    int64_t config_version;   /* of its committed configuration; -1 when not told */
    struct bytes tail;
};

/* By length: 8 bytes have the sid, 12 the protocol, 20 the configuration. ST_NOT_FOUND: null data, from a server that
 * has no number and wants to be given a negative one. Written are always 20 bytes and the tail. */
enum status learner_info_decode(struct bytes data, struct learner_info *info);
void learner_info_encode(struct writer *w, const struct learner_info *info);

/* LEADERINFO. */
struct leader_info {
    int32_t protocol_version;
    struct bytes tail;
};

enum status leader_info_decode(struct bytes data, struct leader_info *info);
void leader_info_encode(struct writer *w, const struct leader_info *info);

/* ACKEPOCH: the learner's currentEpoch, or -1: it had promised this epoch before, and does not count. */
enum status ack_epoch_decode(struct bytes data, int32_t *epoch);
void ack_epoch_encode(struct writer *w, int32_t epoch);

/* -- configurations ------------------------------------------------------------------------------------------------ */

/* COMMITANDACTIVATE: sid of the designated leader. */
enum status designated_leader_decode(struct bytes data, int64_t *sid);
void designated_leader_encode(struct writer *w, int64_t sid);

/* INFORMANDACTIVATE: the same, then the entry as in an INFORM, which is not looked at. */
enum status activated_entry_decode(struct bytes data, int64_t *designated_leader, struct bytes *entry);
void activated_entry_encode(struct writer *w, int64_t designated_leader, struct bytes entry);

/* -- sessions ------------------------------------------------------------------------------------------------------ */

/* A session and its timeout: REVALIDATE asks with one, the answer to a PING tells of those that were heard. */
struct touch {
    int64_t session_id;
    int32_t timeout_ms;
};

enum { TOUCH_LEN = 12 };

/* REVALIDATE from the learner. */
enum status revalidate_decode(struct bytes data, struct touch *session);

/* REVALIDATE from the leader: is the session alive, and its new owner's? Any byte but zero means so. */
enum status revalidated_decode(struct bytes data, int64_t *session_id, bool *valid);
void revalidated_encode(struct writer *w, int64_t session_id, bool valid);

/* The sessions in the answer to a PING: ST_OK sets `at` to read them with touches_next until that says false.
 * ST_CORRUPT: not a whole number of them. Null data counts as none, though Apache's leader does not take it: a learner
 * without any sends empty data. */
enum status touches_begin(struct bytes data, struct reader *at);
bool touches_next(struct reader *at, struct touch *touch);

/* Appends one: REVALIDATE from the learner is one of them, the answer to a PING any number in a row. */
void touch_encode(struct writer *w, const struct touch *touch);

/* -- writes -------------------------------------------------------------------------------------------------------- */

/* REQUEST: what a client asked of a learner. Whose it is stands in the packet's authinfo. */
struct forwarded_request {
    int64_t session_id;
    int32_t cxid;      /* the client's xid; 0: no client asked */
    int32_t type;      /* number of the operation */
    struct bytes body; /* as the client sent it behind its header; may be empty, never null */
};

enum status forwarded_request_decode(struct bytes data, struct forwarded_request *request);
void forwarded_request_encode(struct writer *w, const struct forwarded_request *request);
