/* complete.c - completion in the shell: names of commands, then paths, or plugins and what they offer, as the agent has
 * them at this moment. */
#include "agent/cli/complete.h"
#include "agent/cli/cli.h"

#include <stdlib.h>
#include <string.h>

enum { WAIT_MS = 500, SHOWN_MAX = 100, TEXT_LEN = 4096 };

/* What the word may become. */
struct matches {
    char common[TEXT_LEN]; /* what all of them begin with, behind what is typed */
    size_t typed;          /* length of what is typed of each */
    const char *word;      /* that is typed; of plugins */
    size_t count, kept;
    char *names[SHOWN_MAX]; /* the first ones */
};

static void add_match(struct matches *m, const char *name)
{
    const char *rest = name + m->typed;
    size_t same = 0;
    if (m->count == 0)
        (void)snprintf(m->common, sizeof m->common, "%s", rest);
    while (m->common[same] != '\0' && m->common[same] == rest[same])
        same++;
    m->common[same] = '\0';
    char *copy = m->kept < SHOWN_MAX ? strdup(name) : NULL;
    if (copy != NULL)
        m->names[m->kept++] = copy;
    m->count++;
}

static void match_commands(struct matches *m, const char *word)
{
    for (size_t i = 0; command_at(i) != NULL; i++)
        if (strncmp(command_at(i)->name, word, m->typed) == 0)
            add_match(m, command_at(i)->name);
}

static void match_children(struct matches *m, zooid_client *client, const char *word)
{
    const char *slash = strrchr(word, '/');
    char *parent = strndup(word, slash == word ? 1 : (size_t)(slash - word));
    zooid_reply *reply = NULL;
    if (parent != NULL && zooid_list(client, parent, WAIT_MS, &reply) == ZOOID_OK) {
        m->typed = strlen(slash + 1);
        for (size_t i = 0; i < zooid_reply_name_count(reply); i++)
            if (strncmp(zooid_reply_name(reply, i), slash + 1, m->typed) == 0)
                add_match(m, zooid_reply_name(reply, i));
    }
    zooid_reply_free(reply);
    free(parent);
}

static void match_name(void *context, const char *name)
{
    struct matches *m = context;
    if (strncmp(name, m->word, m->typed) == 0)
        add_match(m, name);
}

/* `before` is what stands before the word: "plugin " and perhaps a name. False: it is another command's. */
static bool match_plugin(struct matches *m, zooid_client *client, char *before, const char *word)
{
    char *words[3];
    int count = split_words(before, words, 3);
    if (count < 1 || strcmp(words[0], "plugin") != 0)
        return false;
    m->word = word;
    if (count <= 2)
        plugin_each_name(client, count == 1 ? NULL : words[1], WAIT_MS, match_name, m);
    return true;
}

static void match_word(struct matches *m, zooid_client *client, const char *line, size_t begin, const char *word)
{
    char *before = strndup(line, begin);
    if (before == NULL)
        return;
    if (begin == 0)
        match_commands(m, word);
    else if (!match_plugin(m, client, before, word) && word[0] == '/')
        match_children(m, client, word);
    free(before);
}

static void show(const struct matches *m)
{
    (void)putchar('\n');
    for (size_t i = 0; i < m->kept; i++)
        printf("%s  ", m->names[i]);
    printf(m->count > m->kept ? "... %zu in all\n" : "\n", m->count);
    (void)fflush(stdout);
}

unsigned char complete_at_cursor(EditLine *line, int key)
{
    const LineInfo *info = el_line(line);
    struct cli *cli = NULL;
    struct matches m = {.count = 0};
    (void)key;
    (void)el_get(line, EL_CLIENTDATA, (void **)&cli);
    const char *begin = info->cursor;
    while (begin > info->buffer && begin[-1] != ' ')
        begin--;
    char *word = strndup(begin, (size_t)(info->cursor - begin));
    if (word == NULL)
        return CC_ERROR;
    m.typed = strlen(word);
    match_word(&m, cli->client, info->buffer, (size_t)(begin - info->buffer), word);
    free(word);
    unsigned char answer = m.count == 0 ? CC_ERROR : CC_REFRESH;
    if (m.common[0] != '\0')
        (void)el_insertstr(line, m.common);
    else if (m.count > 1)
        show(&m);
    if (m.count == 1 && begin == info->buffer)
        (void)el_insertstr(line, " ");
    if (m.count > 1 && m.common[0] == '\0')
        answer = CC_REDISPLAY;
    while (m.kept > 0)
        free(m.names[--m.kept]);
    return answer;
}
