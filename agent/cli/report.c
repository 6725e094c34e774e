/* report.c - how the agent and its ensemble fare: from the admin server's commands, and from what each reply says. */
#include "agent/cli/cli.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LINE_LEN = 512 };

json_t *ask_command(struct cli *cli, const char *name, int *code)
{
    zooid_reply *reply = NULL;
    json_error_t error;
    *code = EXIT_FAILED;
    if (perform(cli, zooid_request_command(name), &reply) != ZOOID_OK) {
        *code = complain(reply);
        return NULL;
    }
    json_t *answer = json_loadb(zooid_reply_data(reply), zooid_reply_data_len(reply), 0, &error);
    zooid_reply_free(reply);
    if (answer == NULL)
        fprintf(stderr, "zooid: %s: the answer is no JSON: %s\n", name, error.text);
    return answer;
}

int run_command(struct cli *cli, const struct arguments *a)
{
    int code;
    json_t *answer = ask_command(cli, a->words[0], &code);
    if (answer == NULL)
        return code;
    char *text = json_dumps(answer,
                            cli->json ? JSON_COMPACT | JSON_PRESERVE_ORDER : JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    if (text != NULL)
        (void)puts(text);
    free(text);
    json_decref(answer);
    return EXIT_FINE;
}

/* What a report of trouble needs. Nothing of it holds data of nodes, passwords, or what the process was started with.
 */
int run_debug(struct cli *cli, const struct arguments *a)
{
    static const char *const names[] = {"monitor",   "server_stats",  "configuration", "leader",     "voting_view",
                                        "observers", "zabstate",      "last_snapshot", "dirs",       "connections",
                                        "dump",      "watch_summary", "is_read_only",  "environment"};
    json_t *commands = json_object(), *answer = commands;
    int code = EXIT_FAILED;
    (void)a;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && answer != NULL; i++)
        if ((answer = ask_command(cli, names[i], &code)) != NULL)
            (void)json_object_set_new(commands, names[i], answer);
    if (answer != NULL)
        print_json(
            json_pack("{s:s,s:I,s:O}", "version", zooid_version(), "time", (json_int_t)time(NULL), "agent", commands));
    json_decref(commands);
    return answer == NULL ? code : (int)EXIT_FINE;
}

/* -- status
 * ------------------------------------------------------------------------------------------------------------
 */

static const char *role_text(enum zooid_role role)
{
    static const char *const texts[] = {
        [ZOOID_ROLE_NONE] = "no leader",    [ZOOID_ROLE_ALONE] = "alone",       [ZOOID_ROLE_LEADER] = "leader",
        [ZOOID_ROLE_FOLLOWER] = "follower", [ZOOID_ROLE_OBSERVER] = "observer", [ZOOID_ROLE_READ_ONLY] = "read-only"};
    return (size_t)role < sizeof texts / sizeof texts[0] ? texts[role] : "unknown";
}

/* What is shown of the command `monitor`. */
static const struct {
    const char *name, *key;
} shown[] = {
    {"version", "version"},
    {"uptime_ms", "uptime"},
    {"nodes", "znode_count"},
    {"bytes", "approximate_data_size"},
    {"ephemerals", "ephemerals_count"},
    {"sessions", "global_sessions"},
    {"local_sessions", "local_sessions"},
    {"connections", "num_alive_connections"},
    {"watches", "watch_count"},
    {"outstanding", "outstanding_requests"},
    {"latency_avg_ms", "avg_latency"},
    {"latency_max_ms", "max_latency"},
};

static void print_value(const char *name, const json_t *value)
{
    if (strcmp(name, "zxid") == 0)
        printf("%-16s 0x%" PRIx64 "\n", name, (uint64_t)json_integer_value(value));
    else if (json_is_string(value))
        printf("%-16s %s\n", name, json_string_value(value));
    else if (json_is_real(value))
        printf("%-16s %.3f\n", name, json_real_value(value));
    else
        printf("%-16s %" JSON_INTEGER_FORMAT "\n", name, json_integer_value(value));
}

int run_status(struct cli *cli, const struct arguments *a)
{
    zooid_reply *reply = NULL;
    int code;
    (void)a;
    if (perform(cli, zooid_request_exists("/"), &reply) != ZOOID_OK)
        return complain(reply);
    json_t *object = json_pack("{s:s,s:I,s:I}", "role", role_text(zooid_reply_role(reply)), "zxid",
                               (json_int_t)zooid_reply_zxid(reply), "leader_heard_ms",
                               (json_int_t)zooid_reply_age_ms(reply));
    zooid_reply_free(reply);
    json_t *answer = ask_command(cli, "monitor", &code);
    for (size_t i = 0; answer != NULL && i < sizeof shown / sizeof shown[0]; i++) {
        json_t *value = json_object_get(answer, shown[i].key);
        if (value != NULL)
            (void)json_object_set(object, shown[i].name, value);
    }
    const char *name;
    json_t *value;
    if (answer != NULL && !cli->json)
        json_object_foreach(object, name, value) print_value(name, value);
    if (answer != NULL && cli->json)
        print_json(json_incref(object));
    json_decref(object);
    json_decref(answer);
    return answer == NULL ? code : (int)EXIT_FINE;
}

/* -- members
 * -----------------------------------------------------------------------------------------------------------
 */

/* "server.1=host:2888:3888:participant;0.0.0.0:2181": the parts of it, in place. False: it is no such line. */
static bool take_member(char *line, char **id, char **address, char **role, char **client)
{
    char *equals = strchr(line, '=');
    if (strncmp(line, "server.", 7) != 0 || equals == NULL)
        return false;
    *equals = '\0';
    *id = line + 7;
    *address = equals + 1;
    *client = strchr(*address, ';');
    if (*client != NULL)
        *(*client)++ = '\0';
    *role = strrchr(*address, ':');
    if (*role == NULL)
        return false;
    *(*role)++ = '\0';
    return true;
}

static void show_member(char *line, json_int_t leader, bool json, json_t *list)
{
    char *id, *address, *role, *client;
    if (!take_member(line, &id, &address, &role, &client))
        return;
    json_int_t number = strtoll(id, NULL, 10);
    bool leads = leader != 0 && number == leader;
    if (json)
        (void)json_array_append_new(list, json_pack("{s:I,s:s,s:s,s:s?,s:b}", "id", number, "role", role, "address",
                                                    address, "client", client, "leads", (int)leads));
    else
        printf("%-6s %-12s %-6s %-28s %s\n", id, role, leads ? "leads" : "", address, client == NULL ? "-" : client);
}

int run_members(struct cli *cli, const struct arguments *a)
{
    zooid_reply *reply = NULL;
    int code;
    (void)a;
    if (perform(cli, zooid_request_get("/zookeeper/config"), &reply) != ZOOID_OK)
        return complain(reply);
    size_t len = zooid_reply_data_len(reply);
    char *text = len == 0 ? strdup("") : strndup(zooid_reply_data(reply), len), *rest = text, *line;
    zooid_reply_free(reply);
    json_t *leader = text == NULL ? NULL : ask_command(cli, "leader", &code);
    if (leader == NULL) {
        free(text);
        return text == NULL ? complain(NULL) : code;
    }
    json_t *list = cli->json ? json_array() : NULL;
    if (!cli->json && strncmp(text, "server.", 7) == 0)
        printf("%-6s %-12s %-6s %-28s %s\n", "id", "role", "", "address", "client");
    while ((line = strsep(&rest, "\n")) != NULL)
        show_member(line, json_integer_value(json_object_get(leader, "leader_id")), cli->json, list);
    if (cli->json)
        print_json(list);
    json_decref(leader);
    free(text);
    return EXIT_FINE;
}

/* -- sessions
 * ----------------------------------------------------------------------------------------------------------
 */

/* Where the session's client is connected, if it is connected here. */
static const char *address_of(const json_t *connections, json_int_t session)
{
    static const char *const lists[] = {"connections", "secure_connections"};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        const json_t *list = json_object_get(connections, lists[i]);
        for (size_t n = 0; n < json_array_size(list); n++) {
            const json_t *one = json_array_get(list, n);
            if (json_integer_value(json_object_get(one, "session_id")) == session)
                return json_string_value(json_object_get(one, "remote_socket_address"));
        }
    }
    return NULL;
}

static void show_session(const struct cli *cli, json_int_t session, const json_t *paths, const char *address,
                         json_t *list)
{
    if (cli->json)
        (void)json_array_append_new(
            list, json_pack("{s:I,s:s?,s:O?}", "session", session, "client", address, "ephemerals", paths));
    else
        printf("0x%016" PRIx64 " %10zu  %s\n", (uint64_t)session, json_array_size(paths),
               address == NULL ? "-" : address);
}

int run_sessions(struct cli *cli, const struct arguments *a)
{
    int code;
    (void)a;
    json_t *dump = ask_command(cli, "dump", &code);
    json_t *connections = dump == NULL ? NULL : ask_command(cli, "connections", &code);
    if (connections == NULL) {
        json_decref(dump);
        return code;
    }
    json_t *list = cli->json ? json_array() : NULL, *ids;
    const json_t *ephemerals = json_object_get(dump, "session_id_to_ephemeral_paths");
    const char *when;
    if (!cli->json)
        printf("%-18s %10s  %s\n", "session", "ephemerals", "client");
    json_object_foreach(json_object_get(dump, "expiry_time_to_session_ids"), when, ids)
    {
        for (size_t i = 0; i < json_array_size(ids); i++) {
            char key[24];
            json_int_t session = json_integer_value(json_array_get(ids, i));
            (void)snprintf(key, sizeof key, "%" JSON_INTEGER_FORMAT, session);
            show_session(cli, session, json_object_get(ephemerals, key), address_of(connections, session), list);
        }
    }
    if (cli->json)
        print_json(list);
    json_decref(connections);
    json_decref(dump);
    return EXIT_FINE;
}
