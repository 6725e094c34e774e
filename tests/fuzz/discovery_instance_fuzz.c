/* discovery_instance_fuzz.c - any bytes as an instance in the tree, as a definition and as the arguments of a query:
 * what is taken survives its own JSON. */
#include "plugins/discovery/args.h"
#include "plugins/discovery/definition.h"
#include "plugins/discovery/query.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_instance(const uint8_t *data, size_t size)
{
    struct instance *instance = instance_read("web", "a", data, size);
    json_t *json = instance == NULL ? NULL : instance_json(instance);
    struct instance *again = instance_from_json(json);
    json_t *same = again == NULL ? NULL : instance_json(again);
    require(instance == NULL || (json != NULL && json_equal(json, same)));
    json_decref(json);
    json_decref(same);
    free(instance);
    free(again);
}

static void check_definition(const uint8_t *data, size_t size, const struct settings *settings)
{
    const struct definition_defaults defaults = {&settings->limits, "h1", "10.0.0.1", HEALTH_CRITICAL};
    struct definition d;
    struct problem p = {"", ""};
    json_error_t error;
    json_t *json = json_loadb((const char *)data, size, JSON_DECODE_ANY, &error);
    if (definition_read(&d, json, &defaults, &p))
        definition_free(&d);
    else
        require(p.text[0] != '\0');
    json_decref(json);
}

static void check_query(const uint8_t *data, size_t size, const struct catalog *catalog)
{
    static const char *const positions[] = {"service", "health+", NULL};
    struct query q;
    struct answer a;
    struct problem p;
    json_t *args = args_read((const char *)data, size, positions, &p);
    if (args != NULL && query_read(&q, args, &p)) {
        require(query_run(catalog, &q, 1, &a));
        answer_free(&a);
        query_free(&q);
    }
    json_decref(args);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings settings;
    struct problem p;
    require(settings_read(&settings, "{}", &p));
    struct catalog *catalog = catalog_new(&settings);
    require(catalog != NULL);
    check_instance(data, size);
    check_definition(data, size, &settings);
    (void)catalog_put(catalog, "/services/web/a", data, size, 1);
    check_query(data, size, catalog);
    catalog_free(catalog);
    settings_free(&settings);
    return 0;
}
