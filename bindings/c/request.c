/* request.c - what can be asked: one function for each operation. */
#include "bindings/c/internal.h"

#include <stdlib.h>

#define BODY(name) ZOOID__LOCAL__TO_AGENT__BODY_##name

/* What it has from `call` on is set when it is needed. */
zooid_request *request_new(Zooid__Local__ToAgent__BodyCase body)
{
    zooid_request *r = malloc(sizeof *r);
    if (r == NULL)
        return NULL;
    memset(r, 0, offsetof(struct zooid_request, call));
    zooid__local__to_agent__init(&r->m);
    r->m.body_case = body;
    r->pool.room = (uint8_t *)r->room;
    r->pool.left = sizeof r->room;
    return r;
}

void zooid_request_free(zooid_request *r)
{
    if (r == NULL)
        return;
    for (zooid_request *write = r->added, *next; write != NULL; write = next) {
        next = write->next;
        zooid_request_free(write); /* which has none itself */
    }
    pool_free(&r->pool);
    free(r);
}

/* The request, unless memory ran out while it was made. */
static zooid_request *checked(zooid_request *r)
{
    if (r != NULL && r->pool.failed) {
        zooid_request_free(r);
        return NULL;
    }
    return r;
}

/* A request whose body is the message of that type; `init` is protobuf's. */
static void *body_new(zooid_request *r, size_t size, void (*init)(void *message))
{
    void *message = pool_take(&r->pool, size);
    if (message != NULL)
        init(message);
    return message;
}

/* Makes `r` and its `body`, or returns NULL from the function it stands in. */
#define BEGIN(BODY_NAME, field, type, prefix)                                                                    \
    zooid_request *r = request_new(BODY(BODY_NAME));                                                             \
    type *body = r == NULL ? NULL : body_new(r, sizeof *body, (void (*)(void *))(void (*)(void))prefix##__init); \
    if (body == NULL)                                                                                            \
        return checked(r);                                                                                       \
    r->m.field = body

static ProtobufCBinaryData copy_data(zooid_request *r, const void *data, size_t len)
{
    ProtobufCBinaryData copy = {len, pool_take(&r->pool, len + 1)};
    if (copy.data != NULL && len > 0)
        memcpy(copy.data, data, len);
    return copy;
}

/* -- reads --------------------------------------------------------------------------------------------------------- */

zooid_request *zooid_request_get(const char *path)
{
    BEGIN(GET, get, Zooid__Local__Get, zooid__local__get);
    body->path = pool_text(&r->pool, path);
    return checked(r);
}

zooid_request *zooid_request_exists(const char *path)
{
    BEGIN(EXISTS, exists, Zooid__Local__Exists, zooid__local__exists);
    body->path = pool_text(&r->pool, path);
    return checked(r);
}

zooid_request *zooid_request_list(const char *path)
{
    BEGIN(LIST, list, Zooid__Local__List, zooid__local__list);
    body->path = pool_text(&r->pool, path);
    r->lists_all = true;
    return checked(r);
}

zooid_request *zooid_request_get_acl(const char *path)
{
    BEGIN(GET_ACL, get_acl, Zooid__Local__GetAcl, zooid__local__get_acl);
    body->path = pool_text(&r->pool, path);
    return checked(r);
}

zooid_request *zooid_request_read_many(void)
{
    BEGIN(READ_MANY, read_many, Zooid__Local__ReadMany, zooid__local__read_many);
    (void)body;
    return checked(r);
}

zooid_request *zooid_request_subtree(const char *path, uint32_t depth)
{
    BEGIN(SUBTREE, subtree, Zooid__Local__Subtree, zooid__local__subtree);
    body->path = pool_text(&r->pool, path);
    body->has_depth = true;
    body->depth = depth;
    return checked(r);
}

zooid_request *zooid_request_ephemerals(const char *prefix)
{
    BEGIN(EPHEMERALS, ephemerals, Zooid__Local__Ephemerals, zooid__local__ephemerals);
    body->prefix = pool_text(&r->pool, prefix);
    return checked(r);
}

zooid_request *zooid_request_count_descendants(const char *path)
{
    BEGIN(COUNT_DESCENDANTS, count_descendants, Zooid__Local__CountDescendants, zooid__local__count_descendants);
    body->path = pool_text(&r->pool, path);
    return checked(r);
}

zooid_request *zooid_request_sync(const char *path)
{
    BEGIN(SYNC, sync, Zooid__Local__Sync, zooid__local__sync);
    if (path != NULL)
        body->path = pool_text(&r->pool, path);
    return checked(r);
}

zooid_request *zooid_request_wait(int64_t zxid)
{
    BEGIN(WAIT, wait, Zooid__Local__Wait, zooid__local__wait);
    body->has_zxid = true;
    body->zxid = zxid;
    return checked(r);
}

zooid_request *zooid_request_who_am_i(void)
{
    BEGIN(WHO_AM_I, who_am_i, Zooid__Local__WhoAmI, zooid__local__who_am_i);
    (void)body;
    return checked(r);
}

/* -- writes -------------------------------------------------------------------------------------------------------- */

zooid_request *zooid_request_create(const char *path, const void *data, size_t len, enum zooid_node_kind kind)
{
    BEGIN(CREATE, create, Zooid__Local__Create, zooid__local__create);
    body->path = pool_text(&r->pool, path);
    body->has_data = data != NULL;
    if (data != NULL)
        body->data = copy_data(r, data, len);
    body->has_kind = true;
    body->kind = (Zooid__Local__NodeKind)kind;
    r->write_in_multi = ZOOID__LOCAL__WRITE__WRITE_CREATE;
    return checked(r);
}

zooid_request *zooid_request_delete(const char *path, int32_t version)
{
    BEGIN(DELETE, delete_, Zooid__Local__Delete, zooid__local__delete);
    body->path = pool_text(&r->pool, path);
    body->has_version = true;
    body->version = version;
    r->write_in_multi = ZOOID__LOCAL__WRITE__WRITE_DELETE;
    return checked(r);
}

zooid_request *zooid_request_set(const char *path, const void *data, size_t len, int32_t version)
{
    BEGIN(SET, set, Zooid__Local__Set, zooid__local__set);
    body->path = pool_text(&r->pool, path);
    body->has_data = data != NULL;
    if (data != NULL)
        body->data = copy_data(r, data, len);
    body->has_version = true;
    body->version = version;
    r->write_in_multi = ZOOID__LOCAL__WRITE__WRITE_SET;
    return checked(r);
}

/* It has no body of its own outside a multi: the message is kept where zooid_request_add finds it. */
zooid_request *zooid_request_check(const char *path, int32_t version)
{
    zooid_request *r = request_new(BODY(_NOT_SET));
    Zooid__Local__Check *body = r == NULL ? NULL : pool_take(&r->pool, sizeof *body);
    if (body == NULL)
        return checked(r);
    zooid__local__check__init(body);
    body->path = pool_text(&r->pool, path);
    body->has_version = true;
    body->version = version;
    r->m.get = (Zooid__Local__Get *)(void *)body;
    r->write_in_multi = ZOOID__LOCAL__WRITE__WRITE_CHECK;
    return checked(r);
}

zooid_request *zooid_request_set_acl(const char *path, int32_t version)
{
    BEGIN(SET_ACL, set_acl, Zooid__Local__SetAcl, zooid__local__set_acl);
    body->path = pool_text(&r->pool, path);
    body->has_version = true;
    body->version = version;
    return checked(r);
}

zooid_request *zooid_request_multi(void)
{
    BEGIN(MULTI, multi, Zooid__Local__Multi, zooid__local__multi);
    (void)body;
    return checked(r);
}

zooid_request *zooid_request_reconfigure(const char *joining, const char *leaving, const char *members, int64_t config)
{
    BEGIN(RECONFIGURE, reconfigure, Zooid__Local__Reconfigure, zooid__local__reconfigure);
    body->joining = pool_text(&r->pool, joining);
    body->leaving = pool_text(&r->pool, leaving);
    body->members = pool_text(&r->pool, members);
    body->has_config = true;
    body->config = config;
    return checked(r);
}

/* -- sessions and watches ------------------------------------------------------------------------------------------ */

zooid_request *zooid_request_auth(const char *scheme, const void *auth, size_t len)
{
    BEGIN(AUTH, auth, Zooid__Local__Auth, zooid__local__auth);
    body->scheme = pool_text(&r->pool, scheme);
    body->has_auth = true;
    body->auth = copy_data(r, auth, len);
    return checked(r);
}

zooid_request *zooid_request_command(const char *name)
{
    BEGIN(COMMAND, command, Zooid__Local__Command, zooid__local__command);
    body->name = pool_text(&r->pool, name);
    return checked(r);
}

zooid_request *zooid_request_open_session(void)
{
    BEGIN(OPEN_SESSION, open_session, Zooid__Local__OpenSession, zooid__local__open_session);
    (void)body;
    return checked(r);
}

zooid_request *zooid_request_close_session(void)
{
    BEGIN(CLOSE_SESSION, close_session, Zooid__Local__CloseSession, zooid__local__close_session);
    (void)body;
    return checked(r);
}

zooid_request *zooid_request_add_watch(const char *path, enum zooid_watch_mode mode)
{
    BEGIN(ADD_WATCH, add_watch, Zooid__Local__AddWatch, zooid__local__add_watch);
    body->path = pool_text(&r->pool, path);
    body->has_mode = true;
    body->mode = mode == ZOOID_WATCH_RECURSIVE ? ZOOID__LOCAL__WATCH_MODE__WATCH_RECURSIVE
                                               : ZOOID__LOCAL__WATCH_MODE__WATCH_PERSISTENT;
    return checked(r);
}

zooid_request *zooid_request_remove_watch(const char *path)
{
    BEGIN(REMOVE_WATCH, remove_watch, Zooid__Local__RemoveWatch, zooid__local__remove_watch);
    body->path = pool_text(&r->pool, path);
    body->has_kind = true;
    body->kind = ZOOID__LOCAL__WATCH_KIND__WATCHES_ANY;
    return checked(r);
}

/* -- the log ------------------------------------------------------------------------------------------------------- */

zooid_request *zooid_request_monitor(const char *level)
{
    BEGIN(MONITOR, monitor, Zooid__Local__Monitor, zooid__local__monitor);
    body->level = pool_text(&r->pool, level);
    return checked(r);
}

/* -- calls --------------------------------------------------------------------------------------------------------- */

zooid_request *zooid_request_call(const char *provider, const char *command, const void *data, size_t len)
{
    BEGIN(CALL, call, Zooid__Local__Call, zooid__local__call);
    body->provider = pool_text(&r->pool, provider);
    body->command = pool_text(&r->pool, command);
    body->has_bytes = true;
    body->bytes = copy_data(r, data, len);
    return checked(r);
}

zooid_request *zooid_request_provide(const char *name, const char *description)
{
    BEGIN(PROVIDE, provide, Zooid__Local__Provide, zooid__local__provide);
    body->name = pool_text(&r->pool, name);
    body->description = pool_text(&r->pool, description);
    return checked(r);
}
