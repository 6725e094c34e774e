/* packet.h - the packets of the quorum port (quorum-protocol 2.1 and 3.1).
 *
 *   int type | long zxid | buffer data | vector of (string scheme, string id) authinfo
 *
 * They follow each other without a length before them, so that where one ends is known only by reading it. What stands
 * in `data` is the business of request.h. Slices point into what was read; nothing is copied. Pure; thread-safe. */
#pragma once

#include "core/jute/codec.h"

enum packet_type {
    PACKET_REQUEST = 1,
    PACKET_PROPOSAL = 2,
    PACKET_ACK = 3,
    PACKET_COMMIT = 4,
    PACKET_PING = 5,
    PACKET_REVALIDATE = 6,
    PACKET_SYNC = 7,
    PACKET_INFORM = 8,
    PACKET_COMMIT_AND_ACTIVATE = 9,
    PACKET_NEWLEADER = 10,
    PACKET_FOLLOWERINFO = 11,
    PACKET_UPTODATE = 12,
    PACKET_DIFF = 13,
    PACKET_TRUNC = 14,
    PACKET_SNAP = 15,
    PACKET_OBSERVERINFO = 16,
    PACKET_LEADERINFO = 17,
    PACKET_ACKEPOCH = 18,
    PACKET_INFORM_AND_ACTIVATE = 19,
    PACKET_CAPABILITIES = 32, /* between agents only (capability.h) */
    PACKET_SESSION_MOVED =
        33,                 /* likewise, to an observer of a follower: long session, which has moved to another one */
    PACKET_NEXT_EPOCH = 34, /* likewise: the leader asks its followers to promise this epoch; and their answer */
    PACKET_NEW_EPOCH = 35,  /* likewise: what follows is of this epoch; a follower answers with an ACK of it */
};

enum {
    PACKET_LEN_MIN = 20,   /* data and authinfo null */
    PACKET_IDS_MAX = 65536 /* a client may show any number of identities; this many take more than a packet may have */
};

/* The identities that a client has shown, in the order in which it did. */
struct ids {
    int32_t count;
    struct bytes raw; /* the entries, without the count; the null slice: the vector itself is null */
};

/* Zero-initialised, data and authinfo are null, as they are in most packets. */
struct packet {
    int32_t type; /* enum packet_type, or a number that is not known and that its receiver passes over */
    int64_t zxid;
    struct bytes data; /* null is not empty: the answer to a PING is empty when no session was heard */
    struct ids authinfo;
};

/* Takes one packet off the front of `in`. `data_max` is the longest data that is taken (jute.maxbuffer with its extra
 * size, quorum-protocol 0.1), and bounds all of authinfo too.
 *
 *   ST_OK         `*used` is the length of the packet
 *   ST_TRUNCATED  whole so far, but more is needed: another call can do better only when there are `*used` bytes
 *   ST_CORRUPT    a length below -1: no packet can ever come of this, the connection is to be closed
 *   ST_LIMIT      as ST_CORRUPT: data or authinfo longer than `data_max`, or more than PACKET_IDS_MAX identities
 *
 * A type that is not known is no error. Except for ST_OK `*packet` is undefined. */
enum status packet_decode(struct bytes in, size_t data_max, struct packet *packet, size_t *used);

/* How many whole packets stand in `packets`, which holds nothing else. */
size_t packet_count(struct bytes packets);

/* Appends the packet: exactly the bytes that it was decoded from. Errors stick in the writer. */
void packet_encode(struct writer *w, const struct packet *packet);

/* The identities one at a time: reader_of(ids.raw), then until false. To make a vector, write the two texts of each
 * identity to a buffer and count. */
bool ids_next(struct reader *at, struct bytes *scheme, struct bytes *id);

/* "PROPOSAL", "COMMITANDACTIVATE", ...; NULL: not known. */
const char *packet_type_name(int32_t type);
