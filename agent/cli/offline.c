/* offline.c - what is done without an agent that runs: zooid-agent itself does it, as another program; and scripts in
 * Lua and the plugin render, which zooid-plugin-host runs. */
#include "agent/cli/cli.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
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

/* What it prints goes to `to`. */
static pid_t start_program(char path[PATH_MAX], const char *const *words, int to)
{
    char *argv[WORDS_MAX + 2] = {path};
    for (size_t i = 0; i < WORDS_MAX && words[i] != NULL; i++)
        argv[i + 1] = (char *)(uintptr_t)words[i];
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (to == STDOUT_FILENO || dup2(to, STDOUT_FILENO) >= 0)
            (void)execvp(path, argv);
        fprintf(stderr, "zooid: %s: %s\n", path, strerror(errno));
        _exit(EXIT_FAILED);
    }
    return child;
}

static int wait_for(pid_t child, const char *path)
{
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

/* Whether the text is such a count and a zxid. */
static bool read_count(const char *text, const char *unit, json_int_t *count, json_int_t *zxid)
{
    char *end, *last;
    *count = (json_int_t)strtoull(text, &end, 10);
    if (end == text || strncmp(end, unit, strlen(unit)) != 0)
        return false;
    const char *at = end + strlen(unit);
    *zxid = (json_int_t)strtoull(at, &last, 16);
    return last != at;
}

/* "DIRECTORY: restored: 12 znodes, zxid 0x2a", and lines before it, as an object. */
static json_t *read_outcome(FILE *from, const struct agent_outcome *outcome)
{
    char *line = NULL;
    size_t room = 0;
    json_t *notes = json_array(), *object = json_object();
    while (getline(&line, &room, from) > 0) {
        json_int_t count, zxid;
        line[strcspn(line, "\n")] = '\0';
        const char *said = strstr(line, outcome->behind);
        if (said != NULL && read_count(said + strlen(outcome->behind), outcome->unit, &count, &zxid))
            (void)json_object_update_new(object, json_pack("{s:s%,s:I,s:I}", "directory", line, (size_t)(said - line),
                                                           outcome->counted, count, "zxid", zxid));
        else
            (void)json_array_append_new(notes, json_string(line));
    }
    free(line);
    if (json_array_size(notes) > 0)
        (void)json_object_set(object, "notes", notes);
    json_decref(notes);
    return object;
}

int run_agent_program(const struct cli *cli, const char *const *words, const struct agent_outcome *outcome)
{
    char path[PATH_MAX];
    int ends[2];
    find_program("zooid-agent", path);
    if (!cli->json)
        return wait_for(start_program(path, words, STDOUT_FILENO), path);
    bool has_pipe = pipe2(ends, O_CLOEXEC) == 0;
    FILE *from = has_pipe ? fdopen(ends[0], "r") : NULL;
    if (from == NULL) {
        fprintf(stderr, "zooid: %s\n", strerror(errno));
        for (size_t i = 0; has_pipe && i < 2; i++)
            (void)close(ends[i]);
        return EXIT_FAILED;
    }
    pid_t child = start_program(path, words, ends[1]);
    (void)close(ends[1]);
    json_t *object = read_outcome(from, outcome);
    (void)fclose(from);
    int code = wait_for(child, path);
    if (code == EXIT_FINE)
        print_json(object);
    else
        json_decref(object);
    return code;
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
    if (a->flags['u']) {
        words[count++] = "--until";
        words[count++] = a->values['u'];
    }
    words[count++] = "--";
    for (int i = 1; i < a->count; i++)
        words[count++] = a->words[i];
    static const struct agent_outcome outcome = {": restored: ", " znodes, zxid 0x", "nodes"};
    return run_agent_program(cli, words, &outcome);
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
