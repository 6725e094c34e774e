/* monitor.c - one row for each gauge: name, where it comes from, what it means. */
#include "agent/admin/monitor.h"

#include "agent/admin/ensemble_report.h"
#include "agent/base/version.h"

#include <dirent.h>
#include <sys/resource.h>

/* Everything that gauges are read from, taken once for a report. */
struct figures {
    const struct overview *overview;
    struct replica_status replica;
    struct front_status front;
    struct persistence_status persistence;
    int64_t uptime_ms, open_files, max_files;
};

const char *monitor_version(const struct overview *o)
{
    return o->settings->version_text[0] != '\0' ? o->settings->version_text : ZOOID_VERSION_TEXT;
}

static int64_t count_open_files(void)
{
    int64_t count = 0;
    DIR *dir = opendir("/proc/self/fd");
    if (dir == NULL)
        return -1;
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count - 3; /* ".", "..", and the directory itself */
}

static int64_t max_open_files(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (int64_t)limit.rlim_cur : -1;
}

static void look(const struct overview *o, struct figures *f)
{
    *f = (struct figures){.overview = o};
    replica_status(o->replica, &f->replica);
    front_status(doors_front(o->doors), &f->front);
    persistence_status(o->persistence, &f->persistence);
    f->uptime_ms = ((int64_t)(uv_hrtime() / 1000) - o->started_us) / 1000;
    f->open_files = count_open_files();
    f->max_files = max_open_files();
}

#define GAUGE(name, field, help) report_gauge(r, name, (int64_t)(field), help)

static void add_server(const struct figures *f, struct report *r)
{
    const struct replica_status *s = &f->replica;
    report_real(r, "avg_latency", s->latency_ms_avg, "Average time from request to reply, milliseconds");
    GAUGE("max_latency", s->latency_ms_max, "Longest time from request to reply, milliseconds");
    GAUGE("min_latency", s->latency_ms_min, "Shortest time from request to reply, milliseconds");
    GAUGE("num_alive_connections", f->front.connections, "Open connections of clients");
    GAUGE("outstanding_requests", s->outstanding, "Requests taken and not answered");
    GAUGE("znode_count", s->znode_count, "Nodes of the tree");
    GAUGE("watch_count", s->watches.total, "Watches");
    GAUGE("ephemerals_count", s->ephemerals_count, "Ephemeral nodes");
    GAUGE("approximate_data_size", s->data_size, "Bytes of paths and data");
    GAUGE("open_file_descriptor_count", f->open_files, "Open file descriptors");
    GAUGE("max_file_descriptor_count", f->max_files, "File descriptors that may be open");
    GAUGE("global_sessions", s->session_count, "Sessions of the ensemble");
    GAUGE("local_sessions", s->local_session_count, "Sessions that this server alone knows");
    GAUGE("uptime", f->uptime_ms, "Time since the start, milliseconds");
    report_real(r, "connection_drop_probability", s->connect_drop, "Probability that a connect request is dropped");
    GAUGE("last_client_response_size", s->response_bytes_last, "Bytes of the last reply");
    GAUGE("max_client_response_size", s->response_bytes_max, "Bytes of the largest reply");
    GAUGE("min_client_response_size", s->response_bytes_min, "Bytes of the smallest reply");
    GAUGE("outstanding_tls_handshake", f->front.handshakes, "TLS handshakes under way");
    GAUGE("non_mtls_remote_conn_count", f->front.plain_remote, "Connections from elsewhere without a certificate");
    GAUGE("non_mtls_local_conn_count", f->front.plain_local, "Connections from this host without a certificate");
}

/* What Apache's server does not have begins with our name. */
static void add_own(const struct figures *f, struct report *r)
{
    GAUGE("zooid_last_zxid", f->replica.last_zxid, "Last transaction applied");
    GAUGE("zooid_logged_zxid", f->persistence.logged_zxid, "Last transaction on the disk");
    GAUGE("zooid_checkpoint_zxid", f->persistence.checkpoint_zxid, "Last transaction in the checkpoint");
    GAUGE("zooid_snapshot_zxid", f->persistence.snapshot_zxid, "Last transaction in the newest snapshot");
    GAUGE("zooid_checkpoint_running", f->persistence.checkpoint_running, "1 while a checkpoint is written");
    GAUGE("zooid_log_queue_bytes", f->persistence.log_queue_bytes, "Bytes handed to the log and not on the disk");
    GAUGE("zooid_data_dir_bytes", f->persistence.data_dir_size, "Bytes of snapshots and checkpoint");
    GAUGE("zooid_log_dir_bytes", f->persistence.log_dir_size, "Bytes of transaction logs");
    GAUGE("zooid_in_flight", f->replica.in_flight, "Transactions handed to the log and not applied");
    GAUGE("zooid_paused_connections", f->front.paused, "Connections not read from, for back-pressure");
    GAUGE("zooid_unsent_bytes", f->front.unsent, "Bytes that clients have not taken yet");
    GAUGE("zooid_serving", f->overview->is_serving, "1 while clients are served");
    GAUGE("zooid_read_only", f->overview->is_read_only, "1 while only readers are served, for want of a leader");
    GAUGE("zooid_log_full", f->replica.log_full, "1 while there is no space for the log");
    GAUGE("zooid_digest_mismatch_zxid", f->replica.mismatch_zxid, "Last transaction after which the digest was wrong");
}

/* A name cannot have a slash, so that no node is called as the others are. */
static void add_keyed(const struct overview *o, enum keyed_id id, struct report *r)
{
    const struct keyed *k = metrics_keyed(o->metrics, id);
    struct bytes key;
    struct summary_values values;
    for (size_t at = 0; keyed_look(k, at, &key, &values); at++)
        report_keyed(r, keyed_name(id), bytes_is_null(key) ? BYTES("/*") : key, &values, keyed_help(id));
}

static void add_metrics(const struct overview *o, struct report *r)
{
    for (int i = 0; i < COUNTER_COUNT; i++) {
        enum counter_id id = (enum counter_id)i;
        report_counter(r, counter_name(id), (int64_t)metrics_counter(o->metrics, id), counter_help(id));
    }
    for (int i = 0; i < SUMMARY_COUNT; i++) {
        enum summary_id id = (enum summary_id)i;
        struct summary_values values;
        metrics_summary(o->metrics, id, &values);
        report_summary(r, summary_name(id), &values, summary_help(id));
    }
    for (int i = 0; i < KEYED_COUNT; i++)
        add_keyed(o, (enum keyed_id)i, r);
}

void monitor_fill(const struct overview *o, struct report *report)
{
    struct figures figures;
    look(o, &figures);
    report_text(report, "version", monitor_version(o));
    ensemble_report_add_texts(o, report);
    add_server(&figures, report);
    ensemble_report_add_gauges(o, report);
    add_metrics(o, report);
    add_own(&figures, report);
}
