/* failover.c - from a signal to the leader until a write succeeds elsewhere.
 *
 * Sends the signal, SIGKILL or SIGSTOP, and at once begins to ask the others to set a node, each attempt with a session
 * of its own (lib/attempts.h), until one write is acknowledged. Prints one line of JSON. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/bench/lib/attempts.h"
#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/options.h"
#include "tests/bench/lib/session.h"

static void make_node(const struct servers *servers, const char *path)
{
    int session = session_open(servers_endpoint(servers, 0));
    if (session < 0)
        die_errno("no session");
    session_need_node(session, path, NULL, 0);
    session_close(session);
}

static uint64_t wait_for_write(const struct attempts_plan *plan, uint64_t start, uint64_t limit_s)
{
    struct attempts *attempts = attempts_new(plan);
    while (!attempts_step(attempts)) {
        if (clock_ns() - start > limit_s * NS_PER_S)
            die("no write succeeded within %u s", (unsigned)limit_s);
    }
    uint64_t elapsed = clock_ns() - start;
    attempts_free(attempts);
    return elapsed;
}

int main(int argc, char **argv)
{
    const char *survivors = NULL, *victim = NULL;
    uint64_t limit_s = 120;
    bool stop = false;
    const struct option_row rows[] = {
        {"server", "host:port,... of the members that stay", .text = &survivors},
        {"pid", "of the member that goes", .text = &victim},
        {"stop", "SIGSTOP in place of SIGKILL", .flag = &stop},
        {"limit", "give up after so many seconds", .number = &limit_s},
    };
    if (options_parse(argc, argv, "failover: a member goes, the others go on", rows, sizeof rows / sizeof rows[0]) !=
            argc ||
        survivors == NULL || victim == NULL)
        die("--server and --pid are needed (see --help)");
    struct servers servers = servers_parse(survivors, victim);
    const struct attempts_plan plan = {.servers = &servers, .op = WIRE_SET_DATA, .path = "/bench-failover"};
    make_node(&servers, plan.path);
    uint64_t start = clock_ns();
    if (kill(servers.pids[0], stop ? SIGSTOP : SIGKILL) != 0)
        die_errno("the member cannot be sent a signal");
    (void)printf("{\"ms\":%.2f}\n", (double)wait_for_write(&plan, start, limit_s) / NS_PER_MS);
    return 0;
}
