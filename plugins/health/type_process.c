/* type_process.c - a process is alive: one that is named by its number, or by a file that holds it. Its end is seen at
 * once, through a descriptor of it (pidfd); at each interval a pid file is read again.
 *
 * Numbers are used again. So a number that was given comes with the time when its process was started; it is looked up
 * when the check is defined if it was not given, and kept with the definition. With a pid file, `executable` tells a
 * stranger. */
#include "plugins/health/health.h"
#include "plugins/health/process.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define AT(member) offsetof(struct definition, process.member)

static const struct field rows[] = {
    {.key = "pid", .kind = FIELD_NUMBER, .offset = AT(pid), .min = 1, .max = INT32_MAX},
    {.key = "start_time", .kind = FIELD_NUMBER, .offset = AT(start_time), .min = 1, .max = INT64_MAX},
    {.key = "pid_file", .kind = FIELD_TEXT, .offset = AT(pid_file), .min = 1, .max = 4096},
    {.key = "executable", .kind = FIELD_TEXT, .offset = AT(executable), .min = 1, .max = 4096},
};

static bool judge(struct definition *definition, struct complaint *complaint)
{
    const struct process_definition *process = &definition->process;
    if ((process->pid == 0) == (process->pid_file == NULL))
        return complain(complaint, "pid", "must be there, or pid_file, and not both");
    if (process->pid_file != NULL && process->pid_file[0] != '/')
        return complain(complaint, "pid_file", "must begin with /");
    if (process->start_time != 0 && process->pid == 0)
        return complain(complaint, "start_time", "goes with pid");
    return true;
}

static void leave(struct check *check)
{
    struct watched_process *watched = &check->watched;
    if (watched->descriptor < 0)
        return;
    check->health->api->cancel(check->health->host, watched->handle);
    (void)close(watched->descriptor);
    *watched = (struct watched_process){.descriptor = -1};
}

static void on_ended(void *context, unsigned ready)
{
    struct check *check = context;
    char text[64];
    (void)ready;
    int len = snprintf(text, sizeof text, "process %d has ended", (int)check->watched.pid);
    const struct check_result result = {
        .status = CHECK_CRITICAL, .certain = true, .output = text, .output_len = (size_t)len};
    leave(check);
    check_heard(check, &result);
}

/* NULL: it is watched; else why not, in `why` or elsewhere. */
static const char *watch(struct check *check, int64_t pid, char *why, size_t size)
{
    const struct process_definition *process = &check->definition->process;
    const struct health *health = check->health;
    int descriptor = process_open(pid);
    if (descriptor < 0)
        return errno == ESRCH ? "there is no such process" : strerror_r(errno, why, size);
    const char *problem = process_differs(pid, process->start_time, process->executable, why, size);
    if (problem == NULL && process_has_ended(descriptor))
        problem = "it has ended";
    if (problem == NULL) {
        check->watched.handle = health->api->descriptor(health->host, descriptor, ZOOID_PLUGIN_READABLE, on_ended,
                                                        check);
        if (check->watched.handle == 0)
            problem = "no memory";
    }
    if (problem != NULL) {
        (void)close(descriptor);
        return problem;
    }
    check->watched.descriptor = descriptor;
    check->watched.pid = pid;
    return NULL;
}

static bool start(struct check *check)
{
    const struct process_definition *process = &check->definition->process;
    char why[256];
    const char *problem = NULL;
    int64_t pid = process->pid != 0 ? process->pid : process_read_pid(process->pid_file, &problem, why, sizeof why);
    if (pid < 0) {
        leave(check);
        run_end_text(check, CHECK_CRITICAL, "%s: %s", process->pid_file, problem);
        return true;
    }
    if (check->watched.descriptor >= 0 && check->watched.pid != pid)
        leave(check);
    if (check->watched.descriptor < 0)
        problem = watch(check, pid, why, sizeof why);
    if (problem == NULL)
        run_end_text(check, CHECK_PASSING, "process %d is running", (int)pid);
    else
        run_end_text(check, CHECK_CRITICAL, "process %d: %s", (int)pid, problem);
    return true;
}

const struct check_type type_process = {
    .name = "process",
    .fields = {rows, sizeof rows / sizeof *rows},
    .judge = judge,
    .start = start,
    .leave = leave,
};
