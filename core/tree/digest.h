/* digest.h - what one node adds to the tree's digest (quorum-protocol 4.7), in two steps, so that a change of the stat
 * alone need not look at the data again. Pure. */
#pragma once

#include "core/jute/records.h"

/* False for paths below "/zookeeper/", which add nothing. */
bool digest_counts(struct bytes path);

/* CRC-32 over path ("" for the root) and data (nothing when null). */
uint32_t digest_prefix(struct bytes path, struct bytes data);

/* The node's digest: the prefix continued over the sixty bytes of the stat. */
uint64_t digest_of_stat(uint32_t prefix, const struct stat_persisted *stat);
