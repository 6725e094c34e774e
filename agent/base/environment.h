/* environment.h - the host and the user that the agent runs as, for envi and its admin command. */
#pragma once

#include "core/base/status.h"

#include <sys/utsname.h>

struct environment {
    struct utsname system;
    char host[256];
    char user_name[64], user_home[256];
    char directory[4096];
};

/* What cannot be found out is "<NA>", as Java says it. */
void environment_look(struct environment *e);
