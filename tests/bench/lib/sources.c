/* sources.c - builds the requests of each scenario. */
#include "tests/bench/lib/sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/session.h"
#include "tests/bench/lib/wire.h"

enum { PATH_MAX_SIZE = 64, KEY_DIGITS = 7, NODE_DIGITS = 9 };

struct per_connection {
    uint64_t asked;   /* requests handed out by the source in use */
    uint64_t created; /* nodes that exist */
};

struct sources {
    struct source_sizes sizes;
    uint64_t random;
    uint8_t *data;
    char key[PATH_MAX_SIZE];  /* "/bench/k0000000" */
    char node[PATH_MAX_SIZE]; /* "/bench/c0000000/n000000000" */
    struct per_connection *connections;
};

static uint64_t next_random(struct sources *s)
{
    s->random ^= s->random << 13; /* xorshift64 */
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return s->random;
}

static void put_digits(char *text, uint32_t from, uint32_t digits, uint64_t number)
{
    for (uint32_t i = from + digits; i > from; i--) {
        text[i - 1] = (char)('0' + number % 10);
        number /= 10;
    }
}

static const char *key_path(struct sources *s, uint64_t number)
{
    put_digits(s->key, (uint32_t)strlen("/bench/k"), KEY_DIGITS, number);
    return s->key;
}

static const char *random_key(struct sources *s)
{
    return key_path(s, next_random(s) % s->sizes.keys);
}

static const char *node_path(struct sources *s, uint32_t connection, uint64_t number)
{
    put_digits(s->node, (uint32_t)strlen("/bench/c"), KEY_DIGITS, s->sizes.name_first + connection);
    put_digits(s->node, (uint32_t)strlen("/bench/c0000000/n"), NODE_DIGITS, number);
    return s->node;
}

/* Each connection takes its share of a limited number of requests. */
static bool takes_one(struct sources *s, uint32_t connection)
{
    uint64_t limit = s->sizes.requests_max;
    uint64_t share = limit / s->sizes.connections + (connection < limit % s->sizes.connections ? 1 : 0);
    if (limit != 0 && s->connections[connection].asked == share)
        return false;
    s->connections[connection].asked++;
    return true;
}

static size_t next_get(void *context, uint32_t connection, int32_t xid, uint8_t *out)
{
    struct sources *s = context;
    return takes_one(s, connection) ? wire_read(out, xid, WIRE_GET_DATA, random_key(s), 0) : 0;
}

static size_t next_exists(void *context, uint32_t connection, int32_t xid, uint8_t *out)
{
    struct sources *s = context;
    return takes_one(s, connection) ? wire_read(out, xid, WIRE_EXISTS, random_key(s), 0) : 0;
}

static size_t next_set(void *context, uint32_t connection, int32_t xid, uint8_t *out)
{
    struct sources *s = context;
    return takes_one(s, connection) ? wire_set(out, xid, random_key(s), s->data, s->sizes.data_size) : 0;
}

static size_t next_getset(void *context, uint32_t connection, int32_t xid, uint8_t *out)
{
    struct sources *s = context;
    bool sets = next_random(s) % 100 < s->sizes.set_percent;
    return sets ? next_set(s, connection, xid, out) : next_get(s, connection, xid, out);
}

static size_t next_multi(void *context, uint32_t connection, int32_t xid, uint8_t *out)
{
    struct sources *s = context;
    if (!takes_one(s, connection))
        return 0;
    uint8_t *at = wire_multi_begin(out, xid);
    for (uint32_t i = 0; i < s->sizes.multi_ops; i++)
        at = wire_multi_set(at, random_key(s), s->data, s->sizes.data_size);
    return wire_multi_end(out, at);
}

static size_t next_create(void *context, uint32_t connection, int32_t xid, uint8_t *out)
{
    struct sources *s = context;
    if (!takes_one(s, connection))
        return 0;
    const char *path = node_path(s, connection, s->connections[connection].created++);
    return wire_create(out, xid, path, s->data, s->sizes.data_size);
}

static size_t next_delete(void *context, uint32_t connection, int32_t xid, uint8_t *out)
{
    struct sources *s = context;
    if (s->connections[connection].created == 0)
        return 0;
    return wire_delete(out, xid, node_path(s, connection, --s->connections[connection].created));
}

static size_t next_echo(void *context, uint32_t connection, int32_t xid, uint8_t *out)
{
    struct sources *s = context;
    if (!takes_one(s, connection))
        return 0;
    memset(out, 0, s->sizes.data_size);
    (void)wire_put_i32(wire_put_i32(out, (int32_t)s->sizes.data_size - 4), xid);
    return s->sizes.data_size;
}

/* Two requests for each key, all on one connection. */
static size_t next_prepare(void *context, uint32_t connection, int32_t xid, uint8_t *out)
{
    struct sources *s = context;
    uint64_t step = s->connections[connection].asked++;
    if (step / 2 >= s->sizes.keys)
        return 0;
    const char *path = key_path(s, step / 2);
    return step % 2 == 0 ? wire_create(out, xid, path, s->data, s->sizes.data_size)
                         : wire_set(out, xid, path, s->data, s->sizes.data_size);
}

enum { LENGTH = 4 };

static const struct {
    const char *word;
    size_t (*next)(void *context, uint32_t connection, int32_t xid, uint8_t *out);
    size_t body_min; /* of a reply, without a node's data */
} kinds[] = {
    [SOURCE_GET] = {"get", next_get, LENGTH + WIRE_STAT_SIZE},
    [SOURCE_EXISTS] = {"exists", next_exists, WIRE_STAT_SIZE},
    [SOURCE_GETSET] = {"getset", next_getset, WIRE_STAT_SIZE},
    [SOURCE_SET] = {"set", next_set, WIRE_STAT_SIZE},
    [SOURCE_MULTI] = {"multi", next_multi, WIRE_STAT_SIZE},
    [SOURCE_CREATE] = {"create", next_create, LENGTH},
    [SOURCE_DELETE] = {"delete", next_delete, 0},
    [SOURCE_ECHO] = {"echo", next_echo, 0},
    [SOURCE_PREPARE] = {"prepare", next_prepare, LENGTH},
};
_Static_assert(sizeof kinds / sizeof kinds[0] == SOURCE_KIND_COUNT, "one row per kind");

enum source_kind source_kind_parse(const char *word)
{
    for (uint32_t i = 0; i < SOURCE_KIND_COUNT; i++) {
        if (strcmp(kinds[i].word, word) == 0)
            return (enum source_kind)i;
    }
    die("unknown operation %s", word);
}

struct sources *sources_new(const struct source_sizes *sizes)
{
    struct sources *s = need_memory(1, sizeof *s);
    *s = (struct sources){.sizes = *sizes, .key = "/bench/k0000000", .node = "/bench/c0000000/n000000000"};
    s->random = UINT64_C(0x9e3779b97f4a7c15) + sizes->name_first;
    s->data = need_memory(1, sizes->data_size + 1);
    memset(s->data, 'x', sizes->data_size);
    s->connections = need_memory(sizes->connections, sizeof *s->connections);
    return s;
}

void sources_free(struct sources *s)
{
    free(s->data);
    free(s->connections);
    free(s);
}

struct request_source source_of(struct sources *s, enum source_kind kind)
{
    for (uint32_t i = 0; i < s->sizes.connections; i++)
        s->connections[i].asked = 0;
    size_t one = WIRE_FRAME_OVERHEAD + PATH_MAX_SIZE + s->sizes.data_size;
    size_t frame_max = kind == SOURCE_MULTI ? one * (s->sizes.multi_ops + 1) : one;
    size_t reply_min = WIRE_REPLY_HEADER_SIZE + kinds[kind].body_min;
    if (kind == SOURCE_GET)
        reply_min += s->sizes.data_size;
    return (struct request_source){s, kinds[kind].next, frame_max, reply_min};
}

void sources_make_directories(const struct sources *s, const struct sockaddr_in *endpoint)
{
    int session = session_open(endpoint);
    if (session < 0)
        die_errno("no session");
    session_need_node(session, "/bench", NULL, 0);
    for (uint32_t i = 0; i < s->sizes.connections; i++) {
        char path[PATH_MAX_SIZE];
        (void)snprintf(path, sizeof path, "/bench/c%0*u", KEY_DIGITS, s->sizes.name_first + i);
        session_need_node(session, path, NULL, 0);
    }
    session_close(session);
}
