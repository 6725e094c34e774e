/* quota.c - limits per subtree, and how much of them is used (client-protocol 9).
 *
 * A quota on P is there as long as the node /zookeeper/quota<P>/zookeeper_limits is. Usage is counted here; the node
 * .../zookeeper_stats beside it merely shows it. That text is derived state: where memory for it is lacking it stays as
 * it was until the next change. */
#include "core/tree/tree_internal.h"

#include "core/base/mem.h"
#include "core/tree/path.h"

#include <inttypes.h>
#include <stdio.h>

#define LIMITS_NAME BYTES("/zookeeper_limits")
#define STATS_NAME  BYTES("/zookeeper_stats")

struct quota_entry {
    struct quota quota;
    size_t path_len;
    size_t stats_len;
    uint8_t stats_path[]; /* "/zookeeper/quota", the quota's path, "/zookeeper_stats" */
};

static struct bytes path_of(const void *item)
{
    const struct quota_entry *entry = item;
    return bytes_make(entry->stats_path + QUOTA_PATH.len, entry->path_len);
}

void quotas_init(struct tree *t)
{
    map_init(&t->quotas, &t->hash_key, path_of);
}

void quotas_free(struct tree *t)
{
    MAP_FOR_EACH(at, &t->quotas)
    mem_free(at->item);
    map_free(&t->quotas);
}

/* -- which node is about which quota ------------------------------------------------------------------------------ */

static bool ends_with(struct bytes b, struct bytes end)
{
    return b.len >= end.len && memcmp(b.data + b.len - end.len, end.data, end.len) == 0;
}

/* The path between "/zookeeper/quota" and `name` at the end; false: `path` is no such node. */
static bool quota_path_of(struct bytes path, struct bytes name, struct bytes *quota_path)
{
    if (!bytes_starts_with(path, BYTES("/zookeeper/quota/")) || !ends_with(path, name) ||
        path.len <= QUOTA_PATH.len + name.len)
        return false;
    *quota_path = bytes_make(path.data + QUOTA_PATH.len, path.len - QUOTA_PATH.len - name.len);
    return true;
}

static struct quota_entry *entry_for(const struct tree *t, struct bytes path, struct bytes name)
{
    struct bytes quota_path;
    if (t->quotas.count == 0 || !quota_path_of(path, name, &quota_path))
        return NULL;
    return map_get(&t->quotas, quota_path);
}

static struct quota_entry *deepest_entry(const struct tree *t, struct bytes path)
{
    if (t->quotas.count == 0)
        return NULL;
    for (path = canonical_path(path); path.len > 0; path = path_parent(path)) {
        struct quota_entry *entry = map_get(&t->quotas, path);
        if (entry != NULL)
            return entry;
    }
    return NULL;
}

/* -- texts -------------------------------------------------------------------------------------------------------- */

enum key { KEY_COUNT, KEY_BYTES, KEY_COUNT_HARD, KEY_BYTES_HARD, KEYS };

static const char *const key_names[KEYS] = {
    [KEY_COUNT] = "count",
    [KEY_BYTES] = "bytes",
    [KEY_COUNT_HARD] = "countHardLimit",
    [KEY_BYTES_HARD] = "byteHardLimit",
};

static int64_t parse_number(struct bytes text)
{
    bool negative = text.len > 0 && text.data[0] == '-';
    size_t i = negative ? 1 : 0;
    int64_t value = 0;
    if (i == text.len)
        return -1;
    for (; i < text.len; i++) {
        int digit = text.data[i] - '0';
        if (digit < 0 || digit > 9 || value > (INT64_MAX - digit) / 10)
            return -1;
        value = value * 10 + digit;
    }
    return negative ? -value : value;
}

/* "key=value", where another '=' may follow. */
static void parse_pair(struct bytes pair, int64_t values[KEYS])
{
    const uint8_t *equals = pair.len > 0 ? memchr(pair.data, '=', pair.len) : NULL;
    if (equals == NULL)
        return;
    struct bytes key = bytes_make(pair.data, (size_t)(equals - pair.data));
    struct bytes value = bytes_from(pair, key.len + 1);
    const uint8_t *more = value.len > 0 ? memchr(value.data, '=', value.len) : NULL;
    if (more != NULL)
        value.len = (size_t)(more - value.data);
    for (int i = 0; i < KEYS; i++) {
        if (bytes_equal(key, bytes_of(key_names[i])))
            values[i] = parse_number(value);
    }
}

/* What is missing or no number is -1: no limit. */
static void parse_text(struct bytes text, int64_t values[KEYS])
{
    for (int i = 0; i < KEYS; i++)
        values[i] = -1;
    for (size_t start = 0; start < text.len;) {
        size_t end = start;
        while (end < text.len && text.data[end] != ',' && text.data[end] != ';')
            end++;
        parse_pair(bytes_make(text.data + start, end - start), values);
        start = end + 1;
    }
}

static void read_limits(struct quota *quota, struct bytes text)
{
    int64_t values[KEYS];
    parse_text(text, values);
    quota->count = values[KEY_COUNT];
    quota->bytes = values[KEY_BYTES];
    quota->count_hard = values[KEY_COUNT_HARD];
    quota->bytes_hard = values[KEY_BYTES_HARD];
}

/* Hard limits that somebody wrote into the text stay in it. */
static void show_usage(struct tree *t, const struct quota_entry *entry)
{
    struct tree_node *n = find_node(t, bytes_make(entry->stats_path, entry->stats_len));
    if (n == NULL)
        return;
    int64_t old[KEYS];
    parse_text(tree_data(n), old);
    char text[160];
    int len = snprintf(text, sizeof text, "count=%" PRId64 ",bytes=%" PRId64, entry->quota.used_count,
                       entry->quota.used_bytes);
    const char *separator = "=;";
    static const enum key kept[] = {KEY_BYTES_HARD, KEY_COUNT_HARD};
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        if (old[kept[i]] == -1)
            continue;
        len += snprintf(text + len, sizeof text - (size_t)len, "%s%s=%" PRId64, separator, key_names[kept[i]],
                        old[kept[i]]);
        separator = ";";
    }
    node_set_data(t, n, bytes_make(text, (size_t)len));
}

/* -- following changes -------------------------------------------------------------------------------------------- */

static void count_usage(const struct tree *t, struct quota_entry *entry)
{
    const struct tree_node *top = find_node(t, path_of(entry));
    entry->quota.used_count = 0;
    entry->quota.used_bytes = 0;
    for (const struct tree_node *n = top; n != NULL; n = tree_next_preorder(t, top, n)) {
        entry->quota.used_count++;
        entry->quota.used_bytes += n->data_len;
    }
}

static void use(struct tree *t, struct bytes path, int64_t count, int64_t bytes)
{
    struct quota_entry *entry = deepest_entry(t, path);
    if (entry == NULL)
        return;
    entry->quota.used_count += count;
    entry->quota.used_bytes += bytes;
    show_usage(t, entry);
}

enum status quota_before_create(struct tree *t, struct bytes path)
{
    struct bytes quota_path;
    if (!quota_path_of(path, LIMITS_NAME, &quota_path))
        return ST_OK;
    size_t stats_len = QUOTA_PATH.len + quota_path.len + STATS_NAME.len;
    struct quota_entry *entry = mem_calloc(1, sizeof *entry + stats_len);
    if (entry == NULL)
        return ST_NO_MEMORY;
    entry->path_len = quota_path.len;
    entry->stats_len = stats_len;
    memcpy(entry->stats_path, path.data, QUOTA_PATH.len + quota_path.len);
    memcpy(entry->stats_path + QUOTA_PATH.len + quota_path.len, STATS_NAME.data, STATS_NAME.len);
    enum status st = map_add(&t->quotas, entry);
    if (st != ST_OK)
        mem_free(entry);
    return st;
}

void quota_created(struct tree *t, struct bytes path, const struct tree_node *n)
{
    if (t->quotas.count == 0)
        return;
    struct quota_entry *entry = entry_for(t, path, LIMITS_NAME);
    if (entry != NULL) {
        read_limits(&entry->quota, tree_data(n));
        count_usage(t, entry);
    }
    entry = entry_for(t, path, STATS_NAME);
    if (entry != NULL) {
        /* What was in a quota below this one meanwhile was not counted here. */
        if (t->quotas.count > 1)
            count_usage(t, entry);
        node_set_data(t, slab_at(t, n->number), BYTES(""));
        show_usage(t, entry);
    }
    use(t, path, 1, n->data_len);
}

void quota_deleted(struct tree *t, struct bytes path, uint32_t data_len)
{
    if (t->quotas.count == 0)
        return;
    struct quota_entry *entry = entry_for(t, path, LIMITS_NAME);
    if (entry != NULL)
        mem_free(map_remove(&t->quotas, path_of(entry)));
    use(t, path, -1, -(int64_t)data_len);
}

void quota_data_set(struct tree *t, struct bytes path, const struct tree_node *n, uint32_t old_len)
{
    if (t->quotas.count == 0)
        return;
    struct quota_entry *entry = entry_for(t, path, LIMITS_NAME);
    if (entry != NULL)
        read_limits(&entry->quota, tree_data(n));
    use(t, path, 0, (int64_t)n->data_len - old_len);
}

enum status quota_node_loaded(struct tree *t, struct bytes path, const struct tree_node *n)
{
    enum status st = quota_before_create(t, path);
    struct quota_entry *entry = st == ST_OK ? entry_for(t, path, LIMITS_NAME) : NULL;
    if (entry != NULL)
        read_limits(&entry->quota, tree_data(n));
    return st;
}

void quota_loaded(struct tree *t)
{
    MAP_FOR_EACH(at, &t->quotas)
    {
        count_usage(t, at->item);
        show_usage(t, at->item);
    }
}

/* -- asking ------------------------------------------------------------------------------------------------------- */

bool tree_quota_of(const struct tree *t, struct bytes path, struct bytes *quota_path, struct quota *quota)
{
    const struct quota_entry *entry = path.len > 0 && path.data[0] == '/' ? deepest_entry(t, path) : NULL;
    if (entry == NULL)
        return false;
    *quota_path = path_of(entry);
    *quota = entry->quota;
    return true;
}

void tree_each_quota(const struct tree *t, void (*fn)(void *context, struct bytes path, const struct quota *quota),
                     void *context)
{
    MAP_FOR_EACH(at, &t->quotas)
    {
        const struct quota_entry *entry = at->item;
        fn(context, path_of(entry), &entry->quota);
    }
}
