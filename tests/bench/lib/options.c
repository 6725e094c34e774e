/* options.c - reads a command line against its table. */
#include "tests/bench/lib/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/lib/clock.h"

static void print_help(const char *about, const struct option_row *rows, uint32_t count)
{
    (void)printf("%s\n\n", about);
    for (uint32_t i = 0; i < count; i++)
        (void)printf("  --%-18s %s\n", rows[i].name, rows[i].help);
}

static void take_value(const struct option_row *row, const char *value)
{
    char *end = NULL;
    errno = 0;
    if (row->text != NULL) {
        *row->text = value;
        return;
    }
    if (row->number != NULL)
        *row->number = strtoull(value, &end, 10);
    else
        *row->real = strtod(value, &end);
    bool good = errno == 0 && end != value && *end == '\0' && *value != '-';
    if (!good)
        die("--%s takes a number, not %s", row->name, value);
}

static const struct option_row *find_row(const char *name, const struct option_row *rows, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    }
    die("unknown option --%s (see --help)", name);
}

int options_parse(int argc, char **argv, const char *about, const struct option_row *rows, uint32_t count)
{
    int at = 1;
    while (at < argc && strncmp(argv[at], "--", 2) == 0) {
        const char *name = argv[at++] + 2;
        if (*name == '\0')
            return at;
        if (strcmp(name, "help") == 0) {
            print_help(about, rows, count);
            exit(0);
        }
        const struct option_row *row = find_row(name, rows, count);
        if (row->flag != NULL) {
            *row->flag = true;
            continue;
        }
        if (at == argc)
            die("--%s needs a value", name);
        take_value(row, argv[at++]);
    }
    return at;
}
