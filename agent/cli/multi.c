/* multi.c - the lines of a file as one transaction: all of them, or none. */
#include "agent/cli/cli.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 16 };

/* What may stand in a line, with its options. */
static const struct {
    const char *name, *options;
    int words_min, words_max;
} lines[] = {
    {"create", "ecsT:a:", 1, 2},
    {"set", "v:", 2, 2},
    {"delete", "v:", 1, 1},
    {"check", "v:", 1, 1},
};

static zooid_request *take_line(char **words, int count)
{
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct arguments a = {.count = 0};
        int used = 0;
        if (strcmp(lines[i].name, words[0]) != 0)
            continue;
        if (!take_options(lines[i].options, words + 1, count - 1, &used, &a))
            return NULL;
        a.words = (const char *const *)(words + 1 + used);
        a.count = count - 1 - used;
        if (a.count >= lines[i].words_min && a.count <= lines[i].words_max)
            return write_request(lines[i].name, &a);
        (void)complain_usage("%s: so many words are not for it", words[0]);
        return NULL;
    }
    (void)complain_usage("%s: no create, set, delete or check", words[0]);
    return NULL;
}

/* False: said, with the number of the line. */
static bool read_lines(char *text, zooid_request *multi)
{
    char *words[WORDS_MAX], *rest = text, *line;
    for (int number = 1; (line = strsep(&rest, "\n")) != NULL; number++) {
        int count = line[0] == '#' ? 0 : split_words(line, words, WORDS_MAX);
        if (count == 0)
            continue;
        zooid_request *write = count < 0 ? NULL : take_line(words, count);
        if (count < 0)
            (void)complain_usage("a quote is not closed, or there are more than %d words", WORDS_MAX);
        if (write == NULL || zooid_request_add(multi, write) != ZOOID_OK) {
            fprintf(stderr, "zooid: this was line %d\n", number);
            return false;
        }
    }
    return true;
}

static void print_results(const struct cli *cli, const zooid_reply *reply, FILE *out)
{
    json_t *list = cli->json ? json_array() : NULL;
    for (size_t i = 0; i < zooid_reply_node_count(reply); i++) {
        const struct zooid_node *node = zooid_reply_node(reply, i);
        if (cli->json)
            (void)json_array_append_new(list, json_pack("{s:s,s:s?,s:o}", "code", zooid_code_name(node->code), "path",
                                                        node->path, "stat", json_of_stat(node->stat)));
        else if (node->code != ZOOID_OK || node->path != NULL)
            fprintf(out, "%zu: %s\n", i + 1, node->code == ZOOID_OK ? node->path : zooid_code_text(node->code));
    }
    if (cli->json)
        print_json(list);
}

int run_multi(struct cli *cli, const struct arguments *a)
{
    size_t len = 0;
    zooid_reply *reply = NULL;
    char *data = read_file(a->count == 0 ? "-" : a->words[0], &len);
    char *text = data == NULL ? NULL : strndup(data, len);
    zooid_request *multi = zooid_request_multi();
    bool good = text != NULL && multi != NULL && read_lines(text, multi);
    free(text);
    free(data);
    if (!good) {
        zooid_request_free(multi);
        return data == NULL ? EXIT_FAILED : EXIT_USAGE;
    }
    int code = perform(cli, multi, &reply);
    print_results(cli, reply, code == ZOOID_OK ? stdout : stderr);
    if (code != ZOOID_OK)
        return complain(reply);
    zooid_reply_free(reply);
    return EXIT_FINE;
}
