/* path.h - what a znode's path may be (client-protocol 4.1) and how it is taken apart. Pure. */
#pragma once

#include "core/base/bytes.h"

/* Only characters that a path may have, a slash among them: UTF-8 without control characters. */
bool path_may_hold(struct bytes text);

/* ST_OK, or ST_BAD_ARGUMENTS: the full rule set of validatePath, and invalid UTF-8 is refused too. */
enum status path_validate(struct bytes path);

/* The part before the last '/', "" for a child of the root. The path must hold a '/'. */
struct bytes path_parent(struct bytes path);

/* The part behind the last '/'. */
struct bytes path_name(struct bytes path);

/* Is `path` below `ancestor`, or equal to it? Both without a slash at the end; "" and "/" are above everything. */
bool path_is_within(struct bytes path, struct bytes ancestor);

/* True for "", "/", "/zookeeper", "/zookeeper/quota" and "/zookeeper/config", which cannot be deleted. */
bool path_is_system(struct bytes path);

/* Appends the sequence suffix "%010d" of the parent's internal cversion (client-protocol 4.2). */
enum status path_append_sequence(struct buffer *path, int32_t cversion);
