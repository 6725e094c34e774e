/* commands_ensemble.c - the commands about the ensemble: leader, voting_view, observers, zabstate, and the servers of
 * initial_configuration. Shapes as Apache's 3.8.0 has them, addresses as they stand in the configuration. */
#include "agent/admin/commands_internal.h"

#include "agent/admin/ensemble_report.h"
#include "agent/peers/peers.h"
#include "core/replica/observer_report.h"
#include "core/zab/zab_text.h"

#include <inttypes.h>

enum { ADDRESS_SIZE = MEMBER_HOST_MAX + 16 };

static json_t *host_of(struct bytes host)
{
    return json_stringn_nocheck((const char *)host.data, host.len);
}

/* "host:port", an IPv6 address in brackets. */
static json_t *address_of(struct bytes host, unsigned port)
{
    char text[ADDRESS_SIZE];
    bool is_ipv6 = memchr(host.data, ':', host.len) != NULL;
    int len = snprintf(text, sizeof text, is_ipv6 ? "[%.*s]:%u" : "%.*s:%u", BYTES_PRINT(host), port);
    return json_stringn_nocheck(text, (size_t)len);
}

static json_t *addresses_of(const struct member *m, bool quorum)
{
    json_t *list = json_array();
    for (size_t i = 0; list != NULL && i < m->address_count; i++) {
        const struct member_address *a = &m->addresses[i];
        if (json_array_append_new(list, address_of(a->host, quorum ? a->quorum_port : a->election_port)) == 0)
            continue;
        json_decref(list);
        return NULL;
    }
    return list;
}

/* Of other servers only what their lines say is known; of this one the port that is open, too. */
static json_t *client_address_of(const struct overview *o, const struct member *m)
{
    if (!bytes_is_null(m->client.host))
        return address_of(m->client.host, m->client.port);
    int32_t port = m->sid == o->settings->server_id ? doors_client_port(o->doors) : -1;
    const char *host = o->settings->client_port_address;
    return port < 0 ? json_string("") : address_of(bytes_of(host[0] == '\0' ? "0.0.0.0" : host), (unsigned)port);
}

int commands_leader(const struct overview *o, json_t *answer)
{
    struct ensemble_report report;
    ensemble_report(o, &report);
    if (!report.is_ensemble) /* a server that is alone leads nobody; Apache's says so in these words */
        return json_object_set_new(answer, "error", json_string("server is not initialized"));
    json_t *host = report.leader_member == NULL ? json_string("") : host_of(report.leader_member->addresses[0].host);
    return json_object_set_new(answer, "is_leader", json_boolean(report.role == ZAB_LEADING)) |
           json_object_set_new(answer, "leader_id", json_integer(report.leader)) |
           json_object_set_new(answer, "leader_ip", host);
}

static int add_voter(const struct overview *o, const struct member *m, json_t *config)
{
    char key[24];
    json_t *server = json_object();
    snprintf(key, sizeof key, "%" PRId64, m->sid);
    return json_object_set_new(server, "server_addresses", addresses_of(m, true)) |
           json_object_set_new(server, "election_addresses", addresses_of(m, false)) |
           json_object_set_new(server, "client_address", client_address_of(o, m)) |
           json_object_set_new(server, "learner_type", json_string("participant")) |
           json_object_set_new(config, key, server);
}

int commands_voting_view(const struct overview *o, json_t *answer)
{
    struct ensemble_report report;
    int failed = 0;
    json_t *config = json_object();
    ensemble_report(o, &report);
    for (size_t i = 0; report.is_ensemble && i < report.members->count; i++)
        if (report.members->items[i]->role == MEMBER_PARTICIPANT)
            failed |= add_voter(o, report.members->items[i], config);
    return failed | json_object_set_new(answer, "current_config", config);
}

static int add_observer(const struct overview *o, const struct replica_observer *observer, json_t *list)
{
    char remote[PEERS_REMOTE_SIZE] = "";
    int64_t sid;
    size_t unsent = 0;
    if (o->peers != NULL) {
        (void)peers_remote(o->peers, observer->link, remote, &sid);
        unsent = peers_unsent(o->peers, observer->link);
    }
    const uint64_t queued = replica_observer_queued(observer, unsent);
    json_t *object = json_object();
    return json_object_set_new(object, "remote_socket_address", json_string(remote)) |
           json_object_set_new(object, "sid", json_integer(observer->sid)) |
           json_object_set_new(object, "established", json_integer(observer->established_ms)) |
           json_object_set_new(object, "queued_packets", json_integer((json_int_t)queued)) |
           json_object_set_new(object, "queued_packets_size", json_integer((json_int_t)unsent)) |
           json_object_set_new(object, "packets_received", json_integer((json_int_t)observer->packets_received)) |
           json_object_set_new(object, "packets_sent", json_integer((json_int_t)(observer->packets_given - queued))) |
           json_object_set_new(object, "requests", json_integer((json_int_t)observer->requests)) |
           json_object_set_new(object, "last_zxid", json_integer(observer->last_zxid)) |
           json_array_append_new(list, object);
}

int commands_observers(const struct overview *o, json_t *answer)
{
    struct ensemble_report report;
    struct replica_observer observer;
    json_t *list = json_array();
    const void *at = NULL;
    int failed = 0;
    ensemble_report(o, &report);
    while (report.learners > 0 && replica_observer_next(o->replica, &at, &observer))
        failed |= add_observer(o, &observer, list);
    return failed | json_object_set_new(answer, "synced_observers", json_integer((json_int_t)report.synced_observers)) |
           json_object_set_new(answer, "observers", list);
}

/* Apache's object for several addresses, without what only a look at the network could tell. */
static json_t *addresses_object(const struct member *m, bool quorum)
{
    json_t *object = json_object(), *ports = json_array(), *hosts = json_array();
    const struct member_address *first = &m->addresses[0];
    int failed = 0;
    for (size_t i = 0; i < m->address_count; i++) {
        const struct member_address *a = &m->addresses[i];
        failed |= json_array_append_new(ports, json_integer(quorum ? a->quorum_port : a->election_port)) |
                  json_array_append_new(hosts, host_of(a->host));
    }
    failed |= json_object_set_new(object, "empty", json_false()) |
              json_object_set_new(object, "all_addresses", addresses_of(m, quorum)) |
              json_object_set_new(object, "one",
                                  address_of(first->host, quorum ? first->quorum_port : first->election_port)) |
              json_object_set_new(object, "all_ports", ports) | json_object_set_new(object, "all_host_strings", hosts);
    if (failed == 0)
        return object;
    json_decref(object);
    return NULL;
}

static int add_own_addresses(const struct overview *o, const struct member *own, json_t *answer)
{
    return json_object_set_new(answer, "quorum_address", addresses_object(own, true)) |
           json_object_set_new(answer, "election_address", addresses_object(own, false)) |
           json_object_set_new(answer, "client_address", client_address_of(o, own));
}

int commands_zab_state(const struct overview *o, json_t *answer)
{
    struct ensemble_report report;
    char zxid[24];
    ensemble_report(o, &report);
    if (!report.is_ensemble)
        return json_object_set_new(answer, "voting", json_false()) |
               json_object_set_new(answer, "zabstate", json_string(""));
    int64_t last = report.last_committed;
    snprintf(zxid, sizeof zxid, "0x%" PRIx64, (uint64_t)last);
    return json_object_set_new(answer, "myid", json_integer(report.sid)) |
           json_object_set_new(answer, "is_leader", json_boolean(report.role == ZAB_LEADING)) |
           (report.own_member == NULL ? 0 : add_own_addresses(o, report.own_member, answer)) |
           json_object_set_new(answer, "voting", json_boolean(report.is_voter)) |
           json_object_set_new(answer, "last_zxid", json_string(zxid)) |
           json_object_set_new(answer, "zab_epoch", json_integer((json_int_t)((uint64_t)last >> 32))) |
           json_object_set_new(answer, "zab_counter", json_integer((json_int_t)((uint64_t)last & 0xffffffff))) |
           json_object_set_new(answer, "zabstate", json_string(zab_phase_name(report.phase)));
}

/* The rest of the file may hold secrets. */
int commands_initial_servers(const struct overview *o, json_t *answer)
{
    return json_object_set_new(answer, "initial_configuration", json_string(o->settings->members_text));
}
