/* workload.c - clients of core/zab alone: they write at whoever says that it leads. */
#include "core/base/check.h"
#include "core/jute/codec.h"
#include "tests/sim/checks/zab.h"
#include "tests/sim/zab/member.h"

enum { OPERATION_SET_DATA = 5 };

/* As a txn's header and its record would be; the session's place holds the number by which it is known here. */
static void write_entry(struct world *w, struct txn_ref txn, struct buffer *out)
{
    struct writer writer = writer_to(out);
    write_i64(&writer, (int64_t)txn.id);
    write_i32(&writer, (int32_t)txn.id);
    write_i64(&writer, txn.zxid);
    write_i64(&writer, w->now_us / SIM_MILLISECOND);
    write_i32(&writer, OPERATION_SET_DATA);
    CHECK(writer.status == ST_OK);
}

uint64_t workload_entry_id(struct world *w, int64_t zxid, struct bytes entry)
{
    (void)w, (void)zxid;
    struct reader reader = reader_of(entry);
    int64_t id = read_i64(&reader);
    return reader.status == ST_OK ? (uint64_t)id : 0;
}

static void write_at(struct world *w, struct server *m)
{
    struct buffer entry = {0};
    const struct txn_ref txn = {zab_next_zxid(m->zab->z), w->next_id++};
    write_entry(w, txn, &entry);
    check_proposed(w, m, txn);
    member_feed(w, m, (struct zab_event){.kind = ZAB_PROPOSE, .zxid = txn.zxid, .bytes = buffer_bytes(&entry)});
    buffer_free(&entry);
}

bool workload_write(struct world *w)
{
    unsigned start = random_below(&w->random, w->count);
    for (unsigned i = 0; i < w->count; i++) {
        struct server *m = &w->servers[(start + i) % w->count];
        if (m->up && w->stopped_until_us[m->index] <= w->now_us && zab_next_zxid(m->zab->z) != 0) {
            write_at(w, m);
            return true;
        }
    }
    return false;
}

void workload_happens(struct world *w, const struct happening *h)
{
    (void)h;
    if (w->calm)
        return;
    unsigned burst = world_chance(w, 8) ? 1 + random_below(&w->random, 12) : 1;
    while (burst-- > 0 && !w->failed && workload_write(w))
        continue;
    world_at(w, w->now_us + 1 + world_about(w, w->plan.client_us), (struct happening){.kind = HAPPENS_CLIENT});
}
