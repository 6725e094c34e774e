/* schedule.c - see schedule.h */
#include "plugins/health/schedule.h"

#include <stdlib.h>

struct schedule {
    struct schedule_entry **heap; /* from 1 */
    size_t count, capacity;
    uint64_t random;
    uint64_t turn; /* multiples of the golden ratio, in units of 2^-64 */
};

struct schedule *schedule_new(uint64_t seed)
{
    struct schedule *schedule = calloc(1, sizeof *schedule);
    if (schedule != NULL) {
        schedule->random = seed | 1;
        schedule->turn = seed;
    }
    return schedule;
}

void schedule_free(struct schedule *schedule)
{
    if (schedule != NULL)
        free(schedule->heap);
    free(schedule);
}

/* ---- the heap
 * ---------------------------------------------------------------------------------------------------------------- */

static void set_place(struct schedule *schedule, size_t place, struct schedule_entry *entry)
{
    schedule->heap[place] = entry;
    entry->place = place;
}

static void sift_up(struct schedule *schedule, struct schedule_entry *entry)
{
    size_t place = entry->place;
    for (; place > 1 && schedule->heap[place / 2]->due_ms > entry->due_ms; place /= 2)
        set_place(schedule, place, schedule->heap[place / 2]);
    set_place(schedule, place, entry);
}

static void sift_down(struct schedule *schedule, struct schedule_entry *entry)
{
    size_t place = entry->place;
    for (size_t child = place * 2; child <= schedule->count; child = place * 2) {
        if (child < schedule->count && schedule->heap[child + 1]->due_ms < schedule->heap[child]->due_ms)
            child++;
        if (schedule->heap[child]->due_ms >= entry->due_ms)
            break;
        set_place(schedule, place, schedule->heap[child]);
        place = child;
    }
    set_place(schedule, place, entry);
}

static bool make_room(struct schedule *schedule)
{
    if (schedule->count + 1 < schedule->capacity)
        return true;
    size_t capacity = schedule->capacity == 0 ? 64 : schedule->capacity * 2;
    struct schedule_entry **heap = realloc(schedule->heap, capacity * sizeof(struct schedule_entry *));
    if (heap == NULL)
        return false;
    schedule->heap = heap;
    schedule->capacity = capacity;
    return true;
}

bool schedule_put(struct schedule *schedule, struct schedule_entry *entry, uint64_t due_ms)
{
    if (entry->place == 0) {
        if (!make_room(schedule))
            return false;
        set_place(schedule, ++schedule->count, entry);
    }
    entry->due_ms = due_ms;
    sift_up(schedule, entry);
    sift_down(schedule, entry);
    return true;
}

void schedule_remove(struct schedule *schedule, struct schedule_entry *entry)
{
    size_t place = entry->place;
    if (place == 0)
        return;
    entry->place = 0;
    struct schedule_entry *last = schedule->heap[schedule->count--];
    if (last == entry)
        return;
    set_place(schedule, place, last);
    sift_up(schedule, last);
    sift_down(schedule, last);
}

struct schedule_entry *schedule_first(const struct schedule *schedule)
{
    return schedule->count == 0 ? NULL : schedule->heap[1];
}

/* ---- times
 * -------------------------------------------------------------------------------------------------------------------
 */

/* Part of `span` that `fraction`, in units of 2^-64, stands for. */
static uint64_t part_of(uint64_t span, uint64_t fraction)
{
    return (uint64_t)(((unsigned __int128)span * fraction) >> 64);
}

/* xorshift64*: to spread times, not to keep secrets. */
static uint64_t next_random(struct schedule *schedule)
{
    uint64_t x = schedule->random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    schedule->random = x;
    return x * UINT64_C(0x2545F4914F6CDD1D);
}

uint64_t schedule_spread(struct schedule *schedule, uint64_t now_ms, uint64_t spread_ms)
{
    schedule->turn += UINT64_C(0x9E3779B97F4A7C15);
    return now_ms + part_of(spread_ms, schedule->turn);
}

uint64_t schedule_again(struct schedule *schedule, uint64_t due_ms, uint64_t now_ms, uint64_t interval_ms,
                        unsigned jitter_percent)
{
    if (now_ms >= due_ms + interval_ms)
        return schedule_spread(schedule, now_ms, interval_ms);
    uint64_t jitter = interval_ms * jitter_percent / 100;
    return due_ms + interval_ms - part_of(jitter, next_random(schedule));
}
