/* watch.c - changes as they happen: printed, or handed to a command. */
#include "agent/cli/child.h"
#include "agent/cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char *word_of(enum zooid_change change)
{
    static const char *const words[] = {[ZOOID_CREATED] = "created",
                                        [ZOOID_DELETED] = "deleted",
                                        [ZOOID_CHANGED] = "changed",
                                        [ZOOID_CHILDREN_CHANGED] = "children",
                                        [ZOOID_WATCH_REMOVED] = "removed"};
    return (size_t)change < sizeof words / sizeof words[0] && words[change] != NULL ? words[change] : "unknown";
}

static enum paint paint_of_change(enum zooid_change change)
{
    if (change == ZOOID_CREATED)
        return PAINT_GOOD;
    return change == ZOOID_DELETED || change == ZOOID_WATCH_REMOVED ? PAINT_BAD : PAINT_WARNING;
}

static void print_change(struct cli *cli, const zooid_event *event)
{
    const char *word = word_of(zooid_event_change(event));
    if (cli->json)
        print_json(json_pack("{s:s,s:s,s:I}", "change", word, "path", zooid_event_path(event), "zxid",
                             (json_int_t)zooid_event_zxid(event)));
    else
        printf("%s%s%s %s\n", paint(stdout, paint_of_change(zooid_event_change(event))), word,
               paint(stdout, PAINT_NONE), zooid_event_path(event));
    (void)fflush(stdout);
}

/* With the signals blocked that were before the watch. */
static int spawn(pid_t *child, const char *const *command, const sigset_t *before)
{
    posix_spawnattr_t attributes;
    int error = posix_spawnattr_init(&attributes);
    if (error != 0)
        return error;
    error = posix_spawnattr_setsigmask(&attributes, before);
    if (error == 0)
        error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    if (error == 0)
        error = posix_spawnp(child, command[0], NULL, &attributes, (char *const *)command, environ);
    (void)posix_spawnattr_destroy(&attributes);
    return error;
}

/* The command learns of the change from its environment. Its failure is told and does not end the watch. */
static int run_handler(const char *const *command, const zooid_event *event, const sigset_t *before)
{
    pid_t child = 0;
    int status = 0;
    if (setenv("ZOOID_CHANGE", word_of(zooid_event_change(event)), 1) != 0 ||
        setenv("ZOOID_PATH", zooid_event_path(event), 1) != 0)
        return EXIT_FAILED;
    int error = spawn(&child, command, before);
    if (error != 0) {
        fprintf(stderr, "zooid: %s: %s\n", command[0], strerror(error));
        return EXIT_FAILED;
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fprintf(stderr, "zooid: %s ended with %d\n", command[0], WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    return EXIT_FINE;
}

/* Until so many changes have come, or a signal, by which it then ends. */
static int follow(struct cli *cli, struct vigil *v, const struct arguments *a, int64_t count)
{
    int code = EXIT_FINE;
    while (count > 0 && code == EXIT_FINE) {
        struct vigil_news news = vigil_wait(v, 0);
        if (ends_programs(news.signal))
            return SHELL_SIGNAL + news.signal;
        if (news.event != NULL && zooid_event_kind(news.event) == ZOOID_EVENT_WATCH) {
            count--;
            if (a->count > 1)
                code = run_handler(a->words + 1, news.event, &v->before);
            else
                print_change(cli, news.event);
        }
        zooid_event_free(news.event);
    }
    return code;
}

int run_watch(struct cli *cli, const struct arguments *a)
{
    zooid_reply *reply = NULL;
    struct vigil v;
    int64_t count = INT64_MAX;
    if (a->values['n'] != NULL && !read_number(a->values['n'], "-n", 1, INT64_MAX, &count))
        return EXIT_USAGE;
    enum zooid_watch_mode mode = a->flags['R'] ? ZOOID_WATCH_RECURSIVE : ZOOID_WATCH_PERSISTENT;
    if (perform(cli, zooid_request_add_watch(a->words[0], mode), &reply) != ZOOID_OK)
        return complain(reply);
    zooid_reply_free(reply);
    if (!vigil_begin(&v, cli->client))
        return EXIT_FAILED;
    int code = follow(cli, &v, a, count);
    vigil_end(&v);
    (void)perform(cli, zooid_request_remove_watch(a->words[0]), NULL);
    return code;
}
