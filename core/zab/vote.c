/* vote.c - which vote is the better one. */
#include "core/zab/vote.h"

static int compare_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

int vote_compare_data(const struct vote *a, const struct vote *b)
{
    const int by_epoch = compare_i64(a->peer_epoch, b->peer_epoch);
    return by_epoch != 0 ? by_epoch : compare_i64(a->zxid, b->zxid);
}

int vote_compare(const struct vote *a, const struct vote *b)
{
    const int by_data = vote_compare_data(a, b);
    return by_data != 0 ? by_data : compare_i64(a->leader, b->leader);
}
