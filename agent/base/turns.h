/* turns.h - who turns the loop: one thread, and another that goes on in its place while it is held up.
 *
 * Handing a piece of work to a thread that sleeps, and being called by it again, takes two wake-ups of idle CPUs, as
 * much time as a sync of the log itself. So what is short as a rule is done by the thread that turns the loop, between
 * two turns, and a substitute takes the loop over as soon as it lasts longer than that. The loop, and all that is its
 * own, belongs to whoever turns it: one thread at a time, which has seen all that the other one has done. */
#pragma once

#include "core/base/status.h"

#include <stdint.h>
#include <uv.h>

struct turns; /* opaque */

/* What comes soon as a rule is waited for awake: to sleep and to be woken takes longer on many machines, most of all on
 * virtual ones. Where somebody else wants the CPU meanwhile it has it, and the loop sleeps. */
struct turns_vigil {
    void *context;
    uint32_t (*wanted)(void *context); /* on the loop: for how many microseconds at most; 0: for nothing */
};

enum turns_delay {
    DELAY_NONE,   /* nothing has happened meanwhile */
    DELAY_WAITED, /* what has happened waited for the errand */
    DELAY_LATE,   /* the loop was turned by the substitute meanwhile */
};

/* What may be done between two turns. */
struct turns_errand {
    void *context;
    /* On the loop. For how many microseconds the loop may stand still; 0: there is nothing to be done. */
    uint32_t (*wanted)(void *context);
    /* May block. Must not touch what is the loop's: after so many microseconds another thread is there. */
    void (*run)(void *context);
    /* Not on the loop; only behind a run that was late: `run` is over. Must call the loop (wakeup.h), which is then
     * given back. May be the last that is called, when the loop has ended. */
    void (*late)(void *context);
    /* On the loop: the errand has ended. */
    void (*done)(void *context, enum turns_delay delay);
};

/* The loop is the caller's. Starts the substitute, which costs nothing while it is not needed. ST_NO_MEMORY,
 * ST_IO_ERROR (no thread or descriptor to be had). */
enum status turns_new(struct turns **out, uv_loop_t *loop);

/* From now on this errand is asked for behind each turn; NULL: none. Copied. On the loop, or before it turns. */
void turns_offer(struct turns *t, const struct turns_errand *errand);

/* From now on this is asked before the loop sleeps; NULL: nothing. Copied. On the loop, or before it turns. */
void turns_stay_awake(struct turns *t, const struct turns_vigil *vigil);

/* From now on the loop looks for what comes next for at most so many microseconds before it sleeps, as long as it has
 * mostly come within half of that; 0, as in the beginning: it sleeps at once, unless something else keeps it awake. On
 * the loop, or before it turns. */
void turns_busy_poll(struct turns *t, uint32_t us);

/* Turns the loop until nothing keeps it alive any more, or turns_stop. */
void turns_run(struct turns *t);

/* On the loop: this turn is the last. */
void turns_stop(struct turns *t);

/* Not while it runs. NULL is allowed. */
void turns_free(struct turns *t);
