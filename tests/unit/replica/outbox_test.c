/* The outbox: bytes for one client in a row are one item, nothing is lost when memory is, and little is kept. */
/* link: -Wl,--wrap=mem_alloc -Wl,--wrap=mem_calloc -Wl,--wrap=mem_realloc */
#include "core/base/check.h"
#include "core/replica/outbox.h"
#include "tests/support/failing_memory.h"
#include "tests/support/test.h"

enum { KEPT_MAX = 256 * 1024, ITEMS_KEPT_MAX = 4096 };

static void send_text(struct outbox *o, uint64_t client, const char *text)
{
    size_t start = o->bytes.len;
    assert_int_equal(buffer_append(&o->bytes, text, strlen(text)), ST_OK);
    assert_int_equal(outbox_send(o, client, start), ST_OK);
}

static void assert_item(const struct outbox *o, size_t i, uint64_t client, enum outbox_kind kind, const char *text)
{
    assert_true(i < o->count);
    assert_int_equal(o->items[i].client, client);
    assert_int_equal(o->items[i].kind, kind);
    if (kind != OUTBOX_BYTES)
        return;
    assert_int_equal(o->items[i].len, strlen(text));
    assert_memory_equal(o->bytes.data + o->items[i].offset, text, strlen(text));
}

static void bytes_in_a_row_are_joined(void **state)
{
    (void)state;
    struct outbox o;
    outbox_init(&o);
    assert_int_equal(o.wake_us, INT64_MAX);
    send_text(&o, 1, "a");
    send_text(&o, 1, "b");
    send_text(&o, 2, "c");
    send_text(&o, 1, "d");
    assert_int_equal(outbox_add(&o, 1, OUTBOX_PAUSE), ST_OK);
    send_text(&o, 1, "e");
    assert_int_equal(outbox_add(&o, 1, OUTBOX_CLOSE), ST_OK);
    assert_int_equal(o.count, 6);
    assert_item(&o, 0, 1, OUTBOX_BYTES, "ab");
    assert_item(&o, 1, 2, OUTBOX_BYTES, "c");
    assert_item(&o, 2, 1, OUTBOX_BYTES, "d");
    assert_item(&o, 3, 1, OUTBOX_PAUSE, NULL);
    assert_item(&o, 4, 1, OUTBOX_BYTES, "e");
    assert_item(&o, 5, 1, OUTBOX_CLOSE, NULL);
    outbox_free(&o);
}

/* Bytes that belong to nobody, as an answer begun and given up leaves them, must not be sent along. */
static void bytes_between_are_not_joined(void **state)
{
    (void)state;
    struct outbox o;
    outbox_init(&o);
    send_text(&o, 1, "a");
    assert_int_equal(buffer_append(&o.bytes, "lost", 4), ST_OK);
    send_text(&o, 1, "b");
    assert_int_equal(o.count, 2);
    assert_item(&o, 0, 1, OUTBOX_BYTES, "a");
    assert_item(&o, 1, 1, OUTBOX_BYTES, "b");
    outbox_free(&o);
}

static void shared_bytes_are_kept_once(void **state)
{
    (void)state;
    struct outbox o;
    outbox_init(&o);
    send_text(&o, 1, "own");
    send_text(&o, 1, "event");
    assert_int_equal(outbox_share(&o, 2, 3, 5), ST_OK);
    send_text(&o, 2, "reply"); /* stands behind the shared bytes: one item with them */
    assert_int_equal(outbox_share(&o, 1, 3, 5), ST_OK);
    assert_int_equal(outbox_share(&o, 1, 3, 5), ST_OK); /* again: the same bytes a second time */
    assert_int_equal(o.bytes.len, strlen("owneventreply"));
    assert_int_equal(o.count, 4);
    assert_item(&o, 0, 1, OUTBOX_BYTES, "ownevent");
    assert_item(&o, 1, 2, OUTBOX_BYTES, "eventreply");
    assert_item(&o, 2, 1, OUTBOX_BYTES, "event");
    assert_item(&o, 3, 1, OUTBOX_BYTES, "event");
    outbox_free(&o);
}

static void reset_empties_and_gives_back(void **state)
{
    (void)state;
    struct outbox o;
    outbox_init(&o);
    for (uint64_t client = 1; client <= ITEMS_KEPT_MAX + 1; client++)
        assert_int_equal(outbox_add(&o, client, OUTBOX_CLOSE), ST_OK);
    assert_int_equal(buffer_reserve(&o.bytes, KEPT_MAX + 1), ST_OK);
    assert_int_equal(buffer_reserve(&o.log, KEPT_MAX + 1), ST_OK);
    o.log_first_zxid = 1;
    o.log_last_zxid = 2;
    o.log_count = 2;
    outbox_reset(&o);
    assert_int_equal(o.count, 0);
    assert_int_equal(o.log_count, 0);
    assert_int_equal(o.log_first_zxid, 0);
    assert_int_equal(o.log_last_zxid, 0);
    assert_true(o.capacity <= ITEMS_KEPT_MAX && o.bytes.cap <= KEPT_MAX && o.log.cap <= KEPT_MAX);
    send_text(&o, 7, "again");
    assert_item(&o, 0, 7, OUTBOX_BYTES, "again");
    outbox_reset(&o);
    assert_true(o.bytes.cap > 0 && o.capacity > 0); /* what a turn needs is kept */
    outbox_free(&o);
}

static void without_memory_the_bytes_are_taken_back(void **state)
{
    (void)state;
    struct outbox o;
    outbox_init(&o);
    assert_int_equal(buffer_append(&o.bytes, "before", 6), ST_OK);
    memory_fail_after(0);
    enum status add = outbox_add(&o, 1, OUTBOX_CLOSE), share = outbox_share(&o, 1, 0, 3);
    enum status send = outbox_send(&o, 1, 3);
    memory_fail_after(-1);
    assert_int_equal(add, ST_NO_MEMORY);
    assert_int_equal(share, ST_NO_MEMORY);
    assert_int_equal(send, ST_NO_MEMORY);
    assert_int_equal(o.count, 0);
    assert_int_equal(o.bytes.len, 3);
    send_text(&o, 1, "x");
    assert_int_equal(o.count, 1);
    outbox_free(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_in_a_row_are_joined),
        cmocka_unit_test(bytes_between_are_not_joined),
        cmocka_unit_test(shared_bytes_are_kept_once),
        cmocka_unit_test(reset_empties_and_gives_back),
        cmocka_unit_test(without_memory_the_bytes_are_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
