/* plugin.c - plugins and whoever else offers commands to local clients: who they are, what they offer, and calls. */
#include "agent/cli/cli.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* -- who is there -------------------------------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

/* Of a list of objects the one of that name; NULL: there is none. */
static json_t *named(json_t *list, const char *name)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(text_of(json_array_get(list, i), "name"), name) == 0)
            return json_array_get(list, i);
    return NULL;
}

static void show_providers(const json_t *list)
{
    printf("%-24s %8s  %s\n", "plugin", "commands", "description");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        printf("%-24s %8zu  %s\n", text_of(one, "name"), json_array_size(json_object_get(one, "commands")),
               text_of(one, "description"));
    }
}

static void show_commands(const json_t *list)
{
    printf("%-24s %s\n", "command", "help");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        bool is_for_admins = json_is_true(json_object_get(one, "admin"));
        printf("%-24s %s%s\n", text_of(one, "name"), text_of(one, "help"), is_for_admins ? " (admin)" : "");
    }
}

static int list(struct cli *cli, const char *name)
{
    int code;
    json_t *answer = ask_command(cli, "providers", &code);
    if (answer == NULL)
        return code;
    json_t *found = json_object_get(answer, "providers");
    if (name != NULL) {
        const json_t *one = named(found, name);
        found = one == NULL ? NULL : json_object_get(one, "commands");
    }
    if (found == NULL)
        fprintf(stderr, "zooid: %s: nobody provides under that name; zooid plugin shows who is there\n", name);
    else if (cli->json)
        print_json(json_incref(found));
    else if (name == NULL)
        show_providers(found);
    else
        show_commands(found);
    json_decref(answer);
    return found == NULL ? EXIT_NO_NODE : EXIT_FINE;
}

void plugin_each_name(zooid_client *client, const char *plugin, uint32_t wait_ms,
                      void (*fn)(void *context, const char *name), void *context)
{
    zooid_reply *reply = NULL;
    if (zooid_perform(client, zooid_request_command("providers"), wait_ms, &reply) == ZOOID_OK) {
        json_t *answer = json_loadb(zooid_reply_data(reply), zooid_reply_data_len(reply), 0, NULL);
        json_t *found = json_object_get(answer, "providers");
        if (plugin != NULL)
            found = json_object_get(named(found, plugin), "commands");
        for (size_t i = 0; i < json_array_size(found); i++)
            fn(context, text_of(json_array_get(found, i), "name"));
        json_decref(answer);
    }
    zooid_reply_free(reply);
}

/* -- calls --------------------------------------------------------------------------------------------------------- */

/* {"args": [...]} as text; NULL: a word is no UTF-8, or no memory. */
static char *request_of(const char *const *words, int count)
{
    json_t *args = json_array(), *request = json_pack("{s:o}", "args", args);
    bool good = request != NULL;
    for (int i = 0; good && i < count; i++)
        good = json_array_append_new(args, json_string(words[i])) == 0;
    char *text = good ? json_dumps(request, JSON_COMPACT) : NULL;
    json_decref(request);
    return text;
}

void plugin_show_answer(const struct cli *cli, const zooid_reply *reply)
{
    json_t *answer = json_loadb(zooid_reply_data(reply), zooid_reply_data_len(reply), JSON_DECODE_ANY, NULL);
    if (answer == NULL) {
        print_data(zooid_reply_data(reply), zooid_reply_data_len(reply));
        return;
    }
    if (cli->json) {
        print_json(answer);
        return;
    }
    print_for_people(answer);
    json_decref(answer);
}

int plugin_call(struct cli *cli, const char *plugin, const char *command, const char *const *words, int count,
                zooid_reply **reply)
{
    char *request = request_of(words, count);
    if (request == NULL)
        return complain_usage("the arguments of a plugin's command have to be UTF-8");
    int code = perform(cli, zooid_request_call(plugin, command, request, strlen(request)), reply);
    free(request);
    return code == ZOOID_OK ? EXIT_FINE : complain(*reply);
}

int run_plugin(struct cli *cli, const struct arguments *a)
{
    zooid_reply *reply = NULL;
    if (a->count < 2)
        return list(cli, a->count == 0 ? NULL : a->words[0]);
    int code = plugin_call(cli, a->words[0], a->words[1], a->words + 2, a->count - 2, &reply);
    if (code != EXIT_FINE)
        return code;
    plugin_show_answer(cli, reply);
    zooid_reply_free(reply);
    return EXIT_FINE;
}
