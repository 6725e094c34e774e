/* service.c - services, by the commands of the plugin discovery: what there is, one of them, and what this host has. */
#include "agent/cli/cli.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLUGIN "discovery"

/* -- words ----------------------------------------------------------------------------------------------------------
 */

/* "--deregister-after-ms=5" and "--deregister-after-ms 5" are "deregister_after_ms=5"; "--meta zone=a" is
 * "meta.zone=a". `used`: how many words it took. NULL: it has no value, or no memory. */
static json_t *option_of(const char *const *words, int count, int *used)
{
    const char *name = words[0] + 2, *equals = strchr(name, '=');
    size_t len = equals == NULL ? strlen(name) : (size_t)(equals - name);
    const char *value = equals != NULL ? equals + 1 : count > 1 ? words[1] : NULL;
    *used = equals != NULL ? 1 : 2;
    if (value == NULL)
        return NULL;
    json_t *word = len == 4 && strncmp(name, "meta", len) == 0 ? json_sprintf("meta.%s", value)
                                                               : json_sprintf("%.*s=%s", (int)len, name, value);
    char *text = word == NULL ? NULL : strdup(json_string_value(word));
    json_decref(word);
    for (size_t i = 0; text != NULL && i < len; i++)
        if (text[i] == '-')
            text[i] = '_';
    word = text == NULL ? NULL : json_string(text);
    free(text);
    return word;
}

/* A word as the plugin has it. In `maint` two of them are no options. */
static json_t *word_of(const char *verb, const char *const *words, int count, int *used)
{
    bool maint = strcmp(verb, "maint") == 0;
    *used = 1;
    if (maint && strcmp(words[0], "--off") == 0)
        return json_string("off=yes");
    if (maint && strcmp(words[0], "--host") == 0)
        return json_string("@host");
    return strncmp(words[0], "--", 2) == 0 ? option_of(words, count, used) : json_string(words[0]);
}

/* NULL: said. */
static json_t *words_of(const char *verb, const char *const *words, int count)
{
    json_t *args = json_array();
    for (int i = 0, used = 1; i < count && args != NULL; i += used) {
        json_t *word = word_of(verb, words + i, count - i, &used);
        if (word == NULL || json_array_append_new(args, word) != 0) {
            (void)complain_usage("%s needs a value, in UTF-8", words[i]);
            json_decref(args);
            return NULL;
        }
    }
    return args;
}

/* -- calls ----------------------------------------------------------------------------------------------------------
 */

/* What the plugin answers; NULL: said, and `*code` is the exit code. Takes the arguments. */
static json_t *ask_plugin(struct cli *cli, const char *verb, json_t *args, int *code)
{
    zooid_reply *reply = NULL;
    json_t *request = json_pack("{s:o}", "args", args), *answer = NULL;
    char *text = request == NULL ? NULL : json_dumps(request, JSON_COMPACT);
    *code = EXIT_FAILED;
    if (text == NULL) {
        fprintf(stderr, "zooid: out of memory\n");
    } else if (perform(cli, zooid_request_call(PLUGIN, verb, text, strlen(text)), &reply) != ZOOID_OK) {
        *code = complain(reply);
    } else {
        answer = json_loadb(zooid_reply_data(reply), zooid_reply_data_len(reply), JSON_DECODE_ANY, NULL);
        if (answer == NULL)
            fprintf(stderr, "zooid: the plugin " PLUGIN " has answered what is no JSON\n");
        else
            *code = EXIT_FINE;
        zooid_reply_free(reply);
    }
    free(text);
    json_decref(request);
    return answer;
}

/* -- for people -----------------------------------------------------------------------------------------------------
 */

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static json_int_t number_at(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* "10.0.0.1:80", "[::1]:80"; without a port the address alone. */
static void print_address(const json_t *one, int width)
{
    char text[320];
    const char *address = text_at(one, "address");
    const json_t *port = json_object_get(one, "port");
    const char *form = json_is_integer(port) ? strchr(address, ':') != NULL ? "[%s]:%lld" : "%s:%lld" : "%s";
    (void)snprintf(text, sizeof text, form, address, (long long)json_integer_value(port));
    printf("%-*s", width, text);
}

static void print_instances(const json_t *answer, const char *key)
{
    const json_t *list = json_object_get(answer, key);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i), *tags = json_object_get(one, "tags");
        printf("%-28s ", text_at(one, "id"));
        print_address(one, 24);
        printf(" %-8s %6lld %-16s ", text_at(one, "health"), (long long)number_at(one, "weight"), text_at(one, "host"));
        for (size_t j = 0; j < json_array_size(tags); j++)
            printf("%s%s", j == 0 ? "" : ",", json_string_value(json_array_get(tags, j)));
        const char *maintenance = text_at(one, "maintenance");
        printf("%s%s%s\n", json_is_true(json_object_get(one, "suspect")) ? " (suspect)" : "",
               maintenance[0] != '\0' ? " maintenance: " : "", maintenance);
    }
}

static void print_service(const json_t *answer)
{
    const char *guard = text_at(answer, "guard");
    printf("%-28s %-24s %-8s %6s %-16s %s\n", "id", "address", "health", "weight", "host", "tags");
    print_instances(answer, "instances");
    print_instances(answer, "guarded");
    if (guard[0] != '\0')
        printf("the guard of %s: %s\n", text_at(answer, "service"), guard);
    if (json_is_false(json_object_get(answer, "connected")))
        printf("the plugin has no session: this is what it knew last\n");
}

static void print_list(const json_t *answer)
{
    printf("%-32s %9s %7s %7s %8s %11s  %s\n", "service", "instances", "passing", "warning", "critical", "maintenance",
           "guard");
    for (size_t i = 0; i < json_array_size(answer); i++) {
        const json_t *one = json_array_get(answer, i);
        printf("%-32s %9lld %7lld %7lld %8lld %11lld  %s\n", text_at(one, "service"),
               (long long)number_at(one, "instances"), (long long)number_at(one, "passing"),
               (long long)number_at(one, "warning"), (long long)number_at(one, "critical"),
               (long long)number_at(one, "maintenance"), text_at(one, "guard"));
    }
}

static void print_one(const json_t *answer)
{
    const json_t *list = json_object_get(answer, "instances");
    for (size_t i = 0; i < json_array_size(list); i++) {
        print_address(json_array_get(list, i), 0);
        (void)putchar('\n');
    }
}

static void print_local(const json_t *answer)
{
    const json_t *list = json_object_get(answer, "registrations"), *bad = json_object_get(answer, "bad_files");
    printf("%-20s %-28s %-12s %-8s %-8s %s\n", "service", "id", "state", "lifetime", "health", "");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        const char *maintenance = text_at(one, "maintenance");
        printf("%-20s %-28s %-12s %-8s %-8s %s%s%s\n", text_at(one, "service"), text_at(one, "id"),
               text_at(one, "state"), text_at(one, "lifetime"), text_at(one, "health"), text_at(one, "trouble"),
               maintenance[0] != '\0' ? "maintenance: " : "", maintenance);
    }
    for (size_t i = 0; i < json_array_size(bad); i++)
        printf("wrong: %s\n", json_string_value(json_array_get(bad, i)));
}

static void print_done(const json_t *answer)
{
    const char *id = text_at(answer, "id");
    if (id[0] != '\0')
        printf("%s %s\n", id, text_at(answer, "state"));
}

/* -- the table ------------------------------------------------------------------------------------------------------
 */

static const struct verb {
    const char *name;
    void (*print)(const json_t *answer);
} verbs[] = {
    {"list", print_list},   {"show", print_service},  {"query", print_service},   {"pick", print_one},
    {"local", print_local}, {"register", print_done}, {"deregister", print_done}, {"maint", print_done},
};

static const struct verb *verb_of(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

static int run_verb(struct cli *cli, const struct verb *verb, json_t *args)
{
    int code = EXIT_USAGE;
    json_t *answer = args == NULL ? NULL : ask_plugin(cli, verb->name, args, &code);
    if (answer == NULL)
        return code;
    if (cli->json)
        print_json(json_incref(answer));
    else
        verb->print(answer);
    json_decref(answer);
    return code;
}

/* The registration is of this process, which then becomes the command: so it lives exactly as long. */
static int register_and_become(struct cli *cli, json_t *args, const char *const *command)
{
    if (cli->interactive) {
        json_decref(args);
        return complain_usage("a command cannot be run from here");
    }
    int code = EXIT_USAGE;
    if (args != NULL && json_array_append_new(args, json_sprintf("pid=%d", (int)getpid())) == 0) {
        json_t *answer = ask_plugin(cli, "register", args, &code);
        json_decref(answer);
    } else {
        json_decref(args);
    }
    if (code != EXIT_FINE)
        return code;
    (void)execvp(command[0], (char *const *)(void *)command); /* argv of main: ended by NULL, and ours to give */
    fprintf(stderr, "zooid: %s: %s\n", command[0], strerror(errno));
    return EXIT_FAILED;
}

int run_service(struct cli *cli, const struct arguments *a)
{
    const struct verb *verb = verb_of(a->words[0]);
    int end = 1;
    if (verb == NULL)
        return complain_usage("there is no service %s; there are list, show, query, pick, local, register, deregister "
                              "and maint",
                              a->words[0]);
    while (end < a->count && strcmp(a->words[end], "--") != 0)
        end++;
    json_t *args = words_of(verb->name, a->words + 1, end - 1);
    if (end == a->count)
        return run_verb(cli, verb, args);
    if (strcmp(verb->name, "register") == 0 && end + 1 < a->count)
        return register_and_become(cli, args, a->words + end + 1);
    json_decref(args);
    return complain_usage("-- is followed by a command, and register's alone");
}
