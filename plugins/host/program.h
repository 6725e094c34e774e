/* program.h - a script from the command line, or a prompt for one: `zooid lua`, `zooid render`. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct program_options {
    const char *script;               /* NULL: interactive */
    bool is_module;                   /* of the library: "zooid.render.program" */
    const char *settings, *state_dir; /* as a plugin has them; NULL: none */
    int argc;                         /* what the script is given */
    char *const *argv;
    const char *socket;   /* NULL: as zooid.h has it */
    uint32_t deadline_ms; /* of requests that do not say */
};

/* Until the script has ended; its exit code. */
int program_run(const struct program_options *options);
