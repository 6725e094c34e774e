/* Notes and lines of the audit log: what a client chose stands there in one way only, and on one line. */
#include "core/base/check.h"
#include "core/ops/audit.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

#define ID(scheme, id)                                   \
    {                                                    \
        {(const uint8_t *)(scheme), sizeof(scheme) - 1}, \
        {                                                \
            (const uint8_t *)(id), sizeof(id) - 1        \
        }                                                \
    }

/* The lines of a delete of `path` by `who`, terminated. */
static const char *deleted(struct buffer *lines, struct bytes path, struct identities who, enum audit_result result)
{
    const union op_body body = {.path_version = {path, -1}};
    const struct audit_asker asker = {.session_id = 0x12, .who = who};
    const struct op *op = op_find(TXN_DELETE);
    struct buffer note = {0}, record = {0};
    struct writer w = writer_to(&note), r = writer_to(&record), out = writer_to(lines);
    audit_note(&w, &asker, op, &body);
    write_text(&r, path);
    lines->len = 0;
    audit_lines(&out, buffer_bytes(&note), op, buffer_bytes(&record), result);
    write_raw(&out, BYTES("\0"));
    assert_true(w.status == ST_OK && r.status == ST_OK && out.status == ST_OK);
    buffer_free(&note);
    buffer_free(&record);
    return (const char *)lines->data;
}

static void a_path_stands_there_in_one_way(void **state)
{
    static const struct {
        struct bytes path;
        const char *shown;
    } rows[] = {
        {BYTES("/a"), "/a"},
        {BYTES("/a b=c,d"), "/a b=c,d"},
        {BYTES("/caf\xc3\xa9/\xe2\x82\xac"), "/caf\xc3\xa9/\xe2\x82\xac"},
        {BYTES("/a\tb\nc\rd"), "/a\\tb\\nc\\rd"},
        {BYTES("/a\\tb"), "/a\\\\tb"},
        {BYTES("/caf\xc3\xa9\\"), "/caf\\xc3\\xa9\\\\"},
        {BYTES("/\x00\x1f\x7f"), "/\\x00\\x1f\\x7f"},
        {BYTES("/\xc2\x85"), "/\\xc2\\x85"},          /* U+0085, a line's end to some */
        {BYTES("/\xe2\x80\xa8"), "/\\xe2\\x80\\xa8"}, /* U+2028 */
        {BYTES("/\xe2\x80\xa9"), "/\\xe2\\x80\\xa9"}, /* U+2029 */
        {BYTES("/\xe2\x80\xaa"), "/\xe2\x80\xaa"},
        {BYTES("/\xff"), "/\\xff"},
        {BYTES("/\xc0\x8a"), "/\\xc0\\x8a"}, /* a line feed in two bytes */
        {BYTES(""), ""},
    };
    struct buffer lines = {0}, expected = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        expected.len = 0;
        assert_int_equal(buffer_printf(&expected, "session=0x12\tuser=\toperation=delete\tznode=%s\tresult=failure\n",
                                       rows[i].shown),
                         ST_OK);
        assert_int_equal(buffer_append(&expected, "", 1), ST_OK);
        assert_string_equal(deleted(&lines, rows[i].path, (struct identities){0}, AUDIT_FAILURE),
                            (const char *)expected.data);
    }
    buffer_free(&lines);
    buffer_free(&expected);
}

/* Whatever bytes there are: one line, and as many fields as there should be. */
static void no_bytes_make_a_line_or_a_field(void **state)
{
    struct random random = {20261129};
    struct buffer lines = {0};
    uint8_t bytes[24];
    (void)state;
    for (int i = 0; i < 20000; i++) {
        size_t len = random_below(&random, sizeof bytes);
        for (size_t k = 0; k < len; k++)
            bytes[k] = (uint8_t)random_below(&random, random_below(&random, 2) == 0 ? 256 : 16);
        struct bytes text = bytes_make(bytes, len);
        const struct identity who[] = {{BYTES("digest"), text}, {BYTES("x509"), text}, {BYTES("ip"), text}};
        const char *at = deleted(&lines, text, (struct identities){who, ARRAY_LEN(who)}, AUDIT_SUCCESS);
        int tabs = 0, ends = 0;
        for (; *at != '\0'; at++) {
            tabs += *at == '\t';
            ends += *at == '\n';
            assert_true((unsigned char)*at >= 0x20 || *at == '\t' || *at == '\n');
        }
        assert_int_equal(at - (const char *)lines.data, (long)lines.len - 1);
        assert_int_equal(tabs, 5);
        assert_int_equal(ends, 1);
    }
    buffer_free(&lines);
}

static void users_are_told_apart(void **state)
{
    static const struct identity who[] = {
        ID("ip", "10.1.2.3"),          ID("digest", "alice:hash="), ID("digest", "a,super:hash="), ID("super", ""),
        ID("digest", "unix-uid:1000"), ID("digest", "unix-gid:7"),  ID("digest", "unix-uid:x"),    ID("digest", "none"),
        ID("x509", "CN=h,O=x"),        ID("ip", "10.1.2.4")};
    struct buffer lines = {0};
    (void)state;
    assert_string_equal(deleted(&lines, BYTES("/a"), (struct identities){who, ARRAY_LEN(who)}, AUDIT_INVOKED),
                        "session=0x12\tuser=10.1.2.3,alice,a\\x2csuper,uid:1000,gid:7,unix-uid,none,CN=h,O=x,10.1.2.4\t"
                        "ip=10.1.2.3\toperation=delete\tznode=/a\tresult=invoked\n");
    buffer_free(&lines);
}

static void the_server_speaks_of_itself(void **state)
{
    struct buffer lines = {0};
    struct writer w = writer_to(&lines);
    (void)state;
    audit_server_line(&w, "zo,oid\n", "serverStart", AUDIT_FAILURE);
    write_raw(&w, BYTES("\0"));
    assert_string_equal((const char *)lines.data, "user=zo\\x2coid\\n\toperation=serverStart\tresult=failure\n");
    buffer_free(&lines);
}

/* Who adds a write decides whether it is audited: createSession, what no client may ask for, and no others are not. */
static void every_write_of_clients_is_audited(void **state)
{
    size_t count;
    const struct op *rows = op_rows(&count);
    (void)state;
    for (size_t i = 0; i < count; i++)
        assert_int_equal(audit_knows(&rows[i]), rows[i].kind == OP_WRITE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_stands_there_in_one_way),
        cmocka_unit_test(no_bytes_make_a_line_or_a_field),
        cmocka_unit_test(users_are_told_apart),
        cmocka_unit_test(the_server_speaks_of_itself),
        cmocka_unit_test(every_write_of_clients_is_audited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
