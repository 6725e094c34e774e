/* ensemble.c - see ensemble.h. */
#include "tests/sim/ensemble.h"

#include "core/base/check.h"
#include "core/members/quorum.h"
#include "tests/sim/machine.h"

#include <inttypes.h>

enum { FIRST_PORT = 2888, PORT_STEP = 10, PLACES = 50 };

static uint16_t port_of_member(const struct member *member)
{
    return member->addresses[0].quorum_port;
}

/* -- texts --------------------------------------------------------------------------------------------------------- */

static void write_server(struct buffer *text, int64_t sid, bool observer, uint16_t port)
{
    CHECK(buffer_printf(text, "server.%" PRId64 "=127.0.0.%" PRId64 ":%u:%u:%s;127.0.0.%" PRId64 ":2181\n", sid, sid,
                        port, port + 1U, observer ? "observer" : "participant", sid) == ST_OK);
}

static void weigh(struct buffer *text, const struct plan *p, int64_t alone)
{
    CHECK(buffer_printf(text, "group.1=1") == ST_OK);
    for (unsigned i = 2; i <= p->voters; i++)
        CHECK(buffer_printf(text, ":%u", i) == ST_OK);
    for (unsigned i = 1; i <= p->voters; i++)
        CHECK(buffer_printf(text, "\nweight.%u=%d", i, i == (unsigned)alone) == ST_OK);
}

void ensemble_first(struct buffer *text, const struct plan *p, int64_t weigh_alone)
{
    for (unsigned i = 1; i <= p->voters + p->observers; i++)
        write_server(text, i, i > p->voters, FIRST_PORT);
    if (weigh_alone > 0)
        weigh(text, p, weigh_alone);
    else if (p->groups) /* two, of which both are needed, the second led by weight */
        CHECK(buffer_printf(text, "group.1=1:2:3\ngroup.2=4:5\nweight.4=2\n") == ST_OK);
    CHECK(buffer_printf(text, "\nversion=0") == ST_OK);
}

struct members *ensemble_parse(struct bytes text)
{
    struct members *config = NULL;
    struct members_error error;
    CHECK(members_parse(text, 0, &config, &error) == ST_OK);
    return config;
}

static void print_servers(const struct members *config, enum member_role role, struct buffer *text)
{
    const char *separator = "";
    for (size_t i = 0; i < config->count; i++)
        if (config->items[i]->role == role) {
            CHECK(buffer_printf(text, "%s%" PRId64 ":%u", separator, config->items[i]->sid,
                                port_of_member(config->items[i])) == ST_OK);
            separator = ",";
        }
}

void ensemble_print(const struct members *config, struct buffer *text)
{
    if (config == NULL)
        return;
    CHECK(buffer_printf(text, " %" PRIx64 "%s{", (uint64_t)config->version, config->group_count > 0 ? "g" : "") ==
          ST_OK);
    print_servers(config, MEMBER_PARTICIPANT, text);
    CHECK(buffer_printf(text, ";") == ST_OK);
    print_servers(config, MEMBER_OBSERVER, text);
    CHECK(buffer_printf(text, "}") == ST_OK);
}

/* -- changes ------------------------------------------------------------------------------------------------------- */

struct drawing {
    struct world *w;
    const struct members *from;
    struct config_change *change;
};

static const struct member *any_member(struct drawing *d)
{
    return d->from->items[random_below(&d->w->random, (uint32_t)d->from->count)];
}

static uint16_t any_port(struct drawing *d)
{
    return (uint16_t)(FIRST_PORT + PORT_STEP * random_below(&d->w->random, PLACES));
}

static void leave(struct drawing *d)
{
    CHECK(buffer_printf(&d->change->leaving, "%" PRId64, any_member(d)->sid) == ST_OK);
}

static void join(struct drawing *d)
{
    const struct world *w = d->w;
    unsigned start = random_below(&d->w->random, w->count);
    for (unsigned i = 0; i < w->count; i++) {
        const struct server *m = &w->servers[(start + i) % w->count];
        if (members_find(d->from, m->sid) != NULL || (!m->up && !world_chance(d->w, 8)))
            continue;
        write_server(&d->change->joining, m->sid, world_chance(d->w, 3), m->port);
        return;
    }
}

static void join_and_leave(struct drawing *d)
{
    join(d);
    leave(d);
}

static void change_role(struct drawing *d)
{
    const struct member *member = any_member(d);
    write_server(&d->change->joining, member->sid, member->role == MEMBER_PARTICIPANT, port_of_member(member));
}

static void change_place(struct drawing *d)
{
    const struct member *member = any_member(d);
    write_server(&d->change->joining, member->sid, member->role == MEMBER_OBSERVER, any_port(d));
}

/* Two groups, of which both are needed. */
static void write_groups(struct buffer *text, const int64_t *voters, size_t count)
{
    for (unsigned group = 0; group < 2; group++) {
        CHECK(buffer_printf(text, "group.%u=", group + 1) == ST_OK);
        for (size_t i = group; i < count; i += 2)
            CHECK(buffer_printf(text, "%s%" PRId64, i > group ? ":" : "", voters[i]) == ST_OK);
        CHECK(buffer_printf(text, "\n") == ST_OK);
    }
}

/* Anybody who is there, as anything. */
static void replace_all(struct drawing *d)
{
    struct world *w = d->w;
    struct buffer *text = &d->change->whole;
    int64_t voters[SIM_MEMBERS_MAX];
    size_t count = 0;
    for (unsigned i = 0; i < w->count; i++) {
        const struct server *m = &w->servers[i];
        const struct member *member = members_find(d->from, m->sid);
        if (member == NULL ? !m->up || world_chance(w, 2) : world_chance(w, 4))
            continue;
        bool observer = member == NULL || world_chance(w, 4) ? world_chance(w, 3) : member->role == MEMBER_OBSERVER;
        uint16_t port = member == NULL ? m->port : world_chance(w, 6) ? any_port(d) : port_of_member(member);
        write_server(text, m->sid, observer, port);
        if (!observer)
            voters[count++] = m->sid;
    }
    if (count >= 4 && world_chance(w, w->plan.groups ? 2 : 8))
        write_groups(text, voters, count);
}

void config_change_draw(struct world *w, const struct members *from, struct config_change *change)
{
    static void (*const kinds[])(struct drawing * d) = {leave,       join,         join,       join_and_leave,
                                                        change_role, change_place, replace_all};
    struct drawing d = {w, from, change};
    *change = (struct config_change){0};
    size_t kind = random_below(&w->random, ARRAY_LEN(kinds));
    (from->group_count > 0 ? replace_all : kinds[kind])(&d);
}

void config_change_free(struct config_change *change)
{
    buffer_free(&change->joining);
    buffer_free(&change->leaving);
    buffer_free(&change->whole);
}

static struct bytes text_or_none(const struct buffer *text)
{
    return text->len > 0 ? buffer_bytes(text) : BYTES_NULL;
}

struct reconfig_request config_change_request(const struct config_change *change)
{
    return (struct reconfig_request){.joining = text_or_none(&change->joining),
                                     .leaving = text_or_none(&change->leaving),
                                     .new_members = text_or_none(&change->whole),
                                     .config_id = -1};
}

/* -- hosts --------------------------------------------------------------------------------------------------------- */

static void give_config(const struct world *w, struct server *m)
{
    m->disk.config.len = 0;
    CHECK(members_print(w->config, &m->disk.config) == ST_OK);
}

void ensemble_install(struct world *w, struct server *m)
{
    if (m->installed)
        return;
    m->installed = true;
    m->port = FIRST_PORT;
    give_config(w, m);
    world_start(w, m);
}

bool ensemble_has(const struct world *w, const struct server *m)
{
    return members_find(w->config, m->sid) != NULL;
}

/* -- addresses ----------------------------------------------------------------------------------------------------- */

void ensemble_told(struct world *w, struct server *m)
{
    const struct member *own = members_find(zab_committed(w->machine->zab(m)), m->sid);
    if (own != NULL)
        m->port = port_of_member(own);
}

static bool names(const struct members *config, const struct server *m)
{
    const struct member *member = config == NULL ? NULL : members_find(config, m->sid);
    return member != NULL && port_of_member(member) == m->port;
}

bool ensemble_reaches(const struct world *w, unsigned from, unsigned to)
{
    if (!w->plan.reconfigs || from >= SIM_MEMBERS_MAX || to >= SIM_MEMBERS_MAX)
        return true;
    const struct zab *z = w->machine->zab(&w->servers[from]);
    const struct server *m = &w->servers[to];
    return z != NULL && (names(zab_committed(z), m) || names(zab_pending_config(z), m));
}

static bool serves(const struct server *m)
{
    return m->up && m->phase == ZAB_BROADCAST;
}

static bool somebody_leads(const struct world *w)
{
    for (unsigned i = 0; i < w->count; i++)
        if (serves(&w->servers[i]) && w->servers[i].role == ZAB_LEADING)
            return true;
    return false;
}

/* It asks those of whom it knows that they vote, and those answer that do. */
static bool reaches_one_that_serves(const struct world *w, const struct server *m)
{
    const struct zab *z = w->machine->zab(m);
    const struct members *pending = zab_pending_config(z);
    for (unsigned i = 0; i < w->count; i++) {
        int64_t sid = w->servers[i].sid;
        bool votes = members_is_voter(zab_committed(z), sid) || (pending != NULL && members_is_voter(pending, sid));
        if (votes && serves(&w->servers[i]) && members_is_voter(w->config, sid) && ensemble_reaches(w, m->index, i))
            return true;
    }
    return false;
}

/* Can enough of the voters hear of each other and of this one, whoever connects? One without data has no vote. */
static bool is_among_quorum(const struct world *w, const struct server *m)
{
    bool heard[SIM_MEMBERS_MAX] = {false};
    heard[m->index] = true;
    for (bool more = true; more;) {
        more = false;
        for (unsigned a = 0; a < w->count; a++)
            for (unsigned b = 0; b < w->count; b++)
                if (heard[a] && !heard[b] && (ensemble_reaches(w, a, b) || ensemble_reaches(w, b, a)))
                    heard[b] = more = true;
    }
    struct quorum q = quorum_of(w->config, NULL);
    for (unsigned i = 0; i < w->count; i++)
        if (heard[i] && !w->servers[i].lost_disk)
            (void)quorum_add(&q, w->servers[i].sid);
    return quorum_reached(&q);
}

static bool is_lost(const struct world *w, const struct server *m)
{
    const struct zab *z = m->up ? w->machine->zab(m) : NULL;
    if (z == NULL || serves(m) || zab_committed(z)->version >= w->config->version)
        return false;
    return somebody_leads(w) ? !reaches_one_that_serves(w, m) : !is_among_quorum(w, m);
}

void ensemble_mend(struct world *w)
{
    for (unsigned i = 0; i < w->count && w->plan.reconfigs; i++) {
        struct server *m = &w->servers[i];
        if (!ensemble_has(w, m))
            continue;
        ensemble_install(w, m);
        if (!is_lost(w, m))
            continue;
        world_trace(w, m, "is told who the members are");
        world_crash(w, m, false);
        give_config(w, m);
        world_start(w, m);
    }
}
