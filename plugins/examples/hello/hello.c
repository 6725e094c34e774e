/* hello.c - a plugin outside of the source tree: it keeps a node while it runs, and answers a command. */
#include <stdio.h>
#include <zooid_plugin.h>

struct hello {
    const struct zooid_host_api *api;
    zooid_host *host;
    zooid_handle greetings; /* a metric */
};

static struct hello hello;

static void held(void *context, enum zooid_plugin_hold event, uint64_t number, const char *message)
{
    const struct hello *h = context;
    (void)number;
    if (event == ZOOID_PLUGIN_HELD)
        h->api->ready(h->host);
    else
        h->api->log(h->host, ZOOID_PLUGIN_WARNING, message);
}

static void greet(void *context, zooid_handle invocation, const char *arguments, size_t len, const char *caller)
{
    const struct hello *h = context;
    char json[128];
    (void)arguments;
    (void)len;
    snprintf(json, sizeof json, "\"hello, %s\"", caller);
    h->api->metric_add(h->host, h->greetings, 1);
    h->api->answer(h->host, invocation, ZOOID_PLUGIN_OK, json);
}

static int start(const struct zooid_host_api *api, zooid_host *host, void **state)
{
    static const struct zooid_plugin_command command = {sizeof command, "greet", "says hello", false};
    char path[300];
    hello.api = api;
    hello.host = host;
    *state = &hello;
    snprintf(path, sizeof path, "/hello/%s", api->host_name(host));
    hello.greetings = api->metric(host, ZOOID_PLUGIN_COUNTER, "greetings", "How often it said hello", NULL);
    api->command(host, &command, greet, &hello);
    return api->ephemeral(host, path, "here", 4, held, &hello) == 0 ? ZOOID_PLUGIN_REFUSED : ZOOID_PLUGIN_STARTING;
}

ZOOID_PLUGIN_EXPORT const struct zooid_plugin zooid_plugin = {
    .abi = ZOOID_PLUGIN_ABI,
    .size = sizeof(struct zooid_plugin),
    .api_size = sizeof(struct zooid_host_api),
    .name = "hello",
    .version = "1.0",
    .summary = "says hello",
    .start = start,
};
