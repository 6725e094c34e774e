/* known.c - what is known of each service, one file for each, for the time after a restart in which the tree says
 * nothing yet. What is not known is what has gone: a file is written when good instances change, and without haste. */
#include "plugins/discovery/discovery.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, NAME_BYTES = 200, AT_ONCE = 50, FILE_BYTES = 64 * 1024 * 1024 };

static bool directory_of(const struct discovery *d, char path[PATH_BYTES])
{
    const char *state = d->api->state_dir(d->host);
    int len = state == NULL ? -1 : snprintf(path, PATH_BYTES, "%s/known", state);
    return len > 0 && len < PATH_BYTES - NAME_BYTES - 16;
}

/* Names that are no good for a file get one made of their hash (FNV-1a). */
static void path_of(char path[2 * PATH_BYTES], const char *directory, const char *service)
{
    uint64_t hash = 14695981039346656037U;
    for (const char *at = service; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * 1099511628211U;
    if (service[0] != '.' && service[0] != '#' && strlen(service) <= NAME_BYTES)
        (void)snprintf(path, 2 * PATH_BYTES, "%s/%s.json", directory, service);
    else
        (void)snprintf(path, 2 * PATH_BYTES, "%s/#%016llx.json", directory, (unsigned long long)hash);
}

static void load_file(struct discovery *d, const char *path, uint64_t now)
{
    char why[512];
    json_error_t error;
    size_t i;
    json_t *item, *list;
    char *text = file_read(path, FILE_BYTES, why, sizeof why);
    list = text == NULL ? NULL : json_loads(text, 0, &error);
    free(text);
    if (!json_is_array(list))
        discovery_log(d, ZOOID_PLUGIN_WARNING, "%s: cannot be read, and is left alone", path);
    json_array_foreach(list, i, item)
    {
        struct instance *instance = instance_from_json(item);
        if (instance != NULL)
            (void)catalog_restore(d->catalog, instance, now);
    }
    json_decref(list);
}

void known_load(struct discovery *d)
{
    char directory[PATH_BYTES], path[2 * PATH_BYTES];
    DIR *entries = directory_of(d, directory) ? opendir(directory) : NULL;
    const struct dirent *entry;
    if (entries == NULL)
        return;
    while ((entry = readdir(entries)) != NULL) {
        size_t len = strlen(entry->d_name);
        if (len < 6 || strcmp(entry->d_name + len - 5, ".json") != 0)
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        load_file(d, path, d->api->now_ms(d->host));
    }
    (void)closedir(entries);
    for (size_t i = 0; i < catalog_services(d->catalog); i++)
        catalog_at(d->catalog, i)->dirty = false;
}

/* The good ones; when there is none, those that the guard has instead. */
static json_t *json_of(const struct discovery *d, const struct service *s)
{
    json_t *list = json_array();
    bool fine = list != NULL;
    for (size_t i = 0; i < s->count && fine; i++)
        if (instance_is_good(s->entries[i].instance))
            fine = json_array_append_new(list, instance_json(s->entries[i].instance)) == 0;
    bool guarded = guard_reason(&s->guard, &s->settings, d->api->now_ms(d->host)) != GUARD_QUIET;
    for (size_t i = 0; i < s->guard.count && fine && guarded; i++)
        fine = json_array_append_new(list, instance_json(s->guard.items[i].instance)) == 0;
    if (fine)
        return list;
    json_decref(list);
    return NULL;
}

static bool save(const struct discovery *d, const struct service *s, const char *directory)
{
    char path[2 * PATH_BYTES];
    json_t *list = json_of(d, s);
    char *text = list == NULL ? NULL : json_dumps(list, JSON_COMPACT);
    bool fine = text != NULL;
    path_of(path, directory, s->name);
    if (fine && json_array_size(list) == 0)
        fine = unlink(path) == 0 || errno == ENOENT;
    else if (fine)
        fine = file_write(path, text, false);
    free(text);
    json_decref(list);
    return fine;
}

bool known_save(struct discovery *d)
{
    char directory[PATH_BYTES];
    bool has = directory_of(d, directory) && (mkdir(directory, 0700) == 0 || errno == EEXIST);
    size_t written = 0;
    if (!d->owns)
        return false;
    for (size_t i = 0; i < catalog_services(d->catalog); i++) {
        struct service *s = catalog_at(d->catalog, i);
        if (!s->dirty)
            continue;
        if (written++ == AT_ONCE)
            return true;
        s->dirty = false; /* what cannot be written is written with the next change */
        if (has && !save(d, s, directory))
            discovery_log(d, ZOOID_PLUGIN_WARNING, "what is known of %s could not be written: %s", s->name,
                          strerror(errno));
    }
    return false;
}
