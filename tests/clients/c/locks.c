/* locks.c - locks and semaphores of libzooid on an agent, among themselves and with kazoo; see locks_test.py. */
#include "tests/clients/c/scenario.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static zooid_lock *new_lock(zooid_client *c, const char *path, const char *identifier)
{
    zooid_lock *lock = zooid_lock_new(c, path, ZOOID_LOCK_EXCLUSIVE, identifier);
    CHECK(lock != NULL);
    return lock;
}

/* "a b c": the identifiers of those that contend, in order. */
static const char *contenders(zooid_lock *lock)
{
    static char text[256];
    zooid_reply *r = NULL;
    size_t len = 0;
    CHECK(zooid_lock_contenders(lock, SOON, &r) == ZOOID_OK);
    text[0] = '\0';
    for (size_t i = 0; i < zooid_reply_node_count(r); i++) {
        const struct zooid_node *node = zooid_reply_node(r, i);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%.*s", i == 0 ? "" : " ", (int)node->data_len,
                                (const char *)node->data);
    }
    zooid_reply_free(r);
    return text;
}

/* Asks again and again; what is asked is no wait but a round trip each time. */
static void wait_for_contenders(zooid_lock *lock, const char *expected)
{
    for (uint64_t end = boot_ms() + SOON; strcmp(contenders(lock), expected) != 0;) {
        if (boot_ms() > end)
            printf("contenders: %s, not %s\n", contenders(lock), expected);
        CHECK(boot_ms() <= end);
    }
}

static uint64_t acquired(zooid_lock *lock)
{
    zooid_reply *r = NULL;
    int code = zooid_lock_acquire(lock, SOON, &r);
    if (code != ZOOID_OK)
        printf("%s\n", zooid_reply_message(r));
    CHECK(code == ZOOID_OK && zooid_lock_is_held(lock));
    uint64_t token = zooid_reply_number(r);
    CHECK(token != 0 && token == zooid_lock_token(lock) && zooid_lock_good_until_ms(lock) > boot_ms());
    zooid_reply_free(r);
    return token;
}

static void released(zooid_lock *lock)
{
    CHECK(zooid_lock_release(lock, SOON, NULL) == ZOOID_OK && !zooid_lock_is_held(lock));
    CHECK(zooid_lock_token(lock) == 0 && zooid_lock_good_until_ms(lock) == 0);
}

/* -- among themselves -------------------------------------------------------------------------------------------------
 */

static void one_at_a_time_in_order(void)
{
    zooid_client *c = open_client(), *d = open_client();
    zooid_lock *first = new_lock(c, "/l/in/order", "first"), *second = new_lock(d, "/l/in/order", "second");
    zooid_lock *third = new_lock(c, "/l/in/order", "third");
    uint64_t token = acquired(first), next = 0;
    CHECK(zooid_lock_acquire(first, SOON, NULL) == ZOOID_BAD_ARGUMENTS && zooid_lock_is_held(first));
    CHECK(zooid_lock_try(second, SOON, NULL) == ZOOID_NOT_HELD && !zooid_lock_is_held(second));
    wait_for_contenders(first, "first");
    zooid_ticket ticket = zooid_lock_submit_acquire(second, SOON, NULL);
    wait_for_contenders(first, "first second");
    CHECK(zooid_lock_acquire(second, SOON, NULL) == ZOOID_BAD_ARGUMENTS);
    zooid_ticket last = zooid_lock_submit_acquire(third, SOON, NULL);
    wait_for_contenders(first, "first second third");
    released(first);
    CHECK(next_reply(d, ticket, &next) == ZOOID_OK && next > token && zooid_lock_is_held(second));
    CHECK(!zooid_lock_is_held(third));
    token = next;
    CHECK(zooid_lock_release(first, SOON, NULL) == ZOOID_NOT_HELD);
    zooid_close(d); /* the holder's session ends */
    CHECK(next_reply(c, last, &next) == ZOOID_OK && next > token);
    CHECK(next_reply(c, zooid_lock_submit_release(third, SOON, NULL), NULL) == ZOOID_OK);
    CHECK(acquired(first) > next);
    zooid_lock_free(first);
    wait_for_contenders(third, "");
    zooid_lock_free(third);
    zooid_close(c);
}

static void who_gives_up_leaves_nothing(void)
{
    zooid_client *c = open_client(), *d = open_client();
    zooid_lock *holder = new_lock(c, "/l/patience", "holder"), *other = new_lock(d, "/l/patience", "other");
    (void)acquired(holder);
    CHECK(zooid_lock_acquire(other, 30, NULL) == ZOOID_DEADLINE_EXCEEDED);
    wait_for_contenders(holder, "holder");
    zooid_ticket ticket = zooid_lock_submit_acquire(other, ZOOID_NO_DEADLINE, NULL);
    wait_for_contenders(holder, "holder other");
    zooid_cancel(d, ticket);
    CHECK(next_reply(d, ticket, NULL) == ZOOID_CANCELLED);
    wait_for_contenders(holder, "holder");
    ticket = zooid_lock_submit_acquire(other, ZOOID_NO_DEADLINE, NULL);
    zooid_lock_cancel(other);
    CHECK(next_reply(d, ticket, NULL) == ZOOID_CANCELLED);
    ticket = zooid_lock_submit_acquire(other, ZOOID_NO_DEADLINE, NULL);
    wait_for_contenders(holder, "holder other");
    zooid_lock_free(other);
    CHECK(next_reply(d, ticket, NULL) == ZOOID_CANCELLED);
    wait_for_contenders(holder, "holder");
    zooid_lock_free(holder);
    zooid_close(c);
    zooid_close(d);
}

static void what_cannot_be_is_said(void)
{
    zooid_client *c = open_client();
    CHECK(zooid_lock_new(c, "relative", ZOOID_LOCK_EXCLUSIVE, NULL) == NULL);
    CHECK(zooid_lock_new(c, "/", ZOOID_LOCK_EXCLUSIVE, NULL) == NULL && zooid_semaphore_new(c, "/s", 0, NULL) == NULL);
    CHECK(zooid_lock_new(c, "/l/", ZOOID_LOCK_EXCLUSIVE, NULL) == NULL);
    zooid_request *q = zooid_request_create("/l-closed", "", 0, ZOOID_PERSISTENT);
    CHECK(zooid_request_add_acl(q, ZOOID_PERM_READ, "world", "anyone") == ZOOID_OK);
    CHECK(zooid_perform(c, q, SOON, NULL) == ZOOID_OK);
    zooid_lock *lock = new_lock(c, "/l-closed/below", NULL);
    CHECK(zooid_lock_acquire(lock, SOON, NULL) == ZOOID_NO_AUTH && !zooid_lock_is_held(lock));
    CHECK(zooid_lock_release(lock, SOON, NULL) == ZOOID_NOT_HELD);
    zooid_lock_free(lock);
    zooid_lock_free(NULL);
    lock = new_lock(c, "/zookeeper/no/../path", NULL);
    CHECK(zooid_lock_acquire(lock, SOON, NULL) == ZOOID_BAD_ARGUMENTS);
    zooid_lock_free(lock);
    zooid_close(c);
}

static void readers_share_and_writers_do_not(void)
{
    zooid_client *c = open_client();
    zooid_lock *reader = zooid_lock_new(c, "/l/rw", ZOOID_LOCK_READ, "reader");
    zooid_lock *another = zooid_lock_new(c, "/l/rw", ZOOID_LOCK_READ, "another");
    zooid_lock *writer = zooid_lock_new(c, "/l/rw", ZOOID_LOCK_WRITE, "writer");
    (void)acquired(reader);
    zooid_ticket ticket = zooid_lock_submit_acquire(writer, SOON, NULL);
    wait_for_contenders(reader, "reader writer");
    CHECK(zooid_lock_try(another, SOON, NULL) == ZOOID_NOT_HELD); /* behind the writer, who is not starved */
    CHECK(!zooid_lock_is_held(writer));
    released(reader);
    CHECK(next_reply(c, ticket, NULL) == ZOOID_OK && zooid_lock_is_held(writer));
    released(writer);
    (void)acquired(reader);
    (void)acquired(another);
    CHECK(zooid_lock_try(writer, SOON, NULL) == ZOOID_NOT_HELD);
    zooid_lock_free(reader);
    zooid_lock_free(another);
    (void)acquired(writer);
    zooid_lock_free(writer);
    zooid_close(c);
}

static void a_semaphore_has_so_many_leases(void)
{
    zooid_client *c = open_client(), *d = open_client();
    zooid_lock *one = zooid_semaphore_new(c, "/s/two", 2, "one"), *two = zooid_semaphore_new(c, "/s/two", 2, "two");
    zooid_lock *three = zooid_semaphore_new(d, "/s/two", 2, "three"),
               *wrong = zooid_semaphore_new(d, "/s/two", 3, NULL);
    uint64_t token = acquired(one), next = acquired(two);
    CHECK(next > token);
    wait_for_contenders(one, "one two");
    CHECK(zooid_lock_try(three, SOON, NULL) == ZOOID_NOT_HELD);
    zooid_reply *r = NULL;
    CHECK(zooid_lock_acquire(wrong, SOON, &r) == ZOOID_BAD_ARGUMENTS && strstr(zooid_reply_message(r), "2") != NULL);
    zooid_reply_free(r);
    CHECK(zooid_lock_acquire(three, 30, NULL) == ZOOID_DEADLINE_EXCEEDED);
    zooid_ticket ticket = zooid_lock_submit_acquire(three, SOON, NULL);
    released(one);
    CHECK(next_reply(d, ticket, &token) == ZOOID_OK && token > next);
    wait_for_contenders(one, "two three");
    CHECK(zooid_lock_release(one, SOON, NULL) == ZOOID_NOT_HELD);
    zooid_lock_free(two);
    (void)acquired(one);
    released(three);
    zooid_lock_free(three);
    zooid_lock_free(one);
    zooid_lock_free(wrong);
    wait_for_contenders(new_lock(c, "/s/two", NULL), ""); /* freed with the client */
    zooid_close(c);
    zooid_close(d);
}

/* Locks in threads of one client: what they guard is never in two hands. */
enum { THREADS = 6, ROUNDS = 40 };
static int in_hands;

static void *take_turns(void *context)
{
    zooid_client *c = context;
    zooid_lock *lock = new_lock(c, "/l/turns", NULL);
    for (int i = 0; i < ROUNDS; i++) {
        (void)acquired(lock);
        CHECK(__atomic_fetch_add(&in_hands, 1, __ATOMIC_SEQ_CST) == 0);
        CHECK(__atomic_fetch_sub(&in_hands, 1, __ATOMIC_SEQ_CST) == 1);
        released(lock);
    }
    zooid_lock_free(lock);
    return NULL;
}

static void threads_take_turns(void)
{
    zooid_client *c = open_client();
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, take_turns, c) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    zooid_close(c);
}

static void a_child_has_no_locks(void)
{
    zooid_client *c = open_client();
    zooid_lock *lock = new_lock(c, "/l/forked", "parent");
    (void)acquired(lock);
    pid_t child = fork();
    if (child == 0) {
        bool good = !zooid_lock_is_held(lock) && zooid_lock_token(lock) == 0 &&
                    zooid_lock_release(lock, SOON, NULL) == ZOOID_CONNECTION_LOST &&
                    zooid_lock_submit_acquire(lock, SOON, NULL) == 0 &&
                    zooid_lock_new(c, "/l/child", ZOOID_LOCK_EXCLUSIVE, NULL) == NULL;
        zooid_lock_cancel(lock);
        zooid_lock_free(lock);
        zooid_close(c);
        _exit(good ? 0 : 1);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(zooid_lock_is_held(lock));
    wait_for_contenders(lock, "parent");
    zooid_lock_free(lock);
    zooid_close(c);
}

/* -- lost -------------------------------------------------------------------------------------------------------------
 */

static void a_deleted_node_is_a_lost_lock(void)
{
    zooid_client *c = open_client();
    zooid_lock *lock = new_lock(c, "/l/deleted", "holder");
    zooid_reply *r = NULL;
    char path[128];
    (void)acquired(lock);
    CHECK(zooid_lock_contenders(lock, SOON, &r) == ZOOID_OK && zooid_reply_node_count(r) == 1);
    snprintf(path, sizeof path, "/l/deleted/%s", zooid_reply_node(r, 0)->path);
    zooid_reply_free(r);
    CHECK(zooid_delete(c, path, ZOOID_ANY_VERSION, SOON, NULL) == ZOOID_OK);
    expect_loss(c, zooid_lock_number(lock), "deleted");
    CHECK(zooid_lock_release(lock, SOON, NULL) == ZOOID_NOT_HELD);
    (void)acquired(lock);
    CHECK(zooid_perform(c, zooid_request_close_session(), SOON, NULL) == ZOOID_OK);
    expect_loss(c, zooid_lock_number(lock), NULL);
    (void)acquired(lock); /* in another session */
    zooid_lock_free(lock);
    zooid_close(c);
}

static void a_lock_outlives_the_agent(void)
{
    zooid_client *c = open_client(), *d = open_client();
    zooid_lock *holder = new_lock(c, "/l/kept", "holder"), *other = new_lock(d, "/l/kept", "other");
    uint64_t token = acquired(holder), next = 0;
    zooid_ticket ticket = zooid_lock_submit_acquire(other, ZOOID_NO_DEADLINE, NULL);
    wait_for_contenders(holder, "holder other");
    ask("kill");
    CHECK(zooid_lock_is_held(holder) && zooid_lock_good_until_ms(holder) > boot_ms());
    CHECK(zooid_lock_release(other, 10, NULL) == ZOOID_BAD_ARGUMENTS);
    ask("start");
    wait_for_contenders(holder, "holder other");
    CHECK(zooid_lock_is_held(holder) && zooid_lock_token(holder) == token && !zooid_lock_is_held(other));
    released(holder);
    CHECK(next_reply(d, ticket, &next) == ZOOID_OK && next > token);
    CHECK(zooid_next_event(d, 0) == NULL || !zooid_lock_is_held(holder));
    zooid_lock_free(holder);
    zooid_lock_free(other);
    zooid_close(c);
    zooid_close(d);
}

static void without_the_agent_it_is_lost_in_time(void)
{
    struct zooid_options options = ZOOID_OPTIONS_INIT;
    zooid_client *c = NULL;
    options.socket = socket_path;
    options.session_timeout_ms = 800;
    CHECK(zooid_open(&c, &options, NULL) == ZOOID_OK);
    zooid_lock *lock = new_lock(c, "/l/in/time", "holder");
    (void)acquired(lock);
    ask("kill");
    uint64_t good_until = zooid_lock_good_until_ms(lock);
    expect_loss(c, zooid_lock_number(lock), "in time");
    CHECK(boot_ms() >= good_until);
    CHECK(zooid_lock_release(lock, 10, NULL) != ZOOID_OK);
    ask("start");
    (void)acquired(lock);
    wait_for_contenders(lock, "holder");
    zooid_lock_free(lock);
    zooid_close(c);
}

/* The agent is killed when it has made the node, before the client hears of it. */
static void a_lost_reply_leaves_no_orphan(void)
{
    zooid_client *c = open_client();
    zooid_lock *lock = new_lock(c, "/l/orphan", "holder");
    (void)acquired(lock);
    released(lock);
    ask("lose the next reply");
    (void)acquired(lock);
    wait_for_contenders(lock, "holder");
    released(lock);
    wait_for_contenders(lock, "");
    ask("the reply was lost");
    zooid_lock_free(lock);
    zooid_close(c);
}

/* -- with kazoo -------------------------------------------------------------------------------------------------------
 */

static void kazoo_contends_for_the_same_lock(void)
{
    zooid_client *c = open_client();
    zooid_lock *lock = new_lock(c, "/k/lock", "zooid");
    (void)acquired(lock);
    ask("kazoo begins to acquire /k/lock");
    wait_for_contenders(lock, "zooid kazoo");
    ask("kazoo sees zooid, kazoo and does not hold it");
    released(lock);
    ask("kazoo gets it");
    zooid_ticket ticket = zooid_lock_submit_acquire(lock, SOON, NULL);
    wait_for_contenders(lock, "kazoo zooid");
    CHECK(!zooid_lock_is_held(lock));
    ask("kazoo releases it");
    CHECK(next_reply(c, ticket, NULL) == ZOOID_OK && zooid_lock_is_held(lock));
    ask("kazoo runs for the election of /k/lock");
    wait_for_contenders(lock, "zooid candidate");
    released(lock);
    ask("kazoo leads");
    zooid_lock_free(lock);
    zooid_close(c);
}

static void kazoo_reads_and_writes_too(void)
{
    zooid_client *c = open_client();
    zooid_lock *reader = zooid_lock_new(c, "/k/rw", ZOOID_LOCK_READ, NULL);
    zooid_lock *writer = zooid_lock_new(c, "/k/rw", ZOOID_LOCK_WRITE, NULL);
    (void)acquired(reader);
    ask("kazoo reads /k/rw");
    CHECK(zooid_lock_try(writer, SOON, NULL) == ZOOID_NOT_HELD);
    released(reader);
    ask("kazoo has read");
    (void)acquired(writer);
    ask("kazoo can neither read nor write");
    zooid_lock_free(reader);
    zooid_lock_free(writer);
    zooid_close(c);
}

static void kazoo_takes_leases_too(void)
{
    zooid_client *c = open_client();
    zooid_lock *one = zooid_semaphore_new(c, "/k/semaphore", 2, "zooid");
    zooid_lock *two = zooid_semaphore_new(c, "/k/semaphore", 2, "zooid too");
    (void)acquired(one);
    ask("kazoo takes a lease of /k/semaphore");
    CHECK(zooid_lock_try(two, SOON, NULL) == ZOOID_NOT_HELD);
    zooid_ticket ticket = zooid_lock_submit_acquire(two, SOON, NULL);
    ask("kazoo returns its lease");
    CHECK(next_reply(c, ticket, NULL) == ZOOID_OK);
    ask("kazoo gets no lease");
    released(one);
    ask("kazoo gets a lease");
    zooid_lock_free(one);
    zooid_lock_free(two);
    zooid_close(c);
}

int main(int argc, char **argv)
{
    static const struct scenario scenarios[] = {
        {"one at a time, in order", one_at_a_time_in_order},
        {"who gives up leaves nothing", who_gives_up_leaves_nothing},
        {"what cannot be is said", what_cannot_be_is_said},
        {"readers share and writers do not", readers_share_and_writers_do_not},
        {"a semaphore has so many leases", a_semaphore_has_so_many_leases},
        {"threads take turns", threads_take_turns},
        {"a child has no locks", a_child_has_no_locks},
        {"a deleted node is a lost lock", a_deleted_node_is_a_lost_lock},
        {"kazoo contends for the same lock", kazoo_contends_for_the_same_lock},
        {"kazoo reads and writes too", kazoo_reads_and_writes_too},
        {"kazoo takes leases too", kazoo_takes_leases_too},
        {"a lock outlives the agent", a_lock_outlives_the_agent},
        {"without the agent it is lost in time", without_the_agent_it_is_lost_in_time},
        {"a lost reply leaves no orphan", a_lost_reply_leaves_no_orphan},
    };
    return run_scenarios(scenarios, sizeof scenarios / sizeof scenarios[0], argc, argv);
}
