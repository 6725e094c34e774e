/* takeover.c - around a reload two processes of the plugin have one state directory. It is the older one's until that
 * has ended; the newer one has read it by then, answers questions, and lets commands that change something wait. Then
 * it reads again what the older one was told last. */
#include "plugins/discovery/discovery.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, AGAIN_MS = 20, WAITING_MAX = 1000 };

/* A command that waits. */
struct waiting {
    struct waiting *next;
    struct command *command;
    zooid_handle invocation;
    char *caller; /* NULL: none */
    size_t len;
    char arguments[];
};

static bool lock(struct discovery *d)
{
    char path[PATH_BYTES];
    const char *state = d->api->state_dir(d->host);
    if (state == NULL)
        return true;
    (void)snprintf(path, sizeof path, "%s/owner", state);
    if (d->lock < 0)
        d->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return d->lock >= 0 && flock(d->lock, LOCK_EX | LOCK_NB) == 0;
}

static void run_waiting(struct discovery *d)
{
    while (d->waiting != NULL) {
        struct waiting *w = d->waiting;
        d->waiting = w->next;
        d->waiting_count--;
        command_run(w->command, w->invocation, w->arguments, w->len, w->caller);
        free(w->caller);
        free(w);
    }
}

static void look(void *context)
{
    struct discovery *d = context;
    d->takeover = 0;
    d->owns = lock(d);
    if (!d->owns) {
        discovery_timer(d, &d->takeover, AGAIN_MS, look, d);
        return;
    }
    store_reload(d);
    run_waiting(d);
}

void takeover_start(struct discovery *d)
{
    d->owns = lock(d);
    if (!d->owns)
        discovery_timer(d, &d->takeover, AGAIN_MS, look, d);
}

bool takeover_wait(struct command *command, zooid_handle invocation, const char *arguments, size_t len,
                   const char *caller)
{
    struct discovery *d = command->d;
    struct waiting **end = &d->waiting, *w = d->waiting_count < WAITING_MAX ? malloc(sizeof *w + len) : NULL;
    if (w == NULL)
        return false;
    *w = (struct waiting){NULL, command, invocation, caller == NULL ? NULL : strdup(caller), len};
    memcpy(w->arguments, arguments, len);
    while (*end != NULL)
        end = &(*end)->next;
    *end = w;
    d->waiting_count++;
    return true;
}

void takeover_end(struct discovery *d)
{
    while (d->waiting != NULL) {
        struct waiting *w = d->waiting;
        const struct call call = {.d = d, .invocation = w->invocation};
        d->waiting = w->next;
        call_refuse(&call, ZOOID_PLUGIN_PROVIDER_FAILED, "the plugin ends before it could do this");
        free(w->caller);
        free(w);
    }
    if (d->lock >= 0)
        (void)close(d->lock);
    d->lock = -1;
}
