/* capability.h - what agents can do among themselves beyond Apache's protocol, and the record in which they say it
 * (design 4.8; why it is safe: ARCHITECTURE.md, "Agents among themselves").
 *
 * A record stands behind the fields that Apache reads in FOLLOWERINFO, OBSERVERINFO and LEADERINFO, where its servers
 * do not look (LearnerInfo by its length, LEADERINFO's first int):
 *
 *     int magic | int version | vector of (string name, buffer value)
 *
 * A value is an int, or longer in later releases. Names that are not known are passed over, and so is a whole record of
 * a later version. Whoever sends none is taken for an Apache server. Slices point into what was read. Not thread-safe.
 */
#pragma once

#include "core/jute/codec.h"

enum capability {
    CAPABILITY_SESSION_PASSWORDS, /* passwords of new sessions are a keyed hash (design 4.13) */
    CAPABILITY_FAILURE_DETECTION, /* value: after how many milliseconds of silence a leader, or followers, are given up
                                   */
    CAPABILITY_HANDOVER,          /* a new epoch of the same leader without an election */
};

enum {
    CAPABILITY_COUNT = CAPABILITY_HANDOVER + 1,
    CAPABILITY_RECORD_MAX = 1024, /* bytes */
    CAPABILITY_NAMES_MAX = 64,    /* in one record */
    AGREEMENT_VOTERS_MAX = 1024   /* more than a configuration may have */
};

/* By enum capability: 0 cannot; else 1, or the value that goes with it. Zero-initialised: those of an Apache server. */
struct capabilities {
    int32_t of[CAPABILITY_COUNT];
};

bool capabilities_equal(const struct capabilities *a, const struct capabilities *b);

/* Those which both have; of values the larger one. */
struct capabilities capabilities_common(const struct capabilities *a, const struct capabilities *b);

/* Does it take every observer that is there, too, not only those that vote? */
bool capability_needs_observers(enum capability capability);

const char *capability_name(enum capability capability); /* "session-passwords", ... */

/* Takes a tail. ST_OK: it is a record, and `*can` is set; to nothing when it is of a later version. ST_NOT_FOUND: it is
 * none, null included: an Apache server's; `*can` is nothing. ST_CORRUPT: a record that breaks off, is too long or has
 * a value that cannot be. */
enum status capabilities_decode(struct bytes tail, struct capabilities *can);
void capabilities_encode(struct writer *w, const struct capabilities *can);

/* Who can do what, as far as it was told. Zero-initialised it is empty; in no particular order. */
struct roster {
    struct roster_entry {
        int64_t sid;
        struct capabilities can;
    } * items;
    size_t count, capacity;
};

/* NULL: nothing was heard of it. Valid until the next put. */
const struct capabilities *roster_of(const struct roster *r, int64_t sid);

/* Adds or replaces. ST_NO_MEMORY: as before. */
enum status roster_put(struct roster *r, int64_t sid, const struct capabilities *can);
void roster_remove(struct roster *r, int64_t sid);
void roster_free(struct roster *r);

/* The data of a CAPABILITIES packet, which a leader sends to those who have shown a record: what is on, and what it
 * knows of the voters, so that whoever leads next knows it too.
 *
 *     buffer record | vector of (long sid, buffer record)
 *
 * Decoding adds to `roster`. ST_CORRUPT: it is damaged, or tells of more than AGREEMENT_VOTERS_MAX; ST_NO_MEMORY. The
 * roster may have grown in both cases. */
enum status agreement_decode(struct bytes data, struct capabilities *on, struct roster *roster);
void agreement_encode(struct writer *w, const struct capabilities *on, const struct roster *roster);
