/* connect_throttle.h - how many connect requests are taken: a bucket of tokens, and a probability of refusal that grows
 * while it is empty (client-protocol 14, Apache's connection_throttle_*). Pure; not thread-safe. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct connect_throttle_options {
    uint32_t tokens_max; /* 0: everybody is taken */
    uint32_t fill_ms, fill_count;
    int32_t freeze_ms; /* between two changes of the probability; -1: nobody is refused at random */
    double drop_increase, drop_decrease;
    double decrease_ratio;                       /* it falls while no more than this share of the tokens is missing */
    uint32_t need_new, need_local, need_renewed; /* tokens for a session, a local one, one that is taken up again */
};

/* Zero-initialise, with a seed: then it begins with a full bucket. */
struct connect_throttle {
    bool is_begun;
    uint32_t tokens;
    int64_t filled_ms, changed_ms;
    double drop; /* the probability */
    uint64_t seed;
};

/* Takes `need` tokens; false: there are not so many, or chance is against it. */
bool connect_throttle_admits(struct connect_throttle *t, const struct connect_throttle_options *o, uint32_t need,
                             int64_t now_ms);
