/* path_set.c - paths in an array in the order of a walk through the tree. Whatever stands between a path and one that
 * lies below it lies below it, too; so the paths above any place are a chain that begins right before it. */
#include "core/tree/path_set.h"

#include "core/base/mem.h"
#include "core/tree/path.h"

#include <stdlib.h>

enum status path_set_begin(struct path_set *set, size_t count)
{
    *set = (struct path_set){mem_calloc(count + 1, sizeof *set->entries), 0};
    return set->entries == NULL ? ST_NO_MEMORY : ST_OK;
}

void path_set_free(struct path_set *set)
{
    mem_free(set->entries);
    *set = (struct path_set){0};
}

static struct bytes without_slash(struct bytes path)
{
    return path.len == 1 && path.data[0] == '/' ? BYTES("") : path;
}

void path_set_add(struct path_set *set, struct bytes path)
{
    set->entries[set->count++].path = without_slash(path);
}

/* As bytes, but that a slash comes before any other: so a node's children come right behind it. */
static int compare(struct bytes a, struct bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len, at = 0;
    while (at < len && a.data[at] == b.data[at])
        at++;
    if (at == len)
        return (a.len > b.len) - (a.len < b.len);
    if (a.data[at] == '/' || b.data[at] == '/')
        return a.data[at] == '/' ? -1 : 1;
    return a.data[at] < b.data[at] ? -1 : 1;
}

static int compare_entries(const void *a, const void *b)
{
    return compare(((const struct path_set_entry *)a)->path, ((const struct path_set_entry *)b)->path);
}

/* The nearest one at or above `path`, when `at` is the last one that does not come behind it. */
static int32_t nearest(const struct path_set *set, int32_t at, struct bytes path)
{
    while (at >= 0 && !path_is_within(path, set->entries[at].path))
        at = set->entries[at].above;
    return at;
}

void path_set_order(struct path_set *set)
{
    size_t kept = 0;
    qsort(set->entries, set->count, sizeof *set->entries, compare_entries);
    for (size_t i = 0; i < set->count; i++) {
        struct bytes path = set->entries[i].path;
        if (kept > 0 && compare(set->entries[kept - 1].path, path) == 0)
            continue;
        set->entries[kept] = (struct path_set_entry){path, nearest(set, (int32_t)kept - 1, path)};
        kept++;
    }
    set->count = kept;
}

bool path_set_covers(const struct path_set *set, struct bytes path)
{
    path = without_slash(path);
    size_t low = 0, high = set->count; /* the first one that comes behind it lies between */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(set->entries[middle].path, path) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return nearest(set, (int32_t)low - 1, path) >= 0;
}
