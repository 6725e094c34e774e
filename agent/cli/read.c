/* read.c - commands that only look. */
#include "agent/cli/cli.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int run_get(struct cli *cli, const struct arguments *a)
{
    zooid_reply *reply = NULL;
    if (perform(cli, zooid_request_get(a->words[0]), &reply) != ZOOID_OK)
        return complain(reply);
    if (cli->json)
        print_json(json_pack("{s:s,s:o,s:o}", "path", a->words[0], "data",
                             json_of_data(zooid_reply_data(reply), zooid_reply_data_len(reply)), "stat",
                             json_of_stat(zooid_reply_stat(reply))));
    else
        print_data(zooid_reply_data(reply), zooid_reply_data_len(reply));
    zooid_reply_free(reply);
    return EXIT_FINE;
}

int run_stat(struct cli *cli, const struct arguments *a)
{
    zooid_reply *reply = NULL;
    if (perform(cli, zooid_request_exists(a->words[0]), &reply) != ZOOID_OK)
        return complain(reply);
    if (cli->json)
        print_json(json_of_stat(zooid_reply_stat(reply)));
    else
        print_stat(zooid_reply_stat(reply));
    zooid_reply_free(reply);
    return EXIT_FINE;
}

/* -- ls -------------------------------------------------------------------------------------------------------------
 */

/* In the colour of its kind, if that is known. */
static void print_name(const char *name, const struct zooid_node *node)
{
    enum paint kind = paint_of(node == NULL || node->code != ZOOID_OK ? NULL : node->stat);
    if (kind == PAINT_NONE)
        printf("%s\n", name);
    else
        printf("%s%s%s\n", paint(stdout, kind), name, paint(stdout, PAINT_NONE));
}

static void print_one(const char *name, const struct zooid_node *node, bool long_form)
{
    if (long_form && node->code != ZOOID_OK)
        printf("%-10s %8s %8s %8s  ", "-", "-", "-", "-");
    else if (long_form)
        printf("%-10s %8d %8d %8d  ", kind_of(node->stat), node->stat->version, node->stat->data_length,
               node->stat->num_children);
    print_name(name, node);
}

static void print_head(bool long_form)
{
    if (long_form)
        printf("%s%-10s %8s %8s %8s  %s%s\n", paint(stdout, PAINT_HEAD), "kind", "version", "bytes", "children", "name",
               paint(stdout, PAINT_NONE));
}

static json_t *json_of_node(const char *name, const struct zooid_node *node)
{
    return json_pack("{s:s,s:o,s:o}", "name", name, "data",
                     node->code == ZOOID_OK ? json_of_data(node->data, node->data_len) : json_null(), "stat",
                     node->code == ZOOID_OK ? json_of_stat(node->stat) : json_null());
}

static int list_children(struct cli *cli, const char *path, bool long_form)
{
    zooid_reply *reply = NULL;
    zooid_request *request = zooid_request_list(path);
    bool with_nodes = long_form || cli->json;
    if (request != NULL && with_nodes)
        (void)zooid_request_set_with_nodes(request);
    if (perform(cli, request, &reply) != ZOOID_OK)
        return complain(reply);
    json_t *list = cli->json ? json_array() : NULL;
    if (!cli->json)
        print_head(long_form);
    for (size_t i = 0; i < zooid_reply_name_count(reply); i++) {
        if (cli->json)
            (void)json_array_append_new(list, json_of_node(zooid_reply_name(reply, i), zooid_reply_node(reply, i)));
        else
            print_one(zooid_reply_name(reply, i), zooid_reply_node(reply, i), long_form);
    }
    if (cli->json)
        print_json(list);
    zooid_reply_free(reply);
    return EXIT_FINE;
}

/* By path, what is below a node right behind it: a slash comes before any other character. */
static int compare_paths(const void *a, const void *b)
{
    const char *x = (*(const struct zooid_node *const *)a)->path, *y = (*(const struct zooid_node *const *)b)->path;
    while (*x != '\0' && *x == *y)
        x++, y++;
    int first = *x == '/' ? 1 : (unsigned char)*x, second = *y == '/' ? 1 : (unsigned char)*y;
    return first - second;
}

/* -- as a tree */

enum { DEPTH_MAX = 64 };

static size_t depth_of(const char *path, const char *top)
{
    size_t depth = 0;
    for (path += strcmp(top, "/") == 0 ? 0 : strlen(top); *path != '\0'; path++)
        depth += *path == '/' && path[1] != '\0';
    return depth;
}

/* No sibling follows it: what comes next below the same parent is deeper. */
static bool is_last(const struct zooid_node *const *nodes, size_t count, size_t index, const char *top)
{
    size_t depth = depth_of(nodes[index]->path, top);
    while (++index < count) {
        size_t next = depth_of(nodes[index]->path, top);
        if (next <= depth)
            return next < depth;
    }
    return true;
}

static void print_tree(const struct zooid_node *const *nodes, size_t count, const char *top)
{
    bool last[DEPTH_MAX] = {false};
    for (size_t i = 0; i < count; i++) {
        const char *path = nodes[i]->path, *name = strrchr(path, '/') + 1;
        size_t depth = depth_of(path, top);
        for (size_t level = 1; level < depth && level < DEPTH_MAX; level++)
            printf("%s", last[level] ? "    " : "\u2502   ");
        if (depth < DEPTH_MAX)
            last[depth] = is_last(nodes, count, i, top);
        if (depth > 0)
            printf("%s", depth >= DEPTH_MAX || last[depth] ? "\u2514\u2500\u2500 " : "\u251c\u2500\u2500 ");
        print_name(depth == 0 ? path : name, nodes[i]);
    }
}

/* -- everything below, as it is at one zxid */

static void print_subtree(const struct cli *cli, const struct zooid_node *const *nodes, size_t count, bool long_form)
{
    json_t *list = cli->json ? json_array() : NULL;
    if (!cli->json)
        print_head(long_form);
    for (size_t i = 0; i < count; i++) {
        if (cli->json)
            (void)json_array_append_new(list, json_of_node(nodes[i]->path, nodes[i]));
        else
            print_one(nodes[i]->path, nodes[i], long_form);
    }
    if (cli->json)
        print_json(list);
}

static int list_subtree(struct cli *cli, const char *path, bool long_form, bool tree)
{
    zooid_reply *reply = NULL;
    if (perform(cli, zooid_request_subtree(path, 0), &reply) != ZOOID_OK)
        return complain(reply);
    size_t count = zooid_reply_node_count(reply);
    const struct zooid_node **nodes = malloc((count + 1) * sizeof(struct zooid_node *));
    if (nodes == NULL) {
        zooid_reply_free(reply);
        return complain(NULL);
    }
    for (size_t i = 0; i < count; i++)
        nodes[i] = zooid_reply_node(reply, i);
    qsort(nodes, count, sizeof(struct zooid_node *), compare_paths);
    if (tree && !cli->json)
        print_tree(nodes, count, path);
    else
        print_subtree(cli, nodes, count, long_form);
    free(nodes);
    zooid_reply_free(reply);
    return EXIT_FINE;
}

int run_ls(struct cli *cli, const struct arguments *a)
{
    const char *path = a->count == 0 ? "/" : a->words[0];
    if (a->flags['R'] || a->flags['t'])
        return list_subtree(cli, path, a->flags['l'], a->flags['t']);
    return list_children(cli, path, a->flags['l']);
}

/* -- the rest -------------------------------------------------------------------------------------------------------
 */

int run_sync(struct cli *cli, const struct arguments *a)
{
    zooid_reply *reply = NULL;
    (void)a;
    if (perform(cli, zooid_request_sync("/"), &reply) != ZOOID_OK)
        return complain(reply);
    zooid_reply_free(reply);
    return EXIT_FINE;
}

int run_whoami(struct cli *cli, const struct arguments *a)
{
    zooid_reply *reply = NULL;
    (void)a;
    if (perform(cli, zooid_request_who_am_i(), &reply) != ZOOID_OK)
        return complain(reply);
    json_t *list = cli->json ? json_array() : NULL;
    for (size_t i = 0; i < zooid_reply_name_count(reply); i++) {
        if (cli->json)
            (void)json_array_append_new(list, json_string(zooid_reply_name(reply, i)));
        else
            printf("%s\n", zooid_reply_name(reply, i));
    }
    if (cli->json)
        print_json(list);
    zooid_reply_free(reply);
    return EXIT_FINE;
}
