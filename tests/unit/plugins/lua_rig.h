/* lua_rig.h - a script on a fake host: its text, what is granted, and what became of it. */
#pragma once

#include "plugins/host/host_lua.h"
#include "tests/support/fake_host.h"
#include "tests/support/test.h"
#include "tests/support/tmp.h"

#include <stdlib.h>

struct lua_rig {
    zooid_host *host;
    struct script *script;
    char *directory, *file;
    struct script_settings settings;
    int ended, exit_code;
    char failure[8192]; /* "": none */
};

static inline void rig_ended(void *context, int exit_code, const char *failure)
{
    struct lua_rig *rig = context;
    rig->ended++;
    rig->exit_code = exit_code;
    if (failure != NULL && rig->failure[0] == '\0')
        (void)snprintf(rig->failure, sizeof rig->failure, "%s", failure);
}

static inline struct lua_rig rig_make(unsigned grants)
{
    struct lua_rig rig = {.host = fake_host_new(), .directory = tmp_make()};
    rig.file = tmp_join(rig.directory, "script.lua");
    rig.settings = (struct script_settings){.memory_max = 8 << 20,
                                            .instructions_max = 1000000,
                                            .grants = grants,
                                            .library = "lua",
                                            .directory = rig.directory};
    return rig;
}

static inline void rig_write(const char *path, const void *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

/* Runs it for a minute of the fake clock. False: it could not be started. */
static inline bool rig_run_bytes(struct lua_rig *rig, const void *bytes, size_t len)
{
    rig_write(rig->file, bytes, len);
    rig->script = script_new(fake_host_api(), rig->host, &rig->settings, rig_ended, rig);
    if (rig->script == NULL || !script_start(rig->script, rig->file, 0, NULL))
        return false;
    fake_host_advance(rig->host, 60000);
    return true;
}

static inline bool rig_run(struct lua_rig *rig, const char *text)
{
    return rig_run_bytes(rig, text, strlen(text));
}

static inline void rig_end(struct lua_rig *rig)
{
    script_free(rig->script);
    fake_host_free(rig->host);
    free(rig->file);
    tmp_remove(rig->directory);
}

static inline bool rig_logged(struct lua_rig *rig, const char *text)
{
    return strstr(fake_host_log(rig->host), text) != NULL;
}

/* The script runs to its end without an error, and logs the text. */
static inline void expect(const char *script, unsigned grants, const char *logged)
{
    struct lua_rig rig = rig_make(grants);
    assert_true(rig_run(&rig, script));
    assert_string_equal(rig.failure, "");
    assert_int_equal(rig.ended, 1);
    if (!rig_logged(&rig, logged))
        fail_msg("\"%s\" is not in:\n%s", logged, fake_host_log(rig.host));
    rig_end(&rig);
}

/* The script ends with an error that has the text in it. */
static inline void expect_failure(const char *script, unsigned grants, const char *text)
{
    struct lua_rig rig = rig_make(grants);
    assert_true(rig_run(&rig, script));
    if (strstr(rig.failure, text) == NULL)
        fail_msg("\"%s\" is not in \"%s\"\n%s", text, rig.failure, fake_host_log(rig.host));
    rig_end(&rig);
}
