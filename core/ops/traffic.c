/* traffic.c - the first name of a path is the key. */
#include "core/ops/traffic.h"

enum { STAT_BYTES = 68 };

static void count(struct metrics *m, enum keyed_id id, struct bytes path, size_t bytes)
{
    if (m == NULL || path.len < 2)
        return;
    struct bytes name = bytes_from(path, 1);
    const uint8_t *slash = memchr(name.data, '/', name.len);
    if (slash != NULL)
        name.len = (size_t)(slash - name.data);
    metrics_observe_key(m, id, name, (int64_t)(path.len + bytes));
}

void traffic_read(struct metrics *m, struct bytes path, size_t bytes)
{
    count(m, KEYED_read_per_namespace, path, bytes + STAT_BYTES);
}

void traffic_written(struct metrics *m, struct bytes path, size_t bytes)
{
    count(m, KEYED_write_per_namespace, path, bytes);
}
