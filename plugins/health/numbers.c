/* numbers.c - see numbers.h */
#include "plugins/health/numbers.h"

#include "plugins/health/health.h"

#include <stdio.h>
#include <stdlib.h>

enum { TYPES_MAX = 16 };

struct numbers {
    zooid_handle runs[TYPES_MAX], failures[TYPES_MAX], seconds[TYPES_MAX];
    zooid_handle statuses[CHECK_STATUS_COUNT];
    zooid_handle running, late, late_most, changes, saves, saves_failed;
    int64_t status_counts[CHECK_STATUS_COUNT];
    uint64_t late_most_ms;
};

/* Those without labels. */
static const struct row {
    enum zooid_plugin_metric kind;
    const char *name, *help;
    size_t offset;
} rows[] = {
    {ZOOID_PLUGIN_GAUGE, "health_runs_active", "Runs of checks that are under way", offsetof(struct numbers, running)},
    {ZOOID_PLUGIN_COUNTER, "health_runs_late_total", "Runs that began more than late_ms after they were due",
     offsetof(struct numbers, late)},
    {ZOOID_PLUGIN_GAUGE, "health_lateness_max_seconds", "The longest time after which a run began that was due",
     offsetof(struct numbers, late_most)},
    {ZOOID_PLUGIN_COUNTER, "health_changes_total", "Changes of the status of checks",
     offsetof(struct numbers, changes)},
    {ZOOID_PLUGIN_COUNTER, "health_saves_total", "Times that the state was written to disk",
     offsetof(struct numbers, saves)},
    {ZOOID_PLUGIN_COUNTER, "health_saves_failed_total", "Times that the state could not be written to disk",
     offsetof(struct numbers, saves_failed)},
};

static size_t type_number(const struct check *check)
{
    for (size_t i = 0; type_at(i) != NULL; i++)
        if (type_at(i) == check->definition->type)
            return i;
    return 0;
}

static void make_types(struct health *health, struct numbers *numbers)
{
    const struct zooid_host_api *api = health->api;
    for (size_t i = 0; i < TYPES_MAX && type_at(i) != NULL; i++) {
        const char *const labels[] = {"type", type_at(i)->name, NULL};
        numbers->runs[i] = api->metric(health->host, ZOOID_PLUGIN_COUNTER, "health_runs_total",
                                       "Runs of checks that ended", labels);
        numbers->failures[i] = api->metric(health->host, ZOOID_PLUGIN_COUNTER, "health_failures_total",
                                           "Results of checks that were failures", labels);
        numbers->seconds[i] = api->metric(health->host, ZOOID_PLUGIN_COUNTER, "health_run_seconds_total",
                                          "Time that runs of checks took", labels);
    }
}

struct numbers *numbers_new(struct health *health)
{
    const struct zooid_host_api *api = health->api;
    struct numbers *numbers = calloc(1, sizeof *numbers);
    if (numbers == NULL)
        return NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        *(zooid_handle *)(void *)((char *)numbers + rows[i].offset) = api->metric(health->host, rows[i].kind,
                                                                                  rows[i].name, rows[i].help, NULL);
    for (int i = 0; i < CHECK_STATUS_COUNT; i++) {
        const char *const labels[] = {"status", check_status_words[i], NULL};
        numbers->statuses[i] = api->metric(health->host, ZOOID_PLUGIN_GAUGE, "health_checks", "Checks in each status",
                                           labels);
    }
    make_types(health, numbers);
    return numbers;
}

void numbers_free(struct numbers *numbers)
{
    free(numbers);
}

void numbers_started(const struct check *check, uint64_t late_ms)
{
    const struct health *health = check->health;
    struct numbers *numbers = health->numbers;
    health->api->metric_set(health->host, numbers->running, (double)(health->running + 1));
    if (late_ms > (uint64_t)health->settings.late_ms)
        health->api->metric_add(health->host, numbers->late, 1);
    if (late_ms <= numbers->late_most_ms)
        return;
    numbers->late_most_ms = late_ms;
    health->api->metric_set(health->host, numbers->late_most, (double)late_ms / 1000);
}

void numbers_ran(const struct check *check)
{
    const struct health *health = check->health;
    const struct numbers *numbers = health->numbers;
    size_t type = type_number(check);
    health->api->metric_set(health->host, numbers->running, (double)health->running);
    health->api->metric_add(health->host, numbers->runs[type], 1);
    health->api->metric_add(health->host, numbers->seconds[type], (double)check->last_duration_ms / 1000);
}

void numbers_result(const struct check *check, enum check_status before, enum check_status result)
{
    struct health *health = check->health;
    if (result == CHECK_CRITICAL)
        health->api->metric_add(health->host, health->numbers->failures[type_number(check)], 1);
    if (before == check->state.status)
        return;
    health->api->metric_add(health->host, health->numbers->changes, 1);
    numbers_count(health, before, -1);
    numbers_count(health, check->state.status, 1);
}

void numbers_count(struct health *health, enum check_status status, int change)
{
    struct numbers *numbers = health->numbers;
    const int64_t *counts = numbers->status_counts;
    char text[128];
    numbers->status_counts[status] += change;
    health->api->metric_set(health->host, numbers->statuses[status], (double)counts[status]);
    (void)snprintf(text, sizeof text, "%zu checks: %lld passing, %lld warning, %lld critical", health->checks.count,
                   (long long)counts[CHECK_PASSING], (long long)counts[CHECK_WARNING],
                   (long long)counts[CHECK_CRITICAL]);
    health->api->status(health->host, text);
}

void numbers_saved(struct health *health, bool good)
{
    const struct numbers *numbers = health->numbers;
    health->api->metric_add(health->host, good ? numbers->saves : numbers->saves_failed, 1);
}
