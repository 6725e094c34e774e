/* request.c - see request.h */
#include "plugins/health/request.h"

#include "plugins/health/health.h"
#include "plugins/health/text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { USER_UNKNOWN = -2 };

static int64_t read_user(const char *caller)
{
    static const char prefix[] = "uid:";
    if (caller == NULL || strncmp(caller, prefix, sizeof prefix - 1) != 0)
        return USER_UNKNOWN;
    const char *digits = caller + sizeof prefix - 1;
    bool number = *digits != '\0' && strlen(digits) <= 10 && strspn(digits, "0123456789") == strlen(digits);
    return number ? strtoll(digits, NULL, 10) : USER_UNKNOWN;
}

bool request_open(struct request *request, const char *arguments, size_t len, const char *caller)
{
    json_error_t error;
    request->user = read_user(caller);
    request->root = json_loadb(arguments, len, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(request->root))
        return true;
    request_refuse(request, ZOOID_PLUGIN_BAD_ARGUMENTS, "the arguments are no JSON object: %s",
                   request->root == NULL ? error.text : "another kind");
    return false;
}

void request_close(struct request *request)
{
    json_decref(request->root);
    request->root = NULL;
}

const char *request_value(const struct request *request, const char *name)
{
    const json_t *args = json_object_get(request->root, "args");
    const json_t *value = json_object_get(json_is_object(args) ? args : request->root, name);
    return json_string_value(value);
}

const char *request_text(const struct request *request, size_t index, const char *name)
{
    const json_t *args = json_object_get(request->root, "args");
    return json_is_array(args) ? json_string_value(json_array_get(args, index)) : request_value(request, name);
}

struct check *request_check(struct health *health, struct request *request)
{
    const char *id = request_text(request, 0, "check");
    struct check *check = id == NULL ? NULL : checks_find(&health->checks, id);
    if (id == NULL)
        request_refuse(request, ZOOID_PLUGIN_BAD_ARGUMENTS, "it must be said which check");
    else if (check == NULL)
        request_refuse(request, ZOOID_PLUGIN_NO_NODE, "there is no check %s", id);
    return check;
}

void request_answer(struct request *request, json_t *answer)
{
    const struct health *health = request->health;
    char *text = answer == NULL ? NULL : json_dumps(answer, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(answer);
    if (text != NULL)
        (void)health->api->answer(health->host, request->invocation, ZOOID_PLUGIN_OK, text);
    else
        (void)health->api->answer(health->host, request->invocation, ZOOID_PLUGIN_NO_MEMORY, "no memory");
    free(text);
}

void request_refuse(struct request *request, int code, const char *format, ...)
{
    const struct health *health = request->health;
    char message[1024];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(message, sizeof message, format, list);
    va_end(list);
    (void)health->api->answer(health->host, request->invocation, code, message);
}

/* ---- definitions
 * ------------------------------------------------------------------------------------------------------------- */

/* What holds the definition: the request, or the JSON in one of its arguments, which is the caller's. */
static json_t *find_subject(const struct request *request, struct complaint *complaint)
{
    const char *text = request_text(request, 0, "definition");
    json_error_t error;
    if (text == NULL)
        return json_incref(request->root);
    json_t *subject = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (subject == NULL)
        (void)complain(complaint, "", "no JSON, line %d: %s", error.line, error.text);
    return subject;
}

/* Puts in what stands once for all checks of a service. */
static bool complete(json_t *check, const char *service, size_t number, struct complaint *complaint)
{
    if (service == NULL || !json_is_object(check))
        return true;
    bool good = json_object_set_new(check, "service", json_string(service)) == 0;
    if (good && json_object_get(check, "id") == NULL)
        good = json_object_set_new(check, "id", json_sprintf("%s:%zu", service, number)) == 0;
    return good || complain_no_memory(complaint);
}

static bool read_list(json_t *subject, json_t *checks, const struct definition_limits *limits,
                      struct definitions *definitions, struct complaint *complaint)
{
    const char *service = json_string_value(json_object_get(subject, "service"));
    if (service != NULL && (definitions->service = text_copy(service)) == NULL)
        return complain_no_memory(complaint);
    definitions->rows = calloc(json_array_size(checks) + 1, sizeof(struct definition *));
    if (definitions->rows == NULL)
        return complain_no_memory(complaint);
    for (size_t i = 0; i < json_array_size(checks); i++) {
        size_t mark = complaint_enter(complaint, "checks", i);
        json_t *check = json_array_get(checks, i);
        if (!complete(check, service, i + 1, complaint))
            return false;
        struct definition *definition = definition_read(check, limits, complaint);
        if (definition == NULL)
            return false;
        definitions->rows[definitions->count++] = definition;
        complaint_leave(complaint, mark);
    }
    return true;
}

static bool read_one(const json_t *subject, const struct definition_limits *limits, struct definitions *definitions,
                     struct complaint *complaint)
{
    definitions->rows = calloc(1, sizeof(struct definition *));
    if (definitions->rows == NULL)
        return complain_no_memory(complaint);
    definitions->rows[0] = definition_read(subject, limits, complaint);
    definitions->count = definitions->rows[0] != NULL;
    return definitions->count == 1;
}

bool request_definitions(const struct request *request, const struct definition_limits *limits,
                         struct definitions *definitions, struct complaint *complaint)
{
    *definitions = (struct definitions){.user = request->user};
    json_t *subject = find_subject(request, complaint);
    json_t *checks = json_object_get(subject, "checks");
    const json_t *user = json_object_get(subject, "for");
    if (subject == NULL)
        return false;
    /* Another plugin that has been asked by somebody says by whom. */
    if (json_is_integer(user) && user_trusted(request->health, request->user))
        definitions->user = json_integer_value(user);
    bool good = json_is_array(checks) ? read_list(subject, checks, limits, definitions, complaint)
                                      : read_one(subject, limits, definitions, complaint);
    json_decref(subject);
    return good;
}

void definitions_free(struct definitions *definitions)
{
    for (size_t i = 0; i < definitions->count; i++)
        definition_free(definitions->rows[i]);
    free(definitions->rows);
    free(definitions->service);
}
