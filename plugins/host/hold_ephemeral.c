/* hold_ephemeral.c - ephemeral nodes of plugins: libzooid's, which make themselves again. */
#include "plugins/host/hold.h"

static zooid_ticket wait(struct hold *hold)
{
    return zooid_ephemeral_submit_wait(hold->object, ZOOID_NO_DEADLINE, &hold->listener);
}

static zooid_ticket number(const struct hold *hold)
{
    return zooid_ephemeral_number(hold->object);
}

/* What is handed over stays where it is, and goes with the client. */
static void give_back(struct hold *hold)
{
    zooid_ephemeral_cancel(hold->object); /* answers what waits */
    if (!hold->item.host->hands_over)
        zooid_ephemeral_free(hold->object);
}

static const struct hold_row row = {wait, number, give_back};

zooid_handle hold_ephemeral(zooid_host *host, const char *path, const void *data, size_t len,
                            zooid_plugin_hold_fn *held, void *context)
{
    struct hold *hold = path == NULL ? NULL : hold_new(host, &row, held, context);
    if (hold == NULL)
        return 0;
    zooid_ephemeral *ephemeral = zooid_ephemeral_new(host->client, path, data, len);
    if (ephemeral != NULL)
        (void)zooid_ephemeral_inherit(ephemeral, host->sessions_before, host->sessions_before_count);
    return hold_begin(hold, ephemeral);
}

int hold_ephemeral_set(zooid_host *host, zooid_handle handle, const void *data, size_t len)
{
    struct hold *hold = item_find(host, handle, &hold_kind);
    if (hold == NULL || hold->row != &row)
        return ZOOID_PLUGIN_BAD_ARGUMENTS;
    return zooid_ephemeral_set(hold->object, data, len);
}
