/* prepare_checks.h - checks that more than one family of writes makes. */
#pragma once

#include "core/ops/op.h"

/* Has the path a '/' and no NUL? All that create and delete ask of it at first (client-protocol 3.2). */
bool path_has_parent(struct bytes path);

/* Hard limits of the quota above `path` for `count` nodes and `bytes` more, when enforced (client-protocol 9).
 * ST_QUOTA_EXCEEDED. */
enum status quota_check(const struct prepare *p, struct bytes path, int64_t count, int64_t bytes);

/* Looks at a node that must exist and permit `wanted`: ST_NO_NODE, then ST_NO_AUTH. */
enum status node_check(const struct prepare *p, struct bytes path, uint32_t wanted, struct pending_node *node);

/* `wanted` -1 is any version. ST_BAD_VERSION. */
enum status version_check(int32_t wanted, int32_t version);

/* The version after this one: -1 means "any" in requests and is left out. */
int32_t version_next(int32_t version);
