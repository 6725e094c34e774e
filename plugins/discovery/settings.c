/* settings.c - settings as rows: key, kind, bounds, where it goes. */
#include "plugins/discovery/settings.h"

#include <stdio.h>
#include <string.h>

enum kind { NUMBER, TEXT, TREE_PATH, HEALTH, POLICY, YES_NO };

struct row {
    const char *key;
    enum kind kind;
    size_t offset;
    uint32_t min, max, number; /* number: the default */
    const char *text;          /* the default */
};

#define PLACE(field) offsetof(struct settings, field)
#define COUNT(name, low, most, is)                                        \
    {                                                                     \
#name, NUMBER, offsetof(struct limits, name), low, most, is, NULL \
    }
#define TIME(name, is)                                                                \
    {                                                                                 \
#name, NUMBER, offsetof(struct guard_settings, name), 0, 1000000000, is, NULL \
    }

static const struct row common_rows[] = {
    {"base", TREE_PATH, PLACE(base), 0, 0, 0, "/services"},
    {"checks_base", TREE_PATH, PLACE(checks_base), 0, 0, 0, "/zooid/checks"},
    {"services_dir", TEXT, PLACE(services_dir), 0, 0, 0, "/etc/zooid/services.d"},
    {"address", TEXT, PLACE(address), 0, 0, 0, ""},
    {"route_to", TEXT, PLACE(route_to), 0, 0, 0, "192.0.2.1"},
    {"health", TEXT, PLACE(health), 0, 0, 0, "health"},
    {"initial", HEALTH, PLACE(initial), 0, 0, HEALTH_CRITICAL, NULL},
    {"anyone_registers", YES_NO, PLACE(anyone_registers), 0, 0, 1, NULL},
    {"compatible", YES_NO, PLACE(compatible), 0, 0, 0, NULL},
};

static const struct row guard_rows[] = {
    {"policy", POLICY, offsetof(struct guard_settings, policy), 0, 0, GUARD_NEVER_EMPTY, NULL},
    TIME(empty_after_ms, 60000),
    TIME(window_ms, 10000),
    {"percent", NUMBER, offsetof(struct guard_settings, percent), 0, 100, 50, NULL},
    TIME(suspect_ms, 60000),
};

static const struct row limit_rows[] = {
    COUNT(services_max, 1, 1000000, 10000),
    COUNT(instances_max, 1, 10000000, 100000),
    COUNT(registrations_max, 1, 100000, 1000),
    COUNT(name_bytes, 1, 1024, 128),
    COUNT(tags_max, 0, 1024, 64),
    COUNT(tag_bytes, 1, 4096, 128),
    COUNT(meta_max, 0, 1024, 64),
    COUNT(meta_key_bytes, 1, 4096, 128),
    COUNT(meta_value_bytes, 0, 65536, 512),
    COUNT(checks_max, 0, 1024, 16),
    COUNT(files_max, 1, 100000, 1000),
    COUNT(file_bytes, 1, 16777216, 1048576),
};

static const struct section {
    const char *key; /* NULL: the section itself */
    size_t offset;
    const struct row *rows;
    size_t count;
} sections[] = {
    {NULL, 0, common_rows, sizeof common_rows / sizeof common_rows[0]},
    {"guard", PLACE(guard), guard_rows, sizeof guard_rows / sizeof guard_rows[0]},
    {"limits", PLACE(limits), limit_rows, sizeof limit_rows / sizeof limit_rows[0]},
};

static const char *const policies[] =
    {[GUARD_NEVER_EMPTY] = "never_empty", [GUARD_EMPTY_AFTER] = "empty_after", [GUARD_OFF] = "off"};

static bool read_number(const struct row *row, json_t *value, void *place, const char *key, struct problem *p)
{
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < row->min || number > row->max)
        return problem_set(p, key, "must be a number from %u to %u", row->min, row->max);
    *(uint32_t *)place = (uint32_t)number;
    return true;
}

static bool read_policy(json_t *value, enum guard_policy *policy, const char *key, struct problem *p)
{
    const char *name = json_string_value(value);
    for (size_t i = 0; name != NULL && i < sizeof policies / sizeof policies[0]; i++)
        if (strcmp(policies[i], name) == 0) {
            *policy = (enum guard_policy)i;
            return true;
        }
    return problem_set(p, key, "must be \"never_empty\", \"empty_after\" or \"off\"");
}

static bool read_text(const struct row *row, json_t *value, const char **text, const char *key, struct problem *p)
{
    const char *given = json_string_value(value);
    if (given == NULL)
        return problem_set(p, key, "must be a text");
    size_t len = strlen(given);
    if (row->kind == TREE_PATH && (given[0] != '/' || len < 2 || given[len - 1] == '/'))
        return problem_set(p, key, "must be a path of the tree that begins with / and does not end with it");
    *text = given;
    return true;
}

static bool read_value(const struct row *row, json_t *value, void *place, const char *key, struct problem *p)
{
    switch (row->kind) {
    case NUMBER: return read_number(row, value, place, key, p);
    case TEXT:
    case TREE_PATH: return read_text(row, value, place, key, p);
    case POLICY: return read_policy(value, place, key, p);
    case HEALTH:
        return health_parse(json_string_value(value), place) ||
               problem_set(p, key, "must be \"passing\", \"warning\" or \"critical\"");
    case YES_NO:
        *(bool *)place = json_is_true(value);
        return json_is_boolean(value) || problem_set(p, key, "must be true or false");
    }
    return false;
}

static void set_default(const struct row *row, void *place)
{
    switch (row->kind) {
    case NUMBER: *(uint32_t *)place = row->number; break;
    case TEXT:
    case TREE_PATH: *(const char **)place = row->text; break;
    case POLICY: *(enum guard_policy *)place = (enum guard_policy)row->number; break;
    case HEALTH: *(enum health *)place = (enum health)row->number; break;
    case YES_NO: *(bool *)place = row->number != 0; break;
    }
}

/* Keys that are neither a row of the section nor a section are mistakes. */
static bool read_section(const struct section *section, json_t *object, const char *prefix, char *at, struct problem *p)
{
    const char *name;
    json_t *value;
    char key[PROBLEM_KEY];
    if (!json_is_object(object))
        return problem_set(p, prefix, "must be a group of settings");
    json_object_foreach(object, name, value)
    {
        const struct row *row = NULL;
        (void)snprintf(key, sizeof key, "%s%s%s", prefix, prefix[0] != '\0' ? "." : "", name);
        for (size_t i = 0; i < section->count && row == NULL; i++)
            if (strcmp(section->rows[i].key, name) == 0)
                row = &section->rows[i];
        if (row != NULL && !read_value(row, value, at + row->offset, key, p))
            return false;
        bool nested = section->key == NULL &&
                      (strcmp(name, "guard") == 0 || strcmp(name, "limits") == 0 || strcmp(name, "guards") == 0);
        if (row == NULL && !nested)
            return problem_set(p, key, "there is no such setting");
    }
    return true;
}

/* Guards of single services are read once to see that they are right. */
static bool check_guards(struct settings *s, struct problem *p)
{
    const char *name;
    json_t *value;
    char prefix[PROBLEM_KEY];
    s->guards = json_object_get(s->json, "guards");
    if (s->guards != NULL && !json_is_object(s->guards))
        return problem_set(p, "guards", "must be a group, with a group for each service");
    json_object_foreach(s->guards, name, value)
    {
        struct guard_settings own = s->guard;
        (void)snprintf(prefix, sizeof prefix, "guards.%s", name);
        if (!read_section(&sections[1], value, prefix, (char *)&own, p))
            return false;
    }
    return true;
}

bool settings_read(struct settings *s, const char *json, struct problem *p)
{
    json_error_t error;
    *s = (struct settings){.json = json_loads(json, JSON_REJECT_DUPLICATES, &error)};
    bool fine = s->json != NULL || problem_set(p, "", "%s", error.text);
    for (size_t i = 0; i < sizeof sections / sizeof sections[0] && fine; i++) {
        const struct section *section = &sections[i];
        json_t *object = section->key == NULL ? s->json : json_object_get(s->json, section->key);
        for (size_t j = 0; j < section->count; j++)
            set_default(&section->rows[j], (char *)s + section->offset + section->rows[j].offset);
        fine = object == NULL ||
               read_section(section, object, section->key == NULL ? "" : section->key, (char *)s + section->offset, p);
    }
    if (fine && check_guards(s, p))
        return true;
    settings_free(s);
    return false;
}

struct guard_settings settings_guard(const struct settings *s, const char *service)
{
    struct guard_settings own = s->guard;
    struct problem ignored; /* it was right when it was read */
    json_t *object = json_object_get(s->guards, service);
    if (object != NULL && !read_section(&sections[1], object, "", (char *)&own, &ignored))
        return s->guard;
    return own;
}

void settings_free(struct settings *s)
{
    json_decref(s->json);
    s->json = s->guards = NULL;
}
