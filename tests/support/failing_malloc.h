/* failing_malloc.h - lets the first, second, third ... allocation fail of what uses the C library's own:
 * failing_memory.h for libraries and plugins.
 *
 * A program that uses it needs the line
 *   link: -Wl,@tests/support/failing_malloc.flags
 * as a comment among its first ten. What shared libraries allocate does not fail. */
#pragma once

#include <stdbool.h>

/* The allocation after `count` more ones fails, and so do all after it; below 0: none fails any more. */
void malloc_fail_after(int count);

/* The same for this one allocation alone: those after it succeed again. */
void malloc_fail_once_after(int count);

/* Has an allocation failed since either was called? */
bool malloc_has_failed(void);
