/* problem.h - what is wrong with something that came from outside, and where in it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { PROBLEM_KEY = 128, PROBLEM_TEXT = 256 };

struct problem {
    char key[PROBLEM_KEY]; /* as in "checks.[2].interval_ms"; empty: the whole */
    char text[PROBLEM_TEXT];
};

/* False, so that a check can end with it. */
bool problem_set(struct problem *p, const char *key, const char *format, ...) __attribute__((format(printf, 3, 4)));

bool problem_no_memory(struct problem *p);
