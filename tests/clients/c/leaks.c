/* leaks.c - nothing is left behind over a hundred thousand operations: what malloc has given out is looked at before
 * and after them; with a sanitizer, which has a malloc of its own, that tells at the end.
 *
 *     leaks SOCKET [SCENARIO] */
#include "scenario.h"

#include <malloc.h>

enum { WARM_UP = 2000, ROUNDS = 7000, OUTSTANDING = 100, SUBMITTED = 40000, GROWTH_MAX = 64 * 1024 };

static size_t in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void perform(zooid_client *c, zooid_request *request, int expected)
{
    zooid_reply *r = NULL;
    CHECK(zooid_perform(c, request, SOON, &r) == expected && zooid_reply_code(r) == expected);
    zooid_reply_free(r);
}

/* Ten operations; writes, which wait for the disk, are few. */
static void do_round(zooid_client *c, int number)
{
    const struct zooid_freshness fresh = {.age_max_ms = 60000};
    zooid_request *request = zooid_request_get("/leak");
    CHECK(zooid_request_set_watch(request) == ZOOID_OK && zooid_request_set_freshness(request, &fresh) == ZOOID_OK);
    perform(c, request, ZOOID_OK);
    perform(c, zooid_request_get("/none"), ZOOID_NO_NODE);
    perform(c, zooid_request_exists("/none"), ZOOID_NO_NODE);
    request = zooid_request_list("/");
    CHECK(zooid_request_set_with_nodes(request) == ZOOID_OK);
    perform(c, request, ZOOID_OK);
    request = zooid_request_read_many();
    CHECK(zooid_request_add_path(request, "/leak") == ZOOID_OK && zooid_request_add_path(request, "/none") == ZOOID_OK);
    perform(c, request, ZOOID_OK);
    perform(c, zooid_request_subtree("/leak", 0), ZOOID_OK);
    perform(c, zooid_request_get_acl("/leak"), ZOOID_OK);
    perform(c, zooid_request_who_am_i(), ZOOID_OK);
    perform(c, zooid_request_count_descendants("/"), ZOOID_OK);
    zooid_request_free(zooid_request_multi());
    if (number % 100 == 0) {
        zooid_lock *lock = zooid_lock_new(c, "/leak-lock", ZOOID_LOCK_EXCLUSIVE, "who");
        CHECK(zooid_set(c, "/leak", "x", 1, ZOOID_ANY_VERSION, SOON, NULL) == ZOOID_OK);
        CHECK(zooid_lock_acquire(lock, SOON, NULL) == ZOOID_OK && zooid_lock_release(lock, SOON, NULL) == ZOOID_OK);
        zooid_lock_free(lock);
        CHECK(zooid_ensure_path(c, "/leak-path/made", SOON, NULL) == ZOOID_OK);
        CHECK(zooid_counter_add(c, "/leak-path/count", 1, SOON, NULL) == ZOOID_OK);
        CHECK(zooid_delete_recursive(c, "/leak-path", SOON, NULL) == ZOOID_OK);
        CHECK(zooid_group_members(c, "/leak-group", SOON, NULL) == ZOOID_OK);
        CHECK(zooid_counter_add(c, "/leak", 1, 0, NULL) != ZOOID_OK);
    }
    for (zooid_event *event; (event = zooid_next_event(c, 0)) != NULL;)
        zooid_event_free(event);
}

static void performed_ones_leave_nothing(void)
{
    zooid_client *c = open_client();
    CHECK(zooid_create(c, "/leak", "x", 1, ZOOID_PERSISTENT, SOON, NULL) == ZOOID_OK);
    for (int i = 0; i < WARM_UP; i++)
        do_round(c, i);
    size_t before = in_use();
    for (int i = 0; i < ROUNDS; i++)
        do_round(c, i);
    CHECK(in_use() < before + GROWTH_MAX);
    zooid_close(c);
}

/* Some of them cancelled. */
static void submit_many(zooid_client *c, int count)
{
    int outstanding = 0;
    for (int i = 0; i < count || outstanding > 0;) {
        for (; outstanding < OUTSTANDING && i < count; i++, outstanding++) {
            zooid_ticket ticket = zooid_submit(c, zooid_request_get("/leak"), SOON, NULL);
            CHECK(ticket != 0);
            if (i % 10 == 0)
                zooid_cancel(c, ticket);
        }
        zooid_event *event = expect(c, ZOOID_EVENT_REPLY);
        zooid_event_free(event);
        outstanding--;
    }
}

static void submitted_ones_leave_nothing(void)
{
    zooid_client *c = open_client();
    submit_many(c, WARM_UP);
    size_t before = in_use();
    submit_many(c, SUBMITTED);
    CHECK(in_use() < before + GROWTH_MAX);
    zooid_close(c);
}

int main(int argc, char **argv)
{
    static const struct scenario scenarios[] = {
        {"performed ones leave nothing", performed_ones_leave_nothing},
        {"submitted ones leave nothing", submitted_ones_leave_nothing},
    };
    return run_scenarios(scenarios, sizeof scenarios / sizeof scenarios[0], argc, argv);
}
