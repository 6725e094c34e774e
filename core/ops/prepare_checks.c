/* prepare_checks.c - what create, delete, setData, setACL and check have in common. */
#include "core/ops/prepare_checks.h"

#include "core/ops/access.h"
#include "core/tree/path.h"

bool path_has_parent(struct bytes path)
{
    return path.len > 0 && memchr(path.data, '/', path.len) != NULL && memchr(path.data, 0, path.len) == NULL;
}

enum status quota_check(const struct prepare *p, struct bytes path, int64_t count, int64_t bytes)
{
    struct quota quota;
    struct bytes quota_path;
    if (!p->rules->enforce_quota || !tree_quota_of(pending_tree(p->pending), path, &quota_path, &quota))
        return ST_OK;
    if (count > 0 && quota.count_hard >= 0 && quota.used_count + count > quota.count_hard)
        return ST_QUOTA_EXCEEDED;
    if (bytes > 0 && quota.bytes_hard >= 0 && quota.used_bytes + bytes > quota.bytes_hard)
        return ST_QUOTA_EXCEEDED;
    return ST_OK;
}

enum status node_check(const struct prepare *p, struct bytes path, uint32_t wanted, struct pending_node *node)
{
    pending_look(p->pending, path, node);
    if (!node->exists)
        return ST_NO_NODE;
    return access_check(pending_tree(p->pending), p->rules, node->acl, wanted, p->who);
}

enum status version_check(int32_t wanted, int32_t version)
{
    return wanted == -1 || wanted == version ? ST_OK : ST_BAD_VERSION;
}

int32_t version_next(int32_t version)
{
    int32_t next = version == INT32_MAX ? INT32_MIN : version + 1;
    return next == -1 ? 0 : next;
}
