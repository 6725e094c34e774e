/* command.c - commands that a plugin offers. */
#include "plugins/host/offer.h"

#include <stdlib.h>
#include <string.h>

static void command_destroy(struct item *item)
{
    struct command *command = (struct command *)(void *)item;
    free(command->name);
    free(command->help);
}

static void command_cancel(struct item *item)
{
    offer_later(item->host);
    item_free(item);
}

const struct item_kind command_kind = {command_cancel, command_destroy};

static bool is_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    return name != NULL && name[0] != '\0' && name[strspn(name, letters)] == '\0';
}

zooid_handle command_new(zooid_host *host, const struct zooid_plugin_command *raw, zooid_plugin_command_fn *run,
                         void *context)
{
    struct zooid_plugin_command from = {0};
    if (raw != NULL)
        memcpy(&from, raw, raw->size < sizeof from ? raw->size : sizeof from);
    if (!is_name(from.name) || run == NULL) {
        host_log(host, ZOOID_PLUGIN_ERROR, "command: it needs a name of letters, digits, '-', '_' and '.'");
        return 0;
    }
    struct command *command = item_new(host, &command_kind, sizeof *command);
    if (command == NULL)
        return 0;
    command->admin = from.admin;
    command->run = run;
    command->context = context;
    command->name = strdup(from.name);
    command->help = strdup(from.help == NULL ? "" : from.help);
    if (command->name != NULL && command->help != NULL) {
        offer_later(host);
        return command->item.handle;
    }
    host_no_memory(host, "a command was made");
    item_free(&command->item);
    return 0;
}
