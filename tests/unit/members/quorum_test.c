/* Who is enough: every subset of small ensembles against the rule written out plainly. */
#include "core/base/check.h"
#include "core/members/quorum.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

enum { SERVERS_MAX = 7, GROUPS_MAX = 4 };

/* An ensemble as the slow version sees it: server i has the sid 10 * i + 3. */
struct plain {
    int servers, groups; /* groups 0: majority */
    bool votes[SERVERS_MAX];
    int group[SERVERS_MAX], weight[SERVERS_MAX];
};

static int64_t sid_of(int server)
{
    return 10 * server + 3;
}

static struct members *build(const struct plain *p, int64_t version)
{
    struct buffer text = {0};
    struct members *m = NULL;
    struct members_error error;
    for (int i = 0; i < p->servers; i++) {
        buffer_printf(&text, "server.%d=h%d:1:2%s\n", (int)sid_of(i), i, p->votes[i] ? "" : ":observer");
        if (p->groups > 0 && p->votes[i])
            buffer_printf(&text, "weight.%d=%d\n", (int)sid_of(i), p->weight[i]);
    }
    for (int group = 0; group < p->groups; group++) {
        const char *before = "";
        for (int i = 0; i < p->servers; i++) {
            if (!p->votes[i] || p->group[i] != group)
                continue;
            if (before[0] == '\0')
                buffer_printf(&text, "group.%d=", group);
            buffer_printf(&text, "%s%d", before, (int)sid_of(i));
            before = ":";
        }
        buffer_printf(&text, "\n");
    }
    buffer_printf(&text, "version=%x", (unsigned)version);
    if (members_parse(buffer_bytes(&text), 0, &m, &error) != ST_OK)
        fail_msg("%.*s: %s: %s", BYTES_PRINT(buffer_bytes(&text)), error.key, error.why);
    buffer_free(&text);
    return m;
}

static bool is_majority(const struct plain *p, unsigned subset)
{
    int voters = 0, there = 0;
    for (int i = 0; i < p->servers; i++) {
        voters += p->votes[i];
        there += p->votes[i] && (subset >> i & 1) != 0;
    }
    return 2 * there > voters;
}

/* Strictly more than half, without rounding: of whole numbers that is the same. */
static bool is_quorum(const struct plain *p, unsigned subset)
{
    int counting = 0, won = 0;
    if (p->groups == 0)
        return is_majority(p, subset);
    for (int group = 0; group < p->groups; group++) {
        int total = 0, sum = 0;
        for (int i = 0; i < p->servers; i++) {
            if (!p->votes[i] || p->group[i] != group)
                continue;
            total += p->weight[i];
            sum += (subset >> i & 1) != 0 ? p->weight[i] : 0;
        }
        counting += total > 0;
        won += total > 0 && 2 * sum > total;
    }
    return 2 * won > counting;
}

static struct plain draw(struct random *r)
{
    struct plain p = {.servers = 1 + (int)random_below(r, SERVERS_MAX), .groups = (int)random_below(r, GROUPS_MAX + 1)};
    for (int i = 0; i < p.servers; i++) {
        p.votes[i] = i == 0 || random_below(r, 5) != 0;
        p.group[i] = p.groups > 0 ? (int)random_below(r, (uint32_t)p.groups) : 0;
        p.weight[i] = (int)random_below(r, 4);
    }
    return p;
}

static void add_subset(struct quorum *q, const struct plain *p, unsigned subset)
{
    for (int i = 0; i < p->servers; i++)
        if ((subset >> i & 1) != 0)
            quorum_add(q, sid_of(i));
}

static void every_subset_of_random_ensembles(void **state)
{
    (void)state;
    struct random r = {random_seed()};
    for (int round = 0; round < 3000; round++) {
        struct plain p = draw(&r);
        struct members *m = build(&p, 1);
        for (unsigned subset = 0; subset < 1U << p.servers; subset++) {
            struct quorum q = quorum_of(m, NULL);
            add_subset(&q, &p, subset);
            assert_int_equal(quorum_reached(&q), is_quorum(&p, subset));
        }
        members_free(m);
    }
}

static void two_configurations_both_need_a_quorum(void **state)
{
    (void)state;
    struct random r = {random_seed()};
    for (int round = 0; round < 1500; round++) {
        struct plain old = draw(&r), fresh = draw(&r);
        struct members *committed = build(&old, 1), *pending = build(&fresh, 2);
        int servers = old.servers > fresh.servers ? old.servers : fresh.servers;
        for (unsigned subset = 0; subset < 1U << servers; subset++) {
            struct quorum q = quorum_of(committed, pending);
            add_subset(&q, old.servers > fresh.servers ? &old : &fresh, subset);
            assert_int_equal(quorum_reached(&q), is_quorum(&old, subset) && is_quorum(&fresh, subset));
        }
        members_free(committed);
        members_free(pending);
    }
}

static struct members *parse(const char *text)
{
    struct members *m = NULL;
    struct members_error error;
    assert_int_equal(members_parse(bytes_of(text), 0, &m, &error), ST_OK);
    return m;
}

static void only_who_votes_counts(void **state)
{
    (void)state;
    struct members *old = parse("server.1=a:1:2\nserver.2=b:1:2\nserver.3=c:1:2\nserver.4=d:1:2:observer\nversion=1");
    struct members *fresh = parse("server.3=c:1:2\nserver.4=d:1:2\nserver.5=e:1:2\nversion=2");
    struct quorum q = quorum_of(old, NULL);
    assert_false(members_is_voter(old, 4));
    assert_false(members_is_voter(old, 9));
    assert_true(members_is_voter(fresh, 4));
    assert_false(quorum_add(&q, 4));
    assert_false(quorum_add(&q, 9));
    assert_true(quorum_add(&q, 1));
    assert_true(quorum_add(&q, 1));
    assert_false(quorum_reached(&q));
    assert_true(quorum_has(&q, 1));
    assert_false(quorum_has(&q, 2));
    assert_true(quorum_add(&q, 3));
    assert_true(quorum_reached(&q));
    q = quorum_of(old, fresh);
    assert_true(quorum_add(&q, 1));
    assert_true(quorum_add(&q, 2));
    assert_false(quorum_reached(&q));
    assert_true(quorum_add(&q, 4));
    assert_true(quorum_has(&q, 4));
    assert_false(quorum_reached(&q));
    assert_true(quorum_add(&q, 5));
    assert_true(quorum_reached(&q));
    members_free(old);
    members_free(fresh);
}

/* A configuration of the same version is the same one, whatever it holds. */
static void the_same_version_is_not_pending(void **state)
{
    (void)state;
    struct members *m = parse("server.1=a:1:2\nversion=1"), *same = parse("server.2=b:1:2\nversion=1");
    struct quorum q = quorum_of(m, same);
    assert_true(quorum_add(&q, 1));
    assert_true(quorum_reached(&q));
    members_free(m);
    members_free(same);
}

static void nobody_is_never_enough(void **state)
{
    (void)state;
    struct members *m = parse("server.1=a:1:2\nserver.2=b:1:2\ngroup.1=1:2\nweight.1=0\nweight.2=0");
    struct quorum q = quorum_of(m, NULL);
    assert_false(quorum_reached(&q));
    assert_true(quorum_add(&q, 1));
    assert_true(quorum_add(&q, 2));
    assert_false(quorum_reached(&q));
    members_free(m);
}

/* Apache counts an observer's weight in the group it is listed in, and the observer can never vote. */
static void an_observer_weighs_on_its_group(void **state)
{
    (void)state;
    struct members *m = parse("server.1=a:1:2\nserver.2=b:1:2:observer\ngroup.1=1:2\nweight.2=1");
    struct quorum q = quorum_of(m, NULL);
    assert_true(quorum_add(&q, 1));
    assert_false(quorum_add(&q, 2));
    assert_false(quorum_reached(&q));
    members_free(m);
}

static void the_largest_number_of_voters(void **state)
{
    (void)state;
    struct buffer text = {0};
    for (int i = 1; i <= MEMBERS_VOTERS_MAX; i++)
        buffer_printf(&text, "server.%d=h%d:1:2\n", i, i);
    buffer_append(&text, "", 1);
    struct members *m = parse((const char *)text.data);
    struct quorum q = quorum_of(m, NULL);
    for (int i = MEMBERS_VOTERS_MAX; i > 0; i--) {
        int there = MEMBERS_VOTERS_MAX - i;
        assert_int_equal(quorum_reached(&q), there > MEMBERS_VOTERS_MAX / 2);
        assert_true(quorum_add(&q, i));
    }
    buffer_free(&text);
    members_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_subset_of_random_ensembles),
        cmocka_unit_test(two_configurations_both_need_a_quorum),
        cmocka_unit_test(only_who_votes_counts),
        cmocka_unit_test(the_same_version_is_not_pending),
        cmocka_unit_test(nobody_is_never_enough),
        cmocka_unit_test(an_observer_weighs_on_its_group),
        cmocka_unit_test(the_largest_number_of_voters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
