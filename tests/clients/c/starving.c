/* starving.c - every allocation of a recipe's life fails once, the first, the second ...: it answers, whatever it says;
 * it leaves no memory behind; and others get what it had.
 *
 *     starving SOCKET [SCENARIO] */
#include "scenario.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { TRIES_MAX = 3000, BRIEF = 3000, LIVE_SLACK = 4, WARM_UP = 3 };

/* -- malloc, which fails when it is told to ------------------------------------------------------------------------ */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *memory);

static atomic_long left = -1; /* until one fails; negative: none does */
static atomic_bool has_failed;
static atomic_long live;

static bool fails(void)
{
    if (atomic_load(&left) < 0 || atomic_fetch_sub(&left, 1) != 0)
        return false;
    atomic_store(&has_failed, true);
    return true;
}

static void *given(void *memory)
{
    if (memory != NULL)
        atomic_fetch_add(&live, 1);
    return memory;
}

void *malloc(size_t size)
{
    return fails() ? NULL : given(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : given(__libc_calloc(count, size));
}

void *realloc(void *old, size_t size)
{
    if (fails())
        return NULL;
    void *memory = __libc_realloc(old, size);
    return old == NULL ? given(memory) : memory;
}

void free(void *memory)
{
    if (memory != NULL)
        atomic_fetch_sub(&live, 1);
    __libc_free(memory);
}

/* -- one life after the other -------------------------------------------------------------------------------------- */

static zooid_client *try_open(void)
{
    struct zooid_options options = ZOOID_OPTIONS_INIT;
    zooid_client *client = NULL;
    options.socket = socket_path;
    return zooid_open(&client, &options, NULL) == ZOOID_OK ? client : NULL;
}

static void use_another(void (*check)(zooid_client *other))
{
    zooid_client *other = open_client();
    check(other);
    zooid_close(other);
}

/* `live_it` uses a client, and frees what it has made of it. */
static bool starve_once(void (*live_it)(zooid_client *client), long allocations)
{
    atomic_store(&has_failed, false);
    atomic_store(&left, allocations);
    zooid_client *client = try_open();
    if (client != NULL)
        live_it(client);
    zooid_close(client);
    atomic_store(&left, -1);
    return atomic_load(&has_failed);
}

static void starve(void (*live_it)(zooid_client *client), void (*check)(zooid_client *other))
{
    for (int i = 0; i < WARM_UP; i++) {
        CHECK(!starve_once(live_it, TRIES_MAX));
        use_another(check);
    }
    long before = atomic_load(&live);
    int tries = 0;
    for (bool failed = true; failed; tries++) {
        CHECK(tries < TRIES_MAX);
        failed = starve_once(live_it, tries);
        if (tries % 10 == 0 || !failed)
            use_another(check);
        CHECK(atomic_load(&live) <= before + LIVE_SLACK);
    }
    CHECK(tries > 10);
}

static void free_all_events(zooid_client *client)
{
    for (zooid_event *event; (event = zooid_next_event(client, 0)) != NULL;)
        zooid_event_free(event);
}

/* -- recipes ------------------------------------------------------------------------------------------------------- */

static void lock_once(zooid_client *client)
{
    zooid_lock *lock = zooid_lock_new(client, "/starving/lock", ZOOID_LOCK_EXCLUSIVE, "who");
    if (lock == NULL)
        return;
    if (zooid_lock_acquire(lock, BRIEF, NULL) == ZOOID_OK)
        (void)zooid_lock_release(lock, BRIEF, NULL);
    zooid_lock_free(lock);
    free_all_events(client);
}

static void check_lock(zooid_client *other)
{
    zooid_lock *lock = zooid_lock_new(other, "/starving/lock", ZOOID_LOCK_EXCLUSIVE, NULL);
    CHECK(zooid_lock_acquire(lock, SOON, NULL) == ZOOID_OK && zooid_lock_release(lock, SOON, NULL) == ZOOID_OK);
    zooid_lock_free(lock);
}

static void semaphore_once(zooid_client *client)
{
    zooid_lock *lease = zooid_semaphore_new(client, "/starving/semaphore", 1, "who");
    if (lease == NULL)
        return;
    (void)zooid_lock_acquire(lease, BRIEF, NULL);
    zooid_lock_free(lease); /* with it in hands */
}

static void check_semaphore(zooid_client *other)
{
    zooid_lock *lease = zooid_semaphore_new(other, "/starving/semaphore", 1, NULL);
    CHECK(zooid_lock_acquire(lease, SOON, NULL) == ZOOID_OK && zooid_lock_release(lease, SOON, NULL) == ZOOID_OK);
    zooid_lock_free(lease);
}

static void ephemeral_once(zooid_client *client)
{
    zooid_ephemeral *ephemeral = zooid_ephemeral_new(client, "/starving/ephemeral", "x", 1);
    if (ephemeral == NULL)
        return;
    (void)zooid_ephemeral_wait(ephemeral, BRIEF, NULL);
    zooid_ephemeral_free(ephemeral);
    free_all_events(client);
}

static void check_ephemeral(zooid_client *other)
{
    zooid_ephemeral *ephemeral = zooid_ephemeral_new(other, "/starving/ephemeral", "y", 1);
    CHECK(zooid_ephemeral_wait(ephemeral, SOON, NULL) == ZOOID_OK);
    zooid_ephemeral_free(ephemeral);
}

static void queue_once(zooid_client *client)
{
    zooid_queue *queue = zooid_queue_new(client, "/starving/queue");
    if (queue == NULL)
        return;
    if (zooid_queue_put(queue, "entry", 5, 100, BRIEF, NULL) == ZOOID_OK &&
        zooid_queue_take(queue, BRIEF, NULL) == ZOOID_OK)
        (void)zooid_queue_finish(queue, BRIEF, NULL);
    zooid_queue_free(queue);
    free_all_events(client);
}

/* What was put and not finished comes again. */
static void check_queue(zooid_client *other)
{
    zooid_queue *queue = zooid_queue_new(other, "/starving/queue");
    CHECK(zooid_queue_put(queue, "last", 4, 999, SOON, NULL) == ZOOID_OK);
    for (bool is_last = false; !is_last;) {
        zooid_reply *r = NULL;
        CHECK(zooid_queue_take(queue, SOON, &r) == ZOOID_OK);
        is_last = zooid_reply_data_len(r) == 4;
        zooid_reply_free(r);
        CHECK(zooid_queue_finish(queue, SOON, NULL) == ZOOID_OK);
    }
    zooid_queue_free(queue);
}

static void cache_once(zooid_client *client)
{
    zooid_cache *cache = zooid_cache_new(client, "/starving");
    if (cache == NULL)
        return;
    zooid_reply *r = NULL;
    if (zooid_cache_wait(cache, BRIEF, NULL) == ZOOID_OK && zooid_cache_get(cache, "/starving", &r) == ZOOID_OK)
        CHECK(zooid_reply_stat(r) != NULL);
    zooid_reply_free(r);
    zooid_cache_free(cache);
    free_all_events(client);
}

static void check_cache(zooid_client *other)
{
    zooid_cache *cache = zooid_cache_new(other, "/starving");
    CHECK(zooid_cache_wait(cache, SOON, NULL) == ZOOID_OK);
    CHECK(zooid_cache_get(cache, "/starving", NULL) == ZOOID_OK);
    zooid_cache_free(cache);
}

static void counter_once(zooid_client *client)
{
    (void)zooid_counter_add(client, "/starving/counter", 1, BRIEF, NULL);
    (void)zooid_counter_get(client, "/starving/counter", BRIEF, NULL);
    free_all_events(client);
}

static void check_counter(zooid_client *other)
{
    CHECK(zooid_counter_add(other, "/starving/counter", 1, SOON, NULL) == ZOOID_OK);
}

static void barriers_once(zooid_client *client)
{
    zooid_barrier *barrier = zooid_barrier_new(client, "/starving/barrier");
    zooid_double_barrier *both = zooid_double_barrier_new(client, "/starving/both", 1, "who");
    if (barrier != NULL && zooid_barrier_set(barrier, BRIEF, NULL) == ZOOID_OK)
        (void)zooid_barrier_lift(barrier, BRIEF, NULL);
    if (both != NULL && zooid_double_barrier_enter(both, BRIEF, NULL) == ZOOID_OK)
        (void)zooid_double_barrier_leave(both, BRIEF, NULL);
    zooid_barrier_free(barrier);
    zooid_double_barrier_free(both);
    free_all_events(client);
}

static void check_barriers(zooid_client *other)
{
    zooid_barrier *barrier = zooid_barrier_new(other, "/starving/barrier");
    zooid_double_barrier *both = zooid_double_barrier_new(other, "/starving/both", 1, NULL);
    int code = zooid_barrier_lift(barrier, SOON, NULL);
    CHECK((code == ZOOID_OK || code == ZOOID_NO_NODE) && zooid_barrier_wait(barrier, SOON, NULL) == ZOOID_OK);
    CHECK(zooid_double_barrier_enter(both, SOON, NULL) == ZOOID_OK);
    CHECK(zooid_double_barrier_leave(both, SOON, NULL) == ZOOID_OK);
    zooid_barrier_free(barrier);
    zooid_double_barrier_free(both);
}

static void backup_once(zooid_client *client)
{
    FILE *file = fopen("/dev/null", "w");
    if (file != NULL) {
        (void)zooid_backup(client, fileno(file), BRIEF, NULL);
        (void)fclose(file);
    }
}

static void check_backup(zooid_client *other)
{
    FILE *file = fopen("/dev/null", "w");
    CHECK(file != NULL && zooid_backup(other, fileno(file), SOON, NULL) == ZOOID_OK);
    (void)fclose(file);
}

/* clang-format off */
#define RECIPE(name) static void a_##name(void) { starve(name##_once, check_##name); }
/* clang-format on */
RECIPE(lock)
RECIPE(semaphore)
RECIPE(ephemeral)
RECIPE(queue)
RECIPE(cache)
RECIPE(counter)
RECIPE(barriers)
RECIPE(backup)

int main(int argc, char **argv)
{
    static const struct scenario scenarios[] = {
        {"a lock", a_lock},   {"a semaphore", a_semaphore}, {"an ephemeral", a_ephemeral}, {"a queue", a_queue},
        {"a cache", a_cache}, {"a counter", a_counter},     {"barriers", a_barriers},      {"a backup", a_backup},
    };
    return run_scenarios(scenarios, sizeof scenarios / sizeof scenarios[0], argc, argv);
}
