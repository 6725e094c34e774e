/* settings_fixture.h - zoo.cfg as a text, what comes of it, and what is said about it. */
#pragma once

#include "agent/settings/settings.h"
#include "agent/settings/settings_rows.h"
#include "core/base/check.h"
#include "core/base/log.h"
#include "core/base/mem.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define BASE "dataDir=/data\nclientPort=2181\n"

struct loaded {
    struct settings *settings; /* NULL: did not load */
    struct settings_report report;
    enum status status;
};

static inline struct loaded load_with(const char *text, const char *const *defines, size_t n)
{
    struct loaded l = {0};
    l.status = settings_load_text(&l.settings, "zoo.cfg", text, strlen(text), defines, n, &l.report);
    assert_true((l.status == ST_OK) == (l.settings != NULL));
    assert_true((l.status == ST_OK) == (l.report.errors == 0));
    return l;
}

static inline struct loaded load(const char *text)
{
    return load_with(text, NULL, 0);
}

static inline void unload(struct loaded *l)
{
    settings_free(l->settings);
    settings_report_free(&l->report);
}

/* The text of the report from the given severity on, to be freed. */
static inline char *report_text(const struct settings_report *report, enum settings_severity from)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    settings_report_print(report, from, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static inline struct loaded load_well(const char *text)
{
    struct loaded l = load(text);
    if (l.status != ST_OK) {
        char *errors = report_text(&l.report, SETTINGS_INFO);
        fail_msg("%s", errors);
    }
    return l;
}

/* The text loads, or does not, and the report is exactly `expected` from the given severity on. */
static inline void expect_report(const char *text, enum settings_severity from, const char *expected)
{
    struct loaded l = load(text);
    char *said = report_text(&l.report, from);
    assert_string_equal(said, expected);
    free(said);
    unload(&l);
}

static inline char *print(const struct settings *settings)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    settings_print(settings, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* What is printed loads to the same values, secrets apart. */
static inline void expect_prints_back(const struct settings *settings)
{
    char *text = print(settings);
    struct loaded again = load_well(text);
    struct settings_change changes[SETTINGS_CHANGES_MAX];
    size_t count = settings_reload_diff(settings, again.settings, changes);
    for (size_t i = 0; i < count; i++)
        if (!(settings_find_key(changes[i].key).setting->flags & SETTING_SECRET))
            fail_msg("%s is not the same in:\n%s", changes[i].key, text);
    unload(&again);
    free(text);
}
