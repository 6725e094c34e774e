/* recipes.c - groups, barriers, queues and counters of libzooid on an agent, with kazoo too; see recipes_test.py. */
#include "tests/clients/c/scenario.h"

#include <pthread.h>

/* How many members the group has, asked until it is so many; each asking is a round trip. */
static void wait_for_members(zooid_client *c, const char *path, size_t expected)
{
    size_t count = SIZE_MAX;
    for (uint64_t end = boot_ms() + SOON; count != expected;) {
        zooid_reply *r = NULL;
        CHECK(boot_ms() <= end);
        CHECK(zooid_group_members(c, path, SOON, &r) == ZOOID_OK);
        count = zooid_reply_node_count(r);
        zooid_reply_free(r);
    }
}

/* -- groups -----------------------------------------------------------------------------------------------------------
 */

static void members_come_and_go(void)
{
    zooid_client *c = open_client(), *d = open_client();
    zooid_reply *r = NULL;
    wait_for_members(c, "/g/none", 0);
    zooid_ephemeral *one = zooid_group_join(c, "/g/all", "one"), *two = zooid_group_join(d, "/g/all", "two");
    CHECK(zooid_ephemeral_wait(one, SOON, NULL) == ZOOID_OK && zooid_ephemeral_wait(two, SOON, NULL) == ZOOID_OK);
    CHECK(zooid_exists(c, zooid_ephemeral_path(one), SOON, NULL) == ZOOID_OK);
    wait_for_members(c, "/g/all", 2);
    ask("kazoo sees members one and two, and joins /g/all");
    CHECK(zooid_group_members(c, "/g/all", SOON, &r) == ZOOID_OK && zooid_reply_node_count(r) == 3);
    zooid_reply_free(r);
    ask("kazoo leaves");
    zooid_ephemeral_free(one);
    wait_for_members(d, "/g/all", 1);
    zooid_close(d);
    wait_for_members(c, "/g/all", 0);
    zooid_close(c);
}

static void an_ephemeral_comes_back(void)
{
    zooid_client *c = open_client(), *d = open_client();
    zooid_ephemeral *e = zooid_ephemeral_new(c, "/e/here", "data", 4), *after = NULL;
    CHECK(zooid_ephemeral_wait(e, SOON, NULL) == ZOOID_OK);
    CHECK(zooid_delete(d, "/e/here", ZOOID_ANY_VERSION, SOON, NULL) == ZOOID_OK);
    expect_loss(c, zooid_ephemeral_number(e), "deleted");
    CHECK(zooid_ephemeral_wait(e, SOON, NULL) == ZOOID_OK);
    CHECK(zooid_perform(c, zooid_request_close_session(), SOON, NULL) == ZOOID_OK);
    expect_loss(c, zooid_ephemeral_number(e), NULL);
    CHECK(zooid_ephemeral_wait(e, SOON, NULL) == ZOOID_OK);
    after = zooid_ephemeral_new(d, "/e/here", NULL, 0);
    CHECK(zooid_ephemeral_wait(after, 30, NULL) == ZOOID_DEADLINE_EXCEEDED);
    zooid_ticket ticket = zooid_ephemeral_submit_wait(after, SOON, NULL);
    zooid_close(c);
    CHECK(next_reply(d, ticket, NULL) == ZOOID_OK);
    zooid_reply *r = NULL;
    CHECK(zooid_get(d, "/e/here", SOON, &r) == ZOOID_OK && zooid_reply_data_len(r) == 0);
    CHECK(zooid_reply_stat(r)->ephemeral_owner == zooid_session_id(d));
    zooid_reply_free(r);
    zooid_ephemeral_free(after);
    CHECK(zooid_ephemeral_new(d, "/e/", NULL, 0) == NULL && zooid_group_join(d, "g", NULL) == NULL);
    zooid_close(d);
}

static void an_ephemeral_outlives_the_agent(void)
{
    zooid_client *c = open_client();
    zooid_reply *r = NULL;
    zooid_ephemeral *e = zooid_ephemeral_new(c, "/e/kept", "kept", 4);
    CHECK(zooid_ephemeral_wait(e, SOON, NULL) == ZOOID_OK);
    CHECK(zooid_exists(c, "/e/kept", SOON, &r) == ZOOID_OK);
    int64_t made = zooid_reply_stat(r)->czxid;
    zooid_reply_free(r);
    ask("kill");
    ask("start");
    CHECK(zooid_ephemeral_wait(e, SOON, NULL) == ZOOID_OK && zooid_exists(c, "/e/kept", SOON, &r) == ZOOID_OK);
    CHECK(zooid_reply_stat(r)->czxid == made);
    zooid_reply_free(r);
    ask("lose the reply to a create of /e/again");
    zooid_ephemeral *again = zooid_ephemeral_new(c, "/e/again", "again", 5);
    CHECK(zooid_ephemeral_wait(again, SOON, NULL) == ZOOID_OK);
    ask("the reply was lost");
    zooid_ephemeral_free(again);
    zooid_ephemeral_free(e);
    zooid_close(c);
}

/* -- barriers ---------------------------------------------------------------------------------------------------------
 */

static void a_barrier_holds_all_back(void)
{
    zooid_client *c = open_client();
    zooid_barrier *b = zooid_barrier_new(c, "/b/one"), *other = zooid_barrier_new(c, "/b/one");
    CHECK(zooid_barrier_wait(b, SOON, NULL) == ZOOID_OK && zooid_barrier_lift(b, SOON, NULL) == ZOOID_NO_NODE);
    CHECK(zooid_barrier_set(b, SOON, NULL) == ZOOID_OK && zooid_barrier_set(b, SOON, NULL) == ZOOID_OK);
    CHECK(zooid_barrier_wait(b, 30, NULL) == ZOOID_DEADLINE_EXCEEDED);
    zooid_ticket ticket = zooid_barrier_submit_wait(b, SOON, NULL);
    CHECK(zooid_barrier_wait(b, SOON, NULL) == ZOOID_BAD_ARGUMENTS);
    zooid_barrier_cancel(b);
    CHECK(next_reply(c, ticket, NULL) == ZOOID_CANCELLED);
    ticket = zooid_barrier_submit_wait(b, SOON, NULL);
    CHECK(zooid_get(c, "/", SOON, NULL) == ZOOID_OK && zooid_barrier_lift(other, SOON, NULL) == ZOOID_OK);
    CHECK(next_reply(c, ticket, NULL) == ZOOID_OK);
    CHECK(zooid_barrier_set(b, SOON, NULL) == ZOOID_OK);
    ticket = zooid_barrier_submit_wait(b, SOON, NULL);
    ask("kill");
    ask("start");
    ask("kazoo lifts /b/one");
    CHECK(next_reply(c, ticket, NULL) == ZOOID_OK);
    zooid_barrier_free(b);
    zooid_barrier_free(other);
    zooid_close(c);
}

static void *go_in_and_out(void *context)
{
    zooid_double_barrier *b = context;
    CHECK(zooid_double_barrier_enter(b, SOON, NULL) == ZOOID_OK);
    CHECK(zooid_double_barrier_leave(b, SOON, NULL) == ZOOID_OK);
    return NULL;
}

static void all_go_in_and_out_together(void)
{
    enum { COUNT = 4 };
    zooid_client *c = open_client();
    pthread_t threads[COUNT];
    zooid_double_barrier *barriers[COUNT];
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < COUNT; i++)
            CHECK((barriers[i] = zooid_double_barrier_new(c, "/d/all", COUNT, "zooid")) != NULL);
        CHECK(zooid_double_barrier_enter(barriers[0], 30, NULL) == ZOOID_DEADLINE_EXCEEDED);
        CHECK(zooid_double_barrier_leave(barriers[0], SOON, NULL) == ZOOID_NOT_HELD);
        for (int i = 0; i < COUNT; i++)
            CHECK(pthread_create(&threads[i], NULL, go_in_and_out, barriers[i]) == 0);
        for (int i = 0; i < COUNT; i++)
            CHECK(pthread_join(threads[i], NULL) == 0);
        for (int i = 0; i < COUNT; i++)
            zooid_double_barrier_free(barriers[i]);
    }
    zooid_close(c);
}

static void kazoo_goes_in_and_out_too(void)
{
    zooid_client *c = open_client();
    zooid_double_barrier *b = zooid_double_barrier_new(c, "/d/kazoo", 2, "zooid");
    zooid_ticket ticket = zooid_double_barrier_submit_enter(b, SOON, NULL);
    ask("kazoo enters /d/kazoo");
    CHECK(next_reply(c, ticket, NULL) == ZOOID_OK);
    CHECK(zooid_double_barrier_enter(b, SOON, NULL) == ZOOID_BAD_ARGUMENTS);
    ticket = zooid_double_barrier_submit_leave(b, SOON, NULL);
    ask("kazoo leaves /d/kazoo");
    CHECK(next_reply(c, ticket, NULL) == ZOOID_OK);
    ticket = zooid_double_barrier_submit_enter(b, SOON, NULL);
    zooid_cancel(c, ticket);
    CHECK(next_reply(c, ticket, NULL) == ZOOID_CANCELLED);
    zooid_double_barrier *alone = zooid_double_barrier_new(c, "/d/alone", 1, NULL);
    CHECK(zooid_double_barrier_enter(alone, SOON, NULL) == ZOOID_OK);
    CHECK(zooid_perform(c, zooid_request_close_session(), SOON, NULL) == ZOOID_OK);
    expect_loss(c, zooid_double_barrier_number(alone), "session");
    CHECK(zooid_double_barrier_leave(alone, SOON, NULL) == ZOOID_NOT_HELD);
    zooid_double_barrier_free(alone);
    zooid_double_barrier_free(b);
    CHECK(zooid_double_barrier_new(c, "/d", 0, NULL) == NULL && zooid_barrier_new(c, "d") == NULL);
    zooid_close(c);
}

static void wait_for_children(zooid_client *c, const char *path, size_t count)
{
    for (size_t there = SIZE_MAX; there != count;) {
        zooid_reply *reply = NULL;
        int code = zooid_list(c, path, SOON, &reply);
        CHECK(code == ZOOID_OK || code == ZOOID_NO_NODE);
        there = code == ZOOID_OK ? zooid_reply_name_count(reply) : 0;
        zooid_reply_free(reply);
    }
}

/* The other one is in, and on its way out, before this one has looked: nothing is left to see. */
static void who_is_slow_goes_in_all_the_same(void)
{
    zooid_client *c = open_client(), *other = open_client();
    zooid_double_barrier *b = zooid_double_barrier_new(c, "/d/slow", 2, "zooid");
    zooid_ticket ticket = zooid_double_barrier_submit_enter(b, SOON, NULL);
    wait_for_children(other, "/d/slow", 1);
    zooid_request *multi = zooid_request_multi();
    CHECK(zooid_request_add(multi, zooid_request_create("/d/slow/ready", "", 0, ZOOID_PERSISTENT)) == ZOOID_OK);
    CHECK(zooid_request_add(multi, zooid_request_delete("/d/slow/ready", ZOOID_ANY_VERSION)) == ZOOID_OK);
    CHECK(zooid_perform(other, multi, SOON, NULL) == ZOOID_OK);
    CHECK(next_reply(c, ticket, NULL) == ZOOID_OK);
    CHECK(zooid_double_barrier_leave(b, SOON, NULL) == ZOOID_OK);
    zooid_double_barrier_free(b);
    zooid_close(other);
    zooid_close(c);
}

/* -- queues -----------------------------------------------------------------------------------------------------------
 */

static void put(zooid_queue *q, const char *text, unsigned priority)
{
    CHECK(zooid_queue_put(q, text, strlen(text), priority, SOON, NULL) == ZOOID_OK);
}

static void expect_entry(zooid_reply *r, const char *text)
{
    CHECK(zooid_reply_code(r) == ZOOID_OK && zooid_reply_data_len(r) == strlen(text));
    CHECK(memcmp(zooid_reply_data(r), text, strlen(text)) == 0);
    zooid_reply_free(r);
}

static void take(zooid_queue *q, const char *text)
{
    zooid_reply *r = NULL;
    CHECK(zooid_queue_take(q, SOON, &r) == ZOOID_OK);
    expect_entry(r, text);
}

static void entries_are_handed_out_in_order(void)
{
    zooid_client *c = open_client(), *d = open_client();
    zooid_queue *q = zooid_queue_new(c, "/q/order"), *other = zooid_queue_new(d, "/q/order");
    CHECK(zooid_queue_take(q, 30, NULL) == ZOOID_DEADLINE_EXCEEDED);
    zooid_ticket ticket = zooid_queue_submit_take(other, SOON, NULL);
    put(q, "first", 100);
    zooid_event *event = expect(d, ZOOID_EVENT_REPLY);
    CHECK(zooid_event_ticket(event) == ticket);
    expect_entry(zooid_event_take_reply(event), "first");
    zooid_event_free(event);
    put(q, "third", 100);
    put(q, "second", 7);
    CHECK(zooid_queue_put(q, "x", 1, 1000, SOON, NULL) == ZOOID_BAD_ARGUMENTS);
    take(q, "second");
    CHECK(zooid_queue_take(q, SOON, NULL) == ZOOID_BAD_ARGUMENTS);
    CHECK(zooid_queue_finish(q, SOON, NULL) == ZOOID_OK && zooid_queue_finish(q, SOON, NULL) == ZOOID_NOT_HELD);
    CHECK(zooid_queue_return(other, SOON, NULL) == ZOOID_OK && zooid_queue_return(other, SOON, NULL) == ZOOID_NOT_HELD);
    take(q, "first");
    take(other, "third");
    zooid_close(d); /* it ends with an entry in its hands */
    CHECK(zooid_queue_finish(q, SOON, NULL) == ZOOID_OK);
    take(q, "third");
    zooid_queue_free(q);
    q = zooid_queue_new(c, "/q/order");
    take(q, "third");
    CHECK(zooid_queue_finish(q, SOON, NULL) == ZOOID_OK);
    ticket = zooid_queue_submit_take(q, SOON, NULL);
    zooid_queue_cancel(q);
    CHECK(next_reply(c, ticket, NULL) == ZOOID_CANCELLED);
    zooid_queue_free(q);
    zooid_close(c);
}

enum { WORKERS = 4, ENTRIES = 300 };
static int handed_out[ENTRIES];

static void *work_off(void *context)
{
    zooid_client *c = context;
    zooid_queue *q = zooid_queue_new(c, "/q/workers");
    for (;;) {
        zooid_reply *r = NULL;
        CHECK(zooid_queue_take(q, SOON, &r) == ZOOID_OK);
        int entry = atoi(zooid_reply_data(r));
        zooid_reply_free(r);
        CHECK(zooid_queue_finish(q, SOON, NULL) == ZOOID_OK);
        if (entry < 0)
            break;
        __atomic_fetch_add(&handed_out[entry], 1, __ATOMIC_SEQ_CST);
    }
    zooid_queue_free(q);
    return NULL;
}

static void workers_share_a_queue(void)
{
    zooid_client *c = open_client(), *d = open_client();
    zooid_queue *q = zooid_queue_new(c, "/q/workers");
    pthread_t threads[WORKERS];
    char text[8];
    for (int i = 0; i < WORKERS; i++)
        CHECK(pthread_create(&threads[i], NULL, work_off, i % 2 == 0 ? c : d) == 0);
    for (int i = 0; i < ENTRIES; i++) {
        snprintf(text, sizeof text, "%d", i);
        CHECK(zooid_queue_put(q, text, sizeof text, 100, SOON, NULL) == ZOOID_OK);
    }
    for (int i = 0; i < WORKERS; i++)
        CHECK(zooid_queue_put(q, "-1", 3, 200, SOON, NULL) == ZOOID_OK);
    for (int i = 0; i < WORKERS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    for (int i = 0; i < ENTRIES; i++)
        CHECK(handed_out[i] == 1);
    zooid_queue_free(q);
    zooid_close(c);
    zooid_close(d);
}

static void kazoo_shares_the_queue_too(void)
{
    zooid_client *c = open_client();
    zooid_queue *q = zooid_queue_new(c, "/q/kazoo");
    ask("kazoo puts two into /q/kazoo and takes one");
    take(q, "second");
    CHECK(zooid_queue_finish(q, SOON, NULL) == ZOOID_OK);
    zooid_ticket ticket = zooid_queue_submit_take(q, SOON, NULL);
    ask("kazoo gives it back");
    zooid_event *event = expect(c, ZOOID_EVENT_REPLY);
    CHECK(zooid_event_ticket(event) == ticket);
    expect_entry(zooid_event_take_reply(event), "first");
    zooid_event_free(event);
    ask("lose the next reply of a finish");
    CHECK(zooid_queue_finish(q, SOON, NULL) == ZOOID_OK);
    ask("the reply was lost");
    put(q, "third", 100);
    ask("kazoo takes the third and consumes it");
    CHECK(zooid_queue_take(q, 30, NULL) == ZOOID_DEADLINE_EXCEEDED);
    put(q, "fourth", 100);
    take(q, "fourth");
    CHECK(zooid_perform(c, zooid_request_close_session(), SOON, NULL) == ZOOID_OK);
    expect_loss(c, zooid_queue_number(q), "session");
    CHECK(zooid_queue_finish(q, SOON, NULL) == ZOOID_NOT_HELD);
    take(q, "fourth");
    zooid_queue_free(q);
    zooid_close(c);
}

/* -- counters ---------------------------------------------------------------------------------------------------------
 */

static int64_t added(zooid_client *c, const char *path, int64_t delta)
{
    zooid_reply *r = NULL;
    CHECK(zooid_counter_add(c, path, delta, SOON, &r) == ZOOID_OK);
    int64_t value = (int64_t)zooid_reply_number(r);
    zooid_reply_free(r);
    return value;
}

enum { COUNTERS = 4, ADDITIONS = 50 };

static void *count_up(void *context)
{
    for (int i = 0; i < ADDITIONS; i++)
        (void)added(context, "/c/many", 1);
    return NULL;
}

static void counters_count(void)
{
    zooid_client *c = open_client();
    pthread_t threads[COUNTERS];
    zooid_reply *r = NULL;
    CHECK(zooid_counter_get(c, "/c/one", SOON, &r) == ZOOID_OK && zooid_reply_number(r) == 0);
    zooid_reply_free(r);
    CHECK(added(c, "/c/one", 5) == 5 && added(c, "/c/one", -7) == -2);
    CHECK(zooid_counter_get(c, "/c/one", SOON, &r) == ZOOID_OK && (int64_t)zooid_reply_number(r) == -2);
    zooid_reply_free(r);
    ask("kazoo adds 40 to /c/one");
    CHECK(added(c, "/c/one", 4) == 42);
    CHECK(zooid_counter_add(c, "/c/one", INT64_MAX, SOON, NULL) == ZOOID_BAD_ARGUMENTS);
    CHECK(zooid_set(c, "/c/one", "many", 4, ZOOID_ANY_VERSION, SOON, NULL) == ZOOID_OK);
    CHECK(zooid_counter_get(c, "/c/one", SOON, NULL) == ZOOID_BAD_ARGUMENTS);
    for (int i = 0; i < COUNTERS; i++)
        CHECK(pthread_create(&threads[i], NULL, count_up, c) == 0);
    for (int i = 0; i < COUNTERS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(added(c, "/c/many", 0) == COUNTERS * ADDITIONS);
    zooid_close(c);
}

/* -- caches -----------------------------------------------------------------------------------------------------------
 */

/* Asked again and again, with a round trip in between, until the copy has it. */
static void wait_for_copy(zooid_client *c, const zooid_cache *cache, const char *path, const char *expected)
{
    bool same = false;
    for (uint64_t end = boot_ms() + SOON; !same;) {
        zooid_reply *r = NULL;
        int code = zooid_cache_get(cache, path, &r);
        same = expected == NULL ? code == ZOOID_NO_NODE
                                : code == ZOOID_OK && zooid_reply_data_len(r) == strlen(expected) &&
                                      memcmp(zooid_reply_data(r), expected, strlen(expected)) == 0;
        zooid_reply_free(r);
        CHECK(boot_ms() <= end && zooid_get(c, "/", SOON, NULL) == ZOOID_OK);
    }
}

static void write_node(zooid_client *c, const char *path, const char *text)
{
    CHECK(zooid_ensure_path(c, path, SOON, NULL) == ZOOID_OK);
    CHECK(zooid_set(c, path, text, strlen(text), ZOOID_ANY_VERSION, SOON, NULL) == ZOOID_OK);
}

static void a_cache_keeps_up(void)
{
    zooid_client *c = open_client(), *d = open_client();
    zooid_reply *r = NULL;
    ask("stop");
    zooid_cache *cache = zooid_cache_new(c, "/copy"), *all = zooid_cache_new(c, "/");
    CHECK(zooid_cache_get(cache, "/copy", NULL) == ZOOID_STALE &&
          zooid_cache_wait(cache, 20, NULL) == ZOOID_DEADLINE_EXCEEDED);
    ask("continue");
    zooid_ticket ticket = zooid_cache_submit_wait(all, SOON, NULL);
    CHECK(zooid_cache_wait(cache, SOON, NULL) == ZOOID_OK && next_reply(c, ticket, NULL) == ZOOID_OK);
    CHECK(zooid_cache_get(cache, "/copy", NULL) == ZOOID_NO_NODE && zooid_cache_get(all, "/", NULL) == ZOOID_OK);
    CHECK(zooid_cache_get(cache, "/copyright", NULL) == ZOOID_BAD_ARGUMENTS);
    write_node(d, "/copy", "top");
    write_node(d, "/copy/b", "bee");
    write_node(d, "/copy/a", "");
    wait_for_copy(c, cache, "/copy/a", "");
    wait_for_copy(c, all, "/copy/a", "");
    CHECK(zooid_cache_list(cache, "/copy", &r) == ZOOID_OK && zooid_reply_name_count(r) == 2);
    CHECK(strcmp(zooid_reply_name(r, 0), "a") == 0 && strcmp(zooid_reply_name(r, 1), "b") == 0);
    CHECK(zooid_reply_data_len(r) == 3 && zooid_reply_stat(r)->version == 1 && zooid_reply_zxid(r) > 0);
    zooid_reply_free(r);
    ask("kill");
    CHECK(zooid_cache_get(cache, "/copy/b", NULL) == ZOOID_OK);
    ask("start");
    write_node(d, "/copy/b", "changed");
    CHECK(zooid_delete(d, "/copy/a", ZOOID_ANY_VERSION, SOON, NULL) == ZOOID_OK);
    wait_for_copy(c, cache, "/copy/a", NULL);
    wait_for_copy(c, cache, "/copy/b", "changed");
    CHECK(zooid_next_event(c, 0) == NULL || zooid_session_state(c) != ZOOID_SESSION_GOOD);
    zooid_cache_free(cache);
    CHECK(zooid_delete_recursive(d, "/copy", SOON, NULL) == ZOOID_OK);
    wait_for_copy(c, all, "/copy", NULL);
    zooid_cache_free(all);
    CHECK(zooid_cache_new(c, "copy") == NULL && zooid_cache_new(c, "/copy/") == NULL);
    zooid_close(c);
    zooid_close(d);
}

enum { LEAVES = 1500, GENERATIONS = 20 }; /* so many that a generation takes several frames */

static zooid_request *generation(int number)
{
    zooid_request *multi = zooid_request_multi();
    char path[32], data[16];
    for (int i = 0; i < LEAVES; i++) {
        (void)snprintf(path, sizeof path, "/whole/%04d", i);
        (void)snprintf(data, sizeof data, "%d", number);
        CHECK(zooid_request_add(multi, number == 0 ? zooid_request_create(path, data, strlen(data), ZOOID_PERSISTENT)
                                                   : zooid_request_set(path, data, strlen(data), ZOOID_ANY_VERSION)) ==
              ZOOID_OK);
    }
    return multi;
}

/* What the copy has of a leaf, and which state it is. */
static int leaf(const zooid_cache *cache, int number, int64_t *zxid)
{
    char path[32], data[16] = "";
    zooid_reply *r = NULL;
    (void)snprintf(path, sizeof path, "/whole/%04d", number);
    CHECK(zooid_cache_get(cache, path, &r) == ZOOID_OK && zooid_reply_data_len(r) < sizeof data);
    memcpy(data, zooid_reply_data(r), zooid_reply_data_len(r));
    *zxid = zooid_reply_zxid(r);
    zooid_reply_free(r);
    return atoi(data);
}

static void a_cache_shows_no_half_of_a_multi(void)
{
    zooid_client *c = open_client(), *writer = open_client();
    CHECK(zooid_create(c, "/whole", "", 0, ZOOID_PERSISTENT, SOON, NULL) == ZOOID_OK);
    CHECK(zooid_perform(c, generation(0), SOON, NULL) == ZOOID_OK);
    zooid_cache *cache = zooid_cache_new(c, "/whole");
    CHECK(zooid_cache_wait(cache, SOON, NULL) == ZOOID_OK);
    for (int number = 1; number <= GENERATIONS; number++)
        CHECK(zooid_submit(writer, generation(number), SOON, NULL) != 0);
    for (int last = 0; last < GENERATIONS;) {
        int64_t before, behind;
        int first = leaf(cache, 0, &before);
        last = leaf(cache, LEAVES - 1, &behind);
        CHECK(before != behind || first == last);
    }
    zooid_cache_free(cache);
    zooid_close(writer);
    zooid_close(c);
}

int main(int argc, char **argv)
{
    static const struct scenario scenarios[] = {
        {"members come and go", members_come_and_go},
        {"an ephemeral comes back", an_ephemeral_comes_back},
        {"entries are handed out in order", entries_are_handed_out_in_order},
        {"workers share a queue", workers_share_a_queue},
        {"counters count", counters_count},
        {"all go in and out together", all_go_in_and_out_together},
        {"kazoo goes in and out too", kazoo_goes_in_and_out_too},
        {"who is slow goes in all the same", who_is_slow_goes_in_all_the_same},
        {"kazoo shares the queue too", kazoo_shares_the_queue_too},
        {"a barrier holds all back", a_barrier_holds_all_back},
        {"a cache keeps up", a_cache_keeps_up},
        {"a cache shows no half of a multi", a_cache_shows_no_half_of_a_multi},
        {"an ephemeral outlives the agent", an_ephemeral_outlives_the_agent},
    };
    return run_scenarios(scenarios, sizeof scenarios / sizeof scenarios[0], argc, argv);
}
