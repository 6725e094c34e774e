/* The table of operations: whole, in order, and with a text case for each row, so that none is forgotten. */
#include "core/base/check.h"
#include "core/ops/op.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <unistd.h>

static void rows_are_in_order_and_found(void **state)
{
    (void)state;
    size_t count;
    const struct op *rows = op_rows(&count);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(op_find(rows[i].number), &rows[i]);
        if (i > 0)
            assert_true(rows[i - 1].number < rows[i].number);
    }
}

static void unknown_numbers_have_no_row(void **state)
{
    (void)state;
    static const int32_t unknown[] = {INT32_MIN, -12, -9, -2, 0, 10, 23, 99, 108, 200, INT32_MAX};
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
        assert_null(op_find(unknown[i]));
}

static void names_are_there_and_unique(void **state)
{
    (void)state;
    size_t count;
    const struct op *rows = op_rows(&count);
    for (size_t i = 0; i < count; i++) {
        assert_true(rows[i].name != NULL && rows[i].name[0] != '\0');
        assert_true(rows[i].word != NULL && rows[i].word[0] != '\0');
        for (size_t n = 0; n < i; n++)
            assert_string_not_equal(rows[i].name, rows[n].name);
    }
}

/* What a row of each kind must have, and must not have. */
static void functions_fit_the_kind(void **state)
{
    (void)state;
    size_t count;
    const struct op *rows = op_rows(&count);
    for (size_t i = 0; i < count; i++) {
        const struct op *op = &rows[i];
        bool is_write = op->kind == OP_WRITE, is_internal = op->kind == OP_INTERNAL;
        assert_int_equal(op->answer != NULL, op->kind == OP_READ);
        assert_int_equal(op->identify != NULL, op->kind == OP_CONNECTION);
        assert_int_equal(op->apply != NULL, is_write || is_internal);
        if (is_write)
            assert_non_null(op->prepare);
        if (!is_write && !is_internal)
            assert_null(op->prepare);
    }
}

static void parts_of_a_multi_can_be_parts(void **state)
{
    (void)state;
    size_t count;
    const struct op *rows = op_rows(&count);
    for (size_t i = 0; i < count; i++) {
        const struct op *op = &rows[i];
        assert_int_equal(op->flags & ~(unsigned)(OP_IN_MULTI | OP_IN_MULTI_READ | OP_SETS_WATCHES | OP_LOCAL), 0);
        if ((op->flags & OP_IN_MULTI) != 0)
            assert_true(op->decode != NULL && op->prepare != NULL && op->apply != NULL);
        if ((op->flags & OP_IN_MULTI_READ) != 0)
            assert_true(op->decode != NULL && op->kind == OP_READ);
        if ((op->flags & OP_SETS_WATCHES) != 0)
            assert_int_equal(op->kind, OP_READ);
    }
}

static void numbers_that_have_names_are_rows(void **state)
{
    (void)state;
    static const struct {
        int32_t number;
        const char *name;
    } named[] = {
        {TXN_ERROR, "error"},
        {TXN_CREATE_SESSION, "createSession"},
        {TXN_CLOSE_SESSION, "closeSession"},
        {TXN_CREATE, "create"},
        {OP_NUMBER_SYNC, "sync"},
        {OP_NUMBER_PING, "ping"},
        {TXN_MULTI, "multi"},
        {TXN_CREATE2, "create2"},
        {TXN_CREATE_CONTAINER, "createContainer"},
        {TXN_DELETE_CONTAINER, "deleteContainer"},
        {TXN_CREATE_TTL, "createTTL"},
    };
    for (size_t i = 0; i < ARRAY_LEN(named); i++)
        assert_string_equal(op_find(named[i].number)->name, named[i].name);
}

static void each_row_has_its_case(void **state)
{
    (void)state;
    const char *root = getenv("ZOOID_ROOT");
    size_t count, missing = 0;
    const struct op *rows = op_rows(&count);
    for (size_t i = 0; i < count; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/tests/cases/ops/%s.txt", root == NULL ? "." : root, rows[i].name);
        if (access(path, R_OK) == 0)
            continue;
        print_error("%s is missing: each operation has a case that shows its checks in their order\n", path);
        missing++;
    }
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_in_order_and_found),   cmocka_unit_test(unknown_numbers_have_no_row),
        cmocka_unit_test(names_are_there_and_unique),    cmocka_unit_test(functions_fit_the_kind),
        cmocka_unit_test(parts_of_a_multi_can_be_parts), cmocka_unit_test(numbers_that_have_names_are_rows),
        cmocka_unit_test(each_row_has_its_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
