/* failing_memory.h - lets the first, second, third ... allocation fail.
 *
 * A program that uses it needs the line
 *   link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc
 * as a comment among its first ten. */
#pragma once

#include <stdbool.h>

/* The allocation after `count` more ones fails, and so do all after it; below 0: none fails any more. */
void memory_fail_after(int count);

/* The same for this one allocation alone: those after it succeed again. */
void memory_fail_once_after(int count);

/* Has an allocation failed since either was called? */
bool memory_has_failed(void);
