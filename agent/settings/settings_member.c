/* settings_member.c - what a member of an ensemble needs beside the server lines: its number, its own line, limits.
 *
 * Rules as Apache has them (client-protocol 12.1, 12.3; quorum-protocol 1.10, 2.9), stricter where a mistake would show
 * only later. */
#include "agent/settings/settings_internal.h"
#include "core/members/members.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    VOTER_ID_MAX = 254, /* it is the top byte of session ids, and 255 there marks TTL nodes */
    TTL_MARK = 255,
    MYID_SIZE_MAX = 4096,
    COMMIT_LOG_COUNT_MIN = 500,
};

static void say(const struct settings *s, struct settings_report *report, enum settings_severity severity,
                enum setting_id id, const char *text)
{
    settings_report_add(report, severity, settings_place(s, id), setting_rows[id].key, "%s", text);
}

/* -- its number --------------------------------------------------------------------------------------------------- */

/* The first line without blanks around it; false: it is not a decimal number of a server. */
static bool parse_id(struct bytes text, int64_t *id)
{
    char line[32] = "";
    size_t len = 0;
    while (len < text.len && text.data[len] != '\n' && text.data[len] != '\r')
        len++;
    struct bytes first = {text.data, len};
    while (first.len > 0 && first.data[0] <= ' ')
        first = bytes_from(first, 1);
    while (first.len > 0 && first.data[first.len - 1] <= ' ')
        first.len--;
    if (first.len == 0 || first.len >= sizeof line)
        return false;
    memcpy(line, first.data, first.len);
    if (strspn(line, "0123456789") != first.len)
        return false;
    errno = 0;
    *id = strtoll(line, NULL, 10);
    return errno == 0 && *id < INT64_MAX;
}

/* Only observers may have a larger one, as --join gives it to them; its low byte is then what session ids begin with
 * (join_id.h). */
static void judge_id(const struct settings *s, struct setting_place place, struct settings_report *report)
{
    const struct member *own = members_find(s->members, s->server_id);
    bool observes = own != NULL ? own->role == MEMBER_OBSERVER : s->peer_type == PEER_TYPE_OBSERVER;
    if (s->server_id > VOTER_ID_MAX && !observes)
        settings_report_add(report, SETTINGS_ERROR, place, "",
                            "this is server %" PRId64 ", and the number of one that may vote is %d at most",
                            s->server_id, VOTER_ID_MAX);
    else if ((s->server_id & TTL_MARK) == TTL_MARK)
        settings_report_add(report, SETTINGS_ERROR, place, "",
                            "this is server %" PRId64 ", and a number whose low byte is 255 cannot be used",
                            s->server_id);
    else if (own == NULL && s->self == NULL)
        settings_report_add(
            report, SETTINGS_ERROR, place, "",
            "this is server %" PRId64
            ", which has no server line; with zooid.serverAddress=host:quorumPort:electionPort it takes "
            "part without being counted",
            s->server_id);
}

static void take_id(struct settings *s, struct setting_place place, struct bytes text, struct settings_report *report)
{
    if (parse_id(text, &s->server_id))
        judge_id(s, place, report);
    else
        settings_report_add(report, SETTINGS_ERROR, place, "",
                            "does not hold the number of this server, 0 to %d, in its first line", VOTER_ID_MAX);
}

static enum status read_id(struct settings *s, struct settings_report *report)
{
    struct buffer path = {0}, text = {.max = MYID_SIZE_MAX};
    char why[SETTING_WHY_SIZE];
    enum status st = buffer_printf(&path, "%s/myid", s->data_dir);
    if (st == ST_OK)
        st = buffer_append(&path, "", 1);
    if (st == ST_OK) {
        struct setting_place place = {(const char *)path.data, {SETTING_DERIVED, 0}};
        st = settings_read_file(place.file, &text, why);
        if (st == ST_OK)
            take_id(s, place, buffer_bytes(&text), report);
        if (st == ST_IO_ERROR)
            settings_report_add(report, SETTINGS_ERROR, place, "",
                                "%s; in an ensemble it holds the number of this server", why);
    }
    buffer_free(&path);
    buffer_free(&text);
    return st == ST_IO_ERROR ? ST_OK : st;
}

/* -- its line ----------------------------------------------------------------------------------------------------- */

static const struct server_line *own_line(const struct settings *s, const struct server_lines *lines)
{
    static const char prefix[] = "server.";
    for (size_t i = 0; i < lines->count; i++)
        if (strncmp(lines->items[i].key, prefix, sizeof prefix - 1) == 0 &&
            strtoll(lines->items[i].key + sizeof prefix - 1, NULL, 10) == s->server_id)
            return &lines->items[i];
    return NULL;
}

static void take_role(struct settings *s, const struct member *own, struct settings_report *report)
{
    int role = own->role == MEMBER_OBSERVER ? PEER_TYPE_OBSERVER : PEER_TYPE_PARTICIPANT;
    if (s->peer_type == role)
        return;
    if (settings_given(s, SETTING_ID_peer_type))
        say(s, report, SETTINGS_WARNING, SETTING_ID_peer_type,
            "is not what the server line of this server says; the server line counts");
    s->peer_type = role;
    s->origins[SETTING_ID_peer_type].source = SETTING_DERIVED;
}

static enum status take_own_line(struct settings *s, const struct server_lines *lines, struct settings_report *report)
{
    const struct member *own = members_find(s->members, s->server_id);
    const struct server_line *line = own_line(s, lines);
    const char *why = NULL;
    if (own == NULL || line == NULL)
        return ST_OK;
    take_role(s, own, report);
    enum status st = settings_take_doors(s, own, line->place, &why);
    if (why != NULL)
        settings_report_add(report, s->reconfig_enabled ? SETTINGS_WARNING : SETTINGS_ERROR, line->place, line->key,
                            "%s%s", why, s->reconfig_enabled ? "; this line counts" : "");
    return st;
}

/* zooid.serverAddress as a server line: with any number, since that of this server is not known yet. */
static enum status read_own_address(struct settings *s, struct settings_report *report)
{
    struct buffer text = {0};
    struct members_error error;
    if (s->server_address[0] == '\0')
        return ST_OK;
    enum status st = buffer_printf(&text, "server.1=%s", s->server_address);
    if (st == ST_OK)
        st = members_parse(buffer_bytes(&text), s->multi_address_enabled ? MEMBERS_MULTI_ADDRESS : 0, &s->self, &error);
    buffer_free(&text);
    if (st != ST_BAD_ARGUMENTS)
        return st;
    say(s, report, SETTINGS_ERROR, SETTING_ID_server_address, error.why);
    return ST_OK;
}

/* -- limits ------------------------------------------------------------------------------------------------------- */

static void check_ticks(const struct settings *s, struct settings_report *report, enum setting_id id, int32_t ticks)
{
    if (ticks == 0)
        say(s, report, SETTINGS_ERROR, id, "is required in an ensemble");
    else if ((int64_t)ticks * s->tick_time_ms > INT32_MAX)
        settings_report_add(report, SETTINGS_ERROR, settings_place(s, id), setting_rows[id].key,
                            "%" PRId32 " ticks of %" PRId32 " ms are too long", ticks, s->tick_time_ms);
}

static void check_times(struct settings *s, struct settings_report *report)
{
    check_ticks(s, report, SETTING_ID_init_limit, s->init_limit);
    check_ticks(s, report, SETTING_ID_sync_limit, s->sync_limit);
    int64_t hello_ms = (int64_t)s->tick_time_ms * s->sync_limit;
    if (s->hello_timeout_ms <= 0 && hello_ms > 0 && hello_ms <= INT32_MAX) {
        s->hello_timeout_ms = (int32_t)hello_ms;
        s->origins[SETTING_ID_hello_timeout_ms].source = SETTING_DERIVED;
    }
    if (s->notification_ms_min > s->notification_ms_max)
        say(s, report, SETTINGS_ERROR, SETTING_ID_notification_ms_min,
            "is longer than fastleader.maxNotificationInterval");
}

static void check_history(struct settings *s, struct settings_report *report)
{
    if (s->commit_log_count >= COMMIT_LOG_COUNT_MIN)
        return;
    say(s, report, SETTINGS_WARNING, SETTING_ID_commit_log_count, "is less than 500; 500 are kept");
    s->commit_log_count = COMMIT_LOG_COUNT_MIN;
}

enum status settings_check_member(struct settings *settings, const struct server_lines *lines,
                                  struct settings_report *report)
{
    enum status st = read_own_address(settings, report);
    if (st == ST_OK && settings->data_dir[0] != '\0')
        st = read_id(settings, report);
    if (st == ST_OK)
        st = take_own_line(settings, lines, report);
    check_times(settings, report);
    check_history(settings, report);
    return st;
}

const struct member *settings_own_member(const struct settings *settings)
{
    const struct member *own = settings->members == NULL ? NULL : members_find(settings->members, settings->server_id);
    return own == NULL && settings->self != NULL ? settings->self->items[0] : own;
}
