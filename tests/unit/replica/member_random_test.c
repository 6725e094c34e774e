/* Random clients at the members of an ensemble whose links stall and break and whose disks stand still: sessions local
 * and not, taken up here and there, upgraded, closed, left to expire. Whatever happens, replies are in order, and in
 * the end all members have the same tree, whose ephemerals belong to sessions that live. (The rigs look at all of
 * these.) */
/* limit: 600 */
#include "core/base/check.h"
#include "tests/support/ensemble_rig.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 300, ROUNDS_LONG = 20000, COMMANDS = 120, CLIENTS = 12, MEMBERS = 4, LINE_BYTES = 128 };

static struct random dice;

/* Where each client is: 0: nowhere yet. */
static unsigned places[CLIENTS];

static unsigned below(unsigned limit)
{
    return random_below(&dice, limit);
}

static void command(struct ensemble_rig *e, const char *line)
{
    if (getenv("ZOOID_SHOW") != NULL)
        print_message("%s\n", line);
    ensemble_rig_do(e, line);
}

/* A new one, or one that takes over the session of another, which may still be connected. */
static void connect_one(struct ensemble_rig *e, unsigned client)
{
    static const char *const time_outs[] = {"2000", "4000", "9000", "60000"};
    char line[LINE_BYTES], session[32] = "";
    unsigned of = below(CLIENTS), sid = 1 + below(MEMBERS);
    if (places[of] != 0 && below(2) == 0)
        snprintf(session, sizeof session, "session=%c", (char)('A' + of));
    if (places[client] != 0 && ensemble_rig_is_connected(e, places[client], (char[]){(char)('A' + client), '\0'})) {
        snprintf(line, sizeof line, "%u disconnect %c", places[client], (char)('A' + client));
        command(e, line);
    }
    snprintf(line, sizeof line, "%u connect %c timeout=%s %s%s", sid, (char)('A' + client),
             time_outs[below(ARRAY_LEN(time_outs))], session, below(4) == 0 ? " read-only" : "");
    places[client] = sid;
    command(e, line);
}

static void ask(struct ensemble_rig *e, unsigned client)
{
    static const char *const requests[] = {"create /a flags=1",
                                           "create /b- flags=3",
                                           "create /a/c",
                                           "create /d",
                                           "delete /d",
                                           "setData /a x",
                                           "exists /a watch",
                                           "getData /d",
                                           "sync /",
                                           "ping",
                                           "getEphemerals null",
                                           "closeSession",
                                           "addWatch / 1",
                                           "delete /a",
                                           "multi create /m ; create /n flags=1",
                                           "multi delete /m ; delete /n",
                                           "getChildren / watch"};
    char line[LINE_BYTES];
    snprintf(line, sizeof line, "%u %c %s", places[client], (char)('A' + client), requests[below(ARRAY_LEN(requests))]);
    command(e, line);
}

static void disturb(struct ensemble_rig *e)
{
    static const char *const ticks[] = {"tick 50", "tick 400", "tick 400", "tick 1500", "tick 6000", "tick 20000"};
    char line[LINE_BYTES];
    unsigned a = 1 + below(MEMBERS), b = 1 + below(MEMBERS);
    switch (below(8)) {
    case 0: snprintf(line, sizeof line, "stall %u->%u", a, b); break;
    case 1:
    case 2: snprintf(line, sizeof line, "go %u->%u", a, b); break;
    case 3: snprintf(line, sizeof line, "%u %s", a, below(3) == 0 ? "hold" : "release"); break;
    case 4: snprintf(line, sizeof line, "%s %u", below(2) == 0 ? "cut" : "heal", a); break;
    default: snprintf(line, sizeof line, "%s", ticks[below(ARRAY_LEN(ticks))]); break;
    }
    if (a != b || line[0] != 's')
        command(e, line);
}

static void mend(struct ensemble_rig *e)
{
    char line[LINE_BYTES];
    for (unsigned a = 1; a <= MEMBERS; a++) {
        for (unsigned b = 1; b <= MEMBERS; b++) {
            snprintf(line, sizeof line, "go %u->%u", a, b);
            command(e, line);
        }
        snprintf(line, sizeof line, "%u release", a);
        command(e, line);
        snprintf(line, sizeof line, "heal %u", a);
        command(e, line);
    }
    command(e, "tick 120000");
}

static void play(uint64_t seed)
{
    dice = (struct random){seed};
    memset(places, 0, sizeof places);
    struct ensemble_rig *e = ensemble_rig_new();
    ensemble_rig_do(e, below(3) == 0 ? "option local_sessions off" : "option local_sessions on");
    ensemble_rig_do(e, below(3) == 0 ? "option upgrading off" : "option upgrading on");
    ensemble_rig_do(e, below(2) == 0 ? "option read_only off" : "option read_only on");
    if (below(3) == 0)
        ensemble_rig_do(e, "option zxids 30");
    ensemble_rig_do(e, "ensemble 3 1");
    for (int i = 0; i < COMMANDS; i++) {
        unsigned client = below(CLIENTS);
        char name[] = {(char)('A' + client), '\0'};
        bool is_there = places[client] != 0 && ensemble_rig_is_connected(e, places[client], name);
        if (below(4) == 0)
            disturb(e);
        else if (is_there && below(8) != 0)
            ask(e, client);
        else
            connect_one(e, client);
    }
    mend(e);
    const char *complaint = ensemble_rig_complaint(e);
    if (complaint != NULL)
        fail_msg("round with seed %llu: %s", (unsigned long long)seed, complaint);
    if (!ensemble_rig_serves(e))
        fail_msg("round with seed %llu: not all members serve", (unsigned long long)seed);
    ensemble_rig_free(e);
}

static void random_sessions_leave_nothing_behind(void **state)
{
    (void)state;
    struct random seeds = {random_seed()};
    int rounds = getenv("ZOOID_LONG") != NULL ? ROUNDS_LONG : ROUNDS;
    const char *one = getenv("ZOOID_ROUND");
    if (one != NULL) {
        play(strtoull(one, NULL, 10));
        return;
    }
    for (int i = 0; i < rounds; i++)
        play(random_next(&seeds));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_sessions_leave_nothing_behind)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
