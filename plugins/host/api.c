/* api.c - the host's table, and the functions of it that need no file of their own. */
#include "plugins/host/offer.h"

#include <stdlib.h>
#include <time.h>

static const char *instance(zooid_host *host)
{
    return host->config->name;
}

static const char *host_name(zooid_host *host)
{
    return host->config->host_name;
}

static const char *settings(zooid_host *host)
{
    return host->config->settings;
}

static void config_error(zooid_host *host, const char *key, const char *message)
{
    char *place = plugin_config_place(host->config, key);
    char *line = text_of("%ssettings.%s: %s", place == NULL ? "" : place, key, message);
    host_log(host, ZOOID_PLUGIN_ERROR, "%s", line == NULL ? message : line);
    host_keep_text(host, &host->failure, line == NULL ? message : line);
    free(place);
    free(line);
}

static const char *state_dir(zooid_host *host)
{
    return host->state_dir;
}

/* A log line is a line. */
static void say(zooid_host *host, enum zooid_plugin_level level, const char *line)
{
    unsigned at = (unsigned)level > ZOOID_PLUGIN_DEBUG ? ZOOID_PLUGIN_DEBUG : (unsigned)level;
    host_log(host, (enum zooid_plugin_level)at, "%s", line == NULL ? "" : line);
}

static void changed(zooid_host *host)
{
    if (host->around.changed != NULL)
        host->around.changed(host->around.context, host);
}

static void ready(zooid_host *host)
{
    if (host->state != HOST_STARTING)
        return;
    host->state = HOST_READY;
    offer_later(host);
    changed(host);
}

static void status(zooid_host *host, const char *text)
{
    host_keep_text(host, &host->status, text == NULL ? "" : text);
    changed(host);
}

static void fail(zooid_host *host, const char *why)
{
    if (host->state == HOST_FAILED || host->state == HOST_STOPPED)
        return;
    host->state = HOST_FAILED;
    host_log(host, ZOOID_PLUGIN_ERROR, "it cannot go on: %s", why == NULL ? "no reason given" : why);
    host_keep_text(host, &host->failure, why == NULL ? "no reason given" : why);
    changed(host);
}

uint64_t host_now_ms(zooid_host *host)
{
    struct timespec now;
    (void)host;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

const struct zooid_host_api host_api = {
    .abi = ZOOID_PLUGIN_ABI,
    .size = sizeof(struct zooid_host_api),
    .instance = instance,
    .host_name = host_name,
    .settings = settings,
    .config_error = config_error,
    .state_dir = state_dir,
    .log = say,
    .ready = ready,
    .status = status,
    .fail = fail,
    .now_ms = host_now_ms,
    .cancel = item_cancel,
    .request = tree_request,
    .subscribe = subscribe_begin,
    .call = call_begin,
    .ephemeral = hold_ephemeral,
    .ephemeral_set = hold_ephemeral_set,
    .lock = hold_lock,
    .session = session_follow,
    .timer = timer_begin,
    .child = child_begin,
    .descriptor = descriptor_begin,
    .descriptor_want = descriptor_want,
    .metric = metric_new,
    .metric_set = metric_set,
    .metric_add = metric_add,
    .command = command_new,
    .answer = offer_answer,
};
