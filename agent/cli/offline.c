/* offline.c - what is done without an agent that runs: zooid-agent itself does it, as another program; and scripts in
 * Lua and the plugin render, which zooid-plugin-host runs. */
#include "agent/cli/cli.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS_MAX = 8 };

extern char **environ;

/* Beside this program, or where packages put it; else the shell's way. */
static void find_program(const char *name, char path[PATH_MAX])
{
    static const char *const places[] = {"", "../sbin/"};
    char own[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", own, sizeof own - 1);
    char *slash = NULL;
    if (n > 0) {
        own[n] = '\0';
        slash = strrchr(own, '/');
    }
    if (slash != NULL)
        slash[1] = '\0';
    for (size_t i = 0; slash != NULL && i < sizeof places / sizeof places[0]; i++)
        if (snprintf(path, PATH_MAX, "%s%s%s", own, places[i], name) < PATH_MAX && access(path, X_OK) == 0)
            return;
    (void)snprintf(path, PATH_MAX, "%s", name);
}

int run_agent_program(const char *const *words)
{
    char path[PATH_MAX];
    char *argv[WORDS_MAX + 2] = {path};
    for (size_t i = 0; i < WORDS_MAX && words[i] != NULL; i++)
        argv[i + 1] = (char *)(uintptr_t)words[i];
    find_program("zooid-agent", path);
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        (void)execvp(path, argv);
        fprintf(stderr, "zooid: %s: %s\n", path, strerror(errno));
        _exit(EXIT_FAILED);
    }
    int status;
    pid_t ended;
    do
        ended = child < 0 ? -1 : waitpid(child, &status, 0);
    while (ended < 0 && child > 0 && errno == EINTR);
    if (ended < 0) {
        fprintf(stderr, "zooid: %s: %s\n", path, strerror(errno));
        return EXIT_FAILED;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? EXIT_FINE : EXIT_FAILED;
}

bool has_snapshot(const char *directory)
{
    char path[PATH_MAX];
    bool found = false;
    (void)snprintf(path, sizeof path, "%s/version-2", directory);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return false;
    for (const struct dirent *entry; !found && (entry = readdir(dir)) != NULL;)
        found = strncmp(entry->d_name, "snapshot.", 9) == 0;
    (void)closedir(dir);
    return found;
}

int run_restore(struct cli *cli, const struct arguments *a)
{
    const char *words[WORDS_MAX + 1] = {"--restore", a->words[0]};
    size_t count = 2;
    (void)cli;
    if (a->flags['u']) {
        words[count++] = "--until";
        words[count++] = a->values['u'];
    }
    words[count++] = "--";
    for (int i = 1; i < a->count; i++)
        words[count++] = a->words[i];
    return run_agent_program(words);
}

/* This process becomes zooid-plugin-host, with these words, then the socket, and what is its program's own behind
 * `--`. Returns only when it cannot. */
static int become_host(const struct cli *cli, const char *const *words, const char *const *own, size_t own_count)
{
    char path[PATH_MAX];
    char **argv = calloc(WORDS_MAX + own_count + 4, sizeof *argv);
    size_t count = 0;
    if (argv == NULL)
        return complain(NULL);
    find_program("zooid-plugin-host", path);
    argv[count++] = path;
    for (size_t i = 0; i < WORDS_MAX && words[i] != NULL; i++)
        argv[count++] = (char *)(uintptr_t)words[i];
    if (cli->socket != NULL) {
        argv[count++] = (char *)(uintptr_t) "--socket";
        argv[count++] = (char *)(uintptr_t)cli->socket;
    }
    argv[count++] = (char *)(uintptr_t) "--";
    for (size_t i = 0; i < own_count; i++)
        argv[count++] = (char *)(uintptr_t)own[i];
    (void)execvp(path, argv);
    fprintf(stderr, "zooid: %s: %s\n", path, strerror(errno));
    free(argv);
    return EXIT_FAILED;
}

int run_lua(struct cli *cli, const struct arguments *a)
{
    char deadline[sizeof "4294967295"];
    const char *words[WORDS_MAX + 1] = {"--deadline", deadline, a->count == 0 ? "--interactive" : "--script",
                                        a->count == 0 ? NULL : a->words[0]};
    if (cli->interactive)
        return complain_usage("this is the shell; scripts in Lua are run without it");
    (void)snprintf(deadline, sizeof deadline, "%u", cli->deadline_ms);
    return become_host(cli, words, a->words + (a->count > 0), (size_t)(a->count > 0 ? a->count - 1 : 0));
}

int run_render(struct cli *cli, const struct arguments *a)
{
    char wait[sizeof "4294967295"];
    const char *words[WORDS_MAX + 1] = {"--program", "zooid.render.program", "--settings", a->words[0]};
    const char **own = calloc((size_t)a->count + 3, sizeof *own);
    if (own == NULL)
        return complain(NULL);
    if (cli->interactive) {
        free(own);
        return complain_usage("this is the shell; files are rendered without it");
    }
    (void)snprintf(wait, sizeof wait, "%u", cli->deadline_ms);
    own[0] = a->flags['n'] ? "diff" : a->flags['1'] ? "once" : "run";
    own[1] = wait;
    own[2] = a->flags['f'] ? a->values['f'] : "-";
    for (int i = 1; i < a->count; i++)
        own[i + 2] = a->words[i];
    int code = become_host(cli, words, own, (size_t)a->count + 2);
    free(own);
    return code;
}
