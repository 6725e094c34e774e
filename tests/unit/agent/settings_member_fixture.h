/* settings_member_fixture.h - zoo.cfg of a member, whose dataDir is there and may hold files. */
#pragma once

#include "tests/unit/agent/settings_fixture.h"

#define LIMITS "initLimit=10\nsyncLimit=5\nzooid.sessionPasswords=apache\n"
#define THREE  "server.1=a:1:2\nserver.2=b:1:2;127.0.0.1:2182\nserver.3=c:1:2\n"

static char dir[64];

static inline int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/settings_member.XXXXXX");
    return mkdtemp(dir) == NULL;
}

static inline const char *in_dir(const char *name)
{
    static char path[2][128];
    static int turn;
    turn = 1 - turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
    return path[turn];
}

static inline void write_file(const char *name, const char *text)
{
    FILE *file = fopen(in_dir(name), "we");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static inline void remove_file(const char *name)
{
    (void)unlink(in_dir(name));
}

static inline int remove_dir(void **state)
{
    (void)state;
    remove_file("myid");
    return rmdir(dir);
}

/* dataDir is line 1. To be freed. */
static inline char *with_dir(const char *lines)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    fprintf(out, "dataDir=%s\n%s", dir, lines);
    assert_int_equal(fclose(out), 0);
    return text;
}

static inline struct loaded load_member(const char *lines)
{
    char *text = with_dir(lines);
    struct loaded l = load(text);
    free(text);
    return l;
}

static inline struct loaded load_member_well(const char *lines)
{
    char *text = with_dir(lines);
    struct loaded l = load_well(text);
    free(text);
    return l;
}

/* `expected` may hold %s for the directory. */
static inline void expect_member_report(const char *lines, enum settings_severity from, const char *expected)
{
    char *text = with_dir(lines), whole[2048];
    const char *at = strstr(expected, "%s");
    if (at == NULL)
        snprintf(whole, sizeof whole, "%s", expected);
    else
        snprintf(whole, sizeof whole, "%.*s%s%s", (int)(at - expected), expected, dir, at + 2);
    expect_report(text, from, whole);
    free(text);
}

static inline void expect_member_prints_back(const struct settings *settings)
{
    char *text = print(settings);
    struct loaded again = load_well(text);
    expect_prints_back(settings);
    assert_int_equal(again.settings->is_ensemble, settings->is_ensemble);
    assert_int_equal(again.settings->server_id, settings->server_id);
    unload(&again);
    free(text);
}

/* The server lines in a dynamic file of that name, which is gone afterwards. */
static inline struct loaded load_dynamic(const char *name, const char *servers, const char *more)
{
    char lines[1024];
    write_file(name, servers);
    snprintf(lines, sizeof lines, "dynamicConfigFile=%s\n%s", in_dir(name), more);
    struct loaded l = load_member(lines);
    remove_file(name);
    return l;
}
