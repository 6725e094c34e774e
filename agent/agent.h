/* agent.h - the composition root: builds the parts, connects them, runs the loop, takes them down.
 *
 *     loading -> serving -> draining -> checkpointing -> closing -> closed
 *
 * Each part gets only what it needs; nothing but this file knows them all. */
#pragma once

#include "agent/log_output.h"
#include "agent/settings/settings.h"

struct agent_config {
    const char *file; /* zoo.cfg; read again at SIGHUP */
    const char *const *defines;
    size_t define_count;
};

/* Runs until a signal ends it (SIGTERM, SIGINT) or it cannot go on; takes `settings` over. Returns the exit code: 0
 * after a stop that was asked for, 1 when the start failed or the agent had to give up. What went wrong was logged. */
int agent_run(struct settings *settings, const struct agent_config *config, struct log_output *log);
