/* restore_source.c - a backup read: one file that stands alone, or snapshots and logs up to some place. */
#include "agent/base/random_key.h"
#include "agent/base/thread.h"
#include "agent/disk/data_dir.h"
#include "agent/disk/disk_posix.h"
#include "agent/disk/restore_internal.h"
#include "core/base/mem.h"
#include "core/ops/apply.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

enum { TICK_MS = 3000, TEXT_MAX = 512 };

int restore_say(struct buffer *message, const char *what, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)buffer_printf(message, "%s: %s\n", what, text);
    return 1;
}

int restore_say_failed(struct buffer *message, const char *what, const char *verb, enum status st)
{
    const char *why = disk_posix_error();
    return restore_say(message, what, "cannot %s: %s", verb, why[0] != '\0' ? why : status_text(st));
}

void restore_say_findings(struct buffer *message, const struct findings *findings, enum finding_kind least)
{
    for (size_t i = 0; i < findings->count; i++)
        if (findings->items[i].kind >= least)
            (void)buffer_printf(message, "%s at byte %" PRIu64 ": %s\n", findings->items[i].file,
                                findings->items[i].offset, findings->items[i].text);
}

char *restore_files_dir(const char *dir)
{
    struct stat stat_of;
    char *below = path_join(dir, "version-2");
    if (below == NULL || stat(below, &stat_of) == 0)
        return below;
    mem_free(below);
    return mem_strdup(dir);
}

void restored_free(struct restored *state)
{
    tree_free(state->tree);
    sessions_free(state->sessions);
    *state = (struct restored){0};
}

static enum status tree_options_make(struct tree_options *options)
{
    *options = (struct tree_options){.extended_types = true};
    return random_hash_key(&options->hash_key);
}

/* -- one file ----------------------------------------------------------------------------------------------------- */

/* Its own digest says whether it is exact, and of which zxid. */
static int judge_file(const char *path, const struct until *until, const struct snapshot_info *info,
                      struct restored *state, struct buffer *message)
{
    bool is_empty = info->digest_section && info->digest_zxid == 0;
    if (!info->has_digest && !is_empty)
        return restore_say(message, path, "the file does not tell its digest, so that nothing shows that it is exact");
    if (info->has_digest && info->digest != tree_digest(state->tree))
        return restore_say(message, path,
                           "the file is not exact: it needs the log behind it. Give the directory that has both");
    state->zxid = info->digest_zxid;
    bool is_there = until->kind == UNTIL_END || (until->kind == UNTIL_ZXID && until->value == state->zxid);
    return is_there ? 0
                    : restore_say(message, path,
                                  "the file is the state at zxid 0x%" PRIx64
                                  " and no other; for others a directory with logs is needed",
                                  (uint64_t)state->zxid);
}

static int read_one_file(const char *path, const struct until *until, const struct tree_options *options,
                         struct restored *state, struct buffer *message)
{
    struct findings findings = {0};
    struct snapshot_info info;
    state->tree = tree_new(options);
    state->sessions = sessions_new(TICK_MS);
    enum status st = state->tree == NULL || state->sessions == NULL
                         ? ST_NO_MEMORY
                         : snapshot_load(disk_posix(), path, state->tree, state->sessions, 0, &info, FINDING_DAMAGE,
                                         &findings);
    restore_say_findings(message, &findings, FINDING_REPAIR);
    findings_free(&findings);
    return st == ST_OK ? judge_file(path, until, &info, state, message)
                       : restore_say_failed(message, path, "be read", st);
}

/* -- snapshots and logs ------------------------------------------------------------------------------------------- */

/* What the log says of a place: records at and before it, and whether there is one behind it. */
struct look {
    const struct until *until;
    int64_t zxid; /* of the last record up to there; 0: none */
    bool is_beyond;
};

static enum status look_at(void *context, const struct txnlog_record *record)
{
    struct look *look = context;
    struct txn_header header;
    if (look->is_beyond)
        return ST_OK;
    if (txn_decode_header(record->entry, &header) != ST_OK)
        return ST_CORRUPT;
    int64_t place = look->until->kind == UNTIL_TIME ? header.time_ms : record->zxid;
    look->is_beyond = place > look->until->value;
    if (!look->is_beyond)
        look->zxid = record->zxid;
    return ST_OK;
}

static int look_through(const char *dir, struct look *look, struct buffer *message)
{
    struct findings findings = {0};
    struct txnlog_scan_result result;
    const struct txnlog_scan scan = {.io = disk_posix(), .dir = dir, .any_start = true, .fn = look_at, .context = look};
    enum status st = txnlog_scan(&scan, &result, &findings);
    bool is_sound = st == ST_OK && (result.verdict != TXNLOG_CORRUPT || look->is_beyond);
    if (!is_sound)
        restore_say_findings(message, &findings, FINDING_REPAIR);
    findings_free(&findings);
    return is_sound ? 0 : restore_say_failed(message, dir, "read the log", st == ST_OK ? ST_CORRUPT : st);
}

/* The last zxid that is wanted; 0: all there is. A time is known only where the log has txns on both sides of it; a
 * zxid, where the log reaches it, or a snapshot does. */
static int find_place(const char *dir, const struct until *until, int64_t *zxid, struct look *look,
                      struct buffer *message)
{
    *zxid = 0;
    *look = (struct look){.until = until};
    if (until->kind == UNTIL_END)
        return 0;
    if (until->kind == UNTIL_ZXID && until->value == 0)
        return restore_say(message, dir, "zxid 0 is that of no txn");
    int code = look_through(dir, look, message);
    if (code != 0)
        return code;
    *zxid = until->kind == UNTIL_ZXID ? until->value : look->zxid;
    if (until->kind == UNTIL_TIME && look->zxid == 0)
        return restore_say(message, dir, "the log does not reach back to that time; a zxid may be given instead");
    if (until->kind == UNTIL_TIME && !look->is_beyond)
        return restore_say(message, dir,
                           "the log ends before that time, with zxid 0x%" PRIx64
                           ": what came later is not known here; without --until all of it is restored",
                           (uint64_t)look->zxid);
    return 0;
}

static int read_directory(const char *dir, const struct until *until, const struct tree_options *options,
                          struct restored *state, struct buffer *message)
{
    struct recovery r = {0};
    struct look look;
    struct recovery_options recover = {.io = disk_posix(),
                                       .snap_dir = dir,
                                       .log_dir = dir,
                                       .tree = options,
                                       .tick_ms = TICK_MS,
                                       .now_ms = (int64_t)(thread_clock_us() / 1000),
                                       .apply = txn_apply};
    int code = find_place(dir, until, &recover.until, &look, message);
    if (code != 0)
        return code;
    enum status st = recovery_run(&recover, &r);
    if (st != ST_OK) {
        restore_say_findings(message, &r.findings, FINDING_NOTE);
        code = restore_say_failed(message, dir, "be restored", st);
    } else if (r.base == RECOVERY_NOTHING && r.txns == 0) {
        code = restore_say(message, dir, "there is no log, and no snapshot %s",
                           until->kind == UNTIL_END ? "to begin with" : "from before the place that is wanted");
    } else if (until->kind == UNTIL_ZXID && r.last_zxid != until->value && !look.is_beyond) {
        code = restore_say(message, dir, "the backup ends at zxid 0x%" PRIx64, (uint64_t)r.last_zxid);
    } else {
        *state = (struct restored){r.tree, r.sessions, r.last_zxid};
        r.tree = NULL;
        r.sessions = NULL;
    }
    recovery_free(&r);
    return code;
}

int restore_read(const char *backup, const struct until *until, struct restored *state, struct buffer *message)
{
    struct stat stat_of;
    struct tree_options options;
    disk_posix_error_clear();
    if (tree_options_make(&options) != ST_OK)
        return restore_say(message, backup, "no random bytes from the kernel");
    if (stat(backup, &stat_of) != 0)
        return restore_say(message, backup, "there is no backup of that name");
    if (!S_ISDIR(stat_of.st_mode))
        return read_one_file(backup, until, &options, state, message);
    char *dir = restore_files_dir(backup);
    int code = dir == NULL ? restore_say(message, backup, "out of memory")
                           : read_directory(dir, until, &options, state, message);
    mem_free(dir);
    return code;
}
