/* peers_links_test.c - quorum links: made, held, let go, too slow, closed from either side; without TLS and with it. */
#include "tests/unit/agent/peers_tls_fixture.h"

#include <signal.h>

static const int two[] = {1, 2, -1};

static bool with_tls;

/* Server 1 leads, server 2 has a link to it. */
struct pair {
    struct world w;
    struct certs authority, own;
    struct stores_of_server stores[2];
    struct server *leader, *learner;
    uint64_t there, here; /* the link's number at the leader, at the learner */
};

static void pair_end(struct pair *t)
{
    for (size_t i = 0; i < 2; i++) {
        server_stop(&t->w.servers[i]);
        if (with_tls)
            server_forget_stores(&t->w.servers[i], &t->stores[i]);
    }
    certs_free(&t->authority);
    certs_free(&t->own);
    world_end(&t->w);
}

struct wanted {
    const struct buffer *received;
    size_t len;
};

static bool has_come(void *context)
{
    const struct wanted *wanted = context;
    return wanted->received->len >= wanted->len;
}

static void wait_received(struct server *s, uint64_t link, size_t len)
{
    struct wanted wanted = {&link_seen(s, link)->received, len};
    if (!net_run_until(&s->world->loop, has_come, &wanted))
        fail_msg("only %zu of %zu bytes have come", wanted.received->len, len);
    assert_int_equal(wanted.received->len, len);
}

static bool has_accepted_link(void *context)
{
    const struct server *s = context;
    return s->link_count > 0 && s->links[s->link_count - 1].accepted;
}

/* It has come in when something has come on it, with TLS the handshake. */
static void pair_connect(struct pair *t)
{
    size_t before = t->leader->link_count;
    t->here = peers_connect(t->learner->p, 1);
    assert_true(t->here > 0);
    wait_true(&t->w, &link_seen(t->learner, t->here)->connected);
    assert_true(with_tls || t->leader->link_count == before);
    peers_send(t->learner->p, t->here, BYTES("."));
    assert_true(net_run_until(&t->w.loop, has_accepted_link, t->leader));
    assert_int_equal(t->leader->link_count, before + 1);
    t->there = t->leader->links[before].link;
    wait_received(t->leader, t->there, 1);
    buffer_free(&t->leader->links[before].received);
    t->leader->links[before].shown = 0;
}

static void pair_begin(struct pair *t, struct peers_options options)
{
    *t = (struct pair){0};
    world_begin(&t->w, two);
    t->leader = &t->w.servers[0];
    t->learner = &t->w.servers[1];
    if (with_tls) {
        t->authority = certs_authority("authority");
        t->own = certs_issue_for(&t->authority, "server", "IP:127.0.0.1,DNS:localhost", 0);
        for (size_t i = 0; i < 2; i++)
            t->stores[i] = server_secure(&t->w.servers[i], &t->own, &t->authority, "");
        options.security = tls_only;
    }
    options.sid = 1;
    server_new(t->leader, options);
    options.sid = 2;
    server_new(t->learner, options);
    server_lead(t->leader);
    pair_connect(t);
}

static void bytes_go_both_ways_in_order(void **state)
{
    (void)state;
    struct pair t;
    char remote[PEERS_REMOTE_SIZE];
    int64_t sid = 0;
    pair_begin(&t, default_options(0));
    for (uint32_t i = 0; i < 100000; i++) {
        uint8_t number[4];
        be32_put(number, i);
        peers_send(t.learner->p, t.here, bytes_make(number, sizeof number));
        if (i % 3 == 0)
            peers_send(t.leader->p, t.there, bytes_make(number, sizeof number));
        if (i % 10000 == 0)
            peers_flush(t.leader->p);
    }
    assert_true(peers_unsent(t.learner->p, t.here) == 400000);
    wait_received(t.leader, t.there, 400000);
    wait_received(t.learner, t.here, 33334 * 4);
    for (uint32_t i = 0; i < 100000; i++)
        assert_int_equal(be32_get(link_seen(t.leader, t.there)->received.data + (size_t)i * 4), i);
    assert_int_equal(peers_unsent(t.learner->p, t.here), 0);
    assert_true(peers_remote(t.learner->p, t.here, remote, &sid));
    assert_int_equal(sid, 1);
    assert_memory_equal(remote, "/127.0.0.1:", 11);
    assert_true(peers_remote(t.leader->p, t.there, remote, &sid));
    assert_int_equal(sid, -1);
    assert_false(peers_remote(t.leader->p, 77, remote, &sid));
    pair_end(&t);
}

static void what_is_not_taken_is_shown_again(void **state)
{
    (void)state;
    struct pair t;
    pair_begin(&t, default_options(0));
    struct link_seen *seen = link_seen(t.leader, t.there);
    t.leader->take_max = 3; /* at a time */
    peers_send(t.learner->p, t.here, BYTES("0123456789"));
    wait_received(t.leader, t.there, 10);
    assert_int_equal(seen->shown, 4);
    t.leader->take_max = 0;
    peers_send(t.learner->p, t.here, BYTES("abc"));
    world_turn(&t.w, 20);
    uint32_t shown = seen->shown;
    assert_int_equal(seen->received.len, 10);
    world_turn(&t.w, 20);
    assert_int_equal(seen->shown, shown); /* not before more comes */
    t.leader->take_max = SIZE_MAX;
    peers_send(t.learner->p, t.here, BYTES("def"));
    wait_received(t.leader, t.there, 16);
    assert_memory_equal(seen->received.data, "0123456789abcdef", 16);
    pair_end(&t);
}

static void a_link_on_hold_shows_nothing_until_it_may_go_on(void **state)
{
    (void)state;
    struct pair t;
    static uint8_t block[300000];
    pair_begin(&t, default_options(0));
    struct link_seen *seen = link_seen(t.leader, t.there);
    t.leader->take_max = 5;
    t.leader->hold_in_received = t.there;
    peers_send(t.learner->p, t.here, BYTES("0123456789"));
    wait_received(t.leader, t.there, 5);
    world_turn(&t.w, 20);
    assert_int_equal(seen->shown, 1);
    peers_send(t.learner->p, t.here, bytes_make(block, sizeof block));
    world_turn(&t.w, 20);
    assert_int_equal(seen->shown, 1);
    t.leader->hold_in_received = 0;
    t.leader->take_max = SIZE_MAX;
    peers_go(t.leader->p, t.there);
    assert_int_equal(seen->shown, 1); /* not within the call */
    wait_received(t.leader, t.there, 10 + sizeof block);
    assert_memory_equal(seen->received.data, "0123456789", 10);
    /* What is there already comes back, even if nothing follows. */
    t.leader->take_max = 1;
    t.leader->hold_in_received = t.there;
    peers_send(t.learner->p, t.here, BYTES("xyz"));
    for (size_t i = 1; i <= 3; i++) {
        wait_received(t.leader, t.there, 10 + sizeof block + i);
        peers_go(t.leader->p, t.there);
    }
    pair_end(&t);
}

static void what_came_before_the_end_is_shown(void **state)
{
    (void)state;
    struct pair t;
    pair_begin(&t, default_options(0));
    struct link_seen *seen = link_seen(t.leader, t.there);
    peers_hold(t.leader->p, t.there);
    peers_send(t.learner->p, t.here, BYTES("last words"));
    peers_flush(t.learner->p);
    peers_close(t.learner->p, t.here);
    world_turn(&t.w, 20);
    assert_false(seen->closed);
    peers_go(t.leader->p, t.there);
    wait_true(&t.w, &seen->closed);
    assert_int_equal(seen->received.len, 10);
    assert_int_equal(seen->closed_count, 1);
    assert_int_equal(link_seen(t.learner, t.here)->closed_count, 0); /* it was closed from here */
    peers_send(t.learner->p, t.here, BYTES("nobody"));
    peers_hold(t.learner->p, t.here);
    peers_go(t.learner->p, t.here);
    peers_close(t.learner->p, t.here);
    assert_int_equal(peers_unsent(t.learner->p, t.here), 0);
    pair_end(&t);
}

static void who_leads_no_more_takes_nobody_in(void **state)
{
    (void)state;
    struct pair t;
    pair_begin(&t, default_options(0));
    peers_unlisten(t.leader->p);
    uint64_t link = peers_connect(t.learner->p, 1);
    wait_true(&t.w, &link_seen(t.learner, link)->closed);
    assert_false(link_seen(t.learner, link)->connected);
    peers_send(t.learner->p, t.here, BYTES("still there"));
    wait_received(t.leader, t.there, 11);
    peers_close_all(t.leader->p);
    wait_true(&t.w, &link_seen(t.learner, t.here)->closed);
    assert_int_equal(status_of(t.leader).links, 0);
    server_lead(t.leader);
    pair_connect(&t);
    pair_end(&t);
}

static void a_server_that_nobody_knows_cannot_be_reached(void **state)
{
    (void)state;
    struct pair t;
    pair_begin(&t, default_options(0));
    uint64_t unknown = peers_connect(t.learner->p, 7);
    uint64_t self = peers_connect(t.learner->p, 2);
    uint64_t given_up = peers_connect(t.learner->p, 1);
    peers_close(t.learner->p, given_up);
    assert_int_equal(link_seen(t.learner, unknown)->closed_count, 0);
    wait_true(&t.w, &link_seen(t.learner, unknown)->closed);
    wait_true(&t.w, &link_seen(t.learner, self)->closed);
    assert_false(link_seen(t.learner, given_up)->connected);
    assert_false(link_seen(t.learner, given_up)->closed);
    pair_end(&t);
}

static void the_next_address_is_tried(void **state)
{
    (void)state;
    struct pair t;
    char text[256];
    pair_begin(&t, default_options(0));
    struct reserved_port dead = port_reserve();
    (void)snprintf(text, sizeof text, "server.1=127.0.0.1:%u:1|127.0.0.2:%u:1|localhost:%u:1", (unsigned)dead.port,
                   (unsigned)dead.port, (unsigned)t.leader->quorum.port);
    struct members *several = members_of(text, MEMBERS_MULTI_ADDRESS);
    assert_int_equal(peers_update(t.learner->p, several, NULL), ST_OK);
    pair_connect(&t);
    peers_send(t.learner->p, t.here, BYTES("found"));
    wait_received(t.leader, t.there, 5);
    members_free(several);
    close(dead.fd);
    pair_end(&t);
}

static void an_attempt_is_given_up_at_any_moment(void **state)
{
    (void)state;
    struct pair t;
    char text[256];
    pair_begin(&t, default_options(0));
    (void)snprintf(text, sizeof text, "server.1=localhost:%u:1", (unsigned)t.leader->quorum.port);
    struct members *named = members_of(text, 0);
    assert_int_equal(peers_update(t.learner->p, named, NULL), ST_OK);
    for (int turns = 0; turns < 20; turns++) {
        uint64_t link = peers_connect(t.learner->p, 1);
        world_turn(&t.w, turns);
        peers_close(t.learner->p, link);
        assert_int_equal(link_seen(t.learner, link)->closed_count, 0);
    }
    members_free(named);
    pair_end(&t);
}

/* [7.3 2164] A full backlog swallows whoever comes: as an address behind which nobody answers. */
static void an_address_that_does_not_answer_leaves_time_for_the_next(void **state)
{
    (void)state;
    struct pair t;
    char text[256];
    int full[8];
    struct peers_options options = default_options(0);
    options.connect_ms = 600;
    pair_begin(&t, options);
    struct reserved_port deaf = port_reserve();
    assert_int_equal(listen(deaf.fd, 0), 0);
    for (size_t i = 0; i < ARRAY_LEN(full); i++) {
        const struct sockaddr_in in = {
            .sin_family = AF_INET, .sin_port = htons(deaf.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        full[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assert_true(connect(full[i], (const struct sockaddr *)&in, sizeof in) == 0 || errno == EINPROGRESS);
    }
    (void)snprintf(text, sizeof text, "server.1=127.0.0.1:%u:1|localhost:%u:1", (unsigned)deaf.port,
                   (unsigned)t.leader->quorum.port);
    struct members *several = members_of(text, MEMBERS_MULTI_ADDRESS);
    assert_int_equal(peers_update(t.learner->p, several, NULL), ST_OK);
    pair_connect(&t);
    (void)snprintf(text, sizeof text, "server.1=127.0.0.1:%u:1", (unsigned)deaf.port);
    struct members *alone = members_of(text, 0);
    assert_int_equal(peers_update(t.learner->p, alone, NULL), ST_OK);
    uint64_t link = peers_connect(t.learner->p, 1);
    wait_true(&t.w, &link_seen(t.learner, link)->closed);
    members_free(several);
    members_free(alone);
    for (size_t i = 0; i < ARRAY_LEN(full); i++)
        close(full[i]);
    close(deaf.fd);
    pair_end(&t);
}

static void who_does_not_read_is_closed(void **state)
{
    (void)state;
    struct pair t;
    static uint8_t block[100000];
    pair_begin(&t, default_options(0));
    peers_hold(t.learner->p, t.here);
    for (int i = 0; i < 1000 && !link_seen(t.leader, t.there)->closed; i++) {
        peers_send(t.leader->p, t.there, bytes_make(block, sizeof block));
        assert_true(peers_unsent(t.leader->p, t.there) <= (1 << 20) + sizeof block);
        world_turn(&t.w, 1);
    }
    wait_true(&t.w, &link_seen(t.leader, t.there)->closed);
    assert_int_equal(status_of(t.leader).links_closed, 1);
    /* One long message alone is no reason. */
    pair_connect(&t);
    static uint8_t longer[3 << 20];
    peers_send(t.leader->p, t.there, bytes_make(longer, sizeof longer));
    wait_received(t.learner, t.here, sizeof longer);
    pair_end(&t);
}

static void wait_content(struct pair *t, uint64_t link, const char *content)
{
    wait_received(t->learner, link, strlen(content));
    assert_memory_equal(link_seen(t->learner, link)->received.data, content, strlen(content));
}

static void what_is_fed_goes_to_all_that_have_joined(void **state)
{
    (void)state;
    struct pair t;
    pair_begin(&t, default_options(0));
    const uint64_t first = t.here, first_there = t.there;
    pair_connect(&t);
    const uint64_t second = t.here, second_there = t.there;
    pair_connect(&t);
    peers_feed(t.leader->p, BYTES("nobody"));
    peers_send(t.leader->p, first_there, BYTES("a"));
    peers_join_feed(t.leader->p, first_there);
    peers_feed(t.leader->p, BYTES("b"));
    peers_join_feed(t.leader->p, second_there);
    peers_join_feed(t.leader->p, second_there); /* harmless */
    peers_join_feed(t.leader->p, 77);
    peers_feed(t.leader->p, BYTES("c"));
    assert_int_equal(peers_unsent(t.leader->p, first_there), 3);
    assert_int_equal(peers_unsent(t.leader->p, second_there), 1);
    peers_send(t.leader->p, first_there, BYTES("d"));
    peers_feed(t.leader->p, BYTES("e"));
    wait_content(&t, first, "abcde");
    wait_content(&t, second, "ce");
    peers_feed(t.leader->p, BYTES("f"));
    peers_flush(t.leader->p);
    peers_feed(t.leader->p, BYTES("g"));
    peers_close(t.leader->p, first_there);
    peers_feed(t.leader->p, BYTES("h"));
    wait_content(&t, second, "cefgh");
    wait_content(&t, first, "abcdef");
    assert_int_equal(link_seen(t.learner, t.here)->received.len, 0);
    pair_end(&t);
}

/* Who does not read is closed, and the others have everything. */
static void one_that_is_fed_and_does_not_read_is_closed(void **state)
{
    (void)state;
    struct pair t;
    static uint8_t block[100000];
    size_t fed = 0;
    pair_begin(&t, default_options(0));
    const uint64_t good = t.here;
    peers_join_feed(t.leader->p, t.there);
    pair_connect(&t);
    peers_join_feed(t.leader->p, t.there);
    peers_hold(t.learner->p, t.here);
    for (int i = 0; i < 1000 && !link_seen(t.leader, t.there)->closed; i++, fed += sizeof block) {
        peers_feed(t.leader->p, bytes_make(block, sizeof block));
        assert_true(peers_unsent(t.leader->p, t.there) <= (2 << 20) + sizeof block);
        wait_received(t.learner, good, fed + sizeof block);
    }
    wait_true(&t.w, &link_seen(t.leader, t.there)->closed);
    assert_int_equal(status_of(t.leader).links_closed, 1);
    peers_feed(t.leader->p, bytes_make(block, sizeof block));
    wait_received(t.learner, good, fed + sizeof block);
    pair_end(&t);
}

static bool takes_observers(void *context)
{
    const struct server *s = context;
    return peers_is_listening(s->p, PEERS_OBSERVERS);
}

/* A follower takes observers on a port of its own, on the addresses of its quorum port. */
static void observers_have_a_port_of_their_own(void **state)
{
    (void)state;
    struct pair t;
    struct peers_options options = default_options(0);
    const struct reserved_port port = port_reserve();
    options.observer_port = port.port;
    pair_begin(&t, options);
    uint64_t refused = peers_observe(t.learner->p, 1);
    wait_true(&t.w, &link_seen(t.learner, refused)->closed);
    peers_listen_observers(t.leader->p);
    assert_true(net_run_until(&t.w.loop, takes_observers, t.leader));
    uint64_t link = peers_observe(t.learner->p, 1);
    wait_true(&t.w, &link_seen(t.learner, link)->connected);
    peers_send(t.learner->p, link, BYTES("observes"));
    assert_true(net_run_until(&t.w.loop, has_accepted_link, t.leader));
    wait_received(t.leader, t.leader->links[t.leader->link_count - 1].link, 8);
    peers_unlisten(t.leader->p);
    assert_false(peers_is_listening(t.leader->p, PEERS_OBSERVERS) || peers_is_listening(t.leader->p, PEERS_QUORUM));
    refused = peers_observe(t.learner->p, 1);
    wait_true(&t.w, &link_seen(t.learner, refused)->closed);
    assert_false(link_seen(t.learner, link)->closed);
    close(port.fd);
    pair_end(&t);
}

static bool is_writable(void *context)
{
    return ((struct link_seen *)context)->writable > 0;
}

static void room_in_the_queue_is_told(void **state)
{
    (void)state;
    struct pair t;
    static uint8_t block[100000];
    size_t sent = 0;
    pair_begin(&t, default_options(0));
    struct link_seen *seen = link_seen(t.leader, t.there);
    peers_send(t.leader->p, t.there, bytes_make(block, 1000));
    world_turn(&t.w, 10);
    assert_int_equal(seen->writable, 0);
    for (sent = 1000; sent < 20 * sizeof block; sent += sizeof block) {
        if (peers_unsent(t.leader->p, t.there) > 64 * 1024) {
            assert_true(net_run_until(&t.w.loop, is_writable, seen));
            assert_true(peers_unsent(t.leader->p, t.there) <= 64 * 1024);
            seen->writable = 0;
        }
        peers_send(t.leader->p, t.there, bytes_make(block, sizeof block));
    }
    wait_received(t.learner, t.here, sent);
    pair_end(&t);
}

static void something_too_long_ends_the_link(void **state)
{
    (void)state;
    struct pair t;
    static uint8_t block[100000];
    pair_begin(&t, default_options(0));
    t.leader->take_max = 0;
    for (int i = 0; i < 40 && !link_seen(t.leader, t.there)->closed; i++) {
        peers_send(t.learner->p, t.here, bytes_make(block, sizeof block));
        world_turn(&t.w, 5);
    }
    wait_true(&t.w, &link_seen(t.leader, t.there)->closed);
    pair_end(&t);
}

static void silent_learners_give_way(void **state)
{
    (void)state;
    struct pair t;
    struct peers_options options = default_options(0);
    options.hello_ms = 200;
    pair_begin(&t, options);
    uint64_t silent = peers_connect(t.learner->p, 1);
    wait_true(&t.w, &link_seen(t.learner, silent)->connected);
    wait_true(&t.w, &link_seen(t.learner, silent)->closed);
    assert_int_equal(t.leader->link_count, with_tls ? 2 : 1); /* else the leader's user has never heard of it */
    assert_false(link_seen(t.leader, t.there)->closed);
    assert_int_equal(status_of(t.leader).newcomers, 0);
    assert_int_equal(status_of(t.leader).links, 1);
    pair_end(&t);
}

static void links_that_come_in_are_bounded(void **state)
{
    (void)state;
    struct pair t;
    struct peers_options options = default_options(0);
    options.links_max = 2;
    pair_begin(&t, options);
    uint64_t first = t.here;
    pair_connect(&t);
    uint64_t link = peers_connect(t.learner->p, 1);
    wait_true(&t.w, &link_seen(t.learner, link)->closed);
    assert_int_equal(status_of(t.leader).links, 2);
    peers_close(t.learner->p, first);
    wait_true(&t.w, &t.leader->links[0].closed);
    pair_connect(&t);
    pair_end(&t);
}

static void ipv6_does_as_well(void **state)
{
    (void)state;
    struct world w;
    const struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool has_ipv6 = fd >= 0 && bind(fd, (const struct sockaddr *)&in6, sizeof in6) == 0;
    close(fd);
    if (!has_ipv6)
        skip();
    world_begin(&w, two);
    members_free(w.members);
    w.host = "[::1]";
    w.members = world_members(&w, 0, 2);
    w.host = "::1";
    server_start(&w.servers[0]);
    server_start(&w.servers[1]);
    server_lead(&w.servers[0]);
    peers_notify(w.servers[0].p, 2, BYTES("six"));
    wait_heard(&w.servers[1], 1, "six");
    uint64_t link = peers_connect(w.servers[1].p, 1);
    wait_true(&w, &link_seen(&w.servers[1], link)->connected);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_go_both_ways_in_order),
        cmocka_unit_test(what_is_not_taken_is_shown_again),
        cmocka_unit_test(a_link_on_hold_shows_nothing_until_it_may_go_on),
        cmocka_unit_test(what_came_before_the_end_is_shown),
        cmocka_unit_test(who_leads_no_more_takes_nobody_in),
        cmocka_unit_test(a_server_that_nobody_knows_cannot_be_reached),
        cmocka_unit_test(the_next_address_is_tried),
        cmocka_unit_test(an_attempt_is_given_up_at_any_moment),
        cmocka_unit_test(an_address_that_does_not_answer_leaves_time_for_the_next),
        cmocka_unit_test(who_does_not_read_is_closed),
        cmocka_unit_test(what_is_fed_goes_to_all_that_have_joined),
        cmocka_unit_test(one_that_is_fed_and_does_not_read_is_closed),
        cmocka_unit_test(observers_have_a_port_of_their_own),
        cmocka_unit_test(room_in_the_queue_is_told),
        cmocka_unit_test(something_too_long_ends_the_link),
        cmocka_unit_test(silent_learners_give_way),
        cmocka_unit_test(links_that_come_in_are_bounded),
        cmocka_unit_test(ipv6_does_as_well),
    };
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL);
    int failed = cmocka_run_group_tests_name("without TLS", tests, NULL, NULL);
    with_tls = true;
    return failed + cmocka_run_group_tests_name("with TLS", tests, NULL, NULL);
}
