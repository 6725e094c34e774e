/* digest.c - the running digest of the tree: the sum of a CRC for each node (quorum-protocol 4.7). */
#include "core/tree/digest.h"

#include "core/base/crc.h"
#include "core/tree/tree_internal.h"

enum { STAT_LEN = 60 };

/* In the digest's own order of fields, which is not that of files. */
static void stat_put(uint8_t out[STAT_LEN], const struct stat_persisted *stat)
{
    const int64_t longs[] = {stat->czxid, stat->mzxid, stat->pzxid, stat->ctime, stat->mtime};
    for (size_t i = 0; i < ARRAY_LEN(longs); i++)
        be64_put(out + 8 * i, (uint64_t)longs[i]);
    be32_put(out + 40, (uint32_t)stat->version);
    be32_put(out + 44, (uint32_t)stat->cversion);
    be32_put(out + 48, (uint32_t)stat->aversion);
    be64_put(out + 52, (uint64_t)stat->ephemeral_owner);
}

bool digest_counts(struct bytes path)
{
    return !bytes_starts_with(path, BYTES("/zookeeper/"));
}

uint32_t digest_prefix(struct bytes path, struct bytes data)
{
    return crc32_continue(crc32_continue(0, path), data);
}

uint64_t digest_of_stat(uint32_t prefix, const struct stat_persisted *stat)
{
    uint8_t numbers[STAT_LEN];
    stat_put(numbers, stat);
    return crc32_continue(prefix, bytes_make(numbers, sizeof numbers));
}

void digest_add_hashed(struct tree *t, uint32_t path_crc, struct tree_node *n)
{
    struct stat_persisted stat;
    tree_stat_persisted(n, &stat);
    n->digest = (uint32_t)digest_of_stat(crc32_continue(path_crc, tree_data(n)), &stat);
    t->digest += n->digest;
}

void digest_add(struct tree *t, struct bytes path, struct tree_node *n)
{
    n->digest = 0;
    if (digest_counts(path))
        digest_add_hashed(t, crc32_continue(0, path), n);
}

void digest_remove(struct tree *t, const struct tree_node *n)
{
    t->digest -= n->digest;
}
