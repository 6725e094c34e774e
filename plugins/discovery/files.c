/* files.c - the drop-in files: read at the start and when something happens in their directory. A file that is wrong,
 * or half-written, leaves what it said before as it was, and says so. */
#include "plugins/discovery/discovery.h"
#include "plugins/discovery/dropin.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, QUIET_MS = 50, AGAIN_MS = 2000, EVENT_BYTES = 4096 };

struct scan {
    struct discovery *d;
    char **names; /* sorted */
    size_t count;
    char **bad;
    size_t bad_count;
};

/* ---- one file */

/* Says it once, not with each look. */
static void bad(struct scan *scan, const char *name, const char *why)
{
    struct discovery *d = scan->d;
    size_t size = strlen(name) + strlen(why) + 3;
    char **larger = realloc(scan->bad, (scan->bad_count + 1) * sizeof *larger), *text = malloc(size);
    bool known = false;
    if (larger != NULL)
        scan->bad = larger;
    if (larger == NULL || text == NULL) {
        free(text);
        discovery_no_memory(d, name);
        return;
    }
    (void)snprintf(text, size, "%s: %s", name, why);
    scan->bad[scan->bad_count++] = text;
    for (size_t i = 0; i < d->bad_file_count; i++)
        known = known || strcmp(d->bad_files[i], text) == 0;
    if (!known)
        discovery_log(d, ZOOID_PLUGIN_ERROR, "%s; what it said before stays", why);
}

static bool is_from(const struct registration *r, const char *name)
{
    return r->file != NULL && strcmp(r->file, name) == 0;
}

/* An id that somebody else has: then nothing of the file counts. */
static bool is_free(struct scan *scan, const char *name, const struct dropin *dropin)
{
    char why[512];
    for (size_t i = 0; i < dropin->count; i++) {
        const struct registration *r = registry_find(scan->d, dropin->items[i].id);
        if (r == NULL || is_from(r, name))
            continue;
        (void)snprintf(why, sizeof why, "%s: the id %s is taken, by %s", name, r->definition.id,
                       r->file == NULL ? "the command register" : r->file);
        bad(scan, name, why);
        return false;
    }
    return true;
}

/* Those of the file that it does not name any more. */
static void remove_others(struct discovery *d, const char *name, const struct dropin *dropin)
{
    for (size_t i = d->registration_count; i-- > 0;) {
        struct registration *r = d->registrations[i];
        bool named = !is_from(r, name);
        for (size_t j = 0; j < dropin->count && !named; j++)
            named = strcmp(dropin->items[j].id, r->definition.id) == 0;
        if (!named)
            registry_remove(r, true);
    }
}

static void take_file(struct scan *scan, const char *name, struct dropin *dropin)
{
    struct discovery *d = scan->d;
    struct problem p;
    remove_others(d, name, dropin);
    for (size_t i = 0; i < dropin->count; i++) {
        struct registration *r = registry_put(d, &dropin->items[i], name, (int64_t)geteuid());
        if (r == NULL)
            bad(scan, name, "there is no room for all of its services");
        else if (lifetime_begin(r, &p))
            publish(r);
    }
    dropin->count = 0; /* they were taken over */
}

static void read_one(struct scan *scan, const char *name)
{
    struct discovery *d = scan->d;
    struct definition_defaults defaults;
    struct dropin dropin;
    char path[PATH_BYTES], why[DROPIN_ERROR];
    (void)snprintf(path, sizeof path, "%s/%s", d->settings.services_dir, name);
    discovery_defaults(d, &defaults);
    char *text = file_read(path, d->settings.limits.file_bytes, why, sizeof why);
    if (text != NULL && dropin_read(&dropin, name, text, &defaults, why)) {
        if (is_free(scan, name, &dropin))
            take_file(scan, name, &dropin);
        dropin_free(&dropin);
    } else {
        bad(scan, name, why);
    }
    free(text);
}

/* ---- the directory */

static bool is_dropin(const char *name)
{
    size_t len = strlen(name);
    return name[0] != '.' && len > 5 && strcmp(name + len - 5, ".conf") == 0;
}

static int by_name(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static bool list(struct scan *scan)
{
    DIR *entries = opendir(scan->d->settings.services_dir);
    const struct dirent *entry;
    if (entries == NULL)
        return false;
    while ((entry = readdir(entries)) != NULL && scan->count < scan->d->settings.limits.files_max) {
        if (!is_dropin(entry->d_name))
            continue;
        char **larger = realloc(scan->names, (scan->count + 1) * sizeof *larger), *name = strdup(entry->d_name);
        if (larger != NULL)
            scan->names = larger;
        if (larger == NULL || name == NULL) {
            free(name);
            (void)closedir(entries);
            return false;
        }
        scan->names[scan->count++] = name;
    }
    (void)closedir(entries);
    if (scan->count > 1)
        qsort(scan->names, scan->count, sizeof *scan->names, by_name);
    return true;
}

static bool is_listed(const struct scan *scan, const char *name)
{
    for (size_t i = 0; i < scan->count; i++)
        if (strcmp(scan->names[i], name) == 0)
            return true;
    return false;
}

static void free_texts(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
    free(texts);
}

/* A directory that cannot be read says nothing, least of all that its services are gone. */
static bool scan_all(struct discovery *d)
{
    struct scan scan = {.d = d};
    bool fine = list(&scan);
    for (size_t i = d->registration_count; i-- > 0 && fine;)
        if (d->registrations[i]->file != NULL && !is_listed(&scan, d->registrations[i]->file))
            registry_remove(d->registrations[i], true);
    for (size_t i = 0; i < scan.count && fine; i++)
        read_one(&scan, scan.names[i]);
    if (fine) {
        free_texts(d->bad_files, d->bad_file_count);
        d->bad_files = scan.bad;
        d->bad_file_count = scan.bad_count;
    } else {
        free_texts(scan.bad, scan.bad_count);
    }
    free_texts(scan.names, scan.count);
    store_soon(d);
    define_soon(d);
    discovery_status(d);
    return fine;
}

static void look(void *context);

static void happened(void *context, unsigned ready)
{
    struct discovery *d = context;
    char events[EVENT_BYTES];
    (void)ready;
    while (read(d->inotify, events, sizeof events) > 0)
        ;
    discovery_timer(d, &d->files_timer, QUIET_MS, look, d);
}

static bool watch(struct discovery *d)
{
    enum {
        EVENTS = IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF |
                 IN_MOVE_SELF
    };
    if (d->inotify < 0)
        d->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (d->inotify >= 0 && d->inotify_ready == 0)
        d->inotify_ready = d->api->descriptor(d->host, d->inotify, ZOOID_PLUGIN_READABLE, happened, d);
    return d->inotify_ready != 0 && inotify_add_watch(d->inotify, d->settings.services_dir, EVENTS) >= 0;
}

/* Watching comes first: what changes while it is read is seen. */
static void look(void *context)
{
    struct discovery *d = context;
    d->files_timer = 0;
    bool watched = watch(d);
    if (!scan_all(d) || !watched)
        discovery_timer(d, &d->files_timer, AGAIN_MS, look, d);
}

void files_start(struct discovery *d)
{
    if (d->settings.services_dir[0] == '\0')
        return;
    if (access(d->settings.services_dir, R_OK | X_OK) != 0)
        discovery_log(d, ZOOID_PLUGIN_WARNING, "%s: %s; it is looked for again", d->settings.services_dir,
                      strerror(errno));
    look(d);
}

void files_stop(struct discovery *d)
{
    if (d->inotify_ready != 0)
        d->api->cancel(d->host, d->inotify_ready);
    if (d->inotify >= 0)
        (void)close(d->inotify);
    d->inotify_ready = 0;
    d->inotify = -1;
}
