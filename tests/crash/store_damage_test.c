/* Any byte flipped, any block zeroed or lost, any file cut or gone: a message and a refusal, or a repair that is told
 * of, or nothing to repair; never a tree that is not what was acknowledged at its zxid. */
/* limit: 600 */
#include "core/store/files.h"
#include "core/store/txnlog_scan.h"
#include "tests/support/store_world.h"
#include "tests/support/test.h"

#include <stdlib.h>

enum { BATCHES = 14, PATHS_MAX = 64, RECORDS_MAX = 1024 };

#define MARK WORLD_MARK_DIR "/" LOG_END_NAME

/* What a kind of damage may lead to besides a refusal. */
enum tolerance {
    NOTHING_LOST, /* whatever is found is all there was */
    TAIL_CUT,     /* or the end is gone, and a repair says so */
    TAIL_GONE,    /* or it is gone, and nobody can know without the mark: a log may end behind any record */
};

struct image {
    struct world world;
    int64_t last;
    char *paths[PATHS_MAX];
    size_t count;
    uint64_t refused, repaired, whole; /* outcomes */
};

static void add_path(void *context, const char *path, struct bytes content)
{
    struct image *image = context;
    (void)content;
    assert_true(image->count < PATHS_MAX);
    image->paths[image->count++] = strdup(path);
}

static void image_make(struct image *image, uint64_t seed)
{
    *image = (struct image){0};
    world_init(&image->world, seed);
    assert_int_equal(world_start(&image->world), ST_OK);
    assert_int_equal(world_run(&image->world, BATCHES), ST_OK);
    world_stop(&image->world);
    image->last = image->world.load.zxid;
    disk_sim_each(image->world.disk, add_path, image);
    assert_true(image->count > 4);
}

static void image_free(struct image *image)
{
    for (size_t i = 0; i < image->count; i++)
        free(image->paths[i]);
    world_free(&image->world);
}

static bool has_repair(const struct recovery *r)
{
    for (size_t i = 0; i < r->findings.count; i++) {
        if (r->findings.items[i].kind == FINDING_REPAIR)
            return true;
    }
    return false;
}

/* Recovers on the damaged disk and judges what came of it. */
static void judge(struct image *image, enum tolerance tolerance, const char *what, const char *path, size_t at)
{
    struct recovery r;
    enum status st = world_recover(&image->world, &r);
    bool right = st == ST_CORRUPT ? findings_worst(&r.findings) == FINDING_DAMAGE : st == ST_OK;
    bool all = st == ST_OK && r.last_zxid == image->last;
    if (st == ST_OK) {
        right = r.last_zxid <= image->last && state_is(&image->world.load, r.last_zxid, r.tree, r.sessions);
        right = right && (all || tolerance == TAIL_GONE || (tolerance == TAIL_CUT && has_repair(&r)));
    }
    if (!right) {
        struct buffer text = {0};
        findings_print(&r.findings, &text);
        printf("%s %s at %zu: %s, zxid 0x%llx of 0x%llx\n%.*s\n", what, path, at, status_text(st),
               (unsigned long long)r.last_zxid, (unsigned long long)image->last, BYTES_PRINT(buffer_bytes(&text)));
        buffer_free(&text);
    }
    image->refused += st == ST_CORRUPT;
    image->repaired += st == ST_OK && !all;
    image->whole += all;
    recovery_free(&r);
    assert_true(right);
}

static void tell(const struct image *image)
{
    printf("%llu refused, %llu cut, %llu with nothing lost\n", (unsigned long long)image->refused,
           (unsigned long long)image->repaired, (unsigned long long)image->whole);
}

/* Whatever the damage is to, with the end mark nothing may be lost. Without it the end of the log may be. */
static enum tolerance tolerance_of(const struct image *image, bool is_end, enum tolerance otherwise)
{
    return image->world.use_mark ? NOTHING_LOST : is_end ? TAIL_GONE : otherwise;
}

/* The log file with the highest zxid that has records. */
static bool is_last_log(const struct image *image, const char *path)
{
    struct store_file file, other;
    if (!store_file_parse(strrchr(path, '/') + 1, STORE_LOG, &file))
        return false;
    for (size_t i = 0; i < image->count; i++) {
        if (store_file_parse(strrchr(image->paths[i], '/') + 1, STORE_LOG, &other) && other.zxid > file.zxid)
            return false;
    }
    return true;
}

/* -- files -------------------------------------------------------------------------------------------------------- */

typedef void damage_fn(uint8_t *data, size_t len, size_t at, struct random *random);

static void flip(uint8_t *data, size_t len, size_t at, struct random *random)
{
    (void)len;
    data[at] ^= (uint8_t)(1 + random_below(random, 255));
}

static void zero_sector(uint8_t *data, size_t len, size_t at, struct random *random)
{
    size_t from = at / 512 * 512;
    (void)random;
    memset(data + from, 0, len - from < 512 ? len - from : 512);
}

static void garble_sector(uint8_t *data, size_t len, size_t at, struct random *random)
{
    size_t from = at / 512 * 512;
    for (size_t i = from; i < len && i < from + 512; i++)
        data[i] = (uint8_t)random_next(random);
}

static void damage_each(struct image *image, const char *what, damage_fn *damage, enum tolerance tolerance, size_t step)
{
    struct random random = {image->world.seed};
    for (size_t i = 0; i < image->count; i++) {
        struct bytes content = bytes_copy(disk_sim_get(image->world.disk, image->paths[i]));
        bool may_end = tolerance == TAIL_CUT && is_last_log(image, image->paths[i]);
        for (size_t at = random_below(&random, (uint32_t)step); at < content.len; at += step) {
            uint8_t *data = (uint8_t *)disk_sim_get(image->world.disk, image->paths[i]).data;
            damage(data, content.len, at, &random);
            judge(image, tolerance_of(image, may_end, tolerance), what, image->paths[i], at);
            memcpy(data, content.data, content.len);
        }
        free((void *)content.data);
    }
    tell(image);
}

static void set_up(struct image *image)
{
    image_make(image, random_seed());
}

static size_t step_of(size_t few)
{
    return getenv("ZOOID_LONG") != NULL ? 1 : few;
}

static void a_flipped_byte(void **state)
{
    (void)state;
    struct image image;
    set_up(&image);
    damage_each(&image, "flipped byte,", flip, NOTHING_LOST, step_of(61));
    image.world.use_checkpoint = false;
    damage_each(&image, "flipped byte without checkpoint,", flip, NOTHING_LOST, step_of(61));
    image.world.use_mark = false;
    damage_each(&image, "flipped byte without checkpoint and mark,", flip, NOTHING_LOST, step_of(61));
    image_free(&image);
}

static void a_zeroed_sector(void **state)
{
    (void)state;
    struct image image;
    set_up(&image);
    damage_each(&image, "zeroed sector,", zero_sector, TAIL_CUT, 512);
    image.world.use_checkpoint = false;
    damage_each(&image, "zeroed sector without checkpoint,", zero_sector, TAIL_CUT, 512);
    image.world.use_mark = false;
    damage_each(&image, "zeroed sector without checkpoint and mark,", zero_sector, TAIL_CUT, 512);
    image_free(&image);
}

static void a_garbled_sector(void **state)
{
    (void)state;
    struct image image;
    set_up(&image);
    damage_each(&image, "garbled sector,", garble_sector, TAIL_CUT, 512);
    image.world.use_checkpoint = false;
    damage_each(&image, "garbled sector without checkpoint,", garble_sector, TAIL_CUT, 512);
    image.world.use_mark = false;
    damage_each(&image, "garbled sector without checkpoint and mark,", garble_sector, TAIL_CUT, 512);
    image_free(&image);
}

static void remove_and_judge(struct image *image, const char *path, enum tolerance tolerance)
{
    struct bytes content = bytes_copy(disk_sim_get(image->world.disk, path));
    disk_sim_remove(image->world.disk, path);
    judge(image, tolerance, "removal of", path, 0);
    disk_sim_put(image->world.disk, path, content);
    free((void *)content.data);
}

static void cut_files(struct image *image)
{
    for (size_t i = 0; i < image->count; i++) {
        enum tolerance tolerance = tolerance_of(image, is_last_log(image, image->paths[i]), NOTHING_LOST);
        struct bytes content = bytes_copy(disk_sim_get(image->world.disk, image->paths[i]));
        for (size_t len = 0; len < content.len; len += step_of(97)) {
            disk_sim_put(image->world.disk, image->paths[i], bytes_make(content.data, len));
            judge(image, tolerance, "cut of", image->paths[i], len);
        }
        disk_sim_put(image->world.disk, image->paths[i], content);
        if (strcmp(image->paths[i], MARK) != 0) /* it would not come back: another file counts for nothing */
            remove_and_judge(image, image->paths[i], tolerance);
        free((void *)content.data);
    }
    tell(image);
}

static void a_file_cut_or_gone(void **state)
{
    (void)state;
    struct image image;
    set_up(&image);
    cut_files(&image);
    image.world.use_checkpoint = false;
    cut_files(&image);
    image.world.use_mark = false;
    cut_files(&image);
    image_free(&image);
}

/* -- the end of the log ------------------------------------------------------------------------------------------- */

struct records {
    struct txnlog_record items[RECORDS_MAX]; /* without the entries */
    size_t count;
};

static enum status note_record(void *context, const struct txnlog_record *record)
{
    struct records *records = context;
    assert_true(records->count < RECORDS_MAX);
    records->items[records->count++] = (struct txnlog_record){
        .zxid = record->zxid, .path = strdup(record->path), .offset = record->offset};
    return ST_OK;
}

static void find_records(struct image *image, struct records *records)
{
    struct findings findings = {0};
    struct txnlog_scan_result result;
    records->count = 0;
    const struct txnlog_scan scan = {.io = disk_sim_io(image->world.disk),
                                     .dir = WORLD_DIR,
                                     .any_start = true,
                                     .fn = note_record,
                                     .context = records};
    assert_int_equal(txnlog_scan(&scan, &result, &findings), ST_OK);
    assert_int_equal(result.last_zxid, image->last);
    assert_true(records->count > BATCHES);
    findings_free(&findings);
}

/* All records from the i-th on go, in the ways that leave nothing behind which might look damaged. */
static void lose_end(struct image *image, const struct records *records, size_t i)
{
    const struct txnlog_record *first = &records->items[i];
    struct bytes content = bytes_copy(disk_sim_get(image->world.disk, first->path));
    disk_sim_put(image->world.disk, first->path, bytes_make(content.data, (size_t)first->offset));
    judge(image, NOTHING_LOST, "cut behind a record of", first->path, (size_t)first->offset);
    disk_sim_put(image->world.disk, first->path, content);
    uint8_t *data = (uint8_t *)disk_sim_get(image->world.disk, first->path).data;
    memset(data + first->offset, 0, content.len - (size_t)first->offset);
    judge(image, NOTHING_LOST, "zeros behind a record of", first->path, (size_t)first->offset);
    memcpy(data, content.data, content.len);
    size_t end = i + 1 < records->count && strcmp(records->items[i + 1].path, first->path) == 0
                     ? (size_t)records->items[i + 1].offset
                     : content.len;
    memset(data + first->offset, 0, end - (size_t)first->offset);
    judge(image, NOTHING_LOST, "zeros instead of a record of", first->path, (size_t)first->offset);
    memcpy(data, content.data, content.len);
    free((void *)content.data);
}

static void an_end_that_is_missing(void **state)
{
    (void)state;
    static struct records records;
    struct image image;
    set_up(&image);
    find_records(&image, &records);
    for (size_t i = 0; i < records.count; i++)
        lose_end(&image, &records, i);
    tell(&image);
    image.world.use_checkpoint = false;
    image.refused = image.whole = 0;
    for (size_t i = records.count - 3; i < records.count; i++)
        lose_end(&image, &records, i);
    assert_int_equal(image.refused, 9);
    tell(&image);
    for (size_t i = 0; i < records.count; i++)
        free((void *)records.items[i].path);
    image_free(&image);
}

/* It says that it is damaged and is not used: there is no reason to refuse a whole log. */
static void any_byte_of_the_mark(void **state)
{
    (void)state;
    struct image image;
    set_up(&image);
    struct random random = {image.world.seed};
    size_t len = disk_sim_get(image.world.disk, MARK).len;
    assert_int_equal(len, LOG_END_LEN);
    for (size_t at = 0; at < len; at++) {
        uint8_t *mark = (uint8_t *)disk_sim_get(image.world.disk, MARK).data, old = mark[at];
        flip(mark, len, at, &random);
        judge(&image, NOTHING_LOST, "flipped byte of", MARK, at);
        mark[at] = old;
    }
    assert_int_equal(image.whole, len);
    image_free(&image);
}

/* As a directory that was copied while the agent ran: the mark may be newer than the log, and counts for nothing. */
static void a_mark_in_a_copy(void **state)
{
    (void)state;
    struct image image;
    set_up(&image);
    image.world.use_checkpoint = false;
    struct bytes mark = bytes_copy(disk_sim_get(image.world.disk, MARK));
    disk_sim_remove(image.world.disk, MARK);
    disk_sim_put(image.world.disk, MARK, mark);
    for (size_t i = 0; i < image.count; i++) {
        if (is_last_log(&image, image.paths[i]))
            remove_and_judge(&image, image.paths[i], TAIL_GONE);
    }
    assert_int_equal(image.repaired, 1);
    free((void *)mark.data);
    image_free(&image);
}

/* -- the checkpoint ----------------------------------------------------------------------------------------------- */

static void damage_checkpoint(struct image *image, struct random *random)
{
    size_t count = checkpoint_memory_count(image->world.checkpoint);
    assert_true(count > 3);
    for (size_t i = 0; i < count; i++) {
        struct checkpoint_memory_value *value = checkpoint_memory_at(image->world.checkpoint, i);
        for (size_t at = random_below(random, 8); at < value->len; at += step_of(11)) {
            uint8_t old = value->data[at];
            flip(value->data, value->len, at, random);
            judge(image, NOTHING_LOST, "flipped byte of", "checkpoint", i);
            value->data[at] = old;
        }
        size_t len = value->len;
        for (value->len = 0; value->len < len; value->len += step_of(17))
            judge(image, NOTHING_LOST, "cut value of", "checkpoint", i);
        value->len = len;
        uint32_t key = value->key;
        value->key ^= 1u << random_below(random, 31);
        judge(image, NOTHING_LOST, "wrong key in", "checkpoint", i);
        value->key = key;
    }
    tell(image);
}

static void values_of_the_checkpoint(void **state)
{
    (void)state;
    struct image image;
    set_up(&image);
    struct random random = {image.world.seed};
    damage_checkpoint(&image, &random);
    image_free(&image);
}

static void values_gone_from_the_checkpoint(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    size_t count = 1;
    for (size_t i = 0; i < count; i++) {
        struct image image;
        image_make(&image, seed);
        count = checkpoint_memory_count(image.world.checkpoint);
        checkpoint_memory_remove(image.world.checkpoint, i);
        judge(&image, NOTHING_LOST, "value gone from", "checkpoint", i);
        image_free(&image);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flipped_byte),
        cmocka_unit_test(a_zeroed_sector),
        cmocka_unit_test(a_garbled_sector),
        cmocka_unit_test(a_file_cut_or_gone),
        cmocka_unit_test(an_end_that_is_missing),
        cmocka_unit_test(any_byte_of_the_mark),
        cmocka_unit_test(a_mark_in_a_copy),
        cmocka_unit_test(values_of_the_checkpoint),
        cmocka_unit_test(values_gone_from_the_checkpoint),
    };
    return cmocka_run_group_tests_name("store_damage", tests, NULL, NULL);
}
