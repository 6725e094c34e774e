/* logins.c - logins of libzooid: kept over a restart of the agent of libzooid_test.py, so many as was asked for, and
 * made by a second client too.
 *
 *     logins SOCKET [SCENARIO] */
#include "scenario.h"

/* That of ann:secret. */
#define ANN "ann:7RJfAeIvrl4zdj6sS2fXrQHDvHM="

static int log_in(zooid_client *c, const char *who)
{
    return zooid_perform(c, zooid_request_auth("digest", who, strlen(who)), SOON, NULL);
}

/* What only who is logged in may read can be read again, by calls that were made before the connection stood, too. */
static void logins_outlive_the_agent(void)
{
    zooid_client *c = open_client(), *nobody = open_client();
    CHECK(log_in(c, "bob:other") == ZOOID_OK && log_in(c, "ann:secret") == ZOOID_OK);
    CHECK(log_in(c, "ann:secret") == ZOOID_OK);
    zooid_request *q = zooid_request_create("/secret", "x", 1, ZOOID_PERSISTENT);
    CHECK(zooid_request_add_acl(q, ZOOID_PERM_ALL, "digest", ANN) == ZOOID_OK);
    CHECK(zooid_perform(c, q, SOON, NULL) == ZOOID_OK);
    CHECK(zooid_get(nobody, "/secret", SOON, NULL) == ZOOID_NO_AUTH);
    for (int i = 0; i < 2; i++) {
        ask("kill");
        CHECK(zooid_get(c, "/secret", 200, NULL) == ZOOID_CONNECTION_LOST);
        ask("start");
        CHECK(zooid_get(c, "/secret", SOON, NULL) == ZOOID_OK);
        CHECK(zooid_set(c, "/secret", "y", 1, ZOOID_ANY_VERSION, SOON, NULL) == ZOOID_OK);
        CHECK(zooid_get(nobody, "/secret", SOON, NULL) == ZOOID_NO_AUTH);
    }
    zooid_close(nobody);
    zooid_close(c);
}

static void make_hers(zooid_client *c, const char *path)
{
    zooid_request *q = zooid_request_create(path, "x", 1, ZOOID_PERSISTENT);
    CHECK(zooid_request_add_acl(q, ZOOID_PERM_ALL, "digest", ANN) == ZOOID_OK);
    CHECK(zooid_perform(c, q, SOON, NULL) == ZOOID_OK);
}

static void a_second_client_is_logged_in_as_the_first(void)
{
    zooid_client *c = open_client(), *second = open_client();
    CHECK(log_in(c, "bob:other") == ZOOID_OK && log_in(c, "ann:secret") == ZOOID_OK);
    make_hers(c, "/hers");
    CHECK(zooid_get(second, "/hers", SOON, NULL) == ZOOID_NO_AUTH);
    CHECK(zooid_repeat_logins(second, c, SOON, NULL) == ZOOID_OK);
    CHECK(zooid_get(second, "/hers", SOON, NULL) == ZOOID_OK);
    zooid_close(c);
    ask("kill");
    CHECK(zooid_get(second, "/hers", 200, NULL) == ZOOID_CONNECTION_LOST);
    ask("start");
    CHECK(zooid_get(second, "/hers", SOON, NULL) == ZOOID_OK);
    CHECK(zooid_repeat_logins(second, second, SOON, NULL) == ZOOID_OK);
    zooid_close(second);
}

static void no_more_logins_are_kept_than_was_asked_for(void)
{
    struct zooid_options options = ZOOID_OPTIONS_INIT;
    zooid_client *c = NULL;
    options.socket = socket_path;
    options.connect_ms = SOON;
    options.logins_max = 1;
    CHECK(zooid_open(&c, &options, NULL) == ZOOID_OK);
    CHECK(log_in(c, "bob:other") == ZOOID_OK && log_in(c, "ann:secret") == ZOOID_OK);
    make_hers(c, "/one");
    CHECK(zooid_get(c, "/one", SOON, NULL) == ZOOID_OK);
    ask("kill");
    CHECK(zooid_get(c, "/one", 200, NULL) == ZOOID_CONNECTION_LOST);
    ask("start");
    CHECK(zooid_get(c, "/one", SOON, NULL) == ZOOID_NO_AUTH);
    zooid_close(c);
}

int main(int argc, char **argv)
{
    static const struct scenario scenarios[] = {
        {"logins outlive the agent", logins_outlive_the_agent},
        {"a second client is logged in as the first", a_second_client_is_logged_in_as_the_first},
        {"no more logins are kept than was asked for", no_more_logins_are_kept_than_was_asked_for},
    };
    return run_scenarios(scenarios, sizeof scenarios / sizeof scenarios[0], argc, argv);
}
