/* settings_rows.c - the tables made from settings.def, and finding a row by its key. */
#include "agent/settings/settings_rows.h"
#include "core/base/check.h"

#include <string.h>

#define SAME   NULL
#define RELOAD SETTING_RELOAD
#define SECRET SETTING_SECRET

const struct setting_row setting_rows[SETTINGS_COUNT] = {
#define SETTING(field, key, type, min, max, default_text, apache_default, unit, flags, state, help) \
    {                                                                                               \
        key,                                                                                        \
        TYPE_##type,                                                                                \
        offsetof(struct settings, field),                                                           \
        min,                                                                                        \
        max,                                                                                        \
        default_text,                                                                               \
        apache_default,                                                                             \
        unit,                                                                                       \
        flags,                                                                                      \
        STATE_##state,                                                                              \
        help},
#include "agent/settings/settings.def"
};

const struct foreign_row foreign_rows[] = {
#define FOREIGN(key, type, default_text, state, reason) {key, TYPE_##type, default_text, STATE_##state, reason},
#include "agent/settings/settings.def"
};
const size_t foreign_row_count = ARRAY_LEN(foreign_rows);

const struct foreign_row family_rows[] = {
#define FAMILY(prefix, state, reason) {prefix, TYPE_STRING, "", STATE_##state, reason},
#include "agent/settings/settings.def"
};
const size_t family_row_count = ARRAY_LEN(family_rows);

const struct setting_alias setting_aliases[] = {
#define ALIAS(name, key) {name, key},
#include "agent/settings/settings.def"
};
const size_t setting_alias_count = ARRAY_LEN(setting_aliases);

#define APACHE_PREFIX "zookeeper."
enum { KEY_LENGTH_MAX = 80 }; /* of keys that are compared for likeness */

static bool same_key(const char *a, const char *b)
{
    return a[0] == b[0] && strcmp(a, b) == 0;
}

static struct setting_key find_exact(const char *key)
{
    struct setting_key found = {.name = key};
    for (size_t i = 0; i < setting_alias_count; i++)
        if (same_key(setting_aliases[i].name, key))
            found.name = setting_aliases[i].key;
    for (size_t i = 0; i < SETTINGS_COUNT; i++)
        if (same_key(setting_rows[i].key, found.name))
            found.setting = &setting_rows[i];
    for (size_t i = 0; i < foreign_row_count; i++)
        if (same_key(foreign_rows[i].key, found.name))
            found.foreign = &foreign_rows[i];
    return found;
}

struct setting_key settings_find_key(const char *key)
{
    const char *bare = strncmp(key, APACHE_PREFIX, strlen(APACHE_PREFIX)) == 0 ? key + strlen(APACHE_PREFIX) : key;
    struct setting_key found = find_exact(bare);
    if (found.setting != NULL || found.foreign != NULL)
        return found;
    size_t longest = 0;
    for (size_t i = 0; i < family_row_count; i++) {
        size_t length = strlen(family_rows[i].key);
        if (length > longest && strncmp(bare, family_rows[i].key, length) == 0) {
            found.family = &family_rows[i];
            longest = length;
        }
    }
    return found;
}

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static char folded(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* Letters to insert, delete or replace to make one of the other; case does not count. Both are at most KEY_LENGTH_MAX
 * long. */
static unsigned edit_distance(const char *a, const char *b)
{
    unsigned row[KEY_LENGTH_MAX + 1];
    size_t length = strlen(b);
    for (size_t i = 0; i <= length; i++)
        row[i] = (unsigned)i;
    for (; *a != '\0'; a++) {
        unsigned diagonal = row[0]++;
        for (size_t i = 1; i <= length; i++) {
            unsigned replaced = diagonal + (folded(*a) != folded(b[i - 1]));
            diagonal = row[i];
            row[i] = smaller(replaced, smaller(row[i], row[i - 1]) + 1);
        }
    }
    return row[length];
}

static void take_nearer(const char *key, const char *candidate, const char **nearest, unsigned *distance)
{
    size_t a = strlen(key), b = strlen(candidate);
    if ((a > b ? a - b : b - a) >= *distance)
        return;
    unsigned d = edit_distance(key, candidate);
    if (d < *distance) {
        *distance = d;
        *nearest = candidate;
    }
}

const char *settings_nearest_key(const char *key)
{
    const char *bare = strncmp(key, APACHE_PREFIX, strlen(APACHE_PREFIX)) == 0 ? key + strlen(APACHE_PREFIX) : key;
    size_t length = strlen(bare);
    if (length == 0 || length > KEY_LENGTH_MAX)
        return NULL;
    const char *nearest = NULL;
    unsigned distance = (unsigned)(length / 4) + 2; /* one slip in a short key, more in a long one */
    for (size_t i = 0; i < SETTINGS_COUNT; i++)
        take_nearer(bare, setting_rows[i].key, &nearest, &distance);
    for (size_t i = 0; i < foreign_row_count; i++)
        take_nearer(bare, foreign_rows[i].key, &nearest, &distance);
    for (size_t i = 0; i < setting_alias_count; i++)
        take_nearer(bare, setting_aliases[i].name, &nearest, &distance);
    return nearest;
}
