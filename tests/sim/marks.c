/* marks.c - see marks.h. */
#include "tests/sim/marks.h"

#include "tests/sim/world.h"

const char *const mark_names[MARK_COUNT] = {
#define MARK(name, text) text,
    SIM_MARKS(MARK)
#undef MARK
};

void mark(struct world *w, enum sim_mark mark)
{
    w->marks[mark]++;
}
