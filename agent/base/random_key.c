/* random_key.c - getrandom. */
#include "agent/base/random_key.h"

#include <sys/random.h>

enum status random_hash_key(struct hash_key *key)
{
    return getrandom(key, sizeof *key, 0) == (ssize_t)sizeof *key ? ST_OK : ST_IO_ERROR;
}
