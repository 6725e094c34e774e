/* reply.c - what came back: read from the messages as they came. */
#include "bindings/c/internal.h"

#include <stdio.h>
#include <stdlib.h>

#define BODY(name) ZOOID__LOCAL__FROM_AGENT__BODY_##name

static char *copy_text(const char *text)
{
    return text == NULL ? NULL : strdup(text);
}

zooid_reply *reply_new(int code, const char *message, const char *path)
{
    zooid_reply *reply = calloc(1, sizeof *reply);
    if (reply == NULL)
        return NULL;
    reply->code = code;
    reply->message = copy_text(message == NULL ? zooid_code_text(code) : message);
    reply->path = copy_text(path);
    reply->retry = code == ZOOID_CONNECTION_LOST || code == ZOOID_DEADLINE_EXCEEDED;
    return reply;
}

void zooid_reply_free(zooid_reply *reply)
{
    if (reply == NULL)
        return;
    from_agent *home = reply->home;
    pool_free(&reply->pool);
    if (home == NULL) {
        free(reply->message);
        free(reply->path);
        free(reply);
        return;
    }
    for (size_t i = 0; i + 1 < reply->part_count; i++) /* the last one is its home */
        message_free(reply->parts[i]);
    if (reply->parts != &reply->only)
        free(reply->parts);
    message_free(home);
}

/* -- taking apart ---------------------------------------------------------------------------------------------------
 */

struct zooid_stat stat_read(const Zooid__Local__Stat *from)
{
    const enum zooid_node_kind guess = from->ephemeral_owner != 0 ? ZOOID_EPHEMERAL : ZOOID_PERSISTENT;
    return (struct zooid_stat){.czxid = from->czxid,
                               .mzxid = from->mzxid,
                               .ctime = from->ctime,
                               .mtime = from->mtime,
                               .version = from->version,
                               .cversion = from->cversion,
                               .aversion = from->aversion,
                               .ephemeral_owner = from->ephemeral_owner,
                               .data_length = from->data_length,
                               .num_children = from->num_children,
                               .pzxid = from->pzxid,
                               .kind = from->has_kind ? (enum zooid_node_kind)from->kind : guess};
}

static const struct zooid_stat *keep_stat(zooid_reply *reply, const Zooid__Local__Stat *from)
{
    struct zooid_stat *stat = from == NULL ? NULL : pool_take(&reply->pool, sizeof *stat);
    if (stat != NULL)
        *stat = stat_read(from);
    return stat;
}

static void set_stat(zooid_reply *reply, const Zooid__Local__Stat *from)
{
    reply->has_stat = from != NULL;
    if (from != NULL)
        reply->stat = stat_read(from);
}

static void add_node(zooid_reply *reply, const Zooid__Local__Node *from, int code, const char *path)
{
    struct zooid_node *node = &reply->nodes[reply->node_count++];
    *node = (struct zooid_node){.code = code, .path = path};
    if (from == NULL)
        return;
    node->path = path != NULL ? path : from->path;
    if (from->has_data) {
        node->data = from->data.data == NULL ? (const void *)"" : from->data.data;
        node->data_len = from->data.len;
    }
    node->stat = keep_stat(reply, from->stat);
    node->children = (const char *const *)from->child;
    node->child_count = from->n_child;
}

/* How many names and nodes a part brings. */
static void count_part(const from_agent *m, size_t *names, size_t *nodes)
{
    switch (m->body_case) {
    case BODY(CHILDREN):
        *names += m->children->n_name;
        *nodes += m->children->n_node;
        break;
    case BODY(PATHS): *names += m->paths->n_path; break;
    case BODY(NODES): *nodes += m->nodes->n_node; break;
    case BODY(RESULTS): *nodes += m->results->n_result; break;
    case BODY(IDENTITIES): *names += m->identities->n_identity; break;
    default: break;
    }
}

static const char *join(zooid_reply *reply, const char *scheme, const char *id)
{
    size_t size = strlen(scheme) + strlen(id) + 2;
    char *text = pool_take(&reply->pool, size);
    if (text != NULL)
        (void)snprintf(text, size, "%s:%s", scheme, id);
    return text;
}

static void take_children(zooid_reply *reply, const Zooid__Local__Children *children)
{
    for (size_t i = 0; i < children->n_name; i++)
        reply->names[reply->name_count++] = children->name[i];
    for (size_t i = 0; i < children->n_node; i++)
        add_node(reply, children->node[i], children->node[i]->code, children->name[i]);
    set_stat(reply, children->stat);
}

static void take_acls(zooid_reply *reply, const Zooid__Local__Acls *acls)
{
    reply->acls = pool_take(&reply->pool, (acls->n_acl + 1) * sizeof *reply->acls);
    for (size_t i = 0; reply->acls != NULL && i < acls->n_acl; i++)
        reply->acls[reply->acl_count++] = (struct zooid_acl){acls->acl[i]->perms, acls->acl[i]->scheme,
                                                             acls->acl[i]->id};
    set_stat(reply, acls->stat);
}

static void take_part(zooid_reply *reply, const from_agent *m)
{
    switch (m->body_case) {
    case BODY(NODE): set_stat(reply, m->node->stat); break;
    case BODY(CHILDREN): take_children(reply, m->children); break;
    case BODY(ACLS): take_acls(reply, m->acls); break;
    case BODY(NODES):
        for (size_t i = 0; i < m->nodes->n_node; i++)
            add_node(reply, m->nodes->node[i], m->nodes->node[i]->code, NULL);
        break;
    case BODY(RESULTS):
        for (size_t i = 0; i < m->results->n_result; i++)
            add_node(reply, m->results->result[i]->node, m->results->result[i]->code, NULL);
        break;
    case BODY(PATHS):
        for (size_t i = 0; i < m->paths->n_path; i++)
            reply->names[reply->name_count++] = m->paths->path[i];
        break;
    case BODY(IDENTITIES):
        for (size_t i = 0; i < m->identities->n_identity; i++)
            reply->names[reply->name_count++] = join(reply, m->identities->identity[i]->scheme,
                                                     m->identities->identity[i]->id);
        break;
    default: break;
    }
}

static const from_agent *final_part(const zooid_reply *reply)
{
    return reply == NULL || reply->part_count == 0 ? NULL : reply->parts[reply->part_count - 1];
}

static void take_error(zooid_reply *reply)
{
    const from_agent *m = final_part(reply);
    if (m->error == NULL)
        return;
    reply->code = m->error->code;
    reply->retry = m->error->retry;
    reply->outcome_unknown = m->error->outcome_unknown;
}

/* Room for as many names and nodes as there are. */
static bool make_lists(zooid_reply *reply, from_agent **parts, size_t count)
{
    size_t names = 0, nodes = 0;
    for (size_t i = 0; i < count; i++)
        count_part(parts[i], &names, &nodes);
    reply->names = names == 0 ? NULL : pool_take(&reply->pool, names * sizeof *reply->names);
    reply->nodes = nodes == 0 ? NULL : pool_take(&reply->pool, nodes * sizeof *reply->nodes);
    return !reply->pool.failed;
}

/* It lies in the memory of its last part, and so does what it keeps of the request. */
static zooid_reply *reply_in(from_agent *home, const char *path)
{
    zooid_reply *reply = message_take(home, sizeof *reply);
    if (reply == NULL)
        return NULL;
    memset(reply, 0, sizeof *reply);
    reply->home = home;
    size_t size = path == NULL ? 0 : strlen(path) + 1;
    reply->path = size == 0 ? NULL : message_take(home, size);
    if (reply->path != NULL)
        memcpy(reply->path, path, size);
    return reply;
}

zooid_reply *reply_from_parts(from_agent **parts, size_t count, const char *path)
{
    zooid_reply *reply = reply_in(parts[count - 1], path);
    if (reply == NULL)
        return NULL;
    if (!make_lists(reply, parts, count)) {
        pool_free(&reply->pool);
        return NULL;
    }
    reply->only = parts[0];
    reply->parts = count == 1 ? &reply->only : parts;
    reply->part_count = count;
    for (size_t i = 0; i < count; i++)
        take_part(reply, parts[i]);
    take_error(reply);
    return reply;
}

/* -- what can be asked of it ----------------------------------------------------------------------------------------
 */

int zooid_reply_code(const zooid_reply *reply)
{
    return reply == NULL ? ZOOID_NO_MEMORY : reply->code;
}

const char *zooid_reply_message(const zooid_reply *reply)
{
    const from_agent *m = final_part(reply);
    if (reply != NULL && reply->message != NULL)
        return reply->message;
    if (m != NULL && m->error != NULL && m->error->message != NULL)
        return m->error->message;
    return zooid_code_text(zooid_reply_code(reply));
}

const char *zooid_reply_path(const zooid_reply *reply)
{
    const from_agent *m = final_part(reply);
    if (m != NULL && m->body_case == BODY(NODE) && m->node->path != NULL)
        return m->node->path;
    return reply == NULL ? NULL : reply->path;
}

bool zooid_reply_retry(const zooid_reply *reply)
{
    return reply != NULL && reply->retry;
}

bool zooid_reply_outcome_unknown(const zooid_reply *reply)
{
    return reply != NULL && reply->outcome_unknown;
}

static const Zooid__Local__State *state_of(const zooid_reply *reply)
{
    const from_agent *m = final_part(reply);
    return m == NULL ? NULL : m->state;
}

int64_t zooid_reply_zxid(const zooid_reply *reply)
{
    const Zooid__Local__State *state = state_of(reply);
    const from_agent *m = final_part(reply);
    if (m != NULL && m->body_case == BODY(CHUNK))
        return m->chunk->zxid;
    return state != NULL ? state->zxid : reply == NULL ? 0 : reply->zxid;
}

uint32_t zooid_reply_age_ms(const zooid_reply *reply)
{
    const Zooid__Local__State *state = state_of(reply);
    return state == NULL ? 0 : state->age_ms;
}

enum zooid_role zooid_reply_role(const zooid_reply *reply)
{
    const Zooid__Local__State *state = state_of(reply);
    return state == NULL ? ZOOID_ROLE_NONE : (enum zooid_role)state->role;
}

/* The bytes that the final part brings. NULL: none. */
static const void *part_data(const from_agent *m, size_t *len)
{
    const ProtobufCBinaryData *data = NULL;
    *len = 0;
    if (m != NULL && m->body_case == BODY(REPORT) && m->report->json != NULL) {
        *len = strlen(m->report->json);
        return m->report->json;
    }
    if (m != NULL && m->body_case == BODY(REPORT) && m->report->has_bytes)
        data = &m->report->bytes;
    if (m != NULL && m->body_case == BODY(NODE) && m->node->has_data)
        data = &m->node->data;
    if (data == NULL)
        return NULL;
    *len = data->len;
    return data->data == NULL ? (const void *)"" : data->data;
}

const void *zooid_reply_data(const zooid_reply *reply)
{
    size_t len;
    return reply != NULL && reply->data != NULL ? reply->data : part_data(final_part(reply), &len);
}

size_t zooid_reply_data_len(const zooid_reply *reply)
{
    size_t len;
    if (reply != NULL && reply->data != NULL)
        return reply->data_len;
    (void)part_data(final_part(reply), &len);
    return len;
}

const struct zooid_stat *zooid_reply_stat(const zooid_reply *reply)
{
    return reply != NULL && reply->has_stat ? &reply->stat : NULL;
}

uint64_t zooid_reply_number(const zooid_reply *reply)
{
    const from_agent *m = final_part(reply);
    if (m != NULL && m->body_case == BODY(COUNT))
        return m->count->count;
    if (m != NULL && m->body_case == BODY(CHUNK))
        return m->chunk->nodes;
    return reply == NULL ? 0 : reply->number;
}

bool zooid_reply_complete(const zooid_reply *reply)
{
    const from_agent *m = final_part(reply);
    return m != NULL && (m->body_case != BODY(CHILDREN) || m->children->complete);
}

size_t zooid_reply_name_count(const zooid_reply *reply)
{
    return reply == NULL ? 0 : reply->name_count;
}

const char *zooid_reply_name(const zooid_reply *reply, size_t index)
{
    return reply == NULL || index >= reply->name_count ? NULL : reply->names[index];
}

size_t zooid_reply_node_count(const zooid_reply *reply)
{
    return reply == NULL ? 0 : reply->node_count;
}

const struct zooid_node *zooid_reply_node(const zooid_reply *reply, size_t index)
{
    return reply == NULL || index >= reply->node_count ? NULL : &reply->nodes[index];
}

size_t zooid_reply_acl_count(const zooid_reply *reply)
{
    return reply == NULL ? 0 : reply->acl_count;
}

const struct zooid_acl *zooid_reply_acl(const zooid_reply *reply, size_t index)
{
    return reply == NULL || index >= reply->acl_count ? NULL : &reply->acls[index];
}
