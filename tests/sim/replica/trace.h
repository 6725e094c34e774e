/* trace.h - what a run of replicas prints when it is replayed: every event, and what came of it. */
#pragma once

#include "tests/sim/replica/member.h"

void trace_replica_event(struct world *w, const struct server *m, const struct replica_event *event);
void trace_outbox(struct world *w, const struct server *m, const struct outbox *out);
