/* ACL lists as they come and as they are kept, one row each (client-protocol 8.3); and who may do what (8.1). */
#include "core/base/check.h"
#include "core/ops/access.h"
#include "tests/support/test.h"

enum { ENTRIES_MAX = 1000 };

#define ID(scheme, id)                                   \
    {                                                    \
        {(const uint8_t *)(scheme), sizeof(scheme) - 1}, \
        {                                                \
            (const uint8_t *)(id), sizeof(id) - 1        \
        }                                                \
    }

static const struct identity stranger[] = {ID("ip", "127.0.0.1")};
static const struct identity user[] = {ID("ip", "127.0.0.1"), ID("digest", "u:h")};
static const struct identity two[] = {ID("digest", "u:h"), ID("x509", "CN=u"), ID("digest", "v:h")};
static const struct identity super[] = {ID("super", ""), ID("digest", "super:h")};

#define WHO(items)              \
    {                           \
        items, ARRAY_LEN(items) \
    }

static const struct op_rules rules = {.digest_enabled = true, .acl_entries_max = ENTRIES_MAX};

/* "31 world anyone, 1 digest u:h"; "-" is null, "''" is empty. */
static struct acls list_of(struct buffer *raw, const char *text)
{
    struct writer w = writer_to(raw);
    struct acls list = {.count = 0};
    char scheme[32], id[64];
    int perms, used;
    assert_int_equal(buffer_reserve(raw, 1), ST_OK);
    while (sscanf(text, " %d %31s %63[^ ,]%n", &perms, scheme, id, &used) == 3) {
        write_i32(&w, perms);
        write_text(&w, strcmp(scheme, "-") == 0 ? BYTES_NULL : bytes_of(scheme));
        write_text(&w, strcmp(id, "-") == 0 ? BYTES_NULL : strcmp(id, "''") == 0 ? BYTES("") : bytes_of(id));
        list.count++;
        text += used + (text[used] == ',');
    }
    list.raw = buffer_bytes(raw);
    return list;
}

static const struct fix_up_row {
    const char *given;
    struct identities who;
    const char *kept; /* NULL: refused */
} rows[] = {
    {"31 world anyone", WHO(stranger), "31 world anyone"},
    {"1 world anyone", WHO(stranger), "1 world anyone"},
    {"", WHO(user), NULL},
    {"31 world someone", WHO(stranger), NULL},
    {"31 world ''", WHO(stranger), NULL},
    {"31 world -", WHO(stranger), NULL},
    {"31 - anyone", WHO(stranger), NULL},
    {"31 '' anyone", WHO(stranger), NULL},
    {"31 World anyone", WHO(stranger), NULL},
    {"31 super u", WHO(super), NULL},
    {"31 sasl u", WHO(user), NULL},
    {"31 nonsense u", WHO(user), NULL},
    /* Duplicates go, the order stays. */
    {"1 world anyone, 1 world anyone", WHO(stranger), "1 world anyone"},
    {"31 world anyone, 31 world anyone", WHO(stranger), "31 world anyone"},
    {"1 world anyone, 2 world anyone, 1 world anyone", WHO(stranger), "1 world anyone, 2 world anyone"},
    {"2 digest b:h, 1 ip 1.2.3.4, 2 digest b:h", WHO(stranger), "2 digest b:h, 1 ip 1.2.3.4"},
    /* One bad entry spoils the list, wherever it stands. */
    {"1 world anyone, 1 digest u", WHO(user), NULL},
    {"1 digest u, 1 world anyone", WHO(user), NULL},
    /* Only what was proved stands for `auth`. */
    {"1 auth ''", WHO(stranger), NULL},
    {"1 auth -", WHO(user), "1 digest u:h"},
    {"3 auth ignored", WHO(user), "3 digest u:h"},
    {"3 auth ''", WHO(two), "3 digest u:h, 3 x509 CN=u, 3 digest v:h"},
    {"3 auth ''", WHO(super), "3 digest super:h"},
    {"1 auth '', 1 digest u:h, 2 auth ''", WHO(user), "1 digest u:h, 2 digest u:h"},
    {"1 world anyone, 3 auth ''", WHO(stranger), NULL},
    /* Ids of each scheme. */
    {"1 digest u:", WHO(user), NULL},
    {"1 digest u:h:", WHO(user), "1 digest u:h:"},
    {"1 digest u:h:x", WHO(user), NULL},
    {"1 digest :h", WHO(user), "1 digest :h"},
    {"1 ip 1.2.3.4/32", WHO(user), "1 ip 1.2.3.4/32"},
    {"1 ip 1.2.3.4/33", WHO(user), NULL},
    {"1 ip ::1/128", WHO(user), "1 ip ::1/128"},
    {"1 x509 CN=x", WHO(user), "1 x509 CN=x"},
    {"1 x509 x", WHO(user), NULL},
    /* Permission bits are nobody's business. */
    {"0 world anyone", WHO(stranger), "0 world anyone"},
    {"-1 world anyone", WHO(stranger), "-1 world anyone"},
};

static void lists_are_fixed_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buffer given = {0}, kept = {0}, scratch = {0};
        struct acls fixed, list = list_of(&given, rows[i].given);
        enum status st = access_fix_up(&rules, list, rows[i].who, &scratch, &fixed);
        if (st != (rows[i].kept == NULL ? ST_INVALID_ACL : ST_OK))
            fail_msg("%s: %s", rows[i].given, status_text(st));
        struct acls expected = list_of(&kept, rows[i].kept == NULL ? "" : rows[i].kept);
        if (st == ST_OK && (fixed.count != expected.count || !bytes_equal(fixed.raw, expected.raw)))
            fail_msg("%s: came to another list than %s", rows[i].given, rows[i].kept);
        buffer_free(&given);
        buffer_free(&kept);
        buffer_free(&scratch);
    }
}

/* Behind what stands in the scratch already, for a multi of several creates. */
static void scratch_is_appended_to(void **state)
{
    (void)state;
    struct buffer raw = {0}, scratch = {0};
    struct acls first, second, list = list_of(&raw, "1 world anyone, 1 world anyone");
    assert_int_equal(buffer_append(&scratch, "before", 6), ST_OK);
    assert_int_equal(access_fix_up(&rules, list, (struct identities)WHO(user), &scratch, &first), ST_OK);
    assert_memory_equal(scratch.data, "before", 6);
    assert_int_equal(first.count, 1);
    size_t len = scratch.len;
    assert_int_equal(access_fix_up(&rules, list, (struct identities)WHO(user), &scratch, &second), ST_OK);
    assert_int_equal(second.count, 1);
    assert_int_equal(second.raw.len, scratch.len - len);
    buffer_free(&raw);
    buffer_free(&scratch);
}

static void null_and_endless_lists_are_refused(void **state)
{
    (void)state;
    struct buffer raw = {0}, scratch = {0};
    struct acls fixed;
    const struct identities who = WHO(user);
    assert_int_equal(access_fix_up(&rules, (struct acls){-1, BYTES_NULL}, who, &scratch, &fixed), ST_INVALID_ACL);
    assert_int_equal(access_fix_up(&rules, (struct acls){0, BYTES("")}, who, &scratch, &fixed), ST_INVALID_ACL);
    struct writer w = writer_to(&raw);
    for (int32_t i = 0; i <= ENTRIES_MAX; i++)
        acl_entry_write(&w, &(struct acl_entry){i, BYTES("world"), BYTES("anyone")});
    struct acls list = {ENTRIES_MAX + 1, buffer_bytes(&raw)};
    assert_int_equal(access_fix_up(&rules, list, who, &scratch, &fixed), ST_INVALID_ACL);
    list = (struct acls){ENTRIES_MAX, bytes_make(raw.data, raw.len / (ENTRIES_MAX + 1) * ENTRIES_MAX)};
    assert_int_equal(access_fix_up(&rules, list, who, &scratch, &fixed), ST_OK);
    assert_int_equal(fixed.count, ENTRIES_MAX);
    list = (struct acls){ENTRIES_MAX + 1, buffer_bytes(&raw)};
    const struct op_rules unlimited = {0};
    assert_int_equal(access_fix_up(&unlimited, list, who, &scratch, &fixed), ST_OK);
    buffer_free(&raw);
    buffer_free(&scratch);
}

static void digest_needs_its_provider(void **state)
{
    (void)state;
    struct buffer raw = {0}, scratch = {0};
    struct acls fixed, list = list_of(&raw, "1 digest u:h");
    const struct op_rules without = {.digest_enabled = false};
    const struct identities who = WHO(stranger);
    assert_int_equal(access_fix_up(&without, list, who, &scratch, &fixed), ST_INVALID_ACL);
    assert_int_equal(access_fix_up(&rules, list, who, &scratch, &fixed), ST_OK);
    buffer_free(&raw);
    buffer_free(&scratch);
}

static void super_is_known_by_its_scheme(void **state)
{
    (void)state;
    assert_true(access_is_super((struct identities)WHO(super)));
    assert_false(access_is_super((struct identities)WHO(two)));
    assert_false(access_is_super((struct identities){NULL, 0}));
}

static const struct {
    const char *list;
    uint32_t wanted;
    struct identities who;
    enum status expected;
} checks[] = {
    {"1 world anyone", PERMISSION_READ, WHO(stranger), ST_OK},
    {"1 world anyone", PERMISSION_WRITE, WHO(stranger), ST_NO_AUTH},
    {"1 world anyone", PERMISSION_WRITE | PERMISSION_READ, WHO(stranger), ST_OK},
    {"2 digest u:h, 1 world anyone", PERMISSION_WRITE, WHO(user), ST_OK},
    {"2 digest u:h, 1 world anyone", PERMISSION_WRITE, WHO(stranger), ST_NO_AUTH},
    {"2 digest w:h", PERMISSION_WRITE, WHO(two), ST_NO_AUTH},
    {"2 digest v:h", PERMISSION_WRITE, WHO(two), ST_OK},
    {"0 world anyone", PERMISSION_READ, WHO(two), ST_NO_AUTH},
    {"64 world anyone", PERMISSION_ALL, WHO(two), ST_NO_AUTH},
    {"0 world anyone", PERMISSION_READ, WHO(super), ST_OK},
    {"", PERMISSION_ADMIN, WHO(stranger), ST_OK},
    {"31 world anyone", PERMISSION_ADMIN, WHO(stranger), ST_OK},
};

static void permissions_are_a_node_s_own(void **state)
{
    (void)state;
    const struct tree_options options = {.hash_key = {1, 2}};
    struct tree *t = tree_new(&options);
    assert_non_null(t);
    for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
        struct buffer raw = {0};
        uint32_t number;
        assert_int_equal(acl_intern(tree_acls(t), list_of(&raw, checks[i].list), &number), ST_OK);
        enum status st = access_check(t, &rules, number, checks[i].wanted, checks[i].who);
        if (st != checks[i].expected)
            fail_msg("%s for %u: %s", checks[i].list, checks[i].wanted, status_text(st));
        const struct op_rules skipped = {.skip_acl = true};
        assert_int_equal(access_check(t, &skipped, number, checks[i].wanted, checks[i].who), ST_OK);
        acl_release(tree_acls(t), number);
        buffer_free(&raw);
    }
    tree_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_fixed_up),
        cmocka_unit_test(scratch_is_appended_to),
        cmocka_unit_test(null_and_endless_lists_are_refused),
        cmocka_unit_test(digest_needs_its_provider),
        cmocka_unit_test(super_is_known_by_its_scheme),
        cmocka_unit_test(permissions_are_a_node_s_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
