/* patience.c - credit that is lost twice as fast as it is won: it has to be worth it two times out of three. */
#include "bindings/c/patience.h"

enum {
    CREDIT = 8,
    PRICE = 2,        /* of one that was not worth it */
    TRIED_AGAIN = 64, /* one of so many waits, without credit */
};

bool patience_tries(struct patience *p)
{
    if (p->lost < CREDIT)
        return true;
    p->skipped = (p->skipped + 1) % TRIED_AGAIN;
    return p->skipped == 0;
}

void patience_learns(struct patience *p, bool was_worth_it)
{
    if (was_worth_it)
        p->lost -= p->lost > 0;
    else
        p->lost = p->lost + PRICE < CREDIT ? p->lost + PRICE : CREDIT;
}
