/* equal.c - see reference.h: members compared with the one history, by digest after each step, node by node at the end.
 */
#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/replica/status_report.h"
#include "tests/sim/checks/sessions.h"
#include "tests/sim/ensemble.h"
#include "tests/sim/replica/member.h"
#include "tests/sim/replica/reference.h"

#include <inttypes.h>

/* -- after each step ------------------------------------------------------------------------------------------------
 */

static void compare_to(struct world *w, const struct server *m, const struct reference_txn *at)
{
    struct replica *r = m->replica->r;
    if (tree_digest(replica_tree(r)) != at->digest)
        world_fail(w, "member %" PRId64 " has another tree at 0x%" PRIx64 ": digest %" PRIx64 ", not %" PRIx64, m->sid,
                   (uint64_t)at->zxid, tree_digest(replica_tree(r)), at->digest);
    if (sessions_count(replica_sessions(r)) != at->sessions)
        world_fail(w, "member %" PRId64 " has %zu sessions at 0x%" PRIx64 ", not %zu", m->sid,
                   sessions_count(replica_sessions(r)), (uint64_t)at->zxid, at->sessions);
}

void reference_compare(struct world *w, struct server *m)
{
    const struct reference *ref = w->replicas->reference;
    if (replica_service(m->replica->r) == SERVICE_NONE || m->phase != ZAB_BROADCAST || w->failed)
        return;
    if (m->tree.count > 0 && m->tree.count <= reference_count(ref) && m->tree.count != m->replica->compared) {
        m->replica->compared = m->tree.count;
        compare_to(w, m, reference_at(ref, m->tree.count - 1));
    }
}

/* -- at the end -----------------------------------------------------------------------------------------------------
 */

static bool same_stat(const struct tree *a, const struct tree_node *x, const struct tree *b, const struct tree_node *y)
{
    struct node_stat one, other;
    tree_stat(a, x, &one);
    tree_stat(b, y, &other);
    struct buffer left = {0}, right = {0};
    CHECK(node_stat_print(&left, &one) == ST_OK && node_stat_print(&right, &other) == ST_OK);
    bool same = bytes_equal(buffer_bytes(&left), buffer_bytes(&right));
    buffer_free(&left);
    buffer_free(&right);
    return same;
}

/* Each member sets its configuration node by itself (quorum-protocol 2.7). */
static bool is_own(struct bytes path)
{
    return bytes_equal(path, BYTES("/zookeeper/config"));
}

static void compare_node(struct world *w, const struct server *m, const struct tree *own, const struct tree_node *node,
                         struct bytes path)
{
    const struct tree *tree = reference_tree(w->replicas->reference);
    const struct tree_node *other = tree_lookup(tree, path);
    if (other == NULL || !bytes_equal(tree_data(node), tree_data(other)) || !same_stat(own, node, tree, other))
        world_fail(w, "member %" PRId64 " has another node %.*s at the end", m->sid, BYTES_PRINT(path));
}

static void compare_trees(struct world *w, const struct server *m)
{
    const struct tree *own = replica_tree(m->replica->r), *tree = reference_tree(w->replicas->reference);
    const struct tree_node *root = tree_lookup(own, BYTES("/"));
    struct buffer path = {0};
    for (const struct tree_node *node = tree_next_preorder(own, root, NULL); node != NULL && !w->failed;
         node = tree_next_preorder(own, root, node)) {
        path.len = 0;
        CHECK(tree_path(own, node, &path) == ST_OK);
        if (!is_own(buffer_bytes(&path)))
            compare_node(w, m, own, node, buffer_bytes(&path));
    }
    buffer_free(&path);
    if (tree_count(own) != tree_count(tree) || tree_ephemeral_count(own) != tree_ephemeral_count(tree))
        world_fail(w, "member %" PRId64 " has %" PRIu64 " nodes, %" PRIu64 " ephemeral, not %" PRIu64 ", %" PRIu64,
                   m->sid, tree_count(own), tree_ephemeral_count(own), tree_count(tree), tree_ephemeral_count(tree));
}

struct session_search {
    struct world *w;
    const struct server *m;
};

static void find_session(void *context, const struct session *session)
{
    const struct session_search *s = context;
    if (sessions_get(reference_sessions(s->w->replicas->reference), session->id) == NULL)
        world_fail(s->w, "member %" PRId64 " has session 0x%" PRIx64 " at the end", s->m->sid, (uint64_t)session->id);
}

static void compare_status(struct world *w, const struct server *m)
{
    struct replica_status status;
    replica_status(m->replica->r, &status);
    if (status.digest_mismatches != 0)
        world_fail(w, "member %" PRId64 " saw another digest at 0x%" PRIx64, m->sid, (uint64_t)status.mismatch_zxid);
}

void reference_check_end(struct world *w)
{
    const struct reference *ref = w->replicas->reference;
    for (unsigned i = 0; i < w->count && !w->failed; i++) {
        struct server *m = &w->servers[i];
        if (!ensemble_has(w, m))
            continue;
        const struct sessions *sessions = replica_sessions(m->replica->r);
        compare_trees(w, m);
        compare_status(w, m);
        sessions_each(sessions, find_session, &(struct session_search){w, m});
        if (sessions_count(sessions) != sessions_count(reference_sessions(ref)))
            world_fail(w, "member %" PRId64 " has not all sessions at the end", m->sid);
        check_owners(w, replica_tree(m->replica->r), sessions, m->tree.label);
    }
}
