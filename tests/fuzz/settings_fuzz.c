/* settings_fuzz.c - any bytes as zoo.cfg: an error, or settings that print to a file which loads to the same. */
#include "agent/settings/settings.h"

#include "core/base/check.h"
#include "core/base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_secret(const char *key)
{
    return strstr(key, "assword") != NULL || strstr(key, "superDigest") != NULL;
}

static void check_prints_back(const struct settings *settings)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    CHECK(out != NULL);
    settings_print(settings, out);
    CHECK(fclose(out) == 0);

    struct settings_report report = {0};
    struct settings *again = NULL;
    enum status st = settings_load_text(&again, "printed", text, size, NULL, 0, &report);
    if (st != ST_OK)
        settings_report_print(&report, SETTINGS_ERROR, stderr);
    CHECK(st == ST_OK);
    struct settings_change changes[SETTINGS_CHANGES_MAX];
    size_t count = settings_reload_diff(settings, again, changes);
    for (size_t i = 0; i < count; i++)
        CHECK(is_secret(changes[i].key));
    settings_free(again);
    settings_report_free(&report);
    free(text);
}

/* A data directory that says who this server is, so that an ensemble can come of the bytes. */
struct data_dir {
    char path[32], id[48], define[48];
};

static void data_dir_make(struct data_dir *d)
{
    snprintf(d->path, sizeof d->path, "/tmp/settings_fuzz.XXXXXX");
    CHECK(mkdtemp(d->path) != NULL);
    snprintf(d->id, sizeof d->id, "%s/myid", d->path);
    snprintf(d->define, sizeof d->define, "dataDir=%s", d->path);
    FILE *file = fopen(d->id, "we");
    CHECK(file != NULL && fputs("1\n", file) >= 0 && fclose(file) == 0);
}

static void data_dir_remove(const struct data_dir *d)
{
    CHECK(unlink(d->id) == 0 && rmdir(d->path) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct data_dir dir;
    data_dir_make(&dir);
    const char *const defines[] = {dir.define, "zookeeper.snapCount=1000"};
    struct settings_report report = {0};
    struct settings *settings = NULL;
    /* The first byte decides whether the command line has something to say, too. */
    size_t n = size > 0 && data[0] == '#' ? 2 : 0;
    enum status st = settings_load_text(&settings, "fuzz", (const char *)data, size, defines, n, &report);
    CHECK(st == ST_OK || st == ST_BAD_ARGUMENTS);
    CHECK((st == ST_OK) == (report.errors == 0));
    CHECK((st == ST_OK) == (settings != NULL));
    if (st == ST_OK)
        check_prints_back(settings);
    settings_free(settings);
    settings_report_free(&report);
    data_dir_remove(&dir);
    return 0;
}
