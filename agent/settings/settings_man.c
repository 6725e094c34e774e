/* settings_man.c - the part of zooid-zoo.cfg(5) that lists the keys, from the rows. */
#include "agent/settings/settings_rows.h"

#include <string.h>

/* Text for troff: no escapes of its own, hyphens that stay hyphens, no line that begins with a request. */
static void print_troff(const char *text, FILE *out)
{
    if (text[0] == '.' || text[0] == '\'')
        fputs("\\&", out);
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else
            fputc(*text, out);
    }
}

static void print_key(const char *key, FILE *out)
{
    fputs(".TP\n.B \"", out);
    print_troff(key, out);
    fputs("\"\n", out);
}

static void print_words(const struct setting_row *row, FILE *out)
{
    const char *word = row->unit[0] == '|' ? row->unit + 1 : row->unit;
    for (; *word != '\0'; word++) {
        if (*word == '|')
            fputs(", ", out);
        else
            print_troff((const char[]){*word, '\0'}, out);
    }
}

/* "Number, ms. Default: 3000. Reloadable." */
static void print_facts(const struct setting_row *row, FILE *out)
{
    if (row->type == TYPE_WORD) {
        fputs("One of ", out);
        print_words(row, out);
    } else {
        fputs(setting_type_name(row->type), out);
        if (row->unit[0] != '\0')
            fprintf(out, ", %s", row->unit);
    }
    fputs(". Default: ", out);
    print_troff(row->default_text[0] != '\0' ? row->default_text : "empty", out);
    if (row->apache_default != NULL) {
        fputs(", where Apache ZooKeeper has ", out);
        print_troff(row->apache_default, out);
    }
    fputs(".", out);
    if ((row->flags & SETTING_RELOAD) != 0)
        fputs(" Taken over at SIGHUP.", out);
    if (row->state == STATE_IGNORED)
        fputs(" Not followed by this version: a value other than the default only warns.", out);
    fputc('\n', out);
}

static void print_aliases(const char *key, FILE *out)
{
    for (size_t i = 0; i < setting_alias_count; i++) {
        if (strcmp(setting_aliases[i].key, key) != 0)
            continue;
        fputs("Also called\n.BR \"", out);
        print_troff(setting_aliases[i].name, out);
        fputs("\" .\n", out);
    }
}

static void print_setting(enum setting_id id, FILE *out)
{
    const struct setting_row *row = &setting_rows[id];
    print_key(row->key, out);
    print_troff(row->help, out);
    fputc('\n', out);
    print_facts(row, out);
    print_aliases(row->key, out);
}

static void print_group(const char *title, FILE *out)
{
    fprintf(out, ".SS %s\n", title);
}

static void print_foreign(const struct foreign_row *row, const char *rest, FILE *out)
{
    char key[128];
    snprintf(key, sizeof key, "%s%s", row->key, rest);
    print_key(key, out);
    print_troff(row->reason, out);
    if (row->default_text[0] != '\0') {
        fputs(row->reason[0] != '\0' ? "; allowed is " : "Default: ", out);
        print_troff(row->default_text, out);
    }
    fputs(row->reason[0] != '\0' || row->default_text[0] != '\0' ? ".\n" : "\\&\n", out);
    print_aliases(row->key, out);
}

static void print_foreign_state(const char *title, const char *meaning, enum setting_state state, FILE *out)
{
    fprintf(out, ".SS %s\n%s\n", title, meaning);
    for (size_t i = 0; i < foreign_row_count; i++)
        if (foreign_rows[i].state == state)
            print_foreign(&foreign_rows[i], "", out);
    for (size_t i = 0; i < family_row_count; i++)
        if (family_rows[i].state == state)
            print_foreign(&family_rows[i], "*", out);
}

/* A group is a heading only when settings follow it, not only foreign keys. */
static void print_pending_group(const char **title, FILE *out)
{
    if (*title != NULL)
        print_group(*title, out);
    *title = NULL;
}

void settings_print_man(FILE *out)
{
    const char *title = NULL;
#define GROUP(name) title = name;
#define SETTING(field, ...)           \
    print_pending_group(&title, out); \
    print_setting(SETTING_ID_##field, out);
#include "agent/settings/settings.def"
    (void)title;
    print_foreign_state("Keys that stop the start",
                        "A value other than the default asks for something that is missing:", STATE_REFUSED, out);
    print_foreign_state("Keys that only warn", "A value other than the default is not followed:", STATE_IGNORED, out);
    print_foreign_state("Keys that only warn in an ensemble",
                        "In an ensemble a value other than the default is not followed:", STATE_ENSEMBLE, out);
    print_foreign_state("Keys without effect", "These are accepted, and nothing is lost by it:", STATE_NO_EFFECT, out);
}
