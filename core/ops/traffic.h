/* traffic.h - what is read and written below each child of the root, in bytes, as Apache's server counts it: the path,
 * the data or the names of children, and for each read a stat. Of the root itself nothing is counted. */
#pragma once

#include "core/base/metrics.h"

/* A read that has been answered with so many bytes of data or names. `m` NULL: nobody counts. */
void traffic_read(struct metrics *m, struct bytes path, size_t bytes);

/* A node that has been created, changed or deleted. */
void traffic_written(struct metrics *m, struct bytes path, size_t bytes);
