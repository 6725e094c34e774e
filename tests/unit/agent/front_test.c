/* front_test.c - connections over real sockets: frames in any split, words, bad lengths, pauses, closing. */
#include "tests/unit/agent/front_fixture.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void frames_are_answered_in_order(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    struct net_client c;
    net_connect(&c, &f->loop, f->port);
    for (int i = 0; i < 1000; i++) {
        char text[32];
        int len = snprintf(text, sizeof text, "e%d", i);
        net_send_frame(&c, text, (size_t)len);
    }
    for (int i = 0; i < 1000; i++) {
        char text[32];
        int len = snprintf(text, sizeof text, "e%d", i);
        assert_true(net_expect_frame(&c, text, (size_t)len));
    }
    assert_string_equal(fake.identities, "ip:127.0.0.1 ");
    assert_int_equal(fake.connected, 1);
    net_close(&c);
    wait_connections(f, 0);
    assert_int_equal(fake.disconnected, 1);
    fixture_free(f);
}

static bool frames_came(void *context)
{
    return fake.frames >= *(const uint32_t *)context;
}

static void a_stream_may_be_split_anywhere(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    static const uint8_t stream[] = "\0\0\0\4eabc\0\0\0\1e\0\0\0\6edefgh";
    size_t len = sizeof stream - 1;
    for (size_t cut = 1; cut < len; cut++) {
        struct net_client c;
        uint32_t whole = cut >= 23 ? 3 : cut >= 13 ? 2 : cut >= 8 ? 1 : 0;
        uint32_t frames = fake.frames + whole;
        net_connect(&c, &f->loop, f->port);
        net_send(&c, stream, cut);
        wait_connections(f, 1);
        assert_true(net_run_until(&f->loop, frames_came, &frames));
        net_send(&c, stream + cut, len - cut);
        assert_true(net_expect_frame(&c, "eabc", 4));
        assert_true(net_expect_frame(&c, "e", 1));
        assert_true(net_expect_frame(&c, "edefgh", 6));
        net_close(&c);
        wait_connections(f, 0);
    }
    fixture_free(f);
}

static void every_byte_may_come_alone(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    struct net_client c;
    static const uint8_t stream[] = "\0\0\0\4eabc\0\0\0\1e";
    net_connect(&c, &f->loop, f->port);
    for (size_t i = 0; i < sizeof stream - 1; i++) {
        net_send(&c, stream + i, 1);
        for (int turn = 0; turn < 3; turn++)
            uv_run(&f->loop, UV_RUN_NOWAIT);
    }
    assert_true(net_expect_frame(&c, "eabc", 4));
    assert_true(net_expect_frame(&c, "e", 1));
    net_close(&c);
    fixture_free(f);
}

static void the_longest_frame_is_taken_and_a_longer_one_closes(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    struct net_client c;
    size_t max = f->limits.frame_bytes_max;
    uint8_t *big = calloc(1, max + 1);
    assert_non_null(big);
    memset(big, 'x', max + 1);
    big[0] = 'e';
    net_connect(&c, &f->loop, f->port);
    net_send_frame(&c, big, max);
    assert_true(net_expect_frame(&c, big, max));
    net_send_frame(&c, big, max + 1);
    assert_true(net_wait_end(&c));
    assert_int_equal(c.received.len, 0);
    net_close(&c);
    free(big);
    fixture_free(f);
}

static void a_negative_length_closes_silently(void **state)
{
    (void)state;
    static const char *const bad[] = {"\xff\xff\xff\xff", "\x80\0\0\0", "GET ", "ruoK", "\x7f\xff\xff\xff"};
    struct fixture *f = fixture_new();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct net_client c;
        net_connect(&c, &f->loop, f->port);
        net_send(&c, bad[i], 4);
        assert_true(net_wait_end(&c));
        assert_int_equal(c.received.len, 0);
        net_close(&c);
    }
    assert_int_equal(fake.connected, 0);
    fixture_free(f);
}

static void a_word_is_a_length_behind_the_first_frame(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    struct net_client c;
    net_connect(&c, &f->loop, f->port);
    net_send_frame(&c, "e", 1);
    assert_true(net_expect_frame(&c, "e", 1));
    net_send(&c, "ruok", 4);
    assert_true(net_wait_end(&c));
    assert_int_equal(c.received.len, 0);
    assert_int_equal(f->answers, 0);
    net_close(&c);
    fixture_free(f);
}

static void expect_word(struct fixture *f, const char *sent, size_t first, const char *answer)
{
    struct net_client c;
    size_t len = strlen(sent);
    net_connect(&c, &f->loop, f->port);
    net_send(&c, sent, first);
    wait_connections(f, 1);
    for (int turn = 0; turn < 3; turn++)
        uv_run(&f->loop, UV_RUN_NOWAIT);
    net_send(&c, sent + first, len - first);
    assert_true(net_wait_end(&c));
    assert_false(c.reset);
    assert_int_equal(c.received.len, strlen(answer));
    assert_memory_equal(c.received.data, answer, strlen(answer));
    net_close(&c);
    wait_connections(f, 0);
}

static void words_are_answered_however_they_are_split(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    for (size_t first = 1; first <= 4; first++)
        expect_word(f, "ruok", first, "imok");
    expect_word(f, "ruok\n", 5, "imok");
    for (size_t first = 1; first <= 12; first++)
        expect_word(f, "stmk12345678", first, "12345678");
    assert_int_equal(fake.connected, 0);
    fixture_free(f);
}

static void a_word_without_an_answer_closes(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    struct net_client c;
    net_connect(&c, &f->loop, f->port);
    net_send(&c, "fail", 4);
    assert_true(net_wait_end(&c));
    assert_int_equal(c.received.len, 0);
    net_close(&c);
    fixture_free(f);
}

static void a_paused_client_is_not_heard_until_it_is_resumed(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    struct net_client c, other;
    net_connect(&c, &f->loop, f->port);
    net_send_frame(&c, "p1", 2);
    net_send_frame(&c, "e2", 2);
    net_send_frame(&c, "e3", 2);
    assert_true(net_expect_frame(&c, "p1", 2));
    uint64_t paused = fake.last_client;
    net_send_frame(&c, "e4", 2);
    net_connect(&other, &f->loop, f->port);
    net_send_frame(&other, "e", 1);
    assert_true(net_expect_frame(&other, "e", 1));
    assert_int_equal(fake.frames, 2);
    struct front_status status;
    front_status(f->front, &status);
    assert_int_equal(status.paused, 1);
    assert_true(pump_feed_plain(f->pump, REPLICA_LOGGED, (int64_t)paused));
    assert_true(net_expect_frame(&c, "e2", 2));
    assert_true(net_expect_frame(&c, "e3", 2));
    assert_true(net_expect_frame(&c, "e4", 2));
    net_close(&c);
    net_close(&other);
    fixture_free(f);
}

static bool is_gone(void *context)
{
    (void)context;
    return fake.disconnected > 0;
}

static void a_paused_client_that_is_reset_is_let_go(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    struct net_client c;
    const struct linger at_once = {1, 0};
    net_connect(&c, &f->loop, f->port);
    net_send_frame(&c, "p", 1);
    assert_true(net_expect_frame(&c, "p", 1));
    net_send_frame(&c, "e", 1);
    for (int turn = 0; turn < 3; turn++)
        uv_run(&f->loop, UV_RUN_NOWAIT);
    /* What comes while it is paused makes the front stop listening to the socket; only a reply can then fail. */
    assert_int_equal(setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    net_close(&c);
    assert_true(pump_feed_plain(f->pump, REPLICA_LOGGED, (int64_t)fake.last_client));
    assert_true(net_run_until(&f->loop, is_gone, NULL));
    wait_connections(f, 0);
    fixture_free(f);
}

static void what_stands_before_the_end_is_sent_and_nothing_behind_it_is_heard(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    struct net_client c;
    net_connect(&c, &f->loop, f->port);
    net_send_frame(&c, "e1", 2);
    net_send_frame(&c, "q2", 2);
    net_send_frame(&c, "e3", 2);
    assert_true(net_expect_frame(&c, "e1", 2));
    assert_true(net_expect_frame(&c, "q2", 2));
    net_send_frame(&c, "e4", 2); /* must not make a reset that swallows the reply */
    assert_true(net_wait_end(&c));
    assert_false(c.reset);
    assert_int_equal(c.received.len, 0);
    assert_int_equal(fake.frames, 2);
    assert_true(net_run_until(&f->loop, is_gone, NULL));
    net_close(&c);
    wait_connections(f, 0);
    fixture_free(f);
}

static void one_flood_does_not_keep_others_waiting(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    struct net_client flood, other;
    struct buffer many = {0};
    enum { FRAMES = 5000 };
    net_connect(&flood, &f->loop, f->port);
    net_connect(&other, &f->loop, f->port);
    for (int i = 0; i < FRAMES; i++)
        assert_int_equal(buffer_append(&many, "\0\0\0\1e", 5), ST_OK);
    net_send(&flood, many.data, many.len);
    net_send_frame(&other, "b\0\0\0\1", 5);
    assert_true(net_expect_frame(&other, "b", 1));
    const char *at = strchr(fake.order, 'b');
    assert_true(at == NULL || at - fake.order <= 3 * 256); /* a few turns at most */
    assert_true(net_wait_bytes(&flood, FRAMES * 5));
    assert_int_equal(fake.frames, FRAMES + 1);
    buffer_free(&many);
    net_close(&flood);
    net_close(&other);
    fixture_free(f);
}

static void many_floods_do_not_make_a_turn_long(void **state)
{
    (void)state;
    enum { CLIENTS = 60, FRAMES = 1000, TURN_MAX = 4096 + 256 + 2 * CLIENTS * 16 };
    struct fixture *f = fixture_new();
    struct net_client flood[CLIENTS];
    struct buffer many = {0};
    uint32_t longest = 0;
    for (int i = 0; i < FRAMES; i++)
        assert_int_equal(buffer_append(&many, "\0\0\0\1e", 5), ST_OK);
    for (int i = 0; i < CLIENTS; i++) {
        net_connect(&flood[i], &f->loop, f->port);
        net_send(&flood[i], many.data, many.len);
    }
    while (fake.frames < CLIENTS * FRAMES) {
        uint32_t before = fake.frames;
        uv_run(&f->loop, UV_RUN_NOWAIT);
        longest = fake.frames - before > longest ? fake.frames - before : longest;
    }
    assert_true(longest > 256 && longest <= TURN_MAX);
    for (int i = 0; i < CLIENTS; i++) {
        assert_true(net_wait_bytes(&flood[i], FRAMES * 5));
        net_close(&flood[i]);
    }
    buffer_free(&many);
    fixture_free(f);
}

static void replies_to_the_log_go_to_all_that_wait(void **state)
{
    (void)state;
    enum { CLIENTS = 20 };
    struct fixture *f = fixture_new();
    struct net_client c[CLIENTS];
    uint32_t frames = 2 * CLIENTS;
    for (int i = 0; i < CLIENTS; i++) {
        net_connect(&c[i], &f->loop, f->port);
        net_send_frame(&c[i], "l", 1);
        net_send_frame(&c[i], "l", 1);
    }
    assert_true(net_run_until(&f->loop, frames_came, &frames));
    assert_true(pump_feed_plain(f->pump, REPLICA_LOGGED, 0));
    for (int i = 0; i < CLIENTS; i++) {
        assert_true(net_expect_frame(&c[i], "l", 1));
        assert_true(net_expect_frame(&c[i], "l", 1));
        net_close(&c[i]);
    }
    fixture_free(f);
}

static void note_connection(void *context, const struct front_connection *c)
{
    struct buffer *text = context;
    assert_int_equal(buffer_printf(text, "%s %s ops=%u in=%d out=%d%s%s\n", c->remote, c->phase, c->interest_ops,
                                   (int)c->bytes_in, (int)c->bytes_out, c->client != 0 ? " known" : "",
                                   c->local ? " local" : ""),
                     ST_OK);
}

static void connections_are_listed_with_their_addresses(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    struct net_client c, idle;
    struct buffer text = {0};
    char wanted[256];
    struct sockaddr_in own[2] = {{0}, {0}};
    socklen_t len = sizeof own[0];
    net_connect(&c, &f->loop, f->port);
    net_connect(&idle, &f->loop, f->port);
    net_send_frame(&c, "eabc", 4);
    assert_true(net_expect_frame(&c, "eabc", 4));
    wait_connections(f, 2);
    assert_int_equal(getsockname(c.fd, (struct sockaddr *)&own[0], &len), 0);
    assert_int_equal(getsockname(idle.fd, (struct sockaddr *)&own[1], &len), 0);
    front_each_connection(f->front, note_connection, &text);
    snprintf(wanted, sizeof wanted,
             "/127.0.0.1:%d frames ops=1 in=8 out=8 known\n/127.0.0.1:%d first ops=0 in=0 out=0\n",
             ntohs(own[0].sin_port), ntohs(own[1].sin_port));
    assert_int_equal(buffer_append(&text, "", 1), ST_OK);
    assert_string_equal((const char *)text.data, wanted);
    struct front_status status;
    front_status(f->front, &status);
    assert_int_equal(status.connections, 2);
    assert_int_equal(status.sessionless, 1);
    assert_int_equal(status.plain_local, 2);
    buffer_free(&text);
    net_close(&c);
    net_close(&idle);
    fixture_free(f);
}

static void ipv6_and_all_addresses_are_listened_on(void **state)
{
    (void)state;
    struct fixture *f = fixture_bare();
    struct net_client c;
    fixture_listen(f, "", FRONT_PLAIN, NULL);
    net_connect(&c, &f->loop, f->port);
    net_send_frame(&c, "e", 1);
    assert_true(net_expect_frame(&c, "e", 1));
    assert_string_equal(fake.identities, "ip:127.0.0.1 "); /* though it came to a socket for IPv6 */
    net_close(&c);
    if (access("/proc/net/if_inet6", R_OK) == 0) {
        net_connect_ipv6(&c, &f->loop, f->port);
        net_send_frame(&c, "e", 1);
        assert_true(net_expect_frame(&c, "e", 1));
        assert_string_equal(fake.identities, "ip:0:0:0:0:0:0:0:1 ");
        net_close(&c);
    }
    fixture_free(f);
}

static void a_name_is_looked_up_and_a_taken_port_is_reported(void **state)
{
    (void)state;
    struct fixture *f = fixture_bare();
    struct buffer message = {0};
    int32_t port = 0;
    fixture_listen(f, "localhost", FRONT_PLAIN, NULL);
    const struct listener_tcp taken = {.address = "127.0.0.1", .port = f->port, .backlog = -1};
    assert_int_equal(front_listen_tcp(f->front, &taken, FRONT_PLAIN, NULL, &port, &message), ST_BUSY);
    assert_true(memmem(message.data, message.len, "address already in use", 22) != NULL);
    const struct listener_tcp unknown = {.address = "no.such.host.invalid", .backlog = -1};
    assert_int_equal(front_listen_tcp(f->front, &unknown, FRONT_PLAIN, NULL, &port, &message), ST_NOT_FOUND);
    buffer_free(&message);
    fixture_free(f);
}

static void a_unix_socket_speaks_the_same(void **state)
{
    (void)state;
    struct fixture *f = fixture_bare();
    char *directory = tmp_make();
    char *path = tmp_join(directory, "zookeeper.sock");
    struct buffer message = {0};
    struct net_client c;
    struct stat there;
    const struct listener_unix local = {.path = path, .mode = 0600, .backlog = -1};
    assert_int_equal(front_listen_unix(f->front, &local, &message), ST_OK);
    assert_int_equal(stat(path, &there), 0);
    assert_int_equal(there.st_mode & 07777, 0600);
    assert_int_equal(front_listen_unix(f->front, &local, &message), ST_BUSY);
    net_connect_unix(&c, &f->loop, path);
    net_send_frame(&c, "e", 1);
    assert_true(net_expect_frame(&c, "e", 1));
    assert_string_equal(fake.identities, "ip:127.0.0.1 ");
    assert_int_equal(fake.of_host, 1);
    net_close(&c);
    net_connect_unix(&c, &f->loop, path);
    net_send(&c, "ruok", 4);
    assert_true(net_wait_end(&c));
    assert_int_equal(f->answers_of_host, 1);
    net_close(&c);
    front_stop_listening(f->front);
    assert_int_not_equal(stat(path, &there), 0);
    buffer_free(&message);
    fixture_free(f);
    free(path);
    tmp_remove(directory);
}

static void a_stale_unix_socket_is_replaced_and_any_other_file_is_not(void **state)
{
    (void)state;
    struct fixture *f = fixture_bare();
    char *directory = tmp_make();
    char *path = tmp_join(directory, "s");
    struct buffer message = {0};
    const struct listener_unix local = {.path = path, .mode = 0660, .backlog = -1};
    const struct listener_unix grouped = {.path = path, .mode = 0660, .group = "no-such-group-here", .backlog = -1};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, strlen(path));
    int stale = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(stale, (struct sockaddr *)&address, sizeof address), 0);
    close(stale);
    assert_int_equal(front_listen_unix(f->front, &grouped, &message), ST_NOT_FOUND);
    assert_int_equal(front_listen_unix(f->front, &local, &message), ST_OK);
    front_stop_listening(f->front);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(front_listen_unix(f->front, &local, &message), ST_EXISTS);
    assert_int_equal(access(path, F_OK), 0);
    buffer_free(&message);
    fixture_free(f);
    free(path);
    tmp_remove(directory);
}

/* As after a failure, or when a second signal does not want to wait: with connections in every phase. */
static void without_a_pump_everything_closes_at_once(void **state)
{
    (void)state;
    for (int order = 0; order < 2; order++) {
        struct fixture *f = fixture_new();
        struct net_client first, frames, draining, lingering;
        struct front_status status = {0};
        net_connect(&first, &f->loop, f->port);
        net_connect(&frames, &f->loop, f->port);
        net_connect(&draining, &f->loop, f->port);
        net_connect(&lingering, &f->loop, f->port);
        net_send_frame(&frames, "e", 1);
        assert_true(net_expect_frame(&frames, "e", 1));
        net_send_frame(&draining, "b\1\0\0\0", 5);
        net_send_frame(&draining, "q", 1);
        net_send_frame(&lingering, "q", 1);
        assert_true(net_expect_frame(&lingering, "q", 1));
        assert_true(net_wait_end(&lingering));
        for (int turn = 0; turn < 10 || status.unsent == 0; turn++) {
            uv_run(&f->loop, UV_RUN_NOWAIT);
            front_status(f->front, &status);
        }
        assert_int_equal(status.connections, 4);
        if (order == 0)
            pump_close(f->pump);
        front_close(f->front, on_front_closed, f);
        if (order == 1)
            pump_close(f->pump);
        for (int turn = 0; turn < 5; turn++)
            uv_run(&f->loop, UV_RUN_NOWAIT);
        assert_true(f->closed);
        streams_close(&f->streams, NULL, NULL);
        assert_true(net_finish(&f->loop));
        net_close(&first);
        net_close(&frames);
        net_close(&draining);
        net_close(&lingering);
        metrics_free(f->metrics);
        free(f);
        fake_reset();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_answered_in_order),
        cmocka_unit_test(a_stream_may_be_split_anywhere),
        cmocka_unit_test(every_byte_may_come_alone),
        cmocka_unit_test(the_longest_frame_is_taken_and_a_longer_one_closes),
        cmocka_unit_test(a_negative_length_closes_silently),
        cmocka_unit_test(a_word_is_a_length_behind_the_first_frame),
        cmocka_unit_test(words_are_answered_however_they_are_split),
        cmocka_unit_test(a_word_without_an_answer_closes),
        cmocka_unit_test(a_paused_client_is_not_heard_until_it_is_resumed),
        cmocka_unit_test(a_paused_client_that_is_reset_is_let_go),
        cmocka_unit_test(what_stands_before_the_end_is_sent_and_nothing_behind_it_is_heard),
        cmocka_unit_test(one_flood_does_not_keep_others_waiting),
        cmocka_unit_test(many_floods_do_not_make_a_turn_long),
        cmocka_unit_test(replies_to_the_log_go_to_all_that_wait),
        cmocka_unit_test(connections_are_listed_with_their_addresses),
        cmocka_unit_test(ipv6_and_all_addresses_are_listened_on),
        cmocka_unit_test(a_name_is_looked_up_and_a_taken_port_is_reported),
        cmocka_unit_test(without_a_pump_everything_closes_at_once),
        cmocka_unit_test(a_unix_socket_speaks_the_same),
        cmocka_unit_test(a_stale_unix_socket_is_replaced_and_any_other_file_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
