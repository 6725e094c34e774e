/* contender.c - names of the nodes that contend for a lock. */
#include "bindings/c/recipes/contender.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 10 };

/* The counter at the end, which is negative once it has run over: "-2147483648". */
static const char *digits_of(const char *name)
{
    size_t len = strlen(name), digits = 0;
    while (digits < len && name[len - 1 - digits] >= '0' && name[len - 1 - digits] <= '9')
        digits++;
    if (digits != DIGITS)
        return NULL;
    const char *at = name + len - digits;
    return at > name && at[-1] == '-' ? at - 1 : at;
}

bool contender_is(const char *name, const char *kind, int64_t *place)
{
    const char *digits = digits_of(name);
    size_t len = strlen(kind);
    if (digits == NULL || (size_t)(digits - name) < len || memcmp(digits - len, kind, len) != 0)
        return false;
    *place = strtoll(digits, NULL, 10); /* NOLINT(cert-err34-c): they are digits */
    return true;
}

bool contender_place(const char *name, int64_t *place)
{
    return contender_is(name, NAME_OF_LOCK, place) || contender_is(name, NAME_OF_READ, place);
}

bool contender_bars(const char *name, enum zooid_lock_kind ours, int64_t *place)
{
    return ours == ZOOID_LOCK_WRITE ? contender_place(name, place) : contender_is(name, NAME_OF_LOCK, place);
}
