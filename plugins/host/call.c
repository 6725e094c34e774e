/* call.c - commands of other providers at the agent's door, plugins among them. */
#include "plugins/host/host.h"

zooid_handle call_begin(zooid_host *host, const char *provider, const char *command, const void *bytes, size_t len,
                        uint32_t deadline_ms, zooid_plugin_reply_fn *done, void *context)
{
    (void)bytes;
    (void)len;
    (void)deadline_ms;
    (void)done;
    (void)context;
    host_log(host, ZOOID_PLUGIN_ERROR, "call %s %s: this agent carries no calls", provider, command);
    return 0;
}
