/* args.h - the arguments of a command, however they came: words of a command line, or the object of an HTTP query. */
#pragma once

#include "plugins/discovery/problem.h"

#include <jansson.h>

/* `request`: {"args": ["web", "tag=v1"]} or {"args": {"service": "web", "tag": "v1"}}. Words without '=' take the keys
 * in `positions` in their order (ended by NULL); one that ends in '+' takes all that are left, with blanks between. A
 * key given twice gets both values, with a comma between. An object comes out; NULL: said. */
json_t *args_read(const char *request, size_t len, const char *const *positions, struct problem *p);

/* A text; NULL: it is not there, or is none. */
const char *args_text(json_t *args, const char *key);
