/* config_rewrite_fuzz.c - any bytes as zoo.cfg, rewritten: no server line is left, every other key has its value, and
 * doing it again changes nothing. */
#include "agent/settings/config_rewrite.h"
#include "agent/settings/properties.h"
#include "agent/settings/settings_rows.h"
#include "core/base/check.h"
#include "core/base/mem.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct config_rewrite change = {.dynamic_file = "/etc/zoo.cfg.dynamic.100000000", .names_server = true};

static bool is_kept(const struct property *property)
{
    struct setting_key key = settings_find_key(property->key);
    bool is_server = key.family != NULL && key.family->state == STATE_SERVER;
    return property->error != NULL || (!is_server && key.setting != &setting_rows[SETTING_ID_dynamic_config_file] &&
                                       key.setting != &setting_rows[SETTING_ID_peer_type] &&
                                       key.setting != &setting_rows[SETTING_ID_server_address]);
}

/* The next one that is to be in both; false: there is none. */
static bool next_kept(struct properties *p, struct property *out)
{
    while (properties_next(p, out))
        if (is_kept(out))
            return true;
    return false;
}

static void check_same(struct bytes before, struct bytes after)
{
    char *memory[2] = {mem_alloc(properties_memory(before.len)), mem_alloc(properties_memory(after.len))};
    struct properties p[2];
    struct property a, b;
    CHECK(memory[0] != NULL && memory[1] != NULL);
    properties_open(&p[0], (const char *)before.data, before.len, memory[0]);
    properties_open(&p[1], (const char *)after.data, after.len, memory[1]);
    while (next_kept(&p[0], &a)) {
        CHECK(next_kept(&p[1], &b));
        CHECK(strcmp(a.key, b.key) == 0 && strcmp(a.value, b.value) == 0 && a.error == b.error);
    }
    CHECK(!next_kept(&p[1], &b));
    mem_free(memory[0]);
    mem_free(memory[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer once = {0}, twice = {0};
    bool has_servers;
    CHECK(config_rewrite(bytes_make(data, size), &change, &once, NULL) == ST_OK);
    check_same(bytes_make(data, size), buffer_bytes(&once));
    CHECK(config_rewrite(buffer_bytes(&once), &change, &twice, &has_servers) == ST_OK);
    CHECK(!has_servers && bytes_equal(buffer_bytes(&once), buffer_bytes(&twice)));
    buffer_free(&once);
    buffer_free(&twice);
    return 0;
}
