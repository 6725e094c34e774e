/* words_server.c - the words about the server as a whole: srvr, stat, mntr, conf, envi, dirs, ruok, isro and the
 * resets. */
#include "agent/admin/ensemble_report.h"
#include "agent/admin/monitor.h"
#include "agent/admin/words_text.h"
#include "agent/base/environment.h"
#include "agent/base/version.h"

#include <inttypes.h>

enum { TRACE_MASK_DEFAULT = 306 /* Apache's; tracing itself is zooid.logLevel's affair */ };

enum status words_ruok(const struct overview *o, struct bytes argument, struct buffer *text)
{
    (void)o;
    (void)argument;
    return buffer_printf(text, "imok");
}

enum status words_isro(const struct overview *o, struct bytes argument, struct buffer *text)
{
    (void)argument;
    const char *how = o->is_read_only ? "ro" : "rw";
    return buffer_printf(text, "%s", o->is_serving ? how : "null");
}

enum status words_gtmk(const struct overview *o, struct bytes argument, struct buffer *text)
{
    (void)o;
    (void)argument;
    return buffer_printf(text, "%d", TRACE_MASK_DEFAULT);
}

enum status words_stmk(const struct overview *o, struct bytes argument, struct buffer *text)
{
    (void)o;
    return argument.len < 8 ? ST_TRUNCATED : buffer_printf(text, "%" PRIu64, be64_get(argument.data));
}

enum status words_crst(const struct overview *o, struct bytes argument, struct buffer *text)
{
    (void)argument;
    replica_reset_client_stats(o->replica);
    return buffer_printf(text, "Connection stats reset.\n");
}

enum status words_srst(const struct overview *o, struct bytes argument, struct buffer *text)
{
    (void)argument;
    replica_reset_stats(o->replica);
    metrics_reset(o->metrics);
    return buffer_printf(text, "Server stats reset.\n");
}

enum status words_dirs(const struct overview *o, struct bytes argument, struct buffer *text)
{
    (void)argument;
    struct persistence_status status;
    persistence_status(o->persistence, &status);
    return buffer_printf(text, "datadir_size: %" PRIu64 "\nlogdir_size: %" PRIu64 "\n", status.data_dir_size,
                         status.log_dir_size);
}

/* The history of digests is of use between members; the present one is what there is here. */
enum status words_hash(const struct overview *o, struct bytes argument, struct buffer *text)
{
    (void)argument;
    struct replica_status status;
    replica_status(o->replica, &status);
    return buffer_printf(text, "%" PRIx64 ": %" PRIu64 "\n", (uint64_t)status.last_zxid, status.tree_digest);
}

static enum status write_version(const struct overview *o, struct buffer *text)
{
    enum status st = buffer_printf(text, "Zookeeper version: %s\n", monitor_version(o));
    if (st != ST_OK || !o->is_read_only)
        return st;
    return buffer_printf(text, "READ-ONLY mode; serving only read-only clients\n");
}

static enum status write_server(const struct overview *o, struct buffer *text)
{
    struct replica_status status;
    struct front_status front;
    struct ensemble_report ensemble;
    char average[32];
    ensemble_report(o, &ensemble);
    replica_status(o->replica, &status);
    front_status(doors_front(o->doors), &front);
    report_format_real(average, status.latency_ms_avg);
    enum status st = buffer_printf(text,
                                   "Latency min/avg/max: %" PRId64 "/%s/%" PRId64 "\n"
                                   "Received: %" PRIu64 "\nSent: %" PRIu64 "\nConnections: %" PRIu32
                                   "\nOutstanding: %" PRIu64 "\n"
                                   "Zxid: 0x%" PRIx64 "\nMode: %s\nNode count: %" PRIu64 "\n",
                                   status.latency_ms_min, average, status.latency_ms_max, status.packets_received,
                                   status.packets_sent, front.connections, status.outstanding,
                                   (uint64_t)status.last_zxid, ensemble_report_mode(&ensemble), status.znode_count);
    if (st != ST_OK || !ensemble.is_ensemble || ensemble.role != ZAB_LEADING)
        return st;
    return buffer_printf(text, "Proposal sizes last/min/max: %" PRId64 "/%" PRId64 "/%" PRId64 "\n",
                         status.proposal_bytes_last, status.proposal_bytes_min, status.proposal_bytes_max);
}

enum status words_srvr(const struct overview *o, struct bytes argument, struct buffer *text)
{
    (void)argument;
    enum status st = write_version(o, text);
    return st == ST_OK ? write_server(o, text) : st;
}

struct listing {
    const struct overview *overview;
    struct buffer *text;
    enum status status;
};

static void list_client(void *context, const struct front_connection *c)
{
    struct listing *l = context;
    struct replica_client info = {0};
    replica_client(l->overview->replica, c->client, &info);
    if (l->status == ST_OK)
        l->status = buffer_printf(l->text, " %s[%" PRIx32 "](queued=%" PRIu32 ",recved=%" PRIu64 ",sent=%" PRIu64 ")\n",
                                  c->remote, c->interest_ops, info.queued, info.received, info.sent);
}

enum status words_stat(const struct overview *o, struct bytes argument, struct buffer *text)
{
    (void)argument;
    struct listing l = {o, text, write_version(o, text)};
    if (l.status == ST_OK)
        l.status = buffer_printf(text, "Clients:\n");
    front_each_connection(doors_front(o->doors), list_client, &l);
    if (l.status == ST_OK)
        l.status = buffer_printf(text, "\n");
    return l.status == ST_OK ? write_server(o, text) : l.status;
}

enum status words_mntr(const struct overview *o, struct bytes argument, struct buffer *text)
{
    (void)argument;
    struct report report = {0};
    monitor_fill(o, &report);
    enum status st = report_write_mntr(&report, text);
    report_free(&report);
    return st;
}

enum status words_conf(const struct overview *o, struct bytes argument, struct buffer *text)
{
    (void)argument;
    const struct settings *s = o->settings;
    struct persistence_status status;
    persistence_status(o->persistence, &status);
    enum status st = buffer_printf(
        text,
        "clientPort=%d\nsecureClientPort=%d\ndataDir=%s/version-2\ndataDirSize=%" PRIu64
        "\ndataLogDir=%s/version-2\ndataLogSize=%" PRIu64
        "\ntickTime=%d\nmaxClientCnxns=%d\nminSessionTimeout=%d\nmaxSessionTimeout=%d\nclientPortListenBacklog=%d\n"
        "serverId=%" PRId64 "\n",
        (int)doors_client_port(o->doors), (int)doors_secure_client_port(o->doors), s->data_dir, status.data_dir_size,
        s->data_log_dir, status.log_dir_size, (int)s->tick_time_ms, (int)s->max_client_cnxns,
        (int)s->min_session_timeout_ms, (int)s->max_session_timeout_ms, (int)s->client_port_listen_backlog,
        s->is_ensemble ? s->server_id : 0);
    return st == ST_OK ? ensemble_report_conf(o, text) : st;
}

/* There is no Java machine to tell of: its lines stand there for those who look for them. */
enum status words_envi(const struct overview *o, struct bytes argument, struct buffer *text)
{
    (void)argument;
    struct environment e;
    environment_look(&e);
    return buffer_printf(text,
                         "Environment:\nzookeeper.version=%s\nhost.name=%s\njava.version=<NA>\njava.vendor=<NA>\n"
                         "java.home=<NA>\njava.class.path=<NA>\njava.library.path=<NA>\njava.io.tmpdir=<NA>\n"
                         "java.compiler=<NA>\nos.name=%s\nos.arch=%s\nos.version=%s\nuser.name=%s\nuser.home=%s\n"
                         "user.dir=%s\nos.memory.free=<NA>\nos.memory.max=<NA>\nos.memory.total=<NA>\n",
                         monitor_version(o), e.host, e.system.sysname, e.system.machine, e.system.release, e.user_name,
                         e.user_home, e.directory);
}
