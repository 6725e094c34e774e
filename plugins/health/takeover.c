/* takeover.c - around a reload: what the process before came to know after this one had read its file, and before it
 * ended. What this one was told itself since counts more. Until then the nodes in the tree stay those of the process
 * before, and whoever asks this one for the state of checks waits, so that nobody is shown an old one. */
#include "plugins/health/health.h"
#include "plugins/health/later.h"
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

/* What its own runs came to in this process meanwhile, the process before has seen, too. */
static void restore_again(struct check *check)
{
    struct health *health = check->health;
    numbers_count(health, check->state.status, -1);
    free(check->output);
    check->output = NULL;
    int64_t ttl_left_ms = restore_check(check);
    numbers_count(health, check->state.status, 1);
    node_write(check, true);
    if (check->definition->type->by_heartbeat && !runs_begin(check, ttl_left_ms))
        health->api->fail(health->host, "no memory for the schedule");
}

/* A process that was killed has left what it knew some time before: of what is run at intervals this one knows more. */
static void take_one(struct health *health, const char *id, const json_t *object, bool clean)
{
    struct check *check = checks_find(&health->checks, id);
    if (check != NULL && check->touched)
        return;
    if (check == NULL || !check->from_settings)
        define_kept(health, id, object);
    if (check != NULL && (clean || check->definition->type->by_heartbeat))
        restore_again(check);
}

static void write_owed(struct health *health)
{
    for (size_t i = 0; i < health->checks.count; i++)
        if (health->checks.rows[i]->node.owed)
            node_write(health->checks.rows[i], true);
}

void take_over(struct health *health, const json_t *file)
{
    struct complaint complaint = {0};
    bool clean = json_is_true(json_object_get(file, "clean"));
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
            take_one(health, id, object, clean);
    }
    health->records = NULL;
    json_decref(dropped);
    write_owed(health);
    later_answer(health);
}
