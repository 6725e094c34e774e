/* join_answer.c - bytes of a server that nobody knows yet, each of which may be wrong. */
#include "agent/join/join_answer.h"

#include "core/base/check.h"
#include "core/jute/records.h"

#include <stdio.h>

enum { PORT_MAX = 65535 };

/* -- seeds --------------------------------------------------------------------------------------------------------- */

/* 1 to 65535 in decimal digits, and nothing else; 0: it is none. */
static uint16_t parse_port(struct bytes text)
{
    uint32_t port = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || port > PORT_MAX)
            return 0;
        port = port * 10 + (uint32_t)(text.data[i] - '0');
    }
    return port > PORT_MAX ? 0 : (uint16_t)port;
}

static bool parse_seed(struct bytes text, struct join_seed *seed)
{
    const struct bytes mark = BYTES("tls://");
    const bool tls = bytes_starts_with(text, mark);
    if (tls)
        text = bytes_from(text, mark.len);
    size_t colon = text.len;
    while (colon > 0 && text.data[colon - 1] != ':')
        colon--;
    if (colon < 2)
        return false;
    struct bytes host = bytes_make(text.data, colon - 1);
    bool bracketed = host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']';
    if (bracketed)
        host = bytes_make(host.data + 1, host.len - 2);
    else if (memchr(host.data, ':', host.len) != NULL || host.data[0] == '[')
        return false;
    *seed = (struct join_seed){host, parse_port(bytes_from(text, colon)), tls};
    return seed->port > 0 && host.len <= MEMBER_HOST_MAX;
}

bool join_parse_seeds(const char *text, struct join_seed *seeds, size_t max, size_t *count)
{
    for (*count = 0; *count < max; ++*count) {
        size_t length = strcspn(text, ",");
        if (!parse_seed(bytes_make(text, length), &seeds[*count]))
            return false;
        text += length;
        if (*text++ == '\0') {
            ++*count;
            return true;
        }
    }
    return false;
}

/* -- frames -------------------------------------------------------------------------------------------------------- */

static enum status refuse(char why[JOIN_WHY_SIZE], const char *text)
{
    (void)snprintf(why, JOIN_WHY_SIZE, "%s", text);
    return ST_BAD_ARGUMENTS;
}

enum status join_read_session(struct bytes frame, char why[JOIN_WHY_SIZE])
{
    struct reader r = reader_of(frame);
    struct connect_response response;
    if (connect_response_read(&r, &response) != ST_OK)
        return refuse(why, "its answer is not that of a ZooKeeper server");
    if (response.session_id == 0 || response.timeout_ms <= 0)
        return refuse(why, "it gives no session");
    return ST_OK;
}

enum status join_read_config(struct bytes frame, struct members **members, struct bytes *text, char why[JOIN_WHY_SIZE])
{
    struct reader r = reader_of(frame);
    struct reply_header header;
    struct members_error error;
    enum status st = reply_header_read(&r, &header);
    if (st == ST_OK && header.err != 0) {
        (void)snprintf(why, JOIN_WHY_SIZE, "it does not tell who the members are (/zookeeper/config): error %d",
                       (int)header.err);
        return ST_BAD_ARGUMENTS;
    }
    *text = read_blob(&r);
    if (st != ST_OK || r.status != ST_OK)
        return refuse(why, "its answer is not that of a ZooKeeper server");
    if (text->len == 0)
        return refuse(why, "it runs alone: there is no ensemble to join");
    st = members_parse(*text, MEMBERS_MULTI_ADDRESS, members, &error);
    if (st == ST_BAD_ARGUMENTS)
        (void)snprintf(why, JOIN_WHY_SIZE, "who the members are (/zookeeper/config) cannot be read: %s %s", error.key,
                       error.why);
    return st;
}

/* -- words --------------------------------------------------------------------------------------------------------- */

/* The digits that stand there; 0: none, or too many. */
static int32_t number_of(struct bytes text)
{
    int64_t value = 0;
    for (size_t i = 0; i < text.len && text.data[i] >= '0' && text.data[i] <= '9'; i++)
        if ((value = value * 10 + (text.data[i] - '0')) > INT32_MAX)
            return 0;
    return (int32_t)value;
}

static void read_line(struct bytes line, struct join_answer *answer)
{
    const struct {
        struct bytes key;
        int32_t *value;
    } rows[] = {
        {BYTES("tickTime="), &answer->tick_ms},
        {BYTES("initLimit="), &answer->init_limit},
        {BYTES("syncLimit="), &answer->sync_limit},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (bytes_starts_with(line, rows[i].key))
            *rows[i].value = number_of(bytes_from(line, rows[i].key.len));
}

size_t join_read_lines(struct bytes bytes, struct join_answer *answer)
{
    size_t used = 0;
    const uint8_t *end;
    while (used < bytes.len && (end = memchr(bytes.data + used, '\n', bytes.len - used)) != NULL) {
        size_t next = (size_t)(end - bytes.data) + 1;
        read_line(bytes_make(bytes.data + used, next - 1 - used), answer);
        used = next;
    }
    return used;
}
