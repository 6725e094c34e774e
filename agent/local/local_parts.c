/* local_parts.c - a reply that is longer than a frame of the peer may be leaves in parts. */
#include "agent/local/local_internal.h"

#include "bindings/c/codec.h"

enum { ROOM_FOR_ENVELOPE = 256 };

/* A run of a message's nodes that fits, one at least. */
static size_t run_of_nodes(Zooid__Local__Node **nodes, char **names, size_t count, size_t room)
{
    size_t n = 0, size = 0;
    while (n < count) {
        size_t more = nodes == NULL ? 0 : zooid__local__node__get_packed_size(nodes[n]) + 16;
        more += names == NULL ? 0 : strlen(names[n]) + 16;
        if (n > 0 && size + more > room)
            break;
        size += more;
        n++;
    }
    return n;
}

/* A view of the same message with fewer nodes; the rest follows. */
struct part {
    from_agent message;
    Zooid__Local__Nodes nodes;
    Zooid__Local__Children children;
};

static size_t take_part(struct part *part, size_t at, size_t room)
{
    size_t n = 0;
    if (part->message.body_case == ZOOID__LOCAL__FROM_AGENT__BODY_NODES) {
        part->nodes.node += at;
        part->nodes.n_node -= at;
        n = run_of_nodes(part->nodes.node, NULL, part->nodes.n_node, room);
        part->message.more = n < part->nodes.n_node;
        part->nodes.n_node = n;
        part->message.nodes = &part->nodes;
    } else {
        bool with_nodes = part->children.n_node > 0;
        part->children.name += at;
        part->children.n_name -= at;
        part->children.node = with_nodes ? part->children.node + at : NULL;
        n = run_of_nodes(part->children.node, part->children.name, part->children.n_name, room);
        part->message.more = n < part->children.n_name;
        part->children.n_name = n;
        part->children.n_node = with_nodes ? n : 0;
        part->message.children = &part->children;
    }
    part->message.has_more = part->message.more;
    return n;
}

static enum status too_long(const struct local_client *c, const from_agent *m, struct buffer *say)
{
    Zooid__Local__Error error = ZOOID__LOCAL__ERROR__INIT;
    from_agent short_one = *m;
    error.has_code = true;
    error.code = ZOOID__LOCAL__CODE__LIMIT_REACHED;
    error.message = "the answer is longer than a frame that the client takes (Hello.frame_max)";
    short_one.body_case = ZOOID__LOCAL__FROM_AGENT__BODY__NOT_SET;
    short_one.error = &error;
    (void)c;
    return local_write(say, &short_one);
}

enum status local_write_parts(const struct local_client *c, const from_agent *m, struct buffer *say)
{
    bool nodes = m->body_case == ZOOID__LOCAL__FROM_AGENT__BODY_NODES;
    bool children = m->body_case == ZOOID__LOCAL__FROM_AGENT__BODY_CHILDREN;
    bool fits;
    enum status st = local_write_within(say, m, CODEC_SMALL, &fits);
    if (st != ST_OK || fits)
        return st;
    size_t size = zooid__local__from_agent__get_packed_size(m);
    if (size <= c->frame_max)
        return local_write_within(say, m, size, &fits);
    if (!nodes && !children)
        return too_long(c, m, say);
    size_t count = nodes ? m->nodes->n_node : m->children->n_name;
    for (size_t at = 0; at < count && st == ST_OK;) {
        struct part part = {.message = *m};
        if (nodes)
            part.nodes = *m->nodes;
        else
            part.children = *m->children;
        at += take_part(&part, at, c->frame_max - ROOM_FOR_ENVELOPE);
        fits = zooid__local__from_agent__get_packed_size(&part.message) <= c->frame_max;
        if (!fits)
            return too_long(c, m, say);
        st = local_write(say, &part.message);
    }
    return st;
}
