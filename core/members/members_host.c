/* members_host.c - host names and addresses as they stand in a configuration.
 *
 * Java writes an IPv6 address as eight groups without leading zeros and one that only wraps an IPv4 address as that;
 * one with a zone stays as it was given. Texts that mean the same must be equal, hence the same here. */
#include "core/members/members_internal.h"

#include <stdio.h>
#include <strings.h>

enum { GROUPS = 8, NO_GAP = GROUPS + 1 };

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* -1: no hexadecimal digit. */
static int hex_digit(uint8_t c)
{
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_name(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i], letter = c | 0x20;
        if (!is_digit(c) && !(letter >= 'a' && letter <= 'z') && c != '.' && c != '-' && c != '_')
            return false;
    }
    return text.len > 0;
}

/* Four decimal numbers at the end of an IPv6 address, as two groups. */
static bool parse_ipv4(struct bytes text, uint16_t groups[2])
{
    int64_t numbers[4];
    struct bytes part;
    size_t count = 0;
    while (members_next_part(&text, '.', &part))
        if (count == 4 || part.len > 3 || !members_parse_number(part, 255, &numbers[count++]))
            return false;
    if (count != 4)
        return false;
    groups[0] = (uint16_t)(numbers[0] << 8 | numbers[1]);
    groups[1] = (uint16_t)(numbers[2] << 8 | numbers[3]);
    return true;
}

/* Takes one group of one to four digits off the text. */
static bool take_group(struct bytes *text, uint16_t *group)
{
    size_t digits = 0;
    unsigned value = 0;
    for (; digits < text->len && digits < 4 && hex_digit(text->data[digits]) >= 0; digits++)
        value = value << 4 | (unsigned)hex_digit(text->data[digits]);
    *text = bytes_from(*text, digits);
    *group = (uint16_t)value;
    return digits > 0;
}

/* Takes the colon behind a group, or two of them, which may stand in one place only. */
static bool take_colons(struct bytes *text, size_t count, size_t *gap)
{
    if (text->len < 2 || text->data[0] != ':')
        return false;
    if (text->data[1] != ':') {
        *text = bytes_from(*text, 1);
        return true;
    }
    if (*gap != NO_GAP)
        return false;
    *gap = count;
    *text = bytes_from(*text, 2);
    return true;
}

/* Takes groups, `*count` of them so far, to the end of the text; `*gap` becomes the place of "::". */
static bool take_groups(struct bytes text, uint16_t groups[GROUPS], size_t *count, size_t *gap)
{
    while (text.len > 0) {
        bool dotted = memchr(text.data, ':', text.len) == NULL && memchr(text.data, '.', text.len) != NULL;
        if (dotted) {
            *count += 2;
            return *count <= GROUPS && parse_ipv4(text, &groups[*count - 2]);
        }
        if (*count == GROUPS || !take_group(&text, &groups[(*count)++]))
            return false;
        if (text.len > 0 && !take_colons(&text, *count, gap))
            return false;
    }
    return true;
}

static bool parse_ipv6(struct bytes text, uint16_t groups[GROUPS])
{
    size_t count = 0, gap = NO_GAP;
    memset(groups, 0, GROUPS * sizeof *groups);
    if (bytes_starts_with(text, BYTES("::"))) {
        gap = 0;
        text = bytes_from(text, 2);
    }
    if (!take_groups(text, groups, &count, &gap))
        return false;
    if (gap == NO_GAP || count == GROUPS)
        return gap == NO_GAP && count == GROUPS;
    size_t behind = count - gap;
    memmove(&groups[GROUPS - behind], &groups[gap], behind * sizeof *groups);
    memset(&groups[gap], 0, (GROUPS - count) * sizeof *groups);
    return true;
}

bool host_is_valid(struct bytes host, bool bracketed)
{
    uint16_t groups[GROUPS];
    struct bytes address;
    if (host.len == 0 || host.len > MEMBER_HOST_MAX)
        return false;
    if (!bracketed)
        return is_name(host);
    members_next_part(&host, '%', &address);
    return parse_ipv6(address, groups) && (bytes_is_null(host) || is_name(host));
}

size_t host_write(struct bytes host, char text[HOST_TEXT_MAX])
{
    uint16_t g[GROUPS];
    static const uint16_t wraps_ipv4[] = {0, 0, 0, 0, 0, 0xffff};
    int len;
    if (!parse_ipv6(host, g))
        len = snprintf(text, HOST_TEXT_MAX, "%.*s", BYTES_PRINT(host));
    else if (memcmp(g, wraps_ipv4, sizeof wraps_ipv4) == 0)
        len = snprintf(text, HOST_TEXT_MAX, "%d.%d.%d.%d", g[6] >> 8, g[6] & 255, g[7] >> 8, g[7] & 255);
    else
        len = snprintf(text, HOST_TEXT_MAX, "%x:%x:%x:%x:%x:%x:%x:%x", g[0], g[1], g[2], g[3], g[4], g[5], g[6], g[7]);
    return (size_t)len;
}

int host_compare(struct bytes a, struct bytes b)
{
    char x[HOST_TEXT_MAX], y[HOST_TEXT_MAX];
    host_write(a, x);
    host_write(b, y);
    return strcmp(x, y);
}

int host_compare_case(struct bytes a, struct bytes b)
{
    char x[HOST_TEXT_MAX], y[HOST_TEXT_MAX];
    host_write(a, x);
    host_write(b, y);
    return strcasecmp(x, y);
}

bool host_equal(struct bytes a, struct bytes b)
{
    return host_compare_case(a, b) == 0;
}

bool host_is_everywhere(struct bytes host)
{
    static const char *const names[] = {"0.0.0.0", "localhost", "0:0:0:0:0:0:0:0", "0:0:0:0:0:0:0:1"};
    char text[HOST_TEXT_MAX];
    host_write(host, text);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(text, names[i]) == 0)
            return true;
    uint16_t groups[2];
    return parse_ipv4(bytes_of(text), groups) && groups[0] >> 8 == 127;
}
