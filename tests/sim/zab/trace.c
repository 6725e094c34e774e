/* trace.c - see trace.h. */
#include "tests/sim/zab/trace.h"

#include "core/base/check.h"
#include "core/zab/zab_text.h"
#include "tests/sim/zab/member.h"

static void print_line(struct world *w, const struct server *m, char arrow, struct buffer *line)
{
    world_trace(w, m, "%c %.*s", arrow, BYTES_PRINT(buffer_bytes(line)));
    buffer_free(line);
}

void trace_event(struct world *w, const struct server *m, const struct zab_event *event)
{
    struct buffer line = {0};
    if (w->trace == NULL)
        return;
    CHECK(zab_print_event(event, &line) == ST_OK);
    print_line(w, m, '<', &line);
}

void trace_effect(struct world *w, const struct server *m, const struct zab_effect *effect)
{
    struct buffer line = {0};
    if (w->trace == NULL)
        return;
    CHECK(zab_print_effect(&m->zab->out, effect, &line) == ST_OK);
    print_line(w, m, '>', &line);
}
