/* host_lua_prompt.c - see host_lua_prompt.h. An expression prints its values; what is not complete goes on in the next
 * line. There is one terminal in a process, and libedit's callbacks know no context: so there is one prompt. */
#include "plugins/host/host_lua_prompt.h"

#include "plugins/host/host_lua_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <editline/readline.h> /* which needs stdio.h */

enum { HISTORY_MAX = 1000, NAME_LEN = 4096 };

struct prompt {
    struct script *script;
    void (*ended)(void *context);
    void *context;
    bool is_terminal; /* else lines come from standard input, one whenever nothing is under way */
    uv_poll_t *keys;
    uv_signal_t *interrupt;
    uv_idle_t *next_line;
    char *text;        /* what was read and is not complete; NULL: nothing */
    struct task *task; /* runs; NULL: it is the reader's turn */
    char history[NAME_LEN];
};

static struct prompt *the_prompt;

static void ask_for_line(struct prompt *p);

/* -- one piece of text ------------------------------------------------------------------------------------------------
 */

static bool ends_early(lua_State *L)
{
    static const char mark[] = "<eof>";
    size_t len = 0;
    const char *message = lua_tolstring(L, -1, &len);
    return message != NULL && len >= sizeof mark - 1 && strcmp(message + len - (sizeof mark - 1), mark) == 0;
}

/* What it returned. */
static void print_results(lua_State *L, struct task *task, bool ok)
{
    struct prompt *p = task->owner;
    int count = ok ? lua_gettop(L) : 0;
    p->task = NULL;
    if (!ok && !task->cancelled)
        fprintf(stderr, "%s\n", lua_tostring(L, 1));
    for (int i = 1; i <= count; i++) {
        size_t len = 0;
        const char *text = luaL_tolstring(L, i, &len);
        if (i > 1)
            (void)fputc('\t', stdout);
        (void)fwrite(text, 1, len, stdout);
        lua_pop(L, 1);
    }
    if (count > 0)
        (void)fputc('\n', stdout);
    (void)fflush(stdout);
    ask_for_line(p);
}

struct evaluation {
    struct prompt *prompt;
    bool incomplete;
};

/* An expression first: most lines at a prompt are. */
static int evaluate(lua_State *L)
{
    struct evaluation *e = lua_touserdata(L, 1);
    const char *text = e->prompt->text;
    const char *expression = lua_pushfstring(L, "return %s", text);
    int loaded = luaL_loadbufferx(L, expression, strlen(expression), "=line", "t");
    if (loaded != LUA_OK) {
        e->incomplete = ends_early(L);
        lua_settop(L, 1);
        loaded = luaL_loadbufferx(L, text, strlen(text), "=line", "t");
    }
    if (loaded == LUA_OK) {
        e->incomplete = false;
        e->prompt->task = task_new(L, 0, print_results, e->prompt);
        return 0;
    }
    e->incomplete = loaded == LUA_ERRSYNTAX && (e->incomplete || ends_early(L));
    if (!e->incomplete)
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
    return 0;
}

static void forget_text(struct prompt *p)
{
    free(p->text);
    p->text = NULL;
}

/* Takes it over. */
static void take_line(struct prompt *p, char *line)
{
    struct evaluation e = {.prompt = p};
    char *joined = p->text == NULL ? strdup(line) : NULL;
    if (p->text != NULL && asprintf(&joined, "%s\n%s", p->text, line) < 0)
        joined = NULL;
    free(line);
    forget_text(p);
    p->text = joined;
    if (joined == NULL || !script_protected(p->script, evaluate, &e) || !e.incomplete)
        forget_text(p);
    if (p->task != NULL)
        task_run(p->task);
    else
        ask_for_line(p);
}

static void no_further_line(struct prompt *p)
{
    if (p->text != NULL)
        fprintf(stderr, "zooid: the end is missing\n");
    p->ended(p->context);
}

/* -- from a terminal --------------------------------------------------------------------------------------------------
 */

/* From libedit, with a line that is ours; NULL: the end. */
static void line_came(char *line)
{
    struct prompt *p = the_prompt;
    rl_callback_handler_remove();
    (void)uv_poll_stop(p->keys);
    if (line == NULL) {
        (void)fputc('\n', stdout);
        no_further_line(p);
        return;
    }
    if (line[strspn(line, " \t")] != '\0')
        (void)add_history(line);
    take_line(p, line);
}

static void key_came(uv_poll_t *poll, int status, int events)
{
    (void)poll;
    (void)events;
    if (status == 0)
        rl_callback_read_char();
    else
        no_further_line(the_prompt);
}

/* Ctrl-C: what runs is cancelled, or what was typed is given up. */
static void interrupted(uv_signal_t *signal, int number)
{
    struct prompt *p = signal->data;
    (void)number;
    if (p->task != NULL) {
        task_cancel(p->task);
        return;
    }
    rl_callback_handler_remove();
    (void)fputs("^C\n", stdout);
    forget_text(p);
    ask_for_line(p);
}

/* In $XDG_STATE_HOME, if that is there, else in the home directory. "": nowhere. */
static void find_history(char *file)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    file[0] = '\0';
    if (state != NULL && state[0] == '/')
        (void)snprintf(file, NAME_LEN, "%s/zooid_lua_history", state);
    else if (home != NULL && home[0] == '/')
        (void)snprintf(file, NAME_LEN, "%s/.zooid_lua_history", home);
}

static void open_terminal(struct prompt *p)
{
    the_prompt = p;
    (void)rl_initialize();
    using_history();
    stifle_history(HISTORY_MAX);
    find_history(p->history);
    if (p->history[0] != '\0')
        (void)read_history(p->history); /* there is none the first time */
}

/* -- from standard input ----------------------------------------------------------------------------------------------
 */

static void read_line(uv_idle_t *idle)
{
    struct prompt *p = idle->data;
    char *line = NULL;
    size_t size = 0;
    (void)uv_idle_stop(idle);
    if (getline(&line, &size, stdin) <= 0) {
        free(line);
        no_further_line(p);
        return;
    }
    line[strcspn(line, "\n")] = '\0';
    take_line(p, line);
}

static void ask_for_line(struct prompt *p)
{
    if (p->is_terminal) {
        rl_callback_handler_install(p->text == NULL ? "lua> " : "...> ", line_came);
        (void)uv_poll_start(p->keys, UV_READABLE, key_came);
    } else {
        (void)uv_idle_start(p->next_line, read_line);
    }
}

/* -- made and freed ---------------------------------------------------------------------------------------------------
 */

static bool init_handles(struct prompt *p, uv_loop_t *loop)
{
    p->keys = calloc(1, sizeof *p->keys);
    p->interrupt = calloc(1, sizeof *p->interrupt);
    p->next_line = calloc(1, sizeof *p->next_line);
    if (p->keys == NULL || p->interrupt == NULL || p->next_line == NULL)
        return false;
    (void)uv_idle_init(loop, p->next_line);
    p->next_line->data = p;
    if (!p->is_terminal)
        return true;
    p->interrupt->data = p;
    return uv_poll_init(loop, p->keys, STDIN_FILENO) == 0 && uv_signal_init(loop, p->interrupt) == 0 &&
           uv_signal_start(p->interrupt, interrupted, SIGINT) == 0;
}

struct prompt *prompt_new(struct script *script, uv_loop_t *loop, void (*ended)(void *context), void *context)
{
    struct prompt *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->script = script;
    p->ended = ended;
    p->context = context;
    p->is_terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    if (!init_handles(p, loop)) {
        prompt_free(p);
        return NULL;
    }
    if (p->is_terminal)
        open_terminal(p);
    ask_for_line(p);
    return p;
}

static void closed(uv_handle_t *handle)
{
    free(handle);
}

/* A handle that was not initialized has no loop. */
static void close_handle(void *handle)
{
    if (handle == NULL)
        return;
    if (((uv_handle_t *)handle)->loop == NULL)
        free(handle);
    else
        uv_close(handle, closed);
}

void prompt_free(struct prompt *p)
{
    if (p == NULL)
        return;
    if (the_prompt == p) {
        rl_callback_handler_remove();
        if (p->history[0] != '\0' && write_history(p->history) != 0)
            fprintf(stderr, "zooid: %s: %s\n", p->history, strerror(errno));
        the_prompt = NULL;
    }
    close_handle(p->keys);
    close_handle(p->interrupt);
    close_handle(p->next_line);
    forget_text(p);
    free(p);
}
