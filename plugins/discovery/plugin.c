/* plugin.c - the plugin discovery: its start, its stop, and small things that all of its files use. */
#include "plugins/discovery/address.h"
#include "plugins/discovery/discovery.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void discovery_log(struct discovery *d, enum zooid_plugin_level level, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    d->api->log(d->host, level, line);
}

void discovery_no_memory(struct discovery *d, const char *what)
{
    discovery_log(d, ZOOID_PLUGIN_ERROR, "out of memory: %s", what);
}

int64_t discovery_wall_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void discovery_timer(struct discovery *d, zooid_handle *timer, uint32_t ms, zooid_plugin_timer_fn *fire, void *context)
{
    if (*timer != 0)
        d->api->cancel(d->host, *timer);
    *timer = d->api->timer(d->host, ms, 0, fire, context);
}

void discovery_defaults(struct discovery *d, struct definition_defaults *defaults)
{
    *defaults = (struct definition_defaults){&d->settings.limits, d->host_name, d->address, d->settings.initial};
}

void discovery_status(struct discovery *d)
{
    char text[256];
    size_t held = 0;
    for (size_t i = 0; i < d->registration_count; i++)
        held += d->registrations[i]->held;
    (void)snprintf(text, sizeof text, "%zu of %zu registrations in the tree; %zu instances of %zu services known%s",
                   held, d->registration_count, catalog_instances(d->catalog), catalog_services(d->catalog),
                   d->connected ? "" : "; no session");
    d->api->status(d->host, text);
    const double values[] = {(double)catalog_services(d->catalog), (double)catalog_instances(d->catalog),
                             (double)d->registration_count, (double)catalog_refused(d->catalog)};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        if (d->metrics[i] != 0)
            d->api->metric_set(d->host, d->metrics[i], values[i]);
}

static void add_metrics(struct discovery *d)
{
    static const struct {
        const char *name, *help;
    } rows[] = {
        {"services", "services in the catalog"},
        {"instances", "instances in the catalog"},
        {"registrations", "registrations of this host"},
        {"refused_nodes", "nodes of services that could not be read or had no room"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        d->metrics[i] = d->api->metric(d->host, ZOOID_PLUGIN_GAUGE, rows[i].name, rows[i].help, NULL);
}

static void session_changed(void *context, enum zooid_plugin_session state)
{
    struct discovery *d = context;
    d->connected = state == ZOOID_PLUGIN_SESSION_GOOD;
    discovery_status(d);
    if (d->connected)
        define_soon(d);
}

static void stop(void *state)
{
    struct discovery *d = state;
    if (d->save != 0 && d->owns && !store_save(d))
        discovery_log(d, ZOOID_PLUGIN_WARNING, "what changed last about the registrations could not be written");
    for (size_t i = 0; i < d->registration_count; i++)
        publish_answer(d->registrations[i]); /* it is on the disk: whoever comes next has it */
    while (d->catalog != NULL && known_save(d))
        ;
    takeover_end(d);
    files_stop(d);
    registry_free(d);
    for (size_t i = 0; i < d->check_count; i++) {
        free(d->checks[i].path);
        free(d->checks[i].service);
    }
    for (size_t i = 0; i < d->drop_count; i++)
        free(d->drops[i]);
    free(d->checks);
    free(d->drops);
    free(d->maintenance);
    free(d->address);
    catalog_free(d->catalog);
    settings_free(&d->settings);
    free(d);
}

/* In the order in which they need each other: what was known, then what is on disk, then what the tree says. */
static bool begin(struct discovery *d)
{
    d->catalog = catalog_new(&d->settings);
    d->address = d->settings.address[0] != '\0' ? strdup(d->settings.address) : address_of_route(d->settings.route_to);
    if (d->catalog == NULL || d->address == NULL)
        return false;
    add_metrics(d);
    known_load(d);
    takeover_start(d);
    store_load(d);
    files_start(d);
    publish_all(d);
    define_soon(d);
    return mirror_start(d) && checks_start(d) && commands_start(d) && d->api->session(d->host, session_changed, d) != 0;
}

static int start(const struct zooid_host_api *api, zooid_host *host, void **state)
{
    struct problem p;
    struct discovery *d = calloc(1, sizeof *d);
    if (d == NULL)
        return ZOOID_PLUGIN_REFUSED;
    *d = (struct discovery){
        .api = api, .host = host, .host_name = api->host_name(host), .connected = true, .lock = -1, .inotify = -1};
    if (!settings_read(&d->settings, api->settings(host), &p)) {
        api->config_error(host, p.key, p.text);
        free(d);
        return ZOOID_PLUGIN_REFUSED;
    }
    if (!begin(d)) {
        discovery_no_memory(d, "the plugin could not start");
        stop(d);
        return ZOOID_PLUGIN_REFUSED;
    }
    *state = d;
    discovery_status(d);
    return ZOOID_PLUGIN_READY;
}

ZOOID_PLUGIN_EXPORT const struct zooid_plugin zooid_plugin = {
    .abi = ZOOID_PLUGIN_ABI,
    .size = sizeof(struct zooid_plugin),
    .api_size = sizeof(struct zooid_host_api),
    .name = "discovery",
    .version = "1.0",
    .summary = "services of this host into the tree, all services out of it",
    .start = start,
    .stop = stop,
};
