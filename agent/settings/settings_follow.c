/* settings_follow.c - the settings of a member whose ensemble has changed while it runs: they become what a start would
 * read from the files as they are now, so that a reload finds only what somebody has changed. */
#include "agent/settings/settings_internal.h"
#include "core/members/members.h"

/* A port that a line has brought goes when a later line of this server has it no more. */
static enum status close_doors(struct settings *s, const struct member *former, const struct member *own)
{
    enum status st = ST_OK;
    if (former == NULL || own == NULL)
        return ST_OK;
    if (!bytes_is_null(former->client.host) && bytes_is_null(own->client.host)) {
        s->client_port = -1;
        st = setting_set_text(&s->client_port_address, "");
    }
    if (st == ST_OK && !bytes_is_null(former->secure_client.host) && bytes_is_null(own->secure_client.host)) {
        s->secure_client_port = -1;
        st = setting_set_text(&s->secure_client_port_address, "");
    }
    return st;
}

static enum status follow_doors(struct settings *s, const struct member *former, const struct member *own)
{
    const struct setting_place place = {s->dynamic_config_file, {SETTING_DERIVED, 0}};
    const char *why = NULL; /* the line counts */
    enum status st = close_doors(s, former, own);
    return st == ST_OK && own != NULL ? settings_take_doors(s, own, place, &why) : st;
}

enum status settings_follow(struct settings *s, const struct members *members, const char *dynamic_file)
{
    struct members *copy = NULL;
    const struct member *own = members_find(members, s->server_id);
    enum status st = members_copy(members, &copy);
    if (st != ST_OK)
        return st;
    if (own != NULL)
        s->peer_type = own->role == MEMBER_OBSERVER ? PEER_TYPE_OBSERVER : PEER_TYPE_PARTICIPANT;
    st = follow_doors(s, members_find(s->members, s->server_id), own);
    members_free(s->members);
    s->members = copy;
    if (st == ST_OK && dynamic_file != NULL)
        st = setting_set_text(&s->dynamic_config_file, dynamic_file);
    return st;
}
