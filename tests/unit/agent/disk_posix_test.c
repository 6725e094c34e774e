/* disk_posix_test.c - each function of the table on a real directory, and its errors. */
#include "agent/disk/disk_posix.h"
#include "tests/support/test.h"
#include "tests/support/tmp.h"

#include <stdlib.h>
#include <sys/stat.h>

static int set_up(void **state)
{
    *state = tmp_make();
    return 0;
}

static int tear_down(void **state)
{
    tmp_remove(*state);
    return 0;
}

static struct io_file *create(const char *path)
{
    const struct store_io *io = disk_posix();
    struct io_file *file;
    assert_int_equal(io->open(io->context, path, IO_CREATE, &file), ST_OK);
    return file;
}

static void a_file_holds_what_was_written(void **state)
{
    const struct store_io *io = disk_posix();
    char *path = tmp_join(*state, "file"), data[16];
    size_t got;
    uint64_t size;
    struct io_file *file = create(path);
    assert_int_equal(io->write_at(io->context, file, 4, "hello", 5), ST_OK);
    assert_int_equal(io->sync(io->context, file), ST_OK);
    assert_int_equal(io->close(io->context, file), ST_OK);

    assert_int_equal(io->open(io->context, path, IO_READ, &file), ST_OK);
    assert_int_equal(io->size(io->context, file, &size), ST_OK);
    assert_int_equal(size, 9);
    assert_int_equal(io->read_at(io->context, file, 2, data, sizeof data, &got), ST_OK);
    assert_int_equal(got, 7);
    assert_memory_equal(data, "\0\0hello", 7);
    assert_int_equal(io->read_at(io->context, file, 100, data, sizeof data, &got), ST_OK);
    assert_int_equal(got, 0);
    assert_int_equal(io->close(io->context, file), ST_OK);
    free(path);
}

static void truncate_and_reserve_change_the_size(void **state)
{
    const struct store_io *io = disk_posix();
    char *path = tmp_join(*state, "file");
    uint64_t size;
    struct io_file *file = create(path);
    assert_int_equal(io->reserve(io->context, file, 0, 8192), ST_OK);
    assert_int_equal(io->truncate(io->context, file, 100), ST_OK);
    assert_int_equal(io->size(io->context, file, &size), ST_OK);
    assert_int_equal(size, 100);
    assert_int_equal(io->close(io->context, file), ST_OK);
    free(path);
}

static void others_may_not_write_what_is_made(void **state)
{
    char *path = tmp_join(*state, "file");
    struct stat stat_of;
    const struct store_io *io = disk_posix();
    assert_int_equal(io->close(io->context, create(path)), ST_OK);
    assert_int_equal(stat(path, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & (S_IRWXO | S_IWGRP), 0);
    free(path);
}

static void open_modes_say_whether_it_must_exist(void **state)
{
    const struct store_io *io = disk_posix();
    char *path = tmp_join(*state, "file");
    struct io_file *file;
    disk_posix_error_clear();
    assert_string_equal(disk_posix_error(), "");
    assert_int_equal(io->open(io->context, path, IO_READ, &file), ST_NOT_FOUND);
    assert_string_equal(disk_posix_error(), "No such file or directory");
    assert_int_equal(io->open(io->context, path, IO_WRITE, &file), ST_NOT_FOUND);
    file = create(path);
    assert_int_equal(io->close(io->context, file), ST_OK);
    assert_int_equal(io->open(io->context, path, IO_CREATE, &file), ST_EXISTS);
    assert_int_equal(io->open(io->context, path, IO_WRITE, &file), ST_OK);
    assert_int_equal(io->close(io->context, file), ST_OK);
    free(path);
}

struct names {
    int count;
    bool has_sub, has_file;
    int stop_after;
};

static enum status note_name(void *context, const char *name)
{
    struct names *names = context;
    names->count++;
    names->has_sub = names->has_sub || strcmp(name, "sub") == 0;
    names->has_file = names->has_file || strcmp(name, "file") == 0;
    return names->count == names->stop_after ? ST_BUSY : ST_OK;
}

static void directories_are_made_listed_and_synced(void **state)
{
    const struct store_io *io = disk_posix();
    char *sub = tmp_join(*state, "sub"), *file = tmp_join(*state, "file"), *other = tmp_join(*state, "other");
    struct names names = {0};
    assert_int_equal(io->make_dir(io->context, sub), ST_OK);
    assert_int_equal(io->make_dir(io->context, sub), ST_EXISTS);
    assert_int_equal(io->close(io->context, create(other)), ST_OK);
    assert_int_equal(io->rename(io->context, other, file), ST_OK);
    assert_int_equal(io->sync_dir(io->context, *state), ST_OK);
    assert_int_equal(io->list(io->context, *state, note_name, &names), ST_OK);
    assert_int_equal(names.count, 2);
    assert_true(names.has_sub && names.has_file);
    names = (struct names){.stop_after = 1};
    assert_int_equal(io->list(io->context, *state, note_name, &names), ST_BUSY);
    assert_int_equal(names.count, 1);
    assert_int_equal(io->list(io->context, other, note_name, &names), ST_NOT_FOUND);
    assert_int_equal(io->remove(io->context, file), ST_OK);
    assert_int_equal(io->remove(io->context, file), ST_NOT_FOUND);
    assert_int_equal(io->sync_dir(io->context, other), ST_NOT_FOUND);
    free(sub);
    free(file);
    free(other);
}

static uint64_t id_of(const char *path, enum io_open_mode mode)
{
    const struct store_io *io = disk_posix();
    struct io_file *file;
    uint64_t id;
    assert_int_equal(io->open(io->context, path, mode, &file), ST_OK);
    assert_int_equal(io->file_id(io->context, file, &id), ST_OK);
    assert_int_equal(io->close(io->context, file), ST_OK);
    return id;
}

static void a_file_keeps_its_id_and_no_other_has_it(void **state)
{
    const struct store_io *io = disk_posix();
    char *path = tmp_join(*state, "a"), *other = tmp_join(*state, "b");
    uint64_t id = id_of(path, IO_CREATE);
    assert_true(id_of(path, IO_READ) == id);
    assert_int_equal(io->rename(io->context, path, other), ST_OK);
    assert_true(id_of(other, IO_WRITE) == id);
    assert_true(id_of(path, IO_CREATE) != id);
    free(path);
    free(other);
}

static void a_full_device_is_told_from_a_broken_one(void **state)
{
    const struct store_io *io = disk_posix();
    struct io_file *file;
    uint64_t bytes;
    assert_int_equal(io->open(io->context, "/dev/full", IO_WRITE, &file), ST_OK);
    assert_int_equal(io->write_at(io->context, file, 0, "x", 1), ST_NO_SPACE);
    assert_int_equal(io->close(io->context, file), ST_OK);
    assert_int_equal(io->open(io->context, *state, IO_WRITE, &file), ST_IO_ERROR);
    assert_int_equal(io->free_space(io->context, *state, &bytes), ST_OK);
    assert_true(bytes > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_holds_what_was_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(truncate_and_reserve_change_the_size, set_up, tear_down),
        cmocka_unit_test_setup_teardown(others_may_not_write_what_is_made, set_up, tear_down),
        cmocka_unit_test_setup_teardown(open_modes_say_whether_it_must_exist, set_up, tear_down),
        cmocka_unit_test_setup_teardown(directories_are_made_listed_and_synced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_keeps_its_id_and_no_other_has_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_device_is_told_from_a_broken_one, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
