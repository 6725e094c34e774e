/* replica_rig.c - the world around one replica: clients by name, a clock that is told, a log that remembers. */
#include "tests/support/replica_rig.h"

#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/ops/op.h"
#include "tests/support/ensemble_rig_internal.h"
#include "tests/support/rig_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { REQUEST_HEADER_LEN = 8, XID_EVENT = -1 };

struct rig *rig_new(void)
{
    struct rig *rig = mem_calloc(1, sizeof *rig);
    CHECK(rig != NULL);
    rig->now_ms = RIG_START_MS;
    rig_default_options(&rig->options);
    return rig;
}

struct tree *rig_new_tree(const struct rig *rig)
{
    const struct tree_options options = {rig->options.hash_key, rig->options.extended_types};
    struct tree *tree = tree_new(&options);
    CHECK(tree != NULL);
    return tree;
}

void rig_free(struct rig *rig)
{
    if (rig->replica != NULL)
        outbox_free(&rig->outbox);
    replica_free(rig->replica);
    metrics_free(rig->metrics);
    for (size_t i = 0; i < rig->client_count; i++) {
        mem_free(rig->clients[i]->asked);
        mem_free(rig->clients[i]);
    }
    mem_free(rig->clients);
    buffer_free(&rig->log);
    buffer_free(&rig->base);
    mem_free(rig);
}

void rig_around_steps(struct rig *rig, void (*around)(void *context, bool inside), void *context)
{
    rig->around = around;
    rig->around_context = context;
}

bool rig_is_broken(const struct rig *rig)
{
    return rig->broken;
}

/* -- clients ------------------------------------------------------------------------------------------------------- */

/* The last one of this name: a name may be taken again. */
struct rig_client *rig_client_named(const struct rig *rig, const char *name)
{
    for (size_t i = rig->client_count; i-- > 0;)
        if (strcmp(rig->clients[i]->name, name) == 0)
            return rig->clients[i];
    return NULL;
}

bool rig_is_connected(const struct rig *rig, const char *client)
{
    const struct rig_client *c = rig_client_named(rig, client);
    return c != NULL && !c->gone;
}

/* Numbers are places, counted from 1. */
struct rig_client *rig_client_numbered(struct rig *rig, uint64_t number)
{
    CHECK(number >= 1 && number <= rig->client_count);
    return rig->clients[number - 1];
}

struct rig_client *rig_add_client(struct rig *rig, const char *name)
{
    struct rig_client *c = mem_calloc(1, sizeof *c);
    if (rig->client_count == rig->client_cap) {
        rig->client_cap = rig->client_cap == 0 ? 16 : rig->client_cap * 2;
        rig->clients = mem_realloc(rig->clients, rig->client_cap * sizeof(struct rig_client *));
    }
    CHECK(c != NULL && rig->clients != NULL);
    snprintf(c->name, sizeof c->name, "%s", name);
    c->next_xid = 1;
    rig->clients[rig->client_count++] = c;
    c->number = rig->client_count;
    return c;
}

static void ask(struct rig_client *c, struct bytes frame)
{
    if (c->asked_count == c->asked_cap) {
        c->asked_cap = c->asked_cap == 0 ? 16 : c->asked_cap * 2;
        c->asked = mem_realloc(c->asked, c->asked_cap * sizeof *c->asked);
        CHECK(c->asked != NULL);
    }
    const int32_t xid = (int32_t)be32_get(frame.data);
    int32_t op = (int32_t)be32_get(frame.data + 4);
    CHECK(xid != XID_EVENT);
    bool has_detail = op == OP_NUMBER_LIST_PAGE || op == OP_NUMBER_READ_MANY;
    if (has_detail && frame.data[frame.len - 1] != 0)
        op += RIG_DETAILED;
    c->asked[c->asked_count++] = (struct rig_asked){xid, op};
}

/* -- steps --------------------------------------------------------------------------------------------------------- */

static enum status run_step(struct rig *rig, const struct replica_event *event)
{
    if (rig->around != NULL)
        rig->around(rig->around_context, true);
    enum status st = replica_step(rig->replica, event, &rig->outbox);
    if (rig->around != NULL)
        rig->around(rig->around_context, false);
    CHECK(st == ST_OK || (st == ST_NO_MEMORY && rig->around != NULL));
    return st;
}

static void take_log(struct rig *rig)
{
    struct outbox *o = &rig->outbox;
    CHECK(o->log_count == 0 || (o->log_first_zxid == rig->logged_zxid + 1 &&
                                o->log_last_zxid == o->log_first_zxid + (int64_t)o->log_count - 1));
    CHECK((o->log_count == 0) == (o->log.len == 0));
    CHECK(buffer_append(&rig->log, o->log.data, o->log.len) == ST_OK);
    rig->logged_zxid = o->log_count > 0 ? o->log_last_zxid : rig->logged_zxid;
}

/* One step and its effects. */
static void step_once(struct rig *rig, struct replica_event event, struct buffer *out)
{
    if (rig->broken)
        return;
    event.now_us = rig->now_ms * 1000;
    event.wall_ms = rig->now_ms;
    rig->broken = run_step(rig, &event) != ST_OK;
    rig->wake_us = rig->broken ? INT64_MAX : rig->outbox.wake_us;
    if (rig->broken)
        return;
    rig->consumed = rig->outbox.consumed;
    if (rig->ensemble == NULL)
        take_log(rig);
    else
        ensemble_rig_carry_out(rig);
    rig_print_audit(rig, out);
    for (size_t i = 0; i < rig->outbox.count; i++)
        rig_print_item(rig, &rig->outbox.items[i], out);
    outbox_reset(&rig->outbox);
}

/* The ends of connections are news to the replica once. */
static void tell_ends(struct rig *rig, struct buffer *out)
{
    for (size_t i = 0; i < rig->client_count; i++) {
        struct rig_client *c = rig->clients[i];
        if (!c->gone || c->gone_told)
            continue;
        c->gone_told = true;
        step_once(rig, (struct replica_event){.kind = REPLICA_DISCONNECTED, .client = c->number}, out);
    }
}

void rig_step(struct rig *rig, struct replica_event event, struct buffer *out)
{
    step_once(rig, event, out);
    tell_ends(rig, out);
    if (!rig->holds && rig->ensemble == NULL)
        rig_release(rig, rig->logged_zxid, out);
}

void rig_release(struct rig *rig, int64_t zxid, struct buffer *out)
{
    while (rig->ensemble == NULL && rig->released_zxid < zxid && !rig->broken) {
        rig->released_zxid = zxid;
        rig_step(rig, (struct replica_event){.kind = REPLICA_LOGGED, .zxid = zxid}, out);
    }
}

void rig_make(struct rig *rig)
{
    struct sessions *sessions = sessions_new(rig->options.tick_ms);
    rig->metrics = metrics_new(KEYED_MAX);
    CHECK(sessions != NULL && rig->metrics != NULL);
    rig->replica = replica_new(&rig->options, rig_new_tree(rig), sessions, 0, rig->metrics, NULL);
    CHECK(rig->replica != NULL);
    outbox_init(&rig->outbox);
}

/* Options are known once the first command needs a replica. */
struct replica *rig_replica(struct rig *rig)
{
    if (rig->replica != NULL)
        return rig->replica;
    struct buffer nothing = {0};
    rig_make(rig);
    rig_step(rig, (struct replica_event){.kind = REPLICA_START}, &nothing);
    CHECK(nothing.len == 0);
    return rig->replica;
}

void rig_frame(struct rig *rig, const char *client, struct bytes frame, struct buffer *out)
{
    rig_replica(rig);
    struct rig_client *c = rig_client_named(rig, client);
    CHECK(c != NULL);
    if (c->spoke && frame.len >= REQUEST_HEADER_LEN)
        ask(c, frame);
    c->spoke = true;
    rig_step(rig, (struct replica_event){.kind = REPLICA_FRAME, .client = c->number, .frame = frame}, out);
}

void rig_expect_session(struct rig *rig, const char *name)
{
    rig_client_named(rig, name)->greeted = false;
}
