/* ACLs: the table of interned lists, which ids are legal, which match, and what that permits
 * (client-protocol 8.1, 8.2). */
#include "core/tree/acl.h"

#include "core/base/check.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

static const struct hash_key hash_key = {61, 62};

/* -- ids ---------------------------------------------------------------------------------------------------------- */

static void legal_ids(void **state)
{
    (void)state;
    static const struct {
        const char *scheme, *id;
        bool valid;
    } rows[] = {
        {"world", "anyone", true},
        {"world", "Anyone", false},
        {"world", "", false},
        {"world", "anyone ", false},
        {"digest", "u:p", true},
        {"digest", "u:Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ=", true},
        {"digest", ":b", true},
        {"digest", "a:b:", true},
        {"digest", "abc", false},
        {"digest", "a:", false},
        {"digest", ":", false},
        {"digest", "::", false},
        {"digest", "", false},
        {"digest", "a:b:c", false},
        {"digest", "a::b", false},
        {"ip", "1.2.3.4", true},
        {"ip", "0.0.0.0", true},
        {"ip", "255.255.255.255", true},
        {"ip", "1.2.3.4/0", true},
        {"ip", "1.2.3.4/32", true},
        {"ip", "::1", true},
        {"ip", "fe80::1/64", true},
        {"ip", "::ffff:1.2.3.4/128", true},
        {"ip", "1.2.3.4/33", false},
        {"ip", "1.2.3.4/-1", false},
        {"ip", "1.2.3.4/", false},
        {"ip", "1.2.3.4/8/8", false},
        {"ip", "1.2.3.4/99999999999999", false},
        {"ip", "1.2.3.256", false},
        {"ip", "1.2.3", false},
        {"ip", "1.2.3.4.5", false},
        {"ip", "::1/129", false},
        {"ip", "", false},
        {"ip", "localhost", false},
        {"ip", "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc", false},
        {"x509", "CN=a", true},
        {"x509", "CN=a,OU=b;O=c+L=d", true},
        {"x509", "CN = \"a, b\", 2.5.4.3=x", true},
        {"x509", "CN=a\\,b", true},
        {"x509", "CN=", true},
        {"x509", "CN", false},
        {"x509", "", false},
        {"x509", "CN=a,", false},
        {"x509", "=a", false},
        {"x509", "CN=\"a", false},
        {"x509", "CN=a\\", false},
        {"super", "", false},
        {"auth", "", false},
        {"sasl", "u", false},
        {"nonsense", "x", false},
        {"", "anyone", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (acl_id_is_valid(bytes_of(rows[i].scheme), bytes_of(rows[i].id)) != rows[i].valid)
            fail_msg("row %zu: %s:%s", i, rows[i].scheme, rows[i].id);
    }
    assert_false(acl_id_is_valid(BYTES("world"), BYTES_NULL));
    assert_false(acl_id_is_valid(BYTES_NULL, BYTES("anyone")));
    assert_false(acl_id_is_valid(BYTES("ip"), BYTES("1.2.3.4\0")));
}

static void matching_ids(void **state)
{
    (void)state;
    static const struct {
        const char *scheme, *entry_id, *own_id;
        bool matches;
    } rows[] = {
        {"digest", "u:p", "u:p", true},
        {"digest", "u:p", "u:q", false},
        {"digest", "u:p", "u:p ", false},
        {"x509", "CN=a", "CN=a", true},
        {"ip", "10.1.2.3", "10.1.2.3", true},
        {"ip", "10.1.2.3", "10.1.2.4", false},
        {"ip", "10.0.0.0/8", "10.255.0.1", true},
        {"ip", "10.0.0.0/8", "11.0.0.1", false},
        {"ip", "10.1.2.3/8", "10.9.9.9", true},
        {"ip", "192.168.4.0/22", "192.168.7.255", true},
        {"ip", "192.168.4.0/22", "192.168.8.0", false},
        {"ip", "0.0.0.0/0", "1.2.3.4", true},
        {"ip", "1.2.3.4/31", "1.2.3.5", true},
        {"ip", "1.2.3.4/31", "1.2.3.6", false},
        {"ip", "::1", "::1", true},
        {"ip", "::1", "0:0:0:0:0:0:0:1", true},
        {"ip", "fe80::/10", "febf::1", true},
        {"ip", "fe80::/10", "fec0::1", false},
        {"ip", "::/0", "1.2.3.4", false},
        {"ip", "0.0.0.0/0", "::1", false},
        {"ip", "nonsense", "nonsense", false},
        {"ip", "1.2.3.4", "", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (acl_id_matches(bytes_of(rows[i].scheme), bytes_of(rows[i].entry_id), bytes_of(rows[i].own_id)) !=
            rows[i].matches)
            fail_msg("row %zu: %s %s", i, rows[i].entry_id, rows[i].own_id);
    }
}

/* -- lists -------------------------------------------------------------------------------------------------------- */

#define ENTRIES_MAX 3

struct list {
    struct {
        int32_t perms;
        const char *scheme, *id;
    } entries[ENTRIES_MAX];
};

static struct acls make_list(struct buffer *out, const struct list *list)
{
    struct writer w = writer_to(out);
    int32_t count = 0;
    for (; count < ENTRIES_MAX && list->entries[count].scheme != NULL; count++) {
        const struct acl_entry entry = {list->entries[count].perms, bytes_of(list->entries[count].scheme),
                                        bytes_of(list->entries[count].id)};
        acl_entry_write(&w, &entry);
    }
    assert_int_equal(w.status, ST_OK);
    return (struct acls){count, count == 0 ? BYTES("") : buffer_bytes(out)};
}

static void permissions(void **state)
{
    (void)state;
    static const struct list lists[] = {
        {{{31, "world", "anyone"}}},
        {{{1, "world", "anyone"}, {31, "digest", "u:p"}}},
        {{{6, "ip", "10.0.0.0/8"}, {16, "digest", "u:p"}, {8, "digest", "u:p"}}},
        {{{0, NULL, NULL}}},
        {{{64, "world", "anyone"}}},
        {{{31, "world", "somebody"}}},
    };
    static const struct identity address = {BYTES("ip"), BYTES("10.0.0.1")}, user = {BYTES("digest"), BYTES("u:p")},
                                 other = {BYTES("digest"), BYTES("v:p")}, super = {BYTES("super"), BYTES("")};
    const struct identity local[] = {address}, logged_in[] = {address, user}, stranger[] = {other},
                          root[] = {other, super};
    const struct {
        size_t list;
        uint32_t wanted;
        struct identities who;
        bool permits;
    } rows[] = {
        {0, PERMISSION_ADMIN, {stranger, 1}, true},   {0, PERMISSION_ADMIN, {NULL, 0}, true},
        {1, PERMISSION_READ, {stranger, 1}, true},    {1, PERMISSION_WRITE, {stranger, 1}, false},
        {1, PERMISSION_WRITE, {logged_in, 2}, true},  {1, PERMISSION_READ | PERMISSION_ADMIN, {stranger, 1}, true},
        {1, PERMISSION_WRITE, {root, 2}, true},       {2, PERMISSION_WRITE, {local, 1}, true},
        {2, PERMISSION_READ, {local, 1}, false},      {2, PERMISSION_DELETE, {local, 1}, false},
        {2, PERMISSION_DELETE, {logged_in, 2}, true}, {2, PERMISSION_CREATE, {stranger, 1}, false},
        {3, PERMISSION_ADMIN, {stranger, 1}, true},   {4, PERMISSION_ALL, {logged_in, 2}, false},
        {4, PERMISSION_ALL, {root, 2}, true},         {5, PERMISSION_READ, {logged_in, 2}, false},
    };
    struct acl_table *t = acl_table_new(&hash_key);
    assert_non_null(t);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buffer out = {0};
        struct acls list = make_list(&out, &lists[rows[i].list]);
        uint32_t number;
        assert_int_equal(acl_intern(t, list, &number), ST_OK);
        if (acls_permit(list, rows[i].wanted, rows[i].who) != rows[i].permits ||
            acl_permits(t, number, rows[i].wanted, rows[i].who) != rows[i].permits)
            fail_msg("row %zu", i);
        acl_release(t, number);
        buffer_free(&out);
    }
    acl_table_free(t);
}

static void damaged_lists_permit_nothing_more(void **state)
{
    (void)state;
    struct buffer out = {0};
    const struct list list = {{{1, "digest", "u:p"}, {31, "world", "anyone"}}};
    struct acls whole = make_list(&out, &list);
    for (size_t len = 0; len < whole.raw.len; len++) {
        const struct acls cut = {2, bytes_make(whole.raw.data, len)};
        assert_false(acls_permit(cut, PERMISSION_ADMIN, (struct identities){NULL, 0}));
    }
    buffer_free(&out);
}

/* -- the table ---------------------------------------------------------------------------------------------------- */

static void well_known_lists_have_their_numbers(void **state)
{
    (void)state;
    struct acl_table *t = acl_table_new(&hash_key);
    assert_non_null(t);
    uint32_t number = 99;
    struct buffer out = {0};
    const struct list open = {{{31, "world", "anyone"}}};
    assert_int_equal(acl_intern(t, make_list(&out, &open), &number), ST_OK);
    assert_int_equal(number, ACL_OPEN);
    assert_true(bytes_equal(acl_get(t, ACL_OPEN).raw, buffer_bytes(&out)));
    assert_int_equal(acl_get(t, ACL_OPEN).count, 1);
    assert_int_equal(acl_intern(t, (struct acls){-1, BYTES_NULL}, &number), ST_OK);
    assert_int_equal(number, ACL_NONE);
    assert_int_equal(acl_intern(t, (struct acls){0, BYTES("")}, &number), ST_OK);
    assert_int_equal(number, ACL_NONE);
    assert_int_equal(acl_get(t, ACL_NONE).count, 0);
    acl_release(t, ACL_OPEN);
    acl_release(t, ACL_NONE);
    acl_hold(t, ACL_OPEN);
    buffer_free(&out);
    acl_table_free(t);
}

static struct acls numbered_list(struct buffer *out, uint32_t i)
{
    char id[32];
    snprintf(id, sizeof id, "user%u:x", i);
    const struct list list = {{{31, "digest", id}}};
    return make_list(out, &list);
}

static uint32_t lists_in(const struct acl_table *t)
{
    uint32_t count = 0;
    for (uint32_t at = acl_next(t, 0); at != 0; at = acl_next(t, at + 1))
        count++;
    return count;
}

/* Against an array of counters. */
static void lists_live_while_held(void **state)
{
    (void)state;
    enum { LISTS = 40, STEPS = 5000 };
    uint32_t holders[LISTS] = {0}, numbers[LISTS] = {0}, alive = 0;
    struct random random = {random_seed()};
    struct acl_table *t = acl_table_new(&hash_key);
    assert_non_null(t);
    for (int step = 0; step < STEPS; step++) {
        uint32_t i = random_below(&random, LISTS);
        struct buffer out = {0};
        struct acls list = numbered_list(&out, i);
        if (holders[i] > 0 && random_below(&random, 2) == 0) {
            assert_true(bytes_equal(acl_get(t, numbers[i]).raw, list.raw));
            acl_release(t, numbers[i]);
            alive -= --holders[i] == 0;
        } else if (holders[i] > 0 && random_below(&random, 2) == 0) {
            acl_hold(t, numbers[i]);
            holders[i]++;
        } else {
            uint32_t number;
            assert_int_equal(acl_intern(t, list, &number), ST_OK);
            assert_true(holders[i] == 0 || number == numbers[i]);
            alive += holders[i]++ == 0;
            numbers[i] = number;
        }
        assert_int_equal(lists_in(t), alive);
        buffer_free(&out);
    }
    acl_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(legal_ids),
        cmocka_unit_test(matching_ids),
        cmocka_unit_test(permissions),
        cmocka_unit_test(damaged_lists_permit_nothing_more),
        cmocka_unit_test(well_known_lists_have_their_numbers),
        cmocka_unit_test(lists_live_while_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
