/* replica.c - the member's door: made, stepped, freed. */
#include "core/replica/replica.h"

#include "core/base/crypto.h"
#include "core/base/mem.h"
#include "core/replica/member.h"

enum { LITTLE = 2 }; /* no setting: who waits for more is told of the first while it works on the next */

/* Strings of the options outlive the caller's. */
static enum status copy_string(char **to, const char *from)
{
    *to = from == NULL ? NULL : mem_strdup(from);
    return from != NULL && *to == NULL ? ST_NO_MEMORY : ST_OK;
}

static void free_strings(char **strings, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mem_free(strings[i]);
}

static void free_schemes(char **schemes)
{
    for (char **at = schemes; at != NULL && *at != NULL; at++)
        mem_free(*at);
    mem_free(schemes);
}

static enum status copy_schemes(char ***to, const char *const *from)
{
    size_t count = 0;
    *to = NULL;
    if (from == NULL)
        return ST_OK;
    while (from[count] != NULL)
        count++;
    char **copy = mem_calloc(count + 1, sizeof *copy);
    if (copy == NULL)
        return ST_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        if (copy_string(&copy[i], from[i]) != ST_OK) {
            free_schemes(copy);
            return ST_NO_MEMORY;
        }
    }
    *to = copy;
    return ST_OK;
}

static void set_rules(struct replica *r)
{
    const struct replica_options *o = &r->options;
    r->rules = (struct op_rules){
        .extended_types = o->extended_types,
        .enforce_quota = o->enforce_quota,
        .skip_acl = o->skip_acl,
        .close_session_txn = o->close_session_txn,
        .reconfig_enabled = o->reconfig_enabled,
        .digest_enabled = o->digest_enabled,
        .digest_algorithm = o->digest_algorithm,
        .super_digest = o->super_digest,
        .x509_super_user = o->x509_super_user,
        .ensemble_names = o->ensemble_names,
        .txn_bytes_max = o->txn_bytes_max,
        .acl_entries_max = o->acl_entries_max,
        .multi_read_bytes_max = o->multi_read_bytes_max,
        .answer_bytes_max = o->answer_bytes_max,
    };
}

/* The options now are these, with strings of our own. */
static enum status set_options(struct replica *r, const struct replica_options *options)
{
    char *strings[ARRAY_LEN(r->strings)] = {0};
    char **schemes = NULL;
    enum status st = copy_string(&strings[0], options->digest_algorithm);
    if (st == ST_OK)
        st = copy_string(&strings[1], options->super_digest);
    if (st == ST_OK)
        st = copy_string(&strings[2], options->x509_super_user);
    if (st == ST_OK)
        st = copy_string(&strings[3], options->audit_user);
    if (st == ST_OK)
        st = copy_string(&strings[4], options->ensemble_names);
    if (st == ST_OK)
        st = copy_schemes(&schemes, options->auth_schemes_required);
    if (st != ST_OK) {
        free_strings(strings, ARRAY_LEN(strings));
        return st;
    }
    struct replica_options own = *options;
    own.digest_algorithm = strings[0];
    own.super_digest = strings[1];
    own.x509_super_user = strings[2];
    own.audit_user = strings[3];
    own.ensemble_names = strings[4];
    own.auth_schemes_required = (const char *const *)schemes;
    free_strings(r->strings, ARRAY_LEN(r->strings));
    free_schemes(r->auth_schemes);
    memcpy(r->strings, strings, sizeof strings);
    r->auth_schemes = schemes;
    r->options = own;
    watches_set_max(r->watches, own.watches_per_client_max);
    set_rules(r);
    return ST_OK;
}

/* What the tree, the log and the passwords of living sessions were built with stays as it was. */
enum status replica_reconfigure(struct replica *r, const struct replica_options *options)
{
    struct replica_options merged = *options;
    const struct replica_options *old = &r->options;
    merged.hash_key = old->hash_key;
    merged.server_id = old->server_id;
    merged.tick_ms = old->tick_ms;
    merged.read_only = old->read_only;
    merged.local_sessions = old->local_sessions;
    merged.local_sessions_upgrading = old->local_sessions_upgrading;
    merged.extended_types = old->extended_types;
    merged.log_digests = old->log_digests;
    merged.digest_enabled = old->digest_enabled;
    merged.digest_algorithm = old->digest_algorithm;
    merged.audit_user = old->audit_user;
    merged.apache_passwords = old->apache_passwords;
    memcpy(merged.password_key, old->password_key, sizeof merged.password_key);
    return set_options(r, &merged);
}

struct replica *replica_new(const struct replica_options *options, struct tree *tree, struct sessions *sessions,
                            int64_t last_zxid, struct metrics *metrics, const struct log_sink *log)
{
    struct replica *r = mem_calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->metrics = metrics;
    r->log = log;
    r->last_zxid = last_zxid;
    r->prepared_zxid = last_zxid;
    r->logged_zxid = last_zxid;
    r->response_last = r->response_min = r->response_max = -1;
    r->proposal_last = r->proposal_min = r->proposal_max = -1;
    r->connect_throttle.seed = hash_bytes(&options->hash_key, 0, BYTES("connect"));
    list_init(&r->in_flight);
    list_init(&r->syncs);
    list_init(&r->unheard);
    list_init(&r->paused);
    r->watches = watches_new(&options->hash_key, options->watches_per_client_max);
    r->pending = pending_new(tree, &options->hash_key, options->log_digests);
    r->local = sessions_new(options->tick_ms);
    r->mac = crypto_mac_new();
    bool has_parts = r->watches != NULL && r->pending != NULL && r->local != NULL && r->mac != NULL;
    if (!has_parts || set_options(r, options) != ST_OK) {
        replica_free(r);
        return NULL;
    }
    r->tree = tree;
    r->sessions = sessions;
    return r;
}

void replica_free(struct replica *r)
{
    if (r == NULL)
        return;
    client_free_all(r);
    member_free(r);
    LIST_FOR_EACH(at, &r->in_flight)
    request_free(r, LIST_ENTRY(at, struct request, flight));
    LIST_FOR_EACH(at, &r->unheard)
    request_free(r, LIST_ENTRY(at, struct request, flight));
    pending_free(r->pending); /* before the tree, whose ACLs it holds */
    watches_free(r->watches);
    changes_free(r->history);
    tree_free(r->tree);
    sessions_free(r->sessions);
    sessions_free(r->local);
    crypto_mac_free(r->mac);
    session_forget_coming(r);
    free_strings(r->strings, ARRAY_LEN(r->strings));
    free_schemes(r->auth_schemes);
    buffer_free(&r->path_scratch);
    buffer_free(&r->acl_scratch);
    buffer_free(&r->entry);
    buffer_free(&r->answer);
    mem_free(r);
}

/* Ids stay unique over restarts: the middle forty bits are the time of the start (client-protocol 5.2), or drawn at
 * random. The wall clock is taken, since a monotonic one begins anew with each boot. */
static void start(struct replica *r)
{
    uint64_t seed = r->options.session_id_seed;
    uint64_t middle = (seed != 0 ? seed : (uint64_t)r->wall_ms) << 24 >> 8;
    r->next_session_id = (int64_t)(middle | (uint64_t)r->options.server_id << 56);
    r->container_due_us = r->now_us + r->options.container_check_ms * 1000;
    r->container_minute_us = r->now_us;
    sessions_touch_all(r->sessions, now_ms(r));
}

/* Readers that allow it say so when they connect, which those of the local door cannot. */
static bool is_served(const struct replica *r, const struct client *c)
{
    if (r->log_failed || (!c->is_of_host && replica_serves_host_only(r)))
        return false;
    return replica_serves_all(r) || (r->service == SERVICE_READ_ONLY && !c->is_local);
}

static enum status on_frame(struct replica *r, const struct replica_event *event, struct outbox *out)
{
    struct client *c = client_find(r, event->client);
    if (c == NULL)
        return ST_OK;
    c->received++;
    r->packets_received++;
    metrics_add(r->metrics, COUNTER_packets_received, 1);
    metrics_add(r->metrics, COUNTER_bytes_received_count, event->frame.len + 4);
    if (!is_served(r, c) || (r->stopping && c->phase == CLIENT_NEW)) {
        metrics_add(r->metrics, COUNTER_cnxn_closed_without_zk_server_running, 1);
        return client_close(r, c, out);
    }
    if (r->stopping || c->ending)
        return ST_OK;
    if (c->phase == CLIENT_NEW)
        return client_connect_request(r, c, event->frame, out);
    if (c->phase == CLIENT_ACTIVE)
        return request_take(r, c, event->frame, event->now_us, out);
    enum status st = request_queue(r, c, REQUEST_DEFERRED, event->frame) == NULL ? ST_NO_MEMORY : ST_OK;
    return st == ST_OK ? client_check_pressure(r, c, out) : st;
}

static enum status on_open_session(struct replica *r, const struct replica_event *event, struct outbox *out)
{
    struct client *c = client_find(r, event->client);
    if (c == NULL)
        return ST_OK;
    CHECK(c->is_local && c->session_id == 0);
    if (!is_served(r, c) || r->stopping)
        return client_close(r, c, out);
    return client_connect_request(r, c, event->frame, out);
}

/* This process's role is over (design 4.7): whoever is connected is sent away, to a server that can answer. */
static enum status on_log_failed(struct replica *r, struct outbox *out)
{
    r->log_failed = true;
    metrics_add(r->metrics, COUNTER_unrecoverable_error_count, 1);
    enum status st = client_close_all(r, out);
    return st == ST_OK && r->member != NULL ? member_tell(r, ZAB_DISK_FAILED, out) : st;
}

static enum status on_log_full(struct replica *r, struct outbox *out)
{
    r->log_full = true;
    return r->member != NULL ? member_tell(r, ZAB_DISK_FULL, out) : ST_OK;
}

/* Nobody could be heard while nothing could be written: all get their full time-out again. */
static enum status on_log_room(struct replica *r, struct outbox *out)
{
    r->log_full = false;
    sessions_touch_all(r->sessions, now_ms(r));
    return r->member != NULL ? member_tell(r, ZAB_DISK_ROOM, out) : ST_OK;
}

static enum status on_logged(struct replica *r, int64_t zxid, struct outbox *out)
{
    return r->member != NULL ? member_logged(r, zxid, out) : commit_until(r, zxid, out);
}

static enum status on_tick(struct replica *r, struct outbox *out)
{
    enum status st = maintenance_run(r, out);
    if (st == ST_OK && r->member != NULL)
        st = read_only_begin(r);
    return st == ST_OK && r->member != NULL ? member_tell(r, ZAB_TICK, out) : st;
}

static enum status on_start(struct replica *r, struct outbox *out)
{
    start(r);
    return r->member != NULL ? member_start(r, out) : ST_OK;
}

static enum status dispatch(struct replica *r, const struct replica_event *event, struct outbox *out)
{
    switch (event->kind) {
    case REPLICA_START: return on_start(r, out);
    case REPLICA_TICK: return on_tick(r, out);
    case REPLICA_CONNECTED: return client_connected(r, event);
    case REPLICA_OPEN_SESSION: return on_open_session(r, event, out);
    case REPLICA_FRAME: return on_frame(r, event, out);
    case REPLICA_DISCONNECTED: client_disconnected(r, event->client); return ST_OK;
    case REPLICA_LOGGED: return on_logged(r, event->zxid, out);
    case REPLICA_LOG_FULL: return on_log_full(r, out);
    case REPLICA_LOG_ROOM: return on_log_room(r, out);
    case REPLICA_AUDIT_FULL: r->audit_full = true; return ST_OK;
    case REPLICA_AUDIT_ROOM: r->audit_full = false; return ST_OK;
    case REPLICA_LOG_FAILED: return on_log_failed(r, out);
    case REPLICA_STOP: r->stopping = true; return ST_OK;
    default: return member_event(r, event, out);
    }
}

enum status replica_step(struct replica *r, const struct replica_event *event, struct outbox *out)
{
    CHECK(event->now_us >= r->now_us);
    r->now_us = event->now_us;
    r->wall_ms = event->wall_ms;
    enum status st = dispatch(r, event, out);
    out->wake_us = maintenance_due_us(r);
    if (r->member != NULL && member_due_us(r) < out->wake_us)
        out->wake_us = member_due_us(r);
    return st;
}

enum replica_service replica_service(const struct replica *r)
{
    return r->service;
}

bool replica_sync_is_linearizable(const struct replica *r)
{
    return r->member == NULL || zab_agent_leads(r->member->zab);
}

bool replica_serves_all(const struct replica *r)
{
    return r->service != SERVICE_NONE && r->service != SERVICE_READ_ONLY;
}

bool replica_serves_host_only(const struct replica *r)
{
    return r->options.leader_serves_host_only && r->service == SERVICE_LEADING &&
           zab_committed(r->member->zab)->voters > 1;
}

struct tree *replica_tree(struct replica *r)
{
    return r->tree;
}

const struct sessions *replica_sessions(const struct replica *r)
{
    return r->sessions;
}

const struct sessions *replica_local_sessions(const struct replica *r)
{
    return r->local;
}

const struct watches *replica_watches(const struct replica *r)
{
    return r->watches;
}

int64_t replica_last_zxid(const struct replica *r)
{
    return r->last_zxid;
}

void replica_remember(struct replica *r, struct changes *history)
{
    changes_free(r->history);
    r->history = history;
}

const struct changes *replica_changes(const struct replica *r)
{
    return r->history;
}

bool replica_awaits_little(const struct replica *r)
{
    uint64_t count = 0;
    LIST_FOR_EACH(at, &r->in_flight)
    if (++count > LITTLE)
        return false;
    count = count > r->outstanding ? count : r->outstanding;
    return count > 0 && count <= LITTLE;
}
