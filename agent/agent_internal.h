/* agent_internal.h - the state that agent.c and agent_stop.c share. */
#pragma once

#include "agent/admin/overview.h"
#include "agent/admin/words.h"
#include "agent/agent.h"
#include "agent/audit_log.h"
#include "agent/base/environment.h"
#include "agent/base/turns.h"
#include "agent/local/local.h"
#include "agent/net/stream.h"
#include "agent/peers/ensemble.h"
#include "agent/pump.h"
#include "agent/supervisor.h"
#include "core/ops/audit.h"

enum phase { LOADING, SERVING, STOPPING_PLUGINS, DRAINING, CHECKPOINTING, CLOSING, CLOSED };

enum { SIGNALS = 4 };

struct agent {
    struct settings *settings;
    const struct agent_config *config;
    struct log_output *output;
    struct log_sink *log;
    uv_loop_t loop;
    struct streams streams;
    struct turns *turns;
    struct hash_key hash_key;
    uint8_t password_key[32];

    struct metrics *metrics;
    struct persistence *persistence;
    struct replica *replica;
    struct ensemble *ensemble; /* NULL: runs alone */
    struct pump *pump;
    struct words *words;
    struct doors *doors;
    struct admin *admin;
    struct audit_log *audit;       /* NULL: there is none */
    struct supervisor *supervisor; /* NULL: plugins are not ours to start */
    struct overview overview;
    struct environment environment;
    struct local_commands commands;

    uv_signal_t signals[SIGNALS];
    uv_timer_t drain_timer;
    uv_prepare_t watcher; /* looks once a turn, while draining, whether everything is answered: see agent_on_turn */
    enum phase phase;
    bool loop_is_open, has_handles, drain_is_over, checkpoint_is_done, doors_are_closed, links_are_closed,
        plugins_have_ended;
    int exit_code;
};

/* SIGTERM: no new connections, plugins are ended while they are served, what is in flight is finished, then the rest is
 * taken down phase by phase. */
void agent_begin_stop(struct agent *a);

/* Of the watcher. It has to be started before the pump is: the later one runs first, and what the pump delivers is to
 * be seen in the same turn, since nothing else need come that would make another one. */
void agent_on_turn(uv_prepare_t *watcher);

/* Goes on from where the stop was, as far as the facts allow. */
void agent_advance(struct agent *a);

/* The audit log, when one is wanted; its file is below dataDir perhaps, which is this agent's by then. */
enum status agent_open_audit(struct agent *a, struct buffer *message);

/* Of the pump. */
void agent_on_audited(void *context, struct bytes lines);

/* Writes to the audit log, if there is one, what the agent itself does ("serverStart"). */
void agent_audit(struct agent *a, const char *operation, enum audit_result result);

/* The loop's own handles, what its streams share, and the audit log with its thread; harmless when repeated. */
void agent_close_handles(struct agent *a);
