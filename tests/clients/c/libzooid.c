/* libzooid.c - libzooid as a program uses it, against a running agent. libzooid_test.py starts the agent, kills and
 * restarts it, stops and continues it where this program asks for it: a line "kill", "start", "stop" or "continue" on
 * standard output, answered by a line on standard input.
 *
 *     libzooid SOCKET */
#include "tests/clients/c/scenario.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

/* -- one thing after the other
 * ------------------------------------------------------------------------------------------ */

static void nodes_are_made_read_and_deleted(void)
{
    zooid_client *c = open_client();
    zooid_reply *r = NULL;
    CHECK(zooid_create(c, "/a", "one", 3, ZOOID_PERSISTENT, SOON, &r) == ZOOID_OK);
    CHECK(strcmp(zooid_reply_path(r), "/a") == 0 && zooid_reply_stat(r)->data_length == 3);
    zooid_reply_free(r);
    CHECK(zooid_get(c, "/a", SOON, &r) == ZOOID_OK);
    CHECK(zooid_reply_data_len(r) == 3 && memcmp(zooid_reply_data(r), "one", 3) == 0);
    CHECK(zooid_reply_role(r) == ZOOID_ROLE_ALONE && zooid_reply_zxid(r) > 0 && zooid_reply_age_ms(r) == 0);
    zooid_reply_free(r);
    CHECK(zooid_set(c, "/a", NULL, 0, 7, SOON, &r) == ZOOID_BAD_VERSION);
    CHECK(strcmp(zooid_reply_path(r), "/a") == 0 && !zooid_reply_retry(r) && zooid_reply_message(r)[0] != '\0');
    zooid_reply_free(r);
    CHECK(zooid_set(c, "/a", NULL, 0, 0, SOON, NULL) == ZOOID_OK);
    CHECK(zooid_get(c, "/a", SOON, &r) == ZOOID_OK && zooid_reply_data(r) == NULL);
    zooid_reply_free(r);
    CHECK(zooid_delete(c, "/a", ZOOID_ANY_VERSION, SOON, NULL) == ZOOID_OK);
    CHECK(zooid_exists(c, "/a", SOON, NULL) == ZOOID_NO_NODE);
    CHECK(zooid_get(c, NULL, SOON, NULL) == ZOOID_BAD_ARGUMENTS);
    zooid_close(c);
}

static void whole_paths_and_subtrees(void)
{
    zooid_client *c = open_client();
    zooid_reply *r = NULL;
    CHECK(zooid_ensure_path(c, "/p/q/r/s", SOON, NULL) == ZOOID_OK);
    CHECK(zooid_ensure_path(c, "/p/q/r/s", SOON, NULL) == ZOOID_OK);
    zooid_request *q = zooid_request_read_many();
    CHECK(zooid_request_add_path(q, "/p/q") == ZOOID_OK && zooid_request_add_path(q, "/none") == ZOOID_OK);
    CHECK(zooid_request_set_with_children(q) == ZOOID_OK && zooid_request_set_watch(q) == ZOOID_BAD_ARGUMENTS);
    CHECK(zooid_perform(c, q, SOON, &r) == ZOOID_OK && zooid_reply_node_count(r) == 2);
    CHECK(zooid_reply_node(r, 0)->child_count == 1 && strcmp(zooid_reply_node(r, 0)->children[0], "r") == 0);
    CHECK(zooid_reply_node(r, 1)->code == ZOOID_NO_NODE && zooid_reply_node(r, 2) == NULL);
    zooid_reply_free(r);
    CHECK(zooid_perform(c, zooid_request_count_descendants("/p"), SOON, &r) == ZOOID_OK && zooid_reply_number(r) == 3);
    zooid_reply_free(r);
    CHECK(zooid_delete(c, "/p", ZOOID_ANY_VERSION, SOON, NULL) == ZOOID_NOT_EMPTY);
    CHECK(zooid_delete_recursive(c, "/p", SOON, NULL) == ZOOID_OK);
    CHECK(zooid_delete_recursive(c, "/p", SOON, NULL) == ZOOID_OK);
    CHECK(zooid_exists(c, "/p", SOON, NULL) == ZOOID_NO_NODE);
    zooid_close(c);
}

static void a_multi_takes_its_parts_over(void)
{
    zooid_client *c = open_client();
    zooid_reply *r = NULL;
    zooid_request *m = zooid_request_multi(), *create = zooid_request_create("/m-", "x", 1, ZOOID_PERSISTENT);
    CHECK(zooid_request_set_sequential(create) == ZOOID_OK);
    CHECK(zooid_request_add_acl(create, ZOOID_PERM_ALL, "world", "anyone") == ZOOID_OK);
    CHECK(zooid_request_add(m, create) == ZOOID_OK);
    CHECK(zooid_request_add(m, zooid_request_check("/", ZOOID_ANY_VERSION)) == ZOOID_OK);
    CHECK(zooid_request_add(m, zooid_request_set("/", "root", 4, ZOOID_ANY_VERSION)) == ZOOID_OK);
    CHECK(zooid_request_add(m, zooid_request_get("/")) == ZOOID_BAD_ARGUMENTS);
    CHECK(zooid_perform(c, m, SOON, &r) == ZOOID_OK && zooid_reply_node_count(r) == 3);
    CHECK(strncmp(zooid_reply_node(r, 0)->path, "/m-0", 4) == 0 && zooid_reply_node(r, 2)->stat != NULL);
    CHECK(zooid_delete(c, zooid_reply_node(r, 0)->path, 0, SOON, NULL) == ZOOID_OK);
    zooid_reply_free(r);
    m = zooid_request_multi();
    CHECK(zooid_request_add(m, zooid_request_delete("/nobody", 0)) == ZOOID_OK);
    CHECK(zooid_perform(c, m, SOON, &r) == ZOOID_NO_NODE && zooid_reply_node(r, 0)->code == ZOOID_NO_NODE);
    zooid_reply_free(r);
    zooid_close(c);
}

/* More than one page of the agent's: all of them come, in order. */
static void a_list_is_whole(void)
{
    enum { CHILDREN = 12000 };
    zooid_client *c = open_client();
    zooid_reply *r = NULL;
    char path[32];
    CHECK(zooid_create(c, "/many", NULL, 0, ZOOID_PERSISTENT, SOON, NULL) == ZOOID_OK);
    for (int i = 0; i < CHILDREN; i++) {
        snprintf(path, sizeof path, "/many/%05d", i);
        CHECK(zooid_submit(c, zooid_request_create(path, NULL, 0, ZOOID_PERSISTENT), SOON, NULL) != 0);
        if (i % 500 == 499)
            for (int done = 0; done < 500; done++)
                zooid_event_free(zooid_next_event(c, SOON));
    }
    CHECK(zooid_list(c, "/many", SOON, &r) == ZOOID_OK);
    CHECK(zooid_reply_name_count(r) == CHILDREN && zooid_reply_complete(r));
    CHECK(strcmp(zooid_reply_name(r, 0), "00000") == 0 && strcmp(zooid_reply_name(r, CHILDREN - 1), "11999") == 0);
    zooid_reply_free(r);
    zooid_request *page = zooid_request_list("/many");
    CHECK(zooid_request_set_page(page, "11997", 1) == ZOOID_OK);
    CHECK(zooid_perform(c, page, SOON, &r) == ZOOID_OK && zooid_reply_name_count(r) == 1 && !zooid_reply_complete(r));
    zooid_reply_free(r);
    CHECK(zooid_delete_recursive(c, "/many", ZOOID_NO_DEADLINE, NULL) == ZOOID_OK); /* 12,000 writes, on any disk */
    zooid_close(c);
}

/* -- events
 * --------------------------------------------------------------------------------------------------------------- */

static void submitted_requests_become_events(void)
{
    zooid_client *c = open_client();
    int tag;
    struct pollfd descriptor = {.fd = zooid_descriptor(c), .events = POLLIN};
    zooid_ticket ticket = zooid_submit(c, zooid_request_get("/"), SOON, &tag);
    CHECK(ticket != 0 && poll(&descriptor, 1, SOON) == 1);
    zooid_event *event = expect(c, ZOOID_EVENT_REPLY);
    CHECK(zooid_event_ticket(event) == ticket && zooid_event_tag(event) == &tag);
    zooid_reply *r = zooid_event_take_reply(event);
    CHECK(zooid_reply_code(r) == ZOOID_OK && zooid_event_take_reply(event) == NULL);
    zooid_reply_free(r);
    zooid_event_free(event);
    CHECK(zooid_next_event(c, 0) == NULL && poll(&descriptor, 1, 0) == 0);
    ticket = zooid_submit(c, zooid_request_wait((int64_t)1 << 40), 60000, NULL);
    zooid_cancel(c, ticket);
    zooid_cancel(c, 4711);
    zooid_close(c);
}

/* -- backups ------------------------------------------------------------------------------------------------------- */

/* Of a tree that is larger than the window. */
static void a_backup_comes_in_events_or_at_a_descriptor(void)
{
    static char data[100000];
    zooid_client *c = open_client();
    zooid_reply *r = NULL;
    char path[32];
    for (int i = 0; i < 20; i++) {
        (void)snprintf(path, sizeof path, "/backup-%d", i);
        CHECK(zooid_create(c, path, data, sizeof data, ZOOID_PERSISTENT, SOON, NULL) == ZOOID_OK);
    }
    CHECK(zooid_perform(c, zooid_request_backup(), SOON, NULL) == ZOOID_BAD_ARGUMENTS);
    FILE *file = tmpfile();
    CHECK(file != NULL && zooid_backup(c, fileno(file), SOON, &r) == ZOOID_OK);
    CHECK(zooid_reply_zxid(r) == zooid_last_zxid(c) && zooid_reply_number(r) > 20);
    CHECK(fseek(file, 0, SEEK_END) == 0);
    size_t size = (size_t)ftell(file), told = 0;
    CHECK(size > 20 * sizeof data);
    int tag, wrong = open("/dev/null", O_RDONLY);
    zooid_event *event = expect(c, ZOOID_EVENT_SESSION); /* of the first write */
    zooid_event_free(event);
    zooid_ticket ticket = zooid_submit(c, zooid_request_backup(), ZOOID_NO_DEADLINE, &tag);
    for (; (event = zooid_next_event(c, SOON)) != NULL && zooid_event_kind(event) == ZOOID_EVENT_CHUNK;) {
        CHECK(zooid_event_ticket(event) == ticket && zooid_event_tag(event) == &tag);
        CHECK((told == 0) == (zooid_event_zxid(event) != 0));
        told += zooid_event_data_len(event);
        zooid_event_free(event);
    }
    CHECK(event != NULL && zooid_event_kind(event) == ZOOID_EVENT_REPLY && told == size);
    zooid_event_free(event);
    zooid_reply_free(r);
    CHECK(zooid_backup(c, wrong, SOON, &r) == ZOOID_SYSTEM_ERROR && strstr(zooid_reply_message(r), "written") != NULL);
    zooid_reply_free(r);
    CHECK(zooid_submit(c, zooid_request_backup(), SOON, NULL) != 0); /* and nobody takes it */
    (void)close(wrong);
    (void)fclose(file);
    zooid_close(c);
}

static void deadlines_are_kept(void)
{
    zooid_client *c = open_client();
    zooid_reply *r = NULL;
    CHECK(zooid_perform(c, zooid_request_wait((int64_t)1 << 40), 50, &r) == ZOOID_STALE && zooid_reply_retry(r));
    zooid_reply_free(r);
    CHECK(zooid_get(c, "/", SOON, NULL) == ZOOID_OK);
    zooid_close(c);
}

static void watches_fire_once(void)
{
    zooid_client *c = open_client(), *other = open_client();
    zooid_request *q = zooid_request_exists("/w");
    CHECK(zooid_request_set_watch(q) == ZOOID_OK && zooid_perform(c, q, SOON, NULL) == ZOOID_NO_NODE);
    CHECK(zooid_create(other, "/w", NULL, 0, ZOOID_EPHEMERAL, SOON, NULL) == ZOOID_OK);
    zooid_event *event = expect(c, ZOOID_EVENT_WATCH);
    CHECK(zooid_event_change(event) == ZOOID_CREATED && strcmp(zooid_event_path(event), "/w") == 0);
    CHECK(zooid_event_zxid(event) > 0);
    zooid_event_free(event);
    CHECK(zooid_perform(c, zooid_request_add_watch("/w", ZOOID_WATCH_RECURSIVE), SOON, NULL) == ZOOID_OK);
    zooid_close(other); /* its session ends, and its ephemeral with it */
    event = expect(c, ZOOID_EVENT_WATCH);
    CHECK(zooid_event_change(event) == ZOOID_DELETED);
    zooid_event_free(event);
    CHECK(zooid_perform(c, zooid_request_remove_watch("/w"), SOON, NULL) == ZOOID_OK);
    zooid_close(c);
}

/* -- many at a time
 * --------------------------------------------------------------------------------------------------------- */

enum { THREADS = 8, ROUNDS = 300 };

static void *work(void *context)
{
    zooid_client *c = context;
    for (int i = 0; i < ROUNDS; i++) {
        zooid_reply *r = NULL;
        CHECK(zooid_get(c, "/", SOON, &r) == ZOOID_OK && zooid_reply_stat(r) != NULL);
        zooid_reply_free(r);
    }
    return NULL;
}

static void threads_share_a_client(void)
{
    zooid_client *c = open_client();
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, work, c) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    zooid_close(c);
}

static void *wait_for_a_reply(void *client)
{
    zooid_reply *r = NULL;
    CHECK(zooid_get(client, "/", ZOOID_NO_DEADLINE, &r) == ZOOID_CLOSED);
    zooid_reply_free(r);
    return NULL;
}

static void *wait_for_an_event(void *client)
{
    CHECK(zooid_next_event(client, ZOOID_NO_DEADLINE) == NULL);
    return NULL;
}

static void who_waits_is_sent_home(void)
{
    zooid_client *c = open_client();
    pthread_t threads[2];
    zooid_reply *r = NULL;
    ask("stop");
    CHECK(pthread_create(&threads[0], NULL, wait_for_a_reply, c) == 0);
    CHECK(pthread_create(&threads[1], NULL, wait_for_an_event, c) == 0);
    zooid_shutdown(c);
    zooid_shutdown(c);
    CHECK(zooid_get(c, "/", SOON, &r) == ZOOID_CLOSED && zooid_submit(c, zooid_request_get("/"), SOON, NULL) == 0);
    zooid_reply_free(r);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    ask("continue");
    zooid_close(c);
}

static _Noreturn void use_it_in_a_child(zooid_client *c, zooid_ephemeral *e)
{
    uint8_t token[64];
    alarm(SOON / 1000);
    bool lost = zooid_get(c, "/", SOON, NULL) == ZOOID_CONNECTION_LOST &&
                zooid_ensure_path(c, "/", SOON, NULL) == ZOOID_CONNECTION_LOST &&
                zooid_submit_ensure_path(c, "/", SOON, NULL) == 0 &&
                zooid_ephemeral_set(e, NULL, 0) == ZOOID_CONNECTION_LOST;
    bool knows_nothing = zooid_session_state(c) == ZOOID_SESSION_NONE && zooid_session_id(c) == 0 &&
                         zooid_session_token(c, token, sizeof token) == 0 && zooid_session_good_until_ms(c) == 0 &&
                         zooid_client_port(c) == 0 && zooid_last_zxid(c) == 0;
    zooid_set_event_limit(c, 1);
    zooid_close(c);
    _exit(lost && knows_nothing ? 0 : 1);
}

static void *ask_until_closed(void *client)
{
    while (zooid_get(client, "/", SOON, NULL) != ZOOID_CLOSED)
        continue;
    return NULL;
}

/* It may be born while another thread has the lock, which nobody there gives back. */
static void a_child_cannot_use_it(void)
{
    zooid_client *c = open_client();
    zooid_ephemeral *e = zooid_ephemeral_new(c, "/forked", NULL, 0);
    pthread_t thread;
    CHECK(zooid_ephemeral_wait(e, SOON, NULL) == ZOOID_OK);
    CHECK(pthread_create(&thread, NULL, ask_until_closed, c) == 0);
    for (int i = 0; i < 50; i++) {
        int status = 0;
        pid_t child = fork();
        if (child == 0)
            use_it_in_a_child(c, e);
        CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    CHECK(zooid_exists(c, "/forked", SOON, NULL) == ZOOID_OK);
    zooid_ephemeral_free(e);
    zooid_shutdown(c);
    CHECK(pthread_join(thread, NULL) == 0);
    zooid_close(c);
}

/* -- the agent goes and comes
 * ------------------------------------------------------------------------------------------------ */

static void session_and_watches_outlive_the_agent(void)
{
    zooid_client *c = open_client();
    CHECK(zooid_create(c, "/kept", NULL, 0, ZOOID_EPHEMERAL, SOON, NULL) == ZOOID_OK);
    zooid_request *q = zooid_request_get("/kept");
    CHECK(zooid_request_set_watch(q) == ZOOID_OK && zooid_perform(c, q, SOON, NULL) == ZOOID_OK);
    int64_t session = zooid_session_id(c);
    CHECK(session != 0 && zooid_session_state(c) == ZOOID_SESSION_GOOD);
    ask("kill");
    CHECK(zooid_get(c, "/", 200, NULL) == ZOOID_CONNECTION_LOST);
    CHECK(zooid_session_state(c) == ZOOID_SESSION_SUSPENDED);
    ask("start");
    CHECK(zooid_get(c, "/kept", SOON, NULL) == ZOOID_OK);
    CHECK(zooid_session_id(c) == session && zooid_session_state(c) == ZOOID_SESSION_GOOD);
    zooid_client *other = open_client();
    CHECK(zooid_set(other, "/kept", "new", 3, 0, SOON, NULL) == ZOOID_OK);
    zooid_close(other);
    zooid_event *event = expect(c, ZOOID_EVENT_WATCH);
    CHECK(zooid_event_change(event) == ZOOID_CHANGED);
    zooid_event_free(event);
    zooid_close(c);
}

/* More than the socket holds: to submit is not to wait. */
static void submitting_never_waits(void)
{
    enum { WRITES = 40, SIZE = 100000 };
    static char data[SIZE];
    zooid_client *c = open_client();
    CHECK(zooid_create(c, "/large", NULL, 0, ZOOID_EPHEMERAL, SOON, NULL) == ZOOID_OK);
    ask("stop");
    for (int i = 0; i < WRITES; i++)
        CHECK(zooid_submit(c, zooid_request_set("/large", data, SIZE, i), SOON, NULL) != 0);
    ask("continue");
    for (int i = 0; i < WRITES; i++) {
        zooid_event *event = expect(c, ZOOID_EVENT_REPLY);
        zooid_reply *r = zooid_event_take_reply(event);
        CHECK(zooid_reply_code(r) == ZOOID_OK && zooid_reply_stat(r)->version == i + 1);
        zooid_reply_free(r);
        zooid_event_free(event);
    }
    zooid_close(c);
}

static void without_an_agent_it_says_so(void)
{
    struct zooid_options options = ZOOID_OPTIONS_INIT;
    zooid_client *c = NULL;
    zooid_reply *why = NULL;
    options.socket = "/nowhere/zooid.sock";
    options.connect_ms = 50;
    CHECK(zooid_open(&c, &options, &why) == ZOOID_CONNECTION_LOST && c == NULL);
    CHECK(zooid_reply_retry(why) && strlen(zooid_reply_message(why)) > 0);
    zooid_reply_free(why);
    options.connect_ms = 0;
    CHECK(zooid_open(&c, &options, NULL) == ZOOID_OK);
    CHECK(zooid_get(c, "/", 50, NULL) == ZOOID_CONNECTION_LOST);
    zooid_close(c);
    zooid_close(NULL);
}

static uint64_t own_cpu_ms(void)
{
    struct timespec used;
    CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used) == 0);
    return (uint64_t)used.tv_sec * 1000 + (uint64_t)used.tv_nsec / 1000000;
}

/* Of the waits in which nothing comes only the first few begin awake. */
static void who_waits_in_vain_sleeps(void)
{
    enum { WAITS = 40, AWAKE_MS = 10 };
    struct zooid_options options = ZOOID_OPTIONS_INIT;
    zooid_client *c = NULL;
    options.socket = socket_path;
    options.awake_us = AWAKE_MS * 1000;
    CHECK(zooid_open(&c, &options, NULL) == ZOOID_OK);
    uint64_t before = own_cpu_ms();
    for (int i = 0; i < WAITS; i++)
        CHECK(zooid_next_event(c, 2 * AWAKE_MS) == NULL);
    CHECK(own_cpu_ms() - before < WAITS * AWAKE_MS / 2);
    zooid_close(c);
}

int main(int argc, char **argv)
{
    static const struct scenario scenarios[] = {
        {"nodes are made, read and deleted", nodes_are_made_read_and_deleted},
        {"whole paths and subtrees", whole_paths_and_subtrees},
        {"a multi takes its parts over", a_multi_takes_its_parts_over},
        {"a list is whole", a_list_is_whole},
        {"submitted requests become events", submitted_requests_become_events},
        {"a backup comes in events or at a descriptor", a_backup_comes_in_events_or_at_a_descriptor},
        {"deadlines are kept", deadlines_are_kept},
        {"who waits in vain sleeps", who_waits_in_vain_sleeps},
        {"watches fire once", watches_fire_once},
        {"threads share a client", threads_share_a_client},
        {"who waits is sent home", who_waits_is_sent_home},
        {"a child cannot use it", a_child_cannot_use_it},
        {"submitting never waits", submitting_never_waits},
        {"session and watches outlive the agent", session_and_watches_outlive_the_agent},
        {"without an agent it says so", without_an_agent_it_says_so},
    };
    CHECK(strcmp(zooid_code_name(ZOOID_NO_NODE), "NO_NODE") == 0 && strcmp(zooid_version(), ZOOID_VERSION) == 0);
    return run_scenarios(scenarios, sizeof scenarios / sizeof scenarios[0], argc, argv);
}
