/* Session passwords: Apache's rule to the byte, and a keyed one that nobody can compute (client-protocol 5.2). */
#include "core/base/crypto.h"
#include "core/replica/replica_internal.h"
#include "tests/support/test.h"

static const struct session recorded = {.id = 0x0100000b28e40000};
static const uint8_t recorded_password[16] = {0x5e, 0x20, 0x17, 0x4c, 0x93, 0x6d, 0x2a, 0x54,
                                              0x6c, 0x85, 0x07, 0x1a, 0x94, 0x1f, 0x45, 0x14};

/* A server that runs alone. */
static struct replica alone(const struct replica_options *options)
{
    return (struct replica){.options = *options, .mac = crypto_mac_new()};
}

static void give(const struct replica_options *options, const struct session *session, uint8_t password[16])
{
    const struct replica r = alone(options);
    assert_non_null(r.mac);
    password_give(&r, session, password);
    crypto_mac_free(r.mac);
}

static bool is_right(const struct replica_options *options, const struct session *session, struct bytes password)
{
    const struct replica r = alone(options);
    assert_non_null(r.mac);
    const bool right = password_judge(&r, session, password) == PASSWORD_RIGHT;
    crypto_mac_free(r.mac);
    return right;
}

static bool matches(const struct replica_options *options, const struct session *session, const void *data, size_t len)
{
    return is_right(options, session, bytes_make(data, len));
}

static void apache_s_rule_is_apache_s(void **state)
{
    (void)state;
    const struct replica_options options = {.apache_passwords = true};
    uint8_t password[16];
    give(&options, &recorded, password);
    assert_memory_equal(password, recorded_password, sizeof password);
}

/* One that came with Apache's directory keeps what its client was given. */
static void session_from_apache_keeps_its_password(void **state)
{
    (void)state;
    const struct replica_options options = {.password_key = {1}};
    struct session old = recorded;
    old.from_apache = true;
    assert_true(matches(&options, &old, recorded_password, 16));
    assert_false(matches(&options, &recorded, recorded_password, 16));
}

static void keyed_rule_depends_on_key_and_id(void **state)
{
    (void)state;
    const struct replica_options options = {.password_key = "0123456789abcdef0123456789abcde"};
    struct replica_options other_key = options;
    struct session other_id = recorded;
    uint8_t password[16], other[16];
    other_key.password_key[31] ^= 1;
    other_id.id++;
    give(&options, &recorded, password);
    give(&other_key, &recorded, other);
    assert_memory_not_equal(password, other, sizeof password);
    give(&options, &other_id, other);
    assert_memory_not_equal(password, other, sizeof password);
    assert_true(matches(&options, &recorded, password, 16));
    assert_false(matches(&other_key, &recorded, password, 16));
    assert_false(matches(&options, &other_id, password, 16));
}

static void only_the_whole_password_matches(void **state)
{
    (void)state;
    const struct replica_options options = {.apache_passwords = true};
    uint8_t longer[17] = {0}, wrong[16];
    memcpy(longer, recorded_password, 16);
    assert_false(matches(&options, &recorded, recorded_password, 15));
    assert_false(matches(&options, &recorded, longer, 17));
    assert_false(matches(&options, &recorded, "", 0));
    assert_false(is_right(&options, &recorded, BYTES_NULL));
    for (size_t i = 0; i < sizeof wrong; i++) {
        memcpy(wrong, recorded_password, sizeof wrong);
        wrong[i] ^= 0x80;
        assert_false(matches(&options, &recorded, wrong, sizeof wrong));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(apache_s_rule_is_apache_s),
        cmocka_unit_test(session_from_apache_keeps_its_password),
        cmocka_unit_test(keyed_rule_depends_on_key_and_id),
        cmocka_unit_test(only_the_whole_password_matches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
