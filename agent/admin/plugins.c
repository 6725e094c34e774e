/* plugins.c - a URL taken apart into provider, command and parameters, and what was answered as HTTP. */
#include "agent/admin/plugins.h"

#include "agent/base/report.h"
#include "bindings/c/include/zooid.h" /* the codes of answers */
#include "core/base/check.h"
#include "core/base/mem.h"

#include <string.h>

static const char prefix[] = "/plugins/";

enum { NAME_BYTES = 128 };

bool plugins_has(const char *path)
{
    return strncmp(path, prefix, sizeof prefix - 1) == 0;
}

/* -- what is asked ------------------------------------------------------------------------------------------------ */

static int digit_of(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, c | 0x20);
    return at == NULL ? -1 : (int)(at - digits);
}

/* Decodes `len` bytes into `to`, which has room for them and a zero. False: a % is not followed by two digits, or what
 * it stands for is a zero. */
static bool decode(const char *text, size_t len, char *to)
{
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 2 < len ? digit_of(text[i + 1]) : -1, low = i + 2 < len ? digit_of(text[i + 2]) : -1;
            if (high < 0 || low < 0 || (high | low) == 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        *to++ = c == '+' && text[i] == '+' ? ' ' : c;
    }
    *to = '\0';
    return true;
}

/* False: it cannot be: no UTF-8, or no memory. */
static bool add(json_t *args, const char *name, const char *value)
{
    json_t *before = json_object_get(args, name);
    if (before == NULL)
        return json_object_set_new(args, name, json_string(value)) == 0;
    if (!json_is_array(before)) {
        json_t *list = json_array();
        if (json_array_append(list, before) != 0 || json_object_set_new(args, name, list) != 0)
            return false;
        before = list;
    }
    return json_array_append_new(before, json_string(value)) == 0;
}

/* One `name=value`. */
static bool add_parameter(json_t *args, const char *text, size_t len, char *room)
{
    const char *equals = memchr(text, '=', len);
    size_t name_len = equals == NULL ? len : (size_t)(equals - text);
    char *value = room + name_len + 1;
    if (!decode(text, name_len, room))
        return false;
    value[0] = '\0';
    if (equals != NULL && !decode(equals + 1, len - name_len - 1, value))
        return false;
    return add(args, room, value);
}

/* {"args": {...}}; NULL: the query is none, or no memory. */
static json_t *request_of(const char *query)
{
    json_t *args = json_object();
    char *room = mem_alloc(strlen(query) + 2);
    bool good = args != NULL && room != NULL;
    while (good && *query != '\0') {
        size_t len = strcspn(query, "&");
        good = len == 0 || add_parameter(args, query, len, room);
        query += len + (query[len] == '&');
    }
    mem_free(room);
    json_t *request = json_object();
    if (good && json_object_set(request, "args", args) == 0) {
        json_decref(args);
        return request;
    }
    json_decref(args);
    json_decref(request);
    return NULL;
}

/* -- what is answered --------------------------------------------------------------------------------------------- */

static int http_of(int code)
{
    static const struct {
        int code, http;
    } rows[] = {
        {ZOOID_OK, 200},
        {ZOOID_BAD_ARGUMENTS, 400},
        {ZOOID_NO_AUTH, 403},
        {ZOOID_NOT_PERMITTED, 403},
        {ZOOID_NO_SUCH_PROVIDER, 404},
        {ZOOID_NO_NODE, 404},
        {ZOOID_PROVIDER_FAILED, 502},
        {ZOOID_LIMIT_REACHED, 503},
        {ZOOID_NOT_SERVING, 503},
        {ZOOID_STALE, 503},
        {ZOOID_STOPPING, 503},
        {ZOOID_DEADLINE_EXCEEDED, 504},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].code == code)
            return rows[i].http;
    return 500;
}

static enum status refuse(int code, const char *message, struct answer *a)
{
    json_t *object = json_object();
    a->code = http_of(code);
    a->type = "application/json";
    int failed = json_object_set_new(object, "error", json_string(message)) |
                 json_object_set_new(object, "code", json_integer(code));
    enum status st = failed == 0 ? report_write_json(object, &a->body) : ST_NO_MEMORY;
    json_decref(object);
    return st;
}

/* A JSON string is text, as the command line prints it: metrics, for one, which Prometheus reads as they are. NULL: it
 * is something else. */
static json_t *text_of(struct bytes answer)
{
    bool may_be = answer.len > 0 && answer.data[0] == '"';
    json_t *json = may_be ? json_loadb((const char *)answer.data, answer.len, JSON_DECODE_ANY, NULL) : NULL;
    if (json_is_string(json))
        return json;
    json_decref(json);
    return NULL;
}

enum status plugins_answer(const struct local_answer *answer, struct answer *a)
{
    if (answer->code != ZOOID_OK)
        return refuse(answer->code, answer->message == NULL ? "the provider refuses it" : answer->message, a);
    a->code = 200;
    a->type = "application/json";
    json_t *text = text_of(answer->bytes);
    if (text == NULL)
        return buffer_append(&a->body, answer->bytes.data, answer->bytes.len);
    a->type = "text/plain; version=0.0.4; charset=utf-8";
    enum status st = buffer_append(&a->body, json_string_value(text), json_string_length(text));
    json_decref(text);
    return st;
}

/* -- the call ----------------------------------------------------------------------------------------------------- */

/* The next part of the path, decoded, which `*at` moves behind. False: it is none. */
static bool take_name(const char **at, char name[NAME_BYTES])
{
    size_t len = strcspn(*at, "/?#");
    if (len == 0 || len >= NAME_BYTES || !decode(*at, len, name))
        return false;
    *at += len;
    return true;
}

static enum status call_with(const struct overview *o, struct local_calling *calling, const char *query,
                             struct local_call **call, struct answer *a)
{
    struct local_answer refused;
    struct buffer bytes = {0};
    json_t *request = request_of(query);
    if (request == NULL)
        return refuse(ZOOID_BAD_ARGUMENTS, "the query is not name=value&..., in UTF-8 and with %XX", a);
    enum status st = report_write_json(request, &bytes);
    calling->bytes = buffer_bytes(&bytes);
    if (st == ST_OK)
        st = local_call_begin(doors_local(o->doors), calling, call, &refused);
    if (st == ST_OK && *call == NULL)
        st = plugins_answer(&refused, a);
    json_decref(request);
    buffer_free(&bytes);
    return st;
}

enum status plugins_call(const struct overview *o, const char *target,
                         void (*answered)(void *context, const struct local_answer *answer), void *context,
                         struct local_call **call, struct answer *a)
{
    char provider[NAME_BYTES], command[NAME_BYTES];
    const char *at = target + sizeof prefix - 1;
    *call = NULL;
    bool is_path = take_name(&at, provider) && *at == '/';
    at += is_path;
    is_path = is_path && take_name(&at, command) && *at != '/';
    if (!is_path)
        return refuse(ZOOID_NO_SUCH_PROVIDER, "the path is /plugins/NAME/COMMAND; see the command providers", a);
    if (o->doors == NULL)
        return refuse(ZOOID_NOT_SERVING, "the agent is starting or stopping", a);
    struct local_calling calling = {
        .provider = provider,
        .command = command,
        .caller = "http",
        .deadline_ms = (uint32_t)o->settings->admin_plugin_deadline_ms,
        .answered = answered,
        .context = context,
    };
    size_t fragment = strcspn(at, "#");
    char *query = mem_alloc(fragment + 1);
    if (query == NULL)
        return ST_NO_MEMORY;
    memcpy(query, at, fragment);
    query[fragment] = '\0';
    enum status st = call_with(o, &calling, query[0] == '?' ? query + 1 : query, call, a);
    mem_free(query);
    return st;
}
