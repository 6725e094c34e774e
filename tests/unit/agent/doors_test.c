/* doors_test.c - the ways in that settings ask for, each of them used, limited anew and closed. */
#include "agent/doors.h"
#include "core/base/mem.h"

#include "tests/unit/agent/tls_fixture.h"

#include <arpa/inet.h>
#include <sys/stat.h>

struct house {
    struct fixture *f; /* whose own front stays closed */
    struct settings *settings;
    struct doors *doors;
    struct buffer message;
    bool closed;
};

/* The fixture's loop and pump, with doors by these settings. */
static struct house house_new(struct settings *settings)
{
    struct house h = {.f = fixture_bare(), .settings = settings};
    const struct front_parts parts = {&h.f->loop, &h.f->streams,  h.f->pump, h.f->metrics,
                                      &h.f->log,  &fixture_words, {1, 2},    NULL};
    assert_int_equal(doors_new(&h.doors, settings, &parts, fake_replica(), NULL, NULL, &h.message), ST_OK);
    return h;
}

static void on_doors_closed(void *context)
{
    *(bool *)context = true;
}

static bool is_set(void *context)
{
    return *(bool *)context;
}

static void house_free(struct house *h)
{
    doors_close(h->doors, on_doors_closed, &h->closed);
    assert_true(net_run_until(&h->f->loop, is_set, &h->closed));
    fixture_free(h->f);
    settings_free(h->settings);
    buffer_free(&h->message);
}

static void expect_served(struct net_client *c)
{
    net_send_frame(c, "e", 1);
    assert_true(net_expect_frame(c, "e", 1));
}

static struct settings *settings_for(const struct stores *s, const char *socket, const char *more)
{
    struct buffer text = {0};
    assert_int_equal(buffer_printf(&text,
                                   "zooid.socket=%s\nzooid.localSocket=\nclientPortAddress=127.0.0.1\nclientPort=0\n%s",
                                   socket, more),
                     ST_OK);
    assert_int_equal(buffer_append(&text, "", 1), ST_OK);
    struct settings *settings = settings_pem(s, (const char *)text.data);
    buffer_free(&text);
    return settings;
}

static void every_door_that_is_asked_for_leads_in(void **state)
{
    (void)state;
    struct stores s = stores_new();
    char *socket = tmp_join(s.directory, "zk.sock");
    struct house h = house_new(settings_for(&s, socket, "zooid.socketMode=0600\nclientTcpKeepAlive=true\n"));
    struct net_client tcp, local;
    struct tls_client tls;
    struct stat there;
    assert_int_equal(doors_client_port(h.doors), -1);
    assert_int_equal(doors_open(h.doors, &h.message), ST_OK);
    net_connect(&tcp, &h.f->loop, doors_client_port(h.doors));
    expect_served(&tcp);
    net_connect_unix(&local, &h.f->loop, socket);
    expect_served(&local);
    h.f->port = doors_secure_client_port(h.doors);
    tls_client_new(&tls, h.f, &s.client, &s.authority);
    assert_true(tls_connect(&tls));
    tls_send_frame(&tls, "e", 1);
    assert_true(tls_expect_frame(&tls, "e", 1));
    struct front_status status;
    front_status(doors_front(h.doors), &status);
    assert_int_equal(status.connections, 3);
    assert_int_equal(status.plain_local, 2);
    assert_int_equal(stat(socket, &there), 0);
    assert_int_equal(there.st_mode & 0777, 0600);
    doors_stop_listening(h.doors);
    assert_int_not_equal(stat(socket, &there), 0);
    expect_served(&tcp); /* those who are in may stay */
    net_close(&tcp);
    net_close(&local);
    tls_client_free(&tls);
    house_free(&h);
    free(socket);
    stores_free(&s);
}

static void changed_limits_hold_from_the_reload_on(void **state)
{
    (void)state;
    struct stores s = stores_new();
    struct house h = house_new(settings_for(&s, "", "maxClientCnxns=1\n"));
    struct settings *fresh = settings_for(&s, "", "maxClientCnxns=2\n");
    struct net_client first, second;
    assert_int_equal(doors_open(h.doors, &h.message), ST_OK);
    net_connect(&first, &h.f->loop, doors_client_port(h.doors));
    expect_served(&first);
    net_connect(&second, &h.f->loop, doors_client_port(h.doors));
    assert_true(net_wait_end(&second));
    net_close(&second);
    doors_reload(h.doors, fresh);
    net_connect(&second, &h.f->loop, doors_client_port(h.doors));
    expect_served(&second);
    net_close(&first);
    net_close(&second);
    house_free(&h);
    settings_free(fresh);
    stores_free(&s);
}

static void the_client_port_may_take_tls_too(void **state)
{
    (void)state;
    struct stores s = stores_new();
    struct house h = house_new(settings_for(&s, "", "client.portUnification=true\nsecureClientPort=-1\n"));
    struct net_client plain;
    struct tls_client tls;
    assert_int_equal(doors_open(h.doors, &h.message), ST_OK);
    assert_int_equal(doors_secure_client_port(h.doors), -1);
    h.f->port = doors_client_port(h.doors);
    net_connect(&plain, &h.f->loop, h.f->port);
    expect_served(&plain);
    tls_client_new(&tls, h.f, &s.client, &s.authority);
    assert_true(tls_connect(&tls));
    net_close(&plain);
    tls_client_free(&tls);
    house_free(&h);
    stores_free(&s);
}

static void what_stands_in_the_way_is_told(void **state)
{
    (void)state;
    struct stores s = stores_new();
    struct house first = house_new(settings_for(&s, "", ""));
    char taken[64];
    assert_int_equal(doors_open(first.doors, &first.message), ST_OK);
    snprintf(taken, sizeof taken, "clientPort=%d\n", doors_client_port(first.doors));
    struct settings *settings = settings_for(&s, "", taken);
    struct doors *second = NULL;
    const struct front_parts parts = {
        &first.f->loop, &first.f->streams, first.f->pump, first.f->metrics, NULL, NULL, {1, 2}, NULL};
    assert_int_equal(doors_new(&second, settings, &parts, fake_replica(), NULL, NULL, &first.message), ST_OK);
    assert_int_equal(doors_open(second, &first.message), ST_BUSY);
    assert_true(memmem(first.message.data, first.message.len, taken + 11, strlen(taken) - 12) != NULL);
    bool closed = false;
    doors_close(second, on_doors_closed, &closed);
    assert_true(net_run_until(&first.f->loop, is_set, &closed));
    certs_write_file(s.key_pem, "x", 1);
    assert_int_equal(doors_new(&second, settings, &parts, fake_replica(), NULL, NULL, &first.message),
                     ST_BAD_ARGUMENTS);
    assert_true(memmem(first.message.data, first.message.len, s.key_pem, strlen(s.key_pem)) != NULL);
    settings_free(settings);
    house_free(&first);
    stores_free(&s);
}

/* -- ports that move with the configuration ------------------------------------------------------------------------ */

static uint16_t free_port(int *fd)
{
    const struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in own;
    const int on = 1;
    socklen_t len = sizeof own;
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    assert_int_equal(bind(*fd, (const struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(getsockname(*fd, (struct sockaddr *)&own, &len), 0);
    return ntohs(own.sin_port);
}

static void set_client_port(struct house *h, const char *address, int32_t port)
{
    mem_free(h->settings->client_port_address);
    h->settings->client_port_address = mem_strdup(address);
    h->settings->client_port = port;
}

struct awaited {
    struct doors *doors;
    int32_t port;
};

static bool is_there(void *context)
{
    const struct awaited *a = context;
    return doors_client_port(a->doors) == a->port;
}

static void expect_moved(struct house *h, int32_t port)
{
    struct awaited a = {h->doors, port};
    assert_true(net_run_until(&h->f->loop, is_there, &a));
}

static bool is_refused(uint16_t port)
{
    const struct sockaddr_in in = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool refused = connect(fd, (const struct sockaddr *)&in, sizeof in) != 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

static void a_port_moves_and_who_is_connected_stays(void **state)
{
    (void)state;
    struct stores s = stores_new();
    struct house h = house_new(settings_for(&s, "", ""));
    struct net_client before, after;
    int fd;
    assert_int_equal(doors_open(h.doors, &h.message), ST_OK);
    uint16_t former = (uint16_t)doors_client_port(h.doors), port = free_port(&fd);
    close(fd);
    net_connect(&before, &h.f->loop, former);
    expect_served(&before);
    set_client_port(&h, "localhost", port); /* a name: looked up off the loop */
    doors_follow(h.doors);
    doors_follow(h.doors); /* nothing new */
    expect_moved(&h, port);
    assert_true(is_refused(former));
    net_connect(&after, &h.f->loop, port);
    expect_served(&after);
    expect_served(&before);
    set_client_port(&h, "", -1);
    doors_follow(h.doors);
    expect_moved(&h, -1);
    assert_true(is_refused(port));
    expect_served(&after);
    net_close(&before);
    net_close(&after);
    house_free(&h);
    stores_free(&s);
}

static void a_port_that_is_taken_is_tried_again(void **state)
{
    (void)state;
    struct stores s = stores_new();
    struct house h = house_new(settings_for(&s, "", ""));
    int fd;
    assert_int_equal(doors_open(h.doors, &h.message), ST_OK);
    uint16_t port = free_port(&fd);
    assert_int_equal(listen(fd, 1), 0);
    set_client_port(&h, "127.0.0.1", port);
    doors_follow(h.doors);
    for (int i = 0; i < 20; i++)
        uv_run(&h.f->loop, UV_RUN_NOWAIT);
    assert_int_equal(doors_client_port(h.doors), -1);
    close(fd);
    expect_moved(&h, port);
    house_free(&h);
    stores_free(&s);
}

static void doors_are_closed_while_one_is_on_its_way(void **state)
{
    (void)state;
    struct stores s = stores_new();
    for (int turns = 0; turns < 6; turns++) {
        struct house h = house_new(settings_for(&s, "", ""));
        assert_int_equal(doors_open(h.doors, &h.message), ST_OK);
        set_client_port(&h, turns % 2 == 0 ? "localhost" : "nowhere.invalid", 1);
        doors_follow(h.doors);
        for (int i = 0; i < turns; i++)
            uv_run(&h.f->loop, UV_RUN_NOWAIT);
        house_free(&h);
    }
    stores_free(&s);
}

/* The members may say so; without a certificate there is nothing to say there. */
static void a_port_with_tls_needs_a_store(void **state)
{
    (void)state;
    struct settings *settings = NULL;
    struct settings_report report = {0};
    const char text[] = "dataDir=/tmp\nclientPort=0\nclientPortAddress=127.0.0.1\nzooid.socket=\nzooid.localSocket=\n";
    assert_int_equal(settings_load_text(&settings, "zoo.cfg", text, sizeof text - 1, NULL, 0, &report), ST_OK);
    struct house h = house_new(settings);
    assert_int_equal(doors_open(h.doors, &h.message), ST_OK);
    h.settings->secure_client_port = 0;
    doors_follow(h.doors);
    for (int i = 0; i < 5; i++)
        uv_run(&h.f->loop, UV_RUN_NOWAIT);
    assert_int_equal(doors_secure_client_port(h.doors), -1);
    settings_report_free(&report);
    house_free(&h);
}

static void no_doors_are_closed_at_once(void **state)
{
    (void)state;
    bool closed = false;
    doors_close(NULL, on_doors_closed, &closed);
    assert_true(closed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_door_that_is_asked_for_leads_in),
        cmocka_unit_test(changed_limits_hold_from_the_reload_on),
        cmocka_unit_test(the_client_port_may_take_tls_too),
        cmocka_unit_test(what_stands_in_the_way_is_told),
        cmocka_unit_test(a_port_moves_and_who_is_connected_stays),
        cmocka_unit_test(a_port_that_is_taken_is_tried_again),
        cmocka_unit_test(doors_are_closed_while_one_is_on_its_way),
        cmocka_unit_test(a_port_with_tls_needs_a_store),
        cmocka_unit_test(no_doors_are_closed_at_once),
    };
    ignore_sigpipe();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
