/* call.c - commands of other providers at the agent's door, plugins among them. */
#include "plugins/host/ask.h"

struct call_ask {
    struct ask ask;
    zooid_plugin_reply_fn *done;
    void *context;
};

static bool answered(struct ask *ask, const zooid_reply *reply)
{
    const struct call_ask *call = (const struct call_ask *)(void *)ask;
    struct reply_view view;
    reply_view_make(&view, reply, REPLY_BYTES);
    call->done(call->context, &view.reply);
    reply_view_end(&view);
    return false;
}

zooid_handle call_begin(zooid_host *host, const char *provider, const char *command, const void *bytes, size_t len,
                        uint32_t deadline_ms, zooid_plugin_reply_fn *done, void *context)
{
    if (provider == NULL || command == NULL || done == NULL) {
        host_log(host, ZOOID_PLUGIN_ERROR, "call: it needs a provider, a command, and a function for the reply");
        return 0;
    }
    struct call_ask *call = ask_new(host, sizeof *call, answered);
    if (call == NULL)
        return 0;
    call->done = done;
    call->context = context;
    return ask_submit(&call->ask, zooid_request_call(provider, command, bytes, len), deadline_ms);
}
