/* members_fuzz.c - any bytes as a configuration: a reason, or what prints as a text that means the same. The first byte
 * is the flags; with its high bit what follows is split into a configuration and what joins and leaves it. */
#include "core/base/check.h"
#include "core/members/quorum.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_error(enum status st, const struct members_error *error)
{
    CHECK(st == ST_BAD_ARGUMENTS);
    CHECK(error->why[0] != '\0');
}

static void check_round_trip(const struct members *m)
{
    struct buffer text = {0}, again_text = {0};
    struct members *again = NULL;
    struct members_error error;
    if (members_print(m, &text) == ST_OK) {
        CHECK(members_parse(buffer_bytes(&text), MEMBERS_MULTI_ADDRESS, &again, &error) == ST_OK);
        CHECK(members_same_content(m, again) && m->version == again->version);
        CHECK(members_print(again, &again_text) == ST_OK);
        CHECK(bytes_equal(buffer_bytes(&text), buffer_bytes(&again_text)));
    }
    members_free(again);
    buffer_free(&text);
    buffer_free(&again_text);
}

/* All voters are a quorum unless nobody has any weight, and nobody is none. */
static void check_quorum(const struct members *m)
{
    struct quorum q = quorum_of(m, NULL);
    size_t voters = 0;
    CHECK(!quorum_reached(&q));
    for (size_t i = 0; i < m->count; i++)
        voters += quorum_add(&q, m->items[i]->sid);
    CHECK(voters == m->voters && voters > 0);
    CHECK(m->group_count > 0 || quorum_reached(&q));
}

static void check_reconfig(const struct members *m, struct bytes joining, struct bytes leaving)
{
    const struct members_reconfig from = {.committed = m, .last_seen = m, .zxid = 7, .multi_address = true};
    const struct reconfig_request request = {.joining = joining, .leaving = leaving, .config_id = -1};
    struct members *next = NULL;
    struct members_error error;
    enum status st = members_reconfig(&from, &request, &next, &error);
    if (st != ST_OK) {
        check_error(st, &error);
        return;
    }
    CHECK(next->version == 7);
    check_round_trip(next);
    members_free(next);
}

/* Up to a zero byte, which is taken as well. */
static struct bytes next_text(struct bytes *rest)
{
    const uint8_t *end = rest->len > 0 ? memchr(rest->data, '\0', rest->len) : NULL;
    size_t len = end == NULL ? rest->len : (size_t)(end - rest->data);
    struct bytes text = bytes_make(rest->data, len);
    *rest = bytes_from(*rest, end == NULL ? len : len + 1);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct members *m = NULL;
    struct members_error error;
    if (size == 0)
        return 0;
    struct bytes rest = bytes_make(data + 1, size - 1), text = (data[0] & 0x80) != 0 ? next_text(&rest) : rest;
    enum status st = members_parse(text, data[0] & (MEMBERS_COMMAS | MEMBERS_MULTI_ADDRESS), &m, &error);
    if (st != ST_OK) {
        check_error(st, &error);
        return 0;
    }
    check_round_trip(m);
    check_quorum(m);
    if ((data[0] & 0x80) != 0) {
        struct bytes joining = next_text(&rest);
        check_reconfig(m, joining, next_text(&rest));
    }
    members_free(m);
    return 0;
}
