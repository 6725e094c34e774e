/* commands.c - the table of commands, and a command line taken apart: options in front of the words that are left. */
#include "agent/cli/cli.h"

#include <stdlib.h>
#include <string.h>

enum { OPTION_LETTERS = 128 };

/* clang-format off */
static const struct command commands[] = {
    {"get", "", 1, 1, "get PATH", "print the data of a node", run_get},
    {"ls", "lRt", 0, 1, "ls [-l] [-R|-t] [PATH]",
     "list children: -l with their stats, -R all below, -t as a tree", run_ls},
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
    {"multi", "", 0, 1, "multi [FILE]",
     "all lines of a file or none: create [-e|-c|-T MS] [-s] [-a ACL] PATH [DATA], set [-v VERSION] PATH DATA,\n"
     "        delete [-v VERSION] PATH, check [-v VERSION] PATH",
     run_multi},
    {"service", "", 1, -1, "service VERB [ARGUMENT ...] [-- COMMAND ...]",
     "list; show or query SERVICE [key=value ...]; pick SERVICE; local: what this host has registered;\n"
     "        register NAME [--port P] [--tag T] ... [-- COMMAND]; deregister ID; maint ID|--host REASON|--off",
     run_service},
    {"status", "", 0, 0, "status", "print how the agent fares", run_status},
    {"members", "", 0, 0, "members", "print the members of the ensemble", run_members},
    {"sessions", "", 0, 0, "sessions", "print the sessions that this member knows", run_sessions},
    {"command", "", 1, 1, "command NAME", "print what the admin server answers to a command", run_command},
    {"monitor", "l:n:", 0, 0, "monitor [-l LEVEL] [-n COUNT]",
     "print the agent's log as it is written: -l error, warn, info, debug or trace, -n end after so many lines",
     run_monitor},
    {"plugin", "", 0, -1, "plugin [NAME [COMMAND [ARGUMENT ...]]]",
     "run a command that a plugin offers, or print its commands, or all plugins", run_plugin},
    {"check", "n:", 0, 3, "check [-n PLUGIN] [list [STATUS] | show|run CHECK | pass|warn|fail CHECK [OUTPUT]]",
     "print the health checks of this host, run one now, or tell one of type ttl how it is: -n of another plugin",
     run_check},
    {"debug", "", 0, 0, "debug", "print all that helps to find out what is wrong, as JSON", run_debug},
    {"bench", "n:p:b:", 0, 0, "bench [-n COUNT] [-p OUTSTANDING] [-b BYTES]",
     "measure how fast a node is read and written: -n times, -p at a time, with -b bytes", run_bench},
    {"backup", "l", 1, 1, "backup [-l] FILE|DIRECTORY",
     "write the tree as it is into a file, or as one more into a directory: -l the log behind it, too, which makes\n"
     "        every state since then one that can be restored",
     run_backup},
    {"restore", "u:", 2, 3, "restore [-u ZXID|TIME] BACKUP DATADIR [LOGDIR]",
     "make an empty directory one that an agent or Apache ZooKeeper starts on: -u with the state of that place",
     run_restore},
    {"lua", "", 0, -1, "lua [SCRIPT [ARGUMENT ...]]", "run a script in Lua, or read Lua from a terminal", run_lua},
    {"render", "1nf:", 1, -1, "render [-1n] [-f VIEW] SETTINGS [GROUP ...]",
     "write files from templates: -1 once, -n only print what would change; -f from a file instead of an agent",
     run_render},
    {"sync", "", 0, 0, "sync", "wait until this replica has all that was committed", run_sync},
    {"shell", "", 0, 0, "shell", "read commands from a terminal, with history and completion, or from standard input",
     run_shell},
    {"whoami", "", 0, 0, "whoami", "print the identities that the agent knows you by", run_whoami},
};
/* clang-format on */

enum { COMMANDS = sizeof commands / sizeof commands[0] };

const struct command *command_at(size_t index)
{
    return index < COMMANDS ? &commands[index] : NULL;
}

/* Takes options from the front of the words, as far as they go: "-l", "-lR", "-v 3", "-v3"; "--" ends them. */
bool take_options(const char *letters, char **words, int count, int *used, struct arguments *a)
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
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

const struct command *command_take(char **words, int count, struct arguments *a)
{
    int used = 0;
    const struct command *command = find(words[0]);
    if (command == NULL) {
        (void)complain_usage("no such command: %s; zooid -h shows them", words[0]);
        return NULL;
    }
    *a = (struct arguments){.count = 0};
    if (!take_options(command->options, words + 1, count - 1, &used, a))
        return NULL;
    a->words = (const char *const *)(words + 1 + used);
    a->count = count - 1 - used;
    if (a->count >= command->words_min && (command->words_max < 0 || a->count <= command->words_max))
        return command;
    (void)complain_usage("usage: zooid %s", command->usage);
    return NULL;
}
