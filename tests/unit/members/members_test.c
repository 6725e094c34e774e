/* Configurations as text: what is taken, what is refused with which words, and that the canonical text is Apache's. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "core/base/check.h"
#include "core/members/members.h"
#include "tests/support/failing_memory.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

#include <inttypes.h>
#include <stdlib.h>

static struct members *parse(const char *text, unsigned flags)
{
    struct members *m = NULL;
    struct members_error error;
    enum status st = members_parse(bytes_of(text), flags, &m, &error);
    if (st != ST_OK)
        fail_msg("%s: %zu: %s: %s", text, error.line, error.key, error.why);
    return m;
}

static void expect_text(const struct members *m, const char *expected)
{
    struct buffer text = {0};
    assert_int_equal(members_print(m, &text), ST_OK);
    if (!bytes_equal(buffer_bytes(&text), bytes_of(expected)))
        fail_msg("%.*s is not\n%s", BYTES_PRINT(buffer_bytes(&text)), expected);
    buffer_free(&text);
}

/* The printed text reads as the same configuration and prints as itself. */
static void expect_round_trip(const struct members *m)
{
    struct buffer text = {0};
    assert_int_equal(members_print(m, &text), ST_OK);
    assert_int_equal(buffer_append(&text, "", 1), ST_OK);
    struct members *again = parse((const char *)text.data, MEMBERS_MULTI_ADDRESS);
    assert_true(members_same_content(m, again));
    assert_true(m->version == again->version);
    expect_text(again, (const char *)text.data);
    members_free(again);
    buffer_free(&text);
}

/* The first ten as Apache 3.8.0 prints them, checked with its own classes; it knows no secure client part. */
static const struct {
    const char *text, *printed;
} valid[] = {
    {"server.2=b.example.org:2888:3888;2181\nserver.1=a.example.org:2888:3888:OBSERVER;10.0.0.1:2181\n"
     "server.10=J:1:2\nversion=10000000f",
     "server.1=a.example.org:2888:3888:observer;10.0.0.1:2181\n"
     "server.2=b.example.org:2888:3888:participant;0.0.0.0:2181\nserver.10=J:1:2:participant\nversion=10000000f"},
    {"server.1=[::1]:2888:3888;[2001:DB8::A:0:0:1]:2181\nserver.2=[::ffff:10.1.2.3]:1:2;[::]:2181",
     "server.1=[0:0:0:0:0:0:0:1]:2888:3888:participant;[2001:db8:0:0:a:0:0:1]:2181\n"
     "server.2=10.1.2.3:1:2:participant;[0:0:0:0:0:0:0:0]:2181\nversion=0"},
    {"server.1=zz:1:2|aa:3:4:participant|[fe80::1]:5:6;2181",
     "server.1=aa:3:4|[fe80:0:0:0:0:0:0:1]:5:6|zz:1:2:participant;0.0.0.0:2181\nversion=0"},
    {"server.1=a:1:2:observer|b:3:4;2181\nserver.2=c:1:2",
     "server.1=a:1:2|b:3:4:observer;0.0.0.0:2181\nserver.2=c:1:2:participant\nversion=0"},
    {"server.1=[fe80::1%lo]:1:2", "server.1=[fe80::1%lo]:1:2:participant\nversion=0"},
    {"server.3=[1::2.3.4.5]:1:2", "server.3=[1:0:0:0:0:0:203:405]:1:2:participant\nversion=0"},
    {"server.1=a:1:2;", "server.1=a:1:2:participant\nversion=0"},
    {"server.1=a:1:2|a:3:4;0", "server.1=a:1:2|a:3:4:participant;0.0.0.0:0\nversion=0"},
    {"server.1=a:1:2\nserver.2=b:1:2\nserver.3=c:1:2:observer\nserver.4=d:1:2\ngroup.2=1\ngroup.1=2:4\nweight.2=3\n"
     "version=abc",
     "server.1=a:1:2:participant\nserver.2=b:1:2:participant\nserver.3=c:1:2:observer\nserver.4=d:1:2:participant\n"
     "group.1=2:4\ngroup.2=1\nweight.1=1\nweight.2=3\nweight.4=1\nversion=abc"},
    {"server.1=a:1:2\nserver.2=b:1:2\nserver.3=c:1:2:observer\ngroup.1=3:1:2\nweight.3=4",
     "server.1=a:1:2:participant\nserver.2=b:1:2:participant\nserver.3=c:1:2:observer\ngroup.1=1:2:3\nweight.1=1\n"
     "weight.2=1\nweight.3=4\nversion=0"},
    {"server.1=a:1:2;2181;2281", "server.1=a:1:2:participant;0.0.0.0:2181;0.0.0.0:2281\nversion=0"},
    {"server.1=a:1:2;;[::1]:2281", "server.1=a:1:2:participant;;[0:0:0:0:0:0:0:1]:2281\nversion=0"},
    {"server.1=a:1:2;;", "server.1=a:1:2:participant\nversion=0"},
    {"weight.1=0\ngroup.1=1\nserver.1=a:1:2", "server.1=a:1:2:participant\ngroup.1=1\nweight.1=0\nversion=0"},
    {"# comment\n\n ! another\r\n server.1 = a:1:2 \r\nversion=0\n", "server.1=a:1:2:participant\nversion=0"},
    {"server.0=a:1:2\nserver.9223372036854775807=b_2:1:2:Observer\nversion=7FFFFFFFFFFFFFFF",
     "server.0=a:1:2:participant\nserver.9223372036854775807=b_2:1:2:observer\nversion=7fffffffffffffff"},
    {"server.1=[1:2:3:4:5:6:7::]:1:2", "server.1=[1:2:3:4:5:6:7:0]:1:2:participant\nversion=0"},
};

static void canonical_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(valid); i++) {
        struct members *m = parse(valid[i].text, MEMBERS_MULTI_ADDRESS);
        expect_text(m, valid[i].printed);
        expect_round_trip(m);
        members_free(m);
    }
}

#define GOOD "server.1=a:1:2\n"

static const struct {
    const char *text;
    size_t line;
    const char *key, *why;
} invalid[] = {
    {"", 0, "", "there is no server"},
    {GOOD "server.2=b", 2, "server.2", "is not of the form host:port:port or host:port:port:role"},
    {GOOD "server.2=b:1:2:observer:x", 2, "server.2", "is not of the form host:port:port or host:port:port:role"},
    {GOOD "\n#\nserver.2=:1:2", 4, "server.2", "names no host"},
    {GOOD "server.2=[]:1:2", 2, "server.2", "names no host"},
    {GOOD "server.2=[b]:1:2", 2, "server.2", "holds brackets without an IPv6 address"},
    {GOOD "server.2=[::1:1:2", 2, "server.2", "is not of the form host:port:port or host:port:port:role"},
    {GOOD "server.2=[1:2:3:4:5:6:7:8:9]:1:2", 2, "server.2", "holds brackets without an IPv6 address"},
    {GOOD "server.2=[1:2:3:4:5:6:7:8::]:1:2", 2, "server.2", "holds brackets without an IPv6 address"},
    {GOOD "server.2=[1::2::3]:1:2", 2, "server.2", "holds brackets without an IPv6 address"},
    {GOOD "server.2=[::12345]:1:2", 2, "server.2", "holds brackets without an IPv6 address"},
    {GOOD "server.2=[::1.2.3]:1:2", 2, "server.2", "holds brackets without an IPv6 address"},
    {GOOD "server.2=[::1.2.3.256]:1:2", 2, "server.2", "holds brackets without an IPv6 address"},
    {GOOD "server.2=[1:2:3:4:5:6:7:1.2.3.4]:1:2", 2, "server.2", "holds brackets without an IPv6 address"},
    {GOOD "server.2=[:1]:1:2", 2, "server.2", "holds brackets without an IPv6 address"},
    {GOOD "server.2=[1:]:1:2", 2, "server.2", "holds brackets without an IPv6 address"},
    {GOOD "server.2=[::1%]:1:2", 2, "server.2", "holds brackets without an IPv6 address"},
    {GOOD "server.2=::1:1:2", 2, "server.2", "is not of the form host:port:port or host:port:port:role"},
    {GOOD "server.2=b c:1:2", 2, "server.2", "holds a character that is not of a host's name"},
    {GOOD "server.2=b:0:2", 2, "server.2", "holds a port that is none"},
    {GOOD "server.2=b:1:65536", 2, "server.2", "holds a port that is none"},
    {GOOD "server.2=b:1:-2", 2, "server.2", "holds a port that is none"},
    {GOOD "server.2=b:2:2", 2, "server.2", "uses one port for quorum and election"},
    {GOOD "server.2=b:1:2:king", 2, "server.2", "has a role that is neither participant nor observer"},
    {GOOD "server.2=b:1:2:observer|c:1:2:participant", 2, "server.2", "has different roles at different addresses"},
    {GOOD "server.2=b:1:2|B:2:3", 2, "server.2", "uses a port of a host twice"},
    {GOOD "server.2=b:1:2|", 2, "server.2", "is not of the form host:port:port or host:port:port:role"},
    {GOOD "server.2=a:1:2|b:1:2|c:1:2|d:1:2|e:1:2|f:1:2|g:1:2|h:1:2|i:1:2", 2, "server.2", "has too many addresses"},
    {GOOD "server.2=b:1:2;x", 2, "server.2", "holds a client port that is not of the form port or host:port"},
    {GOOD "server.2=b:1:2;65536", 2, "server.2", "holds a client port that is not of the form port or host:port"},
    {GOOD "server.2=b:1:2;c:d:1", 2, "server.2", "holds a client port that is not of the form port or host:port"},
    {GOOD "server.2=b:1:2;:2181", 2, "server.2", "names no host"},
    {GOOD "server.2=b:1:2;1;2;", 2, "server.2", "has more than two client ports"},
    {GOOD "server.1=b:1:2", 2, "server.1", "is given twice"},
    {GOOD "server.x=b:1:2", 2, "server.x", "the part behind the dot is not a server's number"},
    {GOOD "server.=b:1:2", 2, "server.", "the part behind the dot is not a server's number"},
    {GOOD "server.-1=b:1:2", 2, "server.-1", "the part behind the dot is not a server's number"},
    {GOOD "server.9223372036854775808=b:1:2", 2, "server.9223372036854775808",
     "the part behind the dot is not a server's number"},
    {GOOD "group.a=1", 2, "group.a", "the part behind the dot is not a group's number"},
    {GOOD "group.1=1\ngroup.1=2", 3, "group.1", "is given twice"},
    {GOOD "group.1=1:1", 2, "group.1", "server 1 is in a group already"},
    {GOOD "group.1=1:", 2, "group.1", "names something that is not a server's number"},
    {GOOD "group.1=1\ngroup.2=2", 3, "group.2", "names a server that there is not"},
    {GOOD "server.2=b:1:2\ngroup.1=1", 2, "server.2", "is in no group, and there are groups or weights"},
    {GOOD "weight.1=2", 1, "server.1", "is in no group, and there are groups or weights"},
    {GOOD "server.2=b:1:2:observer\ngroup.1=1:2", 2, "server.2", "is an observer in a group and has no weight"},
    {GOOD "weight.1=-1", 2, "weight.1", "is not a number from 0 to 2147483647"},
    {GOOD "weight.1=2147483648", 2, "weight.1", "is not a number from 0 to 2147483647"},
    {GOOD "weight.1=1\nweight.1=1", 3, "weight.1", "is given twice"},
    {GOOD "weight.2=1", 2, "weight.2", "there is no such server"},
    {GOOD "version=0x1", 2, "version", "is not a hexadecimal number without 0x"},
    {GOOD "version=", 2, "version", "is not a hexadecimal number without 0x"},
    {GOOD "version=8000000000000000", 2, "version", "is not a hexadecimal number without 0x"},
    {GOOD "version=1\nversion=1", 3, "version", "is given twice"},
    {GOOD "tickTime=2000", 2, "tickTime", "is not server.N, group.N, weight.N or version"},
    {GOOD "nonsense", 2, "nonsense", "is not of the form key=value"},
    {"server.1=a:1:2:observer", 1, "server.1", "is an observer, and there is nobody to observe"},
};

static void refused_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(invalid); i++) {
        struct members *m = NULL;
        struct members_error error;
        assert_int_equal(members_parse(bytes_of(invalid[i].text), MEMBERS_MULTI_ADDRESS, &m, &error), ST_BAD_ARGUMENTS);
        assert_null(m);
        assert_string_equal(error.why, invalid[i].why);
        assert_string_equal(error.key, invalid[i].key);
        assert_int_equal(error.line, invalid[i].line);
    }
}

static void commas_and_several_addresses_are_asked_for(void **state)
{
    (void)state;
    struct members *m = parse("server.1=a:1:2,server.2=b:1:2;2181\nserver.3=c:1:2,version=5", MEMBERS_COMMAS);
    assert_int_equal(m->count, 3);
    assert_true(m->version == 5);
    members_free(m);
    struct members_error error;
    assert_int_equal(members_parse(BYTES("server.1=a:1:2,server.2=b:1:2"), 0, &m, &error), ST_BAD_ARGUMENTS);
    assert_int_equal(members_parse(BYTES("server.1=a:1:2|b:1:2"), 0, &m, &error), ST_BAD_ARGUMENTS);
    assert_string_equal(error.why, "has several addresses, which needs multiAddress.enabled=true");
}

static void limits(void **state)
{
    (void)state;
    struct members *m = NULL;
    struct members_error error;
    struct buffer text = {0};
    for (int i = 0; i <= MEMBERS_VOTERS_MAX; i++)
        buffer_printf(&text, "server.%d=h:1:2\n", MEMBERS_VOTERS_MAX - i);
    assert_int_equal(members_parse(buffer_bytes(&text), 0, &m, &error), ST_BAD_ARGUMENTS);
    assert_string_equal(error.why, "there are 256 participants, more than 255");
    text.len = 0;
    buffer_printf(&text, "server.0=h:1:2\n");
    for (int i = 1; i < MEMBERS_MAX; i++)
        buffer_printf(&text, "server.%d=h:1:2:observer\n", i);
    assert_int_equal(members_parse(buffer_bytes(&text), 0, &m, &error), ST_OK);
    assert_int_equal(m->count, MEMBERS_MAX);
    members_free(m);
    buffer_printf(&text, "server.%d=h:1:2:observer\n", MEMBERS_MAX);
    assert_int_equal(members_parse(buffer_bytes(&text), 0, &m, &error), ST_BAD_ARGUMENTS);
    assert_string_equal(error.why, "is one server too many: 4096 are allowed");
    assert_int_equal(error.line, MEMBERS_MAX + 1);
    while (text.len <= MEMBERS_TEXT_MAX)
        buffer_printf(&text, "# filling\n");
    assert_int_equal(members_parse(buffer_bytes(&text), 0, &m, &error), ST_BAD_ARGUMENTS);
    assert_int_equal(error.line, 0);
    buffer_free(&text);
}

/* Short when it is read, too long when role and client host are written out. */
static void a_text_that_would_be_too_long_is_not_printed(void **state)
{
    (void)state;
    struct members *m = NULL;
    struct members_error error;
    struct buffer text = {0};
    char host[MEMBER_HOST_MAX + 1];
    memset(host, 'h', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    for (int i = 0; text.len < MEMBERS_TEXT_MAX - 400; i++)
        buffer_printf(&text, "server.%d=%s:1:2%s\n", i, host, i == 0 ? "" : ":OBSERVER;1");
    assert_int_equal(members_parse(buffer_bytes(&text), 0, &m, &error), ST_OK);
    struct buffer printed = {0};
    buffer_append(&printed, "kept", 4);
    assert_int_equal(members_print(m, &printed), ST_LIMIT);
    assert_int_equal(printed.len, 4);
    buffer_free(&printed);
    buffer_free(&text);
    members_free(m);
}

static void equality(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool equal;
    } rows[] = {
        {"server.1=a:1:2", "server.1=A:1:2:PARTICIPANT\nversion=1", true},
        {"server.1=a:1:2\nversion=7", "server.2=b:3:4\nversion=7", true},
        {"server.1=a:1:2", "server.2=a:1:2\nversion=1", false},
        {"server.1=a:1:2", "server.1=a:1:3\nversion=1", false},
        {"server.1=a:1:2", "server.1=a:3:2\nversion=1", false},
        {"server.1=a:1:2", "server.1=b:1:2\nversion=1", false},
        {"server.1=a:1:2", "server.1=a:1:2;1\nversion=1", false},
        {"server.1=a:1:2;1", "server.1=a:1:2;0.0.0.0:1\nversion=1", true},
        {"server.1=a:1:2;1", "server.1=a:1:2;2\nversion=1", false},
        {"server.1=a:1:2;1", "server.1=a:1:2;;1\nversion=1", false},
        {"server.1=[::1]:1:2", "server.1=[0:0::1]:1:2\nversion=1", true},
        {"server.1=a:1:2|B:3:4", "server.1=A:1:2|b:3:4\nversion=1", true},
        {"server.1=a:1:2|b:3:4", "server.1=a:1:2\nversion=1", false},
        {"server.1=a:1:2\nserver.2=b:1:2", "server.1=a:1:2\nserver.2=b:1:2:observer\nversion=1", false},
        {"server.1=a:1:2\nserver.2=b:1:2", "server.1=a:1:2\nversion=1", false},
        {"server.1=a:1:2\ngroup.1=1", "server.1=a:1:2\nversion=1", false},
        {"server.1=a:1:2\ngroup.1=1", "server.1=a:1:2\ngroup.2=1\nversion=1", false},
        {"server.1=a:1:2\ngroup.1=1", "server.1=a:1:2\ngroup.1=1\nweight.1=1\nversion=1", true},
        {"server.1=a:1:2\ngroup.1=1", "server.1=a:1:2\ngroup.1=1\nweight.1=2\nversion=1", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct members *a = parse(rows[i].a, MEMBERS_MULTI_ADDRESS), *b = parse(rows[i].b, MEMBERS_MULTI_ADDRESS);
        assert_int_equal(members_equal(a, b), rows[i].equal);
        assert_int_equal(members_equal(b, a), rows[i].equal);
        members_free(a);
        members_free(b);
    }
}

/* -- recorded texts ------------------------------------------------------------------------------------------------ */

static size_t unhex(const char *hex, uint8_t *out, size_t size)
{
    size_t len = 0;
    unsigned byte;
    while (len < size && sscanf(hex + 2 * len, "%2x", &byte) == 1 && hex[2 * len] != '"')
        out[len++] = (uint8_t)byte;
    return len;
}

/* Checks each text in the bytes of a packet; returns how many there were. */
static size_t check_packet(const uint8_t *bytes, size_t len)
{
    size_t count = 0;
    const uint8_t *end = bytes + len;
    for (const uint8_t *at = bytes; (at = memmem(at, (size_t)(end - at), "server.", 7)) != NULL; count++) {
        const uint8_t *to = memmem(at, (size_t)(end - at), "version=", 8);
        if (to == NULL)
            break; /* the argument of a reconfig */
        for (to += 8; to < end && strchr("0123456789abcdef", *to) != NULL && *to != '\0';)
            to++;
        char text[4096];
        snprintf(text, sizeof text, "%.*s", (int)(to - at), (const char *)at);
        struct members *m = parse(text, 0);
        expect_text(m, text);
        members_free(m);
        at = to;
    }
    return count;
}

static void recorded_texts_are_printed_byte_for_byte(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        size_t texts;
    } files[] = {{"election-nonvoter-query", 6}, {"election-restart-round", 15}, {"election-start", 11},
                 {"follower-handshake-snap", 2}, {"reconfig-add-observer", 5},   {"reconfig-remove-leader", 5}};
    static char line[64 * 1024];
    static uint8_t bytes[32 * 1024];
    const char *root = getenv("ZOOID_ROOT");
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        char path[512];
        size_t texts = 0;
        snprintf(path, sizeof path, "%s/tests/golden/vectors/quorum/%s.jsonl", root == NULL ? "." : root,
                 files[i].file);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        while (fgets(line, sizeof line, file) != NULL) {
            const char *hex = strstr(line, "\"hex\": \"");
            assert_non_null(hex);
            texts += check_packet(bytes, unhex(hex + 8, bytes, sizeof bytes));
        }
        fclose(file);
        assert_int_equal(texts, files[i].texts);
    }
}

/* -- random texts, no memory --------------------------------------------------------------------------------------- */

static void add_random_server(struct random *r, int64_t sid, struct buffer *text)
{
    static const char *const hosts[] = {
        "a", "B.example", "[::1]", "10.0.0.7", "[fe80::2:3%eth0]", "[2001:db8::]", "x-y_z", "[::ffff:1.2.3.4]"};
    static const char *const roles[] = {"", ":participant", ":Observer"};
    const char *role = sid == 0 ? "" : roles[random_below(r, 3)];
    buffer_printf(text, "server.%" PRId64 "=", sid);
    for (uint32_t i = 0, count = 1 + random_below(r, 3); i < count; i++)
        buffer_printf(text, "%s%s:%u:%u%s", i > 0 ? "|" : "", hosts[random_below(r, 8)], 1 + 2 * i, 2 + 2 * i, role);
    for (uint32_t i = 0, doors = random_below(r, 3); i < doors; i++)
        if (random_below(r, 2) == 0)
            buffer_printf(text, ";%u", random_below(r, 65536));
        else
            buffer_printf(text, ";%s:%u", hosts[random_below(r, 8)], random_below(r, 65536));
    buffer_printf(text, "\n");
}

static void random_texts_come_back(void **state)
{
    (void)state;
    struct random r = {random_seed()};
    for (int round = 0; round < 2000; round++) {
        struct buffer text = {0};
        bool grouped = random_below(&r, 2) == 0;
        uint32_t servers = 1 + random_below(&r, 8);
        for (uint32_t sid = 0; sid < servers; sid++)
            add_random_server(&r, (int64_t)sid * sid * sid, &text);
        for (uint32_t sid = 0; sid < servers && grouped; sid++)
            buffer_printf(&text, "group.%u=%u\nweight.%u=%u\n", 9 - sid, sid * sid * sid, sid * sid * sid,
                          random_below(&r, 4));
        buffer_printf(&text, "version=%" PRIx64, random_next(&r) >> 1);
        buffer_append(&text, "", 1);
        struct members *m = parse((const char *)text.data, MEMBERS_MULTI_ADDRESS);
        assert_int_equal(m->count, servers);
        expect_round_trip(m);
        members_free(m);
        buffer_free(&text);
    }
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    int allowed = 0;
    for (bool failed = true; failed; allowed++) {
        struct members *m = NULL;
        struct members_error error;
        struct buffer text = {0};
        memory_fail_after(allowed);
        enum status st = members_parse(bytes_of(valid[8].text), 0, &m, &error);
        if (st == ST_OK)
            st = members_print(m, &text);
        failed = memory_has_failed();
        memory_fail_after(-1);
        assert_int_equal(st, failed ? ST_NO_MEMORY : ST_OK);
        members_free(m);
        buffer_free(&text);
    }
    assert_true(allowed > 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_texts),
        cmocka_unit_test(refused_texts),
        cmocka_unit_test(commas_and_several_addresses_are_asked_for),
        cmocka_unit_test(limits),
        cmocka_unit_test(a_text_that_would_be_too_long_is_not_printed),
        cmocka_unit_test(equality),
        cmocka_unit_test(recorded_texts_are_printed_byte_for_byte),
        cmocka_unit_test(random_texts_come_back),
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
