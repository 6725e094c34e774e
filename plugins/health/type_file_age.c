/* type_file_age.c - looks at a file: that it is there (or is not), how old and how large it is. */
#include "plugins/health/health.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define AT(member) offsetof(struct definition, file_age.member)

enum { AGE_MAX_DAYS = 3650 };
#define AGE_LIMIT ((int64_t)AGE_MAX_DAYS * 24 * 60 * 60 * 1000)

static const struct field rows[] = {
    {.key = "path", .kind = FIELD_TEXT, .required = true, .offset = AT(path), .min = 1, .max = 4096},
    {.key = "exists", .kind = FIELD_SWITCH, .offset = AT(exists)},
    {.key = "age_max_ms", .kind = FIELD_NUMBER, .offset = AT(age_max_ms), .min = 0, .max = AGE_LIMIT},
    {.key = "age_warning_ms", .kind = FIELD_NUMBER, .offset = AT(age_warning_ms), .min = 0, .max = AGE_LIMIT},
    {.key = "size_min", .kind = FIELD_NUMBER, .offset = AT(size_min), .min = 0, .max = INT64_MAX},
    {.key = "size_max", .kind = FIELD_NUMBER, .offset = AT(size_max), .min = 0, .max = INT64_MAX},
};

static void preset(struct definition *definition)
{
    definition->file_age.exists = true;
    definition->file_age.size_max = INT64_MAX;
}

static bool judge(struct definition *definition, struct complaint *complaint)
{
    const struct file_age_definition *file = &definition->file_age;
    if (file->path[0] != '/')
        return complain(complaint, "path", "must begin with /");
    if (file->size_min > file->size_max)
        return complain(complaint, "size_min", "must not be more than size_max");
    if (file->age_max_ms > 0 && file->age_warning_ms > file->age_max_ms)
        return complain(complaint, "age_warning_ms", "must not be more than age_max_ms");
    return true;
}

static int64_t age_of(const struct stat *st)
{
    return (int64_t)wall_ms() - ((int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000);
}

/* The age itself is not told where it passes: each new output is a write. */
static void tell_file(struct check *check, const struct stat *st)
{
    const struct file_age_definition *file = &check->definition->file_age;
    int64_t age_ms = age_of(st);
    if (st->st_size < file->size_min || st->st_size > file->size_max)
        run_end_text(check, CHECK_CRITICAL, "%s has %lld bytes", file->path, (long long)st->st_size);
    else if (file->age_max_ms > 0 && age_ms > file->age_max_ms)
        run_end_text(check, CHECK_CRITICAL, "%s is older than %lld ms", file->path, (long long)file->age_max_ms);
    else if (file->age_warning_ms > 0 && age_ms > file->age_warning_ms)
        run_end_text(check, CHECK_WARNING, "%s is older than %lld ms", file->path, (long long)file->age_warning_ms);
    else
        run_end_text(check, CHECK_PASSING, "%s is as it should be", file->path);
}

static bool start(struct check *check)
{
    const struct file_age_definition *file = &check->definition->file_age;
    struct stat st;
    if (stat(file->path, &st) == 0) {
        if (file->exists)
            tell_file(check, &st);
        else
            run_end_text(check, CHECK_CRITICAL, "%s is there", file->path);
    } else if (errno == ENOENT && !file->exists) {
        run_end_text(check, CHECK_PASSING, "%s is not there", file->path);
    } else {
        char why[128];
        run_end_text(check, CHECK_CRITICAL, "%s: %s", file->path, strerror_r(errno, why, sizeof why));
    }
    return true;
}

const struct check_type type_file_age = {
    .name = "file_age",
    .fields = {rows, sizeof rows / sizeof *rows},
    .preset = preset,
    .judge = judge,
    .start = start,
};
