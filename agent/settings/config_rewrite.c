/* config_rewrite.c - which lines of zoo.cfg go, and the copy of the others. */
#include "agent/settings/config_rewrite.h"

#include "agent/settings/properties.h"
#include "agent/settings/settings_rows.h"
#include "core/base/mem.h"

#include <string.h>

/* -- writing ------------------------------------------------------------------------------------------------------ */

static enum status put_escaped(struct buffer *out, const char *value)
{
    enum status st = ST_OK;
    for (const char *at = value; *at != '\0' && st == ST_OK; at++) {
        const char *name = strchr("\t\n\r\f", *at);
        bool leads = at == value && *at == ' ';
        if (name != NULL)
            st = buffer_printf(out, "\\%c", "tnrf"[name - "\t\n\r\f"]);
        else
            st = buffer_printf(out, *at == '\\' || leads ? "\\%c" : "%c", *at);
    }
    return st;
}

enum status config_put(struct buffer *out, const char *key, const char *value)
{
    size_t before = out->len;
    enum status st = buffer_printf(out, "%s=", key);
    if (st == ST_OK)
        st = put_escaped(out, value);
    if (st == ST_OK)
        st = buffer_append(out, "\n", 1);
    if (st != ST_OK)
        out->len = before;
    return st;
}

/* Has whatever is put behind it begin a line of its own. A line that ends in a backslash goes on in the next one, which
 * is made an empty one. */
static enum status end_line(struct buffer *out)
{
    size_t end = out->len, lines = 0;
    for (; end > 0 && (out->data[end - 1] == '\n' || out->data[end - 1] == '\r'); end--)
        lines += out->data[end - 1] == '\n' || end == out->len || out->data[end] != '\n';
    bool goes_on = end > 0 && out->data[end - 1] == '\\' && lines < 2;
    bool ended = out->len == 0 || end < out->len;
    bool half_ended = ended && goes_on && out->data[out->len - 1] == '\r'; /* \r\n is one end */
    return buffer_append(out, "\n\n", (ended && !half_ended ? 0U : 1U) + (goes_on ? 1U : 0U));
}

/* -- reading ------------------------------------------------------------------------------------------------------ */

static bool is_setting(const struct setting_key *key, enum setting_id id)
{
    return key->setting == &setting_rows[id];
}

static bool is_server_line(const struct setting_key *key)
{
    return key->family != NULL && key->family->state == STATE_SERVER;
}

static bool is_dropped(const struct setting_key *key, const struct config_rewrite *change)
{
    if (change->forgets_role && is_setting(key, SETTING_ID_peer_type))
        return true;
    if (change->dynamic_file == NULL)
        return false;
    if (is_server_line(key) || is_setting(key, SETTING_ID_dynamic_config_file))
        return true;
    if (change->names_server && (is_setting(key, SETTING_ID_peer_type) || is_setting(key, SETTING_ID_server_address)))
        return true;
    if (change->names_client_port &&
        (is_setting(key, SETTING_ID_client_port) || is_setting(key, SETTING_ID_client_port_address)))
        return true;
    return change->names_secure_client_port &&
           (is_setting(key, SETTING_ID_secure_client_port) || is_setting(key, SETTING_ID_secure_client_port_address));
}

struct rewriting {
    struct bytes text;
    size_t copied; /* of the text: behind it nothing is in `out` yet */
    struct buffer *out;
    bool has_servers;
    bool kept[SETTINGS_COUNT];
};

static enum status copy_until(struct rewriting *r, size_t end)
{
    enum status st = buffer_append(r->out, r->text.data + r->copied, end - r->copied);
    r->copied = end;
    return st;
}

static enum status copy_kept(struct rewriting *r, const struct config_rewrite *change, char *memory)
{
    struct properties properties;
    struct property property;
    enum status st = ST_OK;
    properties_open(&properties, (const char *)r->text.data, r->text.len, memory);
    while (st == ST_OK && properties_next(&properties, &property)) {
        struct setting_key key = settings_find_key(property.key);
        if (property.error != NULL)
            continue;
        r->has_servers |= is_server_line(&key);
        if (is_dropped(&key, change)) {
            st = copy_until(r, property.from);
            r->copied = property.to;
        } else if (key.setting != NULL) {
            r->kept[key.setting - setting_rows] = true;
        }
    }
    return st == ST_OK ? copy_until(r, r->text.len) : st;
}

enum status config_rewrite(struct bytes text, const struct config_rewrite *change, struct buffer *out,
                           bool *has_servers)
{
    struct rewriting r = {.text = text, .out = out};
    char *memory = mem_alloc(properties_memory(text.len));
    if (memory == NULL)
        return ST_NO_MEMORY;
    enum status st = copy_kept(&r, change, memory);
    mem_free(memory);
    if (st == ST_OK)
        st = end_line(out);
    for (size_t i = 0; i < change->line_count && st == ST_OK; i++)
        if (!r.kept[change->lines[i].id])
            st = config_put(out, setting_rows[change->lines[i].id].key, change->lines[i].value);
    if (st == ST_OK && change->dynamic_file != NULL)
        st = config_put(out, setting_rows[SETTING_ID_dynamic_config_file].key, change->dynamic_file);
    if (has_servers != NULL)
        *has_servers = r.has_servers;
    return st;
}
