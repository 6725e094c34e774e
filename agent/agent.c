/* agent.c - builds the parts in order, passes on what they tell each other, and takes them down in reverse. */
#include "agent/agent.h"

#include "agent/admin/admin.h"
#include "agent/admin/commands.h"
#include "agent/agent_internal.h"
#include "agent/base/notify.h"
#include "agent/base/version.h"
#include "agent/join/join_id.h"
#include "agent/reload.h"
#include "agent/replica_settings.h"
#include "core/members/members.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* -- what the parts tell us --------------------------------------------------------------------------------------- */

static void give_up(struct agent *a, const char *why)
{
    LOG_ERROR(a->log, "agent", "giving up: %s", why);
    agent_audit(a, "serverStop", AUDIT_INVOKED);
    a->exit_code = 1;
    a->overview.is_serving = false;
    a->overview.trouble = why;
    turns_stop(a->turns);
}

static void on_pump_failed(void *context, enum status status)
{
    give_up(context, status == ST_NO_MEMORY ? "out of memory; everything acknowledged is in the log"
                                            : "a logged txn cannot be applied to the tree");
}

static void on_logged(void *context, int64_t zxid)
{
    struct agent *a = context;
    pump_feed_plain(a->pump, REPLICA_LOGGED, zxid);
}

static void on_log_full(void *context)
{
    struct agent *a = context;
    LOG_ERROR(a->log, "agent", "no space left for the log: writes wait, reads and sessions go on");
    a->overview.log_trouble = "no space left for the log";
    pump_feed_plain(a->pump, REPLICA_LOG_FULL, 0);
}

static void on_log_room(void *context)
{
    struct agent *a = context;
    LOG_INFO(a->log, "agent", "there is space for the log again");
    a->overview.log_trouble = NULL;
    pump_feed_plain(a->pump, REPLICA_LOG_ROOM, 0);
}

/* Final for this process (design 4.7): it stays up to be looked at, but serves nobody. */
static void on_log_failed(void *context, const char *text)
{
    struct agent *a = context;
    LOG_ERROR(a->log, "agent", "the log cannot be written: %s; no client is served until a restart reads it back",
              text);
    a->overview.is_serving = false;
    a->overview.log_trouble = "the log cannot be written";
    pump_feed_plain(a->pump, REPLICA_LOG_FAILED, 0);
    if (a->doors != NULL)
        doors_stop_listening(a->doors);
}

static void on_stored(void *context, const struct persistence_stored *stored)
{
    struct agent *a = context;
    if (a->ensemble != NULL) {
        ensemble_stored(a->ensemble, stored);
        return;
    }
    tree_free(stored->tree); /* the agent is about to end */
    sessions_free(stored->sessions);
}

static void on_spool_room(void *context)
{
    struct agent *a = context;
    if (a->ensemble != NULL)
        ensemble_spool_room(a->ensemble);
}

static void on_log_piece(void *context, uint64_t link, enum status status, const struct log_piece *piece)
{
    struct agent *a = context;
    if (a->ensemble != NULL)
        ensemble_log_piece(a->ensemble, link, status, piece);
}

/* A member serves while it has a leader, or is one; readers, perhaps, while it looks for one. */
static void on_serving(void *context, enum replica_service service)
{
    struct agent *a = context;
    if (a->phase > SERVING)
        return;
    a->overview.is_serving = service != SERVICE_NONE;
    a->overview.is_read_only = service == SERVICE_READ_ONLY;
    a->overview.serving_us = a->overview.is_serving ? (int64_t)(uv_hrtime() / 1000) : 0;
    a->overview.trouble = a->overview.is_read_only ? "read-only: no leader is found"
                          : a->overview.is_serving ? NULL
                                                   : "not in step with a leader";
}

/* This server's ports for clients are among what the members say; the files are on their way to the disk. */
static void on_configured(void *context, const struct members *committed)
{
    struct agent *a = context;
    struct buffer path = {0};
    enum status st = persistence_config_path(a->persistence, committed->version, &path);
    if (st == ST_OK)
        st = settings_follow(a->settings, committed, (const char *)path.data);
    if (st != ST_OK)
        LOG_ERROR(a->log, "agent", "the settings do not follow the new configuration: %s", status_text(st));
    else if (a->phase == SERVING)
        doors_follow(a->doors);
    buffer_free(&path);
}

/* -- signals ------------------------------------------------------------------------------------------------------ */

static void on_stop_signal(uv_signal_t *signal, int number)
{
    struct agent *a = signal->data;
    if (a->phase == SERVING) {
        agent_begin_stop(a);
    } else {
        LOG_WARN(a->log, "agent", "signal %d again: stopping at once", number);
        turns_stop(a->turns);
    }
}

static void on_reload_signal(uv_signal_t *signal, int number)
{
    (void)number;
    struct agent *a = signal->data;
    const struct reload parts = {.settings = a->settings,
                                 .file = a->config->file,
                                 .defines = a->config->defines,
                                 .define_count = a->config->define_count,
                                 .output = a->output,
                                 .audit = a->audit,
                                 .hash_key = &a->hash_key,
                                 .password_key = a->password_key,
                                 .replica = a->replica,
                                 .turns = a->turns,
                                 .doors = a->doors,
                                 .ensemble = a->ensemble};
    if (a->phase != SERVING)
        return;
    notify_reloading();
    reload_settings(&parts);
    supervisor_reload(a->supervisor);
    notify_ready("serving");
}

/* -- start -------------------------------------------------------------------------------------------------------- */

static bool draw_random(void *data, size_t len)
{
    return getrandom(data, len, 0) == (ssize_t)len;
}

static enum status open_handles(struct agent *a)
{
    static const struct {
        int number;
        uv_signal_cb callback;
    } rows[SIGNALS] = {
        {SIGTERM, on_stop_signal}, {SIGINT, on_stop_signal}, {SIGHUP, on_reload_signal}, {SIGUSR1, on_reload_signal}};
    signal(SIGPIPE, SIG_IGN);
    streams_init(&a->streams, &a->loop);
    int failed = uv_timer_init(&a->loop, &a->drain_timer) | uv_prepare_init(&a->loop, &a->watcher);
    a->drain_timer.data = a;
    a->watcher.data = a;
    for (int i = 0; i < SIGNALS; i++) {
        failed |= uv_signal_init(&a->loop, &a->signals[i]);
        a->signals[i].data = a;
    }
    a->has_handles = true;
    for (int i = 0; i < SIGNALS && failed == 0; i++)
        failed = uv_signal_start(&a->signals[i], rows[i].callback, rows[i].number);
    reload_signals_release();
    failed |= uv_prepare_start(&a->watcher, agent_on_turn);
    return failed == 0 ? ST_OK : ST_IO_ERROR;
}

static enum status load(struct agent *a, struct recovered *recovered, struct buffer *message)
{
    const struct persistence_events events = {.context = a,
                                              .logged = on_logged,
                                              .log_full = on_log_full,
                                              .log_room = on_log_room,
                                              .log_failed = on_log_failed,
                                              .stored = on_stored,
                                              .spool_room = on_spool_room,
                                              .log_piece = on_log_piece};
    return persistence_open(&a->persistence, a->settings, &a->hash_key, &a->loop, &events, a->metrics, a->log,
                            recovered, message);
}

/* Takes over what was recovered, but for the history. */
static enum status make_replica(struct agent *a, const struct recovered *recovered)
{
    struct replica_settings settings;
    memcpy(a->password_key, recovered->password_key, sizeof a->password_key);
    enum status st = replica_settings_make(&settings, a->settings, &a->hash_key, a->password_key);
    settings.options.audit_user = a->settings->audit_enable ? a->environment.user_name : NULL;
    bool shares_byte = a->settings->server_id > JOIN_SMALL_ID_MAX;
    if (st == ST_OK && shares_byte && !draw_random(&settings.options.session_id_seed, sizeof(uint64_t)))
        st = ST_IO_ERROR;
    if (st == ST_OK)
        a->replica = replica_new(&settings.options, recovered->tree, recovered->sessions, recovered->last_zxid,
                                 a->metrics, a->log);
    if (a->replica != NULL)
        return ST_OK;
    tree_free(recovered->tree);
    sessions_free(recovered->sessions);
    return st == ST_OK ? ST_NO_MEMORY : st;
}

static enum status open_data(struct agent *a, struct buffer *message)
{
    struct recovered recovered = {.history = changes_new(&a->hash_key, (size_t)a->settings->local_history_max)};
    enum status st = recovered.history == NULL ? ST_NO_MEMORY : load(a, &recovered, message);
    if (st == ST_OK)
        st = make_replica(a, &recovered);
    if (st != ST_OK) {
        changes_free(recovered.history);
        return st;
    }
    replica_remember(a->replica, recovered.history);
    LOG_INFO(a->log, "agent", "the tree is loaded: %" PRIu64 " nodes up to zxid 0x%" PRIx64,
             tree_count(replica_tree(a->replica)), (uint64_t)recovered.last_zxid);
    return ST_OK;
}

static enum status open_ensemble(struct agent *a, struct buffer *message)
{
    const struct ensemble_parts parts = {&a->loop,   &a->streams, a->replica, a->persistence, a->settings,
                                         a->metrics, a->log,      on_serving, on_configured,  a};
    return a->settings->is_ensemble ? ensemble_new(&a->ensemble, &parts, message) : ST_OK;
}

static enum status open_doors(struct agent *a, struct buffer *message)
{
    const struct pump_parts pump = {&a->loop,       a->replica, a->persistence,  ensemble_hooks(a->ensemble), a->log,
                                    on_pump_failed, a,          agent_on_audited};
    enum status st = pump_new(&a->pump, &pump);
    if (st != ST_OK)
        return st;
    a->words = words_new(&a->overview);
    if (a->words == NULL)
        return ST_NO_MEMORY;
    a->commands = (struct local_commands){&a->overview, commands_has, commands_changes, commands_answer};
    const struct front_parts front = {&a->loop, &a->streams,           a->pump,     a->metrics,
                                      a->log,   words_hooks(a->words), a->hash_key, NULL};
    return doors_new(&a->doors, a->settings, &front, a->replica, &a->commands, log_output_tap(a->output), message);
}

static enum status make_supervisor(struct agent *a)
{
    if (a->settings->plugins[0] == '\0')
        return ST_OK;
    a->supervisor = supervisor_new(&a->loop, a->settings, a->metrics, a->log);
    return a->supervisor == NULL ? ST_NO_MEMORY : ST_OK;
}

static void fill_overview(struct agent *a)
{
    a->overview.replica = a->replica;
    a->overview.doors = a->doors;
    a->overview.persistence = a->persistence;
    a->overview.peers = a->ensemble == NULL ? NULL : ensemble_peers(a->ensemble);
}

static enum status start(struct agent *a, struct buffer *message)
{
    if (!draw_random(&a->hash_key, sizeof a->hash_key) || uv_loop_init(&a->loop) != 0)
        return ST_IO_ERROR;
    a->loop_is_open = true;
    a->metrics = metrics_new((uint32_t)a->settings->namespace_metrics_max);
    if (a->metrics == NULL)
        return ST_NO_MEMORY;
    a->overview = (struct overview){.settings = a->settings,
                                    .metrics = a->metrics,
                                    .log = a->log,
                                    .started_us = (int64_t)(uv_hrtime() / 1000),
                                    .trouble = "loading"};
    environment_look(&a->environment);
    enum status st = turns_new(&a->turns, &a->loop);
    if (st == ST_OK)
        st = open_handles(a);
    if (st == ST_OK)
        st = open_data(a, message);
    if (st == ST_OK)
        st = agent_open_audit(a, message);
    if (st == ST_OK)
        st = open_ensemble(a, message);
    if (st == ST_OK)
        st = open_doors(a, message);
    if (st == ST_OK)
        st = make_supervisor(a);
    if (st != ST_OK)
        return st;
    turns_busy_poll(a->turns, (uint32_t)a->settings->busy_poll_us);
    fill_overview(a);
    if (a->ensemble != NULL)
        ensemble_open(a->ensemble, a->pump, a->turns);
    pump_start(a->pump);
    if (a->settings->admin_enabled || a->settings->metrics_port >= 0)
        st = admin_open(&a->admin, &a->loop, &a->overview, message);
    return st == ST_OK ? doors_open(a->doors, message) : st;
}

static void announce(struct agent *a)
{
    a->phase = SERVING;
    a->overview.is_serving = a->ensemble == NULL;
    a->overview.trouble = a->ensemble == NULL ? NULL : "not in step with a leader";
    LOG_INFO(a->log, "agent", "serving: client port %d, secure client port %d, admin port %d, metrics port %d, pid %d",
             (int)doors_client_port(a->doors), (int)doors_secure_client_port(a->doors),
             a->admin == NULL ? -1 : (int)admin_port(a->admin),
             a->admin == NULL ? -1 : (int)admin_metrics_port(a->admin), (int)getpid());
    agent_audit(a, "serverStart", AUDIT_SUCCESS);
    notify_ready("serving");
    if (a->supervisor != NULL)
        supervisor_start(a->supervisor);
}

static void log_start(struct agent *a)
{
    struct settings_report report = {0};
    LOG_INFO(a->log, "agent", "zooid-agent %s, dataDir %s", ZOOID_VERSION, a->settings->data_dir);
    if (settings_deviations(a->settings, &report) == ST_OK)
        reload_log_report(a->log, &report);
    settings_report_free(&report);
}

/* Everything that is still there, whatever the phase: after a failed start or when the agent gave up. */
static void take_down(struct agent *a)
{
    struct ensemble *ensemble = a->ensemble;
    a->ensemble = NULL;
    a->overview.peers = NULL;
    admin_close(a->admin);
    supervisor_close(a->supervisor, NULL, NULL);
    a->supervisor = NULL;
    ensemble_close(ensemble, NULL, NULL);
    if (a->doors != NULL)
        doors_close(a->doors, NULL, NULL);
    if (a->loop_is_open && (a->doors != NULL || ensemble != NULL))
        uv_run(&a->loop, UV_RUN_NOWAIT);
    pump_close(a->pump);
    if (a->persistence != NULL) {
        turns_offer(a->turns, NULL);
        persistence_close(a->persistence);
    }
    agent_close_handles(a);
    if (a->loop_is_open) {
        uv_run(&a->loop, UV_RUN_DEFAULT);
        uv_loop_close(&a->loop);
    }
    turns_free(a->turns);
    replica_free(a->replica);
    words_free(a->words);
    metrics_free(a->metrics);
    settings_free(a->settings);
}

int agent_run(struct settings *settings, const struct agent_config *config, struct log_output *log)
{
    struct agent a = {.settings = settings, .config = config, .output = log, .log = log_output_sink(log)};
    struct buffer message = {0};
    log_start(&a);
    enum status st = start(&a, &message);
    if (message.len > 0)
        log_write(a.log, st == ST_OK ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "agent", "%.*s",
                  BYTES_PRINT(buffer_bytes(&message)));
    if (st == ST_OK) {
        announce(&a);
        persistence_offer_errand(a.persistence, a.turns);
        turns_run(a.turns);
    } else {
        LOG_ERROR(a.log, "agent", "the start failed: %s", status_text(st));
        agent_audit(&a, "serverStart", AUDIT_FAILURE);
        a.exit_code = 1;
    }
    buffer_free(&message);
    take_down(&a);
    LOG_INFO(log_output_sink(log), "agent", "stopped");
    return a.exit_code;
}
