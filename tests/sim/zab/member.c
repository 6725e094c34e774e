/* member.c - see member.h: steps, and the member's life between its roles. */
#include "tests/sim/zab/member.h"

#include "core/base/check.h"
#include "core/base/mem.h"
#include "tests/sim/mutants.h"
#include "tests/sim/plan.h"
#include "tests/sim/zab/trace.h"

/* -- steps --------------------------------------------------------------------------------------------------------- */

void member_feed(struct world *w, struct server *m, struct zab_event event)
{
    struct zab_body *body = m->zab;
    event.now_ms = world_own_us(w, m) / SIM_MILLISECOND;
    w->steps++;
    trace_event(w, m, &event);
    CHECK(zab_step(body->z, &event, &body->out) == ST_OK);
    uint64_t life = m->life;
    shell_carry_out(w, m);
    if (m->life != life)
        return;
    zab_output_reset(&body->out);
    int64_t wake_ms = body->out.wake_ms;
    world_wake(w, m, wake_ms == INT64_MAX ? INT64_MAX : wake_ms * SIM_MILLISECOND);
}

static void tick(struct world *w, struct server *m)
{
    member_feed(w, m, (struct zab_event){.kind = ZAB_TICK});
}

static void note(struct world *w, struct server *m, int64_t sid, struct bytes bytes)
{
    member_feed(w, m, (struct zab_event){.kind = ZAB_NOTIFICATION, .sid = sid, .bytes = bytes});
}

static void news(struct world *w, struct server *m, enum disk_news news, int64_t zxid)
{
    static const enum zab_event_kind kinds[] = {
        [NEWS_FULL] = ZAB_DISK_FULL,
        [NEWS_ROOM] = ZAB_DISK_ROOM,
        [NEWS_FAILED] = ZAB_DISK_FAILED,
        [NEWS_LOGGED] = ZAB_LOGGED,
    };
    member_feed(w, m, (struct zab_event){.kind = kinds[news], .zxid = zxid});
}

/* Log entries are told once for a batch. */
static void stored(struct world *w, struct server *m, const struct disk_op *op, bool done, bool last)
{
    if ((m->loading && !w->plan.late_tells) || op->kind == DISK_CONFIG || op->kind == DISK_LAST_SEEN)
        return;
    struct zab_event event = {.kind = done ? ZAB_STORED : ZAB_STORE_REFUSED, .ticket = op->ticket};
    if (op->kind == DISK_LOG) {
        if (!done || !last || mutant_is(w, MUTANT_ACK_BEFORE_DURABLE))
            return;
        event = (struct zab_event){.kind = ZAB_LOGGED, .zxid = op->number};
    }
    if (op->kind == DISK_TRUNCATE && done && !m->loading)
        disk_read(&m->disk, &m->tree);
    member_feed(w, m, event);
}

/* -- its life ------------------------------------------------------------------------------------------------------ */

static void start(struct world *w, struct server *m)
{
    struct zab_body *body = mem_calloc(1, sizeof *body);
    CHECK(body != NULL);
    const struct plan_member member = plan_member(w, m);
    body->z = zab_new(&member.options, member.committed, member.last_seen);
    CHECK(body->z != NULL);
    m->zab = body;
}

static void stop(struct world *w, struct server *m)
{
    (void)w;
    struct zab_body *body = m->zab;
    m->zab = NULL;
    if (body == NULL)
        return;
    ports_forget(body);
    zab_free(body->z);
    zab_output_free(&body->out);
    mem_free(body);
}

void member_left(struct world *w, struct server *m)
{
    struct zab_body *body = m->zab;
    net_close_all(w, m->index, PORT_QUORUM, false);
    net_close_all(w, m->index, PORT_OBSERVERS, false);
    ports_forget(body);
    m->listening = m->takes_observers = false;
    body->stale = body->told;
    m->told_epoch = -1;
    m->agreed = 0;
    m->role = ZAB_LOOKING;
    m->phase = ZAB_LOADING;
    if (m->disk.failed) {
        m->phase = ZAB_HALTED;
        return;
    }
    m->loading = body->draining = true;
    if (mutant_is(w, MUTANT_LOG_OF_OLD_ROLE) || mutant_is(w, MUTANT_CLAIM_BEYOND_DISK)) {
        disk_outlive_role(m);
        body->draining = false;
        world_load(w, m);
        return;
    }
    if (m->disk.count > 0)
        return;
    body->draining = false;
    world_load(w, m);
}

static void drained(struct world *w, struct server *m)
{
    if (!m->zab->draining)
        return;
    m->zab->draining = false;
    world_load(w, m);
}

static void loaded(struct world *w, struct server *m)
{
    const struct disk *d = &m->disk;
    int64_t zxid = m->tree.label;
    if (mutant_is(w, MUTANT_CLAIM_BEYOND_DISK))
        for (size_t i = 0; i < d->count; i++)
            if (d->ops[d->first + i].kind == DISK_LOG)
                zxid = d->ops[d->first + i].number;
    m->told_epoch = -1;
    if (d->full_until_us > w->now_us)
        member_feed(w, m, (struct zab_event){.kind = ZAB_DISK_FULL});
    member_feed(
        w, m,
        (struct zab_event){
            .kind = ZAB_LOADED, .zxid = zxid, .accepted_epoch = d->accepted_epoch, .current_epoch = d->current_epoch});
}

static void checkpoint(struct world *w, struct server *m)
{
    if (m->up && m->phase == ZAB_BROADCAST && m->role != ZAB_LOOKING)
        (void)disk_checkpoint(w, &m->disk, m->tree.label);
}

static void own(struct world *w, const struct happening *h)
{
    if (h->event == OWN_FREEZE)
        ports_freeze(w, h);
    else
        ports_read_log(w, h);
}

/* -- the machine --------------------------------------------------------------------------------------------------- */

static void begin(struct world *w)
{
    world_at(w, world_about(w, w->plan.client_us), (struct happening){.kind = HAPPENS_CLIENT});
}

static void end(struct world *w)
{
    workload_forget(w);
}

static const struct zab *zab_of(const struct server *m)
{
    return m->zab == NULL ? NULL : m->zab->z;
}

const struct machine zab_machine = {
    .name = "zab",
    MACHINE_LIFE,
    .ports = zab_ports,
    .client = workload_happens,
    .own = own,
    .write = workload_write,
};
