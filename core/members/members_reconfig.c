/* members_reconfig.c - from one configuration to the next: a whole new one, or servers that join and leave. */
#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/members/members_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static enum status refuse_server(struct members_error *error, int64_t sid, const char *why)
{
    char key[sizeof error->key];
    int len = snprintf(key, sizeof key, "server.%" PRId64, sid);
    return members_refuse(error, bytes_make(key, (size_t)len), "%s", why);
}

/* -- no address may belong to two servers -------------------------------------------------------------------------- */

/* One port that a server listens on. */
struct endpoint {
    struct bytes host;
    uint16_t port;
    bool is_new; /* the server was not there before, or was another */
    int64_t sid;
};

enum { MEMBER_ENDPOINTS_MAX = 2 * MEMBER_ADDRESSES_MAX + 2 };

static size_t list_endpoints(const struct member *m, bool is_new, struct endpoint *list)
{
    size_t count = 0;
    for (size_t i = 0; i < m->address_count; i++) {
        const struct member_address *a = &m->addresses[i];
        list[count++] = (struct endpoint){a->host, a->quorum_port, is_new, m->sid};
        list[count++] = (struct endpoint){a->host, a->election_port, is_new, m->sid};
    }
    list[count++] = (struct endpoint){m->client.host, m->client.port, is_new, m->sid};
    list[count++] = (struct endpoint){m->secure_client.host, m->secure_client.port, is_new, m->sid};
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!bytes_is_null(list[i].host) && !host_is_everywhere(list[i].host))
            list[kept++] = list[i];
    return kept;
}

static int compare_places(const struct endpoint *a, const struct endpoint *b)
{
    return a->port != b->port ? (a->port < b->port ? -1 : 1) : host_compare_case(a->host, b->host);
}

static int compare_endpoints(const void *a, const void *b)
{
    const struct endpoint *x = a, *y = b;
    int order = compare_places(x, y);
    return order != 0 ? order : (x->sid > y->sid) - (x->sid < y->sid);
}

/* A new server among those that share a place is at fault. `list` is sorted. */
static enum status find_conflict(const struct endpoint *list, size_t count, struct members_error *error)
{
    for (size_t from = 0, to; from < count; from = to) {
        const struct endpoint *at_fault = NULL;
        for (to = from; to < count && compare_places(&list[from], &list[to]) == 0; to++)
            if (list[to].is_new)
                at_fault = &list[to];
        if (at_fault != NULL && list[from].sid != list[to - 1].sid)
            return refuse_server(error, at_fault->sid, "has an address and port that another server has as well");
    }
    return ST_OK;
}

static enum status check_conflicts(const struct members *before, const struct members *m, struct members_error *error)
{
    struct endpoint *list = mem_calloc(m->count, MEMBER_ENDPOINTS_MAX * sizeof *list);
    size_t count = 0;
    if (list == NULL)
        return ST_NO_MEMORY;
    for (size_t i = 0; i < m->count; i++) {
        const struct member *was = members_find(before, m->items[i]->sid);
        count += list_endpoints(m->items[i], was == NULL || !member_equal(was, m->items[i]), &list[count]);
    }
    qsort(list, count, sizeof *list, compare_endpoints);
    enum status st = find_conflict(list, count, error);
    mem_free(list);
    return st;
}

/* -- who joins and who leaves -------------------------------------------------------------------------------------- */

static enum status check_leaving(struct bytes leaving, struct members_error *error)
{
    struct bytes part;
    int64_t sid;
    for (size_t count = 0; members_next_part(&leaving, ',', &part); count++) {
        part = members_trim(part);
        if (count == MEMBERS_MAX)
            return members_refuse(error, part, "is one server too many to leave");
        if (part.len > 0 && !members_parse_number(part, INT64_MAX, &sid))
            return members_refuse(error, part, "is not the number of a server that could leave");
    }
    return ST_OK;
}

static bool is_leaving(struct bytes leaving, int64_t sid)
{
    struct bytes part;
    int64_t left;
    while (members_next_part(&leaving, ',', &part))
        if (members_parse_number(members_trim(part), INT64_MAX, &left) && left == sid)
            return true;
    return false;
}

static enum status check_doors(const struct members *joiners, struct members_error *error)
{
    for (size_t i = 0; i < joiners->count; i++)
        if (bytes_is_null(joiners->items[i]->client.host) && bytes_is_null(joiners->items[i]->secure_client.host))
            return refuse_server(error, joiners->items[i]->sid, "joins without a client port");
    return ST_OK;
}

/* Those who were there before, but for those who leave and those whose place is taken. */
static enum status take_staying(struct members_builder *b, const struct members *before, struct bytes leaving,
                                struct members_error *error)
{
    struct buffer text = {0};
    enum status st = ST_OK;
    for (size_t i = 0; i < before->count && st == ST_OK; i++) {
        const struct member *member = before->items[i];
        char key[sizeof error->key];
        if (is_leaving(leaving, member->sid) || members_find(members_builder_servers(b), member->sid) != NULL)
            continue;
        int len = snprintf(key, sizeof key, "server.%" PRId64, member->sid);
        text.len = 0;
        st = member_print(member, &text);
        if (st == ST_OK)
            st = members_builder_take(b, bytes_make(key, (size_t)len), buffer_bytes(&text), error);
    }
    buffer_free(&text);
    return st;
}

static enum status change(const struct members *before, const struct reconfig_request *request, unsigned flags,
                          struct members **out, struct members_error *error)
{
    if (before->group_count > 0)
        return members_refuse(error, BYTES(""), "where there are groups only a whole new configuration can be given");
    struct members_builder *b = members_builder_new(flags | MEMBERS_SERVERS_ONLY);
    if (b == NULL)
        return ST_NO_MEMORY;
    enum status st = check_leaving(request->leaving, error);
    if (st == ST_OK)
        st = members_take_lines(b, request->joining, flags, error);
    if (st == ST_OK)
        st = check_doors(members_builder_servers(b), error);
    if (st == ST_OK)
        st = take_staying(b, before, request->leaving, error);
    if (st == ST_OK)
        st = members_builder_finish(b, out, error);
    members_builder_free(b);
    return st;
}

/* -- the whole ----------------------------------------------------------------------------------------------------- */

static enum status check_result(const struct members_reconfig *from, const struct members *next,
                                struct members_error *error)
{
    if (from->standalone_enabled && next->voters < 2)
        return members_refuse(error, BYTES(""), "less than two participants would remain");
    return check_conflicts(from->last_seen, next, error);
}

enum status members_reconfig(const struct members_reconfig *from, const struct reconfig_request *request,
                             struct members **out, struct members_error *error)
{
    struct members *next = NULL;
    unsigned flags = MEMBERS_COMMAS | (from->multi_address ? (unsigned)MEMBERS_MULTI_ADDRESS : 0);
    if (from->committed->version != from->last_seen->version)
        return ST_RECONFIG_IN_PROGRESS;
    if (request->config_id != -1 && request->config_id != from->last_seen->version)
        return ST_BAD_VERSION;
    enum status st = bytes_is_null(request->new_members) ? change(from->last_seen, request, flags, &next, error)
                                                         : members_parse(request->new_members, flags, &next, error);
    if (st != ST_OK)
        return st;
    CHECK(next != NULL);
    st = check_result(from, next, error);
    if (st != ST_OK) {
        members_free(next);
        return st;
    }
    next->version = from->zxid;
    *out = next;
    return ST_OK;
}
