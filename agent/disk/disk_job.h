/* disk_job.h - one checkpoint or one snapshot from its first chunk to its end, as the checkpoint thread writes it. */
#pragma once

#include "agent/disk/checkpoint_thread.h"

struct disk_job_run; /* opaque */

/* Opens what is to be written. `*run` is set also after an error, unless memory was short, for disk_job_error. */
enum status disk_job_begin(struct disk_job_run **run, const struct checkpoint_thread_options *options,
                           const struct disk_job *job);

enum status disk_job_put(struct disk_job_run *run, struct bytes chunk);

/* It is on the disk afterwards. `end`: of a checkpoint. */
enum status disk_job_end(struct disk_job_run *run, const struct checkpoint_end *end);

/* Why the last call failed: file and reason. `run` NULL: out of memory. */
const char *disk_job_error(struct disk_job_run *run);

/* Gives up what has not ended. NULL is allowed. */
void disk_job_free(struct disk_job_run *run);
