/* reload.c - loads a second set of settings and exchanges what may change. */
#include "agent/reload.h"

#include "agent/audit_log.h"
#include "agent/replica_settings.h"

#include <signal.h>

static void mask_signals(int how)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGUSR1);
    (void)pthread_sigmask(how, &signals, NULL);
}

void reload_signals_hold(void)
{
    mask_signals(SIG_BLOCK);
}

void reload_signals_release(void)
{
    mask_signals(SIG_UNBLOCK);
}

static struct log_sink *log_of(const struct reload *r)
{
    return log_output_sink(r->output);
}

void reload_log_report(const struct log_sink *log, const struct settings_report *report)
{
    static const enum log_level levels[] = {
        [SETTINGS_INFO] = LOG_LEVEL_INFO, [SETTINGS_WARNING] = LOG_LEVEL_WARN, [SETTINGS_ERROR] = LOG_LEVEL_ERROR};
    for (size_t i = 0; i < report->count; i++) {
        const struct settings_message *m = report->messages[i];
        const char *separator = m->key[0] == '\0' ? "" : ": ";
        if (m->line > 0)
            log_write(log, levels[m->severity], "settings", "%s:%u: %s%s%s", m->file, m->line, m->key, separator,
                      m->text);
        else
            log_write(log, levels[m->severity], "settings", "%s: %s%s%s", m->file, m->key, separator, m->text);
    }
}

static void log_changes(const struct reload *r, const struct settings *fresh)
{
    struct settings_change changes[SETTINGS_CHANGES_MAX];
    size_t count = settings_reload_diff(r->settings, fresh, changes);
    for (size_t i = 0; i < count; i++)
        log_write(log_of(r), changes[i].reloadable ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "settings", "%s %s",
                  changes[i].key,
                  changes[i].reloadable ? "has changed" : "has changed in the file and takes a restart");
    if (count == 0)
        LOG_INFO(log_of(r), "settings", "nothing has changed");
}

static void take_over(const struct reload *r)
{
    struct replica_settings fresh;
    log_output_set_level(r->output, (enum log_level)r->settings->log_level);
    enum status st = replica_settings_make(&fresh, r->settings, r->hash_key, r->password_key);
    if (st == ST_OK)
        st = replica_reconfigure(r->replica, &fresh.options);
    if (st != ST_OK)
        LOG_ERROR(log_of(r), "settings", "not taken over: %s", status_text(st));
    turns_busy_poll(r->turns, (uint32_t)r->settings->busy_poll_us);
    doors_reload(r->doors, r->settings);
    ensemble_reload(r->ensemble, r->settings);
}

void reload_settings(const struct reload *r)
{
    struct settings_report report = {0};
    struct settings *fresh = NULL;
    if (log_output_reopen(r->output) != ST_OK)
        LOG_WARN(log_of(r), "agent", "the log file cannot be opened anew; the old one is kept");
    if (r->audit != NULL)
        audit_log_reopen(r->audit);
    enum status st = settings_load(&fresh, r->file, r->defines, r->define_count, &report);
    reload_log_report(log_of(r), &report);
    settings_report_free(&report);
    if (st != ST_OK) {
        LOG_ERROR(log_of(r), "settings", "the settings stay as they were");
    } else {
        log_changes(r, fresh);
        settings_take_reloadable(r->settings, fresh);
        take_over(r);
        settings_free(fresh);
    }
}
