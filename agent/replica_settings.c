/* replica_settings.c - one line for each option of the replica. */
#include "agent/replica_settings.h"

#include "agent/peers/ensemble_settings.h"

#include <stdio.h>

enum {
    SERVER_ID_ALONE = 1, /* standalone Apache servers use 1 too (client-protocol 5.2) */
};

static const char *or_null(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

/* "a,b" becomes the array that the replica wants. */
static enum status split_schemes(struct replica_settings *to, const struct settings *settings)
{
    to->options.auth_schemes_required = NULL;
    if (!settings->enforce_auth_enabled)
        return ST_OK;
    int len = snprintf(to->auth_scheme_text, sizeof to->auth_scheme_text, "%s", settings->enforce_auth_schemes);
    if (len < 0 || (size_t)len >= sizeof to->auth_scheme_text)
        return ST_LIMIT;
    size_t count = 0;
    char *rest = to->auth_scheme_text, *word;
    while ((word = strsep(&rest, ",")) != NULL) {
        if (count == AUTH_SCHEMES_MAX)
            return ST_LIMIT;
        to->auth_schemes[count++] = word;
    }
    to->auth_schemes[count] = NULL;
    to->options.auth_schemes_required = to->auth_schemes;
    return ST_OK;
}

/* Apache has the two limits in front of each other. */
static uint32_t outstanding_max(const struct settings *s)
{
    const bool is_throttled = s->request_throttle_limit > 0 && s->request_throttle_limit < s->global_outstanding_limit;
    return (uint32_t)(is_throttled ? s->request_throttle_limit : s->global_outstanding_limit);
}

static struct connect_throttle_options connect_throttle(const struct settings *s)
{
    return (struct connect_throttle_options){
        .tokens_max = (uint32_t)s->connection_tokens,
        .fill_ms = (uint32_t)s->connection_token_fill_time_ms,
        .fill_count = (uint32_t)s->connection_token_fill_count,
        .freeze_ms = s->connection_freeze_time_ms,
        .drop_increase = s->connection_drop_increase,
        .drop_decrease = s->connection_drop_decrease,
        .decrease_ratio = s->connection_decrease_ratio,
        .need_new = s->connection_weights ? (uint32_t)s->connection_global_weight : 1,
        .need_local = s->connection_weights ? (uint32_t)s->connection_local_weight : 1,
        .need_renewed = s->connection_weights ? (uint32_t)s->connection_renew_weight : 1,
    };
}

enum status replica_settings_make(struct replica_settings *to, const struct settings *settings,
                                  const struct hash_key *hash_key, const uint8_t password_key[32])
{
    const struct settings *s = settings;
    *to = (struct replica_settings){0};
    to->options = (struct replica_options){
        .hash_key = *hash_key,
        .server_id = s->is_ensemble ? s->server_id : SERVER_ID_ALONE,
        .tick_ms = s->tick_time_ms,
        .session_timeout_ms_min = s->min_session_timeout_ms,
        .session_timeout_ms_max = s->max_session_timeout_ms,
        .session_count_max = (uint32_t)s->max_sessions,
        .watches_per_client_max = (uint32_t)s->max_watches_per_session,
        .outstanding_per_client_max = (uint32_t)s->max_outstanding_per_client,
        .outstanding_max = outstanding_max(s),
        .large_request_bytes_max = s->large_request_threshold > 0 ? (uint64_t)s->large_request_max_bytes : 0,
        .large_request_threshold = (uint32_t)s->large_request_threshold,
        .connect_throttle = connect_throttle(s),
        .txn_bytes_max = (uint32_t)s->jute_maxbuffer + (uint32_t)s->jute_maxbuffer_extrasize,
        .identities_max = (uint32_t)s->max_identities,
        .acl_entries_max = (uint32_t)s->max_acl_entries,
        .multi_read_bytes_max = (uint32_t)s->max_multi_read,
        .answer_bytes_max = (uint32_t)s->local_answer_max,
        .packet_bytes_max = s->is_ensemble ? ensemble_packet_bytes_max(s) : 0,
        .relayed_max = (uint32_t)s->max_relayed,
        .resync_interval_ms = s->resync_interval_ms,
        .log_bytes_max = (uint64_t)s->max_log_in_flight,
        .forward_bytes_max = s->is_ensemble ? (uint64_t)s->max_link_queue / 2 : 0,
        .snapshot_size_factor = s->snapshot_size_factor,
        .link_bytes_max = s->is_ensemble ? (uint64_t)s->max_link_queue : 0,
        .throttled_op_wait_ms = s->throttled_op_wait_time_ms,
        .read_only = s->is_ensemble && s->read_only_mode_enabled,
        .leader_serves_host_only = s->is_ensemble && !s->leader_serves,
        .local_sessions = s->is_ensemble && s->local_sessions_enabled,
        .local_sessions_upgrading = s->local_sessions_upgrading_enabled,
        .extended_types = s->extended_types_enabled,
        .enforce_quota = s->enforce_quota,
        .reconfig_enabled = s->is_ensemble && s->reconfig_enabled,
        .standalone_enabled = s->standalone_enabled,
        .multi_address = s->multi_address_enabled,
        .skip_acl = s->skip_acl,
        .close_session_txn = true,
        .digest_enabled = s->digest_enabled,
        .log_digests = true,
        .digest_algorithm = s->digest_algorithm,
        .super_digest = or_null(s->super_digest),
        .x509_super_user = or_null(s->x509_super_user),
        .ensemble_names = s->has_ensemble_provider ? s->ensemble_auth_name : or_null(s->ensemble_auth_name),
        .apache_passwords = s->session_passwords == SESSION_PASSWORDS_APACHE,
        .container_check_ms = s->container_check_interval_ms,
        .container_never_used_ms = s->container_max_never_used_ms,
        .container_per_minute_max = (uint32_t)s->container_max_per_minute,
    };
    memcpy(to->options.password_key, password_key, sizeof to->options.password_key);
    return split_schemes(to, s);
}
