/* check.h - assertions about ourselves.
 *
 * CHECK stays on in production: a state that cannot be is answered by stopping before it spreads to the log. DCHECK is
 * for what is too dear to test always and is compiled into sanitizer builds. Neither is for input from outside. */
#pragma once

#include <assert.h>
#include <stddef.h>

/* Writes file, line and the condition to standard error and aborts. */
_Noreturn void check_failed(const char *file, int line, const char *condition);

#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

#ifdef ZOOID_DCHECK
#define DCHECK(condition) CHECK(condition)
#else
#define DCHECK(condition) ((void)sizeof(condition))
#endif

#define ARRAY_LEN(array)                    (sizeof(array) / sizeof((array)[0]))
#define CONTAINER_OF(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))
