/* peers_memory_test.c - two servers meet while the first, second, third ... allocation fails: nothing is lost for good.
 */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "tests/support/failing_memory.h"
#include "tests/unit/agent/peers_fixture.h"

enum { ALLOCATIONS_MAX = 1000 };

struct meeting {
    struct world w;
    struct server *small, *large;
    uint64_t link; /* of the small one to the large one */
    bool sent;
};

/* So that the test itself allocates nothing. */
static void reserve(struct server *s)
{
    assert_int_equal(buffer_reserve(&s->world->said, 64 * 1024), ST_OK);
    for (size_t i = 0; i < SIDS_MAX; i++)
        assert_int_equal(buffer_reserve(&s->last[i], 64), ST_OK);
    for (size_t i = 0; i < LINKS_MAX; i++)
        assert_int_equal(buffer_reserve(&s->links[i].received, 64), ST_OK);
}

static void start(struct server *s)
{
    enum status st = server_try_new(s, default_options(s->sid));
    if (st != ST_OK) {
        assert_int_equal(st, ST_NO_MEMORY);
        assert_int_equal(server_try_new(s, default_options(s->sid)), ST_OK);
    }
    if (peers_update(s->p, s->world->members, NULL) != ST_OK)
        assert_int_equal(peers_update(s->p, s->world->members, NULL), ST_OK);
    peers_open(s->p);
    assert_true(net_run_until(&s->world->loop, is_open, s));
}

/* As an election does it: says it again until it has an answer. */
static bool have_met(void *context)
{
    struct meeting *m = context;
    bool small_has = m->small->count[2] > 0;
    bool large_has = m->large->count[1] > 0;
    bool self_has = m->small->count[1] > 0;
    if (!large_has)
        peers_notify(m->small->p, 2, BYTES("from 1"));
    if (!small_has)
        peers_notify(m->large->p, 1, BYTES("from 2"));
    if (!self_has)
        peers_notify(m->small->p, 1, BYTES("to myself"));
    return small_has && large_has && self_has;
}

static bool link_has_data(const struct server *s)
{
    for (size_t i = 0; i < s->link_count; i++)
        if (s->links[i].received.len == 4)
            return true;
    return false;
}

/* As a learner does it: connects again when it does not succeed. */
static bool is_linked(void *context)
{
    struct meeting *m = context;
    const struct link_seen *seen = m->link == 0 ? NULL : link_seen(m->small, m->link);
    if (seen == NULL || seen->closed) {
        m->link = peers_connect(m->small->p, 2);
        m->sent = false;
    } else if (seen->connected && !m->sent) {
        peers_send(m->small->p, m->link, BYTES("data"));
        m->sent = true;
    }
    return link_has_data(m->large);
}

/* False: it needed fewer allocations. */
static bool meet_with_failure(int allocation)
{
    static const int sids[] = {1, 2, -1};
    struct meeting m = {0};
    world_begin(&m.w, sids);
    m.small = &m.w.servers[0];
    m.large = &m.w.servers[1];
    reserve(m.small);
    reserve(m.large);
    memory_fail_once_after(allocation);
    start(m.small);
    start(m.large);
    assert_true(net_run_until(&m.w.loop, have_met, &m));
    peers_listen(m.large->p);
    assert_true(net_run_until(&m.w.loop, is_leading, m.large));
    assert_true(net_run_until(&m.w.loop, is_linked, &m));
    bool failed = memory_has_failed();
    memory_fail_after(-1);
    for (size_t i = 0; i < m.w.count; i++)
        for (size_t k = m.w.servers[i].link_count; k < LINKS_MAX; k++)
            buffer_free(&m.w.servers[i].links[k].received);
    world_end(&m.w);
    return failed;
}

static void servers_meet_whichever_allocation_fails(void **state)
{
    (void)state;
    int allocation = 0;
    while (meet_with_failure(allocation)) {
        allocation++;
        assert_true(allocation < ALLOCATIONS_MAX);
    }
    assert_true(allocation > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(servers_meet_whichever_allocation_fails)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
