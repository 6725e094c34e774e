/* settings_dynamic.c - files that zoo.cfg names: read whole, and the dynamic one taken apart into lines.
 *
 * The version of a dynamic configuration is the suffix of its file's name, never a line in it. Source: quorum-protocol
 * 5.2. */
#include "agent/settings/properties.h"
#include "agent/settings/settings_internal.h"
#include "core/base/array.h"
#include "core/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DYNAMIC_SIZE_MAX = 1024 * 1024 };

void server_lines_free(struct server_lines *lines)
{
    mem_free(lines->items);
    mem_free(lines->memory);
    *lines = (struct server_lines){0};
}

enum status server_lines_add(struct server_lines *lines, struct server_line line)
{
    struct server_line *items = array_room(lines->items, lines->count, &lines->capacity, sizeof *items, 8);
    if (items == NULL)
        return ST_NO_MEMORY;
    lines->items = items;
    items[lines->count++] = line;
    return ST_OK;
}

/* -- reading ------------------------------------------------------------------------------------------------------ */

static enum status refuse_file(char why[SETTING_WHY_SIZE], const char *text, int error)
{
    char reason[128];
    if (error == 0)
        snprintf(why, SETTING_WHY_SIZE, "%s", text);
    else
        snprintf(why, SETTING_WHY_SIZE, "%s: %s", text, strerror_r(error, reason, sizeof reason));
    return ST_IO_ERROR;
}

static enum status read_whole(int fd, struct buffer *text, char why[SETTING_WHY_SIZE])
{
    char part[4096];
    for (;;) {
        ssize_t got = read(fd, part, sizeof part);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return refuse_file(why, "cannot be read", errno);
        if (got == 0)
            return ST_OK;
        enum status st = buffer_append(text, part, (size_t)got);
        if (st == ST_LIMIT)
            return refuse_file(why, "is too long", 0);
        if (st != ST_OK)
            return st;
    }
}

enum status settings_read_file(const char *path, struct buffer *text, char why[SETTING_WHY_SIZE])
{
    struct stat info;
    int fd = open(path,
                  O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe without a writer must not keep the start waiting */
    if (fd < 0)
        return refuse_file(why, "cannot be opened", errno);
    enum status st = ST_OK;
    if (fstat(fd, &info) != 0)
        st = refuse_file(why, "cannot be read", errno);
    else if (!S_ISREG(info.st_mode))
        st = refuse_file(why, "is not a file", 0);
    else
        st = read_whole(fd, text, why);
    (void)close(fd);
    return st;
}

/* -- the dynamic file --------------------------------------------------------------------------------------------- */

const char *settings_dynamic_version(const char *path, int64_t *version)
{
    const char *dot = strrchr(path, '.');
    *version = 0;
    if (dot == NULL || dot[1] == '\0' || dot[1 + strspn(dot + 1, "0123456789abcdefABCDEF")] != '\0')
        return NULL;
    errno = 0;
    long long number = strtoll(dot + 1, NULL, 16);
    if (errno != 0)
        return NULL;
    *version = number;
    return dot + 1;
}

static enum status take_properties(const struct settings *s, struct server_lines *lines, struct bytes text,
                                   struct settings_report *report)
{
    struct properties properties;
    struct property property;
    enum status st = ST_OK;
    properties_open(&properties, (const char *)text.data, text.len, lines->memory);
    while (st == ST_OK && properties_next(&properties, &property)) {
        struct setting_place place = {s->dynamic_config_file, {SETTING_DERIVED, property.line}};
        if (property.error != NULL)
            settings_report_add(report, SETTINGS_ERROR, place, property.key, "%s", property.error);
        else if (strcmp(property.key, "version") == 0)
            settings_report_add(report, SETTINGS_ERROR, place, property.key,
                                "belongs into the name of the file, behind its last dot");
        else
            st = server_lines_add(lines, (struct server_line){property.key, property.value, place});
    }
    return st;
}

enum status settings_read_dynamic(const struct settings *settings, struct server_lines *lines,
                                  struct settings_report *report)
{
    struct buffer text = {.max = DYNAMIC_SIZE_MAX};
    struct setting_place place = {settings->dynamic_config_file, {SETTING_DERIVED, 0}};
    char why[SETTING_WHY_SIZE];
    enum status st = settings_read_file(settings->dynamic_config_file, &text, why);
    if (st == ST_IO_ERROR)
        settings_report_add(report, SETTINGS_ERROR, place, "dynamicConfigFile", "%s", why);
    if (st == ST_OK) {
        lines->memory = mem_alloc(properties_memory(text.len));
        st = lines->memory == NULL ? ST_NO_MEMORY : take_properties(settings, lines, buffer_bytes(&text), report);
    }
    int64_t number;
    const char *version = settings_dynamic_version(settings->dynamic_config_file, &number);
    if (st == ST_OK && version != NULL)
        st = server_lines_add(lines, (struct server_line){"version", version, place});
    buffer_free(&text);
    return st == ST_IO_ERROR ? ST_OK : st;
}
