/* vote.h - what a server proposes as leader, and the state in which it does so (quorum-protocol 0.4, 1.4 and 1.6). */
#pragma once

#include <stdint.h>

/* Numbers on the wire. */
enum server_state { SERVER_LOOKING = 0, SERVER_FOLLOWING = 1, SERVER_LEADING = 2, SERVER_OBSERVING = 3 };

struct vote {
    int64_t leader;     /* sid voted for */
    int64_t zxid;       /* its last one */
    int64_t peer_epoch; /* its currentEpoch */
};

/* Below 0, 0 or above: by epoch, then zxid, then sid. The larger one wins, unless its server has no weight, which is
 * not known here. */
int vote_compare(const struct vote *a, const struct vote *b);

/* The same without the sid: who knows more? */
int vote_compare_data(const struct vote *a, const struct vote *b);
