/* cli.h - what the files of the command `zooid` share.
 *
 *   main.c      its own options, the connection, exit codes
 *   commands.c  the table of commands, and command lines taken apart
 *   words.c     a line taken apart into words
 *   read.c      get, ls, stat, sync, acl, whoami
 *   write.c     set, create, delete, acl set
 *   multi.c     several of these from a file, all or none
 *   report.c    status, members, sessions, command, debug
 *   plugin.c    commands that plugins offer; check.c  those of the plugin health, in short
 *   monitor.c   the agent's log as it is written
 *   bench.c     how fast the agent answers
 *   service.c   services, by the plugin discovery
 *   shell.c     commands from a terminal (complete.c: the word that is begun)
 *   watch.c     watch, with a command for each change
 *   backup.c    backup; offline.c: restore, and what else zooid-agent does without a running one; lua, render
 *   hold.c      lock, elect, semaphore: who has it, or a command while it is held (child.c)
 *   output.c    the same for people and, as JSON, for programs; table.c: any JSON for people */
#pragma once

#include "bindings/c/include/zooid.h"

#include <stdio.h>

/* What scripts can use; in zooid(1). */
enum exit_code {
    EXIT_FINE = 0,
    EXIT_FAILED = 1,    /* the agent refused it, or it cannot be done */
    EXIT_USAGE = 2,     /* the command line is wrong */
    EXIT_NO_NODE = 3,   /* no such node, no such plugin or command of one */
    EXIT_NO_AGENT = 4,  /* no agent, or it does not serve */
    EXIT_CONFLICT = 5,  /* the version does not match, or the node is there already */
    EXIT_FORBIDDEN = 6, /* an ACL, or a setting of the agent, does not permit it */
    EXIT_NOT_HELD = 7,  /* another has the lock */
    EXIT_LOST = 8,      /* the lock was lost, and the command killed */
};

/* What every command is given. */
struct cli {
    zooid_client *client;
    bool json;
    bool latest;      /* reads are linearizable */
    bool interactive; /* in the shell: standard input is its own */
    uint32_t deadline_ms, session_ms;
    const char *socket; /* NULL: the usual one */
};

/* A command's own options, by their letters; values of those that have one. */
struct arguments {
    bool flags[128];
    const char *values[128];
    const char *const *words; /* what is left */
    int count;
};

struct command {
    const char *name;
    const char *options;      /* letters; ':' behind those with a value */
    int words_min, words_max; /* -1: any number */
    const char *usage, *help;
    int (*run)(struct cli *cli, const struct arguments *a);
};

/* -- commands: each returns an exit code */
int run_get(struct cli *cli, const struct arguments *a);
int run_ls(struct cli *cli, const struct arguments *a);
int run_stat(struct cli *cli, const struct arguments *a);
int run_sync(struct cli *cli, const struct arguments *a);
int run_whoami(struct cli *cli, const struct arguments *a);
int run_acl(struct cli *cli, const struct arguments *a);
int run_set(struct cli *cli, const struct arguments *a);
int run_create(struct cli *cli, const struct arguments *a);
int run_delete(struct cli *cli, const struct arguments *a);
int run_watch(struct cli *cli, const struct arguments *a);
int run_lock(struct cli *cli, const struct arguments *a);
int run_multi(struct cli *cli, const struct arguments *a);
int run_status(struct cli *cli, const struct arguments *a);
int run_members(struct cli *cli, const struct arguments *a);
int run_sessions(struct cli *cli, const struct arguments *a);
int run_command(struct cli *cli, const struct arguments *a);
int run_monitor(struct cli *cli, const struct arguments *a);
int run_plugin(struct cli *cli, const struct arguments *a);
int run_check(struct cli *cli, const struct arguments *a);
int run_debug(struct cli *cli, const struct arguments *a);
int run_bench(struct cli *cli, const struct arguments *a);
int run_service(struct cli *cli, const struct arguments *a);
int run_shell(struct cli *cli, const struct arguments *a);
int run_backup(struct cli *cli, const struct arguments *a);
int run_restore(struct cli *cli, const struct arguments *a);
int run_lua(struct cli *cli, const struct arguments *a);
int run_render(struct cli *cli, const struct arguments *a);
int run_elect(struct cli *cli, const struct arguments *a);
int run_semaphore(struct cli *cli, const struct arguments *a);

/* -- commands.c */

/* NULL: there are no more. */
const struct command *command_at(size_t index);
/* Takes options from the front of the words, as far as they go. False: said. */
bool take_options(const char *letters, char **words, int count, int *used, struct arguments *a);
/* The command that the words ask for, the first of which is its name. NULL: said. */
const struct command *command_take(char **words, int count, struct arguments *a);

/* -- words.c */

/* The words of a line: divided by blanks; "..." and '...' keep blanks together, a backslash keeps the next character
 * as it is, but within '...'. They point into the line, which is changed. -1: a quote is not closed, or there are more
 * than `max`. */
int split_words(char *line, char **words, int max);

/* -- write.c */

/* The request of create, set and delete, or of a check. NULL: said. */
zooid_request *write_request(const char *name, const struct arguments *a);

/* Performs it, fresh if that was asked for. The reply is the caller's. */
int perform(struct cli *cli, zooid_request *request, zooid_reply **reply);

/* Errors are told as JSON from now on. */
void complain_in_json(void);
/* Says what went wrong on standard error; the exit code for it. Frees the reply. */
int complain(zooid_reply *reply);
int complain_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A number within bounds; false: it is none, which has been said. */
bool read_number(const char *text, const char *what, int64_t min, int64_t max, int64_t *number);

/* All of a file, or of standard input ("-"). NULL: said on standard error. Free with free. */
char *read_file(const char *path, size_t *len);

/* -- report.c */

struct json_t;
/* The answer to a command, to be let go of; NULL: said, and `*code` is the exit code. */
struct json_t *ask_command(struct cli *cli, const char *name, int *code);

/* -- offline.c */

/* What zooid-agent says when it is done: the directory, this text, how much there is, the unit, and a zxid in
 * hexadecimal; and the name of the count in JSON. */
struct agent_outcome {
    const char *behind, *unit, *counted;
};
/* Runs zooid-agent with these words, NULL behind them, and waits for its end; an exit code. What it says is printed as
 * it is, or as JSON if that was asked for. */
int run_agent_program(const struct cli *cli, const char *const *words, const struct agent_outcome *outcome);
/* Whether the backup directory has any. */
bool has_snapshot(const char *directory);
/* -- plugin.c */

/* Of all who offer commands, or of the commands that one of them offers; nothing is said when it cannot be asked. */
void plugin_each_name(zooid_client *client, const char *plugin, uint32_t wait_ms,
                      void (*fn)(void *context, const char *name), void *context);

/* Calls a command of a plugin with words; an exit code. Not EXIT_FINE: said, and there is no reply. */
int plugin_call(struct cli *cli, const char *plugin, const char *command, const char *const *words, int count,
                zooid_reply **reply);
/* A text as it is, other JSON so that people can read it, and what is no JSON as it is. */
void plugin_show_answer(const struct cli *cli, const zooid_reply *reply);

/* -- output.c */

/* Colours are for people: where the stream is a terminal, and the environment does not say NO_COLOR or TERM=dumb. */
enum paint { PAINT_NONE, PAINT_HEAD, PAINT_GOOD, PAINT_WARNING, PAINT_BAD, PAINT_PASSING };
/* What begins it on that stream, or with PAINT_NONE ends it; "" where there are no colours. */
const char *paint(FILE *to, enum paint paint);
/* Of nodes that go with their session. */
enum paint paint_of(const struct zooid_stat *stat);

/* Data as it is, with a newline behind it where it goes to a person. */
void print_data(const void *data, size_t len);

/* Prints the object on one line and lets go of it. */
void print_json(struct json_t *object);
/* Any value as a table, or its fields one below the other. */
void print_for_people(struct json_t *value);
/* Text when it is UTF-8, else {"base64": ...}; null for null data. */
struct json_t *json_of_data(const void *data, size_t len);
struct json_t *json_of_stat(const struct zooid_stat *stat);
void print_stat(const struct zooid_stat *stat);
/* "persistent", "ephemeral", "container", "ttl" */
const char *kind_of(const struct zooid_stat *stat);
