/* shell.c - commands line by line: from a terminal with history and completion (libedit), else from standard input. */
#include "agent/cli/cli.h"
#include "agent/cli/complete.h"

#include <errno.h>
#include <histedit.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS_MAX = 64, HISTORY_MAX = 1000, NAME_LEN = 4096 };

/* -- one line
 * ----------------------------------------------------------------------------------------------------------
 */

static void print_summary(void)
{
    for (size_t i = 0; command_at(i) != NULL; i++)
        if (command_at(i)->run != run_shell)
            printf("%s\n        %s\n", command_at(i)->usage, command_at(i)->help);
    printf("help, quit\n");
}

/* Its exit code. *quit: it was the last one. */
static int run_line(struct cli *cli, char *line, bool *quit)
{
    char *words[WORDS_MAX + 1];
    struct arguments a;
    int count = line[0] == '#' ? 0 : split_words(line, words, WORDS_MAX);
    if (count < 0)
        return complain_usage("a quote is not closed, or there are more than %d words", WORDS_MAX);
    if (count == 0)
        return EXIT_FINE;
    words[count] = NULL; /* commands that run another one hand its words on */
    *quit = strcmp(words[0], "quit") == 0 || strcmp(words[0], "exit") == 0;
    if (*quit)
        return EXIT_FINE;
    if (strcmp(words[0], "help") == 0) {
        print_summary();
        return EXIT_FINE;
    }
    const struct command *command = command_take(words, count, &a);
    if (command == NULL)
        return EXIT_USAGE;
    if (command->run == run_shell)
        return complain_usage("this is the shell");
    return command->run(cli, &a);
}

/* -- from standard input
 * -----------------------------------------------------------------------------------------------
 */

static int read_input(struct cli *cli)
{
    char *line = NULL;
    size_t cap = 0;
    int code = EXIT_FINE;
    bool quit = false;
    while (!quit && getline(&line, &cap, stdin) > 0) {
        line[strcspn(line, "\n")] = '\0';
        int one = run_line(cli, line, &quit);
        code = quit ? code : one;
        (void)fflush(stdout);
    }
    free(line);
    return code;
}

/* -- from a terminal
 * ---------------------------------------------------------------------------------------------------
 */

struct terminal {
    EditLine *line;
    History *history;
    HistEvent event;
    char file[NAME_LEN]; /* "": history is not kept */
};

static char *prompt(EditLine *line)
{
    static char text[] = "zooid> ";
    (void)line;
    return text;
}

/* In $XDG_STATE_HOME or ~/.local/state, if that is there, else in the home directory. */
static void find_file(char *file)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    file[0] = '\0';
    if (state != NULL && state[0] == '/')
        (void)snprintf(file, NAME_LEN, "%s/zooid_history", state);
    else if (home != NULL && home[0] == '/')
        (void)snprintf(file, NAME_LEN, "%s/.zooid_history", home);
}

static bool open_terminal(struct terminal *t, struct cli *cli)
{
    t->history = history_init();
    t->line = el_init("zooid", stdin, stdout, stderr);
    if (t->history == NULL || t->line == NULL)
        return false;
    (void)history(t->history, &t->event, H_SETSIZE, HISTORY_MAX);
    (void)history(t->history, &t->event, H_SETUNIQUE, 1);
    find_file(t->file);
    if (t->file[0] != '\0')
        (void)history(t->history, &t->event, H_LOAD, t->file);
    (void)el_set(t->line, EL_PROMPT, prompt);
    (void)el_set(t->line, EL_EDITOR, "emacs");
    (void)el_set(t->line, EL_SIGNAL, 1);
    (void)el_set(t->line, EL_HIST, history, t->history);
    (void)el_set(t->line, EL_CLIENTDATA, cli);
    (void)el_wset(t->line, EL_ADDFN, L"zooid-complete", L"complete commands and paths", complete_at_cursor);
    (void)el_set(t->line, EL_BIND, "^I", "zooid-complete", NULL);
    (void)el_source(t->line, NULL);
    return true;
}

static void close_terminal(struct terminal *t)
{
    if (t->history != NULL && t->file[0] != '\0' && history(t->history, &t->event, H_SAVE, t->file) < 0)
        fprintf(stderr, "zooid: %s: %s\n", t->file, strerror(errno));
    if (t->line != NULL)
        el_end(t->line);
    if (t->history != NULL)
        history_end(t->history);
}

static int read_terminal(struct cli *cli)
{
    struct terminal t = {.line = NULL};
    bool good = open_terminal(&t, cli), quit = !good;
    int code = good ? (int)EXIT_FINE : complain(NULL);
    while (!quit) {
        int len = 0;
        const char *typed = el_gets(t.line, &len);
        char *line = typed == NULL || len <= 0 ? NULL : strndup(typed, strcspn(typed, "\n"));
        if (line == NULL)
            break;
        if (line[0] != '\0')
            (void)history(t.history, &t.event, H_ENTER, line);
        int one = run_line(cli, line, &quit);
        code = quit ? code : one;
        (void)fflush(stdout);
        free(line);
    }
    close_terminal(&t);
    return code;
}

int run_shell(struct cli *cli, const struct arguments *a)
{
    (void)a;
    cli->interactive = true;
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) ? read_terminal(cli) : read_input(cli);
}
