/* settings_doors.c - the client ports that a server's own line may bring along (client-protocol 12.2). */
#include "agent/settings/settings_internal.h"
#include "core/base/check.h"
#include "core/members/members.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

/* All addresses: the empty text, or as Apache's files write it. */
static bool is_everywhere(const char *host)
{
    return host[0] == '\0' || strcmp(host, "0.0.0.0") == 0;
}

/* One address may be spelled in several ways when it is of IPv6. */
static bool same_address(const char *given, const char *host)
{
    struct in6_addr a, b;
    if (inet_pton(AF_INET6, given, &a) == 1 && inet_pton(AF_INET6, host, &b) == 1)
        return memcmp(&a, &b, sizeof a) == 0;
    return strcasecmp(given, host) == 0;
}

/* A port that a line brings along: must agree with the key of its own if that was given. */
struct door {
    enum setting_id port_id;
    enum setting_id address_id;
    int32_t *port;
    char **address;
};

/* The door's host as clientPortAddress has it: all addresses are the empty text. */
static void write_host(struct bytes host, char text[MEMBER_HOST_MAX + 1])
{
    size_t len = bytes_equal(host, BYTES("0.0.0.0")) ? 0 : host.len;
    CHECK(len <= MEMBER_HOST_MAX);
    memcpy(text, host.data, len);
    text[len] = '\0';
}

/* Takes the door into the settings. `why` is set to why not. As Apache does it, a port that was given has to be the
 * door's; so has an address, unless it means all: then the door's counts. ST_NO_MEMORY. */
static enum status take_door(struct settings *s, const struct member_door *from, const struct door *door,
                             struct setting_origin origin, const char **why)
{
    char host[MEMBER_HOST_MAX + 1];
    if (bytes_is_null(from->host))
        return ST_OK;
    write_host(from->host, host);
    bool port_differs = settings_given(s, door->port_id) && *door->port != from->port;
    bool differs = port_differs || (!is_everywhere(*door->address) && !same_address(*door->address, host));
    if (differs) {
        *why = "its client address is not that of clientPort or secureClientPort";
        if (!s->reconfig_enabled)
            return ST_OK;
    }
    if (differs || !settings_given(s, door->port_id)) {
        *door->port = from->port;
        s->origins[door->port_id] = origin;
    }
    if (same_address(*door->address, host) || (is_everywhere(host) && !differs))
        return ST_OK;
    s->origins[door->address_id] = origin;
    return setting_set_text(door->address, host);
}

enum status settings_take_doors(struct settings *s, const struct member *member, struct setting_place place,
                                const char **why)
{
    const struct door client = {SETTING_ID_client_port, SETTING_ID_client_port_address, &s->client_port,
                                &s->client_port_address};
    const struct door secure = {SETTING_ID_secure_client_port, SETTING_ID_secure_client_port_address,
                                &s->secure_client_port, &s->secure_client_port_address};
    struct setting_origin origin = place.origin;
    if (origin.source == SETTING_DERIVED)
        origin.line = 0; /* it is not a line of zoo.cfg */
    enum status st = take_door(s, &member->client, &client, origin, why);
    bool refused = *why != NULL && !s->reconfig_enabled;
    return st == ST_OK && !refused ? take_door(s, &member->secure_client, &secure, origin, why) : st;
}
