/* Random requests, whole and damaged, of several clients, with the log now ahead and now behind: whatever happens,
 * replies are in order and can be read, events come before what they tell of, the log replays to the same tree, every
 * digest in it was right, and in the end nobody waits. (The rig looks at all of these.) */
/* limit: 600 */
#include "core/base/check.h"
#include "core/replica/status_report.h"
#include "tests/support/random.h"
#include "tests/support/replica_rig.h"
#include "tests/support/test.h"

#include <stdlib.h>

enum { ROUNDS = 40, ROUNDS_LONG = 2000, COMMANDS = 400, CLIENTS = 5, LINE_BYTES = 1024, PARTS_MAX = 4 };

static struct random dice;

static uint32_t below(uint32_t limit)
{
    return random_below(&dice, limit);
}

#define PICK(list) (list)[below(ARRAY_LEN(list))]

static const char *random_path(void)
{
    static const char *const paths[] = {"/",
                                        "/a",
                                        "/a",
                                        "/b",
                                        "/a/x",
                                        "/a/y",
                                        "/b/x",
                                        "/a/x/deep",
                                        "/c",
                                        "/c/1",
                                        "/none/x",
                                        "/a/",
                                        "bad",
                                        "null",
                                        "\"\"",
                                        "/a//x",
                                        "/zookeeper/quota/a",
                                        "/zookeeper/quota/a/zookeeper_limits",
                                        "/zookeeper/quota/a/zookeeper_stats",
                                        "/zookeeper/config"};
    return PICK(paths);
}

static const char *random_data(void)
{
    static const char *const data[] = {"null", "\"\"", "x", "y*20", "z*300", "count=3,bytes=9=;countHardLimit=2"};
    return PICK(data);
}

static const char *random_acl(void)
{
    static const char *const acls[] = {"world:anyone:rwcda",
                                       "world:anyone:rwcda",
                                       "world:anyone:rwcda",
                                       "world:anyone:r",
                                       "auth::rwcda",
                                       "digest:u:h:rw",
                                       "none",
                                       "ip:127.0.0.1:rc,auth::wcda",
                                       "null",
                                       "world:anyone:wcda"};
    return PICK(acls);
}

/* One operation that may also stand in a multi. */
static int random_part(char *line, size_t size)
{
    int version = (int)below(4) - 1;
    switch (below(8)) {
    case 0:
    case 1:
        return snprintf(line, size, "create %s %s acl=%s flags=%u", random_path(), random_data(), random_acl(),
                        below(8));
    case 2: return snprintf(line, size, "create2 %s %s flags=%u", random_path(), random_data(), below(4));
    case 3: return snprintf(line, size, "createContainer %s", random_path());
    case 4: return snprintf(line, size, "createTTL %s flags=%u ttl=%u", random_path(), 4 + below(3), below(3000));
    case 5: return snprintf(line, size, "delete %s version=%d", random_path(), version);
    case 6: return snprintf(line, size, "check %s version=%d", random_path(), version);
    default: return snprintf(line, size, "setData %s %s version=%d", random_path(), random_data(), version);
    }
}

static void random_multi(char *line, size_t size)
{
    int used = snprintf(line, size, "multi");
    for (uint32_t i = 0, parts = below(PARTS_MAX + 1); i < parts; i++) {
        used += snprintf(line + used, size - (size_t)used, "%s", i == 0 ? " " : " ; ");
        used += random_part(line + used, size - (size_t)used);
    }
}

static void random_read(char *line, size_t size)
{
    static const char *const reads[] = {"exists", "getData", "getChildren", "getChildren2"};
    static const char *const others[] = {"getACL", "sync", "getEphemerals", "getAllChildrenNumber"};
    const char *watch = below(2) == 0 ? " watch" : "";
    if (below(2) == 0)
        snprintf(line, size, "%s %s%s", PICK(reads), random_path(), watch);
    else if (below(2) == 0)
        snprintf(line, size, "%s %s", PICK(others), random_path());
    else
        snprintf(line, size, "multiRead getData %s ; getChildren %s", random_path(), random_path());
}

static void random_watch(char *line, size_t size)
{
    static const char *const types[] = {"addWatch", "removeWatches", "checkWatches"};
    if (below(2) == 0)
        snprintf(line, size, "%s %s %u", PICK(types), random_path(), below(6));
    else
        snprintf(line, size, "setWatches2 since=%u data=/a,%s exist=/a/x,%s child=/a,%s persistent=/b recursive=%s",
                 below(200), random_path(), random_path(), random_path(), random_path());
}

/* Those that end the connection or the session are rare. */
static void random_request(char *line, size_t size)
{
    static const char *const others[] = {"ping",           "whoAmI", "auth digest u:p", "auth digest super:admin",
                                         "auth ip x",      "sasl t", "reconfig",        "setWatches exist=/a,/b",
                                         "auth digest v:q"};
    static const char *const last[] = {"closeSession",  "check /a", "auth bad x",
                                       "createSession", "raw 00",   "raw 0000000300000063"};
    uint32_t kind = below(100);
    if (kind < 35)
        random_part(line, size);
    else if (kind < 45)
        random_multi(line, size);
    else if (kind < 50)
        snprintf(line, size, "setACL %s acl=%s version=%d", random_path(), random_acl(), (int)below(3) - 1);
    else if (kind < 75)
        random_read(line, size);
    else if (kind < 87)
        random_watch(line, size);
    else if (kind < 98)
        snprintf(line, size, "%s", PICK(others));
    else
        snprintf(line, size, "%s", PICK(last));
}

static void random_connect(char *line, size_t size, uint32_t client, bool is_known)
{
    static const char *const ways[] = {"",     " session=%s", " session=%s", " session=%s password=bad",
                                       " old", " seen=40"};
    char name[8], way[64];
    snprintf(name, sizeof name, "%c", (char)('A' + (below(4) == 0 ? below(CLIENTS) : client)));
    snprintf(way, sizeof way, "%s", is_known ? PICK(ways) : "");
    char *at = strstr(way, "%s");
    if (at != NULL)
        memcpy(at, (char[]){name[0], ' '}, 2);
    snprintf(line, size, "connect %c timeout=%u%s", (char)('A' + client), 2000 + below(10000), way);
}

static void random_turn(struct rig *rig, char *line, size_t size)
{
    static const char *const turns[] = {"hold", "hold", "release", "release", "release",
                                        "full", "room", "room",    "status"};
    struct replica_status status;
    replica_status(rig_replica(rig), &status);
    uint32_t kind = below(20);
    if (kind < 4)
        snprintf(line, size, "tick %u", 1 + below(3000));
    else if (kind < 8)
        snprintf(line, size, "release %lld", (long long)status.last_zxid + (status.in_flight > 0 ? 1 : 0));
    else
        snprintf(line, size, "%s", PICK(turns));
}

static void random_command(struct rig *rig, bool known[CLIENTS], char *line, size_t size)
{
    uint32_t client = below(CLIENTS);
    const char name[] = {(char)('A' + client), '\0'};
    if (below(5) == 0) {
        random_turn(rig, line, size);
    } else if (!known[client] || !rig_is_connected(rig, name)) {
        random_connect(line, size, client, known[client]);
        known[client] = true;
    } else if (below(40) == 0) {
        snprintf(line, size, "disconnect %s", name);
    } else {
        char request[LINE_BYTES];
        random_request(request, sizeof request);
        bool is_bent = below(15) == 0 && strncmp(request, "raw", 3) != 0;
        if (is_bent)
            snprintf(line, size, "%s bent %u %.900s", name, below(1000000), request);
        else
            snprintf(line, size, "%s %.900s", name, request);
    }
}

static void set_options(struct rig *rig)
{
    static const char *const sometimes[] = {"option extended_types on",
                                            "option enforce_quota on",
                                            "option close_paths off",
                                            "option outstanding 3",
                                            "option outstanding_all 6",
                                            "option watches 4",
                                            "option txn_bytes 300",
                                            "option log_bytes 400",
                                            "option throttled_ms 500",
                                            "option sessions 8",
                                            "option container_check_ms 2000",
                                            "option never_used_ms 4000",
                                            "option log_digests on",
                                            "option apache_passwords on",
                                            "option super super:xQJmxLMiHGwaqBvst5y6rkB6HQs="};
    for (size_t i = 0; i < ARRAY_LEN(sometimes); i++)
        if (below(3) == 0)
            rig_do(rig, sometimes[i]);
}

static void play(uint64_t seed)
{
    dice = (struct random){seed};
    struct rig *rig = rig_new();
    bool known[CLIENTS] = {false};
    char line[LINE_BYTES];
    set_options(rig);
    for (int i = 0; i < COMMANDS; i++) {
        random_command(rig, known, line, sizeof line);
        if (getenv("ZOOID_SHOW") != NULL)
            print_message("%s\n", line);
        rig_do(rig, line);
    }
    rig_do(rig, "room");
    rig_do(rig, "release");
    if (!rig_replays(rig))
        fail_msg("round with seed %llu", (unsigned long long)seed);
    rig_free(rig);
}

static void random_traffic_leaves_nothing_behind(void **state)
{
    (void)state;
    struct random seeds = {random_seed()};
    int rounds = getenv("ZOOID_LONG") != NULL ? ROUNDS_LONG : ROUNDS;
    for (int i = 0; i < rounds; i++) {
        uint64_t seed = random_next(&seeds);
        if (getenv("ZOOID_SHOW") != NULL)
            print_message("# round %d\n", i);
        play(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_traffic_leaves_nothing_behind)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
