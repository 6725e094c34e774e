/* settings_print.c - the values in effect, as a file that can be read again. */
#include "agent/settings/settings_internal.h"

#include <string.h>

static void print_origin(const struct settings *s, struct setting_origin origin, FILE *out)
{
    static const char *const sources[] = {
        [SETTING_FROM_DEFAULT] = "default",
        [SETTING_DERIVED] = "derived",
        [SETTING_FROM_COMMAND_LINE] = "command line",
    };
    if (origin.source == SETTING_FROM_FILE)
        fprintf(out, "%s:%u", s->file != NULL ? s->file : "", origin.line);
    else
        fputs(sources[origin.source], out);
}

/* With the one escape that a value without control characters and outer blanks needs. */
static void print_escaped(const char *text, FILE *out)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static const char *text_of(const struct settings *s, const struct setting_row *row)
{
    return *(char *const *)(const void *)((const char *)s + row->offset);
}

static void print_value(const struct settings *s, const struct setting_row *row, FILE *out)
{
    if (setting_type_is_text(row->type))
        print_escaped(text_of(s, row), out);
    else
        setting_print_value(row, s, out);
}

/* A secret that is set becomes a comment: asterisks that are read back would be a wrong password. */
static bool is_hidden(const struct settings *s, const struct setting_row *row)
{
    return (row->flags & SETTING_SECRET) != 0 && text_of(s, row)[0] != '\0';
}

static void print_setting(const struct settings *s, enum setting_id id, FILE *out)
{
    const struct setting_row *row = &setting_rows[id];
    fputs("# ", out);
    print_origin(s, s->origins[id], out);
    const char *words = row->type == TYPE_WORD && row->unit[0] == '|' ? row->unit + 1 : row->unit;
    if (words[0] != '\0')
        fprintf(out, ", %s", words);
    if (is_hidden(s, row)) {
        fprintf(out, "\n# %s=******\n", row->key);
        return;
    }
    fprintf(out, "\n%s=", row->key);
    print_value(s, row, out);
    fputc('\n', out);
}

/* Lines of a dynamic file are named by dynamicConfigFile. */
static void print_servers(const struct settings *s, FILE *out)
{
    if (s->members_text[0] != '\0' && s->dynamic_config_file[0] == '\0')
        fprintf(out, "# ---- Servers\n%s", s->members_text);
}

void settings_print(const struct settings *settings, FILE *out)
{
#define GROUP(title)        fputs("\n# ---- " title "\n", out);
#define SETTING(field, ...) print_setting(settings, SETTING_ID_##field, out);
#include "agent/settings/settings.def"
    print_servers(settings, out);
}
