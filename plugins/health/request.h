/* request.h - one invocation of a command: its arguments, who asks, and its one answer. */
#pragma once

#include "plugins/health/check.h"

struct request {
    struct health *health;
    zooid_handle invocation;
    json_t *root;
    int64_t user; /* -2: not known, as from HTTP */
};

/* False: it has been answered. */
bool request_open(struct request *request, const char *arguments, size_t len, const char *caller);
void request_close(struct request *request);

/* An argument by its place on the command line, or its name in HTTP; NULL: it is not there. */
const char *request_text(const struct request *request, size_t index, const char *name);
/* One that has a name only. */
const char *request_value(const struct request *request, const char *name);
/* The check that the first argument names; NULL: there is none, which has been answered. */
struct check *request_check(struct health *health, struct request *request);

/* Takes `answer`; NULL: there was no memory for it. */
void request_answer(struct request *request, json_t *answer);
void request_refuse(struct request *request, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* What `define` is given. */
struct definitions {
    char *service; /* NULL: of none in particular */
    int64_t user;  /* on whose behalf */
    struct definition **rows;
    size_t count;
};

/* A check, or {"service": ID, "checks": [...], "for": USER}, as the request itself, or as text in its first argument.
 * Checks of a service that have no id are numbered. False: `complaint` says why. To be freed in either case. */
bool request_definitions(const struct request *request, const struct definition_limits *limits,
                         struct definitions *definitions, struct complaint *complaint);
void definitions_free(struct definitions *definitions);
