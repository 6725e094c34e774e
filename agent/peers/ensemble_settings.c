/* ensemble_settings.c - one line for each option of the ZAB machine and of the links between servers. */
#include "agent/peers/ensemble_settings.h"

#include "core/base/check.h"

enum {
    PACKET_HEAD_MAX = 64 * 1024, /* a packet's own fields, the identities of a request's session */
    UNSENT_MARK = 1024 * 1024,   /* a snapshot goes on being written when less than this waits */
};

/* Some seconds at the highest rate. */
#define ZXID_MARGIN INT64_C(0x100000)

void ensemble_zab_options(const struct settings *settings, struct zab_options *options)
{
    const struct settings *s = settings;
    *options = (struct zab_options){
        .sid = s->server_id,
        .observer = s->peer_type == PEER_TYPE_OBSERVER,
        .reconfig_enabled = s->reconfig_enabled,
        .multi_address = s->multi_address_enabled,
        .tick_ms = s->tick_time_ms,
        .init_limit = s->init_limit,
        .sync_limit = s->sync_limit,
        .notification_ms_min = s->notification_ms_min,
        .notification_ms_max = s->notification_ms_max,
        .finalize_wait_ms = s->election_quiet_ms,
        .connect_retry_ms = s->connect_retry_ms,
        .committed_count_max = (uint32_t)s->commit_log_count,
        .committed_bytes_max = (uint64_t)s->max_committed_log,
        .observer_masters = s->observer_master_port > 0,
        .observer_reconnect_ms = s->observer_reconnect_ms,
        .observer_election_ms = s->observer_election_ms,
        .observer_retry_ms = s->observer_retry_ms,
        .observer_bytes_max = s->observer_master_port > 0 ? (uint64_t)s->observer_size_limit : 0,
        .snapshot_syncs_max = (uint32_t)s->snapshot_syncs_max,
        .diff_syncs_max = (uint32_t)s->diff_syncs_max,
        .reads_log = s->snapshot_size_factor >= 0,
        .pending_bytes_max = (uint64_t)s->max_pending_proposals,
        .zxid_counter_max = s->epoch_txns_max,
        .zxid_margin = s->epoch_txns_max / 4 < ZXID_MARGIN ? s->epoch_txns_max / 4 : ZXID_MARGIN,
        .shows_capabilities = true,
        .can = {.of = {[CAPABILITY_SESSION_PASSWORDS] = s->session_passwords == SESSION_PASSWORDS_KEYED,
                       [CAPABILITY_FAILURE_DETECTION] = s->failure_detection_ms,
                       [CAPABILITY_HANDOVER] = 1}},
    };
}

uint32_t ensemble_packet_bytes_max(const struct settings *settings)
{
    uint32_t txn = (uint32_t)settings->jute_maxbuffer + (uint32_t)settings->jute_maxbuffer_extrasize;
    return txn > MEMBERS_TEXT_MAX ? txn : MEMBERS_TEXT_MAX;
}

bool ensemble_speaks_tls(const struct settings *settings)
{
    return settings->ssl_quorum || settings->port_unification;
}

/* quorum-protocol 8.1: portUnification alone takes both and still connects without TLS. */
static struct peers_security security_of(const struct settings *s)
{
    return (struct peers_security){
        .dials_tls = s->ssl_quorum,
        .takes_tls = ensemble_speaks_tls(s),
        .takes_plain = !s->ssl_quorum || s->port_unification,
        .checks_called = s->quorum_hostname_verification,
        .checks_callers = s->quorum_hostname_verification && s->quorum_client_hostname_verification,
        .handshake_ms = s->quorum_handshake_ms,
    };
}

void ensemble_peers_options(const struct settings *settings, struct peers_options *options)
{
    const struct settings *s = settings;
    const struct member *own = settings_own_member(s);
    CHECK(own != NULL);
    *options = (struct peers_options){
        .security = security_of(s),
        .sid = s->server_id,
        .own = own->addresses,
        .own_count = own->address_count,
        .observer_port = s->observer_master_port > 0 ? (uint16_t)s->observer_master_port : 0,
        .listen_on_all = s->listen_on_all,
        .connect_ms = s->connect_timeout_ms,
        .hello_ms = s->hello_timeout_ms,
        .newcomers_max = (uint32_t)s->max_newcomers,
        .strangers_max = (uint32_t)s->max_strangers,
        .links_max = (uint32_t)s->max_links,
        .input_bytes_max = (size_t)ensemble_packet_bytes_max(s) + PACKET_HEAD_MAX,
        .unsent_bytes_max = (size_t)s->max_link_queue,
        .unsent_mark = UNSENT_MARK,
    };
}
