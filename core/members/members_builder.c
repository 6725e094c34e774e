/* members_builder.c - a configuration is put together: lines in any order, then what concerns all of them. */
#include "core/base/array.h"
#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/members/members_internal.h"

#include <inttypes.h>
#include <stdio.h>

/* A server and the number that a line gives it: its group or its weight. */
struct assignment {
    int64_t sid;
    int64_t number;
};

struct assignments {
    struct assignment *items; /* ascending by sid */
    size_t count, capacity;
};

struct members_builder {
    unsigned flags;
    bool has_version;
    struct members *members;
    struct assignments groups, weights;
};

struct members_builder *members_builder_new(unsigned flags)
{
    struct members_builder *b = mem_calloc(1, sizeof *b);
    if (b == NULL)
        return NULL;
    b->flags = flags;
    b->members = mem_calloc(1, sizeof *b->members);
    if (b->members != NULL)
        return b;
    mem_free(b);
    return NULL;
}

void members_builder_free(struct members_builder *b)
{
    if (b == NULL)
        return;
    members_free(b->members);
    mem_free(b->groups.items);
    mem_free(b->weights.items);
    mem_free(b);
}

const struct members *members_builder_servers(const struct members_builder *b)
{
    return b->members;
}

/* -- lines --------------------------------------------------------------------------------------------------------- */

static size_t place_of(const struct assignments *a, int64_t sid)
{
    size_t from = 0, to = a->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (a->items[middle].sid < sid)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static bool is_assigned(const struct assignments *a, int64_t sid)
{
    size_t place = place_of(a, sid);
    return place < a->count && a->items[place].sid == sid;
}

static enum status assign(struct assignments *a, int64_t sid, int64_t number)
{
    struct assignment *items = array_room(a->items, a->count, &a->capacity, sizeof *items, 8);
    if (items == NULL)
        return ST_NO_MEMORY;
    a->items = items;
    size_t place = place_of(a, sid);
    memmove(&items[place + 1], &items[place], (a->count - place) * sizeof *items);
    items[place] = (struct assignment){sid, number};
    a->count++;
    return ST_OK;
}

/* Takes the group's assignments back: a refused line leaves nothing behind. */
static void forget_group(struct assignments *a, int64_t gid)
{
    size_t kept = 0;
    for (size_t i = 0; i < a->count; i++)
        if (a->items[i].number != gid)
            a->items[kept++] = a->items[i];
    a->count = kept;
}

static enum status take_server(struct members_builder *b, struct bytes key, int64_t sid, struct bytes value,
                               struct members_error *error)
{
    if (members_find(b->members, sid) != NULL)
        return members_refuse(error, key, "is given twice");
    if (b->members->count == MEMBERS_MAX)
        return members_refuse(error, key, "is one server too many: %d are allowed", MEMBERS_MAX);
    const char *why = NULL;
    struct member *member = NULL;
    enum status st = member_parse(sid, value, b->flags, &member, &why);
    if (st != ST_OK)
        return st;
    if (why != NULL)
        return members_refuse(error, key, "%s", why);
    st = members_insert(b->members, member);
    if (st != ST_OK)
        mem_free(member);
    return st;
}

static enum status add_to_group(struct members_builder *b, struct bytes key, int64_t gid, struct bytes text,
                                struct members_error *error)
{
    int64_t sid;
    if (!members_parse_number(text, INT64_MAX, &sid))
        return members_refuse(error, key, "names something that is not a server's number");
    if (is_assigned(&b->groups, sid))
        return members_refuse(error, key, "server %" PRId64 " is in a group already", sid);
    if (b->groups.count == MEMBERS_MAX)
        return members_refuse(error, key, "names too many servers");
    return assign(&b->groups, sid, gid);
}

static enum status take_group(struct members_builder *b, struct bytes key, int64_t gid, struct bytes value,
                              struct members_error *error)
{
    for (size_t i = 0; i < b->groups.count; i++)
        if (b->groups.items[i].number == gid)
            return members_refuse(error, key, "is given twice");
    struct bytes part;
    enum status st = ST_OK;
    while (st == ST_OK && members_next_part(&value, ':', &part))
        st = add_to_group(b, key, gid, members_trim(part), error);
    if (st != ST_OK)
        forget_group(&b->groups, gid);
    return st;
}

static enum status take_weight(struct members_builder *b, struct bytes key, int64_t sid, struct bytes value,
                               struct members_error *error)
{
    int64_t weight;
    if (is_assigned(&b->weights, sid))
        return members_refuse(error, key, "is given twice");
    if (!members_parse_number(value, MEMBER_WEIGHT_MAX, &weight))
        return members_refuse(error, key, "is not a number from 0 to %d", MEMBER_WEIGHT_MAX);
    if (b->weights.count == MEMBERS_MAX)
        return members_refuse(error, key, "is one weight too many");
    return assign(&b->weights, sid, weight);
}

static int hex_value(uint8_t c)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    const char *at = memchr(digits, c, sizeof digits - 1);
    if (at == NULL)
        return -1;
    return at - digits < 16 ? (int)(at - digits) : (int)(at - digits) - 6;
}

static enum status take_version(struct members_builder *b, struct bytes key, struct bytes value,
                                struct members_error *error)
{
    uint64_t version = 0;
    if (b->has_version)
        return members_refuse(error, key, "is given twice");
    bool valid = value.len > 0 && value.len <= 16;
    for (size_t i = 0; valid && i < value.len; i++) {
        valid = hex_value(value.data[i]) >= 0;
        version = version << 4 | (uint64_t)(hex_value(value.data[i]) & 15);
    }
    if (!valid || version > INT64_MAX)
        return members_refuse(error, key, "is not a hexadecimal number without 0x");
    b->has_version = true;
    b->members->version = (int64_t)version;
    return ST_OK;
}

static const struct line_kind {
    const char *prefix, *not_a_number;
    enum status (*take)(struct members_builder *b, struct bytes key, int64_t number, struct bytes value,
                        struct members_error *error);
} line_kinds[] = {
    {"server.", "the part behind the dot is not a server's number", take_server},
    {"group.", "the part behind the dot is not a group's number", take_group},
    {"weight.", "the part behind the dot is not a server's number", take_weight},
};

enum status members_builder_take(struct members_builder *b, struct bytes key, struct bytes value,
                                 struct members_error *error)
{
    key = members_trim(key);
    value = members_trim(value);
    bool whole = (b->flags & MEMBERS_SERVERS_ONLY) == 0;
    if (whole && bytes_equal(key, BYTES("version")))
        return take_version(b, key, value, error);
    for (size_t i = 0; i < ARRAY_LEN(line_kinds); i++) {
        int64_t number;
        struct bytes prefix = bytes_of(line_kinds[i].prefix);
        if (!bytes_starts_with(key, prefix) || (!whole && line_kinds[i].take != take_server))
            continue;
        if (!members_parse_number(bytes_from(key, prefix.len), INT64_MAX, &number))
            return members_refuse(error, key, "%s", line_kinds[i].not_a_number);
        return line_kinds[i].take(b, key, number, value, error);
    }
    return members_refuse(error, key, whole ? "is not server.N, group.N, weight.N or version" : "is not server.N");
}

/* -- what concerns all lines --------------------------------------------------------------------------------------- */

static enum status refuse_number(struct members_error *error, const char *prefix, int64_t number, const char *why)
{
    char key[sizeof error->key];
    int len = snprintf(key, sizeof key, "%s%" PRId64, prefix, number);
    return members_refuse(error, bytes_make(key, (size_t)len), "%s", why);
}

static struct member *member_of(struct members *m, int64_t sid)
{
    size_t place = members_place(m, sid);
    return place < m->count && m->items[place]->sid == sid ? m->items[place] : NULL;
}

static enum status set_weights(struct members_builder *b, struct members_error *error)
{
    for (size_t i = 0; i < b->weights.count; i++) {
        const struct assignment *a = &b->weights.items[i];
        struct member *member = member_of(b->members, a->sid);
        if (member == NULL)
            return refuse_number(error, "weight.", a->sid, "there is no such server");
        member->has_weight = true;
        member->weight = (int32_t)a->number;
    }
    return ST_OK;
}

/* The place of the group, which is made when it is new. There is room for one more. */
static size_t group_place(struct members *m, int64_t gid)
{
    size_t place = 0;
    while (place < m->group_count && m->groups[place].gid < gid)
        place++;
    if (place < m->group_count && m->groups[place].gid == gid)
        return place;
    memmove(&m->groups[place + 1], &m->groups[place], (m->group_count - place) * sizeof *m->groups);
    m->groups[place] = (struct member_group){.gid = gid};
    m->group_count++;
    return place;
}

/* Every group is known before a member is given its place. */
static enum status set_groups(struct members_builder *b, struct members_error *error)
{
    struct members *m = b->members;
    if (b->groups.count == 0)
        return ST_OK;
    m->groups = mem_calloc(b->groups.count, sizeof *m->groups);
    if (m->groups == NULL)
        return ST_NO_MEMORY;
    for (size_t i = 0; i < b->groups.count; i++)
        group_place(m, b->groups.items[i].number);
    for (size_t i = 0; i < b->groups.count; i++) {
        const struct assignment *a = &b->groups.items[i];
        struct member *member = member_of(m, a->sid);
        if (member == NULL)
            return refuse_number(error, "group.", a->number, "names a server that there is not");
        member->has_group = true;
        member->group = group_place(m, a->number);
    }
    return ST_OK;
}

/* A participant without a weight has 1; an observer that stands in a group adds to the group's weight like the others,
 * but only Apache's text can say so, never its default. */
static enum status weigh(struct members *m, struct members_error *error)
{
    for (size_t i = 0; i < m->count; i++) {
        struct member *member = m->items[i];
        bool votes = member->role == MEMBER_PARTICIPANT;
        if (votes && !member->has_group)
            return refuse_number(error, "server.", member->sid, "is in no group, and there are groups or weights");
        if (!votes && member->has_group && !member->has_weight)
            return refuse_number(error, "server.", member->sid, "is an observer in a group and has no weight");
        member->has_weight |= votes;
        if (member->has_group)
            m->groups[member->group].weight += member->weight;
    }
    return ST_OK;
}

static enum status count_voters(struct members *m, struct members_error *error)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->items[i]->role == MEMBER_PARTICIPANT)
            m->items[i]->voter = m->voters++;
    if (m->voters > MEMBERS_VOTERS_MAX)
        return members_refuse(error, BYTES(""), "there are %zu participants, more than %d", m->voters,
                              MEMBERS_VOTERS_MAX);
    if (m->count == 0)
        return members_refuse(error, BYTES(""), "there is no server");
    if (m->voters == 0)
        return refuse_number(error, "server.", m->items[0]->sid, "is an observer, and there is nobody to observe");
    return ST_OK;
}

enum status members_builder_finish(struct members_builder *b, struct members **out, struct members_error *error)
{
    CHECK(b->members != NULL);
    enum status st = count_voters(b->members, error);
    if (st == ST_OK)
        st = set_weights(b, error);
    if (st == ST_OK)
        st = set_groups(b, error);
    if (st == ST_OK && b->groups.count + b->weights.count > 0)
        st = weigh(b->members, error);
    if (st == ST_OK) {
        *out = b->members;
        b->members = NULL;
    }
    return st;
}
