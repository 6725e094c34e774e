/* subscribe.c - subscriptions through libzooid, on an agent of subscribe_test.py that is killed and started again.
 *
 *     subscribe SOCKET [SCENARIO] */
#include "scenario.h"

#include <poll.h>

enum { MANY = 3000 };

static void create(zooid_client *c, const char *path, const char *data)
{
    CHECK(zooid_create(c, path, data, strlen(data), ZOOID_PERSISTENT, SOON, NULL) == ZOOID_OK);
}

static void set(zooid_client *c, const char *path, const char *data)
{
    CHECK(zooid_set(c, path, data, strlen(data), ZOOID_ANY_VERSION, SOON, NULL) == ZOOID_OK);
}

static zooid_ticket subscribe(zooid_client *c, zooid_request *request, void *tag)
{
    zooid_ticket ticket = zooid_submit(c, request, ZOOID_NO_DEADLINE, tag);
    CHECK(ticket != 0);
    return ticket;
}

/* The next event is that change, with that data; NULL: none. */
static void expect_change(zooid_client *c, enum zooid_change change, const char *path, const char *data)
{
    zooid_event *event = expect(c, ZOOID_EVENT_CHANGE);
    const void *got = zooid_event_data(event);
    if (zooid_event_change(event) != change || strcmp(zooid_event_path(event), path) != 0)
        printf("got %d %s\n", (int)zooid_event_change(event), zooid_event_path(event));
    CHECK(zooid_event_change(event) == change && strcmp(zooid_event_path(event), path) == 0);
    CHECK(data == NULL
              ? got == NULL
              : got != NULL && zooid_event_data_len(event) == strlen(data) && memcmp(got, data, strlen(data)) == 0);
    CHECK(zooid_event_stat(event) != NULL);
    zooid_event_free(event);
}

static void expect_end(zooid_client *c, zooid_ticket ticket, int code)
{
    zooid_event *event = expect(c, ZOOID_EVENT_REPLY);
    zooid_reply *reply = zooid_event_take_reply(event);
    CHECK(zooid_event_ticket(event) == ticket && zooid_reply_code(reply) == code);
    zooid_reply_free(reply);
    zooid_event_free(event);
}

static void a_snapshot_then_changes(void)
{
    zooid_client *c = open_client();
    int tag;
    create(c, "/s", "1");
    create(c, "/s/a", "2");
    zooid_ticket ticket = subscribe(c, zooid_request_subscribe("/s"), &tag);
    zooid_event *event = expect(c, ZOOID_EVENT_RESET);
    CHECK(zooid_event_ticket(event) == ticket && zooid_event_tag(event) == &tag && !zooid_event_fell_behind(event));
    zooid_event_free(event);
    expect_change(c, ZOOID_PRESENT, "/s", "1");
    event = expect(c, ZOOID_EVENT_CHANGE);
    struct zooid_cursor cursor;
    CHECK(strcmp(zooid_event_path(event), "/s/a") == 0 && !zooid_event_cursor(event, &cursor));
    zooid_event_free(event);
    event = expect(c, ZOOID_EVENT_CAUGHT_UP);
    CHECK(zooid_event_cursor(event, &cursor) && cursor.zxid == zooid_event_zxid(event));
    zooid_event_free(event);
    set(c, "/s/a", "");
    CHECK(zooid_delete(c, "/s/a", ZOOID_ANY_VERSION, SOON, NULL) == ZOOID_OK);
    expect_change(c, ZOOID_CHANGED, "/s/a", "");
    expect_change(c, ZOOID_DELETED, "/s/a", NULL);
    zooid_cancel(c, ticket);
    expect_end(c, ticket, ZOOID_CANCELLED);
    zooid_close(c);
}

static void another_client_goes_on_from_a_cursor(void)
{
    zooid_client *c = open_client(), *d = open_client();
    struct zooid_cursor cursor = {0};
    create(c, "/go", "");
    zooid_request *request = zooid_request_subscribe("/go");
    CHECK(zooid_request_set_without_snapshot(request) == ZOOID_OK &&
          zooid_request_set_without_data(request) == ZOOID_OK);
    (void)subscribe(c, request, NULL);
    CHECK(zooid_sync(c, SOON, NULL) == ZOOID_OK);
    create(c, "/go/1", "x");
    zooid_event *event = expect(c, ZOOID_EVENT_CHANGE);
    CHECK(zooid_event_cursor(event, &cursor) && zooid_event_data(event) == NULL);
    zooid_event_free(event);
    create(c, "/go/2", "x");
    request = zooid_request_subscribe("/go");
    CHECK(zooid_request_set_cursor(request, &cursor) == ZOOID_OK &&
          zooid_request_set_window(request, 4096) == ZOOID_OK);
    (void)subscribe(d, request, NULL);
    expect_change(d, ZOOID_CREATED, "/go/2", "x");
    create(c, "/go/3", "y");
    expect_change(d, ZOOID_CREATED, "/go/3", "y");
    zooid_close(c);
    zooid_close(d);
}

static void what_is_no_subscription(void)
{
    zooid_client *c = open_client();
    struct zooid_cursor cursor = {1LL << 60, 1};
    zooid_request *get = zooid_request_get("/");
    CHECK(zooid_request_set_cursor(get, &cursor) == ZOOID_BAD_ARGUMENTS);
    CHECK(zooid_request_set_window(get, 1) == ZOOID_BAD_ARGUMENTS);
    CHECK(zooid_request_set_without_snapshot(get) == ZOOID_BAD_ARGUMENTS);
    CHECK(zooid_request_set_window(NULL, 1) == ZOOID_NO_MEMORY);
    zooid_request_free(get);
    CHECK(zooid_perform(c, zooid_request_subscribe("/"), SOON, NULL) == ZOOID_BAD_ARGUMENTS);
    expect_end(c, subscribe(c, zooid_request_subscribe("relative"), NULL), ZOOID_BAD_ARGUMENTS);
    expect_end(c, subscribe(c, zooid_request_subscribe(NULL), NULL), ZOOID_BAD_ARGUMENTS);
    zooid_request *stale = zooid_request_subscribe("/");
    CHECK(zooid_request_set_cursor(stale, &cursor) == ZOOID_OK &&
          zooid_request_set_without_snapshot(stale) == ZOOID_OK);
    expect_end(c, subscribe(c, stale, NULL), ZOOID_STALE);
    zooid_close(c);
}

/* More than the window, taken only when all has been written: the rest waits at the agent. */
static void a_program_that_is_busy_meanwhile_misses_nothing(void)
{
    zooid_client *c = open_client(), *writer = open_client();
    char data[512];
    memset(data, 'x', sizeof data - 1);
    data[sizeof data - 1] = '\0';
    create(writer, "/busy", "");
    zooid_request *request = zooid_request_subscribe("/busy");
    CHECK(zooid_request_set_window(request, 10000) == ZOOID_OK);
    (void)subscribe(c, request, NULL);
    zooid_event_free(expect(c, ZOOID_EVENT_CAUGHT_UP));
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(data, 8, "%07d", i);
        data[7] = 'x';
        CHECK(zooid_submit(writer, zooid_request_set("/busy", data, strlen(data), ZOOID_ANY_VERSION), SOON, NULL) != 0);
    }
    for (int i = 0; i < MANY; i++)
        zooid_event_free(expect(writer, ZOOID_EVENT_REPLY));
    for (int i = 0; i < MANY; i++) {
        struct pollfd readable = {.fd = zooid_descriptor(c), .events = POLLIN};
        CHECK(poll(&readable, 1, SOON) == 1);
        zooid_event *event = expect(c, ZOOID_EVENT_CHANGE);
        CHECK(atoi(zooid_event_data(event)) == i);
        zooid_event_free(event);
    }
    zooid_close(writer);
    zooid_close(c);
}

static void add_set(zooid_request *multi, const char *path, const char *data)
{
    CHECK(zooid_request_add(multi, zooid_request_set(path, data, strlen(data), ZOOID_ANY_VERSION)) == ZOOID_OK);
}

static void expect_end_of_txn(zooid_client *c, const char *path, bool ends)
{
    zooid_event *event = expect(c, ZOOID_EVENT_CHANGE);
    CHECK(strcmp(zooid_event_path(event), path) == 0 && zooid_event_ends_txn(event) == ends);
    zooid_event_free(event);
}

static void several_prefixes_are_told_together(void)
{
    zooid_client *c = open_client();
    zooid_reply *reply = NULL;
    create(c, "/p1", "");
    create(c, "/p2", "");
    create(c, "/p3", "");
    zooid_request *request = zooid_request_subscribe("/p3");
    CHECK(zooid_request_add_path(request, "/p1") == ZOOID_OK);
    (void)subscribe(c, request, NULL);
    expect_end_of_txn(c, "/p1", false);
    expect_end_of_txn(c, "/p3", false);
    zooid_event *event = expect(c, ZOOID_EVENT_CAUGHT_UP);
    CHECK(zooid_event_ends_txn(event));
    zooid_event_free(event);
    ask("kill");
    ask("start");
    CHECK(zooid_exists(c, "/p1", SOON, NULL) == ZOOID_OK);
    zooid_request *multi = zooid_request_multi();
    add_set(multi, "/p3", "x");
    add_set(multi, "/p1", "x");
    add_set(multi, "/p2", "x");
    CHECK(zooid_perform(c, multi, SOON, NULL) == ZOOID_OK);
    expect_end_of_txn(c, "/p3", false);
    expect_end_of_txn(c, "/p1", true);
    request = zooid_request_subtree("/p2", 0);
    CHECK(zooid_request_add_path(request, "/p1") == ZOOID_OK && zooid_request_add_path(request, "/no") == ZOOID_OK);
    CHECK(zooid_perform(c, request, SOON, &reply) == ZOOID_OK && zooid_reply_node_count(reply) == 2);
    CHECK(strcmp(zooid_reply_node(reply, 0)->path, "/p1") == 0);
    zooid_reply_free(reply);
    request = zooid_request_get("/");
    CHECK(zooid_request_add_path(request, "/p1") == ZOOID_BAD_ARGUMENTS);
    zooid_request_free(request);
    zooid_close(c);
}

static void it_outlives_the_agent(void)
{
    zooid_client *c = open_client(), *writer = open_client();
    create(writer, "/life", "");
    zooid_ticket ticket = subscribe(c, zooid_request_subscribe("/life"), NULL);
    zooid_event_free(expect(c, ZOOID_EVENT_CAUGHT_UP));
    for (int i = 0; i < 3; i++) {
        set(writer, "/life", "before");
        ask("kill");
        ask("start");
        CHECK(zooid_exists(writer, "/life", SOON, NULL) == ZOOID_OK); /* a write would not be sent a second time */
        set(writer, "/life", "behind");
    }
    for (int i = 0; i < 3; i++) {
        expect_change(c, ZOOID_CHANGED, "/life", "before");
        expect_change(c, ZOOID_CHANGED, "/life", "behind");
    }
    zooid_cancel(c, ticket);
    expect_end(c, ticket, ZOOID_CANCELLED);
    zooid_event *event;
    while ((event = zooid_next_event(c, 0)) != NULL) {
        CHECK(zooid_event_kind(event) == ZOOID_EVENT_SESSION);
        zooid_event_free(event);
    }
    zooid_close(writer);
    zooid_close(c);
}

/* Events that nobody takes, and some that are freed behind their client. */
static void whatever_is_left_is_freed(void)
{
    zooid_client *c = open_client();
    create(c, "/left", "");
    create(c, "/left/a", "data");
    (void)subscribe(c, zooid_request_subscribe("/left"), NULL);
    zooid_event *event = expect(c, ZOOID_EVENT_CHANGE);
    zooid_close(c);
    CHECK(strcmp(zooid_event_path(event), "/left") == 0);
    zooid_event_free(event);
}

int main(int argc, char **argv)
{
    static const struct scenario scenarios[] = {
        {"a snapshot, then changes", a_snapshot_then_changes},
        {"another client goes on from a cursor", another_client_goes_on_from_a_cursor},
        {"what is no subscription", what_is_no_subscription},
        {"a program that is busy meanwhile misses nothing", a_program_that_is_busy_meanwhile_misses_nothing},
        {"several prefixes are told together", several_prefixes_are_told_together},
        {"it outlives the agent", it_outlives_the_agent},
        {"whatever is left is freed", whatever_is_left_is_freed},
    };
    return run_scenarios(scenarios, sizeof scenarios / sizeof scenarios[0], argc, argv);
}
