/* nodes.c - what the tree shows of a check: an ephemeral node BASE/HOST/ID. A change of status is written at once; what
 * is otherwise printed, at most once in output_interval_ms, since writes go through the whole ensemble. While nobody
 * can be reached, the host keeps the latest. */
#include "plugins/health/health.h"
#include "plugins/health/save.h"
#include "plugins/health/text.h"

#include <stdlib.h>
#include <string.h>

json_t *check_report(const struct check *check)
{
    const struct definition *definition = check->definition;
    return json_pack("{s:s, s:s, s:s, s:s?, s:s, s:s, s:I, s:s}", "id", definition->id, "name", definition->name,
                     "type", definition->type->name, "service", definition->service, "status",
                     check_status_words[check->state.status], "output", check->output == NULL ? "" : check->output,
                     "since", (json_int_t)check->state.since_ms, "host",
                     check->health->api->host_name(check->health->host));
}

static char *report_text(const struct check *check)
{
    json_t *report = check_report(check);
    char *text = report == NULL ? NULL : json_dumps(report, JSON_COMPACT);
    json_decref(report);
    return text;
}

static void on_held(void *context, enum zooid_plugin_hold event, uint64_t number, const char *message)
{
    const struct check *check = context;
    const struct health *health = check->health;
    (void)number;
    if (event != ZOOID_PLUGIN_HOLD_FAILED)
        return;
    char *line = text_format("check %s: its node cannot be made: %s", check->definition->id,
                             message == NULL ? "" : message);
    if (line != NULL)
        health->api->log(health->host, ZOOID_PLUGIN_WARNING, line);
    free(line);
}

static bool make_node(struct check *check, const char *text)
{
    const struct health *health = check->health;
    char *path = text_format("%s/%s/%s", health->settings.base_path, health->api->host_name(health->host),
                             check->definition->id);
    if (path != NULL)
        check->node.handle = health->api->ephemeral(health->host, path, text, strlen(text), on_held, check);
    free(path);
    return check->node.handle != 0;
}

static void write_now(struct check *check)
{
    const struct health *health = check->health;
    char *text = report_text(check);
    bool good = text != NULL;
    if (good && check->node.handle == 0)
        good = make_node(check, text);
    else if (good)
        good = health->api->ephemeral_set(health->host, check->node.handle, text, strlen(text)) == ZOOID_PLUGIN_OK;
    if (!good)
        health->api->fail(health->host, "the node of a check could not be made or written");
    check->node.written_ms = health->api->now_ms(health->host);
    check->node.stale = false;
    free(text);
}

static void on_later(void *context)
{
    struct check *check = context;
    check->node.later = 0;
    if (check->node.stale)
        write_now(check);
}

/* The process before knows better yet, unless this one was told itself; its node stays where it is. */
static bool is_others(const struct check *check)
{
    return !check->touched && saver_waits(check->health->saver);
}

void node_write(struct check *check, bool changed)
{
    const struct health *health = check->health;
    check->node.owed = is_others(check);
    if (check->node.owed)
        return;
    uint64_t interval = (uint64_t)health->settings.output_interval_ms;
    uint64_t next = check->node.written_ms + interval, at = health->api->now_ms(health->host);
    if (changed || check->node.handle == 0 || at >= next) {
        write_now(check);
        return;
    }
    check->node.stale = true;
    if (check->node.later == 0)
        check->node.later = health->api->timer(health->host, (uint32_t)(next - at), 0, on_later, check);
}

void node_remove(struct check *check)
{
    const struct health *health = check->health;
    health->api->cancel(health->host, check->node.later);
    health->api->cancel(health->host, check->node.handle);
    check->node = (struct check_node){0};
}
