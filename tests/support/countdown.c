/* countdown.c - see countdown.h. */
#include "tests/support/countdown.h"

void countdown_set(struct countdown *c, int count, bool once)
{
    c->left = count;
    c->has_failed = false;
    c->once = once;
}

/* Counts down, and changes nothing else: a thread that is in here while the test calls the failing off must not call it
 * on again. */
bool countdown_fails_now(struct countdown *c)
{
    int now = c->left;
    while (now > 0)
        if (atomic_compare_exchange_weak(&c->left, &now, now - 1))
            return false;
    if (now < 0)
        return false;
    c->has_failed = true;
    if (c->once)
        (void)atomic_compare_exchange_strong(&c->left, &now, -1);
    return true;
}
