/* settings_load.c - loading: collects what file and command line give for each row, then evaluates row by row. */
#include "agent/settings/properties.h"
#include "agent/settings/settings_internal.h"
#include "core/base/array.h"
#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/mem.h"

#include <errno.h>
#include <string.h>

enum { FILE_SIZE_MAX = 1024 * 1024 };

/* The text that counts for one row. */
struct given {
    const char *text; /* NULL: none */
    struct setting_origin origin;
};

struct loader {
    struct settings *settings;
    struct settings_report *report;
    struct given values[SETTINGS_COUNT];
    struct given *foreign; /* one for each FOREIGN row */
    struct family_value *families;
    size_t family_count;
    size_t family_capacity;
    char *memory; /* keys and values as text */
    char *to;     /* free part of it */
};

/* ---- collecting ----------------------------------------------------------------------------------------------------
 */

static void add(struct loader *l, enum settings_severity severity, struct setting_origin origin, const char *key,
                const char *text)
{
    settings_report_add(l->report, severity, settings_place_of(l->settings, origin), key, "%s", text);
}

static void say_replaced(struct loader *l, const char *key, struct setting_origin old, struct setting_origin fresh)
{
    struct setting_place place = settings_place_of(l->settings, fresh);
    if (old.source != fresh.source)
        settings_report_add(l->report, SETTINGS_INFO, place, key, "replaces the value of line %u", old.line);
    else if (old.line > 0)
        settings_report_add(l->report, SETTINGS_WARNING, place, key, "given again; line %u does not count", old.line);
    else
        settings_report_add(l->report, SETTINGS_WARNING, place, key, "given again; only the last one counts");
}

static void take_given(struct loader *l, struct given *given, const char *key, const char *text,
                       struct setting_origin origin)
{
    if (given->text != NULL)
        say_replaced(l, key, given->origin, origin);
    *given = (struct given){text, origin};
}

static enum status take_family(struct loader *l, struct family_value value)
{
    for (size_t i = 0; i < l->family_count; i++) {
        if (strcmp(l->families[i].name, value.name) == 0) {
            say_replaced(l, value.name, l->families[i].origin, value.origin);
            l->families[i] = value;
            return ST_OK;
        }
    }
    struct family_value *families = array_room(l->families, l->family_count, &l->family_capacity, sizeof *families, 8);
    if (families == NULL)
        return ST_NO_MEMORY;
    l->families = families;
    l->families[l->family_count++] = value;
    return ST_OK;
}

static void say_unknown(struct loader *l, const char *key, struct setting_origin origin)
{
    struct setting_place place = settings_place_of(l->settings, origin);
    const char *nearest = l->report->count < SETTINGS_MESSAGES_MAX ? settings_nearest_key(key) : NULL;
    if (nearest != NULL)
        settings_report_add(l->report, SETTINGS_WARNING, place, key, "unknown key; is %s meant?", nearest);
    else
        settings_report_add(l->report, SETTINGS_WARNING, place, key, "unknown key");
}

static enum status collect(struct loader *l, const char *name, const char *text, struct setting_origin origin)
{
    struct setting_key key = settings_find_key(name);
    if (key.setting != NULL)
        take_given(l, &l->values[key.setting - setting_rows], key.name, text, origin);
    else if (key.foreign != NULL)
        take_given(l, &l->foreign[key.foreign - foreign_rows], key.name, text, origin);
    else if (key.family != NULL)
        return take_family(l, (struct family_value){key.family, key.name, text, origin});
    else
        say_unknown(l, name, origin);
    return ST_OK;
}

static enum status collect_text(struct loader *l, const char *text, size_t size)
{
    struct properties properties;
    struct property property;
    properties_open(&properties, text, size, l->to);
    enum status st = ST_OK;
    while (st == ST_OK && properties_next(&properties, &property)) {
        struct setting_origin origin = {SETTING_FROM_FILE, property.line};
        if (property.error != NULL)
            add(l, SETTINGS_ERROR, origin, property.key, property.error);
        else
            st = collect(l, property.key, property.value, origin);
    }
    l->to = properties.to;
    return st;
}

/* A copy of the text without blanks around it, in the loader's memory. */
static const char *keep(struct loader *l, const char *text, size_t length)
{
    while (length > 0 && (unsigned char)text[length - 1] <= ' ')
        length--;
    for (; length > 0 && (unsigned char)*text <= ' '; length--)
        text++;
    char *kept = l->to;
    memcpy(kept, text, length);
    kept[length] = '\0';
    l->to += length + 1;
    return kept;
}

static enum status collect_define(struct loader *l, const char *define)
{
    size_t length = strcspn(define, "=");
    const char *value = define + length + (define[length] == '=');
    const char *name = keep(l, define, length);
    return collect(l, name, keep(l, value, strlen(value)), (struct setting_origin){SETTING_FROM_COMMAND_LINE, 0});
}

/* ---- evaluating ----------------------------------------------------------------------------------------------------
 */

static enum status evaluate_setting(struct loader *l, size_t i)
{
    const struct setting_row *row = &setting_rows[i];
    const struct given *given = &l->values[i];
    struct setting_value value;
    char why[SETTING_WHY_SIZE];
    enum status st = setting_parse(row, given->text, &value, why);
    if (st == ST_BAD_ARGUMENTS) {
        add(l, SETTINGS_ERROR, given->origin, row->key, why);
        return ST_OK;
    }
    if (st != ST_OK)
        return st;
    setting_store(l->settings, row, value);
    l->settings->origins[i] = given->origin;
    if (row->state == STATE_IGNORED && !setting_same_meaning(row->type, given->text, row->default_text))
        add(l, SETTINGS_WARNING, given->origin, row->key, "is not followed by this version");
    bool own_rule = i == SETTING_ID_socket; /* below dataDir */
    if (row->type == TYPE_PATH && given->text[0] != '\0' && given->text[0] != '/' && !own_rule)
        add(l, SETTINGS_WARNING, given->origin, row->key, "is relative to the directory the agent is started in");
    return ST_OK;
}

static void judge(struct loader *l, const struct foreign_row *row, const char *key, const struct given *given)
{
    struct setting_place place = settings_place_of(l->settings, given->origin);
    if (given->text[0] == '\0' || setting_same_meaning(row->type, given->text, row->default_text))
        return;
    switch (row->state) {
    case STATE_ENSEMBLE:
        if (l->settings->is_ensemble)
            settings_report_add(l->report, SETTINGS_WARNING, place, key, "is not followed: %s", row->reason);
        else
            settings_report_add(l->report, SETTINGS_INFO, place, key, "has no effect: it is for ensembles");
        break;
    case STATE_REFUSED:
        settings_report_add(l->report, SETTINGS_ERROR, place, key, "\"%.80s\" is asked for, but %s", given->text,
                            row->reason);
        break;
    case STATE_IGNORED:
        settings_report_add(l->report, SETTINGS_WARNING, place, key, "is not followed: %s", row->reason);
        break;
    default: settings_report_add(l->report, SETTINGS_INFO, place, key, "has no effect: %s", row->reason); break;
    }
}

#define APACHE_AUTH "org.apache.zookeeper.server.auth."

/* An optional provider only warns; one that would take the place of our check of certificates stops the start. */
static void judge_provider(struct loader *l, const struct family_value *value)
{
    static const char *const built_in[] = {
        APACHE_AUTH "DigestAuthenticationProvider", APACHE_AUTH "EnsembleAuthenticationProvider",
        APACHE_AUTH "IPAuthenticationProvider", APACHE_AUTH "X509AuthenticationProvider"};
    struct setting_place place = settings_place_of(l->settings, value->origin);
    l->settings->has_ensemble_provider |= strcmp(value->text, APACHE_AUTH "EnsembleAuthenticationProvider") == 0;
    for (size_t i = 0; i < ARRAY_LEN(built_in); i++)
        if (strcmp(value->text, built_in[i]) == 0)
            return;
    if (strcmp(value->name, "authProvider.x509") == 0)
        settings_report_add(l->report, SETTINGS_ERROR, place, value->name,
                            "\"%.80s\" is asked for, but client certificates cannot be handed to a Java class",
                            value->text);
    else
        settings_report_add(l->report, SETTINGS_WARNING, place, value->name,
                            "%.80s is not part of this version: nobody can log in with it", value->text);
}

static enum status evaluate(struct loader *l)
{
    enum status st = ST_OK;
    for (size_t i = 0; i < SETTINGS_COUNT && st == ST_OK; i++)
        if (l->values[i].text != NULL)
            st = evaluate_setting(l, i);
    if (st == ST_OK)
        st = settings_check_servers(l->settings, l->families, l->family_count, l->report);
    for (size_t i = 0; i < foreign_row_count; i++)
        if (l->foreign[i].text != NULL)
            judge(l, &foreign_rows[i], foreign_rows[i].key, &l->foreign[i]);
    for (size_t i = 0; i < l->family_count; i++) {
        const struct family_value *value = &l->families[i];
        if (value->row->state == STATE_PROVIDER)
            judge_provider(l, value);
        else if (value->row->state != STATE_SERVER)
            judge(l, value->row, value->name, &(struct given){value->text, value->origin});
    }
    if (st == ST_OK)
        st = settings_check(l->settings, l->report);
    return st;
}

/* ---- loading -------------------------------------------------------------------------------------------------------
 */

static enum status loader_open(struct loader *l, const char *name, size_t size, const char *const *defines, size_t n)
{
    size_t memory = properties_memory(size);
    for (size_t i = 0; i < n; i++)
        memory += strlen(defines[i]) + 2;
    l->memory = l->to = mem_alloc(memory);
    l->foreign = mem_calloc(foreign_row_count, sizeof *l->foreign);
    if (l->memory == NULL || l->foreign == NULL)
        return ST_NO_MEMORY;
    enum status st = settings_default(&l->settings);
    if (st == ST_OK && name != NULL)
        st = setting_set_text(&l->settings->file, name);
    return st;
}

static void loader_close(struct loader *l)
{
    settings_free(l->settings);
    mem_free(l->foreign);
    mem_free(l->families);
    mem_free(l->memory);
}

enum status settings_load_text(struct settings **out, const char *name, const char *text, size_t size,
                               const char *const *defines, size_t n, struct settings_report *report)
{
    size_t errors_before = report->errors;
    struct loader l = {.report = report};
    enum status st = loader_open(&l, name, size, defines, n);
    if (st == ST_OK)
        st = collect_text(&l, text, size);
    for (size_t i = 0; i < n && st == ST_OK; i++)
        st = collect_define(&l, defines[i]);
    if (st == ST_OK)
        st = evaluate(&l);
    settings_report_sort(report);
    if (st == ST_OK && report->no_memory)
        st = ST_NO_MEMORY;
    if (st == ST_OK && report->errors > errors_before)
        st = ST_BAD_ARGUMENTS;
    if (st == ST_OK) {
        *out = l.settings;
        l.settings = NULL;
    }
    loader_close(&l);
    return st;
}

static enum status read_file(FILE *file, struct buffer *text)
{
    enum { STEP = 4096 };
    for (;;) {
        enum status st = buffer_reserve(text, STEP);
        if (st != ST_OK)
            return st;
        size_t got = fread(text->data + text->len, 1, STEP, file);
        text->len += got;
        if (got < STEP)
            return ferror(file) ? ST_IO_ERROR : ST_OK;
    }
}

static void say_system_error(struct settings_report *report, struct setting_place place, const char *what, int error)
{
    char text[128];
    settings_report_add(report, SETTINGS_ERROR, place, "", "%s: %s", what, strerror_r(error, text, sizeof text));
}

enum status settings_load(struct settings **out, const char *path, const char *const *defines, size_t n,
                          struct settings_report *report)
{
    if (path == NULL)
        return settings_load_text(out, NULL, "", 0, defines, n, report);
    struct setting_place place = {path, {SETTING_FROM_FILE, 0}};
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        say_system_error(report, place, "cannot be opened", errno);
        return ST_IO_ERROR;
    }
    struct buffer text = {.max = FILE_SIZE_MAX};
    errno = 0;
    enum status st = read_file(file, &text);
    if (st == ST_IO_ERROR)
        say_system_error(report, place, "cannot be read", errno);
    if (st == ST_LIMIT) {
        settings_report_add(report, SETTINGS_ERROR, place, "", "is longer than 1 MiB");
        st = ST_BAD_ARGUMENTS;
    }
    if (st == ST_OK)
        st = settings_load_text(out, path, (const char *)text.data, text.len, defines, n, report);
    fclose(file);
    buffer_free(&text);
    return st;
}
