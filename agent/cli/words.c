/* words.c - a line taken apart into words, as a shell would. */
#include "agent/cli/cli.h"

/* Copies one word to where it begins, without its quotes. NULL: one is not closed; else what is behind it. */
static char *take_word(char *at)
{
    char *to = at, quote = '\0';
    for (; *at != '\0' && (quote != '\0' || (*at != ' ' && *at != '\t')); at++) {
        if (quote == '\0' ? *at == '"' || *at == '\'' : *at == quote)
            quote = quote == '\0' ? *at : '\0';
        else if (*at == '\\' && quote != '\'' && at[1] != '\0')
            *to++ = *++at;
        else
            *to++ = *at;
    }
    if (quote != '\0')
        return NULL;
    char *rest = *at == '\0' ? at : at + 1;
    *to = '\0';
    return rest;
}

int split_words(char *line, char **words, int max)
{
    int count = 0;
    while (line != NULL) {
        while (*line == ' ' || *line == '\t')
            line++;
        if (*line == '\0')
            return count;
        if (count == max)
            return -1;
        words[count++] = line;
        line = take_word(line);
    }
    return -1;
}
