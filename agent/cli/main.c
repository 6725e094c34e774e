/* main.c - the command `zooid`: its own options, the connection to the agent, exit codes, and what it complains of. */
#include "agent/cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { DEADLINE_MS = 10000, SESSION_MS = 30000 };

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
    for (size_t i = 0; command_at(i) != NULL; i++)
        fprintf(out, "  %s\n        %s\n", command_at(i)->usage, command_at(i)->help);
}

int complain_usage(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%szooid:%s ", paint(stderr, PAINT_BAD), paint(stderr, PAINT_NONE));
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
        {ZOOID_NOT_HELD, EXIT_NOT_HELD},       {ZOOID_NO_SUCH_PROVIDER, EXIT_NO_NODE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].code == code)
            return rows[i].exit;
    return EXIT_FAILED;
}

static bool complains_in_json;

void complain_in_json(void)
{
    complains_in_json = true;
}

static void complain_to_people(const zooid_reply *reply)
{
    const char *path = zooid_reply_path(reply);
    fprintf(stderr, "%szooid:%s %s%s%s%s\n", paint(stderr, PAINT_BAD), paint(stderr, PAINT_NONE),
            path == NULL ? "" : path, path == NULL ? "" : ": ", zooid_reply_message(reply),
            zooid_reply_outcome_unknown(reply) ? "; it may have taken effect all the same" : "");
}

static bool complain_to_programs(const zooid_reply *reply)
{
    json_t *error = json_pack("{s:s,s:s,s:s?,s:b,s:b}", "error", zooid_code_name(zooid_reply_code(reply)), "message",
                              zooid_reply_message(reply), "path", zooid_reply_path(reply), "retry",
                              zooid_reply_retry(reply), "outcome_unknown", zooid_reply_outcome_unknown(reply));
    bool is_told = error != NULL && json_dumpf(error, stderr, JSON_COMPACT | JSON_PRESERVE_ORDER) == 0;
    json_decref(error);
    if (is_told)
        (void)fputc('\n', stderr);
    return is_told;
}

int complain(zooid_reply *reply)
{
    int code = zooid_reply_code(reply);
    if (!complains_in_json || !complain_to_programs(reply))
        complain_to_people(reply);
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

static int run(const struct command *command, struct cli *cli, const struct arguments *a, const char *socket)
{
    struct zooid_options options = ZOOID_OPTIONS_INIT;
    zooid_reply *why = NULL;
    cli->socket = socket;
    if (command->run == run_restore || command->run == run_lua ||
        command->run == run_render) /* need no agent, or are another program's */
        return command->run(cli, a);
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

/* Milliseconds that an option gives, if it is there. False: said. */
static bool read_global_number(const struct arguments *global, char letter, int64_t *number)
{
    const char what[] = {'-', letter, '\0'}, *value = global->values[(unsigned char)letter];
    return value == NULL || read_number(value, what, 1, INT32_MAX, number);
}

int main(int argc, char **argv)
{
    struct arguments global = {.count = 0}, own = {.count = 0};
    struct cli cli = {.deadline_ms = DEADLINE_MS};
    int used = 0;
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
    if (count == 0) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    const struct command *command = command_take(words, count, &own);
    if (command == NULL || !read_global_number(&global, 't', &deadline) || !read_global_number(&global, 's', &session))
        return EXIT_USAGE;
    cli.json = global.flags['j'];
    if (cli.json)
        complain_in_json();
    cli.latest = global.flags['L'];
    cli.deadline_ms = (uint32_t)deadline;
    cli.session_ms = (uint32_t)session;
    return run(command, &cli, &own, global.values['S']);
}
