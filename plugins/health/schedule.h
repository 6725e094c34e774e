/* schedule.h - when each check is due: a heap of times, and how they are spread.
 *
 * First runs are laid out by the golden ratio, so that any number of checks, whenever they come, lie evenly; later ones
 * follow their interval, shortened by up to the jitter, so that hosts which start together drift apart and nothing is
 * ever found later than an interval says. It has no clock: times are passed in. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct schedule;

/* Is part of what is scheduled; all zero at the start. */
struct schedule_entry {
    uint64_t due_ms;
    size_t place; /* in the heap, from 1; 0: not in it */
};

struct schedule *schedule_new(uint64_t seed); /* NULL: no memory */
void schedule_free(struct schedule *schedule);

/* Puts the entry in, or moves it. False: no memory; then it is where it was. */
bool schedule_put(struct schedule *schedule, struct schedule_entry *entry, uint64_t due_ms);
void schedule_remove(struct schedule *schedule, struct schedule_entry *entry);

/* The earliest; NULL: there is none. */
struct schedule_entry *schedule_first(const struct schedule *schedule);

/* The time of a first run, between now and now + spread_ms. */
uint64_t schedule_spread(struct schedule *schedule, uint64_t now_ms, uint64_t spread_ms);

/* The time of the run after one that was due at due_ms. Whoever is late by an interval or more, after the host has
 * slept, say, is spread anew. */
uint64_t schedule_again(struct schedule *schedule, uint64_t due_ms, uint64_t now_ms, uint64_t interval_ms,
                        unsigned jitter_percent);
