/* supervisor.h - the supervisor of all plugins of a host, as the command line sees it. */
#pragma once

/* Starts `program --run --config FILE NAME...` for each process, until it is told to end. An exit code. */
int supervise(const char *program, const char *config_file);
/* Prints what is wrong with the files; an exit code. */
int supervise_check(const char *config_file);
