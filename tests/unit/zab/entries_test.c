/* Txns in order: the ring, what is found in it, and what was said in an election. */
#include "core/zab/entries.h"

#include "core/base/mem.h"
#include "core/zab/ballots.h"
#include "tests/support/test.h"

static void push(struct entries *q, int64_t zxid)
{
    struct entry *e = entry_new(zxid, BYTES("txn"));
    assert_non_null(e);
    assert_int_equal(entries_push(q, e), ST_OK);
}

static void take(struct entries *q, int64_t zxid)
{
    struct entry *e = entries_take(q);
    assert_non_null(e);
    assert_int_equal(e->zxid, zxid);
    assert_true(bytes_equal(entry_bytes(e), BYTES("txn")));
    mem_free(e);
}

static void what_went_in_first_comes_out_first(void **state)
{
    (void)state;
    struct entries q = {0};
    int64_t in = 0, out = 0;
    assert_null(entries_take(&q));
    /* Three in, two out: the ring grows while its beginning stands anywhere in it. */
    while (in < 300) {
        for (int i = 0; i < 3; i++)
            push(&q, ++in);
        for (int i = 0; i < 2; i++)
            take(&q, ++out);
    }
    assert_int_equal(q.count, in - out);
    assert_int_equal(q.bytes, 3 * (uint64_t)(in - out));
    assert_int_equal(entries_at(&q, 5)->zxid, out + 6);
    while (q.count > 0)
        take(&q, ++out);
    assert_int_equal(out, in);
    assert_int_equal(q.bytes, 0);
    entries_free(&q);
}

static void entries_are_found_by_zxid(void **state)
{
    (void)state;
    struct entries q = {0};
    assert_int_equal(entries_find(&q, 0), 0);
    for (int64_t zxid = 10; zxid <= 400; zxid += 10)
        push(&q, zxid);
    for (int i = 0; i < 7; i++)
        take(&q, 10 * (i + 1));
    assert_int_equal(entries_find(&q, INT64_MIN), 0);
    assert_int_equal(entries_find(&q, 80), 0);
    assert_int_equal(entries_find(&q, 81), 1);
    assert_int_equal(entries_find(&q, 90), 1);
    assert_int_equal(entries_find(&q, 400), 32);
    assert_int_equal(entries_find(&q, 401), 33);
    entries_clear(&q);
    assert_int_equal(q.count, 0);
    push(&q, 5);
    entries_free(&q);
}

static void an_entry_may_be_empty(void **state)
{
    (void)state;
    struct entry *e = entry_new(1, BYTES_NULL);
    assert_non_null(e);
    assert_int_equal(e->len, 0);
    mem_free(e);
}

/* -- votes ----------------------------------------------------------------------------------------------------------
 */

static void votes_are_ordered_by_epoch_zxid_and_sid(void **state)
{
    (void)state;
    static const struct vote ascending[] = {
        {INT64_MIN, INT64_MIN, INT64_MIN}, {3, -1, 0}, {2, 9, 0}, {1, 5, 1}, {2, 5, 1}, {1, 6, 1},
        {INT64_MAX, INT64_MAX, INT64_MAX}};
    for (size_t i = 0; i < sizeof ascending / sizeof ascending[0]; i++)
        for (size_t j = 0; j < sizeof ascending / sizeof ascending[0]; j++)
            assert_int_equal(vote_compare(&ascending[i], &ascending[j]), (i > j) - (i < j));
    assert_int_equal(vote_compare_data(&ascending[3], &ascending[4]), 0);
}

static void settled_servers_agree_on_less(void **state)
{
    (void)state;
    const struct vote vote = {3, 5, 1}, other_zxid = {3, 6, 1}, other_epoch = {3, 5, 2};
    const struct notification looking = {.state = SERVER_LOOKING, .vote = vote, .round = 4, .version = 2};
    struct notification a = {.state = SERVER_LEADING, .vote = vote, .round = 4, .version = 2}, b = a;
    assert_true(ballots_agree(&looking, &a));
    b.round = 5;
    assert_true(ballots_agree(&a, &b));
    assert_false(ballots_agree(&looking, &b));
    b = (struct notification){.state = SERVER_FOLLOWING, .vote = other_zxid, .round = 1, .version = 2};
    assert_true(ballots_agree(&a, &b));
    assert_false(ballots_agree(&looking, &b));
    b.vote = other_epoch;
    assert_false(ballots_agree(&a, &b));
    b.version = 0;
    assert_true(ballots_agree(&a, &b));
    b.vote.leader = 2;
    assert_false(ballots_agree(&a, &b));
}

static void the_last_word_of_a_server_counts(void **state)
{
    (void)state;
    struct ballots b = {0};
    struct notification n = {.config = BYTES("text")};
    for (int64_t round = 1; round <= 2; round++) {
        for (int64_t sid = 0; sid < 30; sid++) {
            n.round = round * 100 + sid;
            assert_int_equal(ballots_put(&b, sid, &n), ST_OK);
        }
    }
    assert_int_equal(b.count, 30);
    assert_int_equal(ballots_of(&b, 7)->round, 207);
    assert_true(bytes_is_null(ballots_of(&b, 7)->config));
    assert_null(ballots_of(&b, 30));
    ballots_clear(&b);
    assert_null(ballots_of(&b, 7));
    ballots_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_went_in_first_comes_out_first),
        cmocka_unit_test(entries_are_found_by_zxid),
        cmocka_unit_test(an_entry_may_be_empty),
        cmocka_unit_test(votes_are_ordered_by_epoch_zxid_and_sid),
        cmocka_unit_test(settled_servers_agree_on_less),
        cmocka_unit_test(the_last_word_of_a_server_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
