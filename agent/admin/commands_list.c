/* commands_list.c - the commands whose answer grows with the number of clients. Bounded, since the loop waits for them.
 */
#include "agent/admin/commands_internal.h"

#include "agent/admin/ensemble_report.h"
#include "agent/local/local.h"

#include <inttypes.h>

enum { LIST_ITEMS_MAX = 50000 };

struct listing {
    const struct overview *overview;
    json_t *first, *second;
    size_t count;
    int failed;
};

/* False when the list is long enough. */
static bool count_item(struct listing *l)
{
    return l->failed == 0 && l->count++ < LIST_ITEMS_MAX;
}

/* Ids are numbers in JSON, and in decimal where they are keys. */
static void number_key(char text[24], int64_t number)
{
    snprintf(text, 24, "%" PRId64, number);
}

static void add_connection(void *context, const struct front_connection *c)
{
    struct listing *l = context;
    struct replica_client i = {.last_op = "NA"};
    if (!count_item(l))
        return;
    replica_client(l->overview->replica, c->client, &i);
    json_t *object = json_object();
    l->failed |= json_object_set_new(object, "remote_socket_address", json_string(c->remote + (c->remote[0] == '/'))) |
                 json_object_set_new(object, "interest_ops", json_integer(c->interest_ops)) |
                 json_object_set_new(object, "outstanding_requests", json_integer(i.queued)) |
                 json_object_set_new(object, "packets_received", json_integer((json_int_t)i.received)) |
                 json_object_set_new(object, "packets_sent", json_integer((json_int_t)i.sent));
    if (i.session_id != 0)
        l->failed |= json_object_set_new(object, "session_id", json_integer(i.session_id)) |
                     json_object_set_new(object, "last_operation", json_string(i.last_op)) |
                     json_object_set_new(object, "established", json_integer(i.established_ms)) |
                     json_object_set_new(object, "session_timeout", json_integer(i.timeout_ms)) |
                     json_object_set_new(object, "last_cxid", json_integer(i.last_cxid)) |
                     json_object_set_new(object, "last_zxid", json_integer(i.last_zxid)) |
                     json_object_set_new(object, "last_response_time", json_integer(i.last_response_ms)) |
                     json_object_set_new(object, "last_latency", json_integer(i.latency_ms_last)) |
                     json_object_set_new(object, "min_latency", json_integer(i.latency_ms_min)) |
                     json_object_set_new(object, "avg_latency", json_integer((json_int_t)i.latency_ms_avg)) |
                     json_object_set_new(object, "max_latency", json_integer(i.latency_ms_max));
    l->failed |= json_array_append_new(c->secure ? l->second : l->first, object);
}

int commands_connections(const struct overview *o, json_t *answer)
{
    struct listing l = {.overview = o, .first = json_array(), .second = json_array()};
    front_each_connection(doors_front(o->doors), add_connection, &l);
    return l.failed | json_object_set_new(answer, "connections", l.first) |
           json_object_set_new(answer, "secure_connections", l.second);
}

static void add_session(void *context, const struct session *session)
{
    struct listing *l = context;
    char key[24];
    if (!count_item(l))
        return;
    number_key(key, session->expires_ms);
    json_t *bucket = json_object_get(l->first, key);
    if (bucket == NULL) {
        bucket = json_array();
        l->failed |= json_object_set_new(l->first, key, bucket);
    }
    l->failed |= json_array_append_new(bucket, json_integer(session->id));
}

static void add_owner(void *context, int64_t session, const uint32_t *numbers, size_t count)
{
    struct listing *l = context;
    struct tree *tree = replica_tree(l->overview->replica);
    struct buffer path = {0};
    char id[24];
    json_t *paths = json_array();
    number_key(id, session);
    for (size_t i = 0; i < count && count_item(l); i++) {
        path.len = 0;
        l->failed |= tree_path(tree, tree_by_number(tree, numbers[i]), &path) != ST_OK;
        l->failed |= json_array_append_new(paths, json_stringn_nocheck((const char *)path.data, path.len));
    }
    buffer_free(&path);
    l->failed |= json_object_set_new(l->second, id, paths);
}

int commands_dump(const struct overview *o, json_t *answer)
{
    struct listing l = {.overview = o, .first = json_object(), .second = json_object()};
    struct ensemble_report report;
    ensemble_report(o, &report);
    /* Of a learner Apache's server lists none, not even its local ones. */
    if (!report.is_ensemble || report.role == ZAB_LEADING) {
        sessions_each(replica_local_sessions(o->replica), add_session, &l);
        sessions_each(replica_sessions(o->replica), add_session, &l);
    }
    tree_each_owner(replica_tree(o->replica), add_owner, &l);
    return l.failed | json_object_set_new(answer, "expiry_time_to_session_ids", l.first) |
           json_object_set_new(answer, "session_id_to_ephemeral_paths", l.second);
}

/* Adds `value` to the list that stands under `key`. */
static void add_under(struct listing *l, const char *key, size_t key_len, json_t *value)
{
    char name[4096];
    snprintf(name, sizeof name, "%.*s", (int)key_len, key);
    json_t *list = json_object_get(l->first, name);
    if (list == NULL) {
        list = json_array();
        l->failed |= json_object_set_new_nocheck(l->first, name, list);
    }
    l->failed |= json_array_append_new(list, value);
}

static void add_by_watcher(void *context, uint64_t watcher, struct bytes path)
{
    struct listing *l = context;
    char id[24];
    if (!count_item(l))
        return;
    number_key(id, replica_client_session(l->overview->replica, watcher));
    add_under(l, id, strlen(id), json_stringn_nocheck((const char *)path.data, path.len));
}

int commands_watches(const struct overview *o, json_t *answer)
{
    struct listing l = {.overview = o, .first = json_object()};
    watches_each_by_watcher(replica_watches(o->replica), add_by_watcher, &l);
    return l.failed | json_object_set_new(answer, "session_id_to_watched_paths", l.first);
}

static void add_by_path(void *context, uint64_t watcher, struct bytes path)
{
    struct listing *l = context;
    if (!count_item(l))
        return;
    int64_t session = replica_client_session(l->overview->replica, watcher);
    add_under(l, (const char *)path.data, path.len, json_integer(session));
}

int commands_watches_by_path(const struct overview *o, json_t *answer)
{
    struct listing l = {.overview = o, .first = json_object()};
    watches_each_by_path(replica_watches(o->replica), add_by_path, &l);
    return l.failed | json_object_set_new(answer, "path_to_session_ids", l.first);
}

static json_t *offer_of(struct listing *l, const struct local_offer *offer)
{
    json_t *object = json_object();
    l->failed |= json_object_set_new(object, "name", json_string(offer->command)) |
                 json_object_set_new(object, "help", json_string(offer->help)) |
                 json_object_set_new(object, "admin", json_boolean(offer->admin));
    return object;
}

static void add_provider(void *context, const struct local_provider_report *p)
{
    struct listing *l = context;
    json_t *object = json_object(), *commands = json_array();
    l->failed |= json_object_set_new(object, "name", json_string(p->name)) |
                 json_object_set_new(object, "description", json_string(p->description)) |
                 json_object_set_new(object, "uid", json_integer(p->uid)) |
                 json_object_set_new(object, "pid", json_integer(p->pid)) |
                 json_object_set_new(object, "calls", json_integer(p->calls));
    for (size_t i = 0; i < p->offer_count && count_item(l); i++)
        l->failed |= json_array_append_new(commands, offer_of(l, &p->offers[i]));
    l->failed |= json_object_set_new(object, "commands", commands) | json_array_append_new(l->first, object);
}

/* Who offers commands at the local door, and which. */
int commands_providers(const struct overview *o, json_t *answer)
{
    struct listing l = {.overview = o, .first = json_array()};
    if (o->doors != NULL)
        local_each_provider(doors_local(o->doors), add_provider, &l);
    return l.failed | json_object_set_new(answer, "providers", l.first);
}
