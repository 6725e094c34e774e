/* settings.c - the struct of all settings: made from the defaults, compared, freed. */
#include "agent/settings/settings_internal.h"
#include "core/base/mem.h"
#include "core/members/members.h"

#include <string.h>

enum status settings_default(struct settings **out)
{
    struct settings *settings = mem_calloc(1, sizeof *settings);
    if (settings == NULL)
        return ST_NO_MEMORY;
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        struct setting_value value;
        char why[SETTING_WHY_SIZE];
        enum status st = setting_parse(&setting_rows[i], setting_rows[i].default_text, &value, why);
        if (st != ST_OK) {
            settings_free(settings);
            return st;
        }
        setting_store(settings, &setting_rows[i], value);
    }
    settings->server_id = -1;
    enum status st = setting_set_text(&settings->members_text, "");
    if (st == ST_OK)
        *out = settings;
    else
        settings_free(settings);
    return st;
}

void settings_free(struct settings *settings)
{
    if (settings == NULL)
        return;
    for (size_t i = 0; i < SETTINGS_COUNT; i++)
        if (setting_type_is_text(setting_rows[i].type))
            setting_store(settings, &setting_rows[i], (struct setting_value){0});
    mem_free(settings->file);
    mem_free(settings->members_text);
    members_free(settings->members);
    members_free(settings->pending);
    members_free(settings->self);
    mem_free(settings);
}

bool settings_list_has(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; *at != '\0';) {
        size_t n = strcspn(at, ",");
        if ((n == length && memcmp(at, word, n) == 0) || (n == 1 && *at == '*'))
            return true;
        at += n + (at[n] == ',');
    }
    return false;
}

struct setting_place settings_place_of(const struct settings *settings, struct setting_origin origin)
{
    const char *file = settings->file != NULL ? settings->file : "default";
    return (struct setting_place){origin.source == SETTING_FROM_COMMAND_LINE ? "command line" : file, origin};
}

struct setting_place settings_place(const struct settings *settings, enum setting_id id)
{
    return settings_place_of(settings, settings->origins[id]);
}

bool settings_given(const struct settings *settings, enum setting_id id)
{
    return settings->origins[id].source >= SETTING_FROM_FILE;
}

static bool same_members(const struct settings *a, const struct settings *b)
{
    if (a->members == NULL || b->members == NULL)
        return a->members == b->members;
    return members_same_content(a->members, b->members);
}

size_t settings_reload_diff(const struct settings *old, const struct settings *fresh, struct settings_change *changes)
{
    size_t count = 0;
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        const struct setting_row *row = &setting_rows[i];
        if (!setting_equal(row, old, fresh))
            changes[count++] = (struct settings_change){row->key, (row->flags & SETTING_RELOAD) != 0};
    }
    if (!same_members(old, fresh))
        changes[count++] = (struct settings_change){"server", false};
    return count;
}

void settings_take_reloadable(struct settings *live, struct settings *fresh)
{
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        const struct setting_row *row = &setting_rows[i];
        if ((row->flags & SETTING_RELOAD) == 0)
            continue;
        struct setting_origin origin = live->origins[i];
        live->origins[i] = fresh->origins[i];
        fresh->origins[i] = origin;
        setting_swap(row, live, fresh);
    }
}

enum status settings_deviations(const struct settings *settings, struct settings_report *report)
{
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        const struct setting_row *row = &setting_rows[i];
        if (row->apache_default != NULL && settings->origins[i].source == SETTING_FROM_DEFAULT)
            settings_report_add(report, SETTINGS_INFO, settings_place(settings, (enum setting_id)i), row->key,
                                "is %s; Apache ZooKeeper's default is %s", row->default_text, row->apache_default);
    }
    return report->no_memory ? ST_NO_MEMORY : ST_OK;
}
