/* The intrusive list: order, removal in the middle of a walk, and links that are in no list. */
#include "core/base/list.h"

#include "tests/support/test.h"

struct entry {
    char name;
    struct list link;
};

static void assert_order(const struct list *head, const char *names)
{
    const struct list *before = head;
    LIST_FOR_EACH(at, head)
    {
        assert_int_equal(LIST_ENTRY(at, struct entry, link)->name, *names);
        assert_ptr_equal(at->prev, before);
        before = at;
        names++;
    }
    assert_int_equal(*names, 0);
    assert_ptr_equal(head->prev, before);
}

static void order_is_kept(void **state)
{
    (void)state;
    struct list head;
    struct entry entries[4];
    list_init(&head);
    assert_true(list_is_empty(&head));
    assert_order(&head, "");
    for (int i = 0; i < 4; i++) {
        entries[i].name = (char)('a' + i);
        list_init(&entries[i].link);
        list_remove(&entries[i].link); /* is in none: harmless */
    }
    list_append(&head, &entries[0].link);
    list_append(&head, &entries[1].link);
    list_insert_after(&head, &entries[2].link);
    list_insert_after(&entries[0].link, &entries[3].link);
    assert_order(&head, "cadb");
    list_remove(&entries[0].link);
    assert_order(&head, "cdb");
    list_remove(&entries[1].link);
    list_remove(&entries[2].link);
    list_append(&head, &entries[2].link);
    assert_order(&head, "dc");
}

static void current_link_may_be_removed(void **state)
{
    (void)state;
    struct list head;
    struct entry entries[5];
    list_init(&head);
    for (int i = 0; i < 5; i++) {
        entries[i].name = (char)('a' + i);
        list_append(&head, &entries[i].link);
    }
    LIST_FOR_EACH(at, &head)
    {
        if (LIST_ENTRY(at, struct entry, link)->name % 2 == 1)
            list_remove(at);
    }
    assert_order(&head, "bd");
    LIST_FOR_EACH(at, &head)
    list_remove(at);
    assert_true(list_is_empty(&head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_kept),
        cmocka_unit_test(current_link_may_be_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
