/* main.c - the command line of zooid-plugin-host: which of its jobs is wanted. */
#include "plugins/host/exit_codes.h"
#include "plugins/host/foreground.h"
#include "plugins/host/program.h"
#include "plugins/host/supervise/run.h"
#include "plugins/host/supervise/supervisor.h"

#include "bindings/c/include/zooid.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { PROGRAM_DEADLINE_MS = 10000, NICENESS = 10, OOM_SCORE = 500 };
#define DEFAULT_CONFIG "/etc/zooid/plugins.conf"

enum option_code {
    OPTION_VERSION = 256,
    OPTION_HELP,
    OPTION_PLUGIN,
    OPTION_SETTINGS,
    OPTION_NAME,
    OPTION_STATE_DIR,
    OPTION_SCRIPT,
    OPTION_PROGRAM,
    OPTION_INTERACTIVE,
    OPTION_DEADLINE,
    OPTION_SUPERVISE,
    OPTION_RUN,
    OPTION_BESIDE,
    OPTION_BEHIND,
    OPTION_CONFIG,
    OPTION_CHECK,
    OPTION_WITH_PARENT
};

static const struct option options[] = {
    {"plugin", required_argument, NULL, OPTION_PLUGIN},
    {"settings", required_argument, NULL, OPTION_SETTINGS},
    {"name", required_argument, NULL, OPTION_NAME},
    {"socket", required_argument, NULL, 'S'},
    {"state-dir", required_argument, NULL, OPTION_STATE_DIR},
    {"script", required_argument, NULL, OPTION_SCRIPT},
    {"program", required_argument, NULL, OPTION_PROGRAM},
    {"interactive", no_argument, NULL, OPTION_INTERACTIVE},
    {"deadline", required_argument, NULL, OPTION_DEADLINE},
    {"supervise", no_argument, NULL, OPTION_SUPERVISE},
    {"with-parent", required_argument, NULL, OPTION_WITH_PARENT},
    {"run", no_argument, NULL, OPTION_RUN},
    {"beside", no_argument, NULL, OPTION_BESIDE},
    {"behind", no_argument, NULL, OPTION_BEHIND},
    {"check-config", no_argument, NULL, OPTION_CHECK},
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static const char usage[] =
    "usage: zooid-plugin-host --supervise [--config FILE]\n"
    "                                          run all plugins of FILE (default: /etc/zooid/plugins.conf), each in a\n"
    "                                          process of its own or of its group\n"
    "       zooid-plugin-host --check-config [--config FILE]\n"
    "                                          say what is wrong with the settings\n"
    "       zooid-plugin-host --plugin FILE [--settings FILE] [--name NAME]\n"
    "                                          run one plugin in the foreground, with its log on standard error\n"
    "       zooid-plugin-host --script FILE [--deadline MS] [-- ARGUMENT ...]\n"
    "                                          run a script in Lua, as `zooid lua` does\n"
    "       zooid-plugin-host --program MODULE [--settings FILE] [-- ARGUMENT ...]\n"
    "                                          run a module of the library, as `zooid render` does\n"
    "       zooid-plugin-host --interactive [--deadline MS]\n"
    "                                          read Lua from a terminal\n"
    "       zooid-plugin-host --version | --help\n\n"
    "  -S, --socket PATH     the agent's local socket (default: $ZOOID_SOCKET, else /run/zooid/zooid.sock)\n"
    "      --state-dir DIR   plugins keep what outlives them below it\n";

struct command_line {
    const char *program_file, *config;
    const char *const *rest;
    size_t rest_count;
    struct foreground_options foreground;
    struct program_options program;
    enum run_after after;
    int (*job)(const struct command_line *line);
};

static int run_foreground(const struct command_line *line)
{
    return foreground_run(&line->foreground);
}

static int run_program(const struct command_line *line)
{
    struct program_options program = line->program;
    program.socket = line->foreground.socket;
    program.settings = line->foreground.settings;
    program.state_dir = line->foreground.state_dir;
    return program_run(&program);
}

static int run_supervisor(const struct command_line *line)
{
    return supervise(line->program_file, line->config);
}

static int run_check(const struct command_line *line)
{
    return supervise_check(line->config);
}

static int complain_usage(const struct command_line *line);

/* By a supervisor. */
static int run_process(const struct command_line *line)
{
    return line->rest_count == 0 ? complain_usage(line)
                                 : run_plugins(line->config, line->after, line->rest, line->rest_count);
}

static int print_version(const struct command_line *line)
{
    (void)line;
    printf("zooid-plugin-host %s\n", ZOOID_VERSION);
    return 0;
}

static int print_help(const struct command_line *line)
{
    (void)line;
    fputs(usage, stdout);
    return 0;
}

static int complain_usage(const struct command_line *line)
{
    (void)line;
    fputs(usage, stderr);
    return EXIT_USAGE;
}

static void read_deadline(struct command_line *line)
{
    char *end = NULL;
    errno = 0;
    unsigned long long ms = strtoull(optarg, &end, 10);
    if (errno == 0 && end != optarg && *end == '\0' && ms <= UINT32_MAX)
        line->program.deadline_ms = (uint32_t)ms;
    else
        line->job = complain_usage;
}

/* It ends with the agent that started it, whose number is `parent`: that may have ended already. And it is last to get
 * processor and first to lose memory, as is all that it starts: the member comes before what serves it. */
static void stand_behind_parent(const char *parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    if (getppid() != (pid_t)strtol(parent, NULL, 10))
        exit(0);
    FILE *file = fopen("/proc/self/oom_score_adj", "we");
    bool good = file != NULL && fprintf(file, "%d", OOM_SCORE) > 0;
    if (file != NULL)
        good = fclose(file) == 0 && good;
    int failed = good ? 0 : errno;
    errno = 0;
    if (nice(NICENESS) == -1 && errno != 0)
        failed = errno;
    if (failed != 0)
        fprintf(stderr, "warning plugins: they cannot be put behind the agent: %s\n", strerror(failed));
}

static void take_option(struct command_line *line, int code)
{
    switch (code) {
    case OPTION_PLUGIN:
        line->foreground.plugin = optarg;
        line->job = run_foreground;
        break;
    case OPTION_SETTINGS: line->foreground.settings = optarg; break;
    case OPTION_NAME: line->foreground.name = optarg; break;
    case OPTION_STATE_DIR: line->foreground.state_dir = optarg; break;
    case OPTION_SUPERVISE: line->job = run_supervisor; break;
    case OPTION_RUN: line->job = run_process; break;
    case OPTION_BESIDE: line->after = RUN_BESIDE; break;
    case OPTION_BEHIND: line->after = RUN_BEHIND; break;
    case OPTION_CHECK: line->job = run_check; break;
    case OPTION_WITH_PARENT: stand_behind_parent(optarg); break;
    case OPTION_CONFIG: line->config = optarg; break;
    case 'S': line->foreground.socket = optarg; break;
    case OPTION_PROGRAM:
    case OPTION_SCRIPT:
        line->program.script = optarg;
        line->program.is_module = code == OPTION_PROGRAM;
        line->job = run_program;
        break;
    case OPTION_INTERACTIVE: line->job = run_program; break;
    case OPTION_DEADLINE: read_deadline(line); break;
    case OPTION_VERSION: line->job = print_version; break;
    case OPTION_HELP: line->job = print_help; break;
    default: line->job = complain_usage; break;
    }
}

int main(int argc, char **argv)
{
    struct command_line line = {.job = complain_usage,
                                .program_file = "/proc/self/exe",
                                .config = DEFAULT_CONFIG,
                                .program = {.deadline_ms = PROGRAM_DEADLINE_MS}};
    int code;
    while ((code = getopt_long(argc, argv, "S:", options, NULL)) != -1) {
        take_option(&line, code);
        if (code == '?')
            return EXIT_USAGE;
    }
    line.program.argc = argc - optind;
    line.program.argv = argv + optind;
    line.rest = (const char *const *)(argv + optind);
    line.rest_count = (size_t)(argc - optind);
    bool takes_words = line.job == run_process || line.program.script != NULL;
    return line.rest_count > 0 && !takes_words ? complain_usage(&line) : line.job(&line);
}
