/* later.h - questions about the state of checks that wait until the process before has handed it over. */
#pragma once

#include "plugins/health/request.h"

typedef void later_fn(struct health *health, struct request *request);

/* Keeps the request, which is the queue's then, when it has to wait. False: it is to be answered now. */
bool later_keep(struct health *health, const struct request *request, later_fn *answer);
/* They are answered; or, at the end, forgotten. */
void later_answer(struct health *health);
void later_free(struct health *health);
