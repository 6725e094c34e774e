/* takeover.c - around a reload: what the process before was told after this one had read its file, and before it ended.
 * What this one was told itself since counts more. */
#include "plugins/health/health.h"
#include "plugins/health/numbers.h"
#include "plugins/health/record.h"

#include <stdlib.h>

static void drop_missing(struct health *health)
{
    for (size_t i = health->checks.count; i-- > 0;) {
        struct check *check = health->checks.rows[i];
        if (!check->from_settings && !check->touched && json_object_get(health->records, check->definition->id) == NULL)
            drop_check(check);
    }
}

static void restore_heartbeat(struct check *check)
{
    struct health *health = check->health;
    numbers_count(health, check->state.status, -1);
    free(check->output);
    check->output = NULL;
    int64_t ttl_left_ms = restore_check(check);
    numbers_count(health, check->state.status, 1);
    node_write(check, true);
    if (!runs_begin(check, ttl_left_ms))
        health->api->fail(health->host, "no memory for the schedule");
}

static void take_one(struct health *health, const char *id, const json_t *object)
{
    struct check *check = checks_find(&health->checks, id);
    if (check != NULL && check->touched)
        return;
    if (check == NULL || !check->from_settings)
        define_kept(health, id, object);
    if (check != NULL && check->definition->type->by_heartbeat)
        restore_heartbeat(check);
}

void take_over(struct health *health, const json_t *file)
{
    struct complaint complaint = {0};
    json_t *dropped = health->dropped;
    const char *id;
    json_t *object;
    health->dropped = NULL;
    health->records = records_open(file, &complaint);
    if (health->records != NULL)
        drop_missing(health);
    json_object_foreach(health->records, id, object)
    {
        if (json_object_get(dropped, id) == NULL)
            take_one(health, id, object);
    }
    health->records = NULL;
    json_decref(dropped);
}
