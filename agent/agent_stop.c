/* agent_stop.c - the end of an agent, one phase at a time.
 *
 * A stop waits for several things in turn (requests in flight, the last checkpoint, connections). Each callback notes
 * its fact and calls agent_advance, which looks at all facts and goes on from where it was. */
#include "agent/admin/admin.h"
#include "agent/agent_internal.h"
#include "agent/base/notify.h"

static void on_drain_timeout(uv_timer_t *timer)
{
    struct agent *a = timer->data;
    LOG_WARN(a->log, "agent", "requests are still under way after zooid.drainTimeout; they are not waited for");
    a->drain_is_over = true;
    agent_advance(a);
}

void agent_on_turn(uv_prepare_t *watcher)
{
    struct agent *a = watcher->data;
    if (a->phase == DRAINING)
        agent_advance(a);
}

/* They take leave of the agent while it serves them, as any client should. */
static void on_plugins_ended(void *context)
{
    struct agent *a = context;
    a->plugins_have_ended = true;
    agent_advance(a);
}

static bool is_drained(const struct agent *a)
{
    struct replica_status status;
    replica_status(a->replica, &status);
    return a->drain_is_over || status.log_failed ||
           (status.in_flight == 0 && status.outstanding == 0 && pump_is_idle(a->pump));
}

void agent_begin_stop(struct agent *a)
{
    struct supervisor *supervisor = a->supervisor;
    LOG_INFO(a->log, "agent", "stopping");
    agent_audit(a, "serverStop", AUDIT_INVOKED);
    notify_stopping();
    a->phase = STOPPING_PLUGINS;
    a->overview.is_serving = false;
    a->overview.trouble = "stopping";
    a->supervisor = NULL;
    doors_stop_listening(a->doors);
    supervisor_close(supervisor, on_plugins_ended, a);
}

static void begin_draining(struct agent *a)
{
    a->phase = DRAINING;
    pump_feed_plain(a->pump, REPLICA_STOP, 0);
    uv_timer_start(&a->drain_timer, on_drain_timeout, (uint64_t)a->settings->drain_timeout_ms, 0);
}

static void on_checkpoint_done(void *context, bool ok)
{
    struct agent *a = context;
    if (!ok)
        LOG_WARN(a->log, "agent", "no checkpoint was written at the stop; the next start replays the log");
    a->checkpoint_is_done = true;
    agent_advance(a);
}

static void on_doors_closed(void *context)
{
    struct agent *a = context;
    a->doors_are_closed = true;
    agent_advance(a);
}

static void on_links_closed(void *context)
{
    struct agent *a = context;
    a->links_are_closed = true;
    agent_advance(a);
}

void agent_close_handles(struct agent *a)
{
    if (!a->has_handles)
        return;
    a->has_handles = false;
    for (int i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&a->signals[i], NULL);
    uv_close((uv_handle_t *)&a->drain_timer, NULL);
    uv_close((uv_handle_t *)&a->watcher, NULL);
    streams_close(&a->streams, NULL, NULL);
    audit_log_close(a->audit);
    a->audit = NULL;
}

void agent_advance(struct agent *a)
{
    if (a->phase == STOPPING_PLUGINS && a->plugins_have_ended)
        begin_draining(a);
    if (a->phase == DRAINING && is_drained(a)) {
        a->phase = CHECKPOINTING;
        uv_prepare_stop(&a->watcher);
        uv_timer_stop(&a->drain_timer);
        doors_part(a->doors);
        persistence_checkpoint(a->persistence, on_checkpoint_done, a);
    }
    if (a->phase == CHECKPOINTING && a->checkpoint_is_done) {
        a->phase = CLOSING;
        admin_close(a->admin);
        a->admin = NULL;
        struct doors *doors = a->doors;
        a->doors = NULL;
        a->overview.doors = NULL;
        struct ensemble *ensemble = a->ensemble;
        a->ensemble = NULL;
        a->overview.peers = NULL;
        ensemble_close(ensemble, on_links_closed, a);
        doors_close(doors, on_doors_closed, a);
    }
    if (a->phase == CLOSING && a->doors_are_closed && a->links_are_closed) {
        a->phase = CLOSED;
        pump_close(a->pump);
        a->pump = NULL;
        turns_offer(a->turns, NULL);
        persistence_close(a->persistence);
        a->persistence = NULL;
        agent_close_handles(a);
    }
}
