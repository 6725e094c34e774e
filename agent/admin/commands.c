/* commands.c - the table of commands, and those that report figures of the server. */
#include "agent/admin/commands_internal.h"

#include "agent/admin/ensemble_report.h"
#include "agent/admin/monitor.h"
#include "agent/base/environment.h"
#include "core/base/check.h"
#include "core/replica/observer_report.h"

#include <inttypes.h>
#include <string.h>

enum { ALIASES_MAX = 2, TRACE_MASK_DEFAULT = 306 };

/* -- figures ------------------------------------------------------------------------------------------------------- */

static int nothing(const struct overview *o, json_t *answer)
{
    (void)o;
    (void)answer;
    return 0;
}

static int reset_clients(const struct overview *o, json_t *answer)
{
    (void)answer;
    replica_reset_client_stats(o->replica);
    return 0;
}

static int reset_observers(const struct overview *o, json_t *answer)
{
    (void)answer;
    replica_reset_observer_stats(o->replica);
    return 0;
}

static int reset_server(const struct overview *o, json_t *answer)
{
    (void)answer;
    replica_reset_stats(o->replica);
    metrics_reset(o->metrics);
    return 0;
}

static int configuration(const struct overview *o, json_t *answer)
{
    const struct settings *s = o->settings;
    char data[4200], log[4200];
    snprintf(data, sizeof data, "%s/version-2", s->data_dir);
    snprintf(log, sizeof log, "%s/version-2", s->data_log_dir);
    return json_object_set_new(answer, "client_port", json_integer(doors_client_port(o->doors))) |
           json_object_set_new(answer, "data_dir", json_string(data)) |
           json_object_set_new(answer, "data_log_dir", json_string(log)) |
           json_object_set_new(answer, "tick_time", json_integer(s->tick_time_ms)) |
           json_object_set_new(answer, "max_client_cnxns", json_integer(s->max_client_cnxns)) |
           json_object_set_new(answer, "min_session_timeout", json_integer(s->min_session_timeout_ms)) |
           json_object_set_new(answer, "max_session_timeout", json_integer(s->max_session_timeout_ms)) |
           json_object_set_new(answer, "server_id", json_integer(s->is_ensemble ? s->server_id : 0)) |
           json_object_set_new(answer, "client_port_listen_backlog", json_integer(s->client_port_listen_backlog));
}

/* The servers that it was started with, and the values in force. */
static int initial_configuration(const struct overview *o, json_t *answer)
{
    return commands_initial_servers(o, answer) | configuration(o, answer);
}

static int directories(const struct overview *o, json_t *answer)
{
    struct persistence_status status;
    persistence_status(o->persistence, &status);
    return json_object_set_new(answer, "datadir_size", json_integer((json_int_t)status.data_dir_size)) |
           json_object_set_new(answer, "logdir_size", json_integer((json_int_t)status.log_dir_size));
}

static int environment(const struct overview *o, json_t *answer)
{
    struct environment e;
    environment_look(&e);
    return json_object_set_new(answer, "zookeeper.version", json_string(monitor_version(o))) |
           json_object_set_new(answer, "host.name", json_string(e.host)) |
           json_object_set_new(answer, "os.name", json_string(e.system.sysname)) |
           json_object_set_new(answer, "os.arch", json_string(e.system.machine)) |
           json_object_set_new(answer, "os.version", json_string(e.system.release)) |
           json_object_set_new(answer, "user.name", json_string(e.user_name)) |
           json_object_set_new(answer, "user.home", json_string(e.user_home)) |
           json_object_set_new(answer, "user.dir", json_string(e.directory));
}

/* The error a command ends with although it was found; the row's function has no other way to refuse. */
static int refuse(json_t *answer, const char *error)
{
    return json_object_set_new(answer, "error", json_string(error));
}

static int get_trace_mask(const struct overview *o, json_t *answer)
{
    (void)o;
    return json_object_set_new(answer, "tracemask", json_integer(TRACE_MASK_DEFAULT));
}

/* Commands take no arguments here, as in a request without any to Apache's. */
static int set_trace_mask(const struct overview *o, json_t *answer)
{
    (void)o;
    return refuse(answer, "setTraceMask requires long traceMask argument");
}

static int digests(const struct overview *o, json_t *answer)
{
    struct replica_status status;
    replica_status(o->replica, &status);
    char zxid[24];
    snprintf(zxid, sizeof zxid, "%" PRIx64, (uint64_t)status.last_zxid);
    json_t *digest = json_object();
    int failed = json_object_set_new(digest, "zxid", json_string(zxid)) |
                 json_object_set_new(digest, "digest", json_integer((json_int_t)status.tree_digest));
    json_t *list = json_array();
    failed |= json_array_append_new(list, digest);
    return failed | json_object_set_new(answer, "digests", list);
}

static int is_read_only(const struct overview *o, json_t *answer)
{
    return json_object_set_new(answer, "read_only", json_boolean(o->is_read_only));
}

static int last_snapshot(const struct overview *o, json_t *answer)
{
    struct persistence_status status;
    persistence_status(o->persistence, &status);
    char zxid[24];
    snprintf(zxid, sizeof zxid, "%" PRIx64, (uint64_t)status.snapshot_zxid);
    return json_object_set_new(answer, "zxid", json_string(zxid)) |
           json_object_set_new(answer, "timestamp", json_integer(persistence_snapshot_time(o->persistence)));
}

static int monitor(const struct overview *o, json_t *answer)
{
    struct report report = {0};
    monitor_fill(o, &report);
    enum status st = report_add_json(&report, answer);
    report_free(&report);
    return st == ST_OK ? 0 : -1;
}

static int add_response_stats(json_t *to, const char *key, const struct replica_status *status)
{
    json_t *sizes = json_object();
    return json_object_set_new(sizes, "last_buffer_size", json_integer(status->response_bytes_last)) |
           json_object_set_new(sizes, "min_buffer_size", json_integer(status->response_bytes_min)) |
           json_object_set_new(sizes, "max_buffer_size", json_integer(status->response_bytes_max)) |
           json_object_set_new(to, key, sizes);
}

static int add_server_stats(const struct overview *o, json_t *answer, const struct replica_status *status)
{
    struct front_status front;
    struct persistence_status disk;
    struct ensemble_report ensemble;
    front_status(doors_front(o->doors), &front);
    persistence_status(o->persistence, &disk);
    ensemble_report(o, &ensemble);
    json_t *stats = json_object();
    int failed = json_object_set_new(stats, "packets_sent", json_integer((json_int_t)status->packets_sent)) |
                 json_object_set_new(stats, "packets_received", json_integer((json_int_t)status->packets_received)) |
                 json_object_set_new(stats, "fsync_threshold_exceed_count", json_integer((json_int_t)disk.slow_syncs)) |
                 add_response_stats(stats, "client_response_stats", status) |
                 json_object_set_new(stats, "provider_null", json_false()) |
                 json_object_set_new(stats, "server_state", json_string(ensemble_report_mode(&ensemble))) |
                 json_object_set_new(stats, "outstanding_requests", json_integer((json_int_t)status->outstanding)) |
                 json_object_set_new(stats, "min_latency", json_integer(status->latency_ms_min)) |
                 json_object_set_new(stats, "avg_latency", json_real(status->latency_ms_avg)) |
                 json_object_set_new(stats, "max_latency", json_integer(status->latency_ms_max)) |
                 json_object_set_new(stats, "data_dir_size", json_integer((json_int_t)disk.data_dir_size)) |
                 json_object_set_new(stats, "log_dir_size", json_integer((json_int_t)disk.log_dir_size)) |
                 json_object_set_new(stats, "last_processed_zxid", json_integer(status->last_zxid)) |
                 json_object_set_new(stats, "num_alive_client_connections", json_integer(front.connections)) |
                 json_object_set_new(stats, "auth_failed_count",
                                     json_integer((json_int_t)metrics_counter(o->metrics, COUNTER_auth_failed_count))) |
                 json_object_set_new(stats, "non_mtlsremote_conn_count", json_integer(front.plain_remote)) |
                 json_object_set_new(stats, "non_mtlslocal_conn_count", json_integer(front.plain_local)) |
                 json_object_set_new(stats, "uptime",
                                     json_integer(((int64_t)(uv_hrtime() / 1000) - o->started_us) / 1000));
    return failed | json_object_set_new(answer, "server_stats", stats);
}

static int server_stats(const struct overview *o, json_t *answer)
{
    struct replica_status status;
    replica_status(o->replica, &status);
    return json_object_set_new(answer, "version", json_string(monitor_version(o))) |
           json_object_set_new(answer, "read_only", json_boolean(o->is_read_only)) |
           add_server_stats(o, answer, &status) | add_response_stats(answer, "client_response", &status) |
           json_object_set_new(answer, "node_count", json_integer((json_int_t)status.znode_count));
}

static int stats(const struct overview *o, json_t *answer)
{
    return server_stats(o, answer) | commands_connections(o, answer);
}

/* What was set, from wherever; secrets are not among it. */
static int system_properties(const struct overview *o, json_t *answer)
{
    return json_object_set_new(answer, "zooid.dataDir", json_string(o->settings->data_dir)) |
           json_object_set_new(answer, "zooid.configuration",
                               json_string(o->settings->file == NULL ? "" : o->settings->file));
}

static int watch_summary(const struct overview *o, json_t *answer)
{
    struct watch_counts counts = watches_count(replica_watches(o->replica));
    return json_object_set_new(answer, "num_connections", json_integer((json_int_t)counts.data_watchers)) |
           json_object_set_new(answer, "num_paths", json_integer((json_int_t)counts.data_paths)) |
           json_object_set_new(answer, "num_total_watches", json_integer((json_int_t)counts.data));
}

/* -- the table ----------------------------------------------------------------------------------------------------- */

static const struct command_row {
    const char *name;
    const char *aliases[ALIASES_MAX];
    bool needs_serving;
    bool changes;                                          /* it does more than look */
    int (*fill)(const struct overview *o, json_t *answer); /* 0, or anything else when memory ran out */
} rows[] = {
    {"configuration", {"conf", "config"}, true, false, configuration},
    {"connection_stat_reset", {"crst"}, true, true, reset_clients},
    {"connections", {"cons"}, true, false, commands_connections},
    {"dirs", {0}, true, false, directories},
    {"dump", {0}, true, false, commands_dump},
    {"environment", {"env", "envi"}, false, false, environment},
    {"get_trace_mask", {"gtmk"}, false, false, get_trace_mask},
    {"hash", {0}, true, false, digests},
    {"initial_configuration", {"icfg"}, false, false, initial_configuration},
    {"is_read_only", {"isro"}, true, false, is_read_only},
    {"last_snapshot", {"lsnp"}, true, false, last_snapshot},
    {"leader", {"lead"}, true, false, commands_leader},
    {"monitor", {"mntr"}, true, false, monitor},
    {"observer_connection_stat_reset", {"orst"}, true, true, reset_observers},
    {"observers", {"obsr"}, true, false, commands_observers},
    {"providers", {0}, false, false, commands_providers},
    {"ruok", {0}, false, false, nothing},
    {"server_stats", {"srvr"}, true, false, server_stats},
    {"set_trace_mask", {"stmk"}, false, true, set_trace_mask},
    {"stat_reset", {"srst"}, true, true, reset_server},
    {"stats", {"stat"}, true, false, stats},
    {"system_properties", {"sysp"}, false, false, system_properties},
    {"voting_view", {0}, true, false, commands_voting_view},
    {"watch_summary", {"wchs"}, true, false, watch_summary},
    {"watches", {"wchc"}, true, false, commands_watches},
    {"watches_by_path", {"wchp"}, true, false, commands_watches_by_path},
    {"zabstate", {0}, false, false, commands_zab_state},
};

static const struct command_row *row_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
        for (size_t n = 0; n < ALIASES_MAX; n++)
            if (rows[i].aliases[n] != NULL && strcmp(rows[i].aliases[n], name) == 0)
                return &rows[i];
    }
    return NULL;
}

bool commands_has(const char *name)
{
    return row_of(name) != NULL;
}

bool commands_changes(const char *name)
{
    const struct command_row *row = row_of(name);
    return row != NULL && row->changes;
}

/* The fields first, then the command's name and the error, as Apache's server has them. */
enum status commands_answer(const struct overview *o, const char *name, struct buffer *out)
{
    const struct command_row *row = row_of(name);
    char error[300] = "";
    json_t *answer = json_object();
    int failed = answer == NULL ? -1 : 0;
    if (row == NULL)
        snprintf(error, sizeof error, "Unknown command: %.200s", name);
    else if (row->needs_serving && !o->is_serving)
        snprintf(error, sizeof error, "This ZooKeeper instance is not currently serving requests");
    else if (failed == 0)
        failed = row->fill(o, answer);
    failed |= json_object_set_new(answer, "command", json_string(row == NULL ? name : row->name));
    if (json_object_get(answer, "error") == NULL)
        failed |= json_object_set_new(answer, "error", error[0] == '\0' ? json_null() : json_string(error));
    enum status st = failed == 0 ? report_write_json(answer, out) : ST_NO_MEMORY;
    json_decref(answer);
    return st;
}

enum status commands_index(const char *url, struct buffer *out)
{
    enum status st = ST_OK;
    for (size_t i = 0; i < ARRAY_LEN(rows) && st == ST_OK; i++)
        st = buffer_printf(out, "<a href=\"%s/%s\">%s</a>\n<br/>\n", url, rows[i].name, rows[i].name);
    return st;
}
