/* watch_state.c - what plugins keep in their state directories, counted in a thread every now and then, so that a slow
 * disk does not stop the supervisor. */
#include "plugins/host/supervise/state_size.h"
#include "plugins/host/supervise/supervise.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { MB = 1024 * 1024 };

/* One look, the thread's until it is done. */
struct state_look {
    uv_work_t work;
    struct unit *unit;  /* NULL: it has gone meanwhile */
    char **directories; /* ended by NULL */
    uint64_t files_max;
    struct state_size size;
    bool good;
    char why[STATE_WHY_MAX];
};

static void look_free(struct state_look *look)
{
    host_config_names_free(look->directories);
    free(look);
}

static char **directories_of(const struct unit *unit)
{
    char **directories = calloc(unit->count + 1, sizeof *directories);
    for (size_t i = 0; directories != NULL && i < unit->count; i++) {
        directories[i] = text_of("%s/%s", unit->supervisor->config->state_dir, unit->names[i]);
        if (directories[i] == NULL) {
            host_config_names_free(directories);
            directories = NULL;
        }
    }
    return directories;
}

/* NULL: out of memory. */
static struct state_look *look_new(struct unit *unit)
{
    struct state_look *look = calloc(1, sizeof *look);
    if (look == NULL)
        return NULL;
    look->work.data = look;
    look->unit = unit;
    look->files_max = unit->limits.state_files;
    look->directories = directories_of(unit);
    if (look->directories != NULL)
        return look;
    look_free(look);
    return NULL;
}

/* In a thread. */
static void count(uv_work_t *work)
{
    struct state_look *look = work->data;
    look->good = true;
    for (char **directory = look->directories; look->good && *directory != NULL; directory++)
        look->good = state_size_add(&look->size, *directory, look->files_max, look->why);
}

static void judge(struct unit *unit, const struct state_look *look)
{
    struct process *const processes[] = {unit->current, unit->coming, unit->leaving};
    const struct plugin_limits *limits = &unit->limits;
    char why[WHY_MAX] = "";
    if (!look->good)
        (void)snprintf(why, sizeof why, "its state directory cannot be counted: %s", look->why);
    else if (look->size.files > limits->state_files)
        (void)snprintf(why, sizeof why, "it keeps more than %u files in its state directory (limits.state_files)",
                       limits->state_files);
    else if (look->size.bytes > (uint64_t)limits->state_mb * MB)
        (void)snprintf(why, sizeof why,
                       "it keeps %" PRIu64 " MB in its state directory, more than %u (limits.state_mb)",
                       look->size.bytes / MB, limits->state_mb);
    for (size_t i = 0; why[0] != '\0' && i < COUNT_OF(processes); i++)
        if (processes[i] != NULL)
            process_kill(processes[i], "%s", why);
}

static void has_counted(uv_work_t *work, int status)
{
    struct state_look *look = work->data;
    struct unit *unit = look->unit;
    (void)status;
    if (unit != NULL) {
        unit->state_look = NULL;
        unit->state_look_at_ms = supervisor_now_ms() + unit->supervisor->config->state_look_ms;
        unit->state_size = look->size;
        judge(unit, look);
    }
    look_free(look);
}

/* Memory that is short, or a thread that cannot be had, is tried again at the next tick. */
void watch_state(struct unit *unit, uint64_t now_ms)
{
    bool runs = unit->current != NULL || unit->coming != NULL || unit->leaving != NULL;
    if (!runs || unit->state_look != NULL || now_ms < unit->state_look_at_ms ||
        unit->supervisor->config->state_dir == NULL)
        return;
    struct state_look *look = look_new(unit);
    if (look == NULL)
        return;
    if (uv_queue_work(&unit->supervisor->loop, &look->work, count, has_counted) == 0)
        unit->state_look = look;
    else
        look_free(look);
}

void watch_state_end(struct unit *unit)
{
    if (unit->state_look != NULL)
        unit->state_look->unit = NULL;
    unit->state_look = NULL;
}
