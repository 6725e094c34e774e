/* main.c - the command `zooid`: one table of commands, options in front of and behind the command's name, exit codes.
 */
#include "agent/cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { DEADLINE_MS = 10000, SESSION_MS = 30000, OPTION_LETTERS = 128 };

/* clang-format off */
static const struct command commands[] = {
    {"get", "", 1, 1, "get PATH", "print the data of a node", run_get},
    {"ls", "lR", 0, 1, "ls [-l] [-R] [PATH]", "list children: -l with their stats, -R all below", run_ls},
    {"stat", "", 1, 1, "stat PATH", "print what is known of a node", run_stat},
    {"set", "v:f:", 1, 2, "set [-v VERSION] PATH DATA | -f FILE", "change the data of a node", run_set},
    {"create", "escpT:f:a:", 1, 2, "create [-e|-c|-T MS] [-s] [-p] [-a ACL] PATH [DATA | -f FILE]",
     "make a node: -e ephemeral until standard input ends, -c container, -T with a time to live, -s with a number,\n"
     "        -p with its parents",
     run_create},
    {"delete", "rv:", 1, 1, "delete [-r] [-v VERSION] PATH", "delete a node: -r with all below", run_delete},
    {"watch", "Rn:", 1, -1, "watch [-R] [-n COUNT] PATH [COMMAND ...]",
     "print changes, or run a command for each: -R of all below, -n end after so many", run_watch},
    {"lock", "nrxw:i:k:", 1, -1, "lock [-n|-w MS] [-r|-x] [-i ID] [-k MS] PATH [COMMAND ...]",
     "run a command while a lock is held, or print who holds it and who waits: -n do not wait, -w not longer,\n"
     "        -r for reading, -x for writing, -i who this is, -k SIGTERM so long before the lock is uncertain",
     run_lock},
    {"elect", "i:k:", 1, -1, "elect [-i ID] [-k MS] PATH [COMMAND ...]",
     "run a command while leading, and again when the lead was lost; or print who leads and who waits", run_elect},
    {"semaphore", "nw:i:k:", 2, -1, "semaphore [-n|-w MS] [-i ID] [-k MS] PATH LEASES [COMMAND ...]",
     "run a command while one of so many leases is held, or print who holds one", run_semaphore},
    {"acl", "a:v:", 1, 1, "acl [-a ACL [-v VERSION]] PATH",
     "print the ACL of a node, or set it: scheme:id:cdrwa,...", run_acl},
    {"sync", "", 0, 0, "sync", "wait until this replica has all that was committed", run_sync},
    {"whoami", "", 0, 0, "whoami", "print the identities that the agent knows you by", run_whoami},
};
/* clang-format on */

static void print_help(FILE *out)
{
    fprintf(out,
            "usage: zooid [-S SOCKET] [-t MS] [-s MS] [-j] [-L] COMMAND [OPTIONS] [ARGUMENTS]\n\n"
            "  -S SOCKET   the agent's local socket (default: $ZOOID_SOCKET, else /run/zooid/zooid.sock)\n"
            "  -t MS       how long to wait for an answer (default: %d)\n"
            "  -s MS       time-out of the session of what writes (default: %d)\n"
            "  -j          print JSON\n"
            "  -L          reads are linearizable (latest)\n"
            "  -V          print the version\n\n",
            DEADLINE_MS, SESSION_MS);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        fprintf(out, "  %s\n        %s\n", commands[i].usage, commands[i].help);
}

int complain_usage(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "zooid: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    return EXIT_USAGE;
}

static enum exit_code exit_code_of(int code)
{
    static const struct {
        int code;
        enum exit_code exit;
    } rows[] = {
        {ZOOID_NO_NODE, EXIT_NO_NODE},         {ZOOID_CONNECTION_LOST, EXIT_NO_AGENT},
        {ZOOID_NOT_SERVING, EXIT_NO_AGENT},    {ZOOID_STOPPING, EXIT_NO_AGENT},
        {ZOOID_STALE, EXIT_NO_AGENT},          {ZOOID_DEADLINE_EXCEEDED, EXIT_NO_AGENT},
        {ZOOID_BAD_VERSION, EXIT_CONFLICT},    {ZOOID_NODE_EXISTS, EXIT_CONFLICT},
        {ZOOID_NOT_EMPTY, EXIT_CONFLICT},      {ZOOID_NO_AUTH, EXIT_FORBIDDEN},
        {ZOOID_NOT_PERMITTED, EXIT_FORBIDDEN}, {ZOOID_AUTH_FAILED, EXIT_FORBIDDEN},
        {ZOOID_NOT_HELD, EXIT_NOT_HELD},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].code == code)
            return rows[i].exit;
    return EXIT_FAILED;
}

int complain(zooid_reply *reply)
{
    int code = zooid_reply_code(reply);
    const char *path = zooid_reply_path(reply);
    fprintf(stderr, "zooid: %s%s%s%s\n", path == NULL ? "" : path, path == NULL ? "" : ": ", zooid_reply_message(reply),
            zooid_reply_outcome_unknown(reply) ? "; it may have taken effect all the same" : "");
    zooid_reply_free(reply);
    return (int)exit_code_of(code);
}

int perform(struct cli *cli, zooid_request *request, zooid_reply **reply)
{
    const struct zooid_freshness latest = {.latest = true};
    if (cli->latest && request != NULL)
        (void)zooid_request_set_freshness(request, &latest); /* writes have none, and need none */
    return zooid_perform(cli->client, request, cli->deadline_ms, reply);
}

bool read_number(const char *text, const char *what, int64_t min, int64_t max, int64_t *number)
{
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && value >= min && value <= max) {
        *number = value;
        return true;
    }
    (void)complain_usage("%s: \"%s\" is no number from %" PRId64 " to %" PRId64, what, text, min, max);
    return false;
}

char *read_file(const char *path, size_t *len)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    char *data = NULL;
    size_t cap = 0;
    *len = 0;
    if (file == NULL) {
        fprintf(stderr, "zooid: %s: %s\n", path, strerror(errno));
        return NULL;
    }
    for (;;) {
        if (*len == cap) {
            char *larger = realloc(data, cap = cap == 0 ? 4096 : 2 * cap);
            if (larger == NULL)
                break;
            data = larger;
        }
        size_t n = fread(data + *len, 1, cap - *len, file);
        *len += n;
        if (n == 0)
            break;
    }
    bool failed = ferror(file) != 0 || *len == cap;
    if (file != stdin)
        (void)fclose(file);
    if (!failed)
        return data;
    fprintf(stderr, "zooid: %s: cannot be read whole\n", path);
    free(data);
    return NULL;
}

/* -- the command line -----------------------------------------------------------------------------------------------
 */

/* Takes options from the front of the words, as far as they go: "-l", "-lR", "-v 3", "-v3"; "--" ends them. */
static bool take_options(const char *letters, char **words, int count, int *used, struct arguments *a)
{
    for (*used = 0; *used < count && words[*used][0] == '-' && words[*used][1] != '\0'; (*used)++) {
        const char *word = words[*used];
        if (strcmp(word, "--") == 0) {
            (*used)++;
            return true;
        }
        for (const char *at = word + 1; *at != '\0'; at++) {
            const char *known = *at == ':' || (unsigned char)*at >= OPTION_LETTERS ? NULL : strchr(letters, *at);
            if (known == NULL) {
                (void)complain_usage("unknown option -%c; zooid -h shows them", *at);
                return false;
            }
            a->flags[(unsigned char)*at] = true;
            if (known[1] != ':')
                continue;
            a->values[(unsigned char)*at] = at[1] != '\0' ? at + 1 : *used + 1 < count ? words[++*used] : NULL;
            if (a->values[(unsigned char)*at] == NULL) {
                (void)complain_usage("-%c needs a value", *at);
                return false;
            }
            break;
        }
    }
    return true;
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int run(const struct command *command, struct cli *cli, const struct arguments *a, const char *socket)
{
    struct zooid_options options = ZOOID_OPTIONS_INIT;
    zooid_reply *why = NULL;
    options.socket = socket;
    options.name = "zooid";
    options.connect_ms = cli->deadline_ms;
    options.session_timeout_ms = cli->session_ms;
    if (zooid_open(&cli->client, &options, &why) != ZOOID_OK)
        return complain(why);
    int code = command->run(cli, a);
    zooid_close(cli->client);
    if (fflush(stdout) != 0 && code == EXIT_FINE) {
        fprintf(stderr, "zooid: the output cannot be written\n");
        return EXIT_FAILED;
    }
    return code;
}

int main(int argc, char **argv)
{
    struct arguments global = {.count = 0}, own = {.count = 0};
    struct cli cli = {.deadline_ms = DEADLINE_MS};
    int used = 0, more = 0;
    int64_t deadline = DEADLINE_MS, session = SESSION_MS;
    if (!take_options("S:t:s:jLhV", argv + 1, argc - 1, &used, &global))
        return EXIT_USAGE;
    if (global.flags['h'] || global.flags['V']) {
        if (global.flags['V'])
            printf("zooid %s\n", zooid_version());
        else
            print_help(stdout);
        return EXIT_FINE;
    }
    char **words = argv + 1 + used;
    int count = argc - 1 - used;
    const struct command *command = count == 0 ? NULL : find(words[0]);
    if (command == NULL) {
        if (count > 0)
            return complain_usage("no such command: %s; zooid -h shows them", words[0]);
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (!take_options(command->options, words + 1, count - 1, &more, &own) ||
        (global.values['t'] != NULL && !read_number(global.values['t'], "-t", 1, INT32_MAX, &deadline)) ||
        (global.values['s'] != NULL && !read_number(global.values['s'], "-s", 1, INT32_MAX, &session)))
        return EXIT_USAGE;
    own.words = (const char *const *)(words + 1 + more);
    own.count = count - 1 - more;
    if (own.count < command->words_min || (command->words_max >= 0 && own.count > command->words_max))
        return complain_usage("usage: zooid %s", command->usage);
    cli.json = global.flags['j'];
    cli.latest = global.flags['L'];
    cli.deadline_ms = (uint32_t)deadline;
    cli.session_ms = (uint32_t)session;
    return run(command, &cli, &own, global.values['S']);
}
