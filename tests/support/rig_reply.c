/* rig_reply.c - the bodies of replies in words: one row for each operation. */
#include "core/base/check.h"
#include "tests/support/rig_internal.h"

#include <inttypes.h>

static void print_text(struct reader *r, struct buffer *out)
{
    rig_printf(out, " ");
    rig_print_text(out, read_text(r));
}

static void print_texts(struct reader *r, struct buffer *out)
{
    int32_t count = read_i32(r);
    CHECK(count >= 0);
    rig_printf(out, " [");
    for (int32_t i = 0; i < count && r->status == ST_OK; i++) {
        rig_printf(out, "%s", i > 0 ? " " : "");
        rig_put(out, read_text(r));
    }
    rig_printf(out, "]");
}

static void print_stat(struct reader *r, struct buffer *out)
{
    struct node_stat s;
    CHECK(node_stat_read(r, &s) == ST_OK);
    rig_printf(out, " stat(c=");
    rig_print_zxid(out, s.czxid);
    rig_printf(out, " m=");
    rig_print_zxid(out, s.mzxid);
    rig_printf(out, " p=");
    rig_print_zxid(out, s.pzxid);
    rig_printf(out, " ctime=%" PRId64 " mtime=%" PRId64, s.ctime, s.mtime);
    rig_printf(out, " v=%d cv=%d av=%d owner=%" PRIx64 " len=%d children=%d)", s.version, s.cversion, s.aversion,
               (uint64_t)s.ephemeral_owner, s.data_length, s.num_children);
}

static void print_path_stat(struct reader *r, struct buffer *out)
{
    print_text(r, out);
    print_stat(r, out);
}

static void print_children_stat(struct reader *r, struct buffer *out)
{
    print_texts(r, out);
    print_stat(r, out);
}

/* Scheme and id, divided by a colon. */
static void print_id(struct bytes scheme, struct bytes id, struct buffer *out)
{
    rig_printf(out, " ");
    rig_put(out, scheme);
    rig_printf(out, ":");
    rig_put(out, id);
}

static void print_acl_stat(struct reader *r, struct buffer *out)
{
    int32_t count = read_i32(r);
    for (int32_t i = 0; i < count; i++) {
        struct acl_entry e;
        CHECK(acl_entry_read(r, &e) == ST_OK);
        print_id(e.scheme, e.id, out);
        rig_printf(out, ":%d", e.perms);
    }
    print_stat(r, out);
}

static void print_number(struct reader *r, struct buffer *out)
{
    rig_printf(out, " %d", read_i32(r));
}

static void print_ids(struct reader *r, struct buffer *out)
{
    int32_t count = read_i32(r);
    for (int32_t i = 0; i < count; i++) {
        struct client_info info;
        CHECK(client_info_read(r, &info) == ST_OK);
        print_id(info.scheme, info.user, out);
    }
}

static void print_results(struct reader *r, struct buffer *out)
{
    for (;;) {
        struct multi_header h;
        CHECK(multi_header_read(r, &h) == ST_OK);
        if (h.done) {
            CHECK(h.type == -1 && h.err == -1);
            return;
        }
        rig_printf(out, "\n    %d", h.type);
        if (h.type == -1) {
            int32_t err = read_i32(r);
            CHECK(err == h.err);
            rig_printf(out, " error %d", err);
        } else {
            CHECK(h.err == 0);
            rig_print_body(h.type, r, out);
        }
    }
}

static void print_coded_node(struct reader *r, struct buffer *out)
{
    int32_t code = read_i32(r);
    if (code != 0) {
        rig_printf(out, " error %d", code);
        return;
    }
    print_path_stat(r, out);
}

static void print_page_with(struct reader *r, bool nodes, struct buffer *out)
{
    int32_t count = read_i32(r);
    rig_printf(out, " [");
    for (int32_t i = 0; i < count && r->status == ST_OK; i++) {
        rig_printf(out, "%s", nodes ? "\n    " : i > 0 ? " " : "");
        rig_put(out, read_text(r));
        if (nodes)
            print_coded_node(r, out);
    }
    rig_printf(out, "]%s", read_boolean(r) ? "" : " more");
    print_stat(r, out);
}

static void print_page(struct reader *r, struct buffer *out)
{
    print_page_with(r, false, out);
}

static void print_page_of_nodes(struct reader *r, struct buffer *out)
{
    print_page_with(r, true, out);
}

static void print_many_with(struct reader *r, bool children, struct buffer *out)
{
    int32_t count = read_i32(r);
    for (int32_t i = 0; i < count && r->status == ST_OK; i++) {
        bool is_there = be32_get(r->at) == 0;
        rig_printf(out, "\n   ");
        print_coded_node(r, out);
        if (children && is_there)
            print_texts(r, out);
    }
}

static void print_many(struct reader *r, struct buffer *out)
{
    print_many_with(r, false, out);
}

static void print_many_with_children(struct reader *r, struct buffer *out)
{
    print_many_with(r, true, out);
}

static void print_subtree(struct reader *r, struct buffer *out)
{
    int32_t count = read_i32(r);
    for (int32_t i = 0; i < count && r->status == ST_OK; i++) {
        rig_printf(out, "\n   ");
        print_text(r, out);
        print_path_stat(r, out);
    }
}

static void print_nothing(struct reader *r, struct buffer *out)
{
    (void)r;
    (void)out;
}

static const struct row {
    int32_t op;
    void (*print)(struct reader *r, struct buffer *out);
} rows[] = {
    {1, print_text},
    {2, print_nothing},
    {3, print_stat},
    {4, print_path_stat},
    {5, print_stat},
    {6, print_acl_stat},
    {7, print_stat},
    {8, print_texts},
    {9, print_text},
    {11, print_nothing},
    {12, print_children_stat},
    {13, print_nothing},
    {14, print_results},
    {15, print_path_stat},
    {16, print_path_stat},
    {17, print_nothing},
    {18, print_nothing},
    {19, print_path_stat},
    {20, print_nothing},
    {21, print_path_stat},
    {22, print_results},
    {100, print_nothing},
    {101, print_nothing},
    {102, print_text},
    {103, print_texts},
    {104, print_number},
    {105, print_nothing},
    {106, print_number},
    {107, print_ids},
    {1001, print_page},
    {1002, print_many},
    {1003, print_subtree},
    {RIG_DETAILED + 1001, print_page_of_nodes},
    {RIG_DETAILED + 1002, print_many_with_children},
    {-10, print_nothing},
    {-11, print_nothing},
};

void rig_print_body(int32_t op, struct reader *r, struct buffer *out)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].op == op)
            rows[i].print(r, out);
}
