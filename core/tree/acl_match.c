/* acl_match.c - ids of the schemes: which are legal, which match, and what a list thereby permits. */
#include "core/tree/acl.h"

#include "core/base/check.h"

#include <arpa/inet.h>

/* An address and how many of its leading bits count. */
struct subnet {
    uint8_t address[16];
    uint32_t len; /* bytes: 4 or 16 */
    uint32_t bits;
};

static bool parse_address(struct bytes text, struct subnet *subnet)
{
    char terminated[INET6_ADDRSTRLEN];
    if (text.len == 0 || text.len >= sizeof terminated || memchr(text.data, 0, text.len) != NULL)
        return false;
    memcpy(terminated, text.data, text.len);
    terminated[text.len] = 0;
    bool is_v6 = memchr(text.data, ':', text.len) != NULL;
    subnet->len = is_v6 ? 16 : 4;
    subnet->bits = subnet->len * 8;
    return inet_pton(is_v6 ? AF_INET6 : AF_INET, terminated, subnet->address) == 1;
}

static bool parse_bits(struct bytes text, uint32_t max, uint32_t *bits)
{
    *bits = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        *bits = *bits * 10 + (text.data[i] - '0');
        if (*bits > max)
            return false;
    }
    return text.len > 0;
}

static bool parse_subnet(struct bytes text, struct subnet *subnet)
{
    const uint8_t *slash = text.len > 0 ? memchr(text.data, '/', text.len) : NULL;
    if (slash == NULL)
        return parse_address(text, subnet);
    size_t address_len = (size_t)(slash - text.data);
    return parse_address(bytes_make(text.data, address_len), subnet) &&
           parse_bits(bytes_from(text, address_len + 1), subnet->len * 8, &subnet->bits);
}

static bool ip_is_valid(struct bytes id)
{
    struct subnet subnet;
    return parse_subnet(id, &subnet);
}

static bool ip_matches(struct bytes entry_id, struct bytes own_id)
{
    struct subnet subnet, own;
    if (!parse_subnet(entry_id, &subnet) || !parse_address(own_id, &own) || subnet.len != own.len)
        return false;
    uint32_t whole = subnet.bits / 8, rest = subnet.bits % 8;
    if (memcmp(subnet.address, own.address, whole) != 0)
        return false;
    return rest == 0 || (subnet.address[whole] ^ own.address[whole]) >> (8 - rest) == 0;
}

static bool world_is_valid(struct bytes id)
{
    return bytes_equal(id, BYTES("anyone"));
}

/* Two parts at ':', when empty ones at the end do not count. */
static bool digest_is_valid(struct bytes id)
{
    while (id.len > 0 && id.data[id.len - 1] == ':')
        id.len--;
    size_t colons = 0;
    for (size_t i = 0; i < id.len; i++)
        colons += id.data[i] == ':';
    return colons == 1;
}

static bool is_attribute_character(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
}

static size_t skip_spaces(struct bytes dn, size_t at)
{
    while (at < dn.len && dn.data[at] == ' ')
        at++;
    return at;
}

/* Behind "type=", or 0 when there is none. */
static size_t skip_attribute_type(struct bytes dn, size_t at)
{
    at = skip_spaces(dn, at);
    size_t start = at;
    while (at < dn.len && is_attribute_character(dn.data[at]))
        at++;
    if (at == start)
        return 0;
    at = skip_spaces(dn, at);
    return at < dn.len && dn.data[at] == '=' ? at + 1 : 0;
}

/* To the separator behind the value or to the end; false: a quote or an escape is not finished. */
static bool skip_attribute_value(struct bytes dn, size_t *at)
{
    bool quoted = false;
    for (; *at < dn.len; ++*at) {
        uint8_t c = dn.data[*at];
        if (c == '\\' && ++*at == dn.len)
            return false;
        if (c == '"')
            quoted = !quoted;
        if (!quoted && (c == ',' || c == ';' || c == '+'))
            break;
    }
    return !quoted;
}

/* A distinguished name of RFC 2253: type=value, separated by comma, semicolon or plus. */
static bool x509_is_valid(struct bytes id)
{
    size_t at = 0;
    do {
        at = skip_attribute_type(id, at);
        if (at == 0 || !skip_attribute_value(id, &at))
            return false;
    } while (at++ < id.len);
    return true;
}

static const struct {
    const char *scheme;
    bool (*is_valid)(struct bytes id);
} schemes[] = {
    {"world", world_is_valid},
    {"digest", digest_is_valid},
    {"ip", ip_is_valid},
    {"x509", x509_is_valid},
};

bool acl_id_is_valid(struct bytes scheme, struct bytes id)
{
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        if (bytes_equal(scheme, bytes_of(schemes[i].scheme)))
            return !bytes_is_null(id) && schemes[i].is_valid(id);
    }
    return false;
}

bool acl_id_matches(struct bytes scheme, struct bytes entry_id, struct bytes own_id)
{
    if (bytes_equal(scheme, BYTES("ip")))
        return ip_matches(entry_id, own_id);
    return bytes_equal(entry_id, own_id);
}

bool acls_next(struct reader *at, struct acl_entry *entry)
{
    return reader_left(at) > 0 && acl_entry_read(at, entry) == ST_OK;
}

static bool is_super(struct identities who)
{
    for (size_t i = 0; i < who.count; i++) {
        if (bytes_equal(who.items[i].scheme, BYTES("super")))
            return true;
    }
    return false;
}

static bool entry_matches(const struct acl_entry *entry, struct identities who)
{
    if (bytes_equal(entry->scheme, BYTES("world")) && bytes_equal(entry->id, BYTES("anyone")))
        return true;
    for (size_t i = 0; i < who.count; i++) {
        if (bytes_equal(entry->scheme, who.items[i].scheme) &&
            acl_id_matches(entry->scheme, entry->id, who.items[i].id))
            return true;
    }
    return false;
}

bool acls_permit(struct acls list, uint32_t wanted, struct identities who)
{
    if (list.count <= 0 || is_super(who))
        return true;
    struct reader at = reader_of(list.raw);
    struct acl_entry entry;
    while (acls_next(&at, &entry)) {
        if (((uint32_t)entry.perms & wanted) != 0 && entry_matches(&entry, who))
            return true;
    }
    return false;
}
