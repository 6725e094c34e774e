/* members_server.c - what stands behind "server.N=" (client-protocol 12.2).
 *
 * ADDRESS[|ADDRESS...][;[HOST:]PORT][;[HOST:]PORT], ADDRESS being HOST:PORT:PORT[:ROLE]. */
#include "core/base/mem.h"
#include "core/members/members_internal.h"

#include <stdlib.h>
#include <strings.h>

enum { PORT_MAX = 65535, ADDRESS_PARTS_MAX = 4 };

static const char not_an_address[] = "is not of the form host:port:port or host:port:port:role";
static const char not_a_door[] = "holds a client port that is not of the form port or host:port";

static bool parse_port(struct bytes text, uint16_t *port)
{
    int64_t number;
    if (text.len > 5 || !members_parse_number(text, PORT_MAX, &number))
        return false;
    *port = (uint16_t)number;
    return true;
}

/* NULL or why not. */
static const char *parse_host(struct bytes text, struct bytes *host)
{
    bool bracketed = text.len >= 2 && text.data[0] == '[' && text.data[text.len - 1] == ']';
    *host = bracketed ? bytes_make(text.data + 1, text.len - 2) : text;
    if (host->len == 0)
        return "names no host";
    if (host->len > MEMBER_HOST_MAX)
        return "names a host that is too long";
    if (host_is_valid(*host, bracketed))
        return NULL;
    return bracketed ? "holds brackets without an IPv6 address" : "holds a character that is not of a host's name";
}

/* What the addresses said; they need not repeat it, but not contradict. */
struct said_role {
    bool given;
    enum member_role role;
};

static const char *parse_role(struct bytes text, struct said_role *said)
{
    static const struct {
        struct bytes name;
        enum member_role role;
    } roles[] = {{{(const uint8_t *)"participant", 11}, MEMBER_PARTICIPANT},
                 {{(const uint8_t *)"observer", 8}, MEMBER_OBSERVER}};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        if (text.len != roles[i].name.len ||
            strncasecmp((const char *)text.data, (const char *)roles[i].name.data, text.len) != 0)
            continue;
        if (said->given && said->role != roles[i].role)
            return "has different roles at different addresses";
        *said = (struct said_role){true, roles[i].role};
        return NULL;
    }
    return "has a role that is neither participant nor observer";
}

static const char *parse_address(struct bytes text, struct member_address *address, struct said_role *said)
{
    struct bytes parts[ADDRESS_PARTS_MAX], part;
    size_t count = 0;
    while (members_next_part(&text, ':', &part)) {
        if (count == ADDRESS_PARTS_MAX)
            return not_an_address;
        parts[count++] = part;
    }
    if (count < 3)
        return not_an_address;
    const char *why = parse_host(parts[0], &address->host);
    if (why != NULL)
        return why;
    if (!parse_port(parts[1], &address->quorum_port) || !parse_port(parts[2], &address->election_port) ||
        address->quorum_port == 0 || address->election_port == 0)
        return "holds a port that is none";
    if (address->quorum_port == address->election_port)
        return "uses one port for quorum and election";
    return count == ADDRESS_PARTS_MAX ? parse_role(parts[3], said) : NULL;
}

/* By host, as Apache writes them, then by port. */
static int compare_addresses(const void *a, const void *b)
{
    const struct member_address *x = a, *y = b;
    int order = host_compare(x->host, y->host);
    if (order != 0)
        return order;
    if (x->quorum_port != y->quorum_port)
        return x->quorum_port < y->quorum_port ? -1 : 1;
    return (x->election_port > y->election_port) - (x->election_port < y->election_port);
}

/* Two addresses of one server that share a port on one host could not both be listened on. */
static bool addresses_clash(const struct member_address *a, const struct member_address *b)
{
    return host_equal(a->host, b->host) && (a->quorum_port == b->quorum_port || a->quorum_port == b->election_port ||
                                            a->election_port == b->quorum_port || a->election_port == b->election_port);
}

static const char *parse_addresses(struct member *m, struct bytes text, unsigned flags)
{
    struct said_role said = {false, MEMBER_PARTICIPANT};
    struct bytes part;
    while (members_next_part(&text, '|', &part)) {
        if (m->address_count == MEMBER_ADDRESSES_MAX)
            return "has too many addresses";
        struct member_address *address = &m->addresses[m->address_count++];
        const char *why = parse_address(part, address, &said);
        if (why != NULL)
            return why;
        for (size_t i = 0; i + 1 < m->address_count; i++)
            if (addresses_clash(&m->addresses[i], address))
                return "uses a port of a host twice";
    }
    if (m->address_count > 1 && (flags & MEMBERS_MULTI_ADDRESS) == 0)
        return "has several addresses, which needs multiAddress.enabled=true";
    m->role = said.role;
    qsort(m->addresses, m->address_count, sizeof *m->addresses, compare_addresses);
    return NULL;
}

/* [HOST:]PORT; an empty text is none. */
static const char *parse_door(struct bytes text, struct member_door *door)
{
    struct bytes host = text, port = text;
    if (text.len == 0)
        return NULL;
    bool has_host = members_next_part(&text, ':', &host) && members_next_part(&text, ':', &port);
    if (!bytes_is_null(text) || !parse_port(port, &door->port))
        return not_a_door;
    door->host = BYTES("0.0.0.0");
    return has_host ? parse_host(host, &door->host) : NULL;
}

static const char *parse_server(struct member *m, struct bytes text, unsigned flags)
{
    struct member_door *doors[] = {&m->client, &m->secure_client};
    struct bytes part;
    members_next_part(&text, ';', &part);
    const char *why = parse_addresses(m, part, flags);
    for (size_t i = 0; why == NULL && members_next_part(&text, ';', &part); i++)
        why = i < 2 ? parse_door(part, doors[i]) : "has more than two client ports";
    return why;
}

enum status member_parse(int64_t sid, struct bytes value, unsigned flags, struct member **out, const char **why)
{
    if (value.len > MEMBERS_TEXT_MAX) {
        *why = "is too long";
        return ST_OK;
    }
    struct member *m = mem_calloc(1, sizeof *m + value.len);
    if (m == NULL)
        return ST_NO_MEMORY;
    m->sid = sid;
    m->weight = 1;
    if (value.len > 0)
        memcpy(m->text, value.data, value.len);
    *why = parse_server(m, bytes_make(m->text, value.len), flags);
    if (*why != NULL)
        mem_free(m);
    else
        *out = m;
    return ST_OK;
}
