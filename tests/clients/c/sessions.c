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

/* One that is asked for again is held at once, with the same token, though somebody waits for it. */
static void locks_go_on_with_the_session(void)
{
    struct zooid_options options = ZOOID_OPTIONS_INIT;
    uint8_t token[64];
    options.linger_ms = LONG;
    zooid_client *c = open_with(options), *observer = open_client();
    zooid_lock *lock = zooid_lock_new(c, "/handed-on-lock", ZOOID_LOCK_EXCLUSIVE, "before");
    zooid_lock *other = zooid_lock_new(observer, "/handed-on-lock", ZOOID_LOCK_EXCLUSIVE, "other");
    CHECK(zooid_lock_acquire(lock, SOON, NULL) == ZOOID_OK);
    CHECK(zooid_lock_submit_acquire(other, SOON, NULL) != 0);
    uint64_t fence = zooid_lock_token(lock);
    options.resume_id = zooid_session_id(c);
    options.resume_token = token;
    options.resume_token_len = zooid_session_token(c, token, sizeof token);
    /* The process before has ended without a word: its client is gone on with by nobody. */
    zooid_client *next = open_with(options);
    zooid_lock *again = zooid_lock_new(next, "/handed-on-lock", ZOOID_LOCK_EXCLUSIVE, "after");
    zooid_lock *second = zooid_lock_new(next, "/handed-on-lock", ZOOID_LOCK_EXCLUSIVE, "second");
    zooid_lock *reader = zooid_lock_new(next, "/handed-on-lock", ZOOID_LOCK_READ, NULL);
    CHECK(zooid_lock_try(reader, SOON, NULL) == ZOOID_NOT_HELD); /* it is of another kind */
    CHECK(zooid_lock_acquire(again, SOON, NULL) == ZOOID_OK && zooid_lock_token(again) == fence);
    CHECK(zooid_lock_try(second, SOON, NULL) == ZOOID_NOT_HELD); /* each node is one lock's */
    CHECK(!zooid_lock_is_held(other));
    CHECK(zooid_lock_release(again, SOON, NULL) == ZOOID_OK);
    zooid_event *event = expect(observer, ZOOID_EVENT_REPLY);
    CHECK(zooid_lock_is_held(other) && zooid_lock_token(other) > fence);
    zooid_event_free(event);
    zooid_lock_free(reader);
    zooid_lock_free(second);
    zooid_lock_free(again);
    zooid_lock_free(other);
    zooid_lock_free(lock);
    zooid_close(next);
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
        {"locks go on with the session", locks_go_on_with_the_session},
        {"a client that asks for nothing loses it", a_client_that_asks_for_nothing_loses_it},
        {"what is no token", what_is_no_token},
    };
    return run_scenarios(scenarios, sizeof scenarios / sizeof scenarios[0], argc, argv);
}
