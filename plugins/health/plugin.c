/* plugin.c - the plugin from its start to its end. */
#include "plugins/health/health.h"
#include "plugins/health/later.h"
#include "plugins/health/numbers.h"
#include "plugins/health/record.h"
#include "plugins/health/save.h"
#include "plugins/health/text.h"
#include "plugins/health/transfer.h"

#include <stdlib.h>
#include <time.h>

uint64_t wall_ms(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_REALTIME, &at);
    return (uint64_t)at.tv_sec * 1000 + (uint64_t)at.tv_nsec / 1000000;
}

static void health_free(struct health *health)
{
    while (health->checks.count > 0)
        check_free(health->checks.rows[--health->checks.count]);
    free(health->checks.rows);
    free(health->commands);
    later_free(health);
    json_decref(health->records_file);
    json_decref(health->dropped);
    transfers_free(health->transfers);
    schedule_free(health->schedule);
    numbers_free(health->numbers);
    health_settings_free(&health->settings);
    free(health);
}

/* `write`: what has been running is kept; what did not get to its start must not replace it. */
static void end(struct health *health, bool write)
{
    health->stopping = true;
    saver_end(health->saver, write);
    health->saver = NULL;
    for (size_t i = 0; i < health->checks.count; i++)
        runs_leave(health->checks.rows[i]);
    health_free(health);
}

/* The nodes are the session's: they stay for its linger, for the process that comes after a reload. */
static void stop(void *state)
{
    end(state, true);
}

static bool make_parts(struct health *health)
{
    const char *directory = health->api->state_dir(health->host);
    health->schedule = schedule_new(wall_ms());
    health->transfers = transfers_new(health->api, health->host);
    health->numbers = numbers_new(health);
    if (directory != NULL)
        health->saver = saver_new(health, directory);
    return health->schedule != NULL && health->transfers != NULL && health->numbers != NULL &&
           (directory == NULL || health->saver != NULL);
}

/* What cannot be read is told and left out: checks run rather than none at all. */
static void open_records(struct health *health)
{
    struct complaint complaint = {0};
    if (health->saver == NULL)
        return;
    health->records_file = saver_read(health->saver);
    if (saver_waits(health->saver))
        health->dropped = json_object();
    if (health->records_file != NULL)
        health->records = records_open(health->records_file, &complaint);
    if (complaint.message[0] == '\0')
        return;
    char *line = text_format("what was kept is not used: %s %s", complaint.key, complaint.message);
    if (line != NULL)
        health->api->log(health->host, ZOOID_PLUGIN_ERROR, line);
    free(line);
}

static bool begin(struct health *health, struct complaint *complaint)
{
    if (!health_settings_read(&health->settings, health->api->settings(health->host), complaint))
        return false;
    if (!definition_id_valid(health->api->host_name(health->host)))
        return complain(complaint, "base_path",
                        "this host is called %s, which cannot be the name of a node; host_name gives it another",
                        health->api->host_name(health->host));
    if (!make_parts(health))
        return complain_no_memory(complaint);
    open_records(health);
    if (!define_from_settings(health, complaint))
        return false;
    define_all_kept(health);
    health->records = NULL;
    json_decref(health->records_file);
    health->records_file = NULL;
    save_soon(health);
    return commands_offer(health) || complain_no_memory(complaint);
}

static int start(const struct zooid_host_api *api, zooid_host *host, void **state)
{
    struct complaint complaint = {0};
    struct health *health = calloc(1, sizeof *health);
    if (health == NULL)
        return ZOOID_PLUGIN_REFUSED;
    health->api = api;
    health->host = host;
    if (begin(health, &complaint)) {
        *state = health;
        return ZOOID_PLUGIN_READY;
    }
    if (complaint.message[0] == '\0')
        api->log(host, ZOOID_PLUGIN_ERROR, "no memory");
    else
        api->config_error(host, complaint.key, complaint.message);
    end(health, false);
    return ZOOID_PLUGIN_REFUSED;
}

ZOOID_PLUGIN_EXPORT const struct zooid_plugin zooid_plugin;
const struct zooid_plugin zooid_plugin = {
    .abi = ZOOID_PLUGIN_ABI,
    .size = sizeof(struct zooid_plugin),
    .api_size = sizeof(struct zooid_host_api),
    .name = "health",
    .version = "1.0",
    .summary = "checks what runs on this host",
    .start = start,
    .stop = stop,
};
