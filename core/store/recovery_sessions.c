/* recovery_sessions.c - owners of ephemerals that nobody knows. */
#include "core/store/recovery_internal.h"

#include <inttypes.h>

enum { ADDED_SESSION_TIMEOUT_MS = 30000 };

struct adding {
    struct recovery *r;
    int64_t now_ms;
    enum status status;
};

static void add_owner(void *context, int64_t session, const uint32_t *numbers, size_t count)
{
    struct adding *adding = context;
    (void)numbers;
    if (count == 0 || sessions_get(adding->r->sessions, session) != NULL || adding->status != ST_OK)
        return;
    adding->status = sessions_put(adding->r->sessions, session, ADDED_SESSION_TIMEOUT_MS, adding->now_ms);
    adding->r->sessions_added++;
}

enum status recovery_add_sessions(const struct recovery_options *options, struct recovery *r)
{
    struct adding adding = {r, options->now_ms, ST_OK};
    tree_each_owner(r->tree, add_owner, &adding);
    if (adding.status != ST_OK || r->sessions_added == 0)
        return adding.status;
    return findings_add(&r->findings, FINDING_REPAIR, options->snap_dir, 0,
                        "%" PRIu64 " sessions are unknown though they own ephemeral nodes; they are given 30 s to live",
                        r->sessions_added);
}
