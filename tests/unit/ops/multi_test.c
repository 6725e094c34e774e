/* Requests of the greatest size that a frame can have must cost neither the stack nor the loop. */
#include "core/base/check.h"
#include "core/jute/records.h"
#include "tests/support/replica_rig.h"
#include "tests/support/test.h"

enum { FRAME_MAX = 1048575 };

/* A request filled with as many parts as go into a frame. */
static void fill(struct buffer *frame, int32_t op, void (*write_part)(struct writer *w))
{
    struct writer w = writer_to(frame);
    request_header_write(&w, &(struct request_header){1, op});
    size_t part = frame->len;
    write_part(&w);
    for (part = frame->len - part; frame->len + part + 9 <= FRAME_MAX;)
        write_part(&w);
    multi_header_write(&w, &(struct multi_header){-1, true, -1});
    assert_int_equal(w.status, ST_OK);
}

/* Sends it as a client of its own and returns what came back. */
static char *reply_to(struct rig *rig, const struct buffer *frame)
{
    static char line[64];
    struct buffer out = {0};
    rig_do(rig, "connect A");
    rig_frame(rig, "A", buffer_bytes(frame), &out);
    size_t len = out.len < sizeof line - 1 ? out.len : sizeof line - 1;
    memcpy(line, out.data, len);
    line[len] = '\0';
    buffer_free(&out);
    return line;
}

static void nested_multi(struct writer *w)
{
    multi_header_write(w, &(struct multi_header){14, false, -1});
}

static void nested_multi_read(struct writer *w)
{
    multi_header_write(w, &(struct multi_header){22, false, -1});
}

static void multis_do_not_nest(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct buffer frame = {0};
    fill(&frame, 14, nested_multi);
    assert_string_equal(reply_to(rig, &frame), "A xid=1 zxid=2 error -5\n");
    frame.len = 0;
    fill(&frame, 22, nested_multi_read);
    assert_string_equal(reply_to(rig, &frame), "A xid=1 zxid=3 error -5\n");
    frame.len = 0;
    fill(&frame, 14, nested_multi_read);
    assert_string_equal(reply_to(rig, &frame), "A xid=1 zxid=5 error -5\n");
    buffer_free(&frame);
    assert_true(rig_replays(rig));
    rig_free(rig);
}

static void create_sequential(struct writer *w)
{
    multi_header_write(w, &(struct multi_header){1, false, -1});
    write_text(w, BYTES("/"));
    write_blob(w, BYTES_NULL);
    write_i32(w, 1);
    acl_entry_write(w, &(struct acl_entry){31, BYTES("world"), BYTES("anyone")});
    write_i32(w, 2);
}

static void create_then_fail(struct writer *w)
{
    create_sequential(w);
    w->out->data[w->out->len - 1] = 0; /* the same path for all of them: it is there */
}

static void many_parts_are_done_or_not(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct buffer frame = {0};
    fill(&frame, 14, create_sequential);
    assert_memory_equal(reply_to(rig, &frame), "A xid=1 zxid=2 ok\n", 18);
    frame.len = 0;
    fill(&frame, 14, create_then_fail);
    assert_memory_equal(reply_to(rig, &frame), "A xid=1 zxid=4 ok\n    -1 error -110\n    -1 error -2\n", 50);
    buffer_free(&frame);
    assert_true(rig_replays(rig));
    rig_free(rig);
}

/* Each entry of an ACL is compared with those before it: a long list must not become a burden. */
static void create_with_long_acl(struct writer *w)
{
    multi_header_write(w, &(struct multi_header){1, false, -1});
    write_text(w, BYTES("/a"));
    write_blob(w, BYTES_NULL);
    write_i32(w, 40000);
    for (int32_t i = 0; i < 40000; i++)
        acl_entry_write(w, &(struct acl_entry){i % 1000, BYTES("ip"), BYTES("1.2.3.4")});
    write_i32(w, 0);
}

static void endless_acl_is_refused(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct buffer frame = {0};
    fill(&frame, 14, create_with_long_acl);
    assert_true(frame.len <= FRAME_MAX);
    assert_memory_equal(reply_to(rig, &frame), "A xid=1 zxid=2 ok\n    -1 error -114\n", 36);
    buffer_free(&frame);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(multis_do_not_nest),
        cmocka_unit_test(many_parts_are_done_or_not),
        cmocka_unit_test(endless_acl_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
