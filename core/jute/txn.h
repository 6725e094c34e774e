/* txn.h - one entry of the log: header, record and digest told apart (quorum-protocol 3.4 and 4.1).
 *
 * The bytes of an entry are those of a PROPOSAL: where the record ends follows from its type alone, and what stands
 * behind it is the digest. Slices point into the entry. Pure; thread-safe. */
#pragma once

#include "core/jute/records.h"

/* Types of txn_header.type and sub_txn.type. */
enum txn_type {
    TXN_CREATE_SESSION = -10,
    TXN_CLOSE_SESSION = -11,
    TXN_ERROR = -1,
    TXN_CREATE = 1,
    TXN_DELETE = 2,
    TXN_SET_DATA = 5,
    TXN_SET_ACL = 7,
    TXN_CHECK = 13,
    TXN_MULTI = 14,
    TXN_CREATE2 = 15,
    TXN_RECONFIG = 16,
    TXN_CREATE_CONTAINER = 19,
    TXN_DELETE_CONTAINER = 20,
    TXN_CREATE_TTL = 21,
};

#define TXN_HEADER_LEN 32
#define TXN_DIGEST_LEN 12

struct txn {
    struct txn_header header;
    struct bytes record; /* by header.type; empty: a closeSession without a body, as older leaders log it */
    bool has_digest;
    struct txn_digest digest; /* of the tree after the txn */
};

/* Takes an entry apart. The record is checked to be whole, the records of a multi too, so that what reads it afterwards
 * cannot fail. ST_CORRUPT: of a type that is not known, not whole, or with bytes that belong to nothing. */
enum status txn_decode(struct bytes entry, struct txn *txn);

/* Appends the entry. Errors stick in the writer. */
void txn_encode(struct writer *w, const struct txn *txn);

/* The header alone. ST_CORRUPT: the entry is shorter than that. */
enum status txn_decode_header(struct bytes entry, struct txn_header *header);

/* A create or create2 record; one of the oldest form, which has no parent version, gets parent_cversion -1. ST_CORRUPT.
 */
enum status txn_read_create(struct bytes record, struct create_txn *create);

/* The records of a multi: `at` is set to read them with txn_next_sub. ST_CORRUPT: no vector. */
enum status txn_multi_begin(struct bytes record, struct reader *at, int32_t *count);

/* The next one; false at the end. */
bool txn_next_sub(struct reader *at, int32_t *left, struct sub_txn *sub);

/* "create", "multi", ...; NULL: not known. */
const char *txn_type_name(int32_t type);
