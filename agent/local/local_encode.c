/* local_encode.c - messages of local clients as bodies of the replica's requests. */
#include "agent/local/local_ops.h"

#include "core/ops/op.h"

/* -- what messages hold ------------------------------------------------------------------------------------------- */

static struct bytes data_of(protobuf_c_boolean has, ProtobufCBinaryData data)
{
    if (!has)
        return BYTES_NULL;
    return data.len == 0 ? BYTES("") : bytes_make(data.data, data.len);
}

static enum status write_paths(struct writer *w, size_t count, char **paths)
{
    write_i32(w, (int32_t)count);
    for (size_t i = 0; i < count; i++)
        write_text(w, bytes_of(paths[i]));
    return w->status;
}

/* Without entries it is open to everybody, as most clients' default. */
static enum status write_acl(struct writer *w, size_t count, Zooid__Local__Acl **acls, struct arena *arena)
{
    if (count > 0)
        return local_acl_write(w, count, acls, arena);
    write_i32(w, 1);
    acl_entry_write(w, &(struct acl_entry){PERMISSION_ALL, BYTES("world"), BYTES("anyone")});
    return w->status;
}

/* -- reads -------------------------------------------------------------------------------------------------------- */

LOCAL_ENCODER(nothing)
{
    (void)m;
    (void)arena;
    return w->status;
}

LOCAL_ENCODER(auth)
{
    (void)arena;
    const struct auth_request request = {0, bytes_of(m->auth->scheme), data_of(m->auth->has_auth, m->auth->auth)};
    auth_request_write(w, &request);
    return w->status;
}

static enum status path_watch(struct writer *w, const char *path, bool watch)
{
    path_watch_request_write(w, &(struct path_watch_request){bytes_of(path), watch});
    return w->status;
}

LOCAL_ENCODER(get)
{
    (void)arena;
    return path_watch(w, m->get->path, m->get->watch);
}

LOCAL_ENCODER(exists)
{
    (void)arena;
    return path_watch(w, m->exists->path, m->exists->watch);
}

LOCAL_ENCODER(list)
{
    (void)arena;
    const Zooid__Local__List *list = m->list;
    const struct list_page_request request = {.path = bytes_of(list->path),
                                              .watch = list->watch,
                                              .after = bytes_of(list->after),
                                              .limit = list->limit > INT32_MAX ? 0 : (int32_t)list->limit,
                                              .with_nodes = list->with_nodes};
    list_page_request_write(w, &request);
    return w->status;
}

static enum status path_alone(struct writer *w, const char *path)
{
    path_request_write(w, &(struct path_request){bytes_of(path)});
    return w->status;
}

LOCAL_ENCODER(get_acl)
{
    (void)arena;
    return path_alone(w, m->get_acl->path);
}

LOCAL_ENCODER(count)
{
    (void)arena;
    return path_alone(w, m->count_descendants->path);
}

LOCAL_ENCODER(ephemerals)
{
    (void)arena;
    return path_alone(w, m->ephemerals->prefix);
}

LOCAL_ENCODER(sync)
{
    (void)arena;
    return path_alone(w, m->sync->path);
}

LOCAL_ENCODER(read_many)
{
    (void)arena;
    enum status st = write_paths(w, m->read_many->n_path, m->read_many->path);
    write_boolean(w, m->read_many->with_children);
    return st == ST_OK ? w->status : st;
}

LOCAL_ENCODER(subtree)
{
    (void)arena;
    const Zooid__Local__Subtree *subtree = m->subtree;
    write_i32(w, (int32_t)subtree->n_also + 1);
    write_text(w, bytes_of(subtree->path));
    for (size_t i = 0; i < subtree->n_also; i++)
        write_text(w, bytes_of(subtree->also[i]));
    write_i32(w, subtree->depth > INT32_MAX ? 0 : (int32_t)subtree->depth);
    write_boolean(w, subtree->without_data);
    return w->status;
}

const Zooid__Local__Freshness *freshness_get(const to_agent *m)
{
    return m->get->fresh;
}

const Zooid__Local__Freshness *freshness_exists(const to_agent *m)
{
    return m->exists->fresh;
}

const Zooid__Local__Freshness *freshness_list(const to_agent *m)
{
    return m->list->fresh;
}

const Zooid__Local__Freshness *freshness_get_acl(const to_agent *m)
{
    return m->get_acl->fresh;
}

const Zooid__Local__Freshness *freshness_read_many(const to_agent *m)
{
    return m->read_many->fresh;
}

const Zooid__Local__Freshness *freshness_subtree(const to_agent *m)
{
    return m->subtree->fresh;
}

/* -- writes ------------------------------------------------------------------------------------------------------- */

/* The flags of ZooKeeper's creates, by kind and whether a number is appended (client-protocol 2); -1: not offered. */
static int32_t create_flags(const Zooid__Local__Create *create)
{
    static const int32_t flags[][2] = {
        [ZOOID__LOCAL__NODE_KIND__PERSISTENT] = {0, 2},
        [ZOOID__LOCAL__NODE_KIND__EPHEMERAL] = {1, 3},
        [ZOOID__LOCAL__NODE_KIND__CONTAINER] = {4, -1},
        [ZOOID__LOCAL__NODE_KIND__TTL] = {5, 6},
    };
    unsigned kind = (unsigned)create->kind;
    return kind < ARRAY_LEN(flags) ? flags[kind][create->sequential ? 1 : 0] : -1;
}

int32_t create_number(const Zooid__Local__Create *create)
{
    if (create->kind == ZOOID__LOCAL__NODE_KIND__CONTAINER)
        return TXN_CREATE_CONTAINER;
    return create->kind == ZOOID__LOCAL__NODE_KIND__TTL ? TXN_CREATE_TTL : TXN_CREATE2;
}

static enum status write_create(const Zooid__Local__Create *create, struct arena *arena, struct writer *w)
{
    int32_t flags = create_flags(create);
    if (create->path == NULL || flags < 0)
        return ST_BAD_ARGUMENTS;
    write_text(w, bytes_of(create->path));
    write_blob(w, data_of(create->has_data, create->data));
    enum status st = write_acl(w, create->n_acl, create->acl, arena);
    write_i32(w, flags);
    if (create->kind == ZOOID__LOCAL__NODE_KIND__TTL)
        write_i64(w, create->ttl_ms);
    return st == ST_OK ? w->status : st;
}

static enum status write_delete(const Zooid__Local__Delete *delete, struct writer *w)
{
    const struct path_version_request request = {bytes_of(delete->path), delete->version};
    path_version_request_write(w, &request);
    return delete->path == NULL ? ST_BAD_ARGUMENTS : w->status;
}

static enum status write_check(const Zooid__Local__Check *check, struct writer *w)
{
    path_version_request_write(w, &(struct path_version_request){bytes_of(check->path), check->version});
    return check->path == NULL ? ST_BAD_ARGUMENTS : w->status;
}

static enum status write_set(const Zooid__Local__Set *set, struct writer *w)
{
    const struct set_data_request request = {bytes_of(set->path), data_of(set->has_data, set->data), set->version};
    set_data_request_write(w, &request);
    return set->path == NULL ? ST_BAD_ARGUMENTS : w->status;
}

LOCAL_ENCODER(create)
{
    return write_create(m->create, arena, w);
}

LOCAL_ENCODER(delete)
{
    (void)arena;
    return write_delete(m->delete_, w);
}

LOCAL_ENCODER(set)
{
    (void)arena;
    return write_set(m->set, w);
}

LOCAL_ENCODER(set_acl)
{
    write_text(w, bytes_of(m->set_acl->path));
    enum status st = write_acl(w, m->set_acl->n_acl, m->set_acl->acl, arena);
    write_i32(w, m->set_acl->version);
    return st == ST_OK ? w->status : st;
}

static void write_sub_header(struct writer *w, int32_t type)
{
    multi_header_write(w, &(struct multi_header){type, type == -1, -1});
}

static enum status write_sub(const Zooid__Local__Write *write, struct arena *arena, struct writer *w)
{
    switch (write->write_case) {
    case ZOOID__LOCAL__WRITE__WRITE_CREATE:
        write_sub_header(w, create_number(write->create));
        return write_create(write->create, arena, w);
    case ZOOID__LOCAL__WRITE__WRITE_DELETE: write_sub_header(w, TXN_DELETE); return write_delete(write->delete_, w);
    case ZOOID__LOCAL__WRITE__WRITE_SET: write_sub_header(w, TXN_SET_DATA); return write_set(write->set, w);
    case ZOOID__LOCAL__WRITE__WRITE_CHECK: write_sub_header(w, TXN_CHECK); return write_check(write->check, w);
    default: return ST_BAD_ARGUMENTS;
    }
}

LOCAL_ENCODER(multi)
{
    enum status st = ST_OK;
    for (size_t i = 0; i < m->multi->n_write && st == ST_OK; i++)
        st = write_sub(m->multi->write[i], arena, w);
    write_sub_header(w, -1);
    return st == ST_OK ? w->status : st;
}

LOCAL_ENCODER(reconfigure)
{
    (void)arena;
    const Zooid__Local__Reconfigure *change = m->reconfigure;
    reconfig_request_write(w, &(struct reconfig_request){bytes_of(change->joining), bytes_of(change->leaving),
                                                         bytes_of(change->members), change->config});
    return w->status;
}

/* -- watches ------------------------------------------------------------------------------------------------------ */

LOCAL_ENCODER(add_watch)
{
    (void)arena;
    const struct path_type_request request = {bytes_of(m->add_watch->path), (int32_t)m->add_watch->mode};
    path_type_request_write(w, &request);
    return w->status;
}

LOCAL_ENCODER(remove_watch)
{
    (void)arena;
    const struct path_type_request request = {bytes_of(m->remove_watch->path), (int32_t)m->remove_watch->kind};
    path_type_request_write(w, &request);
    return w->status;
}

LOCAL_ENCODER(restore_watches)
{
    (void)arena;
    const Zooid__Local__RestoreWatches *restore = m->restore_watches;
    write_i64(w, restore->zxid);
    (void)write_paths(w, restore->n_data, restore->data);
    (void)write_paths(w, restore->n_exists, restore->exists);
    (void)write_paths(w, restore->n_children, restore->children);
    (void)write_paths(w, restore->n_persistent, restore->persistent);
    return write_paths(w, restore->n_recursive, restore->recursive);
}
