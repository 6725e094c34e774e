/* settings_beside.c - what stands beside zoo.cfg where members may change while the ensemble runs (config_files.h): the
 * dynamic files, of which the newest counts, and the configuration that was proposed last.
 *
 * A zoo.cfg that was put back to what it was on the first day, by whoever keeps the files of a host as they should be,
 * must not bring back members that have left: they could agree among themselves (quorum-protocol 7.5: 3829, 3830). */
#include "agent/settings/config_files.h"
#include "agent/settings/settings_internal.h"
#include "core/base/mem.h"
#include "core/members/members.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The file's name without its directory, and the directory as a path that can be opened; owned. NULL: out of memory. */
static char *split(const char *path, const char **name)
{
    const char *slash = strrchr(path, '/');
    *name = slash == NULL ? path : slash + 1;
    char *dir = mem_strdup(slash == NULL ? "." : path);
    if (dir != NULL && slash != NULL)
        dir[slash == path ? 1 : slash - path] = '\0';
    return dir;
}

/* The version of a file that belongs to the zoo.cfg of that name; -1: it does not. */
static int64_t version_of(const char *entry, const char *name)
{
    int64_t version;
    size_t length = strlen(name);
    if (strncmp(entry, name, length) != 0 ||
        strncmp(entry + length, CONFIG_DYNAMIC_SUFFIX, strlen(CONFIG_DYNAMIC_SUFFIX)) != 0)
        return -1;
    const char *digits = entry + length + strlen(CONFIG_DYNAMIC_SUFFIX);
    return settings_dynamic_version(entry, &version) == digits ? version : -1;
}

/* The highest version there is, above `*version`, and `file` its name; none: `file` stays empty. */
static enum status find_newest(const char *dir, const char *name, int64_t *version, struct buffer *file)
{
    DIR *entries = opendir(dir);
    if (entries == NULL)
        return ST_OK; /* zoo.cfg could be read, so nothing is hidden there but from this process */
    enum status st = ST_OK;
    const struct dirent *entry;
    while (st == ST_OK && (entry = readdir(entries)) != NULL) {
        int64_t found = version_of(entry->d_name, name);
        if (found <= *version)
            continue;
        *version = found;
        file->len = 0;
        st = buffer_printf(file, "%s/%s", dir, entry->d_name);
    }
    (void)closedir(entries);
    return st;
}

enum status settings_take_newest(struct settings *s, struct settings_report *report)
{
    const char *name;
    struct buffer file = {0};
    int64_t version;
    if (!s->reconfig_enabled || s->file == NULL)
        return ST_OK;
    (void)settings_dynamic_version(s->dynamic_config_file, &version);
    char *dir = split(s->file, &name);
    enum status st = dir == NULL ? ST_NO_MEMORY : find_newest(dir, name, &version, &file);
    if (st == ST_OK && file.len > 0) {
        settings_report_add(report, SETTINGS_WARNING, settings_place(s, SETTING_ID_dynamic_config_file),
                            "dynamicConfigFile",
                            "%s holds a newer configuration than the one that is named here, and counts; remove it if "
                            "the ensemble is to begin anew",
                            (const char *)file.data);
        st = setting_set_text(&s->dynamic_config_file, (const char *)file.data);
        s->origins[SETTING_ID_dynamic_config_file].source = SETTING_DERIVED;
    }
    mem_free(dir);
    buffer_free(&file);
    return st;
}

/* -- the one that was proposed ------------------------------------------------------------------------------------ */

static enum status parse_pending(struct settings *s, struct setting_place place, struct bytes text,
                                 struct settings_report *report)
{
    struct members_error error;
    struct members *pending = NULL;
    enum status st = members_parse(text, MEMBERS_MULTI_ADDRESS, &pending, &error);
    if (st == ST_BAD_ARGUMENTS) {
        place.origin.line = (unsigned)error.line;
        settings_report_add(report, SETTINGS_ERROR, place, error.key,
                            "%s; this is the configuration that this server has agreed to last: put a copy back, or "
                            "remove the file if the others have all of theirs",
                            error.why);
        return ST_OK;
    }
    if (st == ST_OK && pending->version > s->members->version)
        s->pending = pending;
    else
        members_free(pending); /* it has become the committed one, and only the file was still to be removed */
    return st;
}

enum status settings_read_pending(struct settings *s, struct settings_report *report)
{
    struct buffer path = {0}, text = {.max = MEMBERS_TEXT_MAX};
    char why[SETTING_WHY_SIZE];
    if (!s->reconfig_enabled || s->file == NULL)
        return ST_OK;
    enum status st = buffer_printf(&path, "%s" CONFIG_DYNAMIC_SUFFIX CONFIG_NEXT_NAME, s->file);
    struct setting_place place = {(const char *)path.data, {SETTING_DERIVED, 0}};
    bool is_there = st == ST_OK && (access(place.file, F_OK) == 0 || errno != ENOENT);
    if (is_there)
        st = settings_read_file(place.file, &text, why);
    if (is_there && st == ST_OK)
        st = parse_pending(s, place, buffer_bytes(&text), report);
    if (st == ST_IO_ERROR) {
        settings_report_add(report, SETTINGS_ERROR, place, "", "%s", why);
        st = ST_OK;
    }
    buffer_free(&path);
    buffer_free(&text);
    return st;
}
