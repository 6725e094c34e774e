/* foreground.h - one plugin in the foreground, without a supervisor: for development, and for tests. */
#pragma once

struct foreground_options {
    const char *plugin;    /* the file */
    const char *settings;  /* its configuration file; NULL: none */
    const char *name;      /* NULL: that of the file, without its suffix */
    const char *socket;    /* NULL: as zooid.h has it */
    const char *state_dir; /* NULL: none */
};

/* Until SIGTERM, SIGINT, or the plugin gives up. An exit code. */
int foreground_run(const struct foreground_options *options);
