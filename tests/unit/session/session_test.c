/* Sessions expire at the end of the bucket of their last touch plus time-out, each once (client-protocol 5.3): some
 * cases by hand, then random runs against a plain array, with each allocation failing in turn. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "core/session/session.h"

#include "tests/support/failing_memory.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

#define TICK_MS      2000
#define SESSIONS_MAX 40
#define STEPS        40000

static struct sessions *new_sessions(int32_t tick_ms)
{
    struct sessions *s = sessions_new(tick_ms);
    assert_non_null(s);
    return s;
}

/* -- by hand ------------------------------------------------------------------------------------------------------ */

static void edges_of_buckets(void **state)
{
    (void)state;
    static const struct {
        int64_t now_ms;
        int32_t timeout_ms;
        int64_t edge_ms;
    } rows[] = {
        {0, 4000, 6000}, {1, 4000, 6000}, {1999, 4000, 6000}, {2000, 4000, 8000},
        {500, 0, 2000},  {7, 1500, 2000}, {7, 1993, 4000},
    };
    struct sessions *s = new_sessions(TICK_MS);
    assert_int_equal(sessions_next_expiry(s), INT64_MAX);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(sessions_put(s, 1, rows[i].timeout_ms, rows[i].now_ms), ST_OK);
        assert_int_equal(sessions_get(s, 1)->expires_ms, rows[i].edge_ms);
        assert_int_equal(sessions_next_expiry(s), rows[i].edge_ms);
    }
    sessions_free(s);
}

static void touch_moves_forward_only(void **state)
{
    (void)state;
    struct sessions *s = new_sessions(TICK_MS);
    assert_int_equal(sessions_put(s, 1, 4000, 10000), ST_OK);
    struct session *session = sessions_get(s, 1);
    assert_int_equal(session->expires_ms, 16000);
    sessions_touch(s, session, 5000);
    assert_int_equal(session->expires_ms, 16000);
    sessions_touch(s, session, 12000);
    assert_int_equal(session->expires_ms, 18000);
    session->closing = true;
    sessions_touch(s, session, 20000);
    assert_int_equal(session->expires_ms, 18000);
    sessions_free(s);
}

static void each_is_given_once(void **state)
{
    (void)state;
    struct sessions *s = new_sessions(TICK_MS);
    for (int64_t id = 1; id <= 3; id++)
        assert_int_equal(sessions_put(s, id, 4000, 0), ST_OK);
    sessions_get(s, 2)->closing = true;
    assert_null(sessions_expired(s, 5999));
    assert_int_equal(sessions_expired(s, 6000)->id, 1);
    assert_int_equal(sessions_expired(s, 6000)->id, 3);
    assert_null(sessions_expired(s, 6000));
    assert_int_equal(sessions_next_expiry(s), INT64_MAX);
    assert_int_equal(sessions_count(s), 3);
    assert_true(sessions_remove(s, 1));
    assert_false(sessions_remove(s, 1));
    assert_null(sessions_get(s, 1));
    /* A new leader gives everyone the full time again. */
    sessions_touch_all(s, 100000);
    assert_int_equal(sessions_next_expiry(s), 106000);
    sessions_free(s);
}

static void known_session_gets_new_timeout(void **state)
{
    (void)state;
    struct sessions *s = new_sessions(TICK_MS);
    assert_int_equal(sessions_put(s, 1, 30000, 0), ST_OK);
    sessions_get(s, 1)->client = 77;
    assert_int_equal(sessions_put(s, 1, 4000, 0), ST_OK);
    assert_int_equal(sessions_count(s), 1);
    assert_int_equal(sessions_get(s, 1)->client, 77);
    assert_int_equal(sessions_get(s, 1)->timeout_ms, 4000);
    assert_int_equal(sessions_next_expiry(s), 6000);
    sessions_free(s);
}

/* -- at random ---------------------------------------------------------------------------------------------------- */

struct expected {
    bool is_there, closing, given;
    int32_t timeout_ms;
    int64_t expires_ms;
};

struct run {
    struct random random;
    struct sessions *sessions;
    struct expected expected[SESSIONS_MAX + 1]; /* by id */
    int32_t tick_ms;
    int64_t now_ms;
};

static int64_t edge_of(const struct run *run, int32_t timeout_ms)
{
    int64_t edge = 0;
    while (edge <= run->now_ms + timeout_ms)
        edge += run->tick_ms;
    return edge;
}

static void put(struct run *run, int64_t id)
{
    struct expected *e = &run->expected[id];
    int32_t timeout_ms = (int32_t)random_below(&run->random, 20) * 7;
    enum status st = ST_NO_MEMORY;
    for (int count = 0; st == ST_NO_MEMORY; count++) {
        memory_fail_after(count);
        st = sessions_put(run->sessions, id, timeout_ms, run->now_ms);
        memory_fail_after(-1);
        assert_int_equal(sessions_get(run->sessions, id) != NULL, st == ST_OK || e->is_there);
    }
    assert_int_equal(st, ST_OK);
    e->is_there = true;
    e->given = false;
    e->timeout_ms = timeout_ms;
    e->expires_ms = edge_of(run, timeout_ms);
}

static void touch(struct run *run, int64_t id)
{
    struct expected *e = &run->expected[id];
    if (!e->is_there)
        return;
    sessions_touch(run->sessions, sessions_get(run->sessions, id), run->now_ms);
    if (e->closing || edge_of(run, e->timeout_ms) <= e->expires_ms)
        return;
    e->expires_ms = edge_of(run, e->timeout_ms);
    e->given = false;
}

static void close_or_remove(struct run *run, int64_t id)
{
    struct expected *e = &run->expected[id];
    if (e->is_there && random_below(&run->random, 2) == 0) {
        e->closing = sessions_get(run->sessions, id)->closing = true;
        return;
    }
    assert_int_equal(sessions_remove(run->sessions, id), e->is_there);
    *e = (struct expected){0};
}

static void touch_all(struct run *run)
{
    sessions_touch_all(run->sessions, run->now_ms);
    for (int64_t id = 1; id <= SESSIONS_MAX; id++) {
        run->expected[id].expires_ms = edge_of(run, run->expected[id].timeout_ms);
        run->expected[id].given = false;
    }
}

static void expire(struct run *run)
{
    run->now_ms += random_below(&run->random, 3) * (uint32_t)run->tick_ms / 2;
    struct session *session;
    while ((session = sessions_expired(run->sessions, run->now_ms)) != NULL) {
        struct expected *e = &run->expected[session->id];
        assert_true(e->is_there && !e->closing && !e->given);
        assert_true(e->expires_ms <= run->now_ms);
        e->given = true;
    }
    /* Nobody was forgotten; those that close have left their bucket unseen. */
    for (int64_t id = 1; id <= SESSIONS_MAX; id++) {
        struct expected *e = &run->expected[id];
        if (!e->is_there || e->expires_ms > run->now_ms)
            continue;
        assert_true(e->given || e->closing);
        e->given = true;
    }
}

struct walk {
    const struct run *run;
    size_t count;
    int64_t last_ms;
    bool loose;
};

static void check_one(void *context, const struct session *session)
{
    struct walk *walk = context;
    const struct expected *e = &walk->run->expected[session->id];
    assert_true(e->is_there);
    assert_int_equal(session->expires_ms, e->expires_ms);
    assert_int_equal(session->timeout_ms, e->timeout_ms);
    walk->loose = walk->loose || e->given;
    assert_int_equal(walk->loose, e->given); /* those come last */
    assert_true(walk->loose || session->expires_ms >= walk->last_ms);
    walk->last_ms = session->expires_ms;
    walk->count++;
}

static void check_all(const struct run *run)
{
    size_t count = 0;
    int64_t next = INT64_MAX;
    for (int64_t id = 1; id <= SESSIONS_MAX; id++) {
        const struct expected *e = &run->expected[id];
        count += e->is_there;
        if (e->is_there && !e->given && e->expires_ms < next)
            next = e->expires_ms;
    }
    assert_int_equal(sessions_count(run->sessions), count);
    assert_int_equal(sessions_next_expiry(run->sessions), next);
    struct walk walk = {.run = run, .last_ms = INT64_MIN};
    sessions_each(run->sessions, check_one, &walk);
    assert_int_equal(walk.count, count);
}

static void random_run(int32_t tick_ms)
{
    struct run run = {.random.state = random_seed(), .tick_ms = tick_ms, .sessions = new_sessions(tick_ms)};
    for (int i = 0; i < STEPS; i++) {
        int64_t id = 1 + random_below(&run.random, SESSIONS_MAX);
        uint32_t dice = random_below(&run.random, 1000);
        if (dice < 250)
            put(&run, id);
        else if (dice < 650)
            touch(&run, id);
        else if (dice < 850)
            close_or_remove(&run, id);
        else if (dice < 995)
            expire(&run);
        else
            touch_all(&run);
        /* The slow way to an edge counts up from zero. */
        if (run.now_ms > 100 * tick_ms) {
            run.now_ms = 0;
            touch_all(&run);
        }
        check_all(&run);
    }
    sessions_free(run.sessions);
}

static void sessions_agree_with_an_array(void **state)
{
    (void)state;
    random_run(20);
    random_run(1);
    random_run(500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edges_of_buckets),
        cmocka_unit_test(touch_moves_forward_only),
        cmocka_unit_test(each_is_given_once),
        cmocka_unit_test(known_session_gets_new_timeout),
        cmocka_unit_test(sessions_agree_with_an_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
