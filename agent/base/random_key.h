/* random_key.h - keys from the kernel's generator. */
#pragma once

#include "core/base/hash.h"

/* A key for hash tables that nobody can foresee. ST_IO_ERROR: the kernel has none. */
enum status random_hash_key(struct hash_key *key);
