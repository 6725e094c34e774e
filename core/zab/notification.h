/* notification.h - the bytes of the election port: one initial message, then frames with a notification each
 * (quorum-protocol 1.1, 1.3 and 1.4).
 *
 * Slices point into what was read; nothing is copied. Pure; thread-safe. */
#pragma once

#include "core/jute/codec.h"
#include "core/jute/frame.h"
#include "core/zab/vote.h"

/* -- frames -------------------------------------------------------------------------------------------------------- */

enum { ELECTION_FRAME_MAX = 524288 };

/* As frame_next of core/jute/frame.h, with the bounds of the election port: a length below 1 is bad, too. */
enum frame_result election_frame_next(struct bytes in, struct bytes *frame, size_t *used);

/* Appends the length and then the notification, whole as frame_next takes it. Errors stick in the writer; ST_LIMIT:
 * longer than a frame may be. */
void election_frame_encode(struct writer *w, struct bytes notification);

/* -- notifications ------------------------------------------------------------------------------------------------- */

struct notification {
    enum server_state state; /* of the sender */
    struct vote vote;
    int64_t round;       /* electionEpoch: the sender's logical clock, or that of its vote */
    int32_t version;     /* 0: not told, or told in a form that has none; 2: with a configuration */
    struct bytes config; /* the sender's committed configuration; the null slice below version 2 */
};

/* One frame, without its length. Told apart as Apache does, by length and version:
 *
 *   28 bytes  peer_epoch is the epoch of the zxid, version 0
 *   40 bytes  version 0 whatever stands there
 *   others    version at 36; above 1 a configuration follows; what stands behind all that is passed over
 *
 * ST_CORRUPT: to be dropped, though the connection may stay: shorter than its form, a configuration that is not whole,
 * or a state that there is none of. */
enum status notification_decode(struct bytes frame, struct notification *n);

/* Appends the notification, without a length, in version 2 whatever `n` says. A null configuration is written as an
 * empty one, for which Apache drops the notification: it must be a configuration with participants (quorum-protocol
 * 1.4). Errors stick in the writer; ST_LIMIT: longer than a frame may be. */
void notification_encode(struct writer *w, const struct notification *n);

/* -- the initial message ------------------------------------------------------------------------------------------- */

enum { HELLO_ADDRESSES_MAX = 2048 }; /* bytes */

struct hello {
    int64_t sid;            /* of the sender; any number but a negative one in the oldest form */
    struct bytes addresses; /* its election addresses, "host:port|host:port"; null: the oldest form, which has none */
};

/* Takes the initial message off the front of `in`: of one address, of several, or the bare number that servers before
 * 3.5 sent. Several addresses are taken in either form.
 *
 *   ST_OK         `*used` is its length; the addresses can be read one by one
 *   ST_TRUNCATED  another call can do better only when there are `*used` bytes
 *   ST_CORRUPT    an unknown form, or an address that is none: the connection is to be closed
 *   ST_LIMIT      as ST_CORRUPT: more than HELLO_ADDRESSES_MAX bytes of addresses
 */
enum status hello_decode(struct bytes in, struct hello *hello, size_t *used);

/* Appends the message in the form of one address, the one that every server since 3.5 reads: to be sent in one write.
 * There must be an address. Errors stick in the writer; ST_LIMIT: too long. */
void hello_encode(struct writer *w, const struct hello *hello);

struct hello_address {
    struct bytes
        host; /* a name or an address, without the brackets of an IPv6 one; may be a wildcard, which says nothing */
    uint16_t port;
};

/* The addresses one at a time: `*rest` begins as hello.addresses and loses what was read. Empty ones are passed over.
 * False: no more, or (never with what hello_decode gave) one that is none, which leaves `*rest` where it stands. */
bool hello_next_address(struct bytes *rest, struct hello_address *address);
