/* hold_lock.c - locks of plugins: libzooid's, contended for again whenever they were lost. */
#include "plugins/host/hold.h"

static zooid_ticket acquire(struct hold *hold)
{
    return zooid_lock_submit_acquire(hold->object, ZOOID_NO_DEADLINE, &hold->listener);
}

static zooid_ticket number(const struct hold *hold)
{
    return zooid_lock_number(hold->object);
}

/* What is handed over stays where it is, a place in the queue, too, and goes with the client. */
static void give_back(struct hold *hold)
{
    if (!hold->item.host->hands_over)
        zooid_lock_free(hold->object);
}

static const struct hold_row row = {acquire, number, give_back};

void host_inherit_locks(zooid_host *host, bool now)
{
    (void)session_read_before(host);
    (void)zooid_inherit_locks(host->client, host->sessions_before, host->sessions_before_count, !now);
}

zooid_handle hold_lock(zooid_host *host, const char *path, const char *identifier, zooid_plugin_hold_fn *held,
                       void *context)
{
    struct hold *hold = path == NULL || held == NULL ? NULL : hold_new(host, &row, held, context);
    if (hold == NULL)
        return 0;
    return hold_begin(hold, zooid_lock_new(host->client, path, ZOOID_LOCK_EXCLUSIVE, identifier));
}
