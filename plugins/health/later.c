/* later.c - see later.h. It is for less than a moment: the process before is about to end. */
#include "plugins/health/later.h"

#include "plugins/health/health.h"
#include "plugins/health/save.h"

#include <stdlib.h>

enum { LATER_MAX = 1024 };

struct later {
    struct later *next;
    struct request request;
    later_fn *answer;
};

bool later_keep(struct health *health, const struct request *request, later_fn *answer)
{
    size_t count = 0;
    struct later **last = &health->later;
    if (!saver_waits(health->saver))
        return false;
    for (; *last != NULL; last = &(*last)->next)
        count++;
    struct later *later = count < LATER_MAX ? calloc(1, sizeof *later) : NULL;
    if (later == NULL)
        return false;
    *later = (struct later){.request = *request, .answer = answer};
    *last = later;
    return true;
}

static void take_all(struct health *health, bool answer)
{
    while (health->later != NULL) {
        struct later *later = health->later;
        health->later = later->next;
        if (answer)
            later->answer(health, &later->request);
        request_close(&later->request);
        free(later);
    }
}

void later_answer(struct health *health)
{
    take_all(health, true);
}

void later_free(struct health *health)
{
    take_all(health, false);
}
