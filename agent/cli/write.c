/* write.c - commands that change something, and ACLs. */
#include "agent/cli/cli.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PERM_LETTERS = 5 };
static const char perm_letters[] = "rwcda"; /* in the order of their bits */

/* -- data -------------------------------------------------------------------------------------------------------------
 */

struct data {
    const char *bytes; /* NULL: none was given */
    char *from_file;
    size_t len;
};

/* From the command line or from a file. False: said on standard error. */
static bool read_data(const struct arguments *a, struct data *data)
{
    *data = (struct data){0};
    if (a->values['f'] != NULL && a->count > 1) {
        (void)complain_usage("either DATA or -f FILE");
        return false;
    }
    if (a->values['f'] != NULL) {
        data->from_file = read_file(a->values['f'], &data->len);
        data->bytes = data->from_file;
        return data->from_file != NULL;
    }
    if (a->count > 1) {
        data->bytes = a->words[1];
        data->len = strlen(data->bytes);
    }
    return true;
}

/* -1: any. False: said. */
static bool read_version(const struct arguments *a, int32_t *version)
{
    int64_t number = ZOOID_ANY_VERSION;
    if (a->values['v'] != NULL && !read_number(a->values['v'], "-v", -1, INT32_MAX, &number))
        return false;
    *version = (int32_t)number;
    return true;
}

static int say_version(struct cli *cli, zooid_reply *reply)
{
    if (cli->json)
        print_json(json_of_stat(zooid_reply_stat(reply)));
    zooid_reply_free(reply);
    return EXIT_FINE;
}

int run_set(struct cli *cli, const struct arguments *a)
{
    zooid_reply *reply = NULL;
    struct data data;
    int32_t version = 0;
    if (!read_version(a, &version) || !read_data(a, &data))
        return EXIT_USAGE;
    if (data.bytes == NULL)
        return complain_usage("set needs DATA or -f FILE");
    int code = perform(cli, zooid_request_set(a->words[0], data.bytes, data.len, version), &reply);
    free(data.from_file);
    return code == ZOOID_OK ? say_version(cli, reply) : complain(reply);
}

int run_delete(struct cli *cli, const struct arguments *a)
{
    zooid_reply *reply = NULL;
    int32_t version = 0;
    if (!read_version(a, &version))
        return EXIT_USAGE;
    int code = a->flags['r'] ? zooid_delete_recursive(cli->client, a->words[0], cli->deadline_ms, &reply)
                             : perform(cli, zooid_request_delete(a->words[0], version), &reply);
    if (code != ZOOID_OK)
        return complain(reply);
    zooid_reply_free(reply);
    return EXIT_FINE;
}

/* -- ACLs -------------------------------------------------------------------------------------------------------------
 */

static bool read_perms(const char *letters, unsigned *perms)
{
    *perms = 0;
    for (; *letters != '\0'; letters++) {
        const char *at = strchr(perm_letters, *letters);
        if (at == NULL)
            return false;
        *perms |= 1U << (at - perm_letters);
    }
    return true;
}

/* "world:anyone:r,unix:uid:1000:rwcda": the last part are the permissions, the first the scheme. False: said. */
static bool add_acls(zooid_request *request, const char *list)
{
    char *copy = strdup(list), *rest = copy, *entry;
    bool good = copy != NULL;
    while (good && (entry = strsep(&rest, ",")) != NULL) {
        char *id = strchr(entry, ':'), *letters = strrchr(entry, ':');
        unsigned perms = 0;
        good = id != NULL && letters != id && read_perms(letters + 1, &perms);
        if (!good)
            break;
        *id = *letters = '\0';
        good = zooid_request_add_acl(request, perms, entry, id + 1) == ZOOID_OK;
    }
    free(copy);
    if (!good)
        (void)complain_usage("an ACL is scheme:id:permissions,... with permissions of the letters %s", perm_letters);
    return good;
}

static void print_acls(struct cli *cli, const zooid_reply *reply)
{
    json_t *list = cli->json ? json_array() : NULL;
    for (size_t i = 0; i < zooid_reply_acl_count(reply); i++) {
        const struct zooid_acl *acl = zooid_reply_acl(reply, i);
        char letters[PERM_LETTERS + 1] = "";
        for (int bit = 0, at = 0; bit < PERM_LETTERS; bit++)
            if ((acl->perms >> bit & 1U) != 0)
                letters[at++] = perm_letters[bit];
        if (cli->json)
            (void)json_array_append_new(
                list, json_pack("{s:s,s:s,s:s}", "scheme", acl->scheme, "id", acl->id, "perms", letters));
        else
            printf("%s:%s:%s\n", acl->scheme, acl->id, letters);
    }
    if (cli->json)
        print_json(list);
}

int run_acl(struct cli *cli, const struct arguments *a)
{
    zooid_reply *reply = NULL;
    int32_t version = 0;
    if (a->values['a'] == NULL) {
        if (perform(cli, zooid_request_get_acl(a->words[0]), &reply) != ZOOID_OK)
            return complain(reply);
        print_acls(cli, reply);
        zooid_reply_free(reply);
        return EXIT_FINE;
    }
    if (!read_version(a, &version))
        return EXIT_USAGE;
    zooid_request *request = zooid_request_set_acl(a->words[0], version);
    if (request != NULL && !add_acls(request, a->values['a'])) {
        zooid_request_free(request);
        return EXIT_USAGE;
    }
    return perform(cli, request, &reply) == ZOOID_OK ? say_version(cli, reply) : complain(reply);
}

/* -- create -----------------------------------------------------------------------------------------------------------
 */

static enum zooid_node_kind kind_wanted(const struct arguments *a)
{
    if (a->flags['e'])
        return ZOOID_EPHEMERAL;
    if (a->flags['c'])
        return ZOOID_CONTAINER;
    return a->flags['T'] ? ZOOID_TTL : ZOOID_PERSISTENT;
}

/* NULL: said. */
static zooid_request *make_request(const struct arguments *a, const struct data *data)
{
    int64_t ttl_ms = 0;
    if (a->flags['e'] + a->flags['c'] + a->flags['T'] > 1) {
        (void)complain_usage("only one of -e, -c and -T");
        return NULL;
    }
    if (a->flags['T'] && !read_number(a->values['T'], "-T", 1, INT64_MAX, &ttl_ms))
        return NULL;
    const char *bytes = data->bytes == NULL ? "" : data->bytes;
    zooid_request *request = zooid_request_create(a->words[0], bytes, data->len, kind_wanted(a));
    bool good = request != NULL && (!a->flags['T'] || zooid_request_set_ttl(request, ttl_ms) == ZOOID_OK) &&
                (!a->flags['s'] || zooid_request_set_sequential(request) == ZOOID_OK) &&
                (a->values['a'] == NULL || add_acls(request, a->values['a']));
    if (good)
        return request;
    zooid_request_free(request);
    return NULL;
}

zooid_request *write_request(const char *name, const struct arguments *a)
{
    int32_t version = 0;
    if (!read_version(a, &version))
        return NULL;
    if (strcmp(name, "create") == 0) {
        struct data data = {.bytes = NULL};
        return read_data(a, &data) ? make_request(a, &data) : NULL;
    }
    if (strcmp(name, "set") == 0)
        return zooid_request_set(a->words[0], a->words[1], strlen(a->words[1]), version);
    return strcmp(name, "delete") == 0 ? zooid_request_delete(a->words[0], version)
                                       : zooid_request_check(a->words[0], version);
}

static int ensure_parent(struct cli *cli, const char *path)
{
    char *parent = strdup(path), *slash = parent == NULL ? NULL : strrchr(parent, '/');
    zooid_reply *reply = NULL;
    int code = ZOOID_OK;
    if (slash != NULL && slash != parent) {
        *slash = '\0';
        code = zooid_ensure_path(cli->client, parent, cli->deadline_ms, &reply);
    }
    free(parent);
    if (code != ZOOID_OK)
        return complain(reply);
    zooid_reply_free(reply);
    return EXIT_FINE;
}

/* An ephemeral lives as long as this process: until whoever started it closes its standard input. */
static void stay_until_the_end_of_input(void)
{
    char some[256];
    (void)fflush(stdout);
    while (read(STDIN_FILENO, some, sizeof some) > 0)
        continue;
}

int run_create(struct cli *cli, const struct arguments *a)
{
    zooid_reply *reply = NULL;
    struct data data;
    if (!read_data(a, &data))
        return EXIT_USAGE;
    zooid_request *request = make_request(a, &data);
    free(data.from_file);
    if (request == NULL)
        return EXIT_USAGE;
    int exit_code = a->flags['p'] ? ensure_parent(cli, a->words[0]) : EXIT_FINE;
    if (exit_code != EXIT_FINE) {
        zooid_request_free(request);
        return exit_code;
    }
    if (perform(cli, request, &reply) != ZOOID_OK)
        return complain(reply);
    if (cli->json)
        print_json(
            json_pack("{s:s,s:o}", "path", zooid_reply_path(reply), "stat", json_of_stat(zooid_reply_stat(reply))));
    else
        printf("%s\n", zooid_reply_path(reply));
    zooid_reply_free(reply);
    if (a->flags['e'] && !cli->interactive)
        stay_until_the_end_of_input();
    return EXIT_FINE;
}
