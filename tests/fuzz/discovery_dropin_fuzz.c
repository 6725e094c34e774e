/* discovery_dropin_fuzz.c - any text as a file of services.d: definitions within the limits, or an error with a line.
 */
#include "plugins/discovery/dropin.h"
#include "plugins/discovery/layout.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig 1.5 loses the text of a string that does not end. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig";
}

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check(const struct definition *d, const struct limits *limits)
{
    const struct standing standing = {HEALTH_WARNING, 1, 2, "h1", "why", false};
    char *text = layout_write(d, &standing);
    require(name_is_legal(d->service, limits->name_bytes) && strchr(d->id, '/') == NULL);
    require(json_array_size(d->tags) <= limits->tags_max && json_object_size(d->meta) <= limits->meta_max);
    require(text != NULL);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings settings;
    struct problem p;
    struct dropin d;
    char error[DROPIN_ERROR];
    char *text = calloc(size + 1, 1);
    require(text != NULL && settings_read(&settings, "{}", &p));
    memcpy(text, data, size);
    const struct definition_defaults defaults = {&settings.limits, "h1", "10.0.0.1", HEALTH_CRITICAL};
    /* Included files are the file system's, not this input's. */
    if (strstr(text, "@include") == NULL) {
        if (dropin_read(&d, "x.conf", text, &defaults, error)) {
            for (size_t i = 0; i < d.count; i++)
                check(&d.items[i], &settings.limits);
            dropin_free(&d);
        } else {
            require(strncmp(error, "x.conf:", 7) == 0);
        }
    }
    settings_free(&settings);
    free(text);
    return 0;
}
