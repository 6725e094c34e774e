/* tmp.h - directories for one test, below the one that the runner gives each program (TMPDIR). */
#pragma once

/* Makes an empty directory and returns its path, to be given to tmp_remove. Ends the program when it cannot. */
char *tmp_make(void);

/* Removes the directory with all that is in it, and frees the path. */
void tmp_remove(char *path);

/* PATH/NAME in memory that tmp_remove does not know of: the caller frees it. */
char *tmp_join(const char *path, const char *name);
