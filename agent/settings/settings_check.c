/* settings_check.c - what no single row can say: values derived from others, and values that must agree. */
#include "agent/settings/settings_internal.h"
#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/crypto.h"
#include "core/base/mem.h"

#include <inttypes.h>
#include <string.h>
#include <sys/un.h>

enum { SNAPSHOTS_MIN = 3, SNAP_COUNT_MIN = 2, PRE_ALLOC_KIB_MIN = 64, METRICS_PORT = 7000 };

static void error(const struct settings *s, struct settings_report *report, enum setting_id id, const char *text)
{
    settings_report_add(report, SETTINGS_ERROR, settings_place(s, id), setting_rows[id].key, "%s", text);
}

static void warn(const struct settings *s, struct settings_report *report, enum setting_id id, const char *text)
{
    settings_report_add(report, SETTINGS_WARNING, settings_place(s, id), setting_rows[id].key, "%s", text);
}

static void inform(const struct settings *s, struct settings_report *report, enum setting_id id, const char *text)
{
    settings_report_add(report, SETTINGS_INFO, settings_place(s, id), setting_rows[id].key, "%s", text);
}

static void derived(struct settings *s, enum setting_id id)
{
    s->origins[id].source = SETTING_DERIVED;
}

static enum status check_directories(struct settings *s, struct settings_report *report)
{
    if (s->data_dir[0] == '\0')
        error(s, report, SETTING_ID_data_dir, "is required");
    if (s->data_log_dir[0] != '\0')
        return ST_OK;
    derived(s, SETTING_ID_data_log_dir);
    return setting_set_text(&s->data_log_dir, s->data_dir);
}

/* What has its place below dataDir unless it begins with / or ./. */
struct placed_setting {
    enum setting_id id;
    char **path;
    bool is_socket;
};

/* Our own socket by default must not keep an agent with a deep data directory from starting. */
static enum status refuse_long_socket(struct settings *s, const struct placed_setting *socket,
                                      struct settings_report *report)
{
    if (settings_given(s, socket->id)) {
        error(s, report, socket->id, "the whole path is too long for a Unix socket");
        return ST_OK;
    }
    warn(s, report, socket->id, "no socket: below this dataDir its path is too long");
    derived(s, socket->id);
    return setting_set_text(socket->path, "");
}

/* The result begins with / or ./, so that it stays what it is when it is read again. */
static enum status put_below_data_dir(struct settings *s, const struct placed_setting *placed)
{
    struct buffer path = {0};
    const char *here = s->data_dir[0] == '/' || strncmp(s->data_dir, "./", 2) == 0 ? "" : "./";
    enum status st = buffer_printf(&path, "%s%s/%s", here, s->data_dir, *placed->path);
    if (st == ST_OK)
        st = buffer_append(&path, "", 1);
    if (st == ST_OK)
        st = setting_set_text(placed->path, (const char *)path.data);
    buffer_free(&path);
    if (!settings_given(s, placed->id))
        derived(s, placed->id);
    return st;
}

static enum status check_place(struct settings *s, const struct placed_setting *placed, struct settings_report *report)
{
    enum status st = ST_OK;
    if ((*placed->path)[0] != '\0' && (*placed->path)[0] != '/' && strncmp(*placed->path, "./", 2) != 0)
        st = put_below_data_dir(s, placed);
    if (st == ST_OK && placed->is_socket && strlen(*placed->path) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
        st = refuse_long_socket(s, placed, report);
    return st;
}

static enum status check_places(struct settings *s, struct settings_report *report)
{
    const struct placed_setting rows[] = {{SETTING_ID_socket, &s->socket, true},
                                          {SETTING_ID_local_socket, &s->local_socket, true},
                                          {SETTING_ID_audit_file, &s->audit_file, false}};
    enum status st = ST_OK;
    for (size_t i = 0; i < ARRAY_LEN(rows) && st == ST_OK; i++)
        st = check_place(s, &rows[i], report);
    if (s->audit_enable && s->audit_file[0] == '\0')
        error(s, report, SETTING_ID_audit_file, "is empty, but audit.enable is true");
    return st;
}

static void check_ports(struct settings *s, struct settings_report *report)
{
    if (s->client_port < 0 && s->client_port_address[0] != '\0')
        error(s, report, SETTING_ID_client_port_address, "is set, but clientPort is not");
    if (s->secure_client_port < 0 && s->secure_client_port_address[0] != '\0')
        error(s, report, SETTING_ID_secure_client_port_address, "is set, but secureClientPort is not");
    if (s->client_port > 0 && s->client_port == s->secure_client_port &&
        strcmp(s->client_port_address, s->secure_client_port_address) == 0)
        error(s, report, SETTING_ID_secure_client_port, "is the same as clientPort");
    if (s->client_port < 0 && s->secure_client_port < 0 && s->socket[0] == '\0')
        error(s, report, SETTING_ID_client_port,
              "clients have no way in: neither clientPort nor secureClientPort nor "
              "zooid.socket is set");
}

static void derive_timeout(struct settings *s, struct settings_report *report, enum setting_id id, int32_t *timeout_ms,
                           int ticks)
{
    if (*timeout_ms != -1)
        return;
    int64_t ms = (int64_t)s->tick_time_ms * ticks;
    if (ms > INT32_MAX)
        settings_report_add(report, SETTINGS_ERROR, settings_place(s, SETTING_ID_tick_time_ms), "tickTime",
                            "%d ticks, the default of %s, are too long", ticks, setting_rows[id].key);
    *timeout_ms = (int32_t)(ms > INT32_MAX ? INT32_MAX : ms);
    derived(s, id);
}

static void check_timeouts(struct settings *s, struct settings_report *report)
{
    derive_timeout(s, report, SETTING_ID_min_session_timeout_ms, &s->min_session_timeout_ms, 2);
    derive_timeout(s, report, SETTING_ID_max_session_timeout_ms, &s->max_session_timeout_ms, 20);
    if (s->min_session_timeout_ms <= s->max_session_timeout_ms)
        return;
    enum setting_id at = settings_given(s, SETTING_ID_min_session_timeout_ms) ? SETTING_ID_min_session_timeout_ms
                                                                              : SETTING_ID_max_session_timeout_ms;
    settings_report_add(report, SETTINGS_ERROR, settings_place(s, at), setting_rows[at].key,
                        "minSessionTimeout, %" PRId32 " ms, is longer than maxSessionTimeout, %" PRId32 " ms",
                        s->min_session_timeout_ms, s->max_session_timeout_ms);
}

/* Where ZooKeeper takes a negative limit as none, everybody behind us sees 0. */
static void check_unlimited(int32_t *limit)
{
    if (*limit < 0)
        *limit = 0;
}

/* What ZooKeeper takes and makes something larger of. */
static void check_raised(struct settings *s, struct settings_report *report)
{
    if (s->snap_retain_count < SNAPSHOTS_MIN) {
        warn(s, report, SETTING_ID_snap_retain_count, "is less than 3; 3 are kept");
        s->snap_retain_count = SNAPSHOTS_MIN;
    }
    if (s->snap_count < SNAP_COUNT_MIN) {
        warn(s, report, SETTING_ID_snap_count, "is less than 2; 2 are taken");
        s->snap_count = SNAP_COUNT_MIN;
    }
    if (s->pre_alloc_size_kib < PRE_ALLOC_KIB_MIN) {
        warn(s, report, SETTING_ID_pre_alloc_size_kib, "is less than 64; 64 are taken");
        s->pre_alloc_size_kib = PRE_ALLOC_KIB_MIN;
    }
}

static void check_limits(struct settings *s, struct settings_report *report)
{
    check_unlimited(&s->max_client_cnxns);
    check_unlimited(&s->max_cnxns);
    check_unlimited(&s->tls_handshake_limit);
    if (s->jute_maxbuffer_extrasize == -1) {
        s->jute_maxbuffer_extrasize = s->jute_maxbuffer;
        derived(s, SETTING_ID_jute_maxbuffer_extrasize);
    }
    if (s->max_event_backlog < s->max_output_per_client)
        error(s, report, SETTING_ID_max_event_backlog, "is less than zooid.maxOutputPerClient");
    check_raised(s, report);
    if (s->admin_command_url[0] != '/')
        error(s, report, SETTING_ID_admin_command_url, "does not begin with /");
    if (s->reconfig_enabled && !s->is_ensemble)
        warn(s, report, SETTING_ID_reconfig_enabled,
             "is not followed: an agent that runs alone has no members to change");
    if (s->local_sessions_enabled && !s->is_ensemble)
        inform(s, report, SETTING_ID_local_sessions_enabled, "has no effect on an agent that runs alone");
    if (!s->leader_serves && !s->is_ensemble)
        inform(s, report, SETTING_ID_leader_serves, "has no effect on an agent that runs alone");
    if (s->skip_acl)
        warn(s, report, SETTING_ID_skip_acl, "ACLs are not checked: every client may do everything");
}

static void check_digest(const struct settings *s, struct settings_report *report)
{
    uint8_t hash[64];
    if (crypto_digest(s->digest_algorithm, BYTES(""), hash) == 0)
        error(s, report, SETTING_ID_digest_algorithm, "is not a hash that is known here");
    if (s->super_digest[0] != '\0' && strchr(s->super_digest, ':') == NULL)
        error(s, report, SETTING_ID_super_digest, "is not of the form super:digest");
    if (s->super_digest[0] != '\0' && !s->digest_enabled)
        warn(s, report, SETTING_ID_super_digest, "nobody can use it: DigestAuthenticationProvider.enabled is false");
}

static void check_scheme(const struct settings *s, struct settings_report *report, const char *scheme, size_t length)
{
    static const char *const offered[] = {"ip", "digest", "x509"};
    struct setting_place place = settings_place(s, SETTING_ID_enforce_auth_schemes);
    const char *key = setting_rows[SETTING_ID_enforce_auth_schemes].key;
    bool known = false;
    for (size_t i = 0; i < sizeof offered / sizeof *offered; i++)
        known |= strlen(offered[i]) == length && memcmp(scheme, offered[i], length) == 0;
    bool digest = length == strlen("digest") && memcmp(scheme, "digest", length) == 0;
    if (!known)
        settings_report_add(report, SETTINGS_ERROR, place, key,
                            "the scheme %.*s is demanded, but not part of this version", (int)length, scheme);
    else if (digest && !s->digest_enabled)
        settings_report_add(report, SETTINGS_ERROR, place, key,
                            "the scheme digest is demanded, but DigestAuthenticationProvider.enabled is false");
}

static void check_enforced_auth(const struct settings *s, struct settings_report *report)
{
    if (!s->enforce_auth_enabled) {
        if (s->enforce_auth_schemes[0] != '\0')
            warn(s, report, SETTING_ID_enforce_auth_schemes, "has no effect without enforce.auth.enabled=true");
        return;
    }
    if (s->enforce_auth_schemes[0] == '\0')
        error(s, report, SETTING_ID_enforce_auth_enabled, "needs enforce.auth.schemes");
    for (const char *at = s->enforce_auth_schemes; *at != '\0';) {
        size_t length = strcspn(at, ",");
        check_scheme(s, report, at, length);
        at += length + (at[length] == ',');
    }
}

#define APACHE_METRICS "org.apache.zookeeper.metrics."

static void check_metrics(struct settings *s, struct settings_report *report)
{
    static const char *const without_port[] = {APACHE_METRICS "impl.DefaultMetricsProvider",
                                               APACHE_METRICS "impl.NullMetricsProvider"};
    bool known = false;
    for (size_t i = 0; i < sizeof without_port / sizeof *without_port; i++)
        known |= strcmp(s->metrics_provider, without_port[i]) == 0;
    if (strcmp(s->metrics_provider, APACHE_METRICS "prometheus.PrometheusMetricsProvider") == 0) {
        if (s->metrics_port >= 0)
            return;
        s->metrics_port = METRICS_PORT;
    } else {
        if (!known)
            warn(s, report, SETTING_ID_metrics_provider, "a Java class of your own is not loaded");
        if (s->metrics_port < 0)
            return;
        warn(s, report, SETTING_ID_metrics_port, "has no effect without Apache's PrometheusMetricsProvider");
        s->metrics_port = -1;
    }
    derived(s, SETTING_ID_metrics_port);
}

enum status settings_check(struct settings *settings, struct settings_report *report)
{
    enum status st = check_directories(settings, report);
    if (st == ST_OK)
        st = check_places(settings, report);
    if (st != ST_OK)
        return st;
    check_ports(settings, report);
    check_timeouts(settings, report);
    check_limits(settings, report);
    check_digest(settings, report);
    check_enforced_auth(settings, report);
    check_metrics(settings, report);
    return settings_check_tls(settings, report);
}
