/* limits_test.c - connections counted by address and in all; addresses as Java writes them; lines of log held back. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "agent/net/limits.h"

#include "agent/base/address.h"
#include "core/base/log_limit.h"
#include "tests/support/failing_memory.h"
#include "tests/support/test.h"

#include <arpa/inet.h>

static const struct hash_key key = {1, 2};

static struct in6_addr ip(const char *text)
{
    struct in6_addr in6;
    assert_int_equal(inet_pton(AF_INET6, text, &in6), 1);
    return in6;
}

static void an_address_is_full_at_its_limit_and_others_are_not(void **state)
{
    (void)state;
    struct limits *l = limits_new(&key);
    struct in6_addr one = ip("::ffff:10.0.0.1");
    struct in6_addr two = ip("::ffff:10.0.0.2");
    struct limits_address *first = NULL, *second = NULL, *third = NULL;
    limits_set(l, 2, 0);
    assert_int_equal(limits_enter(l, &one, &first), LIMITS_OK);
    assert_int_equal(limits_enter(l, &one, &second), LIMITS_OK);
    assert_ptr_equal(first, second);
    assert_int_equal(limits_enter(l, &one, &third), LIMITS_ADDRESS_FULL);
    assert_ptr_equal(third, first);
    assert_int_equal(limits_enter(l, &two, &third), LIMITS_OK);
    assert_int_equal(limits_total(l), 3);
    assert_int_equal(limits_of_address(first), 2);
    limits_leave(l, first);
    assert_int_equal(limits_enter(l, &one, &second), LIMITS_OK);
    limits_leave(l, second);
    limits_leave(l, second);
    limits_leave(l, third);
    assert_int_equal(limits_total(l), 0);
    limits_free(l);
}

static void all_together_are_full_at_theirs(void **state)
{
    (void)state;
    struct limits *l = limits_new(&key);
    struct in6_addr one = ip("::1");
    struct limits_address *address = NULL, *none = NULL;
    limits_set(l, 0, 2);
    assert_int_equal(limits_enter(l, &one, &address), LIMITS_OK);
    assert_int_equal(limits_enter(l, NULL, &none), LIMITS_OK);
    assert_null(none);
    assert_int_equal(limits_enter(l, NULL, &none), LIMITS_ALL_FULL);
    limits_leave(l, NULL);
    limits_leave(l, address);
    limits_set(l, 0, 0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(limits_enter(l, &one, &address), LIMITS_OK);
    limits_free(l);
}

static void without_memory_nothing_is_counted(void **state)
{
    (void)state;
    for (int n = 0;; n++) {
        struct limits *l = limits_new(&key);
        struct in6_addr one = ip("::1");
        struct limits_address *address = NULL;
        memory_fail_after(n);
        enum limits_verdict verdict = limits_enter(l, &one, &address);
        bool failed = memory_has_failed();
        memory_fail_after(-1);
        assert_int_equal(verdict, failed ? LIMITS_NO_MEMORY : LIMITS_OK);
        assert_int_equal(limits_total(l), failed ? 0 : 1);
        limits_free(l);
        if (!failed)
            return;
    }
}

static struct address peer(int family, const char *text, uint16_t port)
{
    struct sockaddr_storage storage = {0};
    if (family == AF_INET) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
        assert_int_equal(inet_pton(AF_INET, text, &in.sin_addr), 1);
        memcpy(&storage, &in, sizeof in);
    } else if (family == AF_INET6) {
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = ip(text)};
        memcpy(&storage, &in6, sizeof in6);
    } else {
        storage.ss_family = AF_UNIX;
    }
    return address_of(&storage);
}

static void addresses_are_written_as_java_writes_them(void **state)
{
    (void)state;
    static const struct {
        int family;
        const char *text;
        uint16_t port;
        const char *host, *whole;
        bool loopback;
    } cases[] = {
        {AF_INET, "127.0.0.1", 42348, "127.0.0.1", "/127.0.0.1:42348", true},
        {AF_INET, "255.255.255.255", 65535, "255.255.255.255", "/255.255.255.255:65535", false},
        {AF_INET6, "::ffff:10.1.2.3", 1, "10.1.2.3", "/10.1.2.3:1", false},
        {AF_INET6, "::1", 2181, "0:0:0:0:0:0:0:1", "/[0:0:0:0:0:0:0:1]:2181", true},
        {AF_INET6, "2001:db8::00a:0", 2181, "2001:db8:0:0:0:0:a:0", "/[2001:db8:0:0:0:0:a:0]:2181", false},
        {AF_INET6, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
         "/[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", false},
        {AF_UNIX, NULL, 0, "127.0.0.1", "/127.0.0.1:0", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[ADDRESS_TEXT_SIZE];
        struct address a = peer(cases[i].family, cases[i].text, cases[i].port);
        assert_int_equal(address_host(&a, text), strlen(cases[i].host));
        assert_string_equal(text, cases[i].host);
        assert_int_equal(address_print(&a, text), strlen(cases[i].whole));
        assert_string_equal(text, cases[i].whole);
        assert_int_equal(address_is_loopback(&a), cases[i].loopback);
    }
}

static void a_line_passes_once_in_a_while(void **state)
{
    (void)state;
    struct log_limit limit = {0};
    uint32_t held_back = 7;
    assert_true(log_limit_pass(&limit, 5, 100, &held_back));
    assert_int_equal(held_back, 0);
    assert_false(log_limit_pass(&limit, 5, 100, &held_back));
    assert_false(log_limit_pass(&limit, 104, 100, &held_back));
    assert_true(log_limit_pass(&limit, 105, 100, &held_back));
    assert_int_equal(held_back, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_full_at_its_limit_and_others_are_not),
        cmocka_unit_test(all_together_are_full_at_theirs),
        cmocka_unit_test(without_memory_nothing_is_counted),
        cmocka_unit_test(addresses_are_written_as_java_writes_them),
        cmocka_unit_test(a_line_passes_once_in_a_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
