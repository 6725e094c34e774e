/* check_start.c - a start tried in memory, in a child that a damaged checkpoint may take down. */
#include "agent/disk/check_data_internal.h"
#include "agent/disk/checkpoint_lmdb.h"
#include "agent/disk/loading.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the look at each file has told already is not told again. */
static void print_finding(struct check *c, const struct finding *f)
{
    struct buffer line = {0};
    enum status st = buffer_printf(&line, "%s: at byte %" PRIu64 ": %s\n", f->file, f->offset, f->text);
    bool told = st == ST_OK && c->told.len > 0 && memmem(c->told.data, c->told.len, line.data, line.len) != NULL;
    if (st == ST_OK && !told)
        st = buffer_printf(c->report, "start: %.*s", (int)line.len, (const char *)line.data);
    if (st != ST_OK)
        check_worse(c, CHECK_UNREADABLE);
    buffer_free(&line);
}

static void print_findings(struct check *c, const struct findings *findings)
{
    static const int verdicts[] = {
        [FINDING_NOTE] = CHECK_SOUND, [FINDING_REPAIR] = CHECK_REPAIRABLE, [FINDING_DAMAGE] = CHECK_DAMAGED};
    for (size_t i = 0; i < findings->count; i++) {
        check_worse(c, verdicts[findings->items[i].kind]);
        print_finding(c, &findings->items[i]);
    }
}

static void try_start(struct check *c, const struct checkpoint_store *checkpoint)
{
    static const char *const bases[] = {
        [RECOVERY_NOTHING] = "nothing", [RECOVERY_CHECKPOINT] = "the checkpoint", [RECOVERY_SNAPSHOT] = "a snapshot"};
    struct recovery r = {0};
    struct recovery_options options = loading_options(c->dir, &c->tree, CHECK_TICK_MS);
    options.checkpoint = checkpoint;
    enum status st = recovery_run(&options, &r);
    print_findings(c, &r.findings);
    if (st == ST_OK) {
        (void)buffer_printf(c->report,
                            "start: would serve %" PRIu64 " znodes at zxid 0x%" PRIx64 ", from %s at zxid 0x%" PRIx64
                            " and %" PRIu64 " txns of log\n",
                            tree_count(r.tree), (uint64_t)r.last_zxid, bases[r.base], (uint64_t)r.base_zxid, r.txns);
    } else {
        check_worse(c, st == ST_CORRUPT ? CHECK_DAMAGED : CHECK_UNREADABLE);
        (void)buffer_printf(c->report, "start: would be refused: %s\n", status_text(st));
    }
    recovery_free(&r);
}

static void start_with_checkpoint(struct check *c)
{
    struct checkpoint_lmdb *db;
    enum status st = checkpoint_lmdb_open(&db, c->dir->checkpoint, false);
    if (st != ST_OK && st != ST_NOT_FOUND) {
        const char *why = checkpoint_lmdb_error(db);
        (void)buffer_printf(c->report, "%s: damaged: %s\n", c->dir->checkpoint, why[0] != '\0' ? why : status_text(st));
        check_worse(c, st == ST_CORRUPT ? CHECK_REPAIRABLE : CHECK_UNREADABLE);
    }
    try_start(c, st == ST_OK ? checkpoint_lmdb_store(db) : NULL);
    checkpoint_lmdb_close(db);
}

/* -- the child ---------------------------------------------------------------------------------------------------- */

static _Noreturn void child(struct check *c, int out)
{
    struct buffer report = {0};
    struct check own = *c;
    own.report = &report;
    own.told = buffer_bytes(c->report);
    own.verdict = CHECK_SOUND;
    start_with_checkpoint(&own);
    for (size_t at = 0; at < report.len;) {
        ssize_t n = write(out, report.data + at, report.len - at);
        if (n <= 0)
            _exit(CHECK_UNREADABLE);
        at += (size_t)n;
    }
    _exit(own.verdict);
}

static void read_all(struct buffer *report, int in)
{
    char part[4096];
    for (;;) {
        ssize_t n = read(in, part, sizeof part);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || buffer_append(report, part, (size_t)n) != ST_OK)
            return;
    }
}

/* How the child ended; -1: by a signal. */
static int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return CHECK_UNREADABLE;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void check_start(struct check *c)
{
    int ends[2];
    struct buffer report = {0};
    if (pipe(ends) != 0) {
        check_worse(c, CHECK_UNREADABLE);
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        child(c, ends[1]);
    }
    (void)close(ends[1]);
    if (pid > 0)
        read_all(&report, ends[0]);
    (void)close(ends[0]);
    int verdict = pid > 0 ? wait_for(pid) : CHECK_UNREADABLE;
    if (verdict >= 0) {
        check_worse(c, verdict);
        if (buffer_append(c->report, report.data, report.len) != ST_OK)
            c->verdict = CHECK_UNREADABLE;
    } else {
        check_worse(c, CHECK_REPAIRABLE);
        check_line(c, c->dir->checkpoint, "damaged: reading it crashes; a start sets it aside");
        try_start(c, NULL);
    }
    buffer_free(&report);
}
