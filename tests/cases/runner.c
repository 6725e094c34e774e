/* runner.c - text cases: commands to a replica, below ensemble/ to the members of one or below zab/ to the machine of
 * one member, and what came out, in words that a person reads.
 *
 *     # The failure that this case guards against.
 *     connect A
 *     ----
 *     A session 0x1000000000f4240 timeout=10000
 *
 *     A create /a data
 *     ----
 *     A xid=1 zxid=2 ok "/a"
 *
 * One process, no disk, no clock: the log is acknowledged at once unless `hold` is on. After each case everything that
 * was logged is applied to a second tree, which must come to the same digest (what was logged can always be replayed).
 * With REWRITE=1 the expectations are written anew. Arguments: case files or directories; default: tests/cases. */
#include "tests/support/ensemble_rig.h"
#include "tests/support/replica_rig.h"
#include "tests/support/zab_rig.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { PATHS_MAX = 512, PATH_BYTES = 1024 };

static int case_count, failure_count;

/* What runs the commands. */
struct stage {
    const char *folder; /* of the cases that are played on it */
    void *(*open)(void);
    void (*command)(void *rig, char *line, struct buffer *out);
    const char *(*complaint)(void *rig); /* at the end of the case; NULL: none */
    void (*close)(void *rig);
};

static void *replica_open(void)
{
    return rig_new();
}

static void replica_command(void *rig, char *line, struct buffer *out)
{
    rig_command(rig, line, out);
}

static const char *replica_complaint(void *rig)
{
    return rig_replays(rig) ? NULL : "replaying the log gives another tree";
}

static void replica_close(void *rig)
{
    rig_free(rig);
}

static void *ensemble_open(void)
{
    return ensemble_rig_new();
}

static void ensemble_command(void *rig, char *line, struct buffer *out)
{
    ensemble_rig_command(rig, line, out);
}

static const char *ensemble_complaint(void *rig)
{
    return ensemble_rig_complaint(rig);
}

static void ensemble_close(void *rig)
{
    ensemble_rig_free(rig);
}

static void *zab_open(void)
{
    return zab_rig_new();
}

static void zab_command(void *rig, char *line, struct buffer *out)
{
    zab_rig_command(rig, line, out);
}

static const char *zab_complaint(void *rig)
{
    return zab_rig_status(rig) == ST_OK ? NULL : "the member has failed";
}

static void zab_close(void *rig)
{
    zab_rig_free(rig);
}

static const struct stage stages[] = {
    {"/ensemble/", ensemble_open, ensemble_command, ensemble_complaint, ensemble_close},
    {"/zab/", zab_open, zab_command, zab_complaint, zab_close},
    {"/", replica_open, replica_command, replica_complaint, replica_close},
};

static const struct stage *stage_of(const char *path)
{
    const struct stage *stage = stages;
    while (strstr(path, stage->folder) == NULL && stage + 1 < stages + sizeof stages / sizeof stages[0])
        stage++;
    return stage;
}

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return NULL;
    struct buffer text = {0};
    char part[4096];
    size_t got;
    while ((got = fread(part, 1, sizeof part, f)) > 0)
        if (buffer_append(&text, part, got) != ST_OK)
            abort();
    fclose(f);
    if (buffer_append(&text, "", 1) != ST_OK)
        abort();
    return (char *)text.data;
}

static void append(struct buffer *to, const char *text)
{
    if (buffer_append(to, text, strlen(text)) != ST_OK)
        abort();
}

/* Runs one block: the lines up to "----"; what comes out goes to `actual`. Returns where its expectation begins. */
static char *run_block(const struct stage *stage, void *rig, char *at, struct buffer *whole, struct buffer *actual)
{
    while (*at != '\0') {
        char *end = at + strcspn(at, "\n");
        char *next = *end == '\0' ? end : end + 1;
        *end = '\0';
        append(whole, at);
        append(whole, "\n");
        if (strcmp(at, "----") == 0)
            return next;
        if (at[0] != '#' && at[0] != '\0')
            stage->command(rig, at, actual);
        at = next;
    }
    return at;
}

/* The expectation ends at an empty line. */
static char *take_expected(char *at, struct buffer *expected)
{
    while (*at != '\0' && *at != '\n') {
        char *end = at + strcspn(at, "\n");
        char *next = *end == '\0' ? end : end + 1;
        *end = '\0';
        append(expected, at);
        append(expected, "\n");
        at = next;
    }
    return *at == '\n' ? at + 1 : at;
}

/* True: as expected. `whole` becomes the file as it should be. */
static bool run_blocks(const struct stage *stage, void *rig, const char *path, char *text, struct buffer *whole)
{
    bool is_good = true;
    for (char *at = text; *at != '\0';) {
        struct buffer actual = {0}, expected = {0};
        at = run_block(stage, rig, at, whole, &actual);
        at = take_expected(at, &expected);
        append(&actual, "");
        if (!bytes_equal(bytes_make(actual.data == NULL ? (uint8_t *)"" : actual.data, actual.len),
                         bytes_make(expected.data == NULL ? (uint8_t *)"" : expected.data, expected.len))) {
            is_good = false;
            printf("%s: expected\n%.*sbut got\n%.*s", path, BYTES_PRINT(buffer_bytes(&expected)),
                   BYTES_PRINT(buffer_bytes(&actual)));
        }
        if (actual.len > 0 && buffer_append(whole, actual.data, actual.len) != ST_OK)
            abort();
        if (*at != '\0')
            append(whole, "\n");
        buffer_free(&actual);
        buffer_free(&expected);
    }
    return is_good;
}

static void run_case(const char *path)
{
    char *text = read_file(path);
    struct buffer whole = {0};
    case_count++;
    if (text == NULL || text[0] != '#') {
        printf("%s: cannot be read, or does not begin with the failure it guards against\n", path);
        failure_count++;
        return;
    }
    const struct stage *stage = stage_of(path);
    void *rig = stage->open();
    bool is_good = run_blocks(stage, rig, path, text, &whole);
    const char *complaint = stage->complaint(rig);
    if (complaint != NULL) {
        printf("%s: %s\n", path, complaint);
        is_good = false;
    }
    stage->close(rig);
    if (!is_good && getenv("REWRITE") != NULL) {
        FILE *f = fopen(path, "w");
        if (f == NULL || fwrite(whole.data, 1, whole.len, f) != whole.len || fclose(f) != 0)
            abort();
    }
    failure_count += !is_good;
    free(text);
    buffer_free(&whole);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void run_path(const char *path)
{
    DIR *dir = opendir(path);
    if (dir == NULL) {
        run_case(path);
        return;
    }
    char(*list)[PATH_BYTES] = calloc(PATHS_MAX, PATH_BYTES);
    size_t count = 0;
    struct dirent *entry;
    if (list == NULL)
        abort();
    while ((entry = readdir(dir)) != NULL && count < PATHS_MAX) {
        struct stat st;
        snprintf(list[count], PATH_BYTES, "%s/%s", path, entry->d_name);
        bool is_dir = stat(list[count], &st) == 0 && S_ISDIR(st.st_mode);
        const char *dot = strrchr(entry->d_name, '.');
        if (entry->d_name[0] != '.' && (is_dir || (dot != NULL && strcmp(dot, ".txt") == 0)))
            count++;
    }
    closedir(dir);
    qsort(list, count, PATH_BYTES, by_name);
    for (size_t i = 0; i < count; i++)
        run_path(list[i]);
    free(list);
}

int main(int argc, char **argv)
{
    const char *root = getenv("ZOOID_ROOT");
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/tests/cases", root == NULL ? "." : root);
    if (argc == 1)
        run_path(path);
    for (int i = 1; i < argc; i++)
        run_path(argv[i]);
    if (failure_count == 0)
        printf("[  PASSED  ] %d test(s).\n", case_count);
    else
        printf("[  FAILED  ] %d test(s).\n", failure_count);
    return failure_count == 0 && case_count > 0 ? 0 : 1;
}
