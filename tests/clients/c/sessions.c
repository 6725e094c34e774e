/* sessions.c - sessions of libzooid that outlive their client, are taken up by another one, or end for want of
 * requests, on an agent of linger_test.py.
 *
 *     sessions SOCKET [SCENARIO] */
#include "scenario.h"

enum { LONG = 600000 };

static zooid_client *open_with(struct zooid_options options)
{
    zooid_client *client = NULL;
    options.socket = socket_path;
    CHECK(zooid_open(&client, &options, NULL) == ZOOID_OK);
    return client;
}

static int64_t owner_of(zooid_client *c, const char *path)
{
    zooid_reply *reply = NULL;
    int64_t owner = zooid_exists(c, path, SOON, &reply) == ZOOID_OK ? zooid_reply_stat(reply)->ephemeral_owner : 0;
    zooid_reply_free(reply);
    return owner;
}

static void expect_state(zooid_client *c, enum zooid_session_state state)
{
    for (bool is_it = false; !is_it;) {
        zooid_event *event = expect(c, ZOOID_EVENT_SESSION);
        is_it = zooid_event_session_state(event) == state;
        zooid_event_free(event);
    }
}

static void another_client_takes_it_up(void)
{
    struct zooid_options options = ZOOID_OPTIONS_INIT;
    uint8_t token[64];
    options.linger_ms = LONG;
    zooid_client *c = open_with(options), *observer = open_client();
    CHECK(zooid_session_token(c, token, sizeof token) == 0);
    CHECK(zooid_create(c, "/handed-on", "", 0, ZOOID_EPHEMERAL, SOON, NULL) == ZOOID_OK);
    options.linger_ms = 0;
    options.resume_id = zooid_session_id(c);
    options.resume_token = token;
    options.resume_token_len = zooid_session_token(c, token, sizeof token);
    CHECK(options.resume_id != 0 && options.resume_token_len > 0 && zooid_session_token(c, NULL, 0) > 0);
    zooid_close(c);
    CHECK(owner_of(observer, "/handed-on") == options.resume_id);
    c = open_with(options);
    expect_state(c, ZOOID_SESSION_GOOD);
    CHECK(zooid_session_id(c) == options.resume_id);
    CHECK(zooid_set(c, "/handed-on", "x", 1, ZOOID_ANY_VERSION, SOON, NULL) == ZOOID_OK);
    zooid_close(c);
    CHECK(zooid_sync(observer, SOON, NULL) == ZOOID_OK && owner_of(observer, "/handed-on") == 0);
    c = open_with(options); /* too late: it has another one then */
    expect_state(c, ZOOID_SESSION_LOST);
    expect_state(c, ZOOID_SESSION_GOOD);
    CHECK(zooid_session_id(c) != 0 && zooid_session_id(c) != options.resume_id);
    zooid_close(c);
    zooid_close(observer);
}

static void a_client_that_asks_for_nothing_loses_it(void)
{
    struct zooid_options options = ZOOID_OPTIONS_INIT;
    options.watchdog_ms = 300;
    zooid_client *c = open_with(options);
    CHECK(zooid_create(c, "/watched", "", 0, ZOOID_EPHEMERAL, SOON, NULL) == ZOOID_OK);
    expect_state(c, ZOOID_SESSION_LOST);
    CHECK(owner_of(c, "/watched") == 0);
    zooid_close(c);
}

static void what_is_no_token(void)
{
    struct zooid_options options = ZOOID_OPTIONS_INIT;
    zooid_client *c = NULL;
    uint8_t token[65] = {0};
    options.socket = socket_path;
    options.resume_id = 1;
    options.resume_token = token;
    options.resume_token_len = sizeof token;
    CHECK(zooid_open(&c, &options, NULL) == ZOOID_BAD_ARGUMENTS && c == NULL);
}

int main(int argc, char **argv)
{
    static const struct scenario scenarios[] = {
        {"another client takes it up", another_client_takes_it_up},
        {"a client that asks for nothing loses it", a_client_that_asks_for_nothing_loses_it},
        {"what is no token", what_is_no_token},
    };
    return run_scenarios(scenarios, sizeof scenarios / sizeof scenarios[0], argc, argv);
}
