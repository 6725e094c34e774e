/* lifetime.c - when a registration ends by itself: with its process, or when its checks have been critical for long. */
#include "plugins/discovery/discovery.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STAT_BYTES = 1024, FIELDS_BEFORE_START = 20 };

/* Field 22 of /proc/PID/stat. The name, field 2, is in brackets and may hold anything. */
int64_t process_start_time(int64_t pid)
{
    char path[64], text[STAT_BYTES];
    (void)snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
    FILE *file = fopen(path, "re");
    size_t len = file == NULL ? 0 : fread(text, 1, sizeof text - 1, file);
    if (file != NULL)
        (void)fclose(file);
    text[len] = '\0';
    char *at = strrchr(text, ')');
    for (int i = 0; i < FIELDS_BEFORE_START && at != NULL; i++)
        at = strchr(at + 1, ' ');
    return at == NULL ? 0 : strtoll(at + 1, NULL, 10);
}

int64_t process_owner(int64_t pid)
{
    char path[64];
    struct stat info;
    (void)snprintf(path, sizeof path, "/proc/%" PRId64, pid);
    return stat(path, &info) == 0 ? (int64_t)info.st_uid : -1;
}

/* It may have been killed: nothing is told to others but that it is gone. */
static void process_ended(void *context, unsigned ready)
{
    struct registration *r = context;
    (void)ready;
    discovery_log(r->d, ZOOID_PLUGIN_INFO, "%s: process %" PRId64 " has ended, and the registration with it",
                  r->definition.id, r->definition.pid);
    registry_remove(r, false);
}

/* The start time is looked at while the descriptor holds the process: a number that is used again is not taken for it.
 */
static bool watch_process(struct registration *r, struct problem *p)
{
    struct discovery *d = r->d;
    int64_t pid = r->definition.pid;
    r->pidfd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
    if (r->pidfd < 0)
        return problem_set(p, "pid", "%" PRId64 ": %s", pid,
                           errno == ESRCH ? "there is no such process" : strerror(errno));
    int64_t start = process_start_time(pid);
    if (start == 0 || (r->start_time != 0 && r->start_time != start))
        return problem_set(p, "pid", "%" PRId64 ": the process has ended", pid);
    r->start_time = start;
    r->process_ended = d->api->descriptor(d->host, r->pidfd, ZOOID_PLUGIN_READABLE, process_ended, r);
    return r->process_ended != 0 || problem_no_memory(p);
}

bool lifetime_begin(struct registration *r, struct problem *p)
{
    if (r->definition.lifetime == LIFETIME_PROCESS && r->pidfd < 0 && !watch_process(r, p))
        return false;
    lifetime_health(r);
    return true;
}

void lifetime_end(struct registration *r)
{
    struct discovery *d = r->d;
    if (r->process_ended != 0)
        d->api->cancel(d->host, r->process_ended);
    if (r->critical_timer != 0)
        d->api->cancel(d->host, r->critical_timer);
    if (r->pidfd >= 0)
        (void)close(r->pidfd);
    r->process_ended = r->critical_timer = 0;
    r->pidfd = -1;
    r->start_time = 0;
}

/* A file is a standing order: what it defines comes back when its checks pass. What a command made is over. */
static void critical_for_long(void *context)
{
    struct registration *r = context;
    r->critical_timer = 0;
    discovery_log(r->d, ZOOID_PLUGIN_WARNING, "%s is deregistered: critical for %" PRIu64 " ms", r->definition.id,
                  r->definition.deregister_after_ms);
    if (r->file == NULL) {
        registry_remove(r, true);
        return;
    }
    r->off = true;
    publish_end(r, true);
    store_soon(r->d);
}

void lifetime_health(struct registration *r)
{
    struct discovery *d = r->d;
    uint64_t after = r->definition.deregister_after_ms;
    if (r->health == HEALTH_CRITICAL && after > 0 && !r->off && r->critical_timer == 0) {
        int64_t passed = discovery_wall_ms() - r->since_ms; /* counts over restarts */
        uint64_t left = passed < 0 ? after : (uint64_t)passed >= after ? 1 : after - (uint64_t)passed;
        discovery_timer(d, &r->critical_timer, (uint32_t)left, critical_for_long, r);
    } else if (r->health != HEALTH_CRITICAL) {
        if (r->critical_timer != 0)
            d->api->cancel(d->host, r->critical_timer);
        r->critical_timer = 0;
        r->off = false;
    }
}
