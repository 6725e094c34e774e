/* settings_servers.c - the lines that describe an ensemble, of zoo.cfg or of its dynamic file: server.N, group.N,
 * weight.N.
 *
 * core/members judges each of them and all together. Whether this is an ensemble is decided as Apache decides it: one
 * participant is an agent that runs alone, unless standaloneEnabled=false. Source: client-protocol 12.2, 12.3. */
#include "agent/settings/settings_internal.h"
#include "core/base/check.h"
#include "core/members/members.h"

#include <string.h>
#include <strings.h>

enum { VOTERS_SAFE_MIN = 3 };

/* What is known of the lines while they are judged. */
struct servers {
    struct settings *settings;
    struct settings_report *report;
    struct server_lines lines;
    size_t count; /* of servers */
    bool refused;
};

static bool is_server(const struct server_line *line)
{
    return strncmp(line->key, "server.", strlen("server.")) == 0;
}

static void refuse(struct servers *servers, const struct server_line *line, const char *why)
{
    servers->refused = true;
    settings_report_add(servers->report, SETTINGS_ERROR, line->place, line->key, "%s", why);
}

static void refuse_setting(struct servers *servers, enum setting_id id, const char *why)
{
    servers->refused = true;
    settings_report_add(servers->report, SETTINGS_ERROR, settings_place(servers->settings, id), setting_rows[id].key,
                        "%s", why);
}

/* The line with this key; when the fault is in no single line, the last server's. */
static const struct server_line *line_at_fault(const struct servers *servers, const char *key)
{
    const struct server_line *found = NULL;
    for (size_t i = 0; i < servers->lines.count; i++) {
        const struct server_line *line = &servers->lines.items[i];
        if (strcmp(line->key, key) == 0)
            return line;
        if (is_server(line))
            found = line;
    }
    return found;
}

/* -- collecting --------------------------------------------------------------------------------------------------- */

/* Of a line in zoo.cfg, or on the command line, although the members stand in a file of their own. */
static void judge_misplaced(struct servers *servers, const struct server_line *line)
{
    const struct settings *s = servers->settings;
    bool is_restored = s->origins[SETTING_ID_dynamic_config_file].source == SETTING_DERIVED;
    if (is_restored) /* settings_take_newest has said so */
        return;
    refuse(servers, line, "belongs into the file that dynamicConfigFile names");
}

static enum status collect_lines(struct servers *servers, const struct family_value *values, size_t count)
{
    enum status st = settings_take_newest(servers->settings, servers->report);
    bool is_dynamic = servers->settings->dynamic_config_file[0] != '\0';
    for (size_t i = 0; i < count && st == ST_OK; i++) {
        const struct family_value *value = &values[i];
        struct server_line line = {value->name, value->text, settings_place_of(servers->settings, value->origin)};
        if (value->row->state != STATE_SERVER)
            continue;
        if (is_dynamic)
            judge_misplaced(servers, &line);
        else if (servers->settings->reconfig_enabled && value->origin.source == SETTING_FROM_COMMAND_LINE)
            refuse(servers, &line, "belongs into zoo.cfg with reconfigEnabled=true: here it would undo every change");
        else
            st = server_lines_add(&servers->lines, line);
    }
    size_t errors = servers->report->errors;
    if (st == ST_OK && is_dynamic)
        st = settings_read_dynamic(servers->settings, &servers->lines, servers->report);
    servers->refused |= servers->report->errors > errors;
    return st;
}

static enum status take_lines(struct servers *servers, struct members_builder *b)
{
    enum status st = ST_OK;
    for (size_t i = 0; i < servers->lines.count && st == ST_OK; i++) {
        const struct server_line *line = &servers->lines.items[i];
        struct members_error error;
        servers->count += is_server(line);
        st = members_builder_take(b, bytes_of(line->key), bytes_of(line->text), &error);
        if (st == ST_BAD_ARGUMENTS) {
            refuse(servers, line, error.why);
            st = ST_OK;
        }
    }
    return st;
}

/* -- deciding ----------------------------------------------------------------------------------------------------- */

static void judge_no_server(struct servers *servers)
{
    const struct settings *s = servers->settings;
    if (!s->standalone_enabled)
        refuse_setting(servers, SETTING_ID_standalone_enabled, "false needs a server line at least");
    if (s->peer_type == PEER_TYPE_OBSERVER)
        refuse_setting(servers, SETTING_ID_peer_type, "is observer, and there is nobody to observe");
}

static enum status take_only_server(struct servers *servers, const struct members *m)
{
    const struct server_line *line = line_at_fault(servers, "");
    const char *why = NULL;
    enum status st = ST_OK;
    if (m->count > 1) {
        refuse(servers, line, "an observer of a server that runs alone; it needs standaloneEnabled=false");
        return ST_OK;
    }
    if (servers->settings->peer_type == PEER_TYPE_OBSERVER)
        refuse_setting(servers, SETTING_ID_peer_type, "is observer, and there is nobody to observe");
    st = settings_take_doors(servers->settings, m->items[0], line->place, &why);
    if (why != NULL && !servers->settings->reconfig_enabled)
        refuse(servers, line, why);
    else
        settings_report_add(servers->report, SETTINGS_INFO, line->place, line->key,
                            "the only server: the agent runs alone");
    return st;
}

static enum status write_members(struct settings *s)
{
    struct buffer text = {0};
    enum status st = members_print(s->members, &text);
    if (st == ST_OK)
        st = buffer_append(&text, "", 1);
    if (st == ST_OK) {
        char *version = strstr((char *)text.data, "version=");
        CHECK(version != NULL);
        *version = '\0';
        st = setting_set_text(&s->members_text, (const char *)text.data);
    }
    buffer_free(&text);
    return st;
}

static void judge_voters(const struct servers *servers, const struct members *m)
{
    struct setting_place place = settings_place_of(servers->settings, (struct setting_origin){SETTING_DERIVED, 0});
    if (m->voters < VOTERS_SAFE_MIN)
        settings_report_add(servers->report, SETTINGS_WARNING, place, "",
                            "the ensemble has %zu participants: it stands no failure of one", m->voters);
    else if (m->voters % 2 == 0)
        settings_report_add(servers->report, SETTINGS_WARNING, place, "",
                            "the ensemble has %zu participants: it stands no more failures than with one less",
                            m->voters);
}

static enum status take_ensemble(struct servers *servers, struct members *m)
{
    struct settings *s = servers->settings;
    s->members = m;
    s->is_ensemble = true;
    enum status st = write_members(s);
    if (st == ST_LIMIT) {
        refuse(servers, line_at_fault(servers, ""), "the text of the whole configuration is too long");
        return ST_OK;
    }
    judge_voters(servers, m);
    if (st == ST_OK)
        st = settings_read_pending(s, servers->report);
    return st == ST_OK ? settings_check_member(s, &servers->lines, servers->report) : st;
}

static enum status judge(struct servers *servers, struct members_builder *b)
{
    struct members *m = NULL;
    struct members_error error;
    enum status st = take_lines(servers, b);
    servers->settings->is_ensemble = servers->count > 1;
    if (st != ST_OK || servers->refused)
        return st;
    if (servers->count == 0) {
        judge_no_server(servers);
        return ST_OK;
    }
    st = members_builder_finish(b, &m, &error);
    if (st == ST_BAD_ARGUMENTS) {
        refuse(servers, line_at_fault(servers, error.key), error.why);
        return ST_OK;
    }
    if (st != ST_OK || m->voters > 1 || !servers->settings->standalone_enabled)
        return st == ST_OK ? take_ensemble(servers, m) : st;
    st = take_only_server(servers, m);
    members_free(m);
    return st;
}

enum status settings_check_servers(struct settings *settings, const struct family_value *values, size_t count,
                                   struct settings_report *report)
{
    struct servers servers = {.settings = settings, .report = report};
    struct members_builder *b = members_builder_new(settings->multi_address_enabled ? MEMBERS_MULTI_ADDRESS : 0);
    enum status st = b == NULL ? ST_NO_MEMORY : collect_lines(&servers, values, count);
    if (st == ST_OK)
        st = judge(&servers, b);
    members_builder_free(b);
    server_lines_free(&servers.lines);
    return st;
}
