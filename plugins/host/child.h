/* child.h - a program that a plugin runs: its state, between child_start.c, which begins it, and child.c. */
#pragma once

#include "plugins/host/host.h"

struct child_output {
    uv_pipe_t pipe;
    char *data;
    size_t len;
};

struct child {
    struct item item;
    zooid_plugin_child_fn *done;
    void *context;
    uv_process_t process;
    uv_timer_t timer;
    uv_pipe_t in;
    uv_write_t write;
    struct child_output out, err;
    unsigned open; /* handles that are: their `data` is set */
    int pid;
    bool ended, timed_out, output_cut;
    int status, signal, failure;
    const char *why; /* a failure of our own: its text */
    size_t output_max, input_len;
    uint32_t term_ms, stop_ms;
    int stop_signal;
    uint64_t started_ms;
    char *input;
    char chunk[16384];
};

extern const struct item_kind child_kind;

/* child.c, for child_start.c. The input is written, and its end follows. */
void child_feed(struct child *child);
bool child_listen(struct child *child);
void child_has_ended(uv_process_t *process, int64_t status, int signal);
void child_time_is_over(uv_timer_t *timer);
