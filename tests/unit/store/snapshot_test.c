/* A snapshot is read from any split of its bytes, gives the tree it was made of, and no damage in it passes. */
#include "core/base/mem.h"
#include "core/store/snapshot.h"
#include "tests/support/disk_sim.h"
#include "tests/support/test.h"
#include "tests/support/txn_load.h"

#include <stdlib.h>
#include <zlib.h>

#define DIR "/data"

enum { TXNS = 400 };

struct rig {
    struct txn_load load;
    struct disk_sim *disk;
    struct buffer file;
    struct tree *tree; /* read into */
    struct sessions *sessions;
    struct snapshot_info info;
    struct findings findings;
};

static void apply_txns(struct rig *rig, int count)
{
    struct buffer entry = {0};
    for (int i = 0; i < count; i++) {
        entry.len = 0;
        txn_load_next(&rig->load, &entry);
    }
    buffer_free(&entry);
}

static void fresh_target(struct rig *rig)
{
    tree_free(rig->tree);
    sessions_free(rig->sessions);
    rig->tree = tree_new(&txn_load_tree_options);
    rig->sessions = sessions_new(2000);
    assert_true(rig->tree != NULL && rig->sessions != NULL);
}

static void set_up(struct rig *rig)
{
    *rig = (struct rig){.disk = disk_sim_new()};
    disk_sim_make_dir(rig->disk, DIR);
    txn_load_init(&rig->load, 3);
    apply_txns(rig, TXNS);
    assert_int_equal(snapshot_encode(rig->load.tree, rig->load.sessions, rig->load.zxid, &rig->file), ST_OK);
    fresh_target(rig);
}

static void tear_down(struct rig *rig)
{
    tree_free(rig->tree);
    sessions_free(rig->sessions);
    buffer_free(&rig->file);
    findings_free(&rig->findings);
    txn_load_free(&rig->load);
    disk_sim_free(rig->disk);
}

static enum status read_split(struct rig *rig, struct bytes file, size_t piece)
{
    struct snapshot_reader *r = snapshot_reader_new(rig->tree, rig->sessions, 0);
    assert_non_null(r);
    enum status st = ST_OK;
    for (size_t at = 0; at < file.len && st == ST_OK; at += piece)
        st = snapshot_feed(r, bytes_make(file.data + at, file.len - at < piece ? file.len - at : piece));
    if (st == ST_OK)
        st = snapshot_finish(r, &rig->info);
    uint64_t offset;
    assert_true(st == ST_OK || strlen(snapshot_reader_problem(r, &offset)) > 0);
    snapshot_reader_free(r);
    return st;
}

static void any_split_gives_the_tree(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 2, 3, 7, 61, 512, 4096, 100000000};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct rig rig;
        set_up(&rig);
        assert_int_equal(read_split(&rig, buffer_bytes(&rig.file), pieces[i]), ST_OK);
        assert_state_is(&rig.load, rig.load.zxid, rig.tree, rig.sessions);
        assert_tree_is_model(rig.tree, &rig.load.model);
        assert_true(rig.info.has_digest);
        assert_int_equal(rig.info.digest_zxid, rig.load.zxid);
        assert_int_equal(rig.info.digest, tree_digest(rig.tree));
        assert_int_equal(rig.info.nodes + 1, tree_count(rig.tree));
        assert_int_equal(rig.info.bytes, rig.file.len);
        tear_down(&rig);
    }
}

/* What was read writes the same file again, but for the order of sessions. */
static void reading_and_writing_is_stable(void **state)
{
    (void)state;
    struct rig rig;
    struct buffer again = {0};
    set_up(&rig);
    assert_int_equal(read_split(&rig, buffer_bytes(&rig.file), 4096), ST_OK);
    assert_int_equal(snapshot_encode(rig.tree, rig.sessions, rig.load.zxid, &again), ST_OK);
    assert_int_equal(again.len, rig.file.len);
    fresh_target(&rig);
    assert_int_equal(read_split(&rig, buffer_bytes(&again), 4096), ST_OK);
    assert_state_is(&rig.load, rig.load.zxid, rig.tree, rig.sessions);
    buffer_free(&again);
    tear_down(&rig);
}

static void no_damage_passes(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    bool whole = getenv("ZOOID_LONG") != NULL;
    for (size_t at = 0; at < rig.file.len; at += whole ? 1 : 37) {
        rig.file.data[at] ^= (uint8_t)(1u << (at % 8));
        assert_int_equal(read_split(&rig, buffer_bytes(&rig.file), 1000), ST_CORRUPT);
        rig.file.data[at] ^= (uint8_t)(1u << (at % 8));
        fresh_target(&rig);
    }
    for (size_t len = 0; len < rig.file.len; len += whole ? 1 : 41) {
        if (len == rig.file.len - 33)
            continue; /* behind the first seal a file may end */
        assert_int_equal(read_split(&rig, bytes_make(rig.file.data, len), 1000), ST_CORRUPT);
        fresh_target(&rig);
    }
    assert_int_equal(buffer_append(&rig.file, "more", 4), ST_OK);
    assert_int_equal(read_split(&rig, buffer_bytes(&rig.file), 1000), ST_CORRUPT);
    tear_down(&rig);
}

/* -- what other releases write behind the nodes ------------------------------------------------------------------- */

static void append_seal(struct buffer *file)
{
    uint8_t seal[13] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, '/'};
    be64_put(seal, adler32_z(adler32_z(0, NULL, 0), file->data, file->len));
    assert_int_equal(buffer_append(file, seal, sizeof seal), ST_OK);
}

static void files_end_behind_any_seal(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    uint8_t zxid[8];
    be64_put(zxid, 77);
    /* 3.9: a third section. */
    assert_int_equal(buffer_append(&rig.file, zxid, 8), ST_OK);
    append_seal(&rig.file);
    assert_int_equal(read_split(&rig, buffer_bytes(&rig.file), 1000), ST_OK);
    assert_true(rig.info.has_digest && rig.info.has_last_zxid);
    assert_int_equal(rig.info.last_zxid, 77);
    /* 3.5 and before: only the first. */
    rig.file.len -= 21 + 33;
    fresh_target(&rig);
    assert_int_equal(read_split(&rig, buffer_bytes(&rig.file), 1000), ST_OK);
    assert_false(rig.info.has_digest || rig.info.digest_section || rig.info.has_last_zxid);
    assert_state_is(&rig.load, rig.load.zxid, rig.tree, rig.sessions);
    /* 3.9 with digests switched off. */
    assert_int_equal(buffer_append(&rig.file, zxid, 8), ST_OK);
    append_seal(&rig.file);
    fresh_target(&rig);
    assert_int_equal(read_split(&rig, buffer_bytes(&rig.file), 1000), ST_OK);
    assert_true(!rig.info.digest_section && rig.info.has_last_zxid);
    tear_down(&rig);
}

/* -- while the tree changes --------------------------------------------------------------------------------------- */

/* [7.4 3249 acl-race] Slices with txns between them; replay from the label makes it the tree again. */
static void a_fuzzy_snapshot_becomes_the_tree_by_replay(void **state)
{
    (void)state;
    for (size_t slice = 1; slice < 40; slice += 6) {
        struct rig rig;
        struct buffer log = {0};
        size_t ends[1000], entries = 0;
        bool done = false;
        set_up(&rig);
        rig.file.len = 0;
        int64_t label = rig.load.zxid;
        struct snapshot_writer *w = snapshot_writer_new(rig.load.tree, rig.load.sessions, label);
        assert_non_null(w);
        while (!done) {
            assert_int_equal(snapshot_encode_some(w, slice, &rig.file, &done), ST_OK);
            for (int i = 0; i < 3 && entries < 1000; i++) {
                txn_load_next(&rig.load, &log);
                ends[entries++] = log.len;
            }
        }
        assert_int_equal(snapshot_encode_end(w, rig.load.zxid, &rig.file), ST_OK);
        snapshot_writer_free(w);
        assert_int_equal(read_split(&rig, buffer_bytes(&rig.file), 1000), ST_OK);
        assert_int_equal(rig.info.digest_zxid, rig.load.zxid);
        for (size_t i = 0; i < entries; i++) {
            size_t start = i == 0 ? 0 : ends[i - 1];
            struct txn txn;
            assert_int_equal(txn_decode(bytes_make(log.data + start, ends[i] - start), &txn), ST_OK);
            txn_load_apply(NULL, rig.tree, rig.sessions, &txn);
        }
        assert_state_is(&rig.load, rig.load.zxid, rig.tree, rig.sessions);
        assert_tree_is_model(rig.tree, &rig.load.model);
        buffer_free(&log);
        tear_down(&rig);
    }
}

/* -- files -------------------------------------------------------------------------------------------------------- */

static void a_file_appears_when_it_is_whole(void **state)
{
    (void)state;
    struct rig rig;
    struct snapshot_file *f;
    const char *path = DIR "/snapshot.190";
    set_up(&rig);
    const struct store_io *io = disk_sim_io(rig.disk);
    bool whole = true;
    for (int try = 0; try < 2; try++) {
        assert_int_equal(snapshot_file_create(&f, io, DIR, 0x190), ST_OK);
        assert_int_equal(snapshot_file_append(f, bytes_make(rig.file.data, 100)), ST_OK);
        assert_true(bytes_is_null(disk_sim_get(rig.disk, path)));
        if (try == 0)
            snapshot_file_abort(f);
    }
    assert_int_equal(snapshot_file_append(f, bytes_from(buffer_bytes(&rig.file), 100)), ST_OK);
    assert_int_equal(snapshot_file_commit(f), ST_OK);
    assert_int_equal(snapshot_looks_whole(io, path, &whole), ST_OK);
    assert_true(whole);
    assert_int_equal(snapshot_load(io, path, rig.tree, rig.sessions, 0, &rig.info, FINDING_DAMAGE, &rig.findings),
                     ST_OK);
    assert_state_is(&rig.load, rig.load.zxid, rig.tree, rig.sessions);
    assert_int_equal(rig.findings.count, 0);
    tear_down(&rig);
}

static struct bytes gzipped(struct bytes plain)
{
    z_stream z = {0};
    size_t room = plain.len + 1000;
    uint8_t *out = malloc(room);
    assert_non_null(out);
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)plain.data;
    z.avail_in = (uInt)plain.len;
    z.next_out = out;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return bytes_make(out, z.total_out);
}

static void compressed_files_are_read_and_checked(void **state)
{
    (void)state;
    struct rig rig;
    set_up(&rig);
    const struct store_io *io = disk_sim_io(rig.disk);
    struct bytes small = gzipped(buffer_bytes(&rig.file));
    disk_sim_put(rig.disk, DIR "/snapshot.190.gz", small);
    assert_int_equal(
        snapshot_load(io, DIR "/snapshot.190.gz", rig.tree, rig.sessions, 0, &rig.info, FINDING_DAMAGE, &rig.findings),
        ST_OK);
    assert_state_is(&rig.load, rig.load.zxid, rig.tree, rig.sessions);
    for (size_t len = 0; len < small.len; len += 101) {
        disk_sim_put(rig.disk, DIR "/snapshot.190.gz", bytes_make(small.data, len));
        fresh_target(&rig);
        assert_int_equal(snapshot_load(io, DIR "/snapshot.190.gz", rig.tree, rig.sessions, 0, &rig.info, FINDING_REPAIR,
                                       &rig.findings),
                         ST_CORRUPT);
        assert_int_equal(rig.findings.items[rig.findings.count - 1].kind, FINDING_REPAIR);
    }
    for (size_t at = 12; at < small.len; at += 67) {
        uint8_t *data = (uint8_t *)small.data;
        data[at] ^= 0x10;
        disk_sim_put(rig.disk, DIR "/snapshot.190.gz", small);
        data[at] ^= 0x10;
        fresh_target(&rig);
        assert_int_equal(snapshot_load(io, DIR "/snapshot.190.gz", rig.tree, rig.sessions, 0, &rig.info, FINDING_REPAIR,
                                       &rig.findings),
                         ST_CORRUPT);
    }
    struct buffer longer = {0};
    buffer_append(&longer, small.data, small.len);
    buffer_append(&longer, "more", 4);
    disk_sim_put(rig.disk, DIR "/snapshot.190.gz", buffer_bytes(&longer));
    buffer_free(&longer);
    fresh_target(&rig);
    assert_int_equal(
        snapshot_load(io, DIR "/snapshot.190.gz", rig.tree, rig.sessions, 0, &rig.info, FINDING_REPAIR, &rig.findings),
        ST_CORRUPT);
    assert_int_equal(
        snapshot_load(io, DIR "/snapshot.none", rig.tree, rig.sessions, 0, &rig.info, FINDING_REPAIR, &rig.findings),
        ST_NOT_FOUND);
    disk_sim_put(rig.disk, DIR "/snapshot.190.snappy", BYTES("\202SNAPPY"));
    fresh_target(&rig);
    assert_int_equal(snapshot_load(io, DIR "/snapshot.190.snappy", rig.tree, rig.sessions, 0, &rig.info, FINDING_DAMAGE,
                                   &rig.findings),
                     ST_UNSUPPORTED);
    free((void *)small.data);
    tear_down(&rig);
}

/* [7.4 acl-race] */
static void impossible_nodes_are_refused(void **state)
{
    (void)state;
    static const char *const paths[] = {"relative", "/", "//", "/a/", "/a//b", "/missing/child", ""};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct rig rig;
        set_up(&rig);
        rig.file.len = 0;
        struct writer w = writer_to(&rig.file);
        write_raw(&w, bytes_make("ZKSN\0\0\0\2\377\377\377\377\377\377\377\377\0\0\0\0\0\0\0\0", 24));
        for (int node = 0; node < 2; node++) {
            write_text(&w, node == 0 ? BYTES("") : bytes_of(paths[i]));
            write_blob(&w, BYTES("x"));
            write_i64(&w, i == 0 && node == 1 ? 5 : -1); /* and an ACL that is not there */
            stat_persisted_write(&w, &(struct stat_persisted){0});
        }
        write_text(&w, BYTES("/"));
        append_seal(&rig.file);
        assert_int_equal(w.status, ST_OK);
        assert_int_equal(read_split(&rig, buffer_bytes(&rig.file), 1000), ST_CORRUPT);
        tear_down(&rig);
    }
}

#define FILE_HEADER "ZKSN\0\0\0\2\377\377\377\377\377\377\377\377"

static void impossible_beginnings_are_refused(void **state)
{
    (void)state;
    static const struct bytes beginnings[] = {
        BYTES("ZKLG\0\0\0\2\377\377\377\377\377\377\377\377\0\0\0\0"),
        BYTES("ZKSN\0\0\0\3\377\377\377\377\377\377\377\377\0\0\0\0"),
        BYTES(FILE_HEADER "\377\377\377\377"),
        BYTES(FILE_HEADER "\0\0\0\0\377\377\377\377"),
        BYTES(FILE_HEADER "\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0"),
        BYTES(FILE_HEADER "\0\0\0\0\0\0\0\0\177\377\377\377"),
    };
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        struct rig rig;
        set_up(&rig);
        assert_int_equal(read_split(&rig, beginnings[i], 7), ST_CORRUPT);
        tear_down(&rig);
    }
}

/* Much behind the last node is no seal. */
static void a_long_tail_is_refused_at_once(void **state)
{
    (void)state;
    struct rig rig;
    static const uint8_t more[5000] = {1};
    set_up(&rig);
    struct snapshot_reader *r = snapshot_reader_new(rig.tree, rig.sessions, 0);
    assert_int_equal(snapshot_feed(r, buffer_bytes(&rig.file)), ST_OK);
    assert_int_equal(snapshot_feed(r, bytes_make(more, sizeof more)), ST_CORRUPT);
    assert_int_equal(snapshot_feed(r, BYTES("and more")), ST_CORRUPT);
    assert_int_equal(snapshot_finish(r, &rig.info), ST_CORRUPT);
    snapshot_reader_free(r);
    tear_down(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_split_gives_the_tree),
        cmocka_unit_test(reading_and_writing_is_stable),
        cmocka_unit_test(no_damage_passes),
        cmocka_unit_test(files_end_behind_any_seal),
        cmocka_unit_test(a_fuzzy_snapshot_becomes_the_tree_by_replay),
        cmocka_unit_test(a_file_appears_when_it_is_whole),
        cmocka_unit_test(compressed_files_are_read_and_checked),
        cmocka_unit_test(impossible_nodes_are_refused),
        cmocka_unit_test(impossible_beginnings_are_refused),
        cmocka_unit_test(a_long_tail_is_refused_at_once),
    };
    return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
