/* wait.h - the one way of a C test to wait: for a condition, with a deadline. */
#pragma once

#include <stdbool.h>

/* Asks `condition` again and again until it is true, or `deadline_ms` milliseconds have passed; returns its last
 * answer. The deadline is there to end a failed test: be generous. */
bool wait_until(bool (*condition)(void *context), void *context, int deadline_ms);
