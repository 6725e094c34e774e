/* complete.h - the word that is begun at the cursor: a command's name, a path, a plugin or one of its commands. */
#pragma once

#include <histedit.h>

/* A function of libedit's, for the Tab key; its client data is the struct cli. */
unsigned char complete_at_cursor(EditLine *line, int key);
