/* problem.c - see problem.h. */
#include "plugins/discovery/problem.h"

#include <stdarg.h>
#include <stdio.h>

bool problem_set(struct problem *p, const char *key, const char *format, ...)
{
    va_list arguments;
    (void)snprintf(p->key, sizeof p->key, "%s", key);
    va_start(arguments, format);
    (void)vsnprintf(p->text, sizeof p->text, format, arguments);
    va_end(arguments);
    return false;
}

bool problem_no_memory(struct problem *p)
{
    return problem_set(p, "", "out of memory");
}
