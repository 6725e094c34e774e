/* runs.c - when what runs: one alarm of the host for the earliest check that is due, and a bound on how many run at
 * once.
 *
 * A check that is due while runs_max others run waits where it is, in the schedule, and is late then. While a check
 * runs it is not in the schedule, so that it never runs twice at once. */
#include "plugins/health/health.h"
#include "plugins/health/numbers.h"
#include "plugins/health/text.h"
#include "plugins/health/transfer.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void pump(struct health *health);

static uint64_t now(const struct health *health)
{
    return health->api->now_ms(health->host);
}

static void put(struct check *check, uint64_t due_ms)
{
    if (!schedule_put(check->health->schedule, &check->due, due_ms))
        check->health->api->fail(check->health->host, "no memory for the schedule");
}

/* ---- the alarm
 * --------------------------------------------------------------------------------------------------------------- */

static void on_alarm(void *context)
{
    struct health *health = context;
    health->alarm = 0;
    health->alarm_ms = 0;
    pump(health);
}

static void set_alarm(struct health *health)
{
    const struct schedule_entry *first = schedule_first(health->schedule);
    uint64_t wanted = first == NULL || health->running >= health->settings.runs_max ? 0 : first->due_ms;
    if (wanted == health->alarm_ms)
        return;
    if (health->alarm != 0)
        health->api->cancel(health->host, health->alarm);
    health->alarm = 0;
    health->alarm_ms = wanted;
    if (wanted == 0)
        return;
    uint64_t at = now(health), wait = wanted > at ? wanted - at : 0;
    health->alarm = health->api->timer(health->host, wait < UINT32_MAX ? (uint32_t)wait : UINT32_MAX, 0, on_alarm,
                                       health);
    if (health->alarm == 0)
        health->api->fail(health->host, "no memory for a timer");
}

/* ---- results
 * ----------------------------------------------------------------------------------------------------------------- */

static void tell_change(const struct check *check, enum check_status before)
{
    const struct health *health = check->health;
    const char *output = check->output == NULL ? "" : check->output;
    char *line = text_format("check %s: %s -> %s: %.*s", check->definition->id, check_status_words[before],
                             check_status_words[check->state.status], (int)strcspn(output, "\n"), output);
    enum zooid_plugin_level level = check->state.status == CHECK_PASSING ? ZOOID_PLUGIN_INFO : ZOOID_PLUGIN_WARNING;
    if (line != NULL)
        health->api->log(health->host, level, line);
    free(line);
}

/* True: it is another one. Without memory the old one stays. */
static bool keep_output(struct check *check, const struct check_result *result)
{
    const void *bytes = result->output == NULL ? "" : result->output;
    char *output = text_clean(bytes, result->output_len, (size_t)check->definition->output_max);
    bool other = output != NULL && (check->output == NULL || strcmp(check->output, output) != 0);
    if (!other) {
        free(output);
        return false;
    }
    free(check->output);
    check->output = output;
    return true;
}

static void take(struct check *check, const struct check_result *result)
{
    enum check_status before = check->state.status;
    bool first = !check->state.known, other_output = keep_output(check, result);
    bool changed = state_take(&check->state, &check->definition->thresholds, result->status, result->certain,
                              wall_ms());
    numbers_result(check, before, result->status);
    if (changed) {
        tell_change(check, before);
        save_soon(check->health);
    }
    if (changed || other_output)
        node_write(check, changed || first);
}

/* ---- runs
 * --------------------------------------------------------------------------------------------------------------------
 */

static void schedule_next(struct check *check, uint64_t started_ms, bool first)
{
    const struct health *health = check->health;
    uint64_t interval = (uint64_t)check->definition->interval_ms, at = now(health);
    if (check->definition->type->by_heartbeat)
        return;
    /* First runs come soon and close together; what follows is spread over the whole interval. */
    uint64_t next = first ? schedule_spread(health->schedule, started_ms, interval)
                          : schedule_again(health->schedule, check->due.due_ms, started_ms, interval,
                                           (unsigned)health->settings.jitter_percent);
    put(check, next > at ? next : at);
}

void run_end(struct check *check, const struct check_result *result)
{
    struct health *health = check->health;
    struct check_result taken = *result;
    uint64_t at = now(health);
    bool first = !check->state.known;
    check->run.active = false;
    health->running--;
    check->last_run_ms = wall_ms();
    check->last_duration_ms = at - check->run.started_ms;
    int64_t slow_ms = check->definition->slow_ms;
    if (slow_ms > 0 && taken.status == CHECK_PASSING && check->last_duration_ms > (uint64_t)slow_ms)
        taken.status = CHECK_WARNING;
    numbers_ran(check);
    take(check, &taken);
    schedule_next(check, check->run.started_ms, first);
    commands_answer_runs(check);
    pump(health);
}

/* Takes `text`, which may be NULL for lack of memory, with `more` behind it. */
static void end_with(struct check *check, enum check_status status, char *text, const void *more, size_t more_len)
{
    struct check_result result = {.status = status, .output = text, .output_len = text == NULL ? 0 : strlen(text)};
    char *longer = more_len == 0 || text == NULL ? NULL : realloc(text, result.output_len + 1 + more_len);
    if (longer != NULL) {
        longer[result.output_len] = '\n';
        memcpy(longer + result.output_len + 1, more, more_len);
        result.output = longer;
        result.output_len += 1 + more_len;
    }
    run_end(check, &result);
    free(longer != NULL ? longer : text);
}

void run_end_text(struct check *check, enum check_status status, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    char *text = text_format_list(format, list);
    va_end(list);
    end_with(check, status, text, NULL, 0);
}

void run_end_bytes(struct check *check, enum check_status status, const void *bytes, size_t len, const char *format,
                   ...)
{
    va_list list;
    va_start(list, format);
    char *text = text_format_list(format, list);
    va_end(list);
    end_with(check, status, text, bytes, len);
}

void check_heard(struct check *check, const struct check_result *result)
{
    struct health *health = check->health;
    check->last_run_ms = wall_ms();
    check->touched = true;
    take(check, result);
    if (check->definition->type->by_heartbeat) {
        put(check, now(health) + (uint64_t)check->definition->ttl.ttl_ms);
        save_soon(health);
    }
    pump(health);
}

static void begin(struct check *check)
{
    struct health *health = check->health;
    uint64_t at = now(health);
    schedule_remove(health->schedule, &check->due);
    numbers_started(check, at - check->due.due_ms);
    check->run.active = true;
    check->run.started_ms = at;
    health->running++;
    if (check->definition->type->start(check))
        return;
    check->run.active = false;
    health->running--;
    health->api->log(health->host, ZOOID_PLUGIN_ERROR, "no memory for the run of a check");
    schedule_next(check, at, false);
    commands_answer_runs(check);
}

/* Starts what is due. A run may end within its start; the pump that is under way then goes on. */
static void pump(struct health *health)
{
    if (health->pumping || health->stopping)
        return;
    health->pumping = true;
    while (health->running < health->settings.runs_max) {
        struct schedule_entry *first = schedule_first(health->schedule);
        if (first == NULL || first->due_ms > now(health))
            break;
        begin((struct check *)first); /* its first member */
    }
    health->pumping = false;
    set_alarm(health);
}

/* ---- from outside
 * ------------------------------------------------------------------------------------------------------------ */

bool runs_begin(struct check *check, int64_t ttl_left_ms)
{
    struct health *health = check->health;
    const struct definition *definition = check->definition;
    uint64_t at = now(health), interval = (uint64_t)definition->interval_ms;
    uint64_t soon = (uint64_t)health->settings.start_spread_ms;
    uint64_t due = at;
    if (!definition->type->by_heartbeat)
        due = schedule_spread(health->schedule, at, check->state.known || soon > interval ? interval : soon);
    else
        due += (uint64_t)(ttl_left_ms < 0 ? definition->ttl.ttl_ms : ttl_left_ms);
    if (!schedule_put(health->schedule, &check->due, due))
        return false;
    pump(health);
    return true;
}

bool runs_now(struct check *check)
{
    struct health *health = check->health;
    if (check->run.active)
        return true;
    if (!schedule_put(health->schedule, &check->due, now(health)))
        return false;
    pump(health);
    return true;
}

void runs_leave(struct check *check)
{
    const struct check_type *type = check->definition->type;
    schedule_remove(check->health->schedule, &check->due);
    if (check->run.active) {
        if (type->cancel != NULL)
            type->cancel(check);
        check->run.active = false;
        check->health->running--;
    }
    if (type->leave != NULL)
        type->leave(check);
}

void run_cancel_handle(struct check *check)
{
    check->health->api->cancel(check->health->host, check->run.handle);
    check->run.handle = 0;
}

bool run_start_transfer(struct check *check, struct transfer *transfer)
{
    check->run.transfer = transfer;
    if (transfer_start(transfer))
        return true;
    check->run.transfer = NULL;
    return false;
}

void run_cancel_transfer(struct check *check)
{
    transfer_cancel(check->run.transfer);
    check->run.transfer = NULL;
}
