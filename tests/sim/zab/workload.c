/* workload.c - clients of core/zab alone: they write at whoever says that it leads. */
#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/jute/codec.h"
#include "core/jute/txn.h"
#include "core/members/quorum.h"
#include "tests/sim/checks/zab.h"
#include "tests/sim/ensemble.h"
#include "tests/sim/zab/member.h"

/* As a txn's header and its record would be; the session's place holds the number by which it is known here. */
static void write_entry(struct world *w, struct txn_ref txn, int32_t type, struct buffer *out)
{
    struct writer writer = writer_to(out);
    write_i64(&writer, (int64_t)txn.id);
    write_i32(&writer, (int32_t)txn.id);
    write_i64(&writer, txn.zxid);
    write_i64(&writer, w->now_us / SIM_MILLISECOND);
    write_i32(&writer, type);
    CHECK(writer.status == ST_OK);
}

uint64_t workload_entry_id(struct world *w, int64_t zxid, struct bytes entry)
{
    (void)w, (void)zxid;
    struct reader reader = reader_of(entry);
    int64_t id = read_i64(&reader);
    return reader.status == ST_OK ? (uint64_t)id : 0;
}

/* -- what was written, for those that read it from a log ----------------------------------------------------------- */

static void keep_entry(struct world *w, uint64_t id, struct bytes bytes)
{
    struct buffer *copy = mem_calloc(1, sizeof *copy);
    CHECK(copy != NULL && buffer_append(copy, bytes.data, bytes.len) == ST_OK);
    CHECK(map64_put(&w->entries, id, copy) == ST_OK);
}

struct bytes workload_entry(const struct world *w, uint64_t id)
{
    const struct buffer *entry = map64_get(&w->entries, id);
    return entry == NULL ? BYTES_NULL : buffer_bytes(entry);
}

void workload_forget(struct world *w)
{
    MAP64_FOR_EACH(slot, &w->entries)
    {
        buffer_free(slot->value);
        mem_free(slot->value);
    }
    map64_free(&w->entries);
}

/* -- writing ------------------------------------------------------------------------------------------------------- */

/* `config`: what the txn makes of the members, taken over; NULL: nothing. */
static void propose(struct world *w, struct server *m, struct members *config)
{
    struct buffer entry = {0}, text = {0};
    const struct txn_ref txn = {zab_next_zxid(m->zab->z), w->next_id++};
    write_entry(w, txn, config == NULL ? TXN_SET_DATA : TXN_RECONFIG, &entry);
    if (config != NULL) {
        struct writer writer = writer_to(&entry);
        CHECK(members_print(config, &text) == ST_OK);
        set_data_txn_write(&writer, &(struct set_data_txn){BYTES("/zookeeper/config"), buffer_bytes(&text), -1});
        CHECK(writer.status == ST_OK);
    }
    keep_entry(w, txn.id, buffer_bytes(&entry));
    check_proposed(w, m, txn, config);
    member_feed(w, m, (struct zab_event){.kind = ZAB_PROPOSE, .zxid = txn.zxid, .bytes = buffer_bytes(&entry)});
    buffer_free(&entry);
    buffer_free(&text);
}

static void write_at(struct world *w, struct server *m)
{
    propose(w, m, NULL);
}

/* Are enough of those who will vote in step with the leader? */
static bool is_synced(const struct server *m, const struct members *next)
{
    struct quorum synced = quorum_of(next, NULL);
    const void *at = NULL;
    struct zab_learner_report learner;
    (void)quorum_add(&synced, m->sid);
    while (zab_learner_next(m->zab->z, &at, &learner))
        if (learner.synced && !learner.observer)
            (void)quorum_add(&synced, learner.sid);
    return quorum_reached(&synced);
}

/* What core/ops checks before it proposes one. */
static void reconfigure_at(struct world *w, struct server *m)
{
    const struct zab *z = m->zab->z;
    const struct members *committed = zab_committed(z);
    struct members *next = NULL;
    struct members_error error;
    struct config_change change;
    if (zab_pending_config(z) != NULL || zab_is_renewing(z))
        return;
    config_change_draw(w, committed, &change);
    const struct reconfig_request request = config_change_request(&change);
    const struct members_reconfig from = {.committed = committed, .last_seen = committed, .zxid = zab_next_zxid(z)};
    if (members_reconfig(&from, &request, &next, &error) == ST_OK && is_synced(m, next))
        propose(w, m, next);
    else
        members_free(next);
    config_change_free(&change);
}

/* At some leader; false: nobody leads. */
static bool at_leader(struct world *w, void (*act)(struct world *w, struct server *m))
{
    unsigned start = random_below(&w->random, w->count);
    for (unsigned i = 0; i < w->count; i++) {
        struct server *m = &w->servers[(start + i) % w->count];
        if (m->up && w->stopped_until_us[m->index] <= w->now_us && zab_next_zxid(m->zab->z) != 0) {
            act(w, m);
            return true;
        }
    }
    return false;
}

bool workload_write(struct world *w)
{
    return at_leader(w, write_at);
}

static bool act(struct world *w)
{
    bool changes = w->plan.reconfigs && world_chance(w, w->plan.change_every);
    return at_leader(w, changes ? reconfigure_at : write_at);
}

void workload_happens(struct world *w, const struct happening *h)
{
    (void)h;
    if (w->calm)
        return;
    unsigned burst = world_chance(w, 8) ? 1 + random_below(&w->random, 12) : 1;
    while (burst-- > 0 && !w->failed && act(w))
        continue;
    world_at(w, w->now_us + 1 + world_about(w, w->plan.client_us), (struct happening){.kind = HAPPENS_CLIENT});
}
