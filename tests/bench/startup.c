/* startup.c - from exec to the first answer that counts.
 *
 * Starts the server named behind `--`, or the members of an ensemble with `--` between their commands, and asks them
 * one thing until one grants it (lib/attempts.h): a create or a set that must be acknowledged, or a getData that must
 * succeed. At the end the servers are killed with SIGKILL, or left running with --leave. Prints one line of JSON. */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/lib/attempts.h"
#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/options.h"

struct settings {
    const char *server, *path, *output;
    uint64_t limit_s;
    bool reads, sets, leave;
};

static pid_t start_server(const struct settings *s, char **command)
{
    pid_t pid = fork();
    if (pid < 0)
        die_errno("fork");
    if (pid != 0)
        return pid;
    int output = open(s->output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (output < 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
        die_errno("%s", s->output);
    if (!s->leave && prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        die_errno("prctl");
    (void)execvp(command[0], command);
    die_errno("%s cannot be run", command[0]);
}

/* Each `--` among the words ends a command. */
static void start_servers(const struct settings *s, char **words, struct servers *servers)
{
    while (*words != NULL) {
        char **command = words;
        while (*words != NULL && strcmp(*words, "--") != 0)
            words++;
        if (*words != NULL)
            *words++ = NULL;
        if (*command == NULL || servers->process_count == SERVERS_MAX)
            die("a command is empty, or there are more than %d", SERVERS_MAX);
        servers->pids[servers->process_count++] = start_server(s, command);
    }
}

/* SIGKILL and the end of every server. */
static void kill_servers(const struct servers *servers)
{
    for (uint32_t i = 0; i < servers->process_count; i++) {
        if (kill(servers->pids[i], SIGKILL) != 0 || waitpid(servers->pids[i], NULL, 0) != servers->pids[i])
            die_errno("a server cannot be killed");
    }
}

/* Dies when a server has ended or the time is up. */
static void give_up(const struct settings *s, const struct servers *servers, uint64_t start)
{
    int status;
    for (uint32_t i = 0; i < servers->process_count; i++) {
        if (waitpid(servers->pids[i], &status, WNOHANG) == servers->pids[i])
            die("a server ended before it served (status %d); see %s", status, s->output);
    }
    if (clock_ns() - start < s->limit_s * NS_PER_S)
        return;
    kill_servers(servers);
    die("not served within %u s", (unsigned)s->limit_s);
}

static uint64_t wait_for_service(const struct settings *s, const struct servers *servers, uint64_t start)
{
    const struct attempts_plan plan = {
        .servers = servers,
        .op = s->reads ? WIRE_GET_DATA : (s->sets ? WIRE_SET_DATA : WIRE_CREATE),
        .path = s->path,
    };
    struct attempts *attempts = attempts_new(&plan);
    while (!attempts_step(attempts))
        give_up(s, servers, start);
    uint64_t elapsed = clock_ns() - start;
    attempts_free(attempts);
    return elapsed;
}

static void print(const struct servers *servers, uint64_t elapsed)
{
    (void)printf("{\"pids\":[");
    for (uint32_t i = 0; i < servers->process_count; i++)
        (void)printf("%s%d", i == 0 ? "" : ",", servers->pids[i]);
    (void)printf("],\"ms\":%.2f,\"server_cpu_ms\":%.2f,", (double)elapsed / NS_PER_MS,
                 (double)servers_cpu_ns(servers) / NS_PER_MS);
    process_memory_print("server_", servers_memory(servers));
    (void)printf("}\n");
}

int main(int argc, char **argv)
{
    struct settings s = {.path = "/bench-started", .output = "/dev/null", .limit_s = 120};
    const struct option_row rows[] = {
        {"server", "host:port where the command will listen; some with commas between", .text = &s.server},
        {"path", "of the node to create, set or get", .text = &s.path},
        {"get", "get a node that is there, do not create one", .flag = &s.reads},
        {"set", "set a node that is there", .flag = &s.sets},
        {"output", "file that takes what the servers print", .text = &s.output},
        {"limit", "give up after so many seconds", .number = &s.limit_s},
        {"leave", "do not kill the servers at the end", .flag = &s.leave},
    };
    int first = options_parse(argc, argv, "startup: [options] -- command... [-- command...]", rows,
                              sizeof rows / sizeof rows[0]);
    if (s.server == NULL || first >= argc || strlen(s.path) > ATTEMPT_PATH_MAX)
        die("--server and a command are needed (see --help)");
    struct servers servers = servers_parse(s.server, NULL);
    uint64_t start = clock_ns();
    start_servers(&s, argv + first, &servers);
    uint64_t elapsed = wait_for_service(&s, &servers, start);
    print(&servers, elapsed);
    if (!s.leave)
        kill_servers(&servers);
    return 0;
}
