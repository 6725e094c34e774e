/* submitted.c - what takes several requests, submitted: each gives what its blocking form gives, and when it is given
 * up it says whether it may have taken effect. Run by recipes_test.py. */
#include "tests/clients/c/scenario.h"

/* The reply to that ticket, which is the caller's. */
static zooid_reply *reply_to(zooid_client *c, zooid_ticket ticket)
{
    CHECK(ticket != 0);
    zooid_event *event = expect(c, ZOOID_EVENT_REPLY);
    CHECK(zooid_event_ticket(event) == ticket && zooid_event_tag(event) == &socket_path);
    zooid_reply *r = zooid_event_take_reply(event);
    zooid_event_free(event);
    return r;
}

static void expect_code(zooid_client *c, zooid_ticket ticket, int code)
{
    zooid_reply *r = reply_to(c, ticket);
    CHECK(zooid_reply_code(r) == code);
    CHECK(code == ZOOID_OK || zooid_reply_path(r) != NULL);
    zooid_reply_free(r);
}

static uint64_t number_of(zooid_client *c, zooid_ticket ticket)
{
    zooid_reply *r = reply_to(c, ticket);
    CHECK(zooid_reply_code(r) == ZOOID_OK);
    uint64_t number = zooid_reply_number(r);
    zooid_reply_free(r);
    return number;
}

static size_t nodes_of(zooid_client *c, zooid_ticket ticket)
{
    zooid_reply *r = reply_to(c, ticket);
    CHECK(zooid_reply_code(r) == ZOOID_OK);
    size_t count = zooid_reply_node_count(r);
    zooid_reply_free(r);
    return count;
}

static void *const tag = &socket_path;

static void paths_are_made_and_deleted(void)
{
    zooid_client *c = open_client();
    expect_code(c, zooid_submit_ensure_path(c, "/s/a/b/c", SOON, tag), ZOOID_OK);
    expect_code(c, zooid_submit_ensure_path(c, "/s/a/b/c", SOON, tag), ZOOID_OK);
    CHECK(zooid_exists(c, "/s/a/b/c", SOON, NULL) == ZOOID_OK);
    expect_code(c, zooid_submit_ensure_path(c, "s", SOON, tag), ZOOID_BAD_ARGUMENTS);
    expect_code(c, zooid_submit_delete_recursive(c, "/s/a", SOON, tag), ZOOID_OK);
    CHECK(zooid_exists(c, "/s/a", SOON, NULL) == ZOOID_NO_NODE && zooid_exists(c, "/s", SOON, NULL) == ZOOID_OK);
    expect_code(c, zooid_submit_delete_recursive(c, "/s/a", SOON, tag), ZOOID_OK);
    expect_code(c, zooid_submit_delete_recursive(c, "/zookeeper", SOON, tag), ZOOID_BAD_ARGUMENTS);
    zooid_close(c);
}

/* Who may not create beside a level that is there may still create below it. */
static void a_level_that_is_there_need_not_be_ours(void)
{
    zooid_client *c = open_client();
    zooid_request *closed = zooid_request_set_acl("/s/closed", ZOOID_ANY_VERSION);
    CHECK(zooid_ensure_path(c, "/s/closed/open", SOON, NULL) == ZOOID_OK);
    CHECK(zooid_request_add_acl(closed, ZOOID_PERM_READ | ZOOID_PERM_DELETE, "world", "anyone") == ZOOID_OK);
    CHECK(zooid_perform(c, closed, SOON, NULL) == ZOOID_OK);
    CHECK(zooid_ensure_path(c, "/s/closed/open/below", SOON, NULL) == ZOOID_OK);
    CHECK(zooid_ensure_path(c, "/s/closed/other", SOON, NULL) == ZOOID_NO_AUTH);
    zooid_close(c);
}

static void recipes_answer(void)
{
    zooid_client *c = open_client();
    zooid_lock *l = zooid_lock_new(c, "/s/lock", ZOOID_LOCK_EXCLUSIVE, "me"),
               *m = zooid_semaphore_new(c, "/s/semaphore", 2, "me");
    zooid_barrier *b = zooid_barrier_new(c, "/s/barrier");
    zooid_queue *q = zooid_queue_new(c, "/s/queue");
    zooid_ephemeral *e = zooid_group_join(c, "/s/group", "me");
    expect_code(c, zooid_lock_submit_try(l, SOON, tag), ZOOID_OK);
    CHECK(nodes_of(c, zooid_lock_submit_contenders(l, SOON, tag)) == 1);
    CHECK(nodes_of(c, zooid_lock_submit_contenders(m, SOON, tag)) == 0);
    expect_code(c, zooid_ephemeral_submit_wait(e, SOON, tag), ZOOID_OK);
    CHECK(nodes_of(c, zooid_group_submit_members(c, "/s/group", SOON, tag)) == 1);
    CHECK(nodes_of(c, zooid_group_submit_members(c, "/s/none", SOON, tag)) == 0);
    expect_code(c, zooid_barrier_submit_set(b, SOON, tag), ZOOID_OK);
    CHECK(zooid_barrier_wait(b, 30, NULL) == ZOOID_DEADLINE_EXCEEDED);
    expect_code(c, zooid_barrier_submit_lift(b, SOON, tag), ZOOID_OK);
    expect_code(c, zooid_barrier_submit_lift(b, SOON, tag), ZOOID_NO_NODE);
    expect_code(c, zooid_queue_submit_put(q, "late", 4, 999, SOON, tag), ZOOID_OK);
    expect_code(c, zooid_queue_submit_put(q, "soon", 4, 0, SOON, tag), ZOOID_OK);
    expect_code(c, zooid_queue_submit_put(q, "never", 5, 1000, SOON, tag), ZOOID_BAD_ARGUMENTS);
    zooid_reply *r = reply_to(c, zooid_queue_submit_take(q, SOON, tag));
    CHECK(zooid_reply_code(r) == ZOOID_OK && memcmp(zooid_reply_data(r), "soon", 4) == 0);
    zooid_reply_free(r);
    expect_code(c, zooid_queue_submit_return(q, SOON, tag), ZOOID_OK);
    expect_code(c, zooid_queue_submit_take(q, SOON, tag), ZOOID_OK);
    expect_code(c, zooid_queue_submit_finish(q, SOON, tag), ZOOID_OK);
    zooid_lock_free(l);
    zooid_lock_free(m);
    zooid_barrier_free(b);
    zooid_queue_free(q);
    zooid_ephemeral_free(e);
    zooid_close(c);
}

/* Many at once are many additions: each is made on top of the others. */
static void counters_count(void)
{
    enum { MANY = 20 };
    zooid_client *c = open_client();
    CHECK(number_of(c, zooid_counter_submit_get(c, "/s/count", SOON, tag)) == 0);
    for (int i = 0; i < MANY; i++)
        CHECK(zooid_counter_submit_add(c, "/s/count", 2, SOON, tag) != 0);
    for (int i = 0; i < MANY; i++) {
        zooid_event *event = expect(c, ZOOID_EVENT_REPLY);
        zooid_reply *r = zooid_event_take_reply(event);
        CHECK(zooid_reply_code(r) == ZOOID_OK);
        zooid_reply_free(r);
        zooid_event_free(event);
    }
    CHECK(number_of(c, zooid_counter_submit_get(c, "/s/count", SOON, tag)) == 2 * MANY);
    CHECK(zooid_set(c, "/s/count", "many", 4, ZOOID_ANY_VERSION, SOON, NULL) == ZOOID_OK);
    expect_code(c, zooid_counter_submit_add(c, "/s/count", 1, SOON, tag), ZOOID_BAD_ARGUMENTS);
    zooid_close(c);
}

/* The outcome of what an agent that is stopped may have in hands is not known; what was never sent is never done. */
static void what_is_given_up_says_what_is_known(void)
{
    zooid_client *c = open_client();
    zooid_queue *q = zooid_queue_new(c, "/s/given-up");
    CHECK(zooid_counter_add(c, "/s/sum", 1, SOON, NULL) == ZOOID_OK);
    CHECK(zooid_queue_put(q, "first", 5, 100, SOON, NULL) == ZOOID_OK);
    ask("stop");
    zooid_ticket put = zooid_queue_submit_put(q, "second", 6, 100, SOON, tag);
    zooid_cancel(c, put);
    zooid_reply *r = reply_to(c, put);
    CHECK(zooid_reply_code(r) == ZOOID_CANCELLED && zooid_reply_outcome_unknown(r));
    CHECK(strcmp(zooid_reply_path(r), "/s/given-up/entries") == 0);
    zooid_reply_free(r);
    CHECK(zooid_counter_add(c, "/s/sum", 1, 50, &r) == ZOOID_DEADLINE_EXCEEDED);
    CHECK(!zooid_reply_outcome_unknown(r) && zooid_reply_retry(r)); /* it had not read yet */
    CHECK(strcmp(zooid_reply_path(r), "/s/sum") == 0);
    zooid_reply_free(r);
    ask("continue");
    CHECK(number_of(c, zooid_counter_submit_get(c, "/s/sum", SOON, tag)) == 1);
    ask("kill");
    CHECK(zooid_get(c, "/", 50, NULL) == ZOOID_CONNECTION_LOST); /* it has noticed */
    CHECK(zooid_queue_put(q, "never", 5, 100, 50, &r) == ZOOID_CONNECTION_LOST && !zooid_reply_outcome_unknown(r));
    CHECK(strstr(zooid_reply_message(r), socket_path) != NULL && zooid_reply_retry(r));
    zooid_reply_free(r);
    zooid_ticket add = zooid_counter_submit_add(c, "/s/sum", 1, SOON, tag);
    ask("start");
    CHECK(number_of(c, add) == 2);
    CHECK(zooid_list(c, "/s/given-up/entries", SOON, &r) == ZOOID_OK && zooid_reply_name_count(r) <= 2);
    zooid_reply_free(r);
    zooid_queue_free(q);
    add = zooid_counter_submit_add(c, "/s/sum", 1, SOON, tag);
    zooid_shutdown(c);
    zooid_close(c);
}

int main(int argc, char **argv)
{
    static const struct scenario scenarios[] = {
        {"paths are made and deleted", paths_are_made_and_deleted},
        {"a level that is there need not be ours", a_level_that_is_there_need_not_be_ours},
        {"recipes answer", recipes_answer},
        {"counters count", counters_count},
        {"what is given up says what is known", what_is_given_up_says_what_is_known},
    };
    return run_scenarios(scenarios, sizeof scenarios / sizeof scenarios[0], argc, argv);
}
