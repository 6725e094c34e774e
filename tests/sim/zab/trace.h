/* trace.h - what a run prints when it is replayed: every event and every effect, as core/zab/zab_text writes them. */
#pragma once

#include "tests/sim/world.h"

void trace_event(struct world *w, const struct server *m, const struct zab_event *event);
void trace_effect(struct world *w, const struct server *m, const struct zab_effect *effect);
