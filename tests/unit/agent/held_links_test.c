/* held_links_test.c - links that stand unread: each is held once and let go once, none behind the others' backs. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc -Wl,--wrap=peers_hold -Wl,--wrap=peers_go */
#include "agent/peers/held_links.h"

#include "tests/support/failing_memory.h"
#include "tests/support/test.h"

enum { LINKS = 100 };

static int held[LINKS], gone[LINKS];
static uint64_t last_gone;

void __wrap_peers_hold(struct peers *p, uint64_t link);
void __wrap_peers_go(struct peers *p, uint64_t link);

void __wrap_peers_hold(struct peers *p, uint64_t link)
{
    assert_null(p);
    held[link]++;
}

void __wrap_peers_go(struct peers *p, uint64_t link)
{
    assert_null(p);
    gone[link]++;
    assert_int_equal(link, last_gone + 1);
    last_gone = link;
}

static int begin(void **state)
{
    (void)state;
    memset(held, 0, sizeof held);
    memset(gone, 0, sizeof gone);
    last_gone = 0;
    return 0;
}

static void each_goes_on_in_the_order_in_which_it_was_held(void **state)
{
    (void)state;
    struct held_links links = {0};
    for (uint64_t link = 1; link < LINKS; link++)
        assert_true(held_links_add(&links, NULL, link));
    assert_int_equal(last_gone, 0);
    held_links_release(&links, NULL);
    for (uint64_t link = 1; link < LINKS; link++) {
        assert_int_equal(held[link], 1);
        assert_int_equal(gone[link], 1);
    }
    held_links_release(&links, NULL); /* nobody is left */
    assert_int_equal(last_gone, LINKS - 1);
}

static void whoever_is_forgotten_is_not_let_go(void **state)
{
    (void)state;
    struct held_links links = {0};
    assert_true(held_links_add(&links, NULL, 7));
    held_links_forget(&links);
    assert_true(held_links_add(&links, NULL, 1));
    held_links_release(&links, NULL);
    assert_int_equal(gone[7], 0);
    assert_int_equal(gone[1], 1);
}

static void without_memory_a_link_is_read_on(void **state)
{
    (void)state;
    struct held_links links = {0};
    uint64_t link = 1;
    assert_true(held_links_add(&links, NULL, link++));
    memory_fail_after(0);
    while (held_links_add(&links, NULL, link))
        link++;
    assert_int_equal(held[link], 0);
    memory_fail_after(-1);
    held_links_release(&links, NULL); /* those before it are not lost */
    assert_int_equal(last_gone, link - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_goes_on_in_the_order_in_which_it_was_held, begin),
        cmocka_unit_test_setup(whoever_is_forgotten_is_not_let_go, begin),
        cmocka_unit_test_setup(without_memory_a_link_is_read_on, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
