/* members_text.c - the canonical text of a configuration (quorum-protocol 5.1). */
#include "core/base/check.h"
#include "core/members/members_internal.h"

#include <inttypes.h>

static enum status print_host(struct bytes host, struct buffer *out)
{
    char text[HOST_TEXT_MAX];
    size_t len = host_write(host, text);
    return memchr(text, ':', len) != NULL ? buffer_printf(out, "[%s]", text) : buffer_append(out, text, len);
}

/* `secure` behind nothing needs the empty place of the plain one. */
static enum status print_door(const struct member_door *door, const char *before, struct buffer *out)
{
    if (bytes_is_null(door->host))
        return ST_OK;
    enum status st = buffer_append(out, before, strlen(before));
    if (st == ST_OK)
        st = print_host(door->host, out);
    return st == ST_OK ? buffer_printf(out, ":%u", door->port) : st;
}

enum status member_print_addresses(const struct member *member, struct buffer *out)
{
    enum status st = ST_OK;
    for (size_t i = 0; i < member->address_count && st == ST_OK; i++) {
        const struct member_address *address = &member->addresses[i];
        if (i > 0)
            st = buffer_append(out, "|", 1);
        if (st == ST_OK)
            st = print_host(address->host, out);
        if (st == ST_OK)
            st = buffer_printf(out, ":%u:%u", address->quorum_port, address->election_port);
    }
    return st;
}

enum status member_print(const struct member *member, struct buffer *out)
{
    static const char *const roles[] = {[MEMBER_PARTICIPANT] = ":participant", [MEMBER_OBSERVER] = ":observer"};
    enum status st = member_print_addresses(member, out);
    if (st == ST_OK)
        st = buffer_append(out, roles[member->role], strlen(roles[member->role]));
    if (st == ST_OK)
        st = print_door(&member->client, ";", out);
    if (st == ST_OK)
        st = print_door(&member->secure_client, bytes_is_null(member->client.host) ? ";;" : ";", out);
    return st;
}

static enum status print_group(const struct members *m, size_t group, struct buffer *out)
{
    enum status st = buffer_printf(out, "group.%" PRId64 "=", m->groups[group].gid);
    const char *colon = "";
    for (size_t i = 0; i < m->count && st == ST_OK; i++) {
        if (!m->items[i]->has_group || m->items[i]->group != group)
            continue;
        st = buffer_printf(out, "%s%" PRId64, colon, m->items[i]->sid);
        colon = ":";
    }
    return st == ST_OK ? buffer_append(out, "\n", 1) : st;
}

static enum status print_all(const struct members *m, struct buffer *out)
{
    enum status st = ST_OK;
    for (size_t i = 0; i < m->count && st == ST_OK; i++) {
        st = buffer_printf(out, "server.%" PRId64 "=", m->items[i]->sid);
        if (st == ST_OK)
            st = member_print(m->items[i], out);
        if (st == ST_OK)
            st = buffer_append(out, "\n", 1);
    }
    for (size_t i = 0; i < m->group_count && st == ST_OK; i++)
        st = print_group(m, i, out);
    for (size_t i = 0; i < m->count && st == ST_OK; i++)
        if (m->items[i]->has_weight)
            st = buffer_printf(out, "weight.%" PRId64 "=%" PRId32 "\n", m->items[i]->sid, m->items[i]->weight);
    return st == ST_OK ? buffer_printf(out, "version=%" PRIx64, (uint64_t)m->version) : st;
}

enum status members_print(const struct members *m, struct buffer *out)
{
    size_t before = out->len;
    enum status st = print_all(m, out);
    if (st == ST_OK && out->len - before > MEMBERS_TEXT_MAX)
        st = ST_LIMIT;
    if (st != ST_OK)
        out->len = before;
    return st;
}

enum status members_copy(const struct members *m, struct members **out)
{
    struct buffer text = {0};
    struct members_error error;
    enum status st = members_print(m, &text);
    if (st == ST_OK)
        st = members_parse(buffer_bytes(&text), MEMBERS_MULTI_ADDRESS, out, &error);
    CHECK(st != ST_BAD_ARGUMENTS);
    buffer_free(&text);
    return st;
}
