/* numbers.h - the plugin's metrics. */
#pragma once

#include "plugins/health/check.h"

struct numbers;

struct numbers *numbers_new(struct health *health); /* NULL: no memory */
void numbers_free(struct numbers *numbers);

void numbers_started(const struct check *check, uint64_t late_ms);
void numbers_ran(const struct check *check);
void numbers_result(const struct check *check, enum check_status before, enum check_status result);
/* A check came (+1) or went (-1). */
void numbers_count(struct health *health, enum check_status status, int change);
void numbers_saved(struct health *health, bool good);
