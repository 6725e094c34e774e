/* unit.c - a unit's life: started, restarted after a pause that grows, put into quarantine, replaced, stopped. */
#include "plugins/host/supervise/supervise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const char *const state_names[] = {
    [UNIT_STOPPED] = "stopped", [UNIT_STARTING] = "starting", [UNIT_RUNNING] = "running",
    [UNIT_WAITING] = "waiting", [UNIT_REFUSED] = "refused",   [UNIT_QUARANTINED] = "quarantined",
};

const char *unit_state_name(const struct unit *unit)
{
    return state_names[unit->state];
}

/* -- failures ---------------------------------------------------------------------------------------------------------
 */

static void freed(uv_handle_t *handle)
{
    free(handle);
}

static void end_pause(struct unit *unit)
{
    if (unit->pause != NULL)
        uv_close((uv_handle_t *)unit->pause, freed);
    unit->pause = NULL;
}

static void pause_is_over(uv_timer_t *timer)
{
    struct unit *unit = timer->data;
    end_pause(unit);
    unit->restarts++;
    unit_start(unit);
}

/* Within the window, this one too. */
static uint32_t failures_lately(const struct unit *unit, uint64_t now)
{
    uint32_t count = 0;
    for (size_t i = 0; i < COUNT_OF(unit->failure_ms); i++)
        if (unit->failure_ms[i] != 0 && now - unit->failure_ms[i] <= unit->supervisor->config->quarantine_window_ms)
            count++;
    return count;
}

/* A quarter more or less, so that what failed together is not started together. */
static uint64_t pause_ms(const struct host_config *config, uint32_t failures)
{
    uint64_t ms = config->restart_first_ms;
    uint32_t random = 0;
    for (uint32_t i = 1; i < failures && ms < config->restart_max_ms; i++)
        ms *= 2;
    ms = ms < config->restart_max_ms ? ms : config->restart_max_ms;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
        random = UINT32_MAX / 2;
    return ms - ms / 4 + (ms / 2) * random / UINT32_MAX;
}

static void wait_before_restart(struct unit *unit, uint64_t ms)
{
    unit->state = UNIT_WAITING;
    unit->pause = calloc(1, sizeof *unit->pause);
    if (unit->pause == NULL) {
        unit->state = UNIT_QUARANTINED;
        log_say(unit, ZOOID_PLUGIN_ERROR, "out of memory: it is not started again by itself");
        return;
    }
    (void)uv_timer_init(&unit->supervisor->loop, unit->pause);
    unit->pause->data = unit;
    (void)uv_timer_start(unit->pause, pause_is_over, ms, 0);
}

static void fail(struct unit *unit, const char *how)
{
    uint64_t now = supervisor_now_ms();
    unit->failure_ms[unit->failures++ % COUNT_OF(unit->failure_ms)] = now;
    uint32_t lately = failures_lately(unit, now);
    (void)snprintf(unit->last_failure, sizeof unit->last_failure, "%s", how);
    if (lately >= unit->supervisor->config->quarantine_failures) {
        unit->state = UNIT_QUARANTINED;
        log_say(unit, ZOOID_PLUGIN_ERROR,
                "in quarantine after %u failures, the last one: %s; `zooid plugin plugins restart %s` ends that",
                lately, how, unit->name);
        return;
    }
    uint64_t ms = pause_ms(unit->supervisor->config, lately);
    log_say(unit, ZOOID_PLUGIN_ERROR, "failed: %s; it is started again in %u ms", how, (unsigned)ms);
    wait_before_restart(unit, ms);
}

static void refuse(struct unit *unit, const char *how)
{
    unit->state = UNIT_REFUSED;
    (void)snprintf(unit->last_failure, sizeof unit->last_failure, "%s", how);
    log_say(unit, ZOOID_PLUGIN_ERROR, "refused: %s", how);
}

static void forgive(struct unit *unit)
{
    memset(unit->failure_ms, 0, sizeof unit->failure_ms);
}

/* -- started and stopped ----------------------------------------------------------------------------------------------
 */

void unit_start(struct unit *unit)
{
    char why[WHY_MAX];
    unit->state = UNIT_STARTING;
    unit->current = process_start(unit, unit->had_process ? RUN_BEHIND : RUN_FIRST, why);
    if (unit->current == NULL)
        fail(unit, why);
}

void unit_stop(struct unit *unit)
{
    struct process *const processes[] = {unit->current, unit->coming, unit->leaving};
    unit->goes = true;
    end_pause(unit);
    for (size_t i = 0; i < COUNT_OF(processes); i++)
        if (processes[i] != NULL && processes[i]->stop_at_ms == 0)
            process_tell(processes[i], CHANNEL_STOP);
    if (unit->current == NULL)
        unit->state = UNIT_STOPPED;
}

void unit_replace(struct unit *unit)
{
    char why[WHY_MAX];
    forgive(unit);
    end_pause(unit);
    if (unit->coming != NULL || unit->leaving != NULL) {
        unit->again = true; /* when that one has ended */
        if (unit->coming != NULL)
            process_kill(unit->coming, "a newer one takes its place");
    } else if (unit->current != NULL && unit->state == UNIT_STARTING) {
        process_kill(unit->current, "it was to be started again before it was ready");
    } else if (unit->current == NULL) {
        unit_start(unit);
    } else if ((unit->coming = process_start(unit, RUN_BESIDE, why)) == NULL) {
        log_say(unit, ZOOID_PLUGIN_ERROR, "%s; the old one goes on", why);
    }
}

/* -- what its processes come to ---------------------------------------------------------------------------------------
 */

static void change_over(struct unit *unit)
{
    unit->leaving = unit->current;
    unit->current = unit->coming;
    unit->coming = NULL;
    unit->state = UNIT_RUNNING;
    unit->last_failure[0] = '\0';
    log_say(unit, ZOOID_PLUGIN_INFO, "a new process has taken over, pid %d", unit->current->pid);
    if (unit->leaving != NULL)
        process_tell(unit->leaving, CHANNEL_HAND_OVER);
}

void unit_look(struct unit *unit, struct process *p)
{
    if (p == unit->coming && process_is_refused(p)) {
        char why[WHY_MAX];
        memcpy(why, p->why, sizeof why);
        process_kill(p, "%s", why);
    } else if (p == unit->coming && process_is_ready(p)) {
        change_over(unit);
    } else if (p == unit->current && unit->state == UNIT_STARTING && process_is_ready(p)) {
        unit->state = UNIT_RUNNING;
        log_say(unit, ZOOID_PLUGIN_INFO, "running, pid %d", p->pid);
    }
    supervisor_look(unit->supervisor);
}

static bool replace_again(struct unit *unit)
{
    bool again = unit->again && !unit->goes;
    unit->again = false;
    if (again)
        unit_replace(unit);
    return again;
}

static void coming_has_ended(struct unit *unit, const char *how)
{
    unit->coming = NULL;
    if (replace_again(unit) || unit->goes)
        return;
    (void)snprintf(unit->last_failure, sizeof unit->last_failure, "the new process: %.*s", WHY_MAX - 32, how);
    log_say(unit, ZOOID_PLUGIN_ERROR, "the new process failed, the old one goes on: %s", how);
}

static void current_has_ended(struct unit *unit, const struct process *p, const char *how)
{
    unit->current = NULL;
    if (unit->goes) {
        unit->state = UNIT_STOPPED;
    } else if (unit->coming != NULL) {
        unit->current = unit->coming;
        unit->coming = NULL;
        unit->state = UNIT_STARTING;
        process_tell(unit->current, CHANNEL_ALONE);
    } else if (process_is_refused(p) && unit->state == UNIT_STARTING) {
        refuse(unit, how);
    } else {
        fail(unit, how);
    }
}

void unit_process_ended(struct unit *unit, struct process *p, const char *how)
{
    unit->had_process = true;
    if (p == unit->leaving) {
        unit->leaving = NULL;
        if (unit->current != NULL)
            process_tell(unit->current, CHANNEL_ALONE);
        (void)replace_again(unit);
    } else if (p == unit->coming) {
        coming_has_ended(unit, how);
    } else {
        current_has_ended(unit, p, how);
    }
    supervisor_look(unit->supervisor);
}

void unit_free(struct unit *unit)
{
    end_pause(unit);
    watch_state_end(unit);
    host_config_names_free(unit->names);
    log_ring_free(&unit->log);
    free(unit->name);
    free(unit->fingerprint);
    free(unit);
}
