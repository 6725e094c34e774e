/* args.c - see args.h. */
#include "plugins/discovery/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_MAX = 256 };

/* Sets, or adds to what is there. */
static bool put(json_t *object, const char *key, const char *value, char between, struct problem *p)
{
    const char *before = json_string_value(json_object_get(object, key));
    if (before == NULL)
        return json_object_set_new(object, key, json_string(value)) == 0 || problem_no_memory(p);
    size_t size = strlen(before) + strlen(value) + 2;
    char *both = malloc(size);
    if (both == NULL)
        return problem_no_memory(p);
    (void)snprintf(both, size, "%s%c%s", before, between, value);
    bool fine = json_object_set_new(object, key, json_string(both)) == 0;
    free(both);
    return fine || problem_no_memory(p);
}

/* A word without a key: the next position has one for it. */
static bool put_position(json_t *object, const char *word, const char *const *positions, size_t *position,
                         struct problem *p)
{
    const char *name = positions[*position];
    char key[KEY_MAX];
    size_t len = name == NULL ? 0 : strlen(name);
    if (len == 0 || len >= sizeof key)
        return problem_set(p, "args", "\"%s\" is one word too many", word);
    bool rest = name[len - 1] == '+';
    (void)snprintf(key, sizeof key, "%.*s", (int)(len - rest), name);
    *position += !rest;
    return put(object, key, word, ' ', p);
}

static bool put_word(json_t *object, const char *word, const char *const *positions, size_t *position,
                     struct problem *p)
{
    const char *equals = strchr(word, '=');
    char key[KEY_MAX];
    if (equals == NULL)
        return put_position(object, word, positions, position, p);
    if (equals == word || (size_t)(equals - word) >= sizeof key)
        return problem_set(p, "args", "\"%s\" has no key, or too long a one", word);
    memcpy(key, word, (size_t)(equals - word));
    key[equals - word] = '\0';
    return put(object, key, equals + 1, ',', p);
}

static json_t *object_of(json_t *words, const char *const *positions, struct problem *p)
{
    json_t *object = json_object(), *word;
    size_t i, position = 0;
    bool fine = object != NULL || problem_no_memory(p);
    json_array_foreach(words, i, word) if (fine)
        fine = json_is_string(word) ? put_word(object, json_string_value(word), positions, &position, p)
                                    : problem_set(p, "args", "must be texts");
    if (fine)
        return object;
    json_decref(object);
    return NULL;
}

/* A parameter that HTTP was given more than once is a list. */
static json_t *joined(json_t *args, struct problem *p)
{
    json_t *object = json_object(), *value, *item;
    const char *key;
    size_t i;
    bool fine = object != NULL || problem_no_memory(p);
    json_object_foreach(args, key, value)
    {
        if (fine && !json_is_array(value))
            fine = json_object_set(object, key, value) == 0 || problem_no_memory(p);
        json_array_foreach(value, i, item) if (fine) fine = json_is_string(item)
                                                                ? put(object, key, json_string_value(item), ',', p)
                                                                : problem_set(p, key, "must be texts");
    }
    if (fine)
        return object;
    json_decref(object);
    return NULL;
}

json_t *args_read(const char *request, size_t len, const char *const *positions, struct problem *p)
{
    json_error_t error;
    json_t *whole = len == 0 ? json_object() : json_loadb(request, len, JSON_REJECT_DUPLICATES, &error);
    json_t *args = json_object_get(whole, "args"), *object = NULL;
    if (whole == NULL)
        (void)problem_set(p, "", "the request is no JSON");
    else if (args == NULL)
        object = json_object();
    else if (json_is_object(args))
        object = joined(args, p);
    else if (json_is_array(args))
        object = object_of(args, positions, p);
    else
        (void)problem_set(p, "args", "must be a list or an object");
    json_decref(whole);
    return object;
}

const char *args_text(json_t *args, const char *key)
{
    return json_string_value(json_object_get(args, key));
}
