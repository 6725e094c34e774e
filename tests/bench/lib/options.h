/* options.h - command lines of the benchmark's programs: one row per option. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* Exactly one of the four pointers is set and receives the value; what it holds before is the default. */
struct option_row {
    const char *name; /* without the dashes */
    const char *help;
    uint64_t *number;
    double *real;
    const char **text;
    bool *flag; /* takes no value */
};

/* Reads `--name value` and `--flag` up to the first word that is no option, or behind `--`; returns that word's index
 * (argc when there is none). Prints the rows and exits for --help, dies on an unknown option or a bad value. */
int options_parse(int argc, char **argv, const char *about, const struct option_row *rows, uint32_t count);
