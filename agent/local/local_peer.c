/* local_peer.c - who a local client is: what the kernel says of its process, and what that may do. */
#include "agent/local/local_internal.h"

#include "core/base/mem.h"
#include "core/tree/acl.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ID_TEXT_MAX = 32 };

/* -- classes ------------------------------------------------------------------------------------------------------ */

static bool names(const char *list, const char *kind, unsigned id)
{
    char word[ID_TEXT_MAX];
    (void)snprintf(word, sizeof word, "%s:%u", kind, id);
    return settings_list_has(list, word);
}

static bool is_named(const struct local_client *c, const char *list)
{
    if (names(list, "uid", (unsigned)c->uid))
        return true;
    for (size_t i = 0; i < c->group_count; i++)
        if (names(list, "gid", (unsigned)c->groups[i]))
            return true;
    return false;
}

/* -- the peer ----------------------------------------------------------------------------------------------------- */

static void add_group(struct local_client *c, gid_t gid)
{
    for (size_t i = 0; i < c->group_count; i++)
        if (c->groups[i] == gid)
            return;
    if (c->group_count < LOCAL_GROUPS_MAX)
        c->groups[c->group_count++] = gid;
}

/* Groups beyond what is kept give no rights: nothing is granted that the kernel did not say. */
static void look_at_groups(struct local_client *c, int fd)
{
#ifdef SO_PEERGROUPS
    /* The kernel gives all of them or none, and says for how many there has to be room. */
    socklen_t len = 0;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len) == 0 || errno != ERANGE)
        return;
    gid_t *groups = mem_alloc(len);
    if (groups != NULL && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == 0)
        for (size_t i = 0; i < len / sizeof groups[0]; i++)
            add_group(c, groups[i]);
    mem_free(groups);
#else
    (void)fd;
#endif
}

enum status local_peer_look(struct local_client *c)
{
    const struct settings *s = c->local->settings;
    struct ucred peer;
    socklen_t len = sizeof peer;
    int fd = c->connection->stream.fd;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return ST_IO_ERROR;
    c->uid = peer.uid;
    c->pid = peer.pid;
    add_group(c, peer.gid);
    look_at_groups(c, fd);
    c->may_admin = c->uid == 0 || c->uid == geteuid() || is_named(c, s->local_admin);
    c->may_use = c->may_admin || is_named(c, s->local_use);
    c->may_provide = c->may_admin || (c->may_use && is_named(c, s->local_provide));
    c->may_read = c->may_use || is_named(c, s->local_read);
    return ST_OK;
}

enum status local_peer_introduce(struct local_client *c)
{
    struct identity who[LOCAL_GROUPS_MAX + 2];
    char texts[LOCAL_GROUPS_MAX + 1][ID_TEXT_MAX];
    if (c->connection->client != 0)
        return ST_OK;
    size_t count = 0;
    (void)snprintf(texts[0], ID_TEXT_MAX, IDENTITY_LOCAL_USER "%u", (unsigned)c->uid);
    who[count++] = (struct identity){BYTES("digest"), bytes_of(texts[0])};
    for (size_t i = 0; i < c->group_count; i++) {
        (void)snprintf(texts[i + 1], ID_TEXT_MAX, IDENTITY_LOCAL_GROUP "%u", (unsigned)c->groups[i]);
        who[count++] = (struct identity){BYTES("digest"), bytes_of(texts[i + 1])};
    }
    who[count++] = (struct identity){BYTES("ip"), BYTES("127.0.0.1")}; /* where it could connect just as well */
    return connection_introduce(c->connection, (struct identities){who, count}, true) ? ST_OK : ST_NO_MEMORY;
}

/* -- ids in ACLs -------------------------------------------------------------------------------------------------- */

static const char local_scheme[] = "unix";
static const char kept_prefix[] = "unix-";

enum status local_acl_write(struct writer *w, size_t count, Zooid__Local__Acl **acls, struct arena *arena)
{
    write_i32(w, (int32_t)count);
    for (size_t i = 0; i < count; i++) {
        const char *scheme = acls[i]->scheme, *id = acls[i]->id;
        struct bytes kept = bytes_of(id == NULL ? "" : id);
        if (scheme == NULL)
            return ST_BAD_ARGUMENTS;
        if (strcmp(scheme, local_scheme) == 0) {
            size_t len = sizeof kept_prefix - 1;
            char *text = arena_alloc(arena, len + kept.len + 1);
            if (text == NULL)
                return ST_NO_MEMORY;
            memcpy(text, kept_prefix, len);
            memcpy(text + len, kept.data, kept.len);
            kept = bytes_make(text, len + kept.len);
            scheme = "digest";
        }
        acl_entry_write(w, &(struct acl_entry){(int32_t)acls[i]->perms, bytes_of(scheme), kept});
    }
    return w->status;
}

static bool is_local_id(struct bytes scheme, struct bytes id)
{
    return bytes_equal(scheme, BYTES("digest")) &&
           (bytes_starts_with(id, BYTES(IDENTITY_LOCAL_USER)) || bytes_starts_with(id, BYTES(IDENTITY_LOCAL_GROUP)));
}

static bool read_id(struct arena *arena, struct bytes scheme, struct bytes id, char **scheme_text, char **id_text)
{
    if (is_local_id(scheme, id)) {
        scheme = bytes_of(local_scheme);
        id = bytes_from(id, sizeof kept_prefix - 1);
    }
    *scheme_text = arena_text(arena, scheme.data, scheme.len);
    *id_text = arena_text(arena, id.data, id.len);
    return *scheme_text != NULL && *id_text != NULL;
}

Zooid__Local__Acl *local_acl_read(struct arena *arena, const struct acl_entry *entry)
{
    Zooid__Local__Acl *acl = arena_alloc(arena, sizeof *acl);
    if (acl == NULL)
        return NULL;
    zooid__local__acl__init(acl);
    acl->has_perms = true;
    acl->perms = (uint32_t)entry->perms;
    return read_id(arena, entry->scheme, entry->id, &acl->scheme, &acl->id) ? acl : NULL;
}
