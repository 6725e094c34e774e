/* supervise.c - the supervisor as a whole: started, told by signals, stopped when its processes have ended. */
#include "plugins/host/supervise/supervise.h"

#include "agent/base/notify.h"
#include "plugins/host/exit_codes.h"
#include "plugins/host/log_print.h"
#include "plugins/host/supervise/orphans.h"
#include "plugins/host/supervise/supervisor.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How exactly limits are watched; no setting, since none of them is less (limits.def). */
enum { TICK_MS = 200 };

uint64_t supervisor_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool has_name(char *const *names, const char *name)
{
    for (; names != NULL && *names != NULL; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

struct unit *supervisor_unit_of(struct supervisor *s, const char *plugin)
{
    for (struct unit *unit = s->units; unit != NULL; unit = unit->next)
        if (!unit->goes && (strcmp(unit->name, plugin) == 0 || has_name(unit->names, plugin)))
            return unit;
    return NULL;
}

/* -- looked after -----------------------------------------------------------------------------------------------------
 */

static void sweep(struct supervisor *s)
{
    for (struct unit **at = &s->units; *at != NULL;) {
        struct unit *unit = *at;
        bool is_over = unit->goes && unit->current == NULL && unit->coming == NULL && unit->leaving == NULL;
        if (is_over) {
            *at = unit->next;
            unit_free(unit);
        } else {
            at = &unit->next;
        }
    }
}

static bool is_process(const struct process *p, int pid)
{
    return p != NULL && !p->ended && p->pid == pid;
}

static bool is_ours(void *context, int pid)
{
    const struct supervisor *s = context;
    for (const struct unit *unit = s->units; unit != NULL; unit = unit->next)
        if (is_process(unit->current, pid) || is_process(unit->coming, pid) || is_process(unit->leaving, pid))
            return true;
    return false;
}

/* What comes to us is what processes of plugins left behind when they ended. */
void supervisor_clear_orphans(struct supervisor *s)
{
    s->orphans_killed += orphans_clear(is_ours, s, true);
}

static void tick(uv_timer_t *timer)
{
    struct supervisor *s = timer->data;
    supervisor_clear_orphans(s);
    for (struct unit *unit = s->units; unit != NULL; unit = unit->next)
        watch_unit(unit);
    sweep(s);
    supervisor_look(s);
}

static bool all_have_settled(const struct supervisor *s)
{
    for (const struct unit *unit = s->units; unit != NULL; unit = unit->next)
        if (unit->state == UNIT_STARTING)
            return false;
    return true;
}

void supervisor_look(struct supervisor *s)
{
    if (!s->ends && !s->told_ready && all_have_settled(s)) {
        s->told_ready = true;
        notify_ready("plugins are running");
    }
}

/* -- told -------------------------------------------------------------------------------------------------------------
 */

static void log_line(void *context, const char *plugin, enum zooid_plugin_level level, const char *line)
{
    const struct supervisor *s = context;
    if (s->config == NULL || level <= s->config->log_level)
        log_print_of(level, plugin, line);
}

static void told_to_end(uv_signal_t *signal, int number)
{
    struct supervisor *s = signal->data;
    (void)number;
    if (s->ends)
        return;
    s->ends = true;
    notify_stopping();
    for (struct unit *unit = s->units; unit != NULL; unit = unit->next)
        unit_stop(unit);
    uv_stop(&s->loop);
}

static void told_to_reload(uv_signal_t *signal, int number)
{
    struct supervisor *s = signal->data;
    char why[WHY_MAX];
    (void)number;
    if (s->ends)
        return;
    notify_reloading();
    if (!reload(s, why))
        log_line(s, "plugins", ZOOID_PLUGIN_ERROR, why);
    notify_ready("plugins are running");
}

/* -- made and ended ---------------------------------------------------------------------------------------------------
 */

static bool open_loop(struct supervisor *s)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    uv_signal_t *const signals[] = {&s->term, &s->interrupt, &s->hangup};
    (void)signal(SIGPIPE, SIG_IGN);
    orphans_adopt();
    if (uv_loop_init(&s->loop) != 0)
        return false;
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        uv_signal_cb told = numbers[i] == SIGHUP ? told_to_reload : told_to_end;
        if (uv_signal_init(&s->loop, signals[i]) != 0 || uv_signal_start(signals[i], told, numbers[i]) != 0)
            return false;
        signals[i]->data = s;
    }
    (void)uv_timer_init(&s->loop, &s->tick);
    s->tick.data = s;
    return uv_timer_start(&s->tick, tick, TICK_MS, TICK_MS) == 0;
}

/* The provider `plugins` is a plugin in this process. */
static void open_provider(struct supervisor *s)
{
    const struct host_surroundings around = {&s->loop, log_line, NULL, s};
    char *why = NULL;
    s->own_config = plugin_config_read_of("plugins", NULL, s->config, &why);
    provider_of(s);
    s->own = s->own_config == NULL ? NULL : host_new_of(&around, s->own_config, &provider_plugin, "", &why);
    if (s->own != NULL)
        host_start(s->own);
    else
        log_line(s, "plugins", ZOOID_PLUGIN_ERROR, why == NULL ? "out of memory" : why);
    free(why);
}

static void end(struct supervisor *s)
{
    uv_handle_t *const handles[] = {(uv_handle_t *)&s->term, (uv_handle_t *)&s->interrupt, (uv_handle_t *)&s->hangup,
                                    (uv_handle_t *)&s->tick};
    while (s->units != NULL) {
        (void)uv_run(&s->loop, UV_RUN_ONCE);
        sweep(s);
    }
    supervisor_clear_orphans(s);
    if (s->own != NULL)
        host_stop(s->own);
    for (size_t i = 0; i < COUNT_OF(handles); i++)
        uv_close(handles[i], NULL);
    while (uv_run(&s->loop, UV_RUN_DEFAULT) != 0)
        ;
    if (s->own != NULL)
        host_free(s->own, false);
    plugin_config_free(s->own_config);
    (void)uv_loop_close(&s->loop);
}

int supervise(const char *program, const char *config_file)
{
    struct supervisor s = {.program = program, .config_file = config_file};
    char why[WHY_MAX] = "the system gives no signals or timers";
    if (!open_loop(&s) || !reload(&s, why)) {
        log_line(&s, "plugins", ZOOID_PLUGIN_ERROR, why);
        return EXIT_CONFIG;
    }
    log_line(&s, "plugins", ZOOID_PLUGIN_INFO, "supervising");
    open_provider(&s);
    if (!s.ends)
        (void)uv_run(&s.loop, UV_RUN_DEFAULT);
    end(&s);
    host_config_free(s.config);
    return 0;
}

int supervise_check(const char *config_file)
{
    char *why = NULL;
    struct host_config *config = host_config_read(config_file, &why);
    char **names = config == NULL ? NULL : host_config_names(config, &why);
    unsigned wrong = names == NULL;
    if (names == NULL)
        fprintf(stderr, "%s\n", why == NULL ? "out of memory" : why);
    for (char **name = names; name != NULL && *name != NULL; name++) {
        struct plugin_config *plugin = host_config_plugin(config, *name, &why);
        char *file = plugin == NULL ? NULL : host_config_find(config, plugin->plugin, &why);
        if (file == NULL) {
            fprintf(stderr, "%s: %s\n", *name, why == NULL ? "out of memory" : why);
            wrong++;
        }
        free(file);
        free(why);
        why = NULL;
        plugin_config_free(plugin);
    }
    free(why);
    host_config_names_free(names);
    host_config_free(config);
    return wrong == 0 ? 0 : EXIT_CONFIG;
}
