/* offer.c - the provider that a plugin is at the agent's door: what it offers, and the calls in its hands. */
#include "plugins/host/offer.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* One submission of all commands. The latest counts; those before it end when it has taken their place. */
struct offer {
    struct item item;
    struct listener listener;
    zooid_ticket ticket;
};

struct invocation {
    struct item item;
    zooid_call call;
};

static void offer_cancel(struct item *item)
{
    zooid_cancel(item->host->client, ((struct offer *)(void *)item)->ticket);
}

static const struct item_kind offer_kind = {offer_cancel, NULL};
static const struct item_kind invocation_kind = {item_free, NULL};

/* -- commands that every plugin has -----------------------------------------------------------------------------------
 */

static char *json_text(const char *text)
{
    json_t *value = text == NULL ? NULL : json_string(text);
    char *json = value == NULL ? NULL : json_dumps(value, JSON_ENCODE_ANY);
    json_decref(value);
    return json;
}

static char *show_metrics(zooid_host *host)
{
    char *text = metrics_text(host), *json = json_text(text);
    free(text);
    return json;
}

static char *show_status(zooid_host *host)
{
    return json_text(host->status == NULL ? "" : host->status);
}

static const struct {
    const char *name, *help;
    char *(*answer)(zooid_host *host);
} built_in[] = {
    {"metrics", "what it counts, in Prometheus' text format", show_metrics},
    {"status", "the line that it shows of itself", show_status},
};

static bool answer_built_in(zooid_host *host, zooid_call call, const char *name)
{
    for (size_t i = 0; i < COUNT_OF(built_in); i++) {
        if (strcmp(built_in[i].name, name) != 0)
            continue;
        char *json = built_in[i].answer(host);
        if (json == NULL)
            (void)zooid_call_refuse(host->client, call, ZOOID_NO_MEMORY, NULL);
        else
            (void)zooid_call_answer(host->client, call, json, strlen(json));
        free(json);
        return true;
    }
    return false;
}

/* -- calls ------------------------------------------------------------------------------------------------------------
 */

static const struct command *command_named(zooid_host *host, const char *name)
{
    for (uint32_t i = 0; i < host->items.slot_count; i++) {
        const struct command *command = item_at(host, i, &command_kind);
        if (command != NULL && strcmp(command->name, name) == 0)
            return command;
    }
    return NULL;
}

static void take_call(zooid_host *host, zooid_event *event)
{
    zooid_call call = zooid_event_call(event);
    const char *name = zooid_event_command(event), *data = zooid_event_data(event);
    const char *caller = zooid_event_caller(event);
    const struct command *command = command_named(host, name == NULL ? "" : name);
    if (command == NULL) {
        if (name == NULL || !answer_built_in(host, call, name))
            (void)zooid_call_refuse(host->client, call, ZOOID_NO_SUCH_PROVIDER, "the plugin has no such command now");
        return;
    }
    struct invocation *invocation = item_new(host, &invocation_kind, sizeof *invocation);
    if (invocation == NULL) {
        (void)zooid_call_refuse(host->client, call, ZOOID_NO_MEMORY, NULL);
        return;
    }
    invocation->call = call;
    command->run(command->context, invocation->item.handle, data == NULL ? "" : data, zooid_event_data_len(event),
                 caller == NULL ? "" : caller);
}

static void forget_call(zooid_host *host, zooid_call call)
{
    for (uint32_t i = 0; i < host->items.slot_count; i++) {
        struct invocation *invocation = item_at(host, i, &invocation_kind);
        if (invocation != NULL && invocation->call == call) {
            item_free(&invocation->item);
            return;
        }
    }
}

bool offer_answer(zooid_host *host, zooid_handle handle, int code, const char *json)
{
    struct invocation *invocation = item_find(host, handle, &invocation_kind);
    if (invocation == NULL)
        return false;
    zooid_call call = invocation->call;
    item_free(&invocation->item);
    if (code != ZOOID_OK)
        return zooid_call_refuse(host->client, call, code, json) == ZOOID_OK;
    const char *text = json == NULL ? "null" : json;
    return zooid_call_answer(host->client, call, text, strlen(text)) == ZOOID_OK;
}

/* -- the offer --------------------------------------------------------------------------------------------------------
 */

/* The connection that brought them is gone. */
static void forget_calls(zooid_host *host)
{
    for (uint32_t i = 0; i < host->items.slot_count; i++) {
        struct invocation *invocation = item_at(host, i, &invocation_kind);
        if (invocation != NULL)
            item_free(&invocation->item);
    }
}

static void freed(uv_handle_t *handle)
{
    free(handle);
}

void offer_end(zooid_host *host)
{
    if (host->offer_timer != NULL)
        uv_close((uv_handle_t *)host->offer_timer, freed);
    host->offer_timer = NULL;
}

static void offer_now(zooid_host *host);

static void time_has_come(uv_timer_t *timer)
{
    offer_now(timer->data);
}

static void offer_after(zooid_host *host, uint32_t ms)
{
    if (host->offer_timer == NULL) {
        host->offer_timer = calloc(1, sizeof *host->offer_timer);
        if (host->offer_timer == NULL) {
            host_no_memory(host, "commands were offered");
            return;
        }
        (void)uv_timer_init(host->around.loop, host->offer_timer);
        host->offer_timer->data = host;
    }
    (void)uv_timer_start(host->offer_timer, time_has_come, ms, 0);
}

void offer_later(zooid_host *host)
{
    if (host->state != HOST_READY)
        return;
    if (host->ready_ms == 0)
        host->ready_ms = host_now_ms(host);
    offer_after(host, 0);
}

bool offer_is_known(zooid_host *host)
{
    return host->was_offered || host_now_ms(host) - host->ready_ms > host->config->limits.offer_ms;
}

static void becomes_known(zooid_host *host)
{
    if (host->was_offered)
        return;
    host->was_offered = true;
    if (host->around.changed != NULL)
        host->around.changed(host->around.context, host);
}

/* A process that takes over says so to the agent, which tells us; whatever else ended it is tried again. */
static void has_ended(zooid_host *host, const struct offer *offer, const zooid_reply *reply)
{
    int code = zooid_reply_code(reply);
    if (offer->item.handle == 0 || offer->item.handle != host->offer)
        return;
    host->offer = 0;
    becomes_known(host);
    if (code == ZOOID_PROVIDER_REPLACED) {
        host_log(host, ZOOID_PLUGIN_INFO, "another process offers its commands now");
        return;
    }
    host_log(host, ZOOID_PLUGIN_WARNING, "its commands cannot be offered: %s", zooid_reply_message(reply));
    offer_after(host, host->config->limits.retry_ms);
}

static void hear(struct listener *listener, zooid_event *event)
{
    struct offer *offer = (struct offer *)(void *)((char *)listener - offsetof(struct offer, listener));
    zooid_host *host = offer->item.host;
    zooid_reply *reply;
    switch (zooid_event_kind(event)) {
    case ZOOID_EVENT_CALL: take_call(host, event); break;
    case ZOOID_EVENT_CALL_OVER: forget_call(host, zooid_event_call(event)); break;
    case ZOOID_EVENT_OFFER:
        if (!zooid_event_stands(event))
            forget_calls(host);
        else
            becomes_known(host);
        break;
    case ZOOID_EVENT_REPLY:
        reply = zooid_event_take_reply(event);
        has_ended(host, offer, reply);
        zooid_reply_free(reply);
        item_free(&offer->item);
        break;
    default: break;
    }
}

static bool add_commands(zooid_host *host, zooid_request *request)
{
    bool good = true;
    for (uint32_t i = 0; good && i < host->items.slot_count; i++) {
        const struct command *command = item_at(host, i, &command_kind);
        if (command != NULL)
            good = zooid_request_add_offer(request, command->name, command->help, command->admin) == ZOOID_OK;
    }
    for (size_t i = 0; good && i < COUNT_OF(built_in); i++)
        if (command_named(host, built_in[i].name) == NULL)
            good = zooid_request_add_offer(request, built_in[i].name, built_in[i].help, false) == ZOOID_OK;
    return good;
}

/* NULL: out of memory. */
static zooid_request *request_of(zooid_host *host)
{
    const char *summary = host->plugin.summary == NULL ? host->plugin.name : host->plugin.summary;
    zooid_request *request = zooid_request_provide(host->config->name, summary);
    if (request != NULL && zooid_request_set_replace(request) == ZOOID_OK && add_commands(host, request))
        return request;
    zooid_request_free(request);
    return NULL;
}

static void offer_now(zooid_host *host)
{
    struct offer *offer = host->state == HOST_READY ? item_new(host, &offer_kind, sizeof *offer) : NULL;
    if (offer == NULL)
        return;
    offer->listener.hear = hear;
    zooid_request *request = request_of(host);
    offer->ticket = request == NULL ? 0 : zooid_submit(host->client, request, ZOOID_NO_DEADLINE, &offer->listener);
    if (offer->ticket != 0) {
        host->offer = offer->item.handle;
        return;
    }
    host_no_memory(host, "commands were offered");
    item_free(&offer->item);
    offer_after(host, host->config->limits.retry_ms);
}
