/* cli.h - what the files of the command `zooid` share.
 *
 *   main.c      options, the table of commands, exit codes
 *   read.c      get, ls, stat, sync, acl, whoami
 *   write.c     set, create, delete, acl set
 *   watch.c     watch, with a command for each change
 *   hold.c      lock, elect, semaphore: who has it, or a command while it is held (child.c)
 *   output.c    tables for people, JSON for programs */
#pragma once

#include "bindings/c/include/zooid.h"

#include <stdio.h>

/* What scripts can use; in zooid(1). */
enum exit_code {
    EXIT_FINE = 0,
    EXIT_FAILED = 1,    /* the agent refused it, or it cannot be done */
    EXIT_USAGE = 2,     /* the command line is wrong */
    EXIT_NO_NODE = 3,   /* no such node */
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
    bool latest; /* reads are linearizable */
    uint32_t deadline_ms, session_ms;
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
int run_elect(struct cli *cli, const struct arguments *a);
int run_semaphore(struct cli *cli, const struct arguments *a);

/* Performs it, fresh if that was asked for. The reply is the caller's. */
int perform(struct cli *cli, zooid_request *request, zooid_reply **reply);

/* Says what went wrong on standard error; the exit code for it. Frees the reply. */
int complain(zooid_reply *reply);
int complain_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A number within bounds; false: it is none, which has been said. */
bool read_number(const char *text, const char *what, int64_t min, int64_t max, int64_t *number);

/* All of a file, or of standard input ("-"). NULL: said on standard error. Free with free. */
char *read_file(const char *path, size_t *len);

/* -- output.c */

/* Data as it is, with a newline behind it where it goes to a person. */
void print_data(const void *data, size_t len);

struct json_t;
/* Prints the object on one line and lets go of it. */
void print_json(struct json_t *object);
/* Text when it is UTF-8, else {"base64": ...}; null for null data. */
struct json_t *json_of_data(const void *data, size_t len);
struct json_t *json_of_stat(const struct zooid_stat *stat);
void print_stat(const struct zooid_stat *stat);
/* "persistent", "ephemeral" */
const char *kind_of(const struct zooid_stat *stat);
