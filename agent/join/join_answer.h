/* join_answer.h - what a member of an ensemble says to one that wants to join: taken apart, and judged. Pure. */
#pragma once

#include "core/members/members.h"

/* A client port that was named. */
struct join_seed {
    struct bytes host; /* IPv6 without brackets */
    uint16_t port;
    bool tls; /* it is one for TLS */
};

/* "host:port,tls://host:port,[::1]:port,..." taken apart; the hosts point into `text`. False: it is none, or more than
 * `max`. */
bool join_parse_seeds(const char *text, struct join_seed *seeds, size_t max, size_t *count);

/* What was found out. */
struct join_answer {
    const struct members *members;
    struct bytes text; /* theirs, as the server has it */
    const char *here;  /* this host's address, as the connection has it; IPv6 without brackets */
    const char *seed;  /* "host:port" that answered */
    /* From the word conf, where the server answers that; 0: not known. */
    int32_t tick_ms, init_limit, sync_limit;
};

enum { JOIN_WHY_SIZE = 320 };

/* Whether the answer to a connect request opens a session. ST_BAD_ARGUMENTS: `why` says why not. */
enum status join_read_session(struct bytes frame, char why[JOIN_WHY_SIZE]);

/* The answer to a getData of /zookeeper/config. The members are the caller's, `text` points into the frame.
 * ST_BAD_ARGUMENTS: `why` says why it is of no use; ST_NO_MEMORY. */
enum status join_read_config(struct bytes frame, struct members **members, struct bytes *text, char why[JOIN_WHY_SIZE]);

/* Lines of the answer to the word conf; whatever else stands there is passed over. Returns how many bytes are whole
 * lines. */
size_t join_read_lines(struct bytes bytes, struct join_answer *answer);
