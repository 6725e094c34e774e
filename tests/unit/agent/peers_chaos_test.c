/* peers_chaos_test.c - servers that start, stop, talk, connect and close at random, by a seed: whatever happened
 * before, in the end all hear all. Run with sanitizers it shows that nothing is used after it is gone. */
#include "tests/support/random.h"
#include "tests/unit/agent/peers_fixture.h"

enum { STEPS = 400, SEEDS = 12, SEEDS_LONG = 300 };

struct chaos {
    struct world w;
    struct random random;
    struct members *without_last;
};

static struct server *any_server(struct chaos *c)
{
    return &c->w.servers[random_below(&c->random, (uint32_t)c->w.count)];
}

static void forget_links(struct server *s)
{
    for (size_t i = 0; i < s->link_count; i++)
        buffer_free(&s->links[i].received);
    memset(s->links, 0, sizeof s->links);
    s->link_count = 0;
}

static void start(struct server *s)
{
    struct peers_options options = default_options(s->sid);
    options.newcomers_max = 3;
    options.links_max = 5;
    options.unsent_bytes_max = 100000;
    forget_links(s);
    s->stops_in = 0;
    server_new(s, options);
    peers_open(s->p);
}

/* One that is running and one of its links, or 0. */
static uint64_t any_link(struct chaos *c, const struct server *s)
{
    return s->link_count == 0 ? 0 : s->links[random_below(&c->random, (uint32_t)s->link_count)].link;
}

static void act_on_link(struct chaos *c, struct server *s, uint32_t what)
{
    static const uint8_t block[30000];
    uint64_t link = any_link(c, s);
    switch (what) {
    case 0: peers_hold(s->p, link); break;
    case 1: peers_go(s->p, link); break;
    case 2: peers_close(s->p, link); break;
    case 3: peers_join_feed(s->p, link); break;
    case 4: peers_feed(s->p, bytes_make(block, random_below(&c->random, sizeof block))); break;
    default: peers_send(s->p, link, bytes_make(block, random_below(&c->random, sizeof block))); break;
    }
}

static void act(struct chaos *c, struct server *s)
{
    int64_t other = any_server(c)->sid;
    switch (random_below(&c->random, 16)) {
    case 0: peers_listen(s->p); break;
    case 1: peers_unlisten(s->p); break;
    case 2: peers_close_all(s->p); break;
    case 3: assert_int_equal(peers_update(s->p, c->without_last, NULL), ST_OK); break;
    case 4: assert_int_equal(peers_update(s->p, c->w.members, NULL), ST_OK); break;
    case 5: s->take_max = random_below(&c->random, 100) + 1; break;
    case 6: s->stops_in = (int)random_below(&c->random, 20); break;
    case 7:
    case 8:
        if (s->link_count < LINKS_MAX / 4)
            (void)peers_connect(s->p, other);
        break;
    case 9:
    case 10:
    case 11: peers_notify(s->p, other, BYTES("noise")); break;
    default: act_on_link(c, s, random_below(&c->random, 8)); break;
    }
}

static void step(struct chaos *c)
{
    struct server *s = any_server(c);
    if (s->p == NULL)
        start(s);
    else if (s->stopping || random_below(&c->random, 40) == 0)
        server_stop(s);
    else if (s->link_count < LINKS_MAX / 2)
        act(c, s);
    else
        server_stop(s);
    world_turn(&c->w, (int)random_below(&c->random, 3));
}

static bool all_hear_all(void *context)
{
    struct world *w = context;
    bool all = true;
    for (size_t i = 0; i < w->count; i++)
        for (size_t k = 0; k < w->count; k++) {
            struct expected e = {&w->servers[i], w->servers[k].sid, "the end"};
            if (is_heard(&e))
                continue;
            all = false;
            peers_notify(w->servers[k].p, w->servers[i].sid, BYTES("the end"));
        }
    return all;
}

static void run_seed(uint64_t seed)
{
    static const int sids[] = {1, 2, 3, -1};
    struct chaos c = {0};
    c.random.state = seed;
    world_begin(&c.w, sids);
    c.without_last = world_members(&c.w, 0, 2);
    for (int i = 0; i < STEPS; i++)
        step(&c);
    for (size_t i = 0; i < c.w.count; i++) {
        struct server *s = &c.w.servers[i];
        s->stops_in = 0;
        if (s->stopping)
            server_stop(s);
        if (s->p == NULL)
            start(s);
        assert_int_equal(peers_update(s->p, c.w.members, NULL), ST_OK);
    }
    if (!net_run_until(&c.w.loop, all_hear_all, &c.w))
        fail_msg("not all hear all with ZOOID_SEED=%llu", (unsigned long long)seed);
    members_free(c.without_last);
    for (size_t i = 0; i < c.w.count; i++)
        server_stop(&c.w.servers[i]);
    world_end(&c.w);
}

static void all_hear_all_whatever_happened(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    int seeds = getenv("ZOOID_LONG") != NULL ? SEEDS_LONG : SEEDS;
    for (int i = 0; i < seeds; i++)
        run_seed(seed + (uint64_t)i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_hear_all_whatever_happened)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
