/* check.c - a short form of what the plugin health offers: zooid check web is zooid plugin health show web. */
#include "agent/cli/cli.h"

#include <jansson.h>
#include <string.h>
#include <time.h>

/* The plugin's own names. */
static const char *const asked[] = {"list", "show", "run", "pass", "warn", "fail"};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "-" : text;
}

/* For how long it has been so, in the largest unit that says something. */
static void print_age(const json_t *check)
{
    static const struct {
        long long seconds;
        const char *unit;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    char text[32];
    long long seconds = (long long)time(NULL) - json_integer_value(json_object_get(check, "since")) / 1000;
    size_t at = 0;
    while (at < 3 && seconds < units[at].seconds)
        at++;
    (void)snprintf(text, sizeof text, "%lld %s", seconds < 0 ? 0 : seconds / units[at].seconds, units[at].unit);
    printf("%8s", text);
}

/* One line for each, with the first line of what it says. */
static void show_list(const json_t *list)
{
    printf("%-24s %-8s %8s  %-8s %-16s %s\n", "check", "status", "for", "type", "service", "output");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        const char *output = text_of(one, "output");
        printf("%-24s %-8s ", text_of(one, "id"), text_of(one, "status"));
        print_age(one);
        printf("  %-8s %-16s %.*s\n", text_of(one, "type"), text_of(one, "service"), (int)strcspn(output, "\n"),
               output);
    }
}

static int list_checks(struct cli *cli, const char *plugin, const struct arguments *a)
{
    zooid_reply *reply = NULL;
    int code = plugin_call(cli, plugin, "list", a->words + 1, a->count > 0 ? a->count - 1 : 0, &reply);
    if (code != EXIT_FINE)
        return code;
    json_t *list = cli->json ? NULL : json_loadb(zooid_reply_data(reply), zooid_reply_data_len(reply), 0, NULL);
    if (list != NULL)
        show_list(list);
    else
        plugin_show_answer(cli, reply);
    json_decref(list);
    zooid_reply_free(reply);
    return EXIT_FINE;
}

int run_check(struct cli *cli, const struct arguments *a)
{
    const char *plugin = a->values['n'] != NULL ? a->values['n'] : "health";
    const char *what = a->count == 0 ? "list" : a->words[0];
    size_t at = 0;
    while (at < sizeof asked / sizeof *asked && strcmp(asked[at], what) != 0)
        at++;
    if (at == sizeof asked / sizeof *asked)
        return complain_usage("check %s: it is list, show, run, pass, warn or fail", what);
    if (at == 0)
        return list_checks(cli, plugin, a);
    if (a->count < 2)
        return complain_usage("check %s: which check?", what);
    zooid_reply *reply = NULL;
    int code = plugin_call(cli, plugin, what, a->words + 1, a->count - 1, &reply);
    if (code != EXIT_FINE)
        return code;
    plugin_show_answer(cli, reply);
    zooid_reply_free(reply);
    return EXIT_FINE;
}
