/* check_data.c - --check-data: what a start would find, without changing anything.
 *
 * Each file is judged by itself, then a start is tried in memory. Where LMDB is involved this happens in a child, since
 * it may crash on a damaged file. */
#include "agent/base/random_key.h"
#include "agent/disk/check_data_internal.h"
#include "agent/disk/loading.h"
#include "agent/disk/persistence.h"
#include "core/store/epochs.h"
#include "core/store/files.h"
#include "core/store/log_end.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

void check_worse(struct check *c, int verdict)
{
    if (verdict > c->verdict)
        c->verdict = verdict;
}

void check_line(struct check *c, const char *file, const char *text)
{
    if (buffer_printf(c->report, "%s: %s\n", file, text) != ST_OK)
        c->verdict = CHECK_UNREADABLE;
}

/* Notes and the like about one file, or about all of them with `file` NULL; false: there is none. */
static bool print_findings(struct check *c, const struct findings *findings, const char *file)
{
    bool any = false;
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *f = &findings->items[i];
        if (file != NULL && strcmp(file, f->file) != 0)
            continue;
        any = true;
        if (buffer_printf(c->report, "%s: at byte %" PRIu64 ": %s\n", f->file, f->offset, f->text) != ST_OK)
            c->verdict = CHECK_UNREADABLE;
    }
    return any;
}

static int verdict_of(enum finding_kind kind)
{
    static const int verdicts[] = {
        [FINDING_NOTE] = CHECK_SOUND, [FINDING_REPAIR] = CHECK_REPAIRABLE, [FINDING_DAMAGE] = CHECK_DAMAGED};
    return verdicts[kind];
}

/* -- small files -------------------------------------------------------------------------------------------------- */

static void check_own_files(struct check *c)
{
    struct buffer text = {0};
    if (data_dir_check_format(c->dir, &text) != ST_OK || data_dir_check_split(c->dir, &text) != ST_OK ||
        data_dir_check_key(c->dir, &text) != ST_OK || data_dir_check_restoring(c->dir, &text) != ST_OK) {
        check_worse(c, CHECK_DAMAGED);
        if (buffer_printf(c->report, "%.*s\n", (int)text.len, (const char *)text.data) != ST_OK)
            c->verdict = CHECK_UNREADABLE;
    }
    buffer_free(&text);
    if (data_dir_marked(c->dir) && c->holder < 0) {
        check_worse(c, CHECK_REPAIRABLE);
        check_line(c, c->dir->mark, "a start did not survive reading the checkpoint; the next one sets it aside");
    }
}

/* Whether the log comes so far is found out with the start. */
static void check_log_end(struct check *c)
{
    int64_t zxid;
    struct findings findings = {0};
    enum status st = log_end_read(disk_posix(), c->dir->own, &zxid, &findings);
    check_worse(c, st == ST_OK ? verdict_of(findings_worst(&findings)) : CHECK_UNREADABLE);
    if (!print_findings(c, &findings, NULL) && zxid > 0 &&
        buffer_printf(c->report, "%s/" LOG_END_NAME ": sound, the log goes up to zxid 0x%" PRIx64 " at least\n",
                      c->dir->own, (uint64_t)zxid) != ST_OK)
        c->verdict = CHECK_UNREADABLE;
    findings_free(&findings);
}

static void check_epochs(struct check *c, int64_t last_zxid)
{
    struct epochs epochs = {0}, repaired;
    enum epochs_verdict verdict;
    struct findings findings = {0};
    enum status st = epochs_read(disk_posix(), c->dir->snapshots, &epochs, &findings);
    bool any = epochs.has_accepted || epochs.has_current || epochs.has_current_tmp;
    /* An agent that runs alone leaves none. */
    if (st == ST_OK && any)
        st = epochs_judge(&epochs, c->dir->snapshots, last_zxid, &verdict, &repaired, &findings);
    if (st != ST_OK && st != ST_CORRUPT)
        check_worse(c, CHECK_UNREADABLE);
    check_worse(c, verdict_of(findings_worst(&findings)));
    if (!print_findings(c, &findings, NULL) && any)
        check_line(c, c->dir->snapshots, "epochs are sound");
    findings_free(&findings);
}

/* -- snapshots ---------------------------------------------------------------------------------------------------- */

static void check_snapshot(struct check *c, const char *path)
{
    struct findings findings = {0};
    struct snapshot_info info;
    struct tree *tree = tree_new(&c->tree);
    struct sessions *sessions = sessions_new(CHECK_TICK_MS);
    enum status st = tree == NULL || sessions == NULL
                         ? ST_NO_MEMORY
                         : snapshot_load(disk_posix(), path, tree, sessions, 0, &info, FINDING_REPAIR, &findings);
    if (st == ST_OK)
        (void)buffer_printf(c->report, "%s: sound, %" PRIu64 " znodes, %" PRIu64 " sessions\n", path, info.nodes,
                            info.sessions);
    else if (!print_findings(c, &findings, NULL))
        check_line(c, path, status_text(st));
    /* A start passes it over, and says so; whether something else is left to start from is found out below. */
    check_worse(c, st == ST_OK ? CHECK_SOUND : st == ST_NO_MEMORY ? CHECK_UNREADABLE : CHECK_REPAIRABLE);
    findings_free(&findings);
    sessions_free(sessions);
    tree_free(tree);
}

static void check_snapshots(struct check *c)
{
    struct store_files files = {0};
    enum status st = store_files_list(disk_posix(), c->dir->snapshots, STORE_SNAPSHOT, &files);
    if (st != ST_OK) {
        check_worse(c, CHECK_UNREADABLE);
        check_line(c, c->dir->snapshots, disk_posix_error());
    }
    for (size_t i = 0; i < files.count; i++)
        check_snapshot(c, files.items[i].path);
    store_files_free(&files);
}

/* -- log ---------------------------------------------------------------------------------------------------------- */

static void print_log_files(struct check *c, const struct findings *findings)
{
    struct store_files files = {0};
    if (store_files_list(disk_posix(), c->dir->logs, STORE_LOG, &files) != ST_OK)
        check_worse(c, CHECK_UNREADABLE);
    for (size_t i = 0; i < files.count; i++) {
        if (!print_findings(c, findings, files.items[i].path))
            check_line(c, files.items[i].path, "sound");
    }
    store_files_free(&files);
}

static int64_t check_log(struct check *c)
{
    static const int verdicts[] = {
        [TXNLOG_SOUND] = CHECK_SOUND, [TXNLOG_TORN] = CHECK_REPAIRABLE, [TXNLOG_CORRUPT] = CHECK_DAMAGED};
    struct findings findings = {0};
    struct txnlog_scan_result result;
    const struct txnlog_scan scan = {.io = disk_posix(), .dir = c->dir->logs, .any_start = true};
    enum status st = txnlog_scan(&scan, &result, &findings);
    print_log_files(c, &findings);
    bool in_use = c->holder >= 0 && st == ST_OK && result.verdict == TXNLOG_TORN;
    if (in_use)
        check_line(c, c->dir->logs, "the end of the log is being written");
    else
        check_worse(c, st == ST_OK ? verdicts[result.verdict] : CHECK_UNREADABLE);
    if (st == ST_OK)
        (void)buffer_printf(c->report, "%s: %" PRIu64 " records, the last with zxid 0x%" PRIx64 "\n", c->dir->logs,
                            result.records, (uint64_t)result.last_zxid);
    findings_free(&findings);
    return st == ST_OK ? result.last_zxid : 0;
}

/* -- all ---------------------------------------------------------------------------------------------------------- */

static void say_verdict(struct check *c)
{
    static const char *const texts[] = {[CHECK_SOUND] = "sound",
                                        [CHECK_REPAIRABLE] = "sound but for what a start puts right",
                                        [CHECK_DAMAGED] = "damaged",
                                        [CHECK_UNREADABLE] = "not everything could be read"};
    check_line(c, c->dir->root, texts[c->verdict]);
}

/* Then what is there may be of both the old data and the new, and says nothing of either. */
static bool is_being_replaced(struct check *c)
{
    const struct replacement_place place = loading_place(c->dir);
    bool found;
    enum status st = replacement_is_under_way(&place, &found);
    if (st != ST_OK)
        check_worse(c, CHECK_UNREADABLE);
    if (st != ST_OK || !found)
        return false;
    check_worse(c, CHECK_REPAIRABLE);
    check_line(c, c->dir->own, "a snapshot from the leader is taking the place of all data: a start finishes that");
    return true;
}

static void check_all(struct check *c)
{
    if (c->holder > 0)
        (void)buffer_printf(c->report,
                            "%s: process %" PRId64 " runs on this directory: its checkpoint is not looked at, and what "
                            "it writes meanwhile may look unfinished\n",
                            c->dir->root, c->holder);
    else if (c->holder == 0)
        check_line(c, c->dir->root, "an agent runs on this directory: its checkpoint is not looked at");
    check_own_files(c);
    if (is_being_replaced(c)) {
        say_verdict(c);
        return;
    }
    check_snapshots(c);
    int64_t last_zxid = check_log(c);
    check_epochs(c, last_zxid);
    if (c->holder < 0) {
        check_log_end(c);
        check_start(c);
    }
    say_verdict(c);
}

/* With errno set when it is not. */
static bool is_readable_directory(const char *path)
{
    struct stat stat_of;
    if (stat(path, &stat_of) != 0)
        return false;
    if (S_ISDIR(stat_of.st_mode))
        return access(path, R_OK | X_OK) == 0;
    errno = ENOTDIR;
    return false;
}

int persistence_check(const char *data_dir, const char *log_dir, struct buffer *message)
{
    struct data_dir d;
    struct check c = {.report = message, .dir = &d, .tree = {.extended_types = true}};
    disk_posix_error_clear();
    if (data_dir_paths(&d, data_dir, log_dir) != ST_OK || random_hash_key(&c.tree.hash_key) != ST_OK) {
        c.verdict = CHECK_UNREADABLE;
    } else if (!is_readable_directory(data_dir)) {
        check_line(&c, data_dir, strerrordesc_np(errno));
        c.verdict = CHECK_UNREADABLE;
    } else {
        c.holder = data_dir_holder(&d);
        check_all(&c);
    }
    data_dir_close(&d);
    return c.verdict;
}
