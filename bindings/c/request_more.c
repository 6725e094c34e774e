/* request_more.c - what can be added to a request before it is sent. */
#include "bindings/c/internal.h"

#define BODY(name) ZOOID__LOCAL__TO_AGENT__BODY_##name

static int outcome(const zooid_request *r)
{
    return r->pool.failed ? ZOOID_NO_MEMORY : ZOOID_OK;
}

int zooid_request_set_watch(zooid_request *r)
{
    if (r == NULL)
        return ZOOID_NO_MEMORY;
    switch (r->m.body_case) {
    case BODY(GET): r->m.get->has_watch = r->m.get->watch = true; return ZOOID_OK;
    case BODY(EXISTS): r->m.exists->has_watch = r->m.exists->watch = true; return ZOOID_OK;
    case BODY(LIST): r->m.list->has_watch = r->m.list->watch = true; return ZOOID_OK;
    default: return ZOOID_BAD_ARGUMENTS;
    }
}

/* Where the operation keeps its freshness; NULL: it has none. */
static Zooid__Local__Freshness **freshness_of(zooid_request *r)
{
    switch (r->m.body_case) {
    case BODY(GET): return &r->m.get->fresh;
    case BODY(EXISTS): return &r->m.exists->fresh;
    case BODY(LIST): return &r->m.list->fresh;
    case BODY(GET_ACL): return &r->m.get_acl->fresh;
    case BODY(READ_MANY): return &r->m.read_many->fresh;
    case BODY(SUBTREE): return &r->m.subtree->fresh;
    default: return NULL;
    }
}

int zooid_request_set_freshness(zooid_request *r, const struct zooid_freshness *freshness)
{
    Zooid__Local__Freshness **place = r == NULL ? NULL : freshness_of(r);
    if (place == NULL)
        return r == NULL ? ZOOID_NO_MEMORY : ZOOID_BAD_ARGUMENTS;
    Zooid__Local__Freshness *fresh = pool_take(&r->pool, sizeof *fresh);
    if (fresh == NULL)
        return ZOOID_NO_MEMORY;
    zooid__local__freshness__init(fresh);
    fresh->has_latest = fresh->has_zxid_min = fresh->has_age_max_ms = true;
    fresh->latest = freshness->latest;
    fresh->zxid_min = freshness->zxid_min;
    fresh->age_max_ms = freshness->age_max_ms;
    *place = fresh;
    return ZOOID_OK;
}

int zooid_request_set_if_changed_since(zooid_request *r, int64_t zxid)
{
    if (r == NULL)
        return ZOOID_NO_MEMORY;
    if (r->m.body_case == BODY(GET)) {
        r->m.get->has_if_changed_since = true;
        r->m.get->if_changed_since = zxid;
        return ZOOID_OK;
    }
    if (r->m.body_case != BODY(LIST))
        return ZOOID_BAD_ARGUMENTS;
    r->m.list->has_if_changed_since = true;
    r->m.list->if_changed_since = zxid;
    return ZOOID_OK;
}

int zooid_request_set_page(zooid_request *r, const char *after, uint32_t limit)
{
    if (r == NULL)
        return ZOOID_NO_MEMORY;
    if (r->m.body_case != BODY(LIST))
        return ZOOID_BAD_ARGUMENTS;
    r->m.list->after = pool_text(&r->pool, after);
    r->m.list->has_limit = true;
    r->m.list->limit = limit;
    r->lists_all = false;
    return outcome(r);
}

int zooid_request_set_with_nodes(zooid_request *r)
{
    if (r == NULL || r->m.body_case != BODY(LIST))
        return r == NULL ? ZOOID_NO_MEMORY : ZOOID_BAD_ARGUMENTS;
    r->m.list->has_with_nodes = r->m.list->with_nodes = true;
    return ZOOID_OK;
}

int zooid_request_set_with_children(zooid_request *r)
{
    if (r == NULL || r->m.body_case != BODY(READ_MANY))
        return r == NULL ? ZOOID_NO_MEMORY : ZOOID_BAD_ARGUMENTS;
    r->m.read_many->has_with_children = r->m.read_many->with_children = true;
    return ZOOID_OK;
}

int zooid_request_set_without_data(zooid_request *r)
{
    if (r == NULL)
        return ZOOID_NO_MEMORY;
    switch (r->m.body_case) {
    case BODY(SUBTREE): r->m.subtree->has_without_data = r->m.subtree->without_data = true; return ZOOID_OK;
    case BODY(SUBSCRIBE): r->m.subscribe->has_without_data = r->m.subscribe->without_data = true; return ZOOID_OK;
    default: return ZOOID_BAD_ARGUMENTS;
    }
}

int zooid_request_set_sequential(zooid_request *r)
{
    if (r == NULL || r->m.body_case != BODY(CREATE))
        return r == NULL ? ZOOID_NO_MEMORY : ZOOID_BAD_ARGUMENTS;
    r->m.create->has_sequential = r->m.create->sequential = true;
    return ZOOID_OK;
}

int zooid_request_set_ttl(zooid_request *r, int64_t ttl_ms)
{
    if (r == NULL || r->m.body_case != BODY(CREATE))
        return r == NULL ? ZOOID_NO_MEMORY : ZOOID_BAD_ARGUMENTS;
    r->m.create->has_ttl_ms = true;
    r->m.create->ttl_ms = ttl_ms;
    return ZOOID_OK;
}

/* The array with room for one pointer more. The old one stays in the pool until the request goes. NULL: out of memory.
 */
static void *grown(struct pool *pool, void *array, size_t count)
{
    if ((count & (count - 1)) != 0)
        return array; /* there is room up to the next power of two */
    void *larger = pool_take(pool, (count == 0 ? 1 : 2 * count) * sizeof(void *));
    if (larger != NULL && count > 0)
        memcpy(larger, array, count * sizeof(void *));
    return larger;
}

int zooid_request_add_acl(zooid_request *r, unsigned perms, const char *scheme, const char *id)
{
    if (r == NULL)
        return ZOOID_NO_MEMORY;
    bool creates = r->m.body_case == BODY(CREATE);
    if (!creates && r->m.body_case != BODY(SET_ACL))
        return ZOOID_BAD_ARGUMENTS;
    size_t *count = creates ? &r->m.create->n_acl : &r->m.set_acl->n_acl;
    Zooid__Local__Acl ***list = creates ? &r->m.create->acl : &r->m.set_acl->acl;
    Zooid__Local__Acl *acl = pool_take(&r->pool, sizeof *acl);
    Zooid__Local__Acl **larger = grown(&r->pool, *list, *count);
    if (acl == NULL || larger == NULL)
        return ZOOID_NO_MEMORY;
    zooid__local__acl__init(acl);
    acl->has_perms = true;
    acl->perms = perms;
    acl->scheme = pool_text(&r->pool, scheme);
    acl->id = pool_text(&r->pool, id);
    *list = larger;
    larger[(*count)++] = acl;
    return outcome(r);
}

static int add_text(zooid_request *r, char ***list, size_t *count, char *text)
{
    char **larger = grown(&r->pool, *list, *count);
    if (text == NULL || larger == NULL)
        return ZOOID_NO_MEMORY;
    *list = larger;
    larger[(*count)++] = text;
    return ZOOID_OK;
}

int zooid_request_add_path(zooid_request *r, const char *path)
{
    if (r == NULL)
        return ZOOID_NO_MEMORY;
    char *text = pool_text(&r->pool, path);
    switch (r->m.body_case) {
    case BODY(READ_MANY): return add_text(r, &r->m.read_many->path, &r->m.read_many->n_path, text);
    case BODY(SUBTREE): return add_text(r, &r->m.subtree->also, &r->m.subtree->n_also, text);
    case BODY(SUBSCRIBE): return add_text(r, &r->m.subscribe->also, &r->m.subscribe->n_also, text);
    default: return ZOOID_BAD_ARGUMENTS;
    }
}

int zooid_request_set_replace(zooid_request *r)
{
    if (r == NULL || r->m.body_case != BODY(PROVIDE))
        return r == NULL ? ZOOID_NO_MEMORY : ZOOID_BAD_ARGUMENTS;
    r->m.provide->has_replace = r->m.provide->replace = true;
    return ZOOID_OK;
}

int zooid_request_add_offer(zooid_request *r, const char *command, const char *help, bool admin)
{
    if (r == NULL || r->m.body_case != BODY(PROVIDE))
        return r == NULL ? ZOOID_NO_MEMORY : ZOOID_BAD_ARGUMENTS;
    Zooid__Local__Provide *body = r->m.provide;
    Zooid__Local__Offer *offer = pool_take(&r->pool, sizeof *offer);
    Zooid__Local__Offer **larger = grown(&r->pool, body->offer, body->n_offer);
    if (offer == NULL || larger == NULL)
        return ZOOID_NO_MEMORY;
    zooid__local__offer__init(offer);
    offer->command = pool_text(&r->pool, command);
    offer->help = pool_text(&r->pool, help);
    offer->has_admin = true;
    offer->admin = admin;
    body->offer = larger;
    larger[body->n_offer++] = offer;
    return outcome(r);
}

int zooid_request_add(zooid_request *multi, zooid_request *write)
{
    if (multi == NULL || write == NULL || multi->m.body_case != BODY(MULTI) || write->write_in_multi == 0) {
        bool no_memory = multi == NULL || write == NULL;
        zooid_request_free(write);
        return no_memory ? ZOOID_NO_MEMORY : ZOOID_BAD_ARGUMENTS;
    }
    Zooid__Local__Multi *body = multi->m.multi;
    Zooid__Local__Write *one = pool_take(&multi->pool, sizeof *one);
    Zooid__Local__Write **larger = grown(&multi->pool, body->write, body->n_write);
    if (one == NULL || larger == NULL) {
        zooid_request_free(write);
        return ZOOID_NO_MEMORY;
    }
    zooid__local__write__init(one);
    one->write_case = (Zooid__Local__Write__WriteCase)write->write_in_multi;
    one->create = write->m.create; /* whichever it is: they lie in one union, here as there */
    body->write = larger;
    larger[body->n_write++] = one;
    write->next = multi->added;
    multi->added = write;
    return ZOOID_OK;
}
