/* store.c - the registrations over a restart: all of them in one file, with what is known of each. */
#include "plugins/discovery/discovery.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 4096, SAVE_MS = 300, BOOT_BYTES = 64, FILE_BYTES = 256 * 1024 * 1024 };

static bool path_of(const struct discovery *d, char path[PATH_BYTES])
{
    const char *state = d->api->state_dir(d->host);
    int len = state == NULL ? -1 : snprintf(path, PATH_BYTES, "%s/registrations.json", state);
    return len > 0 && len < PATH_BYTES;
}

/* Start times of processes count from it. */
static void boot_id(char id[BOOT_BYTES])
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (file == NULL || fgets(id, BOOT_BYTES, file) == NULL)
        id[0] = '\0';
    if (file != NULL)
        (void)fclose(file);
    id[strcspn(id, "\n")] = '\0';
}

static json_t *json_of(const struct registration *r)
{
    return json_pack("{s:O, s:s?, s:I, s:I, s:I, s:s, s:I, s:s?, s:b}", "definition", r->definition.json, "file",
                     r->file, "uid", (json_int_t)r->uid, "start", (json_int_t)r->start_time, "registered",
                     (json_int_t)r->registered_ms, "health", health_name(r->health), "since", (json_int_t)r->since_ms,
                     "maintenance", r->maintenance, "off", (int)r->off);
}

static char *text_of(const struct discovery *d)
{
    char boot[BOOT_BYTES], *text = NULL;
    json_t *list = json_array(), *drops = json_array();
    bool fine = list != NULL && drops != NULL;
    for (size_t i = 0; i < d->registration_count && fine; i++)
        fine = json_array_append_new(list, json_of(d->registrations[i])) == 0;
    for (size_t i = 0; i < d->drop_count && fine; i++)
        fine = json_array_append_new(drops, json_string(d->drops[i])) == 0;
    boot_id(boot);
    json_t *whole = json_pack("{s:i, s:s, s:s?, s:o, s:o}", "version", 1, "boot", boot, "maintenance", d->maintenance,
                              "drops", drops, "registrations", list);
    if (fine && whole != NULL)
        text = json_dumps(whole, JSON_INDENT(1));
    json_decref(whole);
    return text;
}

/* Without a state directory there is nothing to keep it in, which was said at the start. */
bool store_save(struct discovery *d)
{
    char path[PATH_BYTES], *text;
    if (d->save != 0)
        d->api->cancel(d->host, d->save);
    d->save = 0;
    if (!path_of(d, path) || !d->owns)
        return true;
    text = text_of(d);
    bool fine = text != NULL && file_write(path, text, true);
    if (!fine)
        discovery_log(d, ZOOID_PLUGIN_ERROR, "%s could not be written: %s", path, strerror(errno));
    free(text);
    return fine;
}

static void save_fired(void *context)
{
    struct discovery *d = context;
    d->save = 0;
    (void)store_save(d);
}

void store_soon(struct discovery *d)
{
    if (d->save == 0)
        discovery_timer(d, &d->save, SAVE_MS, save_fired, d);
}

static void take_standing(struct registration *r, json_t *json, bool same_boot)
{
    r->registered_ms = json_integer_value(json_object_get(json, "registered"));
    r->since_ms = json_integer_value(json_object_get(json, "since"));
    r->start_time = same_boot ? json_integer_value(json_object_get(json, "start")) : -1;
    r->off = json_is_true(json_object_get(json, "off"));
    (void)health_parse(json_string_value(json_object_get(json, "health")), &r->health);
    if (!registry_keep(&r->maintenance, json_string_value(json_object_get(json, "maintenance"))))
        discovery_no_memory(r->d, r->definition.id);
}

/* Its node is not written yet. NULL: said why it is let go of. */
static struct registration *load_one(struct discovery *d, json_t *json, bool same_boot)
{
    struct definition_defaults defaults;
    struct definition definition;
    struct problem p;
    const char *file = json_string_value(json_object_get(json, "file"));
    discovery_defaults(d, &defaults);
    if (!definition_read(&definition, json_object_get(json, "definition"), &defaults, &p)) {
        discovery_log(d, ZOOID_PLUGIN_WARNING, "a registration that was kept is let go of: %s: %s", p.key, p.text);
        return NULL;
    }
    struct registration *r = registry_put(d, &definition, file, json_integer_value(json_object_get(json, "uid")));
    if (r == NULL) {
        discovery_log(d, ZOOID_PLUGIN_WARNING, "a registration that was kept is let go of: there is no room");
        return NULL;
    }
    take_standing(r, json, same_boot);
    if (lifetime_begin(r, &p))
        return r;
    discovery_log(d, ZOOID_PLUGIN_INFO, "%s has ended meanwhile: %s", r->definition.id, p.text);
    registry_remove(r, false);
    return NULL;
}

static bool is_same_boot(json_t *whole)
{
    char boot[BOOT_BYTES];
    const char *before = json_string_value(json_object_get(whole, "boot"));
    boot_id(boot);
    return before != NULL && strcmp(before, boot) == 0;
}

static void load(struct discovery *d, json_t *whole)
{
    size_t i;
    json_t *item;
    bool same_boot = is_same_boot(whole);
    if (!registry_keep(&d->maintenance, json_string_value(json_object_get(whole, "maintenance"))))
        discovery_no_memory(d, "maintenance");
    json_array_foreach(json_object_get(whole, "drops"), i, item) if (json_is_string(item))
        define_drop(d, json_string_value(item));
    json_array_foreach(json_object_get(whole, "registrations"), i, item)(void) load_one(d, item, same_boot);
}

/* NULL: there is none, or it cannot be read, which is said. */
static json_t *read_file(struct discovery *d)
{
    char path[PATH_BYTES], why[512];
    json_error_t error;
    if (!path_of(d, path)) {
        discovery_log(d, ZOOID_PLUGIN_WARNING, "there is no state directory: registrations end with this process");
        return NULL;
    }
    char *text = file_read(path, FILE_BYTES, why, sizeof why);
    if (text == NULL && errno == ENOENT)
        return NULL;
    json_t *whole = text == NULL ? NULL : json_loads(text, 0, &error);
    if (whole == NULL)
        discovery_log(d, ZOOID_PLUGIN_ERROR, "%s cannot be read, and what was registered is not known: %s", path,
                      text == NULL ? why : error.text);
    free(text);
    return whole;
}

void store_load(struct discovery *d)
{
    json_t *whole = read_file(d);
    if (whole != NULL)
        load(d, whole);
    json_decref(whole);
}

static bool is_listed(json_t *list, const char *id)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        const char *listed = json_string_value(json_object_get(json_object_get(item, "definition"), "id"));
        if (listed != NULL && strcmp(listed, id) == 0)
            return true;
    }
    return false;
}

/* What files define is known from them. */
void store_reload(struct discovery *d)
{
    json_t *whole = read_file(d), *list = json_object_get(whole, "registrations");
    for (size_t i = d->registration_count; i-- > 0 && list != NULL;)
        if (d->registrations[i]->file == NULL && !is_listed(list, d->registrations[i]->definition.id))
            registry_remove(d->registrations[i], true);
    if (whole != NULL)
        load(d, whole);
    json_decref(whole);
    publish_all(d);
    define_soon(d);
    store_soon(d);
}
