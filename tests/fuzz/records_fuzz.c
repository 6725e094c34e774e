/* records_fuzz.c - any bytes as any record, and as a txn: what can be read is written again as it was, and what a log
 * holds can be applied, once and once more. */
#include "core/base/check.h"
#include "core/jute/txn.h"
#include "core/ops/apply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Some bytes have several ways to say the same (true, counts below -1): the first writing settles on one, which has the
 * length of what was read. */
#define FIELD(type, name)
#define RECORD(record_name, fields)                                                           \
    static void check_##record_name(struct bytes input)                                       \
    {                                                                                         \
        struct reader r = reader_of(input);                                                   \
        struct record_name record, again;                                                     \
        if (record_name##_read(&r, &record) != ST_OK)                                         \
            return;                                                                           \
        struct buffer first = {0}, second = {0}, text = {0};                                  \
        struct writer w = writer_to(&first);                                                  \
        record_name##_write(&w, &record);                                                     \
        CHECK(w.status == ST_OK && first.len == input.len - reader_left(&r));                 \
        r = reader_of(buffer_bytes(&first));                                                  \
        CHECK(record_name##_read(&r, &again) == ST_OK && reader_left(&r) == 0);               \
        w = writer_to(&second);                                                               \
        record_name##_write(&w, &again);                                                      \
        CHECK(w.status == ST_OK && bytes_equal(buffer_bytes(&first), buffer_bytes(&second))); \
        CHECK(record_name##_print(&text, &record) == ST_OK);                                  \
        buffer_free(&first);                                                                  \
        buffer_free(&second);                                                                 \
        buffer_free(&text);                                                                   \
    }
#include "core/jute/records.def"
#undef RECORD

static void (*const checks[])(struct bytes input) = {
#define RECORD(record_name, fields) check_##record_name,
#include "core/jute/records.def"
#undef RECORD
#undef FIELD
};

static void apply_twice(const struct txn *txn)
{
    const struct tree_options options = {.hash_key = {1, 2}, .extended_types = true};
    struct tree *tree = tree_new(&options);
    struct sessions *sessions = sessions_new(1000);
    CHECK(tree != NULL && sessions != NULL);
    for (int i = 0; i < 2; i++) {
        enum status st = txn_apply(NULL, tree, sessions, txn);
        CHECK(st != ST_NO_MEMORY && st != ST_CORRUPT && st != ST_UNIMPLEMENTED);
    }
    tree_free(tree);
    sessions_free(sessions);
}

static void check_txn_entry(struct bytes input)
{
    struct txn txn;
    if (txn_decode(input, &txn) != ST_OK)
        return;
    struct buffer again = {0};
    struct writer w = writer_to(&again);
    txn_encode(&w, &txn);
    CHECK(w.status == ST_OK && again.len <= input.len);
    /* A closeSession may have a body that counts as none. */
    if (txn.header.type != TXN_CLOSE_SESSION)
        CHECK(bytes_equal(input, buffer_bytes(&again)));
    buffer_free(&again);
    apply_twice(&txn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    const struct bytes input = bytes_make(data + 1, size - 1);
    if (data[0] < ARRAY_LEN(checks))
        checks[data[0]](input);
    else
        check_txn_entry(input);
    return 0;
}
