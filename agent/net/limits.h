/* limits.h - how many connections there are, from each address and in all.
 *
 * Counted over all doors. An address has an entry only while it has connections. Loop thread only. */
#pragma once

#include "core/base/hash.h"
#include "core/base/status.h"

#include <netinet/in.h>
#include <stdbool.h>

struct limits; /* opaque */

struct limits *limits_new(const struct hash_key *hash_key); /* NULL: out of memory; free with limits_free */
void limits_free(struct limits *l);

/* 0: no limit. Connections that are there already stay. */
void limits_set(struct limits *l, uint32_t per_address_max, uint32_t total_max);

struct limits_address; /* one address that has connections */

enum limits_verdict { LIMITS_OK, LIMITS_ADDRESS_FULL, LIMITS_ALL_FULL, LIMITS_NO_MEMORY };

/* Counts one connection more. `ip`: IPv4 mapped into IPv6; NULL: a Unix socket, which counts only in all.
 * `address` is set with LIMITS_OK and LIMITS_ADDRESS_FULL, NULL for a Unix socket. */
enum limits_verdict limits_enter(struct limits *l, const struct in6_addr *ip, struct limits_address **address);

/* Counts one less. */
void limits_leave(struct limits *l, struct limits_address *address);

uint32_t limits_total(const struct limits *l);
uint32_t limits_of_address(const struct limits_address *address);
