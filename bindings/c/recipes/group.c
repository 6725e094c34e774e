/* group.c - groups: each member is an ephemeral node with a name of its own, as kazoo's Party has it. */
#include "bindings/c/recipes/recipe.h"

#include <stdlib.h>

#define NAME_OF_MEMBER "__party__"

zooid_ephemeral *zooid_group_join(zooid_client *c, const char *path, const char *identifier)
{
    char name[UNIQUE_LEN + 1];
    const char *data = identifier == NULL ? "" : identifier;
    if (!path_is_usable(path) || !unique_name(name))
        return NULL;
    char *node = path_join(path, name, NAME_OF_MEMBER);
    zooid_ephemeral *e = node == NULL ? NULL : zooid_ephemeral_new(c, node, data, strlen(data));
    free(node);
    return e;
}

static bool is_member(const char *name)
{
    return strstr(name, NAME_OF_MEMBER) != NULL;
}

int zooid_group_members(zooid_client *c, const char *path, uint32_t deadline_ms, zooid_reply **reply)
{
    return errand_perform(listing_new(path, is_member, NULL), c, &listing_kind, deadline_ms, reply);
}

zooid_ticket zooid_group_submit_members(zooid_client *c, const char *path, uint32_t deadline_ms, void *tag)
{
    return errand_submit(listing_new(path, is_member, NULL), c, &listing_kind, deadline_ms, tag);
}
