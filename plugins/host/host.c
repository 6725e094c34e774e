/* host.c - a plugin from its start to its end. */
#include "plugins/host/offer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LINE_MAX_LEN = 8192 };

char *text_of(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int len = vasprintf(&text, format, arguments);
    va_end(arguments);
    return len < 0 ? NULL : text;
}

/* What is longer than a line may be is cut, and what would end it is taken out. */
void host_log(zooid_host *host, enum zooid_plugin_level level, const char *format, ...)
{
    char line[LINE_MAX_LEN];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (len < 0)
        return;
    for (char *at = line; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' && *at != '\t')
            *at = ' ';
    host->around.log(host->around.context, host->config->name, level, line);
}

void host_no_memory(zooid_host *host, const char *what)
{
    host_log(host, ZOOID_PLUGIN_ERROR, "out of memory while %s", what);
}

void host_keep_text(zooid_host *host, char **member, const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL) {
        host_no_memory(host, "a text was kept");
        return;
    }
    free(*member);
    *member = copy;
}

/* -- made -------------------------------------------------------------------------------------------------------------
 */

/* The library's lines, from whichever thread it has. */
static void log_of_client(void *context, enum zooid_log_level level, const char *line)
{
    static const enum zooid_plugin_level levels[] = {
        [ZOOID_LOG_ERROR] = ZOOID_PLUGIN_ERROR,
        [ZOOID_LOG_WARNING] = ZOOID_PLUGIN_WARNING,
        [ZOOID_LOG_INFO] = ZOOID_PLUGIN_INFO,
        [ZOOID_LOG_DEBUG] = ZOOID_PLUGIN_DEBUG,
    };
    host_log(context, levels[level], "%s", line);
}

static bool open_client(zooid_host *host, char **why)
{
    struct zooid_options options = ZOOID_OPTIONS_INIT;
    zooid_reply *reply = NULL;
    char *name = text_of("plugin %s", host->config->name);
    options.socket = host->config->socket;
    options.name = name;
    options.connect_ms = 0;
    options.session_timeout_ms = host->config->limits.session_ms;
    options.linger_ms = host->config->limits.linger_ms;
    options.log = log_of_client;
    options.log_context = host;
    bool good = name != NULL && zooid_open(&host->client, &options, &reply) == ZOOID_OK;
    free(name);
    if (!good)
        *why = text_of("no client: %s", zooid_reply_message(reply));
    zooid_reply_free(reply);
    return good;
}

/* DIR/NAME for the plugin, and DIR/NAME.sessions for the host. */
static bool make_state_dir(zooid_host *host, char **why)
{
    const char *above = host->config->state_dir;
    if (above == NULL)
        return true;
    host->state_dir = text_of("%s/%s", above, host->config->name);
    host->sessions_file = text_of("%s/%s.sessions", above, host->config->name);
    if (host->state_dir == NULL || host->sessions_file == NULL)
        return false;
    if (mkdir(host->state_dir, 0700) == 0 || errno == EEXIST)
        return true;
    *why = text_of("its state directory %s cannot be made: %s", host->state_dir, strerror(errno));
    return false;
}

static void take_descriptor(zooid_host *host, const struct zooid_plugin *plugin)
{
    memcpy(&host->plugin, plugin, plugin->size < sizeof host->plugin ? plugin->size : sizeof host->plugin);
}

static void release(zooid_host *host)
{
    free(host->file);
    free(host->state_dir);
    free(host->sessions_file);
    free(host->status);
    free(host->failure);
    free(host);
}

zooid_host *host_new_of(const struct host_surroundings *around, const struct plugin_config *config,
                        const struct zooid_plugin *plugin, const char *file, char **why)
{
    zooid_host *host = calloc(1, sizeof *host);
    *why = NULL;
    if (host == NULL)
        return NULL;
    host->around = *around;
    host->config = config;
    host->file = strdup(file);
    take_descriptor(host, plugin);
    bool good = host->file != NULL && make_state_dir(host, why) && open_client(host, why);
    if (good && events_open(host)) {
        (void)session_read_before(host);
        return host;
    }
    if (good)
        *why = text_of("the loop takes no more descriptors");
    events_close(host);
    zooid_close(host->client);
    release(host);
    return NULL;
}

zooid_host *host_new(const struct host_surroundings *around, const struct plugin_config *config, const char *file,
                     char **why)
{
    *why = NULL;
    const struct zooid_plugin *plugin = load_file(file, why);
    return plugin == NULL ? NULL : host_new_of(around, config, plugin, file, why);
}

/* -- started and stopped ----------------------------------------------------------------------------------------------
 */

void host_start(zooid_host *host)
{
    host->state = HOST_STARTING;
    int started = host->plugin.start(&host_api, host, &host->plugin_state);
    if (host->state != HOST_STARTING)
        return; /* it has called ready() or fail() */
    if (started == ZOOID_PLUGIN_READY)
        host->state = HOST_READY;
    else if (started != ZOOID_PLUGIN_STARTING)
        host->state = HOST_REFUSED;
    offer_later(host);
}

void host_stop(zooid_host *host)
{
    bool has_begun = host->state == HOST_STARTING || host->state == HOST_READY || host->state == HOST_FAILED;
    if (has_begun && host->plugin.stop != NULL)
        host->plugin.stop(host->plugin_state);
    host->state = HOST_STOPPED;
    items_cancel_all(host);
    offer_end(host);
    hold_ephemeral_end(host);
    events_close(host);
}

/* Its ephemerals go at once, not when their linger time is over. */
static void close_session(zooid_host *host)
{
    uint32_t wait_ms = host->config->limits.farewell_ms;
    if (zooid_session_id(host->client) != 0 && zooid_session_state(host->client) == ZOOID_SESSION_GOOD)
        (void)zooid_perform(host->client, zooid_request_close_session(), wait_ms, NULL);
}

void host_free(zooid_host *host, bool hand_over)
{
    if (!hand_over)
        close_session(host);
    zooid_close(host->client);
    items_free(host);
    release(host);
}
