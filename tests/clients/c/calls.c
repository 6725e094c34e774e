/* calls.c - commands offered and called through libzooid, on an agent of calls_test.py that is killed and started.
 *
 *     calls SOCKET [SCENARIO] */
#include "scenario.h"

#include <poll.h>

static zooid_request *offer(const char *name)
{
    zooid_request *request = zooid_request_provide(name, "for this test");
    CHECK(zooid_request_add_offer(request, "do", "ARG: does it", false) == ZOOID_OK);
    CHECK(zooid_request_add_offer(request, "rule", "rules it", true) == ZOOID_OK);
    return request;
}

static void expect_offer(zooid_client *c, zooid_ticket ticket, bool stands)
{
    zooid_event *event = expect(c, ZOOID_EVENT_OFFER);
    CHECK(zooid_event_ticket(event) == ticket && zooid_event_stands(event) == stands);
    zooid_event_free(event);
}

static zooid_ticket provide(zooid_client *c, zooid_request *request, void *tag)
{
    zooid_ticket ticket = zooid_submit(c, request, ZOOID_NO_DEADLINE, tag);
    CHECK(ticket != 0);
    expect_offer(c, ticket, true);
    return ticket;
}

static zooid_ticket call(zooid_client *c, const char *name, const char *data)
{
    zooid_ticket ticket = zooid_submit(c, zooid_request_call(name, "do", data, strlen(data)), SOON, NULL);
    CHECK(ticket != 0);
    return ticket;
}

static zooid_call take_call(zooid_client *c)
{
    zooid_event *event = expect(c, ZOOID_EVENT_CALL);
    zooid_call number = zooid_event_call(event);
    CHECK(number != 0);
    zooid_event_free(event);
    return number;
}

/* The reply to that ticket, with that code, and with that data unless it is NULL. */
static void expect_reply(zooid_client *c, zooid_ticket ticket, int code, const char *data)
{
    zooid_event *event = expect(c, ZOOID_EVENT_REPLY);
    zooid_reply *reply = zooid_event_take_reply(event);
    CHECK(zooid_event_ticket(event) == ticket);
    if (zooid_reply_code(reply) != code)
        printf("got %d: %s\n", zooid_reply_code(reply), zooid_reply_message(reply));
    CHECK(zooid_reply_code(reply) == code);
    CHECK(data == NULL ||
          (zooid_reply_data_len(reply) == strlen(data) && memcmp(zooid_reply_data(reply), data, strlen(data)) == 0));
    zooid_reply_free(reply);
    zooid_event_free(event);
}

static void a_call_is_answered(void)
{
    zooid_client *p = open_client(), *c = open_client();
    int tag;
    zooid_ticket offered = provide(p, offer("answers"), &tag), asked = call(c, "answers", "{\"args\": []}");
    zooid_event *event = expect(p, ZOOID_EVENT_CALL);
    CHECK(zooid_event_ticket(event) == offered && zooid_event_tag(event) == &tag);
    CHECK(strcmp(zooid_event_command(event), "do") == 0 && strncmp(zooid_event_caller(event), "uid:", 4) == 0);
    CHECK(zooid_event_data_len(event) == 12 && memcmp(zooid_event_data(event), "{\"args\": []}", 12) == 0);
    CHECK(zooid_event_deadline_ms(event) > boot_ms() && zooid_event_deadline_ms(event) <= boot_ms() + SOON);
    CHECK(zooid_call_answer(p, zooid_event_call(event), "42", 2) == ZOOID_OK);
    CHECK(zooid_call_answer(p, zooid_event_call(event), "43", 2) == ZOOID_OK); /* nobody looks at it */
    zooid_event_free(event);
    expect_reply(c, asked, ZOOID_OK, "42");
    asked = call(c, "answers", "");
    CHECK(zooid_call_refuse(p, take_call(p), ZOOID_NO_NODE, "not here") == ZOOID_OK);
    event = expect(c, ZOOID_EVENT_REPLY);
    zooid_reply *reply = zooid_event_take_reply(event);
    CHECK(zooid_reply_code(reply) == ZOOID_NO_NODE && strcmp(zooid_reply_message(reply), "not here") == 0);
    CHECK(!zooid_reply_outcome_unknown(reply));
    zooid_reply_free(reply);
    zooid_event_free(event);
    zooid_close(p);
    CHECK(zooid_perform(c, zooid_request_call("answers", "do", NULL, 0), SOON, NULL) == ZOOID_NO_SUCH_PROVIDER);
    zooid_close(c);
}

static void what_nobody_waits_for(void)
{
    zooid_client *p = open_client(), *c = open_client();
    zooid_ticket offered = provide(p, offer("over"), NULL), first = call(c, "over", "1");
    zooid_call in_hand = take_call(p);
    zooid_cancel(c, first);
    expect_reply(c, first, ZOOID_CANCELLED, NULL);
    zooid_event *event = expect(p, ZOOID_EVENT_CALL_OVER);
    CHECK(zooid_event_ticket(event) == offered && zooid_event_call(event) == in_hand);
    zooid_event_free(event);
    /* One that the program has not seen is taken out of its queue again. */
    zooid_ticket second = call(c, "over", "2");
    struct pollfd waits = {.fd = zooid_descriptor(p), .events = POLLIN};
    CHECK(poll(&waits, 1, SOON) == 1);
    CHECK(zooid_get(p, "/", SOON, NULL) == ZOOID_OK); /* behind the Invoke */
    zooid_cancel(c, second);
    expect_reply(c, second, ZOOID_CANCELLED, NULL);
    CHECK(zooid_get(p, "/", SOON, NULL) == ZOOID_OK);
    CHECK(zooid_next_event(p, 0) == NULL);
    CHECK(poll(&waits, 1, 0) == 0);
    zooid_close(p);
    zooid_close(c);
}

static void the_offer_is_made_again(void)
{
    zooid_client *p = open_client(), *c = open_client();
    zooid_ticket offered = provide(p, offer("again"), NULL), asked = call(c, "again", "1");
    zooid_call in_hand = take_call(p);
    ask("kill");
    expect_offer(p, offered, false);
    CHECK(zooid_call_answer(p, in_hand, "", 0) == ZOOID_CONNECTION_LOST);
    zooid_event *event = expect(c, ZOOID_EVENT_REPLY);
    zooid_reply *reply = zooid_event_take_reply(event);
    CHECK(zooid_event_ticket(event) == asked && zooid_reply_code(reply) == ZOOID_CONNECTION_LOST);
    CHECK(zooid_reply_outcome_unknown(reply));
    zooid_reply_free(reply);
    zooid_event_free(event);
    ask("start");
    expect_offer(p, offered, true);
    CHECK(zooid_call_answer(p, in_hand, "", 0) == ZOOID_CONNECTION_LOST);
    asked = call(c, "again", "2");
    CHECK(zooid_call_answer(p, take_call(p), "here", 4) == ZOOID_OK);
    expect_reply(c, asked, ZOOID_OK, "here");
    zooid_close(p);
    zooid_close(c);
}

static void a_name_is_taken_over(void)
{
    zooid_client *p = open_client(), *q = open_client(), *c = open_client();
    zooid_ticket former = provide(p, offer("taken"), NULL), asked = call(c, "taken", "1");
    zooid_call in_hand = take_call(p);
    zooid_ticket second = zooid_submit(q, offer("taken"), ZOOID_NO_DEADLINE, NULL);
    expect_reply(q, second, ZOOID_PROVIDER_EXISTS, NULL);
    zooid_request *request = offer("taken");
    CHECK(zooid_request_set_replace(request) == ZOOID_OK);
    (void)provide(q, request, NULL);
    expect_reply(p, former, ZOOID_PROVIDER_REPLACED, NULL);
    CHECK(zooid_call_answer(p, in_hand, "old", 3) == ZOOID_OK);
    expect_reply(c, asked, ZOOID_OK, "old");
    asked = call(c, "taken", "2");
    CHECK(zooid_call_answer(q, take_call(q), "new", 3) == ZOOID_OK);
    expect_reply(c, asked, ZOOID_OK, "new");
    zooid_close(p);
    zooid_close(q);
    zooid_close(c);
}

static void an_offer_ends(void)
{
    zooid_client *p = open_client();
    zooid_ticket offered = provide(p, offer("ends"), NULL);
    zooid_cancel(p, offered);
    expect_reply(p, offered, ZOOID_CANCELLED, NULL);
    offered = provide(p, offer("ends"), NULL);
    zooid_ticket bad = zooid_submit(p, zooid_request_provide("no name", NULL), ZOOID_NO_DEADLINE, NULL);
    expect_reply(p, bad, ZOOID_BAD_ARGUMENTS, NULL);
    zooid_shutdown(p);
    zooid_close(p);
}

static void misuse(void)
{
    zooid_client *p = open_client();
    zooid_request *get = zooid_request_get("/");
    CHECK(zooid_request_add_offer(get, "a", "", false) == ZOOID_BAD_ARGUMENTS);
    CHECK(zooid_request_set_replace(get) == ZOOID_BAD_ARGUMENTS);
    CHECK(zooid_request_add_offer(NULL, "a", "", false) == ZOOID_NO_MEMORY);
    zooid_request_free(get);
    CHECK(zooid_perform(p, offer("performed"), SOON, NULL) == ZOOID_BAD_ARGUMENTS);
    CHECK(zooid_call_answer(p, 4711, "", 0) == ZOOID_CONNECTION_LOST);
    CHECK(zooid_get(p, "/", SOON, NULL) == ZOOID_OK);
    zooid_close(p);
}

int main(int argc, char **argv)
{
    static const struct scenario scenarios[] = {
        {"a call is answered", a_call_is_answered},
        {"what nobody waits for", what_nobody_waits_for},
        {"the offer is made again", the_offer_is_made_again},
        {"a name is taken over", a_name_is_taken_over},
        {"an offer ends", an_offer_ends},
        {"misuse", misuse},
    };
    return run_scenarios(scenarios, sizeof scenarios / sizeof scenarios[0], argc, argv);
}
